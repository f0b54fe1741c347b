//! Networks made of numbers at random: whole, the same on every processor, never without an answer.

use proptest::prelude::*;

use super::super::discretise::SIDE_FLAGS;
use super::super::engine::Dispatch;
use super::super::file::{FileError, ModelFile, write};
use super::super::schema::{self, FINE_SIZES, FINE_TENSOR, HEADS, WIDTH};
use super::*;
use crate::flow::{Service, Side};
use crate::time::Span;
use crate::wire::TcpFlags;

/// The tensors of a network: names, shapes, numbers.
pub(in super::super) type Tensors = Vec<(String, Vec<usize>, Vec<f32>)>;

/// Tensors of the schema with numbers at random, as large as training begins with.
pub(in super::super) fn tensors(cell: &str, hidden: usize) -> Tensors {
    let gates = if cell == "lstm" { 4 } else { 3 } * hidden;
    let mut shapes = vec![
        ("input.dense.weight".to_owned(), vec![WIDTH, DENSE.len()]),
        ("input.dense.bias".to_owned(), vec![WIDTH]),
        (format!("{cell}.weight_ih_l0"), vec![gates, WIDTH]),
        (format!("{cell}.weight_hh_l0"), vec![gates, hidden]),
        (format!("{cell}.bias_ih_l0"), vec![gates]),
        (format!("{cell}.bias_hh_l0"), vec![gates]),
        (FINE_TENSOR.to_owned(), vec![SIDE_FLAGS, FINE_SIZES]),
    ];
    for table in TABLES {
        shapes.push((format!("input.{}.weight", table.name), vec![table.values, WIDTH]));
    }
    for head in HEADS.iter().filter(|head| head.outcome.logits() > 0) {
        let (name, logits) = (head.name, head.outcome.logits());
        let inputs = if head.hidden > 0 { head.hidden } else { hidden };
        shapes.push((format!("head.{name}.weight"), vec![logits, inputs]));
        shapes.push((format!("head.{name}.bias"), vec![logits]));
        if head.hidden > 0 {
            shapes.push((format!("head.{name}.state.weight"), vec![head.hidden, hidden]));
            shapes.push((format!("head.{name}.state.bias"), vec![head.hidden]));
        }
        for given in head.given {
            let (other, values) = (HEADS[given.head].name, HEADS[given.head].outcome.values());
            shapes.push((format!("head.{name}.given.{other}.weight"), vec![values, head.hidden]));
            if given.direct {
                shapes.push((format!("head.{name}.direct.{other}.weight"), vec![values, logits]));
            }
        }
    }
    let mut state = 1_u64;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    shapes
        .into_iter()
        .map(|(name, shape)| {
            let numbers = (0..shape.iter().product()).map(|_| next() * 0.6).collect();
            (name, shape, numbers)
        })
        .collect()
}

/// The file of some tensors.
pub(in super::super) fn file(tensors: &Tensors) -> Vec<u8> {
    let tensors: Vec<(&str, &[usize], &[f32])> = tensors
        .iter()
        .map(|(name, shape, numbers)| (name.as_str(), shape.as_slice(), numbers.as_slice()))
        .collect();
    write(&[("schema".to_owned(), schema::HASH.clone())], &tensors)
}

fn network(file: &[u8], dispatch: Dispatch) -> Result<Network, FileError> {
    Network::read(&ModelFile::read(file)?, dispatch)
}

pub(in super::super) fn origin(responder: Side) -> Origin {
    Origin { service: Service { protocol: 6, port: 443 }, pair: 1, identity: 2, responder, salt: 0 }
}

fn packet(seed: u64, position: u32) -> PacketFacts {
    let mut state = seed ^ u64::from(position) << 32;
    let mut next = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    PacketFacts {
        side: if next(2) == 0 { Side::A } else { Side::B },
        protocol: 6,
        flags: TcpFlags(next(256) as u8),
        payload_len: (next(1 << 17) >> next(17)) as u32,
        wire_len: 60,
        window: next(1 << 16) as u16,
        entropy: (next(2) == 0).then(|| next(256) as u8),
        since: (position > 0).then(|| Span::from_nanos((next(1 << 31) << 12) >> next(43))),
        position,
    }
}

/// All logits after some packets.
fn logits(network: &mut Network, seed: u64, packets: u32) -> Vec<f32> {
    network.begin(Slot(3), &origin(Side::B));
    for position in 0..packets {
        network.step(Slot(3), &packet(seed, position));
    }
    let view = network.view(Slot(3)).unwrap();
    all_logits(network, view)
}

