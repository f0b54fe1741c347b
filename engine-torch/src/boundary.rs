//! The calls that the core makes: plain pointers in, a status out, and nothing unwinds.
//!
//! libtorch's errors come as C++ exceptions, which tch turns into panics or results; both end here as
//! a status and a text. After a panic the engine or trainer it hit may be half changed: it then refuses
//! everything but being closed.

#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use tch::Device;

use crate::abi::{self, Batch, Calls, Network, Part, Step, Text, Training};
use crate::batch::Packed;
use crate::engine::Engine;
use crate::error::{Error, first_line};
use crate::spec::{self, slice, text};
use crate::trainer::Trainer;

static CALLS: Calls = Calls {
    version: abi::VERSION,
    size: size_of::<Calls>() as u32,
    cuda_devices,
    set_threads,
    error,
    engine_open,
    engine_close,
    engine_step,
    engine_forecast,
    engine_copy,
    engine_read,
    engine_write,
    trainer_open,
    trainer_close,
    trainer_step,
    trainer_evaluate,
    trainer_save,
    trainer_checkpoint,
    trainer_resume,
    trainer_note,
};

/// The library's one export. Its type and name are those of `abi::Entry` and `abi::ENTRY`.
#[unsafe(no_mangle)]
extern "C" fn foreshadow_torch_calls() -> *const Calls {
    static QUIET: Once = Once::new();
    // A panic's text reaches the core as an error; this library's own hook (the core has another)
    // would print it a second time.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    &raw const CALLS
}

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
    static APPLIED: Cell<u32> = const { Cell::new(0) };
}

/// Threads inside one operation; one, because two spin against each other on a busy machine.
static THREADS: AtomicU32 = AtomicU32::new(1);

/// Something that a handle points to, and whether a call broke it.
struct Handle<T> {
    inner: T,
    broken: bool,
}

/// Runs a call's body.
fn run<T>(body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(|| {
        // OpenMP keeps the number for each calling thread by itself.
        let threads = THREADS.load(Ordering::Relaxed);
        if APPLIED.replace(threads) != threads {
            tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
        }
        body()
    }))
    .unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("libtorch failed without a word");
        // `called … on an `Err` value: Torch("what\nstack")`, where only the middle helps.
        let text = text.split_once("Torch(\"").map_or(text, |(_, rest)| rest);
        let text = text.split("\\n").next().unwrap_or(text);
        Err(Error::Torch(first_line(text)))
    })
}

fn status(result: Result<(), Error>) -> i32 {
    match result {
        Ok(()) => abi::OK,
        Err(error) => {
            LAST.with_borrow_mut(|last| error.text().clone_into(last));
            error.status()
        }
    }
}

fn open<T>(body: impl FnOnce() -> Result<T, Error>) -> *mut c_void {
    match run(body) {
        Ok(inner) => Box::into_raw(Box::new(Handle { inner, broken: false })).cast(),
        Err(error) => {
            status(Err(error));
            std::ptr::null_mut()
        }
    }
}

/// # Safety
///
/// * `handle` is null, or came from [`open`] with the same `T`, and no other call uses it now.
unsafe fn on<T>(handle: *mut c_void, body: impl FnOnce(&mut T) -> Result<(), Error>) -> i32 {
    // SAFETY: the caller keeps the handle's type and that it is used by one call at a time.
    let Some(handle) = (unsafe { handle.cast::<Handle<T>>().as_mut() }) else {
        return status(Err(Error::Invalid("the handle is null".to_owned())));
    };
    if handle.broken {
        let text = "an earlier call failed midway; open it again".to_owned();
        return status(Err(Error::Invalid(text)));
    }
    handle.broken = true;
    let mut finished = false;
    let result = run(|| {
        let result = body(&mut handle.inner);
        finished = true;
        result
    });
    handle.broken = !finished;
    status(result)
}

/// # Safety
///
/// * As [`on`]; the handle is not used again.
unsafe fn close<T>(handle: *mut c_void) {
    if !handle.is_null() {
        // SAFETY: the caller keeps that it came from `open` with this `T`, and gives it up.
        let handle = unsafe { Box::from_raw(handle.cast::<Handle<T>>()) };
        _ = run(|| {
            drop(handle);
            Ok(())
        });
    }
}

/// # Safety
///
/// * `pointer` is null, or valid for `len` elements that nobody else uses during the call.
unsafe fn slice_mut<'a, T>(pointer: *mut T, len: usize) -> &'a mut [T] {
    if pointer.is_null() || len == 0 {
        return &mut [];
    }
    // SAFETY: the caller keeps the pointer and its length.
    unsafe { std::slice::from_raw_parts_mut(pointer, len) }
}

