//! Structs and text over the boundary, byte by byte and never beyond the size the host gave.
//!
//! Copying bytes asks nothing of the host's alignment, and lets a struct be shorter or longer on one side
//! than on the other: see "Structs" in the header.
#![allow(unsafe_code, reason = "reads and writes the host's memory")]

use std::ffi::{CStr, c_char};
use std::ptr;

use super::ffi;
use super::status::{Failure, Status};

/// No struct of ours comes near it; a larger `size` was never set.
const LARGEST: usize = 4096;

/// A struct of the header that begins with `size` and may grow at its end.
///
/// # Safety
/// - It is `repr(C)` and its first field is the `u32` `size`.
/// - All bytes zero is a valid value of it.
pub(super) unsafe trait Growing: Copy {
    /// Its name in the header.
    const NAME: &'static str;
    /// Its size when it was first published; never changes.
    const FIRST: usize;
}

macro_rules! growing {
    ($($name:ident: $first:literal,)*) => {$(
        // SAFETY: bindgen makes it `repr(C)` from a struct that begins with `uint32_t size` (the offset
        // is checked below) and holds integers, floats and raw pointers only, all of which may be zero.
        unsafe impl Growing for ffi::$name {
            const NAME: &'static str = stringify!($name);
            const FIRST: usize = $first;
        }
        const _: () = assert!(std::mem::offset_of!(ffi::$name, size) == 0);
        const _: () = assert!($first <= size_of::<ffi::$name>() && size_of::<ffi::$name>() <= LARGEST);
    )*};
}
growing! {
    foreshadow_options: 40,
    foreshadow_packet: 40,
    foreshadow_verdict: 40,
    foreshadow_connection: 296,
    foreshadow_stats: 152,
    foreshadow_event: 528,
    foreshadow_category: 128,
    foreshadow_aggregator_totals: 64,
    foreshadow_network_target: 48,
}

/// Copies a struct in; what the host's lacks is zero.
///
/// # Safety
/// `pointer` is null or points to as many readable bytes as the `size` it begins with, which are not
/// written meanwhile.
pub(super) unsafe fn read<T: Growing>(pointer: *const T) -> Result<T, Failure> {
    // SAFETY: as the caller promises.
    let size = unsafe { size_of_host::<T>(pointer) }?;
    let bytes = pointer.cast::<u8>();
    let known = size.min(size_of::<T>());
    // SAFETY: the caller promises `size` readable bytes, and `known` is no more than that.
    let unknown = unsafe { std::slice::from_raw_parts(bytes.add(known), size - known) };
    if let Some(at) = unknown.iter().position(|byte| *byte != 0) {
        return Err(Failure::new(
            Status::Size,
            format!(
                "{} is {size} bytes, and byte {} asks for what this library does not know",
                T::NAME,
                known + at
            ),
        ));
    }
    let mut value = zeroed::<T>();
    // SAFETY: `known` bytes are readable as above and fit into `value`, which is not the host's memory;
    // any bytes are a value of integers, floats and raw pointers.
    unsafe { ptr::copy_nonoverlapping(bytes, (&raw mut value).cast(), known) };
    Ok(value)
}

/// Where a struct goes out to, checked before anything is done whose result would be lost.
pub(super) struct Out<T> {
    pointer: *mut T,
    size: usize,
}

impl<T: Growing> Out<T> {
    /// Checks the host's struct.
    ///
    /// # Safety
    /// - `pointer` is null or points to as many writable bytes as the `size` it begins with.
    /// - They stay so, and nobody else touches them, while the `Out` is in use.
    pub(super) unsafe fn new(pointer: *mut T) -> Result<Self, Failure> {
        // SAFETY: as the caller promises.
        let size = unsafe { size_of_host::<T>(pointer) }?;
        Ok(Self { pointer, size })
    }

    /// As `new`, but nothing when the pointer is null.
    ///
    /// # Safety
    /// As for `new`.
    pub(super) unsafe fn optional(pointer: *mut T) -> Result<Option<Self>, Failure> {
        if pointer.is_null() {
            return Ok(None);
        }
        // SAFETY: as the caller promises.
        unsafe { Self::new(pointer) }.map(Some)
    }

    /// Copies a struct out: all of the host's bytes are written, and `size` stays what it was.
    pub(super) fn write(&self, value: &T) {
        let known = self.size.min(size_of::<T>());
        let bytes = self.pointer.cast::<u8>();
        // SAFETY: the maker of this promised `self.size` writable bytes, and neither the copy
        // (`known`) nor the zeros behind it go further; `value` is our own memory.
        unsafe {
            ptr::copy_nonoverlapping(ptr::from_ref(value).cast(), bytes, known);
            ptr::write_bytes(bytes.add(known), 0, self.size - known);
            bytes.cast::<u32>().write_unaligned(self.size as u32);
        }
    }
}

/// An array of structs that goes out; the first one's `size` is the stride.
pub(super) struct OutArray<T> {
    first: Option<Out<T>>,
    capacity: usize,
}

