//! The reference engine against plain loops, on weights that no training would give.

#![cfg(feature = "torch")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "torch_support/plain.rs"]
mod plain;
#[path = "torch_support/mod.rs"]
mod torch_support;

use std::path::{Path, PathBuf};

use foreshadow::train::{Cell, Device, HeadKind, NetworkSpec, PluginError, Refusal, TrainingSpec};
use plain::Plain;
use torch_support::{Numbers, Tensors, everything, plainest, plugin, read, values, write};

/// A model file with every number at random, zeros included.
fn random_model(folder: &Path, network: &NetworkSpec) -> Option<(PathBuf, Tensors)> {
    let mut trainer =
        plugin()?.trainer(network, &TrainingSpec::default(), Device::Cpu).expect("trains");
    let path = folder.join("model.safetensors");
    trainer.save(&path, &[]).expect("saves");
    let (_, mut tensors) = read(&path);
    let mut numbers = Numbers(77);
    let bound = 1.5 / (network.hidden as f32).sqrt();
    for (_, weights) in tensors.values_mut() {
        weights.iter_mut().for_each(|weight| *weight = numbers.even() * bound);
    }
    write(&path, &tensors);
    Some((path, tensors))
}

/// Largest difference of states and of forecasts over 1,000 packets of 5 connections.
fn differences(network: &NetworkSpec) -> Option<(f32, f32)> {
    let folder = tempfile::tempdir().unwrap();
    let (path, tensors) = random_model(folder.path(), network)?;
    let mut engine = plugin()?.engine(network, &path, Device::Cpu, 8).expect("opens");
    let plain = Plain { network, tensors: &tensors };
    let slots = [7, 0, 3, 5, 2];
    let mut states = vec![vec![0.0; network.state()]; slots.len()];
    let mut numbers = Numbers(5);
    let (mut state_off, mut forecast_off) = (0f32, 0f32);
    for _ in 0..1_000 {
        let (mut categories, mut dense, mut given) = (Vec::new(), Vec::new(), Vec::new());
        for _ in &slots {
            categories.extend(network.tables.iter().map(|table| numbers.below(table.values)));
            dense.extend((0..network.dense).map(|_| 2.0 * numbers.even()));
            given.extend(network.heads.iter().map(|head| numbers.below(values(&head.kind))));
        }
        let heads = network.heads.len();
        let forecast = engine.forecast(&slots, &given).expect("forecasts");
        for (row, state) in states.iter().enumerate() {
            let truth = plain.forecast(state, &given[row * heads..][..heads]);
            for (found, truth) in forecast[row * truth.len()..].iter().zip(&truth) {
                forecast_off = forecast_off.max((found - truth).abs());
            }
        }
        engine.step(&slots, &categories, &dense).expect("steps");
        for (row, state) in states.iter_mut().enumerate() {
            let (tables, width) = (network.tables.len(), network.dense as usize);
            plain.step(
                state,
                &categories[row * tables..][..tables],
                &dense[row * width..][..width],
            );
        }
        for (found, truth) in engine.states(&slots).unwrap().iter().zip(states.iter().flatten()) {
            state_off = state_off.max((found - truth).abs());
        }
    }
    Some((state_off, forecast_off))
}

#[test]
fn agrees_with_plain_loops_over_a_thousand_steps() {
    let networks = [
        plainest(Cell::Gru, 64),
        plainest(Cell::Lstm, 32),
        everything(Cell::Gru),
        everything(Cell::Lstm),
    ];
    for network in networks {
        let Some((states, forecasts)) = differences(&network) else { return };
        println!("{:?} {}: {states:e} {forecasts:e}", network.cell, network.hidden);
        assert!(states < 1e-5 && forecasts < 1e-5, "states {states:e}, forecasts {forecasts:e}");
    }
}

