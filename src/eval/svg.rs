//! What all pictures share: the frame, colours, safe text.

use std::fmt::{self, Write};

/// Colours that people with any colour vision tell apart (after Okabe and Ito), greys first for the
/// simplest baselines.
const COLOURS: [&str; 9] = [
    "#c8c8c8", "#9a9a9a", "#6b6b6b", "#56b4e9", "#0072b2", "#003f66", "#e69f00", "#009e73",
    "#cc79a7",
];

/// The colour of the `at`-th of several things.
pub(crate) fn colour(at: usize) -> &'static str {
    COLOURS[at % COLOURS.len()]
}

/// Begins a picture on white; `</svg>` ends it.
pub(crate) fn open(out: &mut String, width: f64, height: f64) -> fmt::Result {
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\" \
         fill=\"#222\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    )
}

/// Text with what means something in XML escaped.
pub(crate) struct Text<'a>(pub(crate) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                control if control < ' ' => f.write_char(' ')?,
                plain => f.write_char(plain)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_the_picture() {
        assert_eq!(Text("a<b>&\"\u{1}").to_string(), "a&lt;b&gt;&amp;&quot; ");
    }
}
