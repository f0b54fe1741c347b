//! Which packets are taken out of a capture.

use crate::time::Span;

use super::frames::Frames;

/// How packets are taken out.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Deletion {
    /// The share of packets that is taken out.
    pub loss: f64,
    /// Packets taken out in a row, in the order of the capture.
    pub burst: u32,
    /// They come so much later instead.
    pub delay: Option<Span>,
    /// The same seed takes out the same packets.
    pub seed: u64,
}

impl Deletion {
    /// By frame, whether it is taken out. `name` makes captures differ.
    pub(super) fn choose(&self, frames: &Frames, name: &str) -> Vec<bool> {
        let mut random = Random(name.bytes().fold(self.seed, |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }));
        let begin = self.loss / f64::from(self.burst.max(1));
        let mut left = 0;
        let chosen = frames.all.iter().map(|frame| {
            if frame.content.is_none() {
                return false;
            }
            if left == 0 && random.share() < begin {
                left = self.burst.max(1);
            }
            let chosen = left > 0;
            left -= u32::from(chosen);
            chosen
        });
        chosen.collect()
    }
}

/// Splitmix64.
struct Random(u64);

impl Random {
    /// A number from 0 up to 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}