impl<T: Growing> OutArray<T> {
    /// Checks the host's array.
    ///
    /// # Safety
    /// As for `Out::new`, with `capacity` times the bytes.
    pub(super) unsafe fn new(pointer: *mut T, capacity: usize) -> Result<Self, Failure> {
        if capacity == 0 {
            return Ok(Self { first: None, capacity });
        }
        // SAFETY: there is at least one struct, and the caller promises it.
        let first = unsafe { Out::new(pointer) }?;
        if capacity > isize::MAX as usize / first.size {
            return Err(Failure::new(
                Status::Argument,
                format!("no array of {} has room for {capacity}", T::NAME),
            ));
        }
        Ok(Self { first: Some(first), capacity })
    }

    /// Copies out structs until there are no more or no room, and says how many.
    pub(super) fn fill(&self, mut next: impl FnMut() -> Option<T>) -> usize {
        let Some(Out { pointer, size }) = self.first else { return 0 };
        for index in 0..self.capacity {
            let Some(value) = next() else { return index };
            // The product is below `isize::MAX`, and the place inside the host's array, both by `new`.
            Out { pointer: pointer.wrapping_byte_add(index * size), size }.write(&value);
        }
        self.capacity
    }
}

/// Writes a number to the host.
///
/// # Safety
/// `pointer` is null or points to a writable number, which nobody else touches meanwhile.
pub(super) unsafe fn write_number<T>(pointer: *mut T, value: T) -> bool {
    if pointer.is_null() {
        return false;
    }
    // SAFETY: it is not null, so the caller promises that it is writable.
    unsafe { pointer.write_unaligned(value) };
    true
}

/// The text behind a pointer, `None` if it is null.
///
/// # Safety
/// - `pointer` is null or points to text that ends with a zero byte.
/// - The text is not written, and stays readable, for `'a`.
pub(super) unsafe fn text<'a>(
    pointer: *const c_char,
    name: &'static str,
) -> Result<Option<&'a str>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: it is not null, so the caller promises a zero byte at the end and the lifetime.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    bytes.to_str().map(Some).map_err(|error| {
        Failure::new(
            Status::Argument,
            format!("{name} is not UTF-8 after {} bytes", error.valid_up_to()),
        )
    })
}

/// Copies text out, cut to fit and with a zero byte at its end; sets `needed` to what all of it takes.
///
/// # Safety
/// - `buffer` is null or points to `size` writable bytes, `needed` is null or points to a writable number.
/// - Nobody else touches either meanwhile, and they do not overlap `text`.
pub(super) unsafe fn write_text(
    text: &str,
    buffer: *mut c_char,
    size: usize,
    needed: *mut usize,
) -> Result<(), Failure> {
    // SAFETY: as the caller promises.
    unsafe { write_number(needed, text.len() + 1) };
    if buffer.is_null() && size > 0 {
        return Err(Failure::null("buffer"));
    }
    if size > 0 {
        let kept = text.floor_char_boundary(size - 1);
        // SAFETY: `buffer` is not null, so `size` bytes are writable; `kept` and the zero byte behind
        // it are at most that many, and `kept` is at most the length of `text`.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast(), kept);
            buffer.add(kept).write(0);
        }
    }
    if size <= text.len() {
        return Err(Failure::new(
            Status::Buffer,
            format!("the text takes {} bytes and the buffer has {size}", text.len() + 1),
        ));
    }
    Ok(())
}

/// Copies bytes out where all of them fit; sets `needed` to how many they are.
///
/// # Safety
/// - `buffer` is null or points to `size` writable bytes, `needed` is null or points to a writable number.
/// - Nobody else touches either meanwhile, and they do not overlap `bytes`.
pub(super) unsafe fn write_bytes(
    bytes: &[u8],
    buffer: *mut u8,
    size: usize,
    needed: *mut usize,
) -> Result<(), Failure> {
    // SAFETY: as the caller promises.
    unsafe { write_number(needed, bytes.len()) };
    if size < bytes.len() {
        let text = format!("the blob takes {} bytes and the buffer has {size}", bytes.len());
        return Err(Failure::new(Status::Buffer, text));
    }
    if buffer.is_null() {
        return Err(Failure::null("buffer"));
    }
    // SAFETY: `buffer` is not null, so `size` bytes are writable, which is at least as many.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buffer, bytes.len()) };
    Ok(())
}

/// Bytes that a host hands in.
///
/// # Safety
/// `pointer` is null or points to `size` bytes, readable and not written for `'a`.
pub(super) unsafe fn bytes<'a>(
    pointer: *const u8,
    size: usize,
    what: &'static str,
) -> Result<&'a [u8], Failure> {
    if pointer.is_null() {
        return if size == 0 { Ok(&[]) } else { Err(Failure::null(what)) };
    }
    if size > isize::MAX as usize {
        return Err(Failure::new(Status::Argument, format!("{what} is larger than memory")));
    }
    // SAFETY: it is not null, so the caller promises so many bytes for `'a`.
    Ok(unsafe { std::slice::from_raw_parts(pointer, size) })
}

