//! From text to a [`Config`], or to everything that is wrong with the text.

use std::ops::Range;

use toml_edit::{Document, Item, Table, TableLike, TomlError, Value};

use super::category::{self, What, Wrong};
use super::error::{ConfigError, ConfigErrors, Found, Problem, SHOWN, locate, one_line};
use super::keys::{Config, KEYS, Key, SECTIONS};
use super::nearest::nearest;
use super::setting::quote;
use crate::bloom::{RuleError, Stage};

/// The name of the tables that are no section.
const CATEGORY: &str = "category";

impl Config {
    /// The configuration that a TOML text describes; keys it does not name have their defaults.
    ///
    /// `origin` is what errors name as the source: the file's path, or [`OPTIONS`](super::OPTIONS).
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text, in its order; of the errors that keep it from being
    /// TOML at all, only the first.
    ///
    /// ```
    /// use foreshadow::config::Config;
    ///
    /// let config = Config::from_toml("[flow]\nmax_connections = 5_000", "sensor.toml")?;
    /// assert_eq!(config.flow.max_connections(), 5_000);
    ///
    /// let errors = Config::from_toml("flow.max_conections = 5_000", "sensor.toml").unwrap_err();
    /// assert_eq!(
    ///     errors.to_string(),
    ///     "sensor.toml:1:6: flow.max_conections: unknown key, did you mean flow.max_connections?"
    /// );
    /// # Ok::<(), foreshadow::config::ConfigErrors>(())
    /// ```
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ConfigErrors> {
        let mut config = Self::default();
        config.apply(text, origin)?;
        Ok(config)
    }

    /// Takes over every key that a TOML text names and leaves the others as they are, so that
    /// options can be laid over a file.
    ///
    /// # Errors
    ///
    /// As [`Config::from_toml`]; the configuration is then unchanged.
    pub fn apply(&mut self, text: &str, origin: &str) -> Result<(), ConfigErrors> {
        let mut reader = Reader { text, config: self.clone(), found: Vec::new() };
        match Document::parse(text) {
            Ok(document) => reader.root(document.as_table()),
            Err(error) => {
                let found = reader.syntax(&error);
                reader.found.push(found);
            }
        }
        if reader.found.is_empty() {
            *self = reader.config;
            Ok(())
        } else {
            Err(locate(reader.found, text, origin))
        }
    }

    /// Sets one key, as a host's option or `--set key=value` on the command line does.
    ///
    /// The value is TOML, or for times, names and paths the text without its quotes; the names of a
    /// list then stand between commas.
    ///
    /// # Errors
    ///
    /// An unknown key, or a value the key does not take; the configuration is then unchanged.
    ///
    /// ```
    /// # use foreshadow::config::Config;
    /// let mut config = Config::default();
    /// config.set("flow.timeout_udp", "2m")?;
    /// config.set("wire.tunnels", "gre, vxlan")?;
    /// assert!(config.wire.tunnels().gre && !config.wire.tunnels().geneve);
    /// # Ok::<(), foreshadow::config::ConfigErrors>(())
    /// ```
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigErrors> {
        let problem = match KEYS.iter().find(|known| known.path == key) {
            None => {
                unknown(one_line(key, SHOWN), key, KEYS.iter().map(|known| known.path), &sections())
            }
            Some(known) => {
                let value = value.trim();
                let quoted = value.parse::<Value>();
                if quoted.is_ok_and(|quoted| (known.read)(self, &quoted).is_ok())
                    || (known.read)(self, &(known.bare)(value)).is_ok()
                {
                    return Ok(());
                }
                Problem::Value {
                    key: key.to_owned(),
                    expected: (known.expected)(),
                    came: one_line(value, SHOWN),
                }
            }
        };
        let origin = super::OPTIONS.to_owned();
        Err(ConfigErrors::new(vec![ConfigError { origin, position: None, problem }]))
    }
}

/// Walks one document into a configuration, gathering what is wrong.
struct Reader<'a> {
    text: &'a str,
    config: Config,
    found: Vec<Found>,
}

