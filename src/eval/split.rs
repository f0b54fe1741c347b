//! Which sources train, which validate, and which are held out: a small TOML file.
//!
//! A source is a device, a site or a protocol; packets and connections of one source are never on
//! both sides of the line, because a model that has seen one has all but seen the other.

use std::collections::BTreeMap;
use std::path::Path;

use toml_edit::{DocumentMut, Item, TableLike};

use super::EvalError;

/// The split that ships, and its name in messages.
const SHIPPED: (&str, &str) = ("models/split.toml", include_str!("../../models/split.toml"));

/// Which sources are kept from training.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Split {
    origin: String,
    divided: Vec<String>,
    classes: BTreeMap<String, Kept>,
}

/// Sources of one class that do not train.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Kept {
    held_out: Vec<String>,
    validation: Vec<String>,
}

/// What a source is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Models learn from it.
    Training,
    /// Decides when training stops, and between models.
    Validation,
    /// Measures, and decides nothing.
    HeldOut,
}

impl Part {
    /// Its name in sentences.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Validation => "validation",
            Self::HeldOut => "held-out",
        }
    }
}

impl Split {
    /// The split that the shipped models were trained with.
    #[must_use]
    pub fn shipped() -> Self {
        let (origin, text) = SHIPPED;
        Self::parse(origin, text).expect("a test reads it")
    }

    /// Reads a split file.
    ///
    /// # Errors
    ///
    /// When it can't be read or says something that is not understood.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| EvalError::Split {
            origin: origin.clone(),
            what: format!("cannot be read: {error}"),
        })?;
        Self::parse(&origin, &text)
    }

    /// No source is kept from training; sources are named as in the shipped split.
    #[must_use]
    pub fn nothing_kept() -> Self {
        Self { classes: BTreeMap::new(), ..Self::shipped() }
    }

    /// Reads the text of a split file; `origin` names it in errors.
    ///
    /// # Errors
    ///
    /// When it says something that is not understood.
    pub fn parse(origin: &str, text: &str) -> Result<Self, EvalError> {
        let wrong = |what: String| EvalError::Split { origin: origin.to_owned(), what };
        let document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| wrong(error.to_string()))?;
        let mut split = Self { origin: origin.to_owned(), ..Self::default() };
        for (key, item) in document.iter() {
            if key == "divided" {
                split.divided = names(key, item).map_err(wrong)?;
                continue;
            }
            let Some(table) = item.as_table_like() else {
                return Err(wrong(format!(
                    "{key}: expected \"divided\" or a table named after a class"
                )));
            };
            split.classes.insert(key.to_owned(), kept(key, table).map_err(wrong)?);
        }
        Ok(split)
    }

    /// The file's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The source a capture belongs to: its folder, or in a divided folder `folder/part`, where the
    /// part is the capture's name up to `__` or, without that, up to the first dot.
    pub(super) fn source(&self, folder: &str, file: &str) -> String {
        if !self.divided.iter().any(|divided| divided == folder) {
            return folder.to_owned();
        }
        let part = file.split_once("__").or_else(|| file.split_once('.'));
        format!("{folder}/{}", part.map_or(file, |(part, _)| part))
    }

    /// What a source is for.
    #[must_use]
    pub fn part(&self, class: &str, source: &str) -> Part {
        let Some(kept) = self.classes.get(class) else { return Part::Training };
        let among = |names: &[String]| names.iter().any(|name| name == source);
        if among(&kept.held_out) {
            Part::HeldOut
        } else if among(&kept.validation) {
            Part::Validation
        } else {
            Part::Training
        }
    }

    /// Sources of a class that it names.
    pub(super) fn named(&self, class: &str) -> impl Iterator<Item = &str> {
        let kept = self.classes.get(class).into_iter();
        kept.flat_map(|kept| kept.held_out.iter().chain(&kept.validation)).map(String::as_str)
    }
}

fn kept(class: &str, table: &dyn TableLike) -> Result<Kept, String> {
    let mut kept = Kept::default();
    for (key, item) in table.iter() {
        let path = format!("{class}.{key}");
        match key {
            "held_out" => kept.held_out = names(&path, item)?,
            "validation" => kept.validation = names(&path, item)?,
            _ => return Err(format!("{path}: expected \"held_out\" or \"validation\"")),
        }
    }
    match kept.held_out.iter().find(|source| kept.validation.contains(source)) {
        Some(both) => Err(format!("{class}: {both} is both held out and validation")),
        None => Ok(kept),
    }
}

fn names(path: &str, item: &Item) -> Result<Vec<String>, String> {
    let wrong = || format!("{path}: expected a list of names in quotes");
    let list = item.as_array().ok_or_else(wrong)?;
    list.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "divided = ['ics']\n[benign]\nheld_out = ['ics/s7']\nvalidation = ['b']\n";

    #[test]
    fn a_source_is_placed_where_the_file_says() {
        let split = Split::parse("x", TEXT).unwrap();
        assert_eq!(split.part("benign", "ics/s7"), Part::HeldOut);
        assert_eq!(split.part("benign", "b"), Part::Validation);
        assert_eq!(split.part("benign", "c"), Part::Training);
        assert_eq!(split.part("attack", "b"), Part::Training);
    }

    #[test]
    fn files_of_a_divided_folder_are_sources_of_their_own() {
        let split = Split::parse("x", TEXT).unwrap();
        assert_eq!(split.source("ics", "C37.118__one.pcap"), "ics/C37.118");
        assert_eq!(split.source("ics", "Camera.2.pcap"), "ics/Camera");
        assert_eq!(split.source("home", "Camera.pcap"), "home");
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            (
                "[benign]\nheldout = []",
                "x: benign.heldout: expected \"held_out\" or \"validation\"",
            ),
            ("divided = 'ics'", "x: divided: expected a list of names in quotes"),
            ("[benign]\nheld_out = [1]", "x: benign.held_out: expected a list of names in quotes"),
            ("version = 1", "x: version: expected \"divided\" or a table named after a class"),
            (
                "[benign]\nheld_out = ['a']\nvalidation = ['a']",
                "x: benign: a is both held out and validation",
            ),
        ] {
            assert_eq!(Split::parse("x", text).unwrap_err().to_string(), expected);
        }
        let broken = Split::parse("x", "[benign").unwrap_err().to_string();
        assert!(broken.starts_with("x: TOML parse error at line 1"), "{broken}");
    }

    #[test]
    fn the_shipped_split_can_be_read_and_holds_sources_out() {
        let split = Split::shipped();
        assert!(split.named("benign").count() > 10);
        assert_eq!(Split::nothing_kept().named("benign").count(), 0);
    }
}
