//! What was learned under one context, and where all of it stands: bounded memory, one cache line each.
//!
//! A line has a slot for every node of a decision tree: how likely the node's "one" is, and how
//! often it was asked. Nodes that a tree does not use hold other things of the same context; who
//! uses which is said beside [`Line::FRESH`]'s users, `exact` and `sharp`.

use std::hint::select_unpredictable;

use super::super::engine::{AnyEight, Eight, prefetch};

/// Learned under one context; one cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line {
    /// A part of the context's hash, 0 where the line is free.
    pub(super) check: u16,
    /// By tree node: 12 bits of probability, then 4 bits that count up to 15 updates.
    pub(super) slots: [u16; Self::SLOTS],
}

impl Line {
    /// Slots of a line.
    pub(super) const SLOTS: usize = 31;

    /// A slot that nothing was learned in: even odds, asked never.
    pub(super) const UNKNOWN: u16 = 2_048 << 4;

    /// A context nobody has met.
    pub(super) const FRESH: Self = Self { check: 0, slots: [Self::UNKNOWN; Self::SLOTS] };

    /// Updates counted in a slot, at most 15.
    #[inline]
    pub(super) fn count(&self, slot: usize) -> u16 {
        self.slots[slot] & 15
    }

    /// Learns which way a node went.
    #[cfg(test)]
    pub(super) fn learn(&mut self, slot: usize, bit: bool) {
        let slot = &mut self.slots[slot];
        *slot = Self::moved(*slot, f32::from(u8::from(bit)));
    }

    /// [`moved`] for one slot.
    #[inline(always)]
    pub(super) fn moved(slot: u16, bit: f32) -> u16 {
        let mut slots = [slot; 8];
        AnyEight.write_whole(&mut slots, moved(AnyEight, AnyEight.read_whole(&[slot; 8]), bit));
        slots[0]
    }
}

/// Slots after one more update, with `bit` 0 or 1: a probability moves by 1/(n + 1.5) of what is
/// missing, n being the earlier updates, at most 15. So it is fast while little is known, and then what
/// happened lately weighs most.
#[inline(always)]
pub(super) fn moved<E: Eight>(e: E, slots: E::N, bit: f32) -> E::N {
    // Added to a float it leaves the nearest whole number in the lowest bits.
    const WHOLE: f32 = 12_582_912.0;
    let (known, counts) = (e.floats(e.sixteenth(slots)), e.and(slots, 15));
    let rate = e.div(e.splat(1.0), e.add(e.floats(counts), e.splat(1.5)));
    let missing = e.sub(e.splat(bit * 4_096.0), known);
    let moved = e.clamp(e.add(known, e.mul(missing, rate)), 1.0, 4_095.0);
    let probabilities = e.and(e.bits(e.add(moved, e.splat(WHOLE))), 0xfff);
    e.sixteen_and(probabilities, e.next_count(counts))
}

/// The place of a line that there is not. No table is so large.
pub(super) const ABSENT: u32 = u32::MAX;

/// All lines; two places for each context, the less used one gives way.
#[derive(Clone)]
pub(super) struct Lines {
    lines: Vec<Line>,
    mask: usize,
}

impl Lines {
    /// Lines in at most `bytes`, rounded down to a power of two, at least 1,024 of them.
    pub(super) fn with_bytes(bytes: usize) -> Self {
        let wanted = (bytes / size_of::<Line>()).clamp(1_024, 1 << 31);
        let lines = 1 << wanted.ilog2();
        Self { lines: vec![Line::FRESH; lines], mask: lines - 1 }
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.lines.fill(Line::FRESH);
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.lines.len() * size_of::<Line>()
    }

    /// All of them, in their places.
    pub(super) fn all(&self) -> &[Line] {
        &self.lines
    }

    /// The same to be filled with lines that were kept.
    pub(super) fn all_mut(&mut self) -> &mut [Line] {
        &mut self.lines
    }

    #[inline(always)]
    fn places(&self, context: u64) -> (usize, usize, u16) {
        let first = context as usize & self.mask;
        (first, first ^ 1, (context >> 48) as u16 | 1)
    }

    /// Tells the processor that the lines of contexts will be looked for soon.
    #[inline(always)]
    pub(super) fn prefetch<const N: usize>(&self, contexts: &[u64; N]) {
        for &context in contexts {
            let (first, second, _) = self.places(context);
            prefetch(&self.lines[first]);
            prefetch(&self.lines[second]);
        }
    }

