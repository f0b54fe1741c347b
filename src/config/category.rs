//! The tables `[[category]]`: behaviours that are counted, one each.
//!
//! The shipped ones stand in `categories.toml`, in the form a user writes. A table of the same name
//! takes a shipped one's place, one with `enabled = false` takes it away.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use toml_edit::{Array, Document, Item, TableLike, Value};

use super::keys::Config;
use super::setting::{Misfit, Setting, quote};
use crate::bloom::{Category, Geometry, Name, Networks, Part, Role, Rule, RuleError, Stage};

/// The shipped categories, as TOML.
pub(super) const SHIPPED: &str = include_str!("categories.toml");

static DEFAULT: LazyLock<Vec<CategoryConfig>> = LazyLock::new(|| {
    let document = Document::parse(SHIPPED).expect("the shipped categories are TOML");
    let tables = document.as_table().get("category").and_then(Item::as_array_of_tables);
    let read = |table| read(table).ok().flatten().expect("the shipped categories are right");
    tables.into_iter().flatten().map(|table| read(table)).collect()
});

const AT_LEAST: RangeInclusive<u32> = 1..=1_000;
const CAPACITY: RangeInclusive<u32> = 16..=268_435_456;
const RATE: RangeInclusive<f64> = 1e-9..=0.5;
const WEIGHT: RangeInclusive<f64> = 0.0..=1.0;

pub(super) const KEYS: [&str; 10] = [
    "name",
    "why",
    "rule",
    "count",
    "target",
    "at_least",
    "capacity",
    "false_positive_rate",
    "weight",
    "enabled",
];

/// Every category, in the order they were declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Categories(Vec<CategoryConfig>);

impl Default for Categories {
    fn default() -> Self {
        Self(DEFAULT.clone())
    }
}

/// A category as it is declared: its rule as text, for what is internal may still change.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryConfig {
    name: String,
    why: String,
    rule: String,
    count: Vec<Part>,
    target: Role,
    at_least: u32,
    capacity: u32,
    rate: f64,
    weight: f64,
    is_enabled: bool,
}

/// What is wrong with a table, and at which of its keys.
pub(super) struct Wrong {
    /// The key; `None` for the table itself.
    pub(super) key: Option<String>,
    pub(super) what: What,
}

/// What is wrong.
pub(super) enum What {
    /// No key has this name.
    Unknown,
    /// The value does not fit; the part at fault, if it is not the whole.
    Value(String, Misfit),
    /// The rule does not read.
    Rule(RuleError),
}

impl Categories {
    /// The categories at work, with `networks` for the names that rules use.
    fn compile(&self, networks: &Networks) -> Vec<Category> {
        self.0.iter().filter(|it| it.is_enabled).filter_map(|it| it.compile(networks)).collect()
    }

    /// Declares a category, in the place of one of the same name.
    pub(super) fn declare(&mut self, category: CategoryConfig) {
        match self.0.iter_mut().find(|it| it.name == category.name) {
            Some(known) => *known = category,
            None => self.0.push(category),
        }
    }

    /// How many are at work.
    pub(super) fn enabled(&self) -> usize {
        self.0.iter().filter(|it| it.is_enabled).count()
    }

    /// All of them as TOML.
    pub(super) fn write(&self, text: &mut String) {
        for category in &self.0 {
            text.push('\n');
            category.write(text);
        }
    }
}

impl Config {
    /// The categories at work, with the networks that `internal` stands for.
    #[must_use]
    pub fn categories(&self) -> Vec<Category> {
        self.categories.compile(&networks(self.bloom.internal().as_slice().to_vec()))
    }
}

impl CategoryConfig {
    /// `None` for what `read` would have refused.
    fn compile(&self, networks: &Networks) -> Option<Category> {
        Some(Category {
            name: Name::new(&self.name),
            why: self.why.clone(),
            rule: Rule::parse(&self.rule, networks).ok()?,
            count: self.count.clone(),
            target: self.target,
            at_least: self.at_least,
            geometry: Geometry::new(self.capacity, self.rate).ok()?,
            weight: self.weight,
        })
    }

