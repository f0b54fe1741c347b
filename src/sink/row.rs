//! One row of a log, field by field, into a line buffer.

use crate::time::{Span, Timestamp};
use crate::wire::Address;

use super::escape::{self, EMPTY, SEPARATOR, SET_SEPARATOR, UNSET};
use super::number::{self, Decimals};
use super::schema::{Schema, Type};

/// How logs are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Format {
    /// Tab-separated with Zeek's header, as zeek-cut and zat read it.
    #[default]
    Tsv,
    /// One JSON object a line, as Filebeat and Elastic read it.
    Json,
}

/// Writes the fields of one row in the schema's order.
///
/// Each call fills the next column; a wrong type or a missing field fails in a debug build, and
/// unset fields appear as `-` in TSV and not at all in JSON.
pub(super) struct Row<'a> {
    out: &'a mut Vec<u8>,
    format: Format,
    schema: &'static Schema,
    column: usize,
    fields_begun: bool,
}

impl<'a> Row<'a> {
    pub(super) fn begin(out: &'a mut Vec<u8>, format: Format, schema: &'static Schema) -> Self {
        if format == Format::Json {
            out.push(b'{');
        }
        Self { out, format, schema, column: 0, fields_begun: false }
    }

    pub(super) fn end(self) {
        debug_assert_eq!(self.column, self.schema.columns.len(), "{}", self.schema.path);
        self.out.extend_from_slice(if self.format == Format::Json { b"}\n" } else { b"\n" });
    }

    /// Moves to the next column and writes what stands before its value.
    fn next(&mut self, kind: Type) {
        self.advance(Some(kind));
        match self.format {
            Format::Tsv => {}
            Format::Json => {
                self.out.extend_from_slice(if self.fields_begun { b",\"" } else { b"\"" });
                let name = self.schema.columns.get(self.column - 1).map_or("", |c| c.name);
                self.out.extend_from_slice(name.as_bytes());
                self.out.extend_from_slice(b"\":");
            }
        }
        self.fields_begun = true;
    }

    fn advance(&mut self, kind: Option<Type>) {
        let expected = self.schema.columns.get(self.column).map(|column| column.kind);
        debug_assert!(
            expected.is_some() && kind.is_none_or(|kind| Some(kind) == expected),
            "{} column {}: {kind:?} written, {expected:?} declared",
            self.schema.path,
            self.column,
        );
        if self.format == Format::Tsv && self.column > 0 {
            self.out.push(SEPARATOR);
        }
        self.column += 1;
    }

    pub(super) fn unset(&mut self) {
        self.advance(None);
        if self.format == Format::Tsv {
            self.out.extend_from_slice(UNSET);
        }
    }

    pub(super) fn time(&mut self, value: Timestamp) {
        self.next(Type::Time);
        number::time(self.out, value, self.decimals());
    }

    pub(super) fn interval(&mut self, value: Span) {
        self.next(Type::Interval);
        number::span(self.out, value, self.decimals());
    }

    pub(super) fn interval_or_unset(&mut self, value: Option<Span>) {
        match value {
            Some(value) => self.interval(value),
            None => self.unset(),
        }
    }

    pub(super) fn count(&mut self, value: impl Into<u64>) {
        self.next(Type::Count);
        number::unsigned(self.out, value.into());
    }

    pub(super) fn count_or_unset(&mut self, value: Option<impl Into<u64>>) {
        match value {
            Some(value) => self.count(value),
            None => self.unset(),
        }
    }

    pub(super) fn int_or_unset(&mut self, value: Option<impl Into<i64>>) {
        match value {
            Some(value) => {
                self.next(Type::Int);
                number::signed(self.out, value.into());
            }
            None => self.unset(),
        }
    }

    pub(super) fn port(&mut self, value: u16) {
        self.next(Type::Port);
        number::unsigned(self.out, u64::from(value));
    }

    pub(super) fn double(&mut self, value: f32) {
        self.next(Type::Double);
        match self.format {
            Format::Tsv => number::double_tsv(self.out, value),
            Format::Json => number::double_json(self.out, value),
        }
    }

    pub(super) fn double_or_unset(&mut self, value: Option<f32>) {
        match value {
            Some(value) => self.double(value),
            None => self.unset(),
        }
    }