    /// Where the lines of contexts are, or [`ABSENT`].
    ///
    /// Both places of all contexts are looked at before anything is decided, and nothing is decided by
    /// a branch: a wrong guess would make every later look-up wait for this one's memory.
    #[inline(always)]
    pub(super) fn find_all<const N: usize>(&self, contexts: &[u64; N]) -> [u32; N] {
        let mut found = [ABSENT; N];
        for (found, &context) in found.iter_mut().zip(contexts) {
            let (first, second, check) = self.places(context);
            let other =
                select_unpredictable(self.lines[second].check == check, second as u32, ABSENT);
            *found = select_unpredictable(self.lines[first].check == check, first as u32, other);
        }
        found
    }

    /// The lines at such places; a fresh one for what is absent.
    #[inline(always)]
    pub(super) fn at_all<const N: usize>(&self, found: &[u32; N]) -> [&Line; N] {
        let mut lines = [&Line::FRESH; N];
        for (line, &at) in lines.iter_mut().zip(found) {
            if let Some(found) = self.lines.get(at as usize) {
                *line = found;
            }
        }
        lines
    }

    /// The line of a context that was found at `found`, if it is still there; else as [`Self::claim`].
    #[inline(always)]
    pub(super) fn claim_at(&mut self, found: u32, context: u64) -> &mut Line {
        let check = self.places(context).2;
        let at = found as usize;
        if self.lines.get(at).is_some_and(|line| line.check == check) {
            return &mut self.lines[at];
        }
        self.claim(context)
    }

    /// The line of a context, which takes the less used of its places if it is new.
    #[inline]
    pub(super) fn claim(&mut self, context: u64) -> &mut Line {
        let (first, second, check) = self.places(context);
        if self.lines[first].check == check {
            return &mut self.lines[first];
        }
        if self.lines[second].check == check {
            return &mut self.lines[second];
        }
        let victim = if self.use_of(second) < self.use_of(first) { second } else { first };
        // The other one ages, so that a context nobody meets any more can't stay for ever.
        // Not back to never: what was never asked says nothing.
        if self.use_of(victim ^ 1) > 2 {
            self.lines[victim ^ 1].slots[0] -= 1;
        }
        self.lines[victim] = Line { check, ..Line::FRESH };
        &mut self.lines[victim]
    }

    /// How used a line is: 0 where it is free. Every tree begins at slot 0.
    #[inline]
    fn use_of(&self, place: usize) -> u16 {
        let line = &self.lines[place];
        if line.check == 0 { 0 } else { 1 + line.count(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(lines: &Lines, context: u64) -> &Line {
        let [line] = lines.at_all(&lines.find_all(&[context]));
        line
    }

    #[test]
    fn a_line_is_one_cache_line() {
        assert_eq!((size_of::<Line>(), align_of::<Line>()), (64, 64));
    }

    #[test]
    fn a_slot_follows_what_happens_and_never_becomes_certain() {
        let mut line = Line::FRESH;
        for _ in 0..1_000 {
            line.learn(3, true);
        }
        assert!((4_000..4_096).contains(&(line.slots[3] >> 4)));
        for _ in 0..1_000 {
            line.learn(3, false);
        }
        assert!((1..100).contains(&(line.slots[3] >> 4)));
        assert_eq!((line.count(3), line.count(4)), (15, 0));
    }

    #[test]
    fn a_full_table_stays_as_large_and_gives_up_unused_contexts_first() {
        let mut lines = Lines::with_bytes(0);
        let before = lines.memory();
        let used = 7 << 48;
        for _ in 0..15 {
            lines.claim(used).learn(0, true);
        }
        lines.claim(8 << 48 | 1).learn(0, true);
        lines.claim(10 << 48).learn(0, true);
        lines.claim(12 << 48).learn(0, true);
        assert!(find(&lines, used).count(0) > 10);
        assert_eq!(find(&lines, 8 << 48 | 1).count(0), 0);
        for context in 0..100_000_u64 {
            lines.claim(context.wrapping_mul(0x9e37_79b9_7f4a_7c15)).learn(0, true);
        }
        assert_eq!(find(&lines, used).count(0), 0, "even the used one ages");
        assert_eq!(lines.memory(), before);
    }
}
