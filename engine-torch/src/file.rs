//! Safetensors files: one header, then the tensors' bytes, as <https://github.com/huggingface/safetensors>
//! describes. Written here rather than through tch because tch's writer has no place for metadata,
//! and because a file must appear whole or not at all.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use tch::{Kind, Tensor};

use crate::error::Error;

/// Writes `tensors` and `metadata` to `path`: beside it first, then into its place in one step.
pub(crate) fn write(
    path: &Path,
    tensors: &[(&str, Tensor)],
    metadata: &[(String, String)],
) -> Result<(), Error> {
    let mut header = String::from("{\"__metadata__\":{");
    for (number, (name, value)) in metadata.iter().enumerate() {
        if number > 0 {
            header.push(',');
        }
        quote(&mut header, name);
        header.push(':');
        quote(&mut header, value);
    }
    header.push('}');
    let mut body = Vec::new();
    for (name, tensor) in tensors {
        let (dtype, size) = match tensor.kind() {
            Kind::Float => ("F32", 4),
            Kind::Int64 => ("I64", 8),
            Kind::Uint8 => ("U8", 1),
            other => return Err(Error::File(format!("{name}: no file holds {other:?}"))),
        };
        let begin = body.len();
        body.resize(begin + tensor.numel() * size, 0);
        let tensor = tensor.to_device(tch::Device::Cpu).contiguous();
        tensor.f_copy_data_u8(&mut body[begin..], tensor.numel())?;
        header.push(',');
        quote(&mut header, name);
        let _ = write!(
            header,
            ":{{\"dtype\":\"{dtype}\",\"shape\":{:?},\"data_offsets\":[{begin},{}]}}",
            tensor.size(),
            body.len()
        );
    }
    header.push('}');
    // Tensors begin on eight bytes, so that a reader may map the file.
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));

    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = Path::new(&beside);
    let written = File::create(beside).and_then(|mut file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        file.write_all(&body)?;
        file.sync_all()?;
        std::fs::rename(beside, path)?;
        // The new name itself must survive a power cut too.
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    });
    written.map_err(|error| Error::File(format!("{}: {error}", path.display())))
}

/// The tensors of a file, on the processor.
pub(crate) fn read(path: &Path) -> Result<Vec<(String, Tensor)>, Error> {
    if !path.exists() {
        return Err(Error::File(format!("{}: there is no such file", path.display())));
    }
    Tensor::read_safetensors(path).map_err(|error| {
        let text = crate::error::first_line(&error.to_string());
        Error::File(format!("{}: not a safetensors file ({text})", path.display()))
    })
}

/// The one of them that is called `name`, if it has the shape and the kind expected.
pub(crate) fn find(
    path: &Path,
    tensors: &[(String, Tensor)],
    name: &str,
    shape: &[i64],
    kind: Kind,
) -> Result<Tensor, Error> {
    let refuse = |text: String| Err(Error::File(format!("{}: {text}", path.display())));
    let Some((_, tensor)) = tensors.iter().find(|(other, _)| other == name) else {
        return refuse(format!("has no {name}"));
    };
    if tensor.size() != shape || tensor.kind() != kind {
        return refuse(format!(
            "{name} is {:?} of {:?}, expected {shape:?} of {kind:?}",
            tensor.size(),
            tensor.kind()
        ));
    }
    Ok(tensor.shallow_clone())
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
