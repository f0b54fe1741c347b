//! Numbers, times and addresses as Zeek prints them, written straight into a line buffer.
//!
//! Nothing here allocates or goes through `format!`: a log row is forty such fields. Times are cut,
//! not rounded, to microseconds, because that is what libpcap hands Zeek from a nanosecond capture.
//! Doubles come from `f32`, whose product with a million is exact in `f64`, so that the sixth
//! decimal is rounded just as `std::to_chars` does in Zeek.

use std::io::Write;

use crate::time::{NANOS_PER_SEC, Span, Timestamp};
use crate::wire::Address;

const MICROS_PER_SEC: u64 = 1_000_000;

/// Writes `value` in decimal.
pub(super) fn unsigned(out: &mut Vec<u8>, mut value: u64) {
    // u64::MAX has twenty digits.
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes `value` in decimal with its sign.
pub(super) fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    unsigned(out, value.unsigned_abs());
}

/// Writes the last `WIDTH` digits of `value`, zeros in front.
fn padded<const WIDTH: usize>(out: &mut Vec<u8>, mut value: u32) {
    let mut digits = [b'0'; WIDTH];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits);
}

/// How many decimals of a fixed-point number are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Decimals {
    /// All six.
    Six,
    /// Without trailing zeros, but at least one: `1.5`, `2.0`.
    Trimmed,
}

