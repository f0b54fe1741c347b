//! The configuration as TOML: bare, or with everything that is known about each key.

use super::category::SHIPPED;
use super::keys::{Config, KEYS, SECTIONS};

/// The column at which comments wrap.
const WIDTH: usize = 96;

const OPENING: &str = "\
# Configuration of Foreshadow: every key, at its default.
#
# Keep only what you change; a key left out has its default. A time is a string with its unit
# (ns, us, ms, s, m, h or d), as in \"5m\", or a whole number of seconds. Packet time is the time in
# the capture, not the machine's. A cost is what a higher value brings.
";

impl Config {
    /// The default configuration with what each key does, its unit, range and cost, as TOML that
    /// parses to [`Config::default`].
    #[must_use]
    pub fn print_default() -> String {
        let config = Self::default();
        let mut text = OPENING.to_owned();
        for section in SECTIONS {
            text.push_str(&format!("\n\n#{}\n[{}]\n", section.doc, section.name));
            for key in KEYS.iter().filter(|key| key.section == section.name) {
                text.push('\n');
                comment(&mut text, &key.doc());
                comment(&mut text, &format!("Unit: {}. Range: {}.", key.unit, key.range()));
                comment(&mut text, &format!("Cost: {}.", key.cost));
                text.push_str(&format!("{} = {}\n", key.name, (key.write)(&config)));
            }
        }
        text.push_str("\n\n");
        text.push_str(SHIPPED);
        text
    }

    /// The configuration as TOML without comments; parses to the same configuration.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for section in SECTIONS {
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}[{}]\n", section.name));
            for key in KEYS.iter().filter(|key| key.section == section.name) {
                text.push_str(&format!("{} = {}\n", key.name, (key.write)(self)));
            }
        }
        self.categories.write(&mut text);
        text
    }
}

/// Adds a paragraph as comment lines.
fn comment(text: &mut String, paragraph: &str) {
    let mut column = 0;
    for word in paragraph.split_whitespace() {
        if column == 0 || column + 1 + word.len() > WIDTH {
            text.push_str(if column == 0 { "#" } else { "\n#" });
            column = 1;
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + word.len();
    }
    text.push('\n');
}
