//! Which packet that was said to be missing is which packet that was taken out.
//!
//! TCP payload goes by bytes: a lost packet is found when claims of its connection and side cover half of
//! its bytes, a claim is right when lost packets cover half of its own. A lost packet counts
//! only if it carried bytes that no earlier packet did: of a retransmission nothing is missing.
//! Everything else goes by time: same connection, side and class, at most `tolerance` times the true
//! inter-arrival away, each claim for one packet, the nearest first come.

use std::collections::{HashMap, HashSet};

use crate::predict::Outcome;
use crate::time::{Span, Timestamp};

use super::frames::{Class, Ends, Frames};
use super::tally::Tally;
use super::watch::Claim;

/// A packet that was taken out.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Lost {
    pub(super) ends: Ends,
    pub(super) class: Class,
    pub(super) sequence: u32,
    pub(super) payload_len: u32,
    pub(super) time: Timestamp,
    /// Since the connection's packet before it in the untouched capture.
    pub(super) since: Span,
    /// Whether it has bytes that no packet before it had.
    pub(super) is_new: bool,
    pub(super) ahead: bool,
}

/// What was taken out, in order, without packets that began a connection: of those nothing is known.
pub(super) fn lost(frames: &Frames, chosen: &[bool], ahead: &[bool]) -> Vec<Lost> {
    let mut last: HashMap<Ends, Timestamp> = HashMap::new();
    let mut reached: HashMap<Ends, u32> = HashMap::new();
    let mut lost = Vec::new();
    for (number, frame) in frames.all.iter().enumerate() {
        let Some(content) = frame.content else { continue };
        let before = last.insert(content.ends.connection(), frame.time);
        let end = content.sequence.wrapping_add(content.payload_len);
        let mut is_new = true;
        if content.class == Class::Data {
            let reached = reached.entry(content.ends).or_insert(content.sequence);
            // A jump is another connection between the same ports.
            let ahead = end.wrapping_sub(*reached).cast_signed();
            is_new = !(-(1 << 24)..=0).contains(&ahead);
            if is_new {
                *reached = end;
            }
        }
        if chosen.get(number) == Some(&true)
            && let Some(before) = before
        {
            lost.push(Lost {
                ends: content.ends,
                class: content.class,
                sequence: content.sequence,
                payload_len: content.payload_len,
                time: frame.time,
                since: frame.time.since(before),
                is_new,
                ahead: ahead.get(number).copied().unwrap_or(false),
            });
        }
    }
    lost
}

