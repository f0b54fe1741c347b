//! From a model file to a network.
//!
//! The file says which cell and how many units there are by the shapes of its tensors; everything
//! else follows from the schema, whose hash the file has to name.

use super::super::discretise::{SIDE_FLAGS, SIZES};
use super::super::engine::{BLOCK, Cell, Dispatch, Engine, EngineError, Layer, Shape, Weights};
use super::super::file::{FileError, ModelFile};
use super::super::schema::{self, DENSE, FINE_SIZES, FINE_TENSOR, HEADS, TABLES, WIDTH, number};
use super::{Chained, MOST_STATE, Network, Places, TIME_LOGITS, WIDEST};

/// The word of a file under which the schema's hash stands.
pub(super) const SCHEMA: &str = "schema";

fn cell_of(file: &ModelFile<'_>) -> Option<(Cell, &'static str)> {
    let cells = [(Cell::Gru, "gru"), (Cell::Lstm, "lstm")];
    cells.into_iter().find(|(_, name)| file.shape(&format!("{name}.weight_hh_l0")).is_some())
}

/// Whether a tensor belongs to a network.
pub(in super::super) fn declares(tensor: &str) -> bool {
    let cells = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"];
    let of_cell = |name: &str| tensor.strip_prefix(name).is_some_and(|rest| cells.contains(&rest));
    let of_input = |rest: &str| {
        let name = rest.strip_suffix(".weight").unwrap_or("");
        rest == "dense.weight"
            || rest == "dense.bias"
            || TABLES.iter().any(|table| table.name == name)
    };
    let of_head = |rest: &str| {
        HEADS.iter().any(|head| {
            rest.strip_prefix(head.name).and_then(|rest| rest.strip_prefix('.')).is_some_and(
                |rest| {
                    let values =
                        rest.strip_prefix("given.").or_else(|| rest.strip_prefix("direct."));
                    let other = values.and_then(|rest| rest.strip_suffix(".weight"));
                    ["weight", "bias", "state.weight", "state.bias"].contains(&rest)
                        || other.is_some_and(|other| {
                            head.given.iter().any(|given| HEADS[given.head].name == other)
                        })
                },
            )
        })
    };
    tensor == FINE_TENSOR
        || of_cell("gru.")
        || of_cell("lstm.")
        || tensor.strip_prefix("input.").is_some_and(of_input)
        || tensor.strip_prefix("head.").is_some_and(of_head)
}

