//! JSON for the page, written straight into one buffer.
//!
//! It stands inside a `<script>` element, so that `<` is written as an escape: no text from traffic can
//! end the element, whatever it holds.

use crate::sink::escape;

/// Writes one JSON value after the other.
#[derive(Default)]
pub(super) struct Json {
    out: Vec<u8>,
    /// Whether the next value or key needs a comma before it.
    comma: bool,
}

impl Json {
    /// What was written.
    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// A key and the object behind it, whose keys `fields` writes.
    pub(super) fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.enclosed(b'{', b'}', fields);
    }

    /// An array, whose values `values` writes.
    pub(super) fn array(&mut self, values: impl FnOnce(&mut Self)) {
        self.enclosed(b'[', b']', values);
    }

    /// The key of the value that follows.
    pub(super) fn key(&mut self, name: &str) -> &mut Self {
        self.text(name);
        self.out.push(b':');
        self.comma = false;
        self
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) {
        self.next();
        let from = self.out.len();
        escape::json(&mut self.out, text.as_bytes());
        if self.out[from..].contains(&b'<') {
            let safe: Vec<u8> = self.out[from..]
                .iter()
                .flat_map(|&byte| if byte == b'<' { &b"\\u003c"[..] } else { slice(byte) })
                .copied()
                .collect();
            self.out.truncate(from);
            self.out.extend_from_slice(&safe);
        }
    }

    /// A number to six digits behind the point; null for one that is none.
    pub(super) fn number(&mut self, number: f64) {
        self.next();
        if number.is_finite() {
            let text = format!("{number:.6}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            self.out.extend_from_slice(text.as_bytes());
        } else {
            self.out.extend_from_slice(b"null");
        }
    }

    /// A whole number.
    pub(super) fn whole(&mut self, number: u64) {
        self.next();
        self.out.extend_from_slice(number.to_string().as_bytes());
    }

    /// A number that may be absent.
    pub(super) fn maybe(&mut self, number: Option<f64>) {
        self.number(number.unwrap_or(f64::NAN));
    }

    fn enclosed(&mut self, begin: u8, end: u8, within: impl FnOnce(&mut Self)) {
        self.next();
        self.out.push(begin);
        self.comma = false;
        within(self);
        self.out.push(end);
        self.comma = true;
    }

    fn next(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }
}

/// A byte as a slice that lives as long as the program.
fn slice(byte: u8) -> &'static [u8] {
    static ALL: [u8; 256] = {
        let mut all = [0; 256];
        let mut at = 0;
        while at < 256 {
            all[at] = at as u8;
            at += 1;
        }
        all
    };
    &ALL[usize::from(byte)..=usize::from(byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_parted_by_commas_and_no_text_can_end_the_script() {
        let mut json = Json::default();
        json.object(|json| {
            json.key("a").array(|json| {
                json.whole(1);
                json.number(-0.5);
                json.number(f64::NAN);
                json.maybe(None);
            });
            json.key("b").text("</script><!--\"\\\u{2028}");
            json.key("c").object(|_| {});
        });
        let text = String::from_utf8(json.finish()).unwrap_or_default();
        assert!(
            text.starts_with(r#"{"a":[1,-0.5,null,null],"b":"\u003c/script>\u003c!--\"\\"#),
            "{text}"
        );
        assert!(text.ends_with(r#","c":{}}"#) && !text.contains('<'), "{text}");
    }

    #[test]
    fn numbers_lose_what_nobody_sees() {
        let mut json = Json::default();
        json.array(|json| {
            for number in [1.0, 1.5, 1e-9, 1_700_000_000.123_456_7] {
                json.number(number);
            }
        });
        assert_eq!(json.finish(), b"[1,1.5,0,1700000000.123457]");
    }
}
