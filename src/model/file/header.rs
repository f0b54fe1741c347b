//! The header: JSON of exactly one form, read strictly.
//!
//! ```text
//! { "__metadata__": { word: word, … }, name: { "dtype": "F32", "shape": […], "data_offsets": [b, e] }, … }
//! ```

use super::FileError;

/// The longest header, in bytes.
pub(super) const LONGEST: u64 = 1 << 16;
/// The most tensors, and the most words.
const MOST: usize = 256;
/// The most dimensions of a tensor.
const DIMENSIONS: usize = 4;
/// The name of what is no tensor.
const METADATA: &str = "__metadata__";

/// A header that was read.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) words: Vec<(String, String)>,
    /// In the order of their place.
    pub(super) entries: Vec<Entry>,
}

/// Where a tensor lies.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) begin: usize,
    pub(super) end: usize,
}

impl Header {
    /// Reads a header whose tensors have to fill `len` bytes.
    pub(super) fn read(text: &[u8], len: usize) -> Result<Self, FileError> {
        let mut reader = Reader { text, at: 0 };
        let mut header = Self::default();
        let mut has_words = false;
        reader.object(|reader, name| {
            if name == METADATA && !has_words {
                has_words = true;
                return reader.object(|reader, key| {
                    let value = reader.string()?;
                    let known = header.words.iter().any(|(known, _)| *known == key);
                    if known || header.words.len() == MOST {
                        return Err(reader.expected("at most 256 words, each once"));
                    }
                    header.words.push((key, value));
                    Ok(())
                });
            }
            let known = header.entries.iter().any(|entry| entry.name == name);
            if known || name == METADATA || header.entries.len() == MOST {
                return Err(reader.expected("at most 256 tensors, each once"));
            }
            header.entries.push(reader.entry(name)?);
            Ok(())
        })?;
        reader.space();
        if reader.at != text.len() {
            return Err(reader.expected("the end"));
        }
        header.entries.sort_by_key(|entry| entry.begin);
        header.check_places(len)?;
        Ok(header)
    }

    /// Sees that the tensors lie side by side and fill all of `len` bytes.
    fn check_places(&self, len: usize) -> Result<(), FileError> {
        let mut next = 0;
        for (number, entry) in self.entries.iter().enumerate() {
            let product =
                entry.shape.iter().try_fold(4_usize, |product, &size| product.checked_mul(size));
            let mut end = product.and_then(|bytes| bytes.checked_add(next)).unwrap_or(usize::MAX);
            if number + 1 == self.entries.len() && end < len {
                // The last one should have reached the file's end.
                end = len;
            }
            if (entry.begin, entry.end) != (next, end) || end > len {
                return Err(FileError::Place {
                    tensor: entry.name.clone(),
                    expected: (next, end.min(len)),
                    found: (entry.begin, entry.end),
                });
            }
            next = end;
        }
        let expected = "a tensor, since numbers follow";
        if next == len { Ok(()) } else { Err(FileError::Header { at: 0, expected }) }
    }
}

/// A place in the text.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn expected(&self, expected: &'static str) -> FileError {
        FileError::Header { at: self.at, expected }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    /// Takes the letter if it comes next.
    fn takes(&mut self, letter: u8) -> bool {
        self.space();
        let comes = self.text.get(self.at) == Some(&letter);
        self.at += usize::from(comes);
        comes
    }

    fn take(&mut self, letter: u8, expected: &'static str) -> Result<(), FileError> {
        if self.takes(letter) { Ok(()) } else { Err(self.expected(expected)) }
    }

    /// An object; `each` reads the value of a key.
    fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, String) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        self.take(b'{', "an object")?;
        if self.takes(b'}') {
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.take(b':', "a colon")?;
            each(self, key)?;
            if self.takes(b'}') {
                return Ok(());
            }
            self.take(b',', "a comma or the object's end")?;
        }
    }

    /// What is said of a tensor: three things, each once.
    fn entry(&mut self, name: String) -> Result<Entry, FileError> {
        let (mut has_type, mut shape, mut place) = (false, None, None);
        self.object(|reader, key| match key.as_str() {
            "dtype" if !has_type => {
                has_type = reader.string()? == "F32";
                if has_type { Ok(()) } else { Err(reader.expected("the type F32")) }
            }
            "shape" if shape.is_none() => {
                let sizes = reader.numbers(DIMENSIONS)?;
                if sizes.contains(&0) {
                    return Err(reader.expected("a shape without 0"));
                }
                shape = Some(sizes);
                Ok(())
            }
            "data_offsets" if place.is_none() => {
                let numbers = reader.numbers(2)?;
                let &[begin, end] = numbers.as_slice() else {
                    return Err(reader.expected("a beginning and an end"));
                };
                place = Some((begin, end));
                Ok(())
            }
            _ => Err(reader.expected("dtype, shape and data_offsets, each once")),
        })?;
        match (has_type, shape, place) {
            (true, Some(shape), Some((begin, end))) => Ok(Entry { name, shape, begin, end }),
            _ => Err(self.expected("dtype, shape and data_offsets, each once")),
        }
    }

    /// A list of at most so many whole numbers.
    fn numbers(&mut self, most: usize) -> Result<Vec<usize>, FileError> {
        self.take(b'[', "a list")?;
        let mut numbers = Vec::new();
        if self.takes(b']') {
            return Ok(numbers);
        }
        loop {
            if numbers.len() == most {
                return Err(self.expected("a shorter list"));
            }
            numbers.push(self.number()?);
            if self.takes(b']') {
                return Ok(numbers);
            }
            self.take(b',', "a comma or the list's end")?;
        }
    }

    fn number(&mut self) -> Result<usize, FileError> {
        self.space();
        let from = self.at;
        let mut number = 0_usize;
        while let Some(&digit @ b'0'..=b'9') = self.text.get(self.at) {
            let next =
                number.checked_mul(10).and_then(|ten| ten.checked_add((digit - b'0').into()));
            number = next.ok_or_else(|| self.expected("a smaller number"))?;
            self.at += 1;
        }
        if self.at == from { Err(self.expected("a whole number")) } else { Ok(number) }
    }

    fn string(&mut self) -> Result<String, FileError> {
        self.take(b'"', "a string")?;
        let mut bytes = Vec::new();
        loop {
            let Some(&byte) = self.text.get(self.at) else {
                return Err(self.expected("the string's end"));
            };
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => self.escape(&mut bytes)?,
                0..0x20 => return Err(self.expected("no control letter")),
                byte => bytes.push(byte),
            }
        }
        String::from_utf8(bytes).map_err(|_| self.expected("UTF-8"))
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), FileError> {
        let letter = self.text.get(self.at).copied();
        self.at += 1;
        bytes.push(match letter {
            Some(letter @ (b'"' | b'\\' | b'/')) => letter,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let digits = self.text.get(self.at..self.at + 4);
                let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
                let is_hex = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let code =
                    digits.filter(is_hex).and_then(|text| u32::from_str_radix(text, 16).ok());
                let Some(letter) = code.and_then(char::from_u32) else {
                    return Err(self.expected("four digits of a letter"));
                };
                self.at += 4;
                bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.expected("an escaped letter")),
        });
        Ok(())
    }
}
