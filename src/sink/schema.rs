//! What a log is: a path and columns, each with Zeek's type and a line of documentation.

/// A Zeek type, as the `#types` line names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// Seconds since the epoch with six decimals.
    Time,
    /// Seconds with six decimals.
    Interval,
    /// Text.
    String,
    /// An IPv4 or IPv6 address.
    Addr,
    /// A port, without its protocol.
    Port,
    /// One word out of a fixed list.
    Enum,
    /// A number from 0 up.
    Count,
    /// A whole number.
    Int,
    /// A floating-point number.
    Double,
    /// `T` or `F`.
    Bool,
    /// Texts without order.
    StringSet,
    /// Texts in order.
    StringVector,
}

impl Type {
    /// The name as Zeek writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Interval => "interval",
            Self::String => "string",
            Self::Addr => "addr",
            Self::Port => "port",
            Self::Enum => "enum",
            Self::Count => "count",
            Self::Int => "int",
            Self::Double => "double",
            Self::Bool => "bool",
            Self::StringSet => "set[string]",
            Self::StringVector => "vector[string]",
        }
    }
}

/// One column of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name in the `#fields` line and in JSON.
    pub name: &'static str,
    /// Its type in the `#types` line.
    pub kind: Type,
    /// What it says, for a reader of the documentation.
    pub doc: &'static str,
}

/// One log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schema {
    /// The `#path`; the file is `path.log`.
    pub path: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// The columns in order; the first is always the time.
    pub columns: &'static [Column],
}

impl Schema {
    /// The name of the log's file.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.log", self.path)
    }

    /// The columns as a Markdown table, for the documentation.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut table = format!(
            "### `{}.log`\n\n{}\n\n| field | type | meaning |\n|---|---|---|\n",
            self.path, self.doc
        );
        for column in self.columns {
            table += &format!("| `{}` | {} | {} |\n", column.name, column.kind.name(), column.doc);
        }
        table
    }
}