impl Reader<'_> {
    fn syntax(&self, error: &TomlError) -> Found {
        let Range { start: offset, mut end } = error.span().unwrap_or(self.text.len()..0);
        if end <= offset {
            // The parser marks the point before what it could not read; show the line on.
            let after = &self.text[self.text.floor_char_boundary(offset)..];
            end = offset + after.lines().next().unwrap_or_default().len();
        }
        let message = if error.message().starts_with("invalid boolean") {
            // It takes `tsv` for the beginning of `true`; to people it is text without quotes.
            "neither true nor false, and text must be quoted".to_owned()
        } else {
            one_line(error.message(), usize::MAX)
        };
        Found { offset, problem: Problem::Syntax { message, came: self.excerpt(offset..end) } }
    }

    fn root(&mut self, root: &dyn TableLike) {
        for (name, item) in root.iter() {
            let offset = key_offset(root, name);
            if name == CATEGORY {
                self.categories(offset, item);
                continue;
            }
            let Some(section) = SECTIONS.iter().find(|section| section.name == name) else {
                self.unknown_section(offset, name, item);
                continue;
            };
            let section = section.name;
            match item.as_table_like() {
                Some(table) => self.section(section, table),
                None => self.misfit(section, offset, &format!("a table [{section}]"), item, None),
            }
        }
    }

    fn categories(&mut self, offset: usize, item: &Item) {
        let Some(tables) = item.as_array_of_tables() else {
            self.misfit(CATEGORY, offset, "tables [[category]]", item, None);
            return;
        };
        for table in tables {
            match category::read(table) {
                Ok(Some(category)) => self.config.categories.declare(category),
                Ok(None) => category::disable(table, &mut self.config.categories),
                Err(wrong) => self.wrong_category(table, wrong),
            }
        }
        if self.config.categories.enabled() > Stage::MOST {
            let problem = Problem::Value {
                key: CATEGORY.to_owned(),
                expected: category::too_many(),
                came: self.config.categories.enabled().to_string(),
            };
            self.found.push(Found { offset, problem });
        }
    }

    fn wrong_category(&mut self, table: &Table, Wrong { key, what }: Wrong) {
        let start = table.span().map_or(0, |span| span.start);
        let offset = key.as_ref().map_or(start, |key| key_offset(table, key));
        let path = key.as_ref().map_or(CATEGORY.to_owned(), |key| dotted(&[CATEGORY, key]));
        let item = key.as_ref().and_then(|key| table.get(key));
        match (what, item) {
            (What::Unknown, _) => {
                let name = key.unwrap_or_default();
                let problem = unknown(path, &name, category::KEYS.into_iter(), &category::KEYS);
                self.found.push(Found { offset, problem });
            }
            (What::Value(expected, part), Some(item)) => {
                self.misfit(&path, offset, &expected, item, part.0);
            }
            (What::Value(expected, _), None) => {
                let came = "a table without it".to_owned();
                let problem = Problem::Value { key: path, expected, came };
                self.found.push(Found { offset, problem });
            }
            (What::Rule(RuleError { offset: within, expected, came }), item) => {
                let span = item.and_then(Item::span).unwrap_or(offset..offset);
                let problem = Problem::Value { key: path, expected, came };
                let offset = span.start + self.offset_in_string(span, within);
                self.found.push(Found { offset, problem });
            }
        }
    }

    /// How far into a string's TOML its byte `within` stands; 0 where escapes make that hard to say.
    fn offset_in_string(&self, span: Range<usize>, within: usize) -> usize {
        let written = self.text.get(span).unwrap_or_default();
        let opening =
            if written.starts_with("\"\"\"") || written.starts_with("'''") { 3 } else { 1 };
        // A line break right after the opening is not part of the string.
        let rest = written.get(opening..).unwrap_or_default();
        let rest_of_line =
            if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
        if written.contains('\\') { 0 } else { opening + rest_of_line + within }
    }

    fn unknown_section(&mut self, offset: usize, name: &str, item: &Item) {
        let sections = sections();
        let shown = dotted(&[name]);
        let problem = if item.is_table_like() {
            unknown(shown, name, sections.iter().copied(), &sections)
        } else {
            // A key that stands outside its section is likelier than a section without keys.
            unknown(shown, name, KEYS.iter().map(|key| key.path), &sections)
        };
        self.found.push(Found { offset, problem });
    }

    fn section(&mut self, section: &'static str, table: &dyn TableLike) {
        for (name, item) in table.iter() {
            let offset = key_offset(table, name);
            let keys = || KEYS.iter().filter(|key| key.section == section);
            let Some(key) = keys().find(|key| key.name == name) else {
                let known: Vec<&str> = keys().map(|key| key.name).collect();
                let path = format!("{section}.{name}");
                let candidates = KEYS.iter().map(|key| key.path);
                let problem = unknown(dotted(&[section, name]), &path, candidates, &known);
                self.found.push(Found { offset, problem });
                continue;
            };
            self.value(key, offset, item);
        }
    }

    fn value(&mut self, key: &Key, offset: usize, item: &Item) {
        let outcome = item.as_value().map(|value| (key.read)(&mut self.config, value));
        let part = match outcome {
            Some(Ok(())) => return,
            Some(Err(misfit)) => misfit.0,
            None => None,
        };
        self.misfit(key.path, offset, &(key.expected)(), item, part);
    }

    /// Notes a value that does not fit: at the part at fault, else the value, else its key.
    fn misfit(
        &mut self,
        key: &str,
        key_offset: usize,
        expected: &str,
        item: &Item,
        part: Option<Range<usize>>,
    ) {
        let written = part.or_else(|| item.as_value().and_then(Value::span));
        let (offset, came) = match written {
            Some(span) => (span.start, self.excerpt(span)),
            None if item.is_array_of_tables() => (key_offset, "an array of tables".to_owned()),
            None => (key_offset, "a table".to_owned()),
        };
        let problem = Problem::Value { key: key.to_owned(), expected: expected.to_owned(), came };
        self.found.push(Found { offset, problem });
    }

    /// The text at a span, as a message may repeat it; whole characters whatever the span says.
    fn excerpt(&self, span: Range<usize>) -> String {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end.max(start));
        one_line(&self.text[start..end], SHOWN)
    }
}

/// Where a key stands in the text.
fn key_offset(table: &dyn TableLike, name: &str) -> usize {
    let span = table.get_key_value(name).and_then(|(key, _)| key.span());
    span.map_or(0, |span| span.start)
}

fn sections() -> Vec<&'static str> {
    SECTIONS.iter().map(|section| section.name).chain([CATEGORY]).collect()
}

fn unknown<'a>(
    shown: String,
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
    known: &[&'static str],
) -> Problem {
    let nearest = nearest(name, candidates).map(str::to_owned);
    Problem::Unknown { key: shown, nearest, known: known.to_vec() }
}

/// A dotted key as it would have to be written, with quotes where TOML needs them.
fn dotted(names: &[&str]) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let quoted = names.iter().map(|name| {
        let plain = !name.is_empty() && name.chars().all(bare);
        if plain { (*name).to_owned() } else { quote(name) }
    });
    one_line(&quoted.collect::<Vec<_>>().join("."), SHOWN)
}
