//! Training the mixer of the adaptive part, so that it knows whom to believe when it ships.

use super::Capture;
use crate::flow::Slot;
use crate::model::{Adaptive, Model};

/// How often the captures are gone over.
pub const PASSES: usize = 4;

/// Trains the mixer of [`Adaptive::untrained`] on captures that its network did **not** train on,
/// lest it trust the network too much. Every capture begins with an empty table, as it is measured.
/// `done` hears the pass, and its bits per packet on the common discretisation.
pub fn fit(model: &mut Adaptive, captures: &[&Capture], mut done: impl FnMut(usize, f64)) {
    for pass in 0..PASSES {
        let (mut bits, mut packets) = (0.0, 0_u64);
        for capture in captures {
            model.forget();
            for packet in capture.packets() {
                let slot = Slot(packet.connection);
                if packet.facts.position == 0 {
                    let began = capture.began(packet.connection);
                    if let Some(over) = began.replaces {
                        model.end(Slot(over), true);
                    }
                    model.begin(slot, &began.origin);
                } else {
                    bits += f64::from(model.coarse(slot, &packet.facts).iter().sum::<f32>());
                    packets += 1;
                }
                model.step(slot, &packet.facts, true);
            }
        }
        done(pass + 1, bits / packets.max(1) as f64);
    }
}
