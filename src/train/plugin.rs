//! Opens libtorch and the library of `engine-torch`, in the one order that works.
//!
//! libtorch's parts are opened by their full paths before the library that needs them, so neither a
//! search path nor a run path is wanted: their names are known to the loader by then. Its CUDA half
//! must come before libtorch is asked anything about CUDA, for it remembers the answer "none" for good.
//! Nothing is ever closed again; libtorch does not survive that.

#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};

use crate::train::abi::{self, Calls, Text};
use crate::train::error::{PluginError, Refusal};

/// What tensors live on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// The first CUDA device.
    Cuda,
}

impl Device {
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Cpu => abi::CPU,
            Self::Cuda => abi::CUDA,
        }
    }
}

/// libtorch and the library of `engine-torch`, opened.
#[derive(Clone, Copy)]
pub struct TorchPlugin {
    pub(crate) calls: &'static Calls,
}

impl std::fmt::Debug for TorchPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TorchPlugin").field("version", &self.calls.version).finish()
    }
}

impl TorchPlugin {
    /// Where `make torch` puts libtorch's libraries, seen from an executable it was built beside.
    #[must_use]
    pub fn usual_libtorch(executable: &Path) -> PathBuf {
        beside(executable).join("torch").join("lib")
    }

    /// Where `make torch` puts the library of `engine-torch`, seen from an executable.
    #[must_use]
    pub fn usual_plugin(executable: &Path) -> PathBuf {
        beside(executable).join("libforeshadow_torch.so")
    }

    /// Opens libtorch out of `libtorch` (its `lib` folder, or the one above), then `plugin`.
    ///
    /// `device` says whether libtorch's CUDA half is opened too. A process that wants CUDA must say so
    /// the first time it opens: afterwards libtorch has made up its mind.
    ///
    /// # Errors
    ///
    /// Where a library is missing, is of another version, or the loader refuses it.
    pub fn open(libtorch: &Path, plugin: &Path, device: Device) -> Result<Self, PluginError> {
        let below = libtorch.join("lib");
        let folder = if below.join("libtorch_cpu.so").is_file() { below } else { libtorch.into() };
        let mut parts = vec!["libc10.so", "libtorch_cpu.so"];
        if device == Device::Cuda {
            parts.push("libtorch_cuda.so");
        }
        if let Some(file) = parts.iter().find(|file| !folder.join(file).is_file()) {
            return Err(PluginError::NoLibtorch { folder, file });
        }
        if !plugin.is_file() {
            return Err(PluginError::NoPlugin { path: plugin.into() });
        }
        check_version(&folder)?;
        for file in parts {
            load(&folder.join(file), RTLD_NOW | RTLD_GLOBAL)?;
        }
        let library = load(plugin, RTLD_NOW | RTLD_LOCAL)?;
        let refuse = |reason: String| PluginError::NotOpened { path: plugin.to_path_buf(), reason };
        // SAFETY: the symbol has had this type in every version of the interface.
        let entry = unsafe { library.get::<abi::Entry>(abi::ENTRY) }
            .map_err(|error| refuse(format!("it is no library of engine-torch ({error})")))?;
        // SAFETY: it takes nothing and gives null or a static.
        let calls = unsafe { entry() };
        if calls.is_null() {
            return Err(refuse("it has no calls".to_owned()));
        }
        // SAFETY: version and size lead the struct in every version; only these two are read here.
        let (found, size) = unsafe { ((*calls).version, (*calls).size) };
        if found != abi::VERSION || size as usize != size_of::<Calls>() {
            return Err(PluginError::OtherVersion { path: plugin.into(), found });
        }
        // SAFETY: version and size are ours, so the struct is; it is a static of a library that stays.
        Ok(Self { calls: unsafe { &*calls } })
    }

    /// How many CUDA devices libtorch can use.
    #[must_use]
    pub fn cuda_devices(self) -> u32 {
        // SAFETY: takes nothing.
        unsafe { (self.calls.cuda_devices)() }
    }

    /// How many threads one operation may use; one unless told otherwise. More help only large
    /// batches on an idle machine, and only one gives the same bits every time.
    pub fn set_threads(self, threads: u32) {
        // SAFETY: takes a number.
        unsafe { (self.calls.set_threads)(threads) };
    }

    /// Turns a status into a result, with the library's words.
    pub(crate) fn check(self, status: i32) -> Result<(), PluginError> {
        if status == abi::OK { Ok(()) } else { Err(self.refusal(status)) }
    }

    /// The library's last words, as an error.
    pub(crate) fn refusal(self, status: i32) -> PluginError {
        let what = match status {
            abi::FILE => Refusal::File,
            abi::TORCH => Refusal::Torch,
            abi::DIVERGED => Refusal::Diverged,
            _ => Refusal::Argument,
        };
        // SAFETY: `fetch` passes a buffer and its true size.
        let text = fetch(|into, capacity| unsafe { (self.calls.error)(into, capacity) });
        PluginError::Refused { what, text: String::from_utf8_lossy(&text).into_owned() }
    }
}

/// Reads bytes of unknown length: the call copies what fits and gives the whole length.
pub(crate) fn fetch(call: impl Fn(*mut u8, usize) -> usize) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    loop {
        let len = call(bytes.as_mut_ptr(), bytes.len());
        let fits = len <= bytes.len();
        bytes.resize(len, 0);
        if fits {
            return bytes;
        }
    }
}

/// Text for a call; valid as long as `text`.
pub(crate) fn borrow(text: &str) -> Text {
    Text { bytes: text.as_ptr(), len: text.len() }
}

/// A path for a call: the interface speaks UTF-8.
pub(crate) fn utf8(path: &Path) -> Result<&str, PluginError> {
    path.to_str().ok_or_else(|| PluginError::Refused {
        what: Refusal::File,
        text: format!("{}: the path is not UTF-8", path.display()),
    })
}

fn beside(executable: &Path) -> PathBuf {
    let target = executable.parent().and_then(Path::parent).unwrap_or(Path::new(""));
    target.join("torch")
}

/// libtorch's own zips say their version in `build-version`, the Python wheel in `version.py`; a copy
/// without either is trusted.
fn check_version(folder: &Path) -> Result<(), PluginError> {
    let Some(above) = folder.parent() else { return Ok(()) };
    let zip = std::fs::read_to_string(above.join("build-version")).ok();
    let wheel = || {
        let text = std::fs::read_to_string(above.join("version.py")).ok()?;
        let line = text.lines().find(|line| line.starts_with("__version__ = "))?;
        Some(line.split('\'').nth(1)?.to_owned())
    };
    let Some(found) = zip.or_else(wheel) else { return Ok(()) };
    let found = found.trim();
    let fits = found
        .strip_prefix(abi::LIBTORCH)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()));
    if fits {
        return Ok(());
    }
    Err(PluginError::OtherLibtorch { folder: folder.into(), found: found.to_owned() })
}

/// Opens a library for good.
fn load(path: &Path, flags: i32) -> Result<ManuallyDrop<Library>, PluginError> {
    // SAFETY: running a library's initialisers is what opening libtorch means; the user named the
    // folder, as they would name a program to run.
    unsafe { Library::open(Some(path), flags) }
        .map(ManuallyDrop::new)
        .map_err(|error| PluginError::NotOpened { path: path.into(), reason: innermost(&error) })
}

/// The loader's own words.
fn innermost(error: &libloading::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