fn all_logits(network: &Network, view: View<'_>) -> Vec<f32> {
    let mut sums = Sums::NONE;
    network.sums(view, Part::Entropy, &mut sums);
    let mut logits = sums.side_flags().to_vec();
    let (mut size, mut time) = ([0.0; SIZE_LOGITS], [0.0; TIME_LOGITS]);
    let (mut wait, mut entropy) = ([0.0; TIME_LOGITS], [0.0; ENTROPY_LOGITS]);
    network.size(&sums, 4, &mut size);
    network.time(&sums, 12, 116, &mut time);
    network.entropy(&sums, 15, 0, &mut entropy);
    network.wait(view, &mut wait);
    logits.extend(size.iter().chain(&time).chain(&wait).chain(&entropy));
    logits
}

/// What PyTorch would compute, in double and written out.
fn reference(tensors: &Tensors, features: &schema::Features, state: &[f64]) -> Vec<f64> {
    let find = |name: &str| {
        let (_, shape, numbers) = tensors.iter().find(|(known, ..)| known == name).unwrap();
        (shape.clone(), numbers.iter().map(|&number| f64::from(number)).collect::<Vec<f64>>())
    };
    let linear = |name: &str, input: &[f64]| -> Vec<f64> {
        let weight = find(&format!("{name}.weight")).1;
        let bias = find(&format!("{name}.bias")).1;
        weight.chunks(input.len()).zip(&bias).map(|(row, bias)| bias + dot(row, input)).collect()
    };
    let mut entering = linear("input.dense", &features.dense.map(f64::from));
    for (table, &row) in TABLES.iter().zip(&features.rows) {
        let vectors = find(&format!("input.{}.weight", table.name)).1;
        for (sum, part) in entering.iter_mut().zip(&vectors[usize::from(row) * WIDTH..]) {
            *sum += part;
        }
    }
    let n = state.len();
    let gates = |kind: &str, input: &[f64]| -> Vec<f64> {
        let weight = find(&format!("gru.weight_{kind}_l0")).1;
        let bias = find(&format!("gru.bias_{kind}_l0")).1;
        weight.chunks(input.len()).zip(&bias).map(|(row, bias)| bias + dot(row, input)).collect()
    };
    let (x, h) = (gates("ih", &entering), gates("hh", state));
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    (0..n)
        .map(|i| {
            let (r, z) = (sigmoid(x[i] + h[i]), sigmoid(x[n + i] + h[n + i]));
            let new = (x[2 * n + i] + r * h[2 * n + i]).tanh();
            new + z * (state[i] - new)
        })
        .collect()
}

fn dot(row: &[f64], input: &[f64]) -> f64 {
    row.iter().zip(input).map(|(a, b)| a * b).sum()
}

#[test]
fn a_network_does_what_its_tensors_say() {
    let tensors = tensors("gru", 32);
    let mut network = network(&file(&tensors), Dispatch::Auto).unwrap();
    network.begin(Slot(0), &origin(Side::B));
    let mut recall = Recall::new(&origin(Side::B));
    let mut state = vec![0.0; 32];
    for position in 0..50 {
        let packet = packet(7, position);
        network.step(Slot(0), &packet);
        state = reference(&tensors, &recall.push(&packet), &state);
        for (is, should) in network.view(Slot(0)).unwrap().state.iter().zip(&state) {
            assert!((f64::from(*is) - should).abs() < 1e-4, "{position}: {is} {should}");
        }
    }
    // A head that is given side and flags, and the size.
    let find = |name: &str| &tensors.iter().find(|(known, ..)| known == name).unwrap().2;
    let hidden: Vec<f64> = (0..32)
        .map(|unit| {
            let row = &find("head.time.state.weight")[unit * 32..][..32];
            let row: Vec<f64> = row.iter().map(|&number| f64::from(number)).collect();
            let sum = dot(&row, &state)
                + f64::from(find("head.time.state.bias")[unit])
                + f64::from(find("head.time.given.side_flags.weight")[12 * 32 + unit])
                + f64::from(find("head.time.given.fine_size.weight")[116 * 32 + unit]);
            sum.max(0.0)
        })
        .collect();
    let mut sums = Sums::NONE;
    network.sums(network.view(Slot(0)).unwrap(), Part::Entropy, &mut sums);
    let mut time = [0.0; TIME_LOGITS];
    network.time(&sums, 12, 116, &mut time);
    for (symbol, &is) in time[..TIMES].iter().enumerate() {
        let row: Vec<f64> = find("head.time.weight")[symbol * 32..][..32]
            .iter()
            .map(|&number| f64::from(number))
            .collect();
        let should = dot(&row, &hidden)
            + f64::from(find("head.time.bias")[symbol])
            + f64::from(find("head.time.direct.side_flags.weight")[12 * TIMES + symbol]);
        assert!((f64::from(is) - should).abs() < 1e-3, "{symbol}");
    }
}