/// Matches payload by bytes. `native` are the gap packets of the untouched capture.
pub(super) fn by_bytes(lost: &[Lost], claims: &[Claim], native: &[Claim]) -> Tally {
    let mut tally = Tally::default();
    let mut gone: HashMap<Ends, Vec<&Lost>> = HashMap::new();
    for one in lost.iter().filter(|one| one.class == Class::Data) {
        gone.entry(one.ends).or_default().push(one);
    }
    let mut had: HashMap<Ends, Vec<&Claim>> = HashMap::new();
    for claim in native.iter().filter(|claim| claim.is_gap) {
        had.entry(claim.ends).or_default().push(claim);
    }
    let mut said: HashMap<Ends, Vec<&Claim>> = HashMap::new();
    for claim in claims.iter().filter(|claim| claim.class == Class::Data) {
        let Some(range) = range_of(claim) else { continue };
        let own = gone.get(&claim.ends).map_or(0, |lost| {
            lost.iter().map(|one| overlap(range, (one.sequence, one.payload_len))).sum()
        });
        let before = had.get(&claim.ends).map_or(0, |had| {
            had.iter().filter_map(|one| range_of(one)).map(|one| overlap(range, one)).sum::<u64>()
        });
        let is_right = own * 2 >= u64::from(claim.payload_len);
        if claim.is_gap && !is_right && before * 2 >= u64::from(claim.payload_len) {
            tally.native += 1;
            continue;
        }
        if claim.is_gap {
            tally.gaps += 1;
            tally.gaps_right += u64::from(is_right);
        } else {
            tally.overdue += 1;
            tally.overdue_right += u64::from(is_right);
            let withdrawn = claim.outcome == Some(Outcome::Late);
            tally.withdrawn += u64::from(withdrawn);
            tally.withdrawn_right += u64::from(withdrawn && is_right);
        }
        said.entry(claim.ends).or_default().push(claim);
    }
    for one in lost.iter().filter(|one| one.class == Class::Data && one.is_new) {
        tally.lost += 1;
        let own = (one.sequence, one.payload_len);
        let none = Vec::new();
        let near = said.get(&one.ends).unwrap_or(&none);
        let covered = |gap: bool| -> u64 {
            let of_kind = near.iter().filter(|claim| claim.is_gap == gap);
            of_kind.filter_map(|claim| range_of(claim)).map(|range| overlap(range, own)).sum()
        };
        let (by_gap, by_overdue) = (covered(true), covered(false));
        let len = u64::from(one.payload_len);
        tally.bytes += len;
        tally.bytes_found += by_gap.max(by_overdue).min(len);
        if by_gap * 2 >= len {
            tally.found_by_gap += 1;
        } else if by_overdue * 2 >= len {
            tally.found_by_overdue += 1;
        } else {
            continue;
        }
        let best = near.iter().max_by_key(|claim| {
            (range_of(claim).map_or(0, |range| overlap(range, own)), claim.is_gap)
        });
        if let Some(best) = best {
            errors(&mut tally, one, best);
        }
    }
    for hole in holes(lost) {
        let (Some(first), Some(end)) = (hole.first(), hole.last()) else { continue };
        let len = end.sequence.wrapping_add(end.payload_len).wrapping_sub(first.sequence);
        let whole = (first.sequence, len);
        let inside = said.get(&first.ends).map_or(0, |said| {
            let gaps = said.iter().filter(|claim| claim.is_gap);
            gaps.filter(|claim| {
                range_of(claim).is_some_and(|range| overlap(range, whole) * 2 >= u64::from(range.1))
            })
            .count()
        });
        if inside > 0 {
            tally.holes += 1;
            tally.holes_right += u64::from(inside == hole.len());
        }
    }
    tally
}

/// Matches by time, within `class`. `native` are the claims about the untouched capture.
pub(super) fn by_time(
    lost: &[&Lost],
    claims: &[&Claim],
    native: &[Claim],
    tolerance: f64,
) -> Tally {
    let mut tally = Tally { lost: lost.len() as u64, ..Tally::default() };
    let gap = |claim: &Claim| (claim.ends, claim.class, claim.expected);
    let had: HashSet<_> = native.iter().filter(|claim| claim.is_gap).map(gap).collect();
    let mut open: HashMap<(Ends, Class), Vec<(&Claim, bool)>> = HashMap::new();
    for claim in claims {
        if claim.is_gap && had.contains(&gap(claim)) {
            tally.native += 1;
            continue;
        }
        open.entry((claim.ends, claim.class)).or_default().push((*claim, false));
    }
    for one in lost {
        let Some(near) = open.get_mut(&(one.ends, one.class)) else { continue };
        let within = one.since.secs_f64() * tolerance;
        let off = |claim: &Claim| {
            let (a, b) = (claim.expected.max(one.time), claim.expected.min(one.time));
            a.since(b).secs_f64()
        };
        let free = near.iter_mut().filter(|(claim, taken)| !taken && off(claim) <= within);
        let Some((claim, taken)) = free.min_by(|a, b| off(a.0).total_cmp(&off(b.0))) else {
            continue;
        };
        *taken = true;
        if claim.is_gap {
            tally.found_by_gap += 1;
        } else {
            tally.found_by_overdue += 1;
        }
        errors(&mut tally, one, claim);
    }
    for (claim, taken) in open.into_values().flatten() {
        if claim.is_gap {
            tally.gaps += 1;
            tally.gaps_right += u64::from(taken);
            continue;
        }
        tally.overdue += 1;
        tally.overdue_right += u64::from(taken);
        let withdrawn = claim.outcome == Some(Outcome::Late);
        tally.withdrawn += u64::from(withdrawn);
        tally.withdrawn_right += u64::from(withdrawn && taken);
    }
    tally
}

