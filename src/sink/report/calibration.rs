//! Whether "one in N" is true: how many packets were said to be as rare as a share, against how many
//! of that there should be.

use super::json::Json;

/// Shares to a power of ten.
const STEPS: f32 = 4.0;
/// Shares looked at: from 1 to one in a million.
const SHARES: usize = 25;

/// Counts of what was said.
#[derive(Default)]
pub(super) struct Calibration {
    /// By share, those not larger than it and larger than the next.
    said: [u64; SHARES],
    packets: u64,
}

impl Calibration {
    /// A packet was said to be as rare as this.
    pub(super) fn packet(&mut self, probability: f32) {
        let rarity = -probability.clamp(f32::MIN_POSITIVE, 1.0).log10() * STEPS;
        // What lies on a share belongs to it, whatever the last digit of its logarithm.
        let at = ((rarity + 1e-4) as usize).min(SHARES - 1);
        self.said[at] += 1;
        self.packets += 1;
    }

    /// Writes for each share, from 1 down, how many packets were said to be as rare.
    pub(super) fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.key("packets").whole(self.packets);
            json.key("steps").number(f64::from(STEPS));
            json.key("said").array(|json| {
                for from in 0..SHARES {
                    json.whole(self.said[from..].iter().sum());
                }
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_counts_all_that_were_said_to_be_as_rare() {
        let mut calibration = Calibration::default();
        [1.0, 0.5, 0.1, 0.01, 1e-9].into_iter().for_each(|share| calibration.packet(share));
        let mut json = Json::default();
        calibration.write(&mut json);
        let text = String::from_utf8(json.finish()).unwrap_or_default();
        assert!(
            text.starts_with(r#"{"packets":5,"steps":4,"said":[5,4,3,3,3,2,2,2,2,1,"#),
            "{text}"
        );
    }
}
