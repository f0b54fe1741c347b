//! Blobs in a pipe: a length of 32 bits, little-endian, and the blob.

use std::io::{self, ErrorKind, Read, Write};

/// Writes one blob.
///
/// # Errors
///
/// When the pipe can't be written.
pub fn write(to: &mut impl Write, blob: &[u8]) -> io::Result<()> {
    let length = u32::try_from(blob.len()).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(blob)?;
    to.flush()
}

/// The next blob; `None` at the end.
///
/// # Errors
///
/// When the pipe can't be read, ends inside a blob, or names one of more than `most` bytes.
pub fn read(from: &mut impl Read, most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    let mut got = 0;
    while got < length.len() {
        match from.read(&mut length[got..]) {
            Ok(0) if got == 0 => return Ok(None),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(more) => got += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        let text = format!("a frame of {length} bytes, more than a blob may have ({most})");
        return Err(io::Error::new(ErrorKind::InvalidData, text));
    }
    let mut blob = vec![0; length];
    from.read_exact(&mut blob)?;
    Ok(Some(blob))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_come_out_of_a_pipe_as_they_went_in_and_a_torn_one_is_an_error() {
        let mut pipe = Vec::new();
        for blob in [&b"one"[..], b"", b"three"] {
            write(&mut pipe, blob).unwrap();
        }
        let mut from = &pipe[..];
        let next = |from: &mut &[u8]| read(from, 10).unwrap();
        assert_eq!(next(&mut from).as_deref(), Some(&b"one"[..]));
        assert_eq!(next(&mut from).as_deref(), Some(&b""[..]));
        assert_eq!(next(&mut from).as_deref(), Some(&b"three"[..]));
        assert_eq!(next(&mut from), None);
        for cut in [1, 5] {
            assert_eq!(read(&mut &pipe[..cut], 10).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        }
        assert_eq!(read(&mut &pipe[..], 2).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