/// Writes a number of millionths as `whole.fraction`.
fn millionths(out: &mut Vec<u8>, value: u64, decimals: Decimals) {
    unsigned(out, value / MICROS_PER_SEC);
    out.push(b'.');
    let fraction_start = out.len();
    padded::<6>(out, (value % MICROS_PER_SEC) as u32);
    if decimals == Decimals::Trimmed {
        while out.len() > fraction_start + 1 && out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// Writes a time as seconds since the epoch.
pub(super) fn time(out: &mut Vec<u8>, time: Timestamp, decimals: Decimals) {
    let micros = whole_micros(time);
    if micros < 0 {
        out.push(b'-');
    }
    millionths(out, micros.unsigned_abs(), decimals);
}

/// Writes a span in seconds.
pub(super) fn span(out: &mut Vec<u8>, span: Span, decimals: Decimals) {
    millionths(out, span.micros(), decimals);
}

/// Microseconds since the epoch, rounded down.
const fn whole_micros(time: Timestamp) -> i64 {
    time.nanos().div_euclid(1_000)
}

/// The span between two times as a reader of the log would compute it from their six decimals.
pub(super) fn logged_span(first: Timestamp, last: Timestamp) -> Span {
    let micros = i128::from(whole_micros(last)) - i128::from(whole_micros(first));
    Span::from_micros(u64::try_from(micros.max(0)).unwrap_or(u64::MAX))
}

/// Writes a double as Zeek's ASCII writer does: six decimals, trailing zeros cut, `.0` only where
/// the value is a whole number to within 1e-9.
pub(super) fn double_tsv(out: &mut Vec<u8>, value: f32) {
    if value.is_nan() {
        out.extend_from_slice(b"nan");
        return;
    }
    if value < 0.0 {
        out.push(b'-');
    }
    if value.is_infinite() {
        out.extend_from_slice(b"inf");
        return;
    }
    let start = out.len();
    fixed(out, value.abs());
    let wide = f64::from(value);
    if (wide - wide.round_ties_even()).abs() >= 1e-9 && out[start..].ends_with(b".0") {
        out.truncate(out.len() - 2);
    }
}

/// Writes a double as a JSON number with at most six decimals; `null` where JSON has no number.
pub(super) fn double_json(out: &mut Vec<u8>, value: f32) {
    if !value.is_finite() {
        out.extend_from_slice(b"null");
        return;
    }
    if value < 0.0 {
        out.push(b'-');
    }
    fixed(out, value.abs());
}

/// Six decimals, rounded half to even, trailing zeros cut down to one.
fn fixed(out: &mut Vec<u8>, value: f32) {
    // 24 bits of mantissa times a million (20 bits) fit the 53 of an f64: the product is exact.
    let scaled = (f64::from(value) * 1e6).round_ties_even();
    if scaled < 9e15 {
        millionths(out, scaled as u64, Decimals::Trimmed);
    } else {
        // No fraction is left at this size. Writing to a Vec cannot fail.
        let _ = write!(out, "{value:.1}");
    }
}

/// Writes an address as Zeek's own `inet_ntop` does, which shows an IPv4 tail more often than Rust.
pub(super) fn address(out: &mut Vec<u8>, address: Address) {
    if let Some(bytes) = address.as_v4() {
        dotted(out, bytes);
        return;
    }
    let bytes = address.bytes();
    let mut words = [0_u16; 8];
    for (word, pair) in words.iter_mut().zip(bytes.chunks_exact(2)) {
        *word = u16::from_be_bytes([pair[0], pair[1]]);
    }
    let (base, len) = longest_zero_run(&words);
    let v4_tail = base == 0
        && match len {
            6 => true,
            5 => words[5] == 0xffff,
            4 => words[4] == 0xffff && words[5] == 0,
            _ => false,
        };
    let mut index = 0;
    while index < words.len() {
        if len > 0 && index == base {
            out.extend_from_slice(if base + len == words.len() { b"::" } else { b":" });
            index += len;
            continue;
        }
        if index != 0 {
            out.push(b':');
        }
        if v4_tail && index == 6 {
            dotted(out, [bytes[12], bytes[13], bytes[14], bytes[15]]);
            return;
        }
        hex(out, words[index]);
        index += 1;
    }
}

fn dotted(out: &mut Vec<u8>, bytes: [u8; 4]) {
    for (index, byte) in bytes.into_iter().enumerate() {
        if index != 0 {
            out.push(b'.');
        }
        unsigned(out, u64::from(byte));
    }
}

fn hex(out: &mut Vec<u8>, word: u16) {
    let significant = (4 - word.leading_zeros() / 4).max(1);
    for digit in (0..significant).rev() {
        out.push(HEX[usize::from(word >> (4 * digit) & 0xf)]);
    }
}

pub(super) const HEX: &[u8; 16] = b"0123456789abcdef";

/// Start and length of the first longest run of zero words; a single one does not count.
fn longest_zero_run(words: &[u16; 8]) -> (usize, usize) {
    let (mut best, mut best_len) = (0, 0);
    let mut index = 0;
    while index < words.len() {
        let len = words[index..].iter().take_while(|word| **word == 0).count();
        if len > best_len && len >= 2 {
            (best, best_len) = (index, len);
        }
        index += len.max(1);
    }
    (best, best_len)
}

/// Writes a time as `2026-11-21-00-59-30`, in UTC.
pub(super) fn calendar(out: &mut Vec<u8>, time: Timestamp) {
    let seconds = time.nanos().div_euclid(NANOS_PER_SEC as i64);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400) as u32;
    padded::<4>(out, year);
    for part in [month, day, of_day / 3_600, of_day / 60 % 60, of_day % 60] {
        out.push(b'-');
        padded::<2>(out, part);
    }
}

/// Year, month and day of a count of days since 1970-01-01 (Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms"). Packet time spans the years 1677 to 2262, so a year is always positive.
pub(crate) fn civil(days: i64) -> (u32, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months are counted from March, so that the leap day comes last.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as u32, month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers_reach_both_ends_of_their_range() {
        assert_eq!(text(|o| unsigned(o, 0)), "0");
        assert_eq!(text(|o| unsigned(o, u64::MAX)), u64::MAX.to_string());
        assert_eq!(text(|o| signed(o, i64::MIN)), i64::MIN.to_string());
    }

    #[test]
    fn doubles_read_as_in_zeeks_own_baseline() {
        // scripts.base.frameworks.logging.ascii-double in Zeek's test suite, as far as f32 goes.
        for (value, tsv, json) in [
            (1.0, "1.0", "1.0"),
            (1.1, "1.1", "1.1"),
            (-1.123_456_7, "-1.123457", "-1.123457"),
            (0.1234, "0.1234", "0.1234"),
            (5e4, "50000.0", "50000.0"),
            (1.234_567_9e-5, "0.000012", "0.000012"),
            (0.0, "0.0", "0.0"),
            (-0.0, "0.0", "0.0"),
            (1e-7, "0", "0.0"),
            (1e18, "1000000000000000000.0", ""),
            (f32::INFINITY, "inf", "null"),
            (f32::NEG_INFINITY, "-inf", "null"),
            (f32::NAN, "nan", "null"),
        ] {
            if value != 1e18 {
                assert_eq!(text(|o| double_tsv(o, value)), tsv);
                assert_eq!(text(|o| double_json(o, value)), json);
            } else {
                assert_eq!(text(|o| double_tsv(o, value)), format!("{value:.1}"));
            }
        }
    }

    #[test]
    fn a_double_agrees_with_correct_rounding_at_six_decimals() {
        let mut bits = 0x3000_0000_u32;
        while bits < 0x4c00_0000 {
            let value = f32::from_bits(bits);
            let full = format!("{:.6}", f64::from(value));
            let trimmed = full.trim_end_matches('0');
            let trimmed =
                if trimmed.ends_with('.') { format!("{trimmed}0") } else { trimmed.into() };
            assert_eq!(text(|o| double_json(o, value)), trimmed);
            bits += 0x1_2345;
        }
    }

    #[test]
    fn times_are_cut_to_microseconds_and_may_lie_before_the_epoch() {
        let at = |nanos| Timestamp::from_nanos(nanos);
        let six = |t| text(|o| time(o, t, Decimals::Six));
        let json = |t| text(|o| time(o, t, Decimals::Trimmed));
        assert_eq!(six(at(1_215_620_010_543_210_999)), "1215620010.543210");
        assert_eq!(json(at(1_215_620_010_543_210_999)), "1215620010.54321");
        assert_eq!(six(at(0)), "0.000000");
        assert_eq!(json(at(0)), "0.0");
        assert_eq!(six(at(-1)), "-0.000001");
        assert_eq!(six(Timestamp::MIN), "-9223372036.854776");
        assert_eq!(logged_span(at(1_999), at(2_000)), Span::from_micros(1));
        assert_eq!(logged_span(at(5_000), at(2_000)), Span::ZERO);
        assert_eq!(text(|o| span(o, Span::MAX, Decimals::Six)), "18446744073.709551");
    }

    #[test]
    fn addresses_read_as_zeek_writes_them() {
        for (given, expected) in [
            ("::", "::"),
            ("::1", "::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"),
            ("2001:0:0:1:0:0:0:0", "2001:0:0:1::"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("fe80:0:1:0:1:0:1:0", "fe80:0:1:0:1:0:1:0"),
            ("::102:304", "::1.2.3.4"),
            ("::2", "::2"),
            ("::ffff:0:102:304", "::ffff:0:1.2.3.4"),
        ] {
            let bytes = given.parse::<Ipv6Addr>().unwrap().octets();
            assert_eq!(text(|o| address(o, Address::v6(bytes))), expected, "{given}");
        }
        assert_eq!(text(|o| address(o, Address::v4([192, 0, 2, 255]))), "192.0.2.255");
    }

    #[test]
    fn the_calendar_knows_leap_days_and_the_time_before_the_epoch() {
        let at = |seconds| text(|o| calendar(o, Timestamp::from_parts(seconds, 0)));
        assert_eq!(at(0), "1970-01-01-00-00-00");
        assert_eq!(at(951_827_696), "2000-02-29-12-34-56");
        assert_eq!(at(1_795_222_800), "2026-11-21-01-00-00");
        assert_eq!(at(-1), "1969-12-31-23-59-59");
        assert_eq!(text(|o| calendar(o, Timestamp::MIN)), "1677-09-21-00-12-43");
        assert_eq!(text(|o| calendar(o, Timestamp::MAX)), "2262-04-11-23-47-16");
    }
}
