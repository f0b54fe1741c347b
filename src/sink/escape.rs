//! Text as Zeek escapes it, in TSV and in JSON.
//!
//! Follows Zeek 8's defaults (`LogAscii::enable_utf_8 = T`, `JSON::STRING_ESCAPE_POLICY_HEX`):
//! `src/Desc.cc` (`ODesc::AddBytes`), `src/util.cc` (`escape_utf8`) and
//! `src/threading/formatters/{Ascii,JSON}.cc`. Valid UTF-8 stays as it is; in a piece of text that
//! has one byte which is not, every byte beyond ASCII is written as `\xNN`.

use super::number::HEX;

/// What an unset field reads.
pub(super) const UNSET: &[u8] = b"-";
/// What a field that is set, but to nothing, reads.
pub(super) const EMPTY: &[u8] = b"(empty)";
/// Between the fields of a row.
pub(super) const SEPARATOR: u8 = b'\t';
/// Between the elements of a set or vector.
pub(super) const SET_SEPARATOR: u8 = b',';

/// Which control characters [`utf8`] writes as `\xNN`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Controls {
    /// All of them.
    All,
    /// Those without a short form in JSON (`\b \f \n \r \t` have one).
    WithoutShortForm,
}

/// Writes one TSV field; inside a set or vector the set separator is escaped too.
pub(super) fn tsv(out: &mut Vec<u8>, text: &[u8], in_set: bool) {
    if text.is_empty() {
        out.extend_from_slice(EMPTY);
        return;
    }
    // A value that reads like a reserved word loses its first byte to an escape.
    if text == UNSET || text == EMPTY {
        byte(out, text[0]);
        out.extend_from_slice(&text[1..]);
        return;
    }
    let must_go = |c: u8| c == b'\\' || c == SEPARATOR || (in_set && c == SET_SEPARATOR);
    let mut rest = text;
    while let Some(at) = rest.iter().position(|c| must_go(*c)) {
        utf8(out, &rest[..at], Controls::All);
        if rest[at] == b'\\' {
            out.extend_from_slice(b"\\\\");
        } else {
            byte(out, rest[at]);
        }
        rest = &rest[at + 1..];
    }
    utf8(out, rest, Controls::All);
}

/// Writes one JSON string, quotes included.
pub(super) fn json(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let plain = |c: &u8| (b' '..0x7f).contains(c) && *c != b'"' && *c != b'\\';
    if text.iter().all(plain) {
        out.extend_from_slice(text);
    } else {
        // Two escapes, one over the other, as Zeek does it: bytes first, then JSON's own.
        let mut readable = Vec::with_capacity(text.len() + 16);
        utf8(&mut readable, text, Controls::WithoutShortForm);
        for c in readable {
            match c {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', c]),
                0x08 => out.extend_from_slice(b"\\b"),
                0x0c => out.extend_from_slice(b"\\f"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                _ => out.push(c),
            }
        }
    }
    out.push(b'"');
}

fn byte(out: &mut Vec<u8>, value: u8) {
    let digits = [HEX[usize::from(value >> 4)], HEX[usize::from(value & 0xf)]];
    out.extend_from_slice(&[b'\\', b'x', digits[0], digits[1]]);
}

fn stays(c: u8, controls: Controls) -> bool {
    let has_short_form = matches!(c, 0x08 | b'\t' | b'\n' | 0x0c | b'\r');
    (b' '..0x7f).contains(&c) || (controls == Controls::WithoutShortForm && has_short_form)
}

fn utf8(out: &mut Vec<u8>, text: &[u8], controls: Controls) {
    if text.iter().all(|c| stays(*c, controls)) {
        out.extend_from_slice(text);
        return;
    }
    let readable = std::str::from_utf8(text).is_ok_and(|text| {
        text.chars().all(|c| {
            u8::try_from(c).is_ok_and(|c| c.is_ascii() && stays(c, controls)) || is_logged(c)
        })
    });
    if readable {
        out.extend_from_slice(text);
        return;
    }
    for c in text {
        if stays(*c, controls) {
            out.push(*c);
        } else {
            byte(out, *c);
        }
    }
}

/// Characters beyond ASCII that Zeek writes as they are: no controls, private use or specials.
fn is_logged(c: char) -> bool {
    !matches!(c, '\0'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tsv_text(text: &[u8], in_set: bool) -> Vec<u8> {
        let mut out = Vec::new();
        tsv(&mut out, text, in_set);
        out
    }

    fn json_text(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        json(&mut out, text);
        out
    }

    #[test]
    fn tsv_escapes_what_zeeks_baselines_escape() {
        // scripts.base.frameworks.logging.ascii-{escape-*,utf8-enabled-*,json-utf8/ssh-tsv}.
        for (given, expected) in [
            (b"-".as_slice(), b"\\x2d".as_slice()),
            (b"", b"(empty)"),
            (b"(empty)", b"\\x28empty)"),
            (b"--", b"--"),
            (b"foo \n\t\0 bar", b"foo \\x0a\\x09\\x00 bar"),
            (b"\\x41", b"\\\\x41"),
            (b"a,b", b"a,b"),
            ("ñ".as_bytes(), "ñ".as_bytes()),
            ("₡ 🚀".as_bytes(), "₡ 🚀".as_bytes()),
            (b"\xc3(", b"\\xc3("),
            (b"\xed\xa0\xa1", b"\\xed\\xa0\\xa1"),
            (b"\xee\x8b\xa0", b"\\xee\\x8b\\xa0"),
            (b"\xc3\xb1\xc0\x81", b"\\xc3\\xb1\\xc0\\x81"),
            (b"\x7f", b"\\x7f"),
            (b"\xc2\x85", b"\\xc2\\x85"),
        ] {
            assert_eq!(tsv_text(given, false), expected, "{}", given.escape_ascii());
        }
    }

    #[test]
    fn one_bad_byte_escapes_the_rest_of_its_piece_but_not_the_next_one() {
        assert_eq!(tsv_text("🚀!\0".as_bytes(), false), b"\\xf0\\x9f\\x9a\\x80!\\x00");
        assert_eq!(tsv_text("ñ\\\0".as_bytes(), false), "ñ\\\\\\x00".as_bytes());
    }

    #[test]
    fn the_set_separator_is_escaped_inside_a_set_only() {
        assert_eq!(tsv_text(b",,", true), b"\\x2c\\x2c");
        assert_eq!(tsv_text(b",,", false), b",,");
    }

    #[test]
    fn json_escapes_bytes_first_and_json_second() {
        for (given, expected) in [
            (b"plain".as_slice(), b"\"plain\"".as_slice()),
            (b"", b"\"\""),
            (b"-", b"\"-\""),
            (b"\x08\x0c\n\r\t\0\x15", b"\"\\b\\f\\n\\r\\t\\\\x00\\\\x15\""),
            (b"a\"b\\c", b"\"a\\\"b\\\\c\""),
            (b"\xc3(", b"\"\\\\xc3(\""),
            ("ñ".as_bytes(), "\"ñ\"".as_bytes()),
            ("ñ\n".as_bytes(), "\"ñ\\n\"".as_bytes()),
        ] {
            assert_eq!(json_text(given), expected, "{}", given.escape_ascii());
        }
    }
}
