//! The engine against itself on other instructions, against doubles, and against PyTorch.

use proptest::prelude::*;

use super::*;

/// The levels that this processor has beside the plain one; says which it lacks.
pub(super) fn levels(test: &str) -> Vec<Level> {
    dispatches(test).into_iter().filter_map(Dispatch::resolve).collect()
}

fn dispatches(test: &str) -> Vec<Dispatch> {
    let mut there = Vec::new();
    for dispatch in [Dispatch::Avx2, Dispatch::Avx512] {
        if dispatch.resolve().is_some() {
            there.push(dispatch);
        } else {
            eprintln!("SKIPPED: {test} on {dispatch:?}: this processor does not have it");
        }
    }
    there
}

/// Numbers that any language can make: the top 24 bits of a multiplicative congruence, -1 to 1.
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f32) / 8_388_608.0 - 1.0
    }

    pub(super) fn take(&mut self, n: usize, scale: f32) -> Vec<f32> {
        (0..n).map(|_| self.next() * scale).collect()
    }
}

/// Weights as wild as training leaves them.
pub(super) struct Network {
    shape: Shape,
    tensors: [Vec<f32>; 6],
}

impl Network {
    pub(super) fn random(shape: Shape, seed: u64) -> Self {
        let mut numbers = Numbers::new(seed);
        let unit = 1.0 / (shape.hidden as f32).sqrt();
        let rows = shape.cell.gates() * shape.hidden;
        let tensors = [
            numbers.take(rows * shape.inputs, 1.5 * unit),
            numbers.take(rows * shape.hidden, 1.5 * unit),
            numbers.take(rows, unit),
            numbers.take(rows, unit),
            numbers.take(shape.outputs * shape.hidden, 2.0 * unit),
            numbers.take(shape.outputs, unit),
        ];
        Self { shape, tensors }
    }

    pub(super) fn weights(&self) -> Weights<'_> {
        let [weight_ih, weight_hh, bias_ih, bias_hh, head_weight, head_bias] = &self.tensors;
        let shape = self.shape;
        Weights { shape, weight_ih, weight_hh, bias_ih, bias_hh, head_weight, head_bias }
    }

    fn engine(&self, dispatch: Dispatch) -> Engine {
        Engine::new(&self.weights(), dispatch).unwrap()
    }

    /// One step in doubles, as PyTorch's documentation writes the cells.
    fn step_exactly(&self, state: &mut [f64], input: &[f32], added: &[f32]) {
        let Shape { cell, hidden, inputs, .. } = self.shape;
        let [weight_ih, weight_hh, bias_ih, bias_hh, ..] = &self.tensors;
        let dot = |matrix: &[f32], row: usize, x: &[f64]| -> f64 {
            matrix[row * x.len()..][..x.len()].iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum()
        };
        let input: Vec<f64> = input.iter().map(|&x| f64::from(x)).collect();
        assert_eq!(input.len(), inputs);
        let h = state[..hidden].to_vec();
        let from_x = |row: usize| {
            let added = added.get(row).copied().unwrap_or(0.0);
            f64::from(bias_ih[row]) + dot(weight_ih, row, &input) + f64::from(added)
        };
        let from_h = |row: usize| f64::from(bias_hh[row]) + dot(weight_hh, row, &h);
        let both = |row: usize| from_x(row) + from_h(row);
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        for j in 0..hidden {
            match cell {
                Cell::Gru => {
                    let (r, z) = (sigmoid(both(j)), sigmoid(both(hidden + j)));
                    let n = (from_x(2 * hidden + j) + r * from_h(2 * hidden + j)).tanh();
                    state[j] = (1.0 - z) * n + z * h[j];
                }
                Cell::Lstm => {
                    let (i, f) = (sigmoid(both(j)), sigmoid(both(hidden + j)));
                    let g = both(2 * hidden + j).tanh();
                    let o = sigmoid(both(3 * hidden + j));
                    let c = f * state[hidden + j] + i * g;
                    state[hidden + j] = c;
                    state[j] = o * c.tanh();
                }
            }
        }
    }
}