    pub(super) fn bool(&mut self, value: bool) {
        self.next(Type::Bool);
        self.out.extend_from_slice(match (self.format, value) {
            (Format::Tsv, true) => b"T",
            (Format::Tsv, false) => b"F",
            (Format::Json, true) => b"true",
            (Format::Json, false) => b"false",
        });
    }

    pub(super) fn addr(&mut self, value: Address) {
        self.next(Type::Addr);
        let quote: &[u8] = if self.format == Format::Json { b"\"" } else { b"" };
        self.out.extend_from_slice(quote);
        number::address(self.out, value);
        self.out.extend_from_slice(quote);
    }

    pub(super) fn enumerated(&mut self, value: &str) {
        self.next(Type::Enum);
        self.text(value.as_bytes(), false);
    }

    pub(super) fn enumerated_or_unset(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.enumerated(value),
            None => self.unset(),
        }
    }

    pub(super) fn string(&mut self, value: &[u8]) {
        self.next(Type::String);
        self.text(value, false);
    }

    pub(super) fn string_or_unset(&mut self, value: Option<&[u8]>) {
        match value {
            Some(value) => self.string(value),
            None => self.unset(),
        }
    }

    pub(super) fn strings(&mut self, values: &[&str]) {
        self.next(Type::StringVector);
        match self.format {
            Format::Tsv if values.is_empty() => self.out.extend_from_slice(EMPTY),
            Format::Tsv => self.elements(values, SET_SEPARATOR),
            Format::Json => {
                self.out.push(b'[');
                self.elements(values, b',');
                self.out.push(b']');
            }
        }
    }

    fn elements(&mut self, values: &[&str], separator: u8) {
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.out.push(separator);
            }
            self.text(value.as_bytes(), true);
        }
    }

    fn text(&mut self, value: &[u8], in_set: bool) {
        match self.format {
            Format::Tsv => escape::tsv(self.out, value, in_set),
            Format::Json => escape::json(self.out, value),
        }
    }

    /// JSON numbers lose their trailing zeros, as RapidJSON's doubles do.
    fn decimals(&self) -> Decimals {
        match self.format {
            Format::Tsv => Decimals::Six,
            Format::Json => Decimals::Trimmed,
        }
    }
}

/// Writes the lines a log begins with: Zeek's header in TSV, nothing in JSON.
pub(super) fn header(out: &mut Vec<u8>, format: Format, schema: &Schema, open: Timestamp) {
    if format == Format::Json {
        return;
    }
    out.extend_from_slice(
        b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t",
    );
    out.extend_from_slice(schema.path.as_bytes());
    out.extend_from_slice(b"\n#open\t");
    number::calendar(out, open);
    out.extend_from_slice(b"\n#fields");
    for column in schema.columns {
        out.push(SEPARATOR);
        out.extend_from_slice(column.name.as_bytes());
    }
    out.extend_from_slice(b"\n#types");
    for column in schema.columns {
        out.push(SEPARATOR);
        out.extend_from_slice(column.kind.name().as_bytes());
    }
    out.push(b'\n');
}