fn device(number: u32) -> Result<Device, Error> {
    match number {
        abi::CPU => Ok(Device::Cpu),
        abi::CUDA if tch::Cuda::is_available() => Ok(Device::Cuda(0)),
        abi::CUDA => Err(Error::Torch(
            "libtorch sees no CUDA device (no driver, or its CUDA half was not loaded first)"
                .into(),
        )),
        other => Err(Error::Invalid(format!("there is no device {other}"))),
    }
}

extern "C" fn cuda_devices() -> u32 {
    run(|| Ok(u32::try_from(tch::Cuda::device_count()).unwrap_or(0))).unwrap_or(0)
}

extern "C" fn set_threads(threads: u32) -> i32 {
    THREADS.store(threads.max(1), Ordering::Relaxed);
    abi::OK
}

unsafe extern "C" fn error(into: *mut u8, capacity: usize) -> usize {
    // SAFETY: the core passes a buffer of `capacity` bytes.
    LAST.with_borrow(|last| unsafe { give(last.as_bytes(), into, capacity) })
}

/// # Safety
///
/// * As [`slice_mut`] with `capacity`.
unsafe fn give(bytes: &[u8], into: *mut u8, capacity: usize) -> usize {
    // SAFETY: the caller keeps the buffer and its capacity.
    let into = unsafe { slice_mut(into, capacity) };
    let len = bytes.len().min(into.len());
    into[..len].copy_from_slice(&bytes[..len]);
    bytes.len()
}

// In all that follows the core keeps what `abi` asks for: every pointer is valid for the length that
// stands beside it or follows from the network, a handle is one that the matching open gave and is
// used by one call at a time.

unsafe extern "C" fn engine_open(
    network: *const Network,
    weights: Text,
    place: u32,
    slots: u64,
) -> *mut c_void {
    open(|| {
        // SAFETY: see above.
        let spec = unsafe { spec::Network::read(&*network) }?;
        // SAFETY: see above.
        let path = unsafe { text(weights) }?;
        Engine::open(spec, Path::new(&path), device(place)?, slots)
    })
}

unsafe extern "C" fn engine_close(engine: *mut c_void) {
    // SAFETY: see above.
    unsafe { close::<Engine>(engine) }
}

unsafe extern "C" fn engine_step(
    engine: *mut c_void,
    n: usize,
    slots: *const i64,
    categories: *const i32,
    dense: *const f32,
) -> i32 {
    let body = |engine: &mut Engine| {
        let (tables, width) = (engine.spec().tables.len(), engine.spec().dense as usize);
        let _guard = tch::no_grad_guard();
        // SAFETY: see above.
        let categories = unsafe { slice(categories, n * tables) };
        // SAFETY: see above.
        let (slots, dense) = unsafe { (slice(slots, n), slice(dense, n * width)) };
        if n == 0 { Ok(()) } else { engine.step(slots, categories, dense) }
    };
    // SAFETY: see above.
    unsafe { on(engine, body) }
}

unsafe extern "C" fn engine_forecast(
    engine: *mut c_void,
    n: usize,
    slots: *const i64,
    given: *const i32,
    out: *mut f32,
) -> i32 {
    let body = |engine: &mut Engine| {
        let heads = &engine.spec().heads;
        let outputs: usize = heads.iter().map(|head| head.outputs() as usize).sum();
        let _guard = tch::no_grad_guard();
        // SAFETY: see above.
        let (slots, given) = unsafe { (slice(slots, n), slice(given, n * heads.len())) };
        // SAFETY: see above.
        let out = unsafe { slice_mut(out, n * outputs) };
        if n == 0 { Ok(()) } else { engine.forecast(slots, given, out) }
    };
    // SAFETY: see above.
    unsafe { on(engine, body) }
}

unsafe extern "C" fn engine_copy(
    engine: *mut c_void,
    n: usize,
    from: *const i64,
    to: *const i64,
) -> i32 {
    let body = |engine: &mut Engine| {
        // SAFETY: see above.
        let (from, to) = unsafe { (slice(from, n), slice(to, n)) };
        if n == 0 { Ok(()) } else { engine.copy(from, to) }
    };
    // SAFETY: see above.
    unsafe { on(engine, body) }
}

unsafe extern "C" fn engine_read(
    engine: *mut c_void,
    n: usize,
    slots: *const i64,
    out: *mut f32,
) -> i32 {
    let body = |engine: &mut Engine| {
        let len = n * engine.spec().state() as usize;
        // SAFETY: see above.
        let (slots, out) = unsafe { (slice(slots, n), slice_mut(out, len)) };
        if n == 0 { Ok(()) } else { engine.read(slots, out) }
    };
    // SAFETY: see above.
    unsafe { on(engine, body) }
}

