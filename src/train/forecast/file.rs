//! Finishes a model file: one more tensor than libtorch trained, and into its place in one step.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::TrainError;

/// Puts a tensor of floats behind the others of the safetensors file `from`, and all of it at `to`.
pub(super) fn finish(
    from: &Path,
    to: &Path,
    name: &str,
    shape: [usize; 2],
    values: &[f32],
) -> Result<(), TrainError> {
    let bytes = std::fs::read(from).map_err(|error| TrainError::file(from, &error))?;
    let broken = || TrainError::file(from, &std::io::ErrorKind::InvalidData.into());
    let bytes = append(&bytes, name, shape, values).ok_or_else(broken)?;
    replace(to, &bytes)?;
    std::fs::remove_file(from).map_err(|error| TrainError::file(from, &error))
}

/// Writes a file beside its place first, so that it appears whole or not at all.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    });
    written.map_err(|error| TrainError::file(path, &error))
}

fn append(file: &[u8], name: &str, shape: [usize; 2], values: &[f32]) -> Option<Vec<u8>> {
    let (length, rest) = file.split_first_chunk()?;
    let (header, body) =
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let header = std::str::from_utf8(header).ok()?.trim_end().strip_suffix('}')?;
    let (begin, end) = (body.len(), body.len() + size_of_val(values));
    let mut header = format!(
        "{header},\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{begin},{end}]}}}}"
    );
    // Tensors begin on eight bytes, so that a reader may map the file.
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend(body);
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_goes_behind_the_others() {
        let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  "#;
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.bytes());
        file.extend(1.5_f32.to_le_bytes());
        let longer = append(&file, "b", [1, 2], &[2.0, 3.0]).unwrap();
        let length = u64::from_le_bytes(longer[..8].try_into().unwrap()) as usize;
        let text = std::str::from_utf8(&longer[8..8 + length]).unwrap();
        assert_eq!(
            text.trim_end(),
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1, 2],"data_offsets":[4,12]}}"#
        );
        assert!(length.is_multiple_of(8));
        let body: Vec<u8> = [1.5_f32, 2.0, 3.0].iter().flat_map(|f| f.to_le_bytes()).collect();
        assert_eq!(longer[8 + length..], body);
        assert_eq!(append(&file[..20], "b", [1, 2], &[2.0, 3.0]), None);
    }
}