#[test]
fn every_processor_gives_the_same_bits() {
    for (cell, hidden) in [("gru", 32), ("gru", 64), ("lstm", 48), ("gru", 256), ("lstm", 256)] {
        let file = file(&tensors(cell, hidden));
        let mut truth = network(&file, Dispatch::Plain).unwrap();
        let should = logits(&mut truth, 1, 40);
        assert!(should.iter().any(|logit| *logit != 0.0));
        for dispatch in [Dispatch::Auto, Dispatch::Avx2, Dispatch::Avx512] {
            let Ok(mut network) = network(&file, dispatch) else {
                println!("SKIPPED {dispatch:?}: this processor lacks the instructions");
                continue;
            };
            let is = logits(&mut network, 1, 40);
            let bits = |all: &[f32]| all.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&is), bits(&should), "{cell} {hidden} {dispatch:?}");
        }
    }
}

#[test]
fn imagined_packets_lead_where_real_ones_would() {
    let mut network = network(&file(&tensors("lstm", 32)), Dispatch::Auto).unwrap();
    let run: Vec<PacketFacts> = (20..24).map(|position| packet(5, position)).collect();
    logits(&mut network, 5, 20);
    let before = network.view(Slot(3)).unwrap().state.to_vec();
    let imagined = network.imagine(Slot(3), &run);
    let ahead = all_logits(&network, imagined.view());
    assert_eq!(network.view(Slot(3)).unwrap().state, before);
    for packet in &run {
        network.step(Slot(3), packet);
    }
    assert_eq!(ahead, all_logits(&network, network.view(Slot(3)).unwrap()));
}

#[test]
fn a_tensor_that_is_missing_misshapen_or_no_number_is_named() {
    let whole = tensors("gru", 32);
    assert!(network(&file(&whole), Dispatch::Auto).is_ok());
    for number in 0..whole.len() {
        let name = whole[number].0.clone();
        assert!(declares(&name), "{name}");
        let mut less = whole.clone();
        less.remove(number);
        let error = network(&file(&less), Dispatch::Auto).err();
        assert!(error.is_some_and(|error| error.to_string().contains("no tensor")), "{name}");
        let mut bent = whole.clone();
        bent[number].1.push(1);
        let error = network(&file(&bent), Dispatch::Auto).err();
        assert!(matches!(error, Some(FileError::Shape { .. } | FileError::Size { .. })), "{name}");
        let mut wild = whole.clone();
        wild[number].2[0] = f32::NAN;
        let error = network(&file(&wild), Dispatch::Auto).err();
        assert!(matches!(error, Some(FileError::Value { .. })), "{name}");
    }
    for stranger in
        ["gru.weight", "head.size", "input.size", "head.size.given.time.weight", "mixer.node"]
    {
        assert!(!declares(stranger), "{stranger}");
    }
    let list: Vec<(&str, &[usize], &[f32])> = whole
        .iter()
        .map(|(name, shape, numbers)| (name.as_str(), shape.as_slice(), numbers.as_slice()))
        .collect();
    let other = write(&[("schema".to_owned(), "0123456789abcdef".to_owned())], &list);
    let error = network(&other, Dispatch::Auto).err().unwrap().to_string();
    assert_eq!(error, format!("its `schema` is 0123456789abcdef, but {} is needed", *schema::HASH));
    let error = network(&file(&tensors("gru", 40)), Dispatch::Auto).err().unwrap().to_string();
    assert_eq!(error, "it has 40 hidden units, but a multiple of 16 from 32 to 256 are needed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn the_wildest_weights_and_packets_make_numbers(
        scale in prop::sample::select(vec![1.0_f32, 1e3, 1.6e6]),
        seed: u64,
    ) {
        let mut wild = tensors("gru", 32);
        for (_, _, numbers) in &mut wild {
            numbers.iter_mut().for_each(|number| *number *= scale);
        }
        if let Ok(mut network) = network(&file(&wild), Dispatch::Auto) {
            prop_assert!(logits(&mut network, seed, 20).iter().all(|logit| logit.is_finite()));
        }
    }
}
