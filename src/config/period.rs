//! Lengths of time as people write them: `300s`, `5m`, `250ms`, `1h`.

use crate::time::Span;

/// The units, largest first, with their length in nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A whole number and its unit, with nothing between; `None` for anything else or beyond 584 years.
pub(super) fn parse(text: &str) -> Option<Span> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, nanos) = UNITS.into_iter().find(|&(name, _)| name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(nanos).map(Span::from_nanos)
}

/// The span in the largest unit that writes it as a whole number.
pub(super) fn write(span: Span) -> String {
    if span == Span::ZERO {
        return "0s".to_owned();
    }
    let (unit, nanos) = UNITS
        .into_iter()
        .find(|&(_, nanos)| span.nanos().is_multiple_of(nanos))
        .unwrap_or(("ns", 1));
    format!("{}{unit}", span.nanos() / nanos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_unit_is_understood() {
        assert_eq!(parse("300s"), Some(Span::from_secs(300)));
        assert_eq!(parse("5m"), Some(Span::from_secs(300)));
        assert_eq!(parse("250ms"), Some(Span::from_millis(250)));
        assert_eq!(parse("7us"), Some(Span::from_micros(7)));
        assert_eq!(parse("7ns"), Some(Span::from_nanos(7)));
        assert_eq!(parse("1h"), Some(Span::from_secs(3_600)));
        assert_eq!(parse("2d"), Some(Span::from_secs(172_800)));
    }

    #[test]
    fn anything_but_a_whole_number_and_a_unit_is_refused() {
        for text in
            ["", "5", "m", "5 m", " 5m", "5m ", "-5m", "+5m", "1.5s", "5M", "5min", "1h30m", "5µs"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse("18446744073709551615ns"), Some(Span::MAX));
        assert_eq!(parse("18446744073709551616ns"), None);
        assert_eq!(parse("213504d"), None);
    }

    #[test]
    fn a_span_is_written_in_its_largest_whole_unit() {
        assert_eq!(write(Span::ZERO), "0s");
        assert_eq!(write(Span::from_secs(300)), "5m");
        assert_eq!(write(Span::from_secs(301)), "301s");
        assert_eq!(write(Span::from_millis(1_500)), "1500ms");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(nanos: u64) {
            let span = Span::from_nanos(nanos);
            prop_assert_eq!(parse(&write(span)), Some(span));
        }
    }
}
