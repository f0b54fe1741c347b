//! Whether a text is JSON, by RFC 8259 and nothing else.

/// Whether `text` is one JSON object.
pub(crate) fn is_object(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('{') && value(text) == Some("")
}

/// What follows the value at the start of `text`.
fn value(text: &str) -> Option<&str> {
    match text.chars().next()? {
        '{' => list(text, '}', |text| {
            value(string(text)?.trim_start().strip_prefix(':')?.trim_start())
        }),
        '[' => list(text, ']', value),
        '"' => string(text),
        't' => text.strip_prefix("true"),
        'f' => text.strip_prefix("false"),
        'n' => text.strip_prefix("null"),
        _ => number(text),
    }
}

fn list(text: &str, close: char, item: impl Fn(&str) -> Option<&str>) -> Option<&str> {
    let mut rest = text[1..].trim_start();
    if let Some(rest) = rest.strip_prefix(close) {
        return Some(rest);
    }
    loop {
        rest = item(rest)?.trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => return rest.strip_prefix(close),
        }
    }
}

fn string(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('"')?.chars();
    loop {
        match rest.next()? {
            '"' => return Some(rest.as_str()),
            '\\' => match rest.next()? {
                '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => {}
                'u' => (0..4).try_for_each(|_| rest.next()?.to_digit(16).map(drop))?,
                _ => return None,
            },
            character if character < ' ' => return None,
            _ => {}
        }
    }
}

fn number(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
    let (number, rest) = text.split_at(end.unwrap_or(text.len()));
    let digits = number.strip_prefix('-').unwrap_or(number);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit()) && !number.ends_with('.');
    let leading = digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit());
    (plain && !leading && number.parse::<f64>().is_ok()).then_some(rest)
}
