//! A bar for people who wait: rate, share and time left on a terminal, silence in a pipe.

use std::io::IsTerminal;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Packets between two looks at the clock.
const STRIDE: u64 = 16_384;

/// A progress bar, or nothing at all.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    packets: u64,
}

impl Progress {
    /// Draws on standard error if that is a terminal and the end is known.
    pub(super) fn new(quiet: bool, total: Option<u64>) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
            let template = if total.is_some() {
                "{bar:24} {percent:>3}%  {msg}  {eta} left"
            } else {
                "{spinner} {msg}  {elapsed}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, packets: 0 }
    }

    /// One packet more; `position` is asked for bytes read only now and then.
    #[inline]
    pub(super) fn packet(&mut self, position: impl FnOnce() -> Option<u64>) {
        self.packets += 1;
        if self.packets.is_multiple_of(STRIDE)
            && let Some(bar) = &self.bar
        {
            let rate = self.packets as f64 / bar.elapsed().as_secs_f64().max(1e-3);
            bar.set_message(format!(
                "{} packets  {}/s",
                HumanCount(self.packets),
                HumanCount(rate as u64)
            ));
            match position() {
                Some(position) => bar.set_position(position),
                None => bar.tick(),
            }
        }
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
