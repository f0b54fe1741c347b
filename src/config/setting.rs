//! The kinds of value a key can hold: how each is read from TOML, checked, described and written.

use std::fmt::Write as _;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;

use toml_edit::{Array, Value};

use super::period;
use crate::bloom::federate::is_sensor;
use crate::bloom::{FederationKey, Name, Prefix};
use crate::time::Span;
use crate::wire::Tunnels;

/// A kind of value; the type cannot hold what the key must not be, its `Range` does the rest.
pub(super) trait Setting: Sized {
    /// What bounds the values of one key; `()` where the type says it all.
    type Range;

    /// The values allowed, as a reader of the documentation needs them.
    fn range(range: &Self::Range) -> String;

    /// The same with the kind, to stand behind "expected" for someone who wrote something else.
    fn expected(range: &Self::Range) -> String {
        Self::range(range)
    }

    /// The value, if it is of this kind and in the range.
    fn read(value: &Value, range: &Self::Range) -> Result<Self, Misfit>;

    /// The value as TOML.
    fn write(&self) -> String;

    /// What text without TOML's quotes and brackets means, as an option given singly is written.
    fn bare(text: &str) -> Value {
        Value::from(text)
    }
}

/// A value that does not fit; holds the part at fault when it is not the whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Misfit(pub(super) Option<Range<usize>>);

/// No bounds beyond the type's.
pub(super) const ANY: () = ();

fn within<T: PartialOrd>(value: Option<T>, range: &RangeInclusive<T>) -> Result<T, Misfit> {
    value.filter(|value| range.contains(value)).ok_or(Misfit(None))
}

impl Setting for bool {
    type Range = ();

    fn range((): &()) -> String {
        "true or false".to_owned()
    }