const fn shape(cell: Cell, hidden: usize) -> Shape {
    Shape { cell, hidden, inputs: 17, outputs: 40 }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Largest distance of a state from an exact one.
fn distance(is: &[f32], should: &[f64]) -> f64 {
    is.iter().zip(should).map(|(&a, b)| (f64::from(a) - b).abs()).fold(0.0, f64::max)
}

/// Many packets through the plain engine and all others: equal bits, and near doubles.
fn agrees(cell: Cell, hidden: usize, packets: usize) {
    let test = format!("{cell:?} of {hidden}");
    let network = Network::random(shape(cell, hidden), 7);
    let shape = network.shape;
    let mut truth = network.engine(Dispatch::Plain);
    let mut others: Vec<_> = dispatches(&test).into_iter().map(|d| network.engine(d)).collect();
    let mut exact = vec![0.0; shape.state()];
    let mut numbers = Numbers::new(3);
    let (mut should, mut is) = (vec![0.0; shape.heads()], vec![0.0; shape.heads()]);
    let mut worst = 0.0_f64;
    for packet in 0..packets {
        let input = numbers.take(shape.inputs, 2.0);
        truth.step(Slot(0), &input, &[]);
        network.step_exactly(&mut exact, &input, &[]);
        worst = worst.max(distance(truth.state(Slot(0)), &exact));
        truth.heads(Slot(0), &mut should);
        for other in &mut others {
            other.step(Slot(0), &input, &[]);
            assert_eq!(bits(other.state(Slot(0))), bits(truth.state(Slot(0))), "packet {packet}");
            other.heads(Slot(0), &mut is);
            assert_eq!(bits(&is), bits(&should), "packet {packet}");
        }
    }
    println!("{test}: {worst:.1e} from doubles");
    assert!(worst < 1e-5, "{test}: {worst:.1e} from doubles");
}

/// Hidden units and packets. The large ones are slow without optimisation; `cargo bench --bench
/// engine` takes them through a thousand packets too.
const SIZES: [(usize, usize); 5] = [(32, 1_000), (48, 1_000), (64, 1_000), (128, 200), (256, 50)];

#[test]
fn a_gru_gives_the_same_bits_on_all_instructions_and_stays_near_doubles() {
    for (hidden, packets) in SIZES {
        agrees(Cell::Gru, hidden, packets);
    }
}

#[test]
fn an_lstm_gives_the_same_bits_on_all_instructions_and_stays_near_doubles() {
    for (hidden, packets) in SIZES {
        agrees(Cell::Lstm, hidden, packets);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Packets of a few connections, cut into batches at will, connections repeating in a batch.
    #[test]
    fn batches_do_not_change_a_bit(
        slots in prop::collection::vec(0_u32..12, 1..120),
        cuts in prop::collection::vec(1_usize..30, 120),
        lstm in any::<bool>(),
        hidden in prop::sample::select(vec![32_usize, 48, 80]),
        embedded in any::<bool>(),
    ) {
        let cell = if lstm { Cell::Lstm } else { Cell::Gru };
        let network = Network::random(shape(cell, hidden), 11);
        let shape = network.shape;
        let slots: Vec<Slot> = slots.into_iter().map(Slot).collect();
        let mut numbers = Numbers::new(5);
        let inputs = numbers.take(slots.len() * shape.inputs, 2.0);
        let row = if embedded { cell.gates() * hidden } else { 0 };
        let added = numbers.take(slots.len() * row, 1.0);
        let mut truth = network.engine(Dispatch::Plain);
        for (i, &slot) in slots.iter().enumerate() {
            truth.step(slot, &inputs[i * shape.inputs..], &added[i * row..][..row]);
        }
        for dispatch in dispatches("batches_do_not_change_a_bit") {
            let mut engine = network.engine(dispatch);
            let mut done = 0;
            for cut in &cuts {
                let end = (done + cut).min(slots.len());
                let part = &inputs[done * shape.inputs..end * shape.inputs];
                engine.step_batch(&slots[done..end], part, &added[done * row..end * row]);
                done = end;
            }
            prop_assert_eq!(done, slots.len());
            let mut together = vec![0.0; slots.len() * shape.heads()];
            engine.heads_batch(&slots, &mut together);
            for (&slot, together) in slots.iter().zip(together.chunks_exact(shape.heads())) {
                prop_assert_eq!(bits(engine.state(slot)), bits(truth.state(slot)));
                let mut alone = vec![0.0; shape.heads()];
                truth.heads(slot, &mut alone);
                prop_assert_eq!(bits(together), bits(&alone));
            }
        }
    }

    /// Layers of odd sizes: packing, padding and parts.
    #[test]
    fn layers_give_the_same_bits_whole_and_in_part(
        inputs in 1_usize..70,
        outputs in 1_usize..200,
        rows in 0_usize..15,
        from in 0_usize..13,
        blocks in 0_usize..13,
    ) {
        let mut numbers = Numbers::new(13);
        let weight = numbers.take(outputs * inputs, 0.5);
        let bias = numbers.take(outputs, 0.5);
        let input = numbers.take(rows * inputs, 2.0);
        let input: Vec<&[f32]> = input.chunks_exact(inputs).collect();
        let truth = Layer::new(Maths(Level::Plain), inputs, &weight, &bias).unwrap();
        let mut should = vec![0.0; rows * truth.outputs()];
        truth.apply(&input, 0..truth.blocks(), &mut should);
        let part = from.min(truth.blocks())..(from + blocks).min(truth.blocks());
        for level in [Level::Plain].into_iter().chain(levels("layers_give_the_same_bits")) {
            let layer = Layer::new(Maths(level), inputs, &weight, &bias).unwrap();
            let mut is = vec![0.0; should.len()];
            layer.apply(&input, 0..layer.blocks(), &mut is);
            prop_assert_eq!(bits(&is), bits(&should));
            let width = part.len() * BLOCK;
            let mut some = vec![0.0; rows * width];
            layer.apply(&input, part.clone(), &mut some);
            for r in 0..rows {
                let whole = &should[r * layer.outputs() + part.start * BLOCK..][..width];
                prop_assert_eq!(bits(&some[r * width..][..width]), bits(whole));
            }
        }
    }
}

#[test]
fn rows_added_to_the_gates_are_what_an_embedding_would_have_added() {
    for cell in [Cell::Gru, Cell::Lstm] {
        let network = Network::random(shape(cell, 32), 17);
        let mut engine = network.engine(Dispatch::Auto);
        let mut exact = vec![0.0; network.shape.state()];
        let mut numbers = Numbers::new(19);
        for _ in 0..100 {
            let input = numbers.take(17, 2.0);
            let added = numbers.take(cell.gates() * 32, 1.0);
            engine.step(Slot(0), &input, &added);
            network.step_exactly(&mut exact, &input, &added);
            assert!(distance(engine.state(Slot(0)), &exact) < 1e-5);
        }
    }
}

#[test]
fn imagined_packets_follow_the_same_path_and_leave_the_real_state_alone() {
    for dispatch in [Dispatch::Plain, Dispatch::Auto] {
        let network = Network::random(shape(Cell::Lstm, 32), 23);
        let mut engine = network.engine(dispatch);
        let mut numbers = Numbers::new(29);
        engine.begin(Slot(4));
        engine.step(Slot(4), &numbers.take(17, 1.0), &[]);
        let mut state = vec![0.0; network.shape.state()];
        engine.copy_state(Slot(4), &mut state);
        let before = bits(&state);
        let input = numbers.take(17, 1.0);
        let mut next = vec![0.0; state.len()];
        engine.step_detached(&state, &input, &[], &mut next);
        assert_eq!(bits(engine.state(Slot(4))), before);
        let mut imagined = vec![0.0; network.shape.heads()];
        engine.heads_detached(&next, &mut imagined);
        engine.step(Slot(4), &input, &[]);
        let mut real = vec![0.0; network.shape.heads()];
        engine.heads(Slot(4), &mut real);
        assert_eq!(bits(&imagined), bits(&real));
    }
}

#[test]
fn a_slot_that_never_began_is_at_rest() {
    let network = Network::random(shape(Cell::Gru, 32), 31);
    let mut engine = network.engine(Dispatch::Auto);
    let mut never = vec![0.0; network.shape.heads()];
    engine.heads(Slot(9_999), &mut never);
    engine.begin(Slot(0));
    let mut begun = never.clone();
    engine.heads(Slot(0), &mut begun);
    assert_eq!(never, begun);
    let input = [0.25; 17];
    engine.step(Slot(5_000), &input, &[]);
    engine.step(Slot(0), &input, &[]);
    assert_eq!(engine.state(Slot(5_000)), engine.state(Slot(0)));
}

#[test]
fn a_state_can_be_put_in_place_of_another() {
    let network = Network::random(shape(Cell::Gru, 48), 37);
    let mut engine = network.engine(Dispatch::Auto);
    engine.step(Slot(1), &[0.5; 17], &[]);
    let warm = engine.state(Slot(1)).to_vec();
    engine.set_state(Slot(70_000), &warm);
    assert_eq!(engine.state(Slot(70_000)), warm);
    engine.begin(Slot(70_000));
    assert_eq!(engine.state(Slot(70_000)), [0.0; 48]);
}

#[test]
fn wild_weights_and_inputs_make_no_nan() {
    for cell in [Cell::Gru, Cell::Lstm] {
        let mut network = Network::random(shape(cell, 32), 41);
        for (i, weight) in network.tensors.iter_mut().flatten().enumerate() {
            *weight = if i % 3 == 0 { 1e6 } else { -1e6 };
        }
        for dispatch in [Dispatch::Plain, Dispatch::Auto] {
            let mut engine = network.engine(dispatch);
            let mut out = vec![0.0; network.shape.heads()];
            for packet in 0..50 {
                let input = [if packet % 2 == 0 { 1e6 } else { -1e6 }; 17];
                engine.step(Slot(0), &input, &[]);
                engine.heads(Slot(0), &mut out);
                assert!(engine.state(Slot(0)).iter().chain(&out).all(|x| x.is_finite()));
            }
        }
    }
}

#[test]
fn weights_that_do_not_fit_are_refused_with_what_is_wrong() {
    let network = Network::random(shape(Cell::Gru, 32), 43);
    let refused = |weights: &Weights<'_>| Engine::new(weights, Dispatch::Auto).err().unwrap();

    for hidden in [0, 16, 33, 40, 272] {
        let shape = Shape { hidden, ..network.shape };
        let error = refused(&Weights { shape, ..network.weights() });
        assert_eq!(error, EngineError::Size { what: "hidden", value: hidden });
    }
    let shape = Shape { outputs: usize::MAX, ..network.shape };
    let error = refused(&Weights { shape, ..network.weights() });
    assert_eq!(error, EngineError::Size { what: "outputs", value: usize::MAX });

    let error = refused(&Weights { bias_hh: &[0.0; 95], ..network.weights() });
    assert_eq!(error.to_string(), "bias_hh has 95 numbers, its shape asks for 96");

    for value in [f32::NAN, f32::INFINITY, -2e6] {
        let mut bias = vec![0.0; 96];
        bias[5] = value;
        let error = refused(&Weights { bias_ih: &bias, ..network.weights() });
        assert!(matches!(error, EngineError::Value { tensor: "bias_ih", index: 5, .. }));
    }
}

#[test]
fn auto_takes_something_and_names_that_are_lacking_are_refused() {
    let network = Network::random(shape(Cell::Gru, 32), 47);
    for dispatch in [Dispatch::Auto, Dispatch::Plain, Dispatch::Avx2, Dispatch::Avx512] {
        match Engine::new(&network.weights(), dispatch) {
            Ok(engine) => assert_eq!(engine.shape(), network.shape),
            Err(error) => {
                assert_eq!(error, EngineError::Instructions(dispatch));
                assert!(!matches!(dispatch, Dispatch::Auto | Dispatch::Plain));
            }
        }
    }
}

/// The cases that `tests/cases/engine_torch.py` made with PyTorch: a thousand packets in single
/// precision, weights and inputs from [`Numbers`].
#[test]
fn pytorch_comes_to_the_same_states() {
    let cases = include_str!("../../../tests/cases/engine_torch.toml");
    let cases = toml_edit::Document::parse(cases).unwrap();
    let cases = cases["case"].as_array_of_tables().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let size = |key: &str| usize::try_from(case[key].as_integer().unwrap()).unwrap();
        let floats = |key: &str| -> Vec<f64> {
            case[key].as_array().unwrap().iter().map(|x| x.as_float().unwrap()).collect()
        };
        let cell = if case["cell"].as_str() == Some("lstm") { Cell::Lstm } else { Cell::Gru };
        let shape = Shape {
            cell,
            hidden: size("hidden"),
            inputs: size("inputs"),
            outputs: size("outputs"),
        };
        let network = Network::random(shape, size("seed") as u64);
        for dispatch in [Dispatch::Plain, Dispatch::Auto] {
            let mut engine = network.engine(dispatch);
            let mut numbers = Numbers::new(size("seed") as u64 + 1);
            for _ in 0..size("packets") {
                engine.step(Slot(0), &numbers.take(shape.inputs, 2.0), &[]);
            }
            let mut out = vec![0.0; shape.heads()];
            engine.heads(Slot(0), &mut out);
            let off = distance(engine.state(Slot(0)), &floats("state"))
                .max(distance(&out, &floats("heads")));
            println!("{shape:?} on {dispatch:?}: {off:.1e} from PyTorch");
            assert!(off < 1e-5, "{shape:?} on {dispatch:?}: {off:.1e} from PyTorch");
        }
    }
}