#[test]
fn every_head_s_probabilities_sum_to_one_for_any_value_given() {
    let network = everything(Cell::Gru);
    let folder = tempfile::tempdir().unwrap();
    let Some((path, _)) = random_model(folder.path(), &network) else { return };
    let mut engine = plugin().unwrap().engine(&network, &path, Device::Cpu, 1).unwrap();
    engine.step(&[0], &[3, 1], &[0.5, -2.0, 1.0]).unwrap();
    for side in 0..4 {
        for bits in 0..8 {
            let forecast = engine.forecast(&[0], &[side, bits, bits % 6, 19, 0]).unwrap();
            let mut rest = forecast.as_slice();
            for head in &network.heads {
                let (own, after) = rest.split_at(head.kind.outputs());
                rest = after;
                let sum: f32 = own.iter().map(|p| p.exp()).sum();
                match head.kind {
                    HeadKind::Bits(_) | HeadKind::Known(_) => assert!(own.iter().all(|p| *p < 0.0)),
                    _ => assert!((sum - 1.0).abs() < 1e-5, "{}: {sum}", head.name),
                }
            }
        }
    }
}

#[test]
fn states_are_copied_set_and_read_slot_by_slot() {
    let network = plainest(Cell::Lstm, 2);
    let folder = tempfile::tempdir().unwrap();
    let Some((path, _)) = random_model(folder.path(), &network) else { return };
    let mut engine = plugin().unwrap().engine(&network, &path, Device::Cpu, 4).unwrap();
    engine.set_states(&[2, 1], &[1., 2., 3., 4., 5., 6., 7., 8.]).unwrap();
    engine.copy(&[2], &[3]).unwrap();
    let states = engine.states(&[3, 1, 0]).unwrap();
    assert_eq!(states, [1., 2., 3., 4., 5., 6., 7., 8., 0., 0., 0., 0.]);
    assert_eq!(engine.states(&[]).unwrap(), [0.0; 0]);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let network = everything(Cell::Gru);
    let folder = tempfile::tempdir().unwrap();
    let Some((path, tensors)) = random_model(folder.path(), &network) else { return };
    let plugin = plugin().unwrap();
    let mut engine = plugin.engine(&network, &path, Device::Cpu, 2).unwrap();
    let refusals = [
        engine.step(&[2], &[0, 0], &[0.; 3]).unwrap_err().to_string(),
        engine.step(&[0], &[5, 0], &[0.; 3]).unwrap_err().to_string(),
        engine.step(&[0], &[0, -1], &[0.; 3]).unwrap_err().to_string(),
        engine.step(&[0], &[0, 0], &[0.; 2]).unwrap_err().to_string(),
        engine.forecast(&[0], &[0, 8, 0, 0, 0]).unwrap_err().to_string(),
    ];
    assert_eq!(
        refusals,
        [
            "slot 2 is not one of 0 to 1",
            "input flags 5 is not one of 0 to 4",
            "input size -1 is not one of 0 to 6",
            "dense inputs: 2 numbers where the network takes 3",
            "head flags 8 is not one of 0 to 7",
        ]
    );
    assert!(engine.states(&[0, 1]).unwrap().iter().all(|number| *number == 0.0));

    let bytes = std::fs::read(&path).unwrap();
    let refused = |text: &str| {
        let error = plugin.engine(&network, &path, Device::Cpu, 2).unwrap_err();
        let PluginError::Refused { what: Refusal::File, text: found } = &error else {
            panic!("{error}")
        };
        assert!(found.contains(text), "{found}");
    };
    for len in [0, 7, 100, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..len]).unwrap();
        refused("model.safetensors: not a safetensors file");
    }
    let mut other = tensors.clone();
    let bias = other.remove("gru.bias_hh_l0").unwrap();
    write(&path, &other);
    refused("has no gru.bias_hh_l0");
    other.insert("gru.bias_hh_l0".to_owned(), (vec![6, 6], bias.1));
    write(&path, &other);
    refused("gru.bias_hh_l0 is [6, 6] of Float, expected [36] of Float");
    std::fs::remove_file(&path).unwrap();
    refused("there is no such file");
}