impl Network {
    /// The network of a file.
    ///
    /// # Errors
    /// If the file has none, one for another schema, or one that is not whole and sane.
    pub(in super::super) fn read(
        file: &ModelFile<'_>,
        dispatch: Dispatch,
    ) -> Result<Self, FileError> {
        let Some((cell, name)) = cell_of(file) else {
            return Err(FileError::Missing {
                tensor: "gru.weight_hh_l0".to_owned(),
                expected: vec![96, 32],
            });
        };
        file.expect_word(SCHEMA, &schema::HASH)?;
        let recurrent = format!("{name}.weight_hh_l0");
        let hidden = file.shape(&recurrent).and_then(|shape| shape.get(1)).copied().unwrap_or(0);
        let state = if cell == Cell::Lstm { 2 * hidden } else { hidden };
        if !(32..=256).contains(&hidden) || !hidden.is_multiple_of(16) || state > MOST_STATE {
            let expected = "a multiple of 16 from 32 to 256";
            return Err(FileError::Size { what: "hidden units", expected, found: hidden });
        }
        let gates = cell.gates() * hidden;
        let weight_hh = file.tensor(&recurrent, &[gates, hidden])?;
        let input = file.tensor(&format!("{name}.weight_ih_l0"), &[gates, WIDTH])?;
        let mut bias_ih = file.tensor(&format!("{name}.bias_ih_l0"), &[gates])?;
        let bias_hh = file.tensor(&format!("{name}.bias_hh_l0"), &[gates])?;

        // The linear layer on the dense numbers and the cell's own input weights become one.
        let dense = file.tensor("input.dense.weight", &[WIDTH, DENSE.len()])?;
        let mut weight_ih = Vec::with_capacity(gates * DENSE.len());
        for row in input.chunks_exact(WIDTH) {
            for column in 0..DENSE.len() {
                let places = dense.iter().skip(column).step_by(DENSE.len());
                weight_ih.push(product(row, places.copied()));
            }
        }
        let bias = file.tensor("input.dense.bias", &[WIDTH])?;
        for (sum, row) in bias_ih.iter_mut().zip(input.chunks_exact(WIDTH)) {
            *sum += product(row, bias.iter().copied());
        }
        let (mut rows, mut tables) = (Vec::new(), [0; TABLES.len()]);
        for (table, begin) in TABLES.iter().zip(&mut tables) {
            *begin = rows.len();
            let vectors =
                file.tensor(&format!("input.{}.weight", table.name), &[table.values, WIDTH])?;
            for vector in vectors.chunks_exact(WIDTH) {
                let sums = input.chunks_exact(WIDTH);
                rows.extend(sums.map(|row| product(row, vector.iter().copied())));
            }
        }

        let mut outputs = Outputs::new(hidden);
        let straight = |number: usize| {
            let name = HEADS[number].name;
            let logits = HEADS[number].outcome.logits();
            Ok::<_, FileError>((
                file.tensor(&format!("head.{name}.weight"), &[logits, hidden])?,
                file.tensor(&format!("head.{name}.bias"), &[logits])?,
            ))
        };
        let side_flags = straight(number::SIDE_FLAGS)?;
        outputs.push(&side_flags.0, &side_flags.1);
        outputs.fill_up();
        let mut chained = |number| chained(file, number, hidden, &mut outputs);
        let [size, time, entropy] =
            [chained(number::SIZE)?, chained(number::TIME)?, chained(number::ENTROPY)?];
        let begin = outputs.bias.len();
        for number in [number::WAIT, number::NOTHING] {
            let (weight, bias) = straight(number)?;
            outputs.push(&weight, &bias);
        }
        outputs.fill_up();
        let wait = begin..outputs.bias.len();
        debug_assert_eq!(wait.len(), TIME_LOGITS);

        let weights = Weights {
            shape: Shape { cell, hidden, inputs: DENSE.len(), outputs: outputs.bias.len() },
            weight_ih: &weight_ih,
            weight_hh: &weight_hh,
            bias_ih: &bias_ih,
            bias_hh: &bias_hh,
            head_weight: &outputs.weight,
            head_bias: &outputs.bias,
        };
        let engine = Engine::new(&weights, dispatch).map_err(|error| unfit(&error))?;
        let [size, time, entropy] =
            [(size, number::SIZE), (time, number::TIME), (entropy, number::ENTROPY)]
                .map(|(parts, number)| parts.assemble(&engine, number));
        let mut within = file.tensor(FINE_TENSOR, &[SIDE_FLAGS, FINE_SIZES])?;
        for row in within.chunks_exact_mut(FINE_SIZES) {
            normalise(row);
        }
        Ok(Self {
            engine,
            places: Places::default(),
            recalls: Vec::new(),
            tables,
            rows,
            added: vec![0.0; gates],
            size: size?,
            time: time?,
            entropy: entropy?,
            wait,
            within,
        })
    }
}

/// Logarithms of the fine sizes' probabilities become these, which sum to one in each common size.
fn normalise(row: &mut [f32]) {
    let mut sums = [0.0; SIZES];
    for (fine, value) in row.iter_mut().enumerate() {
        *value = value.clamp(-50.0, 50.0).exp();
        sums[usize::from(schema::common_size(fine as u8))] += *value;
    }
    for (fine, value) in row.iter_mut().enumerate() {
        *value /= sums[usize::from(schema::common_size(fine as u8))];
    }
}

