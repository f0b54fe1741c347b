//! Finishes a model file: one more tensor than libtorch trained, and into its place in one step.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::TrainError;
use crate::model::file::{FileError, ModelFile, write};

/// Puts a tensor behind the others of the model file `from`, and all of it at `to`.
pub(super) fn finish(
    from: &Path,
    to: &Path,
    name: &str,
    shape: &[usize],
    values: &[f32],
) -> Result<(), TrainError> {
    let bytes = std::fs::read(from).map_err(|error| TrainError::file(from, &error))?;
    let bytes = append(&bytes, name, shape, values)
        .map_err(|error| TrainError::File { path: from.into(), reason: error.to_string() })?;
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

fn append(bytes: &[u8], name: &str, shape: &[usize], values: &[f32]) -> Result<Vec<u8>, FileError> {
    let file = ModelFile::read(bytes)?;
    let mut tensors = Vec::new();
    for name in file.names() {
        let shape = file.shape(name).unwrap_or_default();
        tensors.push((name, shape, file.tensor(name, shape)?));
    }
    let borrowed = tensors.iter().map(|(name, shape, numbers)| (*name, *shape, numbers.as_slice()));
    let all: Vec<_> = borrowed.chain([(name, shape, values)]).collect();
    Ok(write(file.words(), &all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_goes_behind_the_others_and_the_words_stay() {
        let words = [("seed".to_owned(), "7".to_owned())];
        let bytes = write(&words, &[("a", &[1], &[1.5])]);
        let longer = append(&bytes, "b", &[1, 2], &[2.0, 3.0]).unwrap();
        let file = ModelFile::read(&longer).unwrap();
        assert_eq!(file.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(file.tensor("a", &[1]).unwrap(), [1.5]);
        assert_eq!(file.tensor("b", &[1, 2]).unwrap(), [2.0, 3.0]);
        assert_eq!(file.word("seed"), Some("7"));
        assert!(append(&bytes[..20], "b", &[1, 2], &[2.0, 3.0]).is_err());
    }
}