/// The `size` that the host's struct begins with, if it is one we can serve.
///
/// # Safety
/// `pointer` is null or points to at least four readable bytes.
unsafe fn size_of_host<T: Growing>(pointer: *const T) -> Result<usize, Failure> {
    if pointer.is_null() {
        return Err(Failure::null(T::NAME));
    }
    // SAFETY: it is not null, so the caller promises four bytes.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    if (T::FIRST..=LARGEST).contains(&size) {
        return Ok(size);
    }
    Err(Failure::new(
        Status::Size,
        format!("size of {} is {size}, expected at least {}", T::NAME, T::FIRST),
    ))
}

fn zeroed<T: Growing>() -> T {
    // SAFETY: `Growing` promises that all bytes zero is a value.
    unsafe { std::mem::zeroed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A struct as a host of another day has it: two fields at first, a third one later.
    #[derive(Clone, Copy, Debug, PartialEq, Default)]
    #[repr(C)]
    struct Three {
        size: u32,
        one: u32,
        two: u32,
        three: u32,
    }

    // SAFETY: `repr(C)`, begins with `size`, integers only.
    unsafe impl Growing for Three {
        const NAME: &'static str = "three";
        const FIRST: usize = 12;
    }

    fn host(words: &[u32]) -> *const Three {
        words.as_ptr().cast()
    }

    #[test]
    fn an_older_hosts_struct_is_filled_up_with_zeros() {
        let words = [12, 1, 2, 99];
        // SAFETY: twelve bytes are there.
        let read = unsafe { read(host(&words)) }.unwrap();
        assert_eq!(read, Three { size: 12, one: 1, two: 2, three: 0 });
    }

    #[test]
    fn a_newer_hosts_struct_is_served_unless_it_asks_for_what_we_do_not_know() {
        let mut words = [20, 1, 2, 3, 0];
        // SAFETY: twenty bytes are there.
        assert_eq!(unsafe { read(host(&words)) }.unwrap().three, 3);
        words[4] = 0x0100_0000;
        // SAFETY: as before.
        let failure = unsafe { read(host(&words)) }.unwrap_err();
        assert_eq!(failure.status, Status::Size);
        assert_eq!(
            failure.text,
            "three is 20 bytes, and byte 19 asks for what this library does not know"
        );
    }

    #[test]
    fn sizes_that_never_were_and_null_are_refused() {
        for size in [0, 3, 11, 4097, u32::MAX] {
            // SAFETY: the size is refused before anything behind it is read.
            let failure = unsafe { read(host(&[size])) }.unwrap_err();
            assert_eq!(failure.status, Status::Size, "{size}");
        }
        // SAFETY: null is allowed.
        assert_eq!(unsafe { read(ptr::null::<Three>()) }.unwrap_err().status, Status::Null);
    }

    #[test]
    fn what_goes_out_keeps_the_hosts_size_and_stays_inside_it() {
        let value = Three { size: 16, one: 1, two: 2, three: 3 };
        for (size, expected) in
            [(12, [12, 1, 2, 7, 7, 7]), (16, [16, 1, 2, 3, 7, 7]), (20, [20, 1, 2, 3, 0, 7])]
        {
            let mut words = [size, 7, 7, 7, 7, 7];
            // SAFETY: twenty-four bytes are there.
            unsafe { Out::new(words.as_mut_ptr().cast::<Three>()) }.unwrap().write(&value);
            assert_eq!(words, expected);
        }
    }

    #[test]
    fn an_array_goes_out_by_the_hosts_stride_whatever_its_alignment() {
        let mut bytes = [0xaa_u8; 1 + 3 * 20];
        bytes[1..5].copy_from_slice(&20_u32.to_ne_bytes());
        let mut left = 2;
        // SAFETY: three times twenty bytes are there behind the first.
        let array = unsafe { OutArray::new(bytes.as_mut_ptr().wrapping_add(1).cast(), 3) }.unwrap();
        let written = array.fill(|| {
            left -= 1;
            (left >= 0).then_some(Three { size: 16, one: left as u32, two: 8, three: 9 })
        });
        assert_eq!(written, 2);
        assert_eq!(bytes[21..29], [20_u32.to_ne_bytes(), 0_u32.to_ne_bytes()].concat());
        assert_eq!(bytes[41..], [0xaa; 20]);
    }

    #[test]
    fn text_is_cut_between_characters_and_its_length_told() {
        let mut buffer = [0x7f as c_char; 4];
        let mut needed = 0;
        // SAFETY: `buffer` and `needed` are ours, as large as said.
        let failure =
            unsafe { write_text("aéü", buffer.as_mut_ptr(), 4, &mut needed) }.unwrap_err();
        assert_eq!((failure.status, needed), (Status::Buffer, 6));
        assert_eq!(buffer.map(|byte| byte as u8), [b'a', 0xc3, 0xa9, 0]);
        // SAFETY: as before; null is allowed for both.
        unsafe {
            assert!(write_text("abc", buffer.as_mut_ptr(), 4, ptr::null_mut()).is_ok());
            assert!(write_text("", ptr::null_mut(), 0, ptr::null_mut()).is_err());
            assert!(write_text("", ptr::null_mut(), 1, ptr::null_mut()).is_err());
        }
    }
}