/// The sum of products, in double: it is rounded once.
fn product(row: &[f32], column: impl Iterator<Item = f32>) -> f32 {
    row.iter().zip(column).map(|(a, b)| f64::from(*a) * f64::from(b)).sum::<f64>() as f32
}

/// Outputs straight from the state, as they are put together.
struct Outputs {
    hidden: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Outputs {
    fn new(hidden: usize) -> Self {
        Self { hidden, weight: Vec::new(), bias: Vec::new() }
    }

    fn push(&mut self, weight: &[f32], bias: &[f32]) {
        self.weight.extend_from_slice(weight);
        self.bias.extend_from_slice(bias);
    }

    /// Makes the next output begin a block.
    fn fill_up(&mut self) {
        self.bias.resize(self.bias.len().next_multiple_of(BLOCK), 0.0);
        self.weight.resize(self.bias.len() * self.hidden, 0.0);
    }
}

/// A chained head's numbers, until there is an engine whose instructions its layer is made for.
struct Parts {
    at: usize,
    width: usize,
    given: [Vec<f32>; 2],
    direct: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

fn chained(
    file: &ModelFile<'_>,
    number: usize,
    hidden: usize,
    outputs: &mut Outputs,
) -> Result<Parts, FileError> {
    let head = &HEADS[number];
    let (name, logits) = (head.name, head.outcome.logits());
    let width = head.hidden;
    debug_assert!(width <= WIDEST && head.given.len() <= 2);
    let state = file.tensor(&format!("head.{name}.state.weight"), &[width, hidden])?;
    let at = outputs.bias.len();
    outputs.push(&state, &file.tensor(&format!("head.{name}.state.bias"), &[width])?);
    outputs.fill_up();
    let mut given = [Vec::new(), Vec::new()];
    let whole = logits.next_multiple_of(BLOCK);
    let mut direct = Vec::new();
    for (value, rows) in head.given.iter().zip(&mut given) {
        let other = &HEADS[value.head];
        let values = other.outcome.values();
        *rows =
            file.tensor(&format!("head.{name}.given.{}.weight", other.name), &[values, width])?;
        if value.direct {
            let shape = [values, logits];
            let rows = file.tensor(&format!("head.{name}.direct.{}.weight", other.name), &shape)?;
            for row in rows.chunks_exact(logits) {
                direct.extend_from_slice(row);
                direct.resize(direct.len().next_multiple_of(whole), 0.0);
            }
        }
    }
    let weight = file.tensor(&format!("head.{name}.weight"), &[logits, width])?;
    let bias = file.tensor(&format!("head.{name}.bias"), &[logits])?;
    Ok(Parts { at, width, given, direct, weight, bias })
}

impl Parts {
    fn assemble(self, engine: &Engine, number: usize) -> Result<Chained, FileError> {
        let Self { at, width, given, direct, weight, bias } = self;
        let out = Layer::new(engine.maths(), width, &weight, &bias);
        let out = out.map_err(|error| match unfit(&error) {
            FileError::Value { tensor, index, value } => {
                let tensor = format!("head.{}.{tensor}", HEADS[number].name);
                FileError::Value { tensor, index, value }
            }
            other => other,
        })?;
        Ok(Chained { at, width, given, direct, out })
    }
}

/// What an engine found wrong, as a fault of the file.
fn unfit(error: &EngineError) -> FileError {
    match *error {
        EngineError::Value { tensor, index, value } => {
            FileError::Value { tensor: tensor.to_owned(), index, value }
        }
        EngineError::Size { what, value } => {
            FileError::Size { what, expected: "fewer", found: value }
        }
        EngineError::Length { tensor, expected, actual } => FileError::Shape {
            tensor: tensor.to_owned(),
            expected: vec![expected],
            found: vec![actual],
        },
        EngineError::Instructions(_) => {
            FileError::Size { what: "instructions", expected: "those of this processor", found: 0 }
        }
    }
}