unsafe extern "C" fn engine_write(
    engine: *mut c_void,
    n: usize,
    slots: *const i64,
    states: *const f32,
) -> i32 {
    let body = |engine: &mut Engine| {
        let len = n * engine.spec().state() as usize;
        // SAFETY: see above.
        let (slots, states) = unsafe { (slice(slots, n), slice(states, len)) };
        if n == 0 { Ok(()) } else { engine.write(slots, states) }
    };
    // SAFETY: see above.
    unsafe { on(engine, body) }
}

unsafe extern "C" fn trainer_open(
    network: *const Network,
    training: *const Training,
    place: u32,
) -> *mut c_void {
    open(|| {
        // SAFETY: see above.
        let (spec, training) = unsafe { (spec::Network::read(&*network)?, *training) };
        Trainer::open(spec, training, device(place)?)
    })
}

unsafe extern "C" fn trainer_close(trainer: *mut c_void) {
    // SAFETY: see above.
    unsafe { close::<Trainer>(trainer) }
}

/// # Safety
///
/// * As [`Packed::read`].
unsafe fn pack(trainer: &Trainer, batch: &Batch) -> Result<Packed, Error> {
    // SAFETY: the caller keeps what `Packed::read` asks for.
    unsafe { Packed::read(batch, trainer.spec(), trainer.rows(), trainer.device()) }
}

unsafe extern "C" fn trainer_step(
    trainer: *mut c_void,
    batch: *const Batch,
    learning_rate: f64,
    step: *mut Step,
    parts: *mut Part,
) -> i32 {
    let body = |trainer: &mut Trainer| {
        // SAFETY: see above.
        let packed = unsafe { pack(trainer, &*batch) }?;
        // SAFETY: see above.
        let parts = unsafe { slice_mut(parts, trainer.spec().heads.len()) };
        let done = trainer.step(&packed, learning_rate, parts)?;
        // SAFETY: see above.
        unsafe { *step = done };
        Ok(())
    };
    // SAFETY: see above.
    unsafe { on(trainer, body) }
}

unsafe extern "C" fn trainer_evaluate(
    trainer: *mut c_void,
    batch: *const Batch,
    nats: *mut f32,
    parts: *mut Part,
) -> i32 {
    let body = |trainer: &mut Trainer| {
        // SAFETY: see above.
        let (packed, raw) = unsafe { (pack(trainer, &*batch)?, &*batch) };
        let heads = trainer.spec().heads.len();
        // SAFETY: see above.
        let parts = unsafe { slice_mut(parts, heads) };
        // SAFETY: see above; null means that nobody asks.
        let nats =
            (!nats.is_null()).then(|| unsafe { slice_mut(nats, raw.rows * raw.steps * heads) });
        trainer.evaluate(&packed, nats, parts)
    };
    // SAFETY: see above.
    unsafe { on(trainer, body) }
}

unsafe extern "C" fn trainer_save(
    trainer: *mut c_void,
    path: Text,
    metadata: *const Text,
    pairs: usize,
) -> i32 {
    let body = |trainer: &mut Trainer| {
        // SAFETY: see above.
        let (path, metadata) = unsafe { (text(path)?, slice(metadata, 2 * pairs)) };
        let mut named = Vec::new();
        for pair in metadata.chunks_exact(2) {
            // SAFETY: see above.
            named.push(unsafe { (text(pair[0])?, text(pair[1])?) });
        }
        trainer.save(Path::new(&path), &named)
    };
    // SAFETY: see above.
    unsafe { on(trainer, body) }
}

unsafe extern "C" fn trainer_checkpoint(trainer: *mut c_void, path: Text, note: Text) -> i32 {
    let body = |trainer: &mut Trainer| {
        // SAFETY: see above.
        let (path, note) = unsafe { (text(path)?, slice(note.bytes, note.len)) };
        trainer.checkpoint(Path::new(&path), note)
    };
    // SAFETY: see above.
    unsafe { on(trainer, body) }
}

unsafe extern "C" fn trainer_resume(trainer: *mut c_void, path: Text) -> i32 {
    // SAFETY: see above.
    let body = |trainer: &mut Trainer| trainer.resume(Path::new(&unsafe { text(path) }?));
    // SAFETY: see above.
    unsafe { on(trainer, body) }
}

unsafe extern "C" fn trainer_note(trainer: *mut c_void, note: *mut u8, capacity: usize) -> usize {
    let mut len = 0;
    let body = |trainer: &mut Trainer| {
        // SAFETY: see above.
        len = unsafe { give(trainer.note(), note, capacity) };
        Ok(())
    };
    // SAFETY: see above.
    unsafe { on(trainer, body) };
    len
}
