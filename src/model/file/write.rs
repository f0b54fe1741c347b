//! Writing what [`ModelFile`](super::ModelFile) reads.

use std::fmt::Write as _;

use super::{FORMAT, hash, word};

/// A tensor's name, shape and numbers.
pub type Tensor<'a> = (&'a str, &'a [usize], &'a [f32]);

/// The content of a file with these words and tensors (name, shape, numbers), and with the format's
/// version and a hash of the numbers, which replace words of those names.
///
/// # Panics
/// If a tensor has not as many numbers as its shape says.
#[must_use]
pub fn write(words: &[(String, String)], tensors: &[Tensor<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut places = String::new();
    for (name, shape, numbers) in tensors {
        assert_eq!(shape.iter().product::<usize>(), numbers.len(), "{name}");
        let begin = body.len();
        body.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        places.push(',');
        quote(&mut places, name);
        let end = body.len();
        let _ = write!(
            places,
            ":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{begin},{end}]}}"
        );
    }
    let mut header = String::from("{\"__metadata__\":{");
    let own = [(word::FORMAT, FORMAT.to_owned()), (word::CONTENT, hash(&body))];
    let is_own = |key: &str| own.iter().any(|(known, _)| *known == key);
    let others = words.iter().filter(|(key, _)| !is_own(key));
    let all = own.iter().map(|(key, value)| (*key, value));
    for (number, (key, value)) in
        all.chain(others.map(|(key, value)| (key.as_str(), value))).enumerate()
    {
        if number > 0 {
            header.push(',');
        }
        quote(&mut header, key);
        header.push(':');
        quote(&mut header, value);
    }
    header.push('}');
    header.push_str(&places);
    header.push('}');
    // Numbers begin on eight bytes, so that a reader may map the file.
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

fn quote(json: &mut String, text: &str) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                json.push('\\');
                json.push(letter);
            }
            control if (control as u32) < 0x20 => {
                let _ = write!(json, "\\u{:04x}", control as u32);
            }
            other => json.push(other),
        }
    }
    json.push('"');
}