    fn read(value: &Value, (): &()) -> Result<Self, Misfit> {
        value.as_bool().ok_or(Misfit(None))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

macro_rules! integer_settings {
    ($($integer:ty),*) => {$(
        impl Setting for $integer {
            type Range = RangeInclusive<Self>;

            fn range(range: &Self::Range) -> String {
                format!("{} to {}", range.start(), range.end())
            }

            fn expected(range: &Self::Range) -> String {
                format!("an integer from {}", Self::range(range))
            }

            fn read(value: &Value, range: &Self::Range) -> Result<Self, Misfit> {
                within(value.as_integer().and_then(|integer| Self::try_from(integer).ok()), range)
            }

            fn write(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
integer_settings!(i32, u32, u64, usize);

impl Setting for f64 {
    type Range = RangeInclusive<Self>;

    fn range(range: &Self::Range) -> String {
        format!("{} to {}", range.start(), range.end())
    }

    fn expected(range: &Self::Range) -> String {
        format!("a number from {}", Self::range(range))
    }

    fn read(value: &Value, range: &Self::Range) -> Result<Self, Misfit> {
        // `threshold = 30` is a number to everyone but TOML. No key's range reaches 2^53.
        let integer = || value.as_integer().map(|integer| integer as Self);
        within(value.as_float().or_else(integer), range)
    }

    fn write(&self) -> String {
        format!("{self:?}")
    }
}

impl Setting for Span {
    type Range = RangeInclusive<Self>;

    fn range(range: &Self::Range) -> String {
        format!("{} to {}", period::write(*range.start()), period::write(*range.end()))
    }

    fn expected(range: &Self::Range) -> String {
        format!("a time with its unit (ns, us, ms, s, m, h or d) from {}", Self::range(range))
    }

    fn read(value: &Value, range: &Self::Range) -> Result<Self, Misfit> {
        let seconds = || {
            let seconds = u64::try_from(value.as_integer()?).ok()?;
            seconds.checked_mul(crate::time::NANOS_PER_SEC).map(Self::from_nanos)
        };
        within(value.as_str().and_then(period::parse).or_else(seconds), range)
    }

    fn write(&self) -> String {
        quote(&period::write(*self))
    }
}

impl Setting for PathBuf {
    type Range = ();

    fn range((): &()) -> String {
        "a file's path".to_owned()
    }

    fn read(value: &Value, (): &()) -> Result<Self, Misfit> {
        // No system can open a path with a zero byte in it.
        let path = value.as_str().filter(|path| !path.is_empty() && !path.contains('\0'));
        path.map(Self::from).ok_or(Misfit(None))
    }

    fn write(&self) -> String {
        quote(&self.to_string_lossy())
    }
}

/// A kind of which one value means that there is none, so that no reader has to remember it.
pub(super) trait Omissible: Setting {
    /// The value that stands for none, as TOML.
    const NONE: &str;

    /// Whether it is what came.
    fn is_none(value: &Value) -> bool;
}

impl Omissible for u64 {
    const NONE: &str = "0";

    fn is_none(value: &Value) -> bool {
        value.as_integer() == Some(0)
    }
}

impl Omissible for f64 {
    const NONE: &str = "0.0";

    fn is_none(value: &Value) -> bool {
        value.as_float() == Some(0.0) || value.as_integer() == Some(0)
    }
}

impl Omissible for Span {
    const NONE: &str = "\"0s\"";

    fn is_none(value: &Value) -> bool {
        Self::read(value, &(Self::ZERO..=Self::ZERO)).is_ok()
    }
}

impl Omissible for PathBuf {
    const NONE: &str = "\"\"";

    fn is_none(value: &Value) -> bool {
        value.as_str() == Some("")
    }
}

impl<T: Omissible> Setting for Option<T> {
    type Range = T::Range;

    fn range(range: &Self::Range) -> String {
        format!("{} or {}", T::NONE, T::range(range))
    }

    fn expected(range: &Self::Range) -> String {
        format!("{} or {}", T::NONE, T::expected(range))
    }

    fn read(value: &Value, range: &Self::Range) -> Result<Self, Misfit> {
        if T::is_none(value) { Ok(None) } else { T::read(value, range).map(Some) }
    }

    fn write(&self) -> String {
        self.as_ref().map_or_else(|| T::NONE.to_owned(), T::write)
    }
}

/// A choice between names.
pub(super) trait Named: Copy + PartialEq + 'static {
    /// Every value with its name.
    const NAMES: &[(&str, Self)];
}

impl<T: Named> Setting for T {
    type Range = ();

    fn range((): &()) -> String {
        let names: Vec<String> = T::NAMES.iter().map(|(name, _)| quote(name)).collect();
        names.join(" or ")
    }

    fn read(value: &Value, (): &()) -> Result<Self, Misfit> {
        let named = T::NAMES.iter().find(|(name, _)| value.as_str() == Some(name));
        named.map(|&(_, value)| value).ok_or(Misfit(None))
    }

    fn write(&self) -> String {
        let name = T::NAMES.iter().find(|(_, value)| value == self).map_or("", |&(name, _)| name);
        quote(name)
    }
}

/// A tunnel kind's name in the configuration, and the field it opens.
type TunnelName = (&'static str, fn(&mut Tunnels) -> &mut bool);

const TUNNELS: [TunnelName; 5] = [
    ("gre", |tunnels| &mut tunnels.gre),
    ("ipip", |tunnels| &mut tunnels.ip_in_ip),
    ("vxlan", |tunnels| &mut tunnels.vxlan),
    ("geneve", |tunnels| &mut tunnels.geneve),
    ("gtpu", |tunnels| &mut tunnels.gtp_u),
];

impl Setting for Tunnels {
    type Range = ();

    fn range((): &()) -> String {
        let names = TUNNELS.map(|(name, _)| quote(name));
        format!("an array of names out of {}", names.join(", "))
    }

    fn read(value: &Value, (): &()) -> Result<Self, Misfit> {
        let mut tunnels = Self::NONE;
        for element in value.as_array().ok_or(Misfit(None))? {
            let named = TUNNELS.iter().find(|(name, _)| element.as_str() == Some(name));
            let (_, field) = named.ok_or_else(|| Misfit(element.span()))?;
            *field(&mut tunnels) = true;
        }
        Ok(tunnels)
    }

    fn write(&self) -> String {
        let mut tunnels = *self;
        let open = TUNNELS.iter().filter(|(_, field)| *field(&mut tunnels));
        let names: Vec<String> = open.map(|(name, _)| quote(name)).collect();
        format!("[{}]", names.join(", "))
    }

    fn bare(text: &str) -> Value {
        list(text)
    }
}

/// Networks, as an array of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes(Vec<Prefix>);

/// What no router of the internet passes on.
const PRIVATE: [&str; 6] =
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"];

impl Prefixes {
    /// The private and link-local networks.
    pub(super) fn private() -> Self {
        Self(PRIVATE.iter().filter_map(|text| text.parse().ok()).collect())
    }

    /// The networks.
    #[must_use]
    pub fn as_slice(&self) -> &[Prefix] {
        &self.0
    }
}

impl Setting for Prefixes {
    type Range = ();

    fn range((): &()) -> String {
        "an array of addresses and networks, as \"10.0.0.0/8\"".to_owned()
    }

    fn read(value: &Value, (): &()) -> Result<Self, Misfit> {
        let prefix = |element: &Value| {
            let prefix = element.as_str().and_then(|text| text.parse().ok());
            prefix.ok_or_else(|| Misfit(element.span()))
        };
        value.as_array().ok_or(Misfit(None))?.iter().map(prefix).collect::<Result<_, _>>().map(Self)
    }

    fn write(&self) -> String {
        let networks: Vec<String> =
            self.0.iter().map(|prefix| quote(&prefix.to_string())).collect();
        format!("[{}]", networks.join(", "))
    }

    fn bare(text: &str) -> Value {
        list(text)
    }
}

/// A secret of 32 hexadecimal digits, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HexKey(Option<FederationKey>);

impl HexKey {
    /// No secret.
    pub(super) const NONE: Self = Self(None);

    /// The key, if one was given.
    #[must_use]
    pub const fn key(self) -> Option<FederationKey> {
        self.0
    }
}

impl Setting for HexKey {
    type Range = ();

    fn range((): &()) -> String {
        "\"\" or 32 hexadecimal digits".to_owned()
    }

    fn read(value: &Value, (): &()) -> Result<Self, Misfit> {
        let text = value.as_str().ok_or(Misfit(None))?;
        if text.is_empty() {
            return Ok(Self::NONE);
        }
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = u128::from_str_radix(text, 16).ok().filter(|_| is_hex).ok_or(Misfit(None))?;
        Ok(Self(Some(FederationKey::new(bits.to_be_bytes()))))
    }

    fn write(&self) -> String {
        let hex = |key: FederationKey| format!("{:032x}", u128::from_be_bytes(*key.danger_bytes()));
        quote(&self.0.map_or_else(String::new, hex))
    }
}

/// The name of a sensor in its federation, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorName(Option<Name>);

impl SensorName {
    /// No name.
    pub(super) const NONE: Self = Self(None);

    /// The name, if one was given.
    #[must_use]
    pub const fn name(self) -> Option<Name> {
        self.0
    }
}

impl Setting for SensorName {
    type Range = ();

    fn range((): &()) -> String {
        "\"\" or a name of up to 40 letters, digits, - and _".to_owned()
    }

    fn read(value: &Value, (): &()) -> Result<Self, Misfit> {
        let text = value.as_str().ok_or(Misfit(None))?;
        if text.is_empty() {
            return Ok(Self::NONE);
        }
        is_sensor(text).then(|| Self(Some(Name::new(text)))).ok_or(Misfit(None))
    }

    fn write(&self) -> String {
        quote(self.0.as_ref().map_or("", Name::as_str))
    }
}

/// The TOML array of what stands between commas.
fn list(text: &str) -> Value {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    Value::from(names.collect::<Array>())
}

/// A TOML basic string that reads back as `text`.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            control if control.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}