    fn write(&self, text: &mut String) {
        let count: Vec<String> = self.count.iter().map(|part| quote(part_name(*part))).collect();
        text.push_str("[[category]]\n");
        for (key, value) in [
            ("name", quote(&self.name)),
            ("why", quote(&self.why)),
            ("rule", quote(&self.rule)),
            ("count", format!("[{}]", count.join(", "))),
            ("target", quote(role_name(self.target))),
            ("at_least", self.at_least.write()),
            ("capacity", self.capacity.write()),
            ("false_positive_rate", self.rate.write()),
            ("weight", self.weight.write()),
            ("enabled", self.is_enabled.write()),
        ] {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
}

/// A table's category; `None` for one that only takes a shipped one away.
pub(super) fn read(table: &dyn TableLike) -> Result<Option<CategoryConfig>, Wrong> {
    if let Some((key, _)) = table.iter().find(|(key, _)| !KEYS.contains(key)) {
        return Err(Wrong { key: Some(key.to_owned()), what: What::Unknown });
    }
    let name = need(table, "name", "a name of letters, digits, - and _", |value| {
        value.as_str().filter(|name| is_name(name)).map(str::to_owned)
    })?;
    let is_enabled = setting(table, "enabled", true, &())?;
    if !is_enabled && table.get("rule").is_none() {
        return Ok(None);
    }
    let rule = need(table, "rule", "a rule", |value| value.as_str().map(str::to_owned))?;
    // Any networks will do to see whether it reads.
    if let Err(error) = Rule::parse(&rule, &networks(Vec::new())) {
        return Err(Wrong { key: Some("rule".to_owned()), what: What::Rule(error) });
    }
    let roles = names(Role::NAMES.iter().map(|(name, _)| *name));
    let parts = names(PARTS.iter().map(|(name, _)| *name));
    Ok(Some(CategoryConfig {
        why: optional(table, "why", "text", |value| value.as_str().map(str::to_owned))?
            .unwrap_or_default(),
        count: need(table, "count", &format!("an array of {parts}"), |value| {
            value.as_array().filter(|array| !array.is_empty()).and_then(count)
        })?,
        target: need(table, "target", &roles, |value| {
            let name = value.as_str()?;
            Role::NAMES.iter().find(|(known, _)| *known == name).map(|(_, role)| *role)
        })?,
        at_least: setting(table, "at_least", 1, &AT_LEAST)?,
        capacity: setting(table, "capacity", 50_000, &CAPACITY)?,
        rate: setting(table, "false_positive_rate", 0.01, &RATE)?,
        weight: setting(table, "weight", 1.0, &WEIGHT)?,
        name,
        rule,
        is_enabled,
    }))
}

/// Takes away the category that a table without a rule names.
pub(super) fn disable(table: &dyn TableLike, categories: &mut Categories) {
    let name = table.get("name").and_then(Item::as_str);
    for category in categories.0.iter_mut().filter(|it| Some(it.name.as_str()) == name) {
        category.is_enabled = false;
    }
}

/// The names of networks that rules use.
fn networks(internal: Vec<crate::bloom::Prefix>) -> Networks {
    Networks::from([("internal".to_owned(), internal)])
}

/// What is said of too many.
pub(super) fn too_many() -> String {
    format!("at most {} categories", Stage::MOST)
}

const PARTS: [(&str, Part); 7] = [
    ("originator", Part::Address(Role::Originator)),
    ("responder", Part::Address(Role::Responder)),
    ("source", Part::Address(Role::Source)),
    ("destination", Part::Address(Role::Destination)),
    ("port", Part::Port),
    ("originator_port", Part::OriginatorPort),
    ("service", Part::Service),
];

fn count(array: &Array) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for element in array {
        let name = element.as_str()?;
        let (_, part) = PARTS.iter().find(|(known, _)| *known == name)?;
        if !parts.contains(part) {
            parts.push(*part);
        }
    }
    Some(parts)
}

fn part_name(part: Part) -> &'static str {
    PARTS.iter().find(|(_, known)| *known == part).map_or("", |(name, _)| name)
}

fn role_name(role: Role) -> &'static str {
    Role::NAMES.iter().find(|(_, known)| *known == role).map_or("", |(name, _)| name)
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quote).collect::<Vec<_>>().join(", ")
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=Name::LONGEST).contains(&name.len()) && name.chars().all(fits)
}

fn optional<T>(
    table: &dyn TableLike,
    key: &str,
    expected: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, Wrong> {
    let Some(item) = table.get(key) else { return Ok(None) };
    match item.as_value().and_then(read) {
        Some(value) => Ok(Some(value)),
        None => Err(wrong(key, expected, Misfit(None))),
    }
}

fn need<T>(
    table: &dyn TableLike,
    key: &str,
    expected: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, Wrong> {
    match optional(table, key, expected, read)? {
        Some(value) => Ok(value),
        None => {
            let what = What::Value(format!("{key}, {expected}"), Misfit(None));
            Err(Wrong { key: None, what })
        }
    }
}

fn setting<T: Setting>(
    table: &dyn TableLike,
    key: &str,
    default: T,
    range: &T::Range,
) -> Result<T, Wrong> {
    let Some(item) = table.get(key) else { return Ok(default) };
    let misfit = match item.as_value().map(|value| T::read(value, range)) {
        Some(Ok(value)) => return Ok(value),
        Some(Err(misfit)) => misfit,
        None => Misfit(None),
    };
    Err(wrong(key, &T::expected(range), misfit))
}

fn wrong(key: &str, expected: &str, misfit: Misfit) -> Wrong {
    Wrong { key: Some(key.to_owned()), what: What::Value(expected.to_owned(), misfit) }
}