/// Writes the line a whole log ends with: `#close` in TSV, nothing in JSON.
pub(super) fn footer(out: &mut Vec<u8>, format: Format, close: Timestamp) {
    if format == Format::Tsv {
        out.extend_from_slice(b"#close\t");
        number::calendar(out, close);
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sink::schema::Column;

    const fn column(name: &'static str, kind: Type) -> Column {
        Column { name, kind, doc: "" }
    }

    static ALL_TYPES: Schema = Schema {
        path: "test",
        doc: "",
        columns: &[
            column("t", Type::Time),
            column("iv", Type::Interval),
            column("c", Type::Count),
            column("i", Type::Int),
            column("p", Type::Port),
            column("d", Type::Double),
            column("b", Type::Bool),
            column("a", Type::Addr),
            column("e", Type::Enum),
            column("s", Type::String),
            column("vs", Type::StringVector),
            column("ve", Type::StringVector),
            column("u", Type::Count),
        ],
    };

    fn all_types(format: Format) -> String {
        let mut out = Vec::new();
        let mut row = Row::begin(&mut out, format, &ALL_TYPES);
        row.time(Timestamp::from_nanos(1_215_620_010_543_210_000));
        row.interval(Span::from_secs(100));
        row.count(21_u64);
        row.int_or_unset(Some(-42));
        row.port(123);
        row.double(2.5);
        row.bool(true);
        row.addr(Address::v4([1, 2, 3, 4]));
        row.enumerated("SSH::LOG");
        row.string(b"hurz");
        row.strings(&["CC", ",", "-", ""]);
        row.strings(&[]);
        row.count_or_unset(None::<u64>);
        row.end();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_of_all_types_reads_as_zeek_writes_it() {
        // But for the double, the values of Zeek's scripts.base.frameworks.logging.ascii-json baseline.
        assert_eq!(
            all_types(Format::Tsv),
            "1215620010.543210\t100.000000\t21\t-42\t123\t2.5\tT\t1.2.3.4\tSSH::LOG\thurz\t\
             CC,\\x2c,\\x2d,(empty)\t(empty)\t-\n"
        );
        assert_eq!(
            all_types(Format::Json),
            "{\"t\":1215620010.54321,\"iv\":100.0,\"c\":21,\"i\":-42,\"p\":123,\"d\":2.5,\
             \"b\":true,\"a\":\"1.2.3.4\",\"e\":\"SSH::LOG\",\"s\":\"hurz\",\
             \"vs\":[\"CC\",\",\",\"-\",\"\"],\"ve\":[]}\n"
        );
    }

    /// What a reader of Zeek's TSV does with a string field; `None` is unset.
    fn read(field: &[u8]) -> Option<Vec<u8>> {
        match field {
            UNSET => return None,
            EMPTY => return Some(Vec::new()),
            _ => {}
        }
        let mut text = Vec::new();
        let mut rest = field;
        while let Some((&first, after)) = rest.split_first() {
            rest = after;
            match (first, after) {
                (b'\\', [b'\\', tail @ ..]) => {
                    text.push(b'\\');
                    rest = tail;
                }
                (b'\\', [b'x', high, low, tail @ ..]) => {
                    let digit = |c: u8| char::from(c).to_digit(16).unwrap() as u8;
                    text.push(digit(*high) << 4 | digit(*low));
                    rest = tail;
                }
                _ => text.push(first),
            }
        }
        Some(text)
    }

    static TEXTS: Schema = Schema {
        path: "test",
        doc: "",
        columns: &[
            column("s", Type::String),
            column("vs", Type::StringVector),
            column("z", Type::String),
        ],
    };

    proptest! {
        #[test]
        fn any_text_comes_back_from_tsv_as_it_went_in(
            text: Vec<u8>,
            first in "[-,\\\\ex(\t\n]{0,4}|\\PC{0,6}",
            second in "[-,\\\\ex(\t\n]{0,4}|\\PC{0,6}",
        ) {
            let mut out = Vec::new();
            let mut row = Row::begin(&mut out, Format::Tsv, &TEXTS);
            row.string(&text);
            row.strings(&[&first, &second]);
            row.string_or_unset(None);
            row.end();
            let line = out.strip_suffix(b"\n").unwrap();
            prop_assert!(!line.contains(&b'\n'));
            let fields: Vec<_> = line.split(|c| *c == SEPARATOR).collect();
            prop_assert_eq!(fields.len(), 3);
            prop_assert_eq!(read(fields[0]), Some(text));
            let elements: Vec<_> = fields[1].split(|c| *c == SET_SEPARATOR).map(read).collect();
            prop_assert_eq!(elements, [Some(first.into_bytes()), Some(second.into_bytes())]);
            prop_assert_eq!(read(fields[2]), None);
        }

        #[test]
        fn any_text_in_json_stays_inside_its_quotes(text: Vec<u8>) {
            let mut out = Vec::new();
            escape::json(&mut out, &text);
            prop_assert!(std::str::from_utf8(&out).is_ok());
            let inner = &out[1..out.len() - 1];
            let mut escaped = false;
            for c in inner {
                prop_assert!(*c >= b' ' && (escaped || *c != b'"'));
                escaped = *c == b'\\' && !escaped;
            }
            prop_assert!(!escaped);
        }
    }
}