fn errors(tally: &mut Tally, lost: &Lost, claim: &Claim) {
    tally.size_errors.push(f64::from(lost.payload_len.abs_diff(claim.payload_len)));
    let (a, b) = (claim.expected.max(lost.time), claim.expected.min(lost.time));
    tally.time_errors.push(a.since(b).secs_f64());
}

/// Lost packets whose bytes follow each other.
fn holes(lost: &[Lost]) -> Vec<Vec<&Lost>> {
    let mut holes: Vec<Vec<&Lost>> = Vec::new();
    let mut open: HashMap<Ends, usize> = HashMap::new();
    for one in lost.iter().filter(|one| one.class == Class::Data && one.is_new) {
        if let Some(hole) = open.get(&one.ends).and_then(|at| holes.get_mut(*at))
            && let Some(last) = hole.last()
            && last.sequence.wrapping_add(last.payload_len) == one.sequence
        {
            hole.push(one);
            continue;
        }
        open.insert(one.ends, holes.len());
        holes.push(vec![one]);
    }
    holes
}

fn range_of(claim: &Claim) -> Option<(u32, u32)> {
    Some((claim.sequence?, claim.payload_len))
}

/// Bytes that two ranges of sequence numbers share.
fn overlap((a, len_a): (u32, u32), (b, len_b): (u32, u32)) -> u64 {
    let offset = i64::from(b.wrapping_sub(a).cast_signed());
    let begin = offset.max(0);
    let end = (offset + i64::from(len_b)).min(i64::from(len_a));
    (end - begin).max(0).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Address;

    const ENDS: Ends = Ends {
        from: (Address::v4([10, 0, 0, 1]), 1),
        to: (Address::v4([10, 0, 0, 2]), 2),
        protocol: 6,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    fn gone(sequence: u32, payload_len: u32) -> Lost {
        Lost {
            ends: ENDS,
            class: Class::Data,
            sequence,
            payload_len,
            time: at(0),
            since: Span::from_secs(1),
            is_new: true,
            ahead: true,
        }
    }

    fn gap(sequence: u32, payload_len: u32) -> Claim {
        Claim {
            ends: ENDS,
            class: Class::Data,
            is_gap: true,
            sequence: Some(sequence),
            payload_len,
            expected: at(0),
            run: 1,
            outcome: None,
            ahead: true,
        }
    }

    #[test]
    fn payload_is_found_by_its_bytes_and_counted_by_its_hole() {
        let start = u32::MAX - 1_000;
        let lost = [gone(start, 1_460), gone(start.wrapping_add(1_460), 700), gone(5_000, 10)];
        let right = by_bytes(&lost, &[gap(start, 1_460), gap(start.wrapping_add(1_460), 700)], &[]);
        assert_eq!((right.lost, right.found_by_gap, right.gaps_right), (3, 2, 2));
        assert_eq!((right.holes, right.holes_right), (1, 1));
        let one = by_bytes(&lost, &[gap(start, 2_160), gap(9_000, 10)], &[gap(9_000, 10)]);
        assert_eq!((one.found_by_gap, one.gaps, one.gaps_right, one.native), (2, 1, 1, 1));
        assert_eq!((one.holes, one.holes_right), (1, 0), "two packets were in it");
    }

    #[test]
    fn the_rest_is_found_by_time_and_each_claim_finds_one() {
        let udp = |time| Lost { class: Class::Udp, time: at(time), ..gone(0, 40) };
        let said = |time| Claim {
            class: Class::Udp,
            is_gap: false,
            sequence: None,
            expected: at(time),
            ..gap(0, 50)
        };
        let (lost, claims) = ([udp(10), udp(20)], [said(10), said(23)]);
        let (lost, claims): (Vec<_>, Vec<_>) = (lost.iter().collect(), claims.iter().collect());
        let tally = by_time(&lost, &claims, &[], 1.0);
        assert_eq!((tally.found_by_overdue, tally.overdue, tally.overdue_right), (1, 2, 1));
        assert_eq!(by_time(&lost, &claims, &[], 3.0).found_by_overdue, 2);
        assert_eq!(tally.size_errors, [10.0]);
    }
}
