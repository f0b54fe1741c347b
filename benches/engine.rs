//! How long heads and step of one packet take on one core, and how near that is to the limit.
//!
//! `cargo bench --bench engine` prints, for each network (cell, hidden units, outputs of the heads)
//! and set of instructions, nanoseconds a packet (thread CPU time, the least of many repetitions):
//! in batches of 1, 3, 6 and 24 packets of 131,072 connections in random order, and for `hot` of
//! 1,024. `likely` adds what a log-likelihood of size and time asks for: three log-sum-exps over all
//! outputs. `peak` is the best batch's share of the f32 multiply-adds of which the core was capable
//! in the same minute with nothing else to do.
//!
//! `cargo bench --bench engine -- 32 64` measures these sizes alone.
//!
//! It also checks: all instructions give the same bits after 1,000 packets, and nothing is allocated
//! on the way.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use foreshadow::flow::Slot;
use foreshadow::model::engine::{Cell, Dispatch, Engine, Shape, Weights};

/// Connections: their states fill 16 to 64 MiB, more than the caches of a core.
const MANY: u32 = 1 << 17;
/// Connections whose states stay in the caches.
const FEW: u32 = 1 << 10;
/// CPU time that one number takes in each round, in seconds.
const BUDGET: f64 = 0.03;
/// Rounds through the whole table: a neighbour's noise lasts longer than a number takes.
const ROUNDS: usize = 6;

/// A column of the table: packets at once, connections, and whether likelihoods are taken.
struct Column {
    batch: usize,
    connections: u32,
    likely: bool,
}

const COLUMNS: [Column; 7] = [
    Column { batch: 1, connections: MANY, likely: false },
    Column { batch: 3, connections: MANY, likely: false },
    Column { batch: 6, connections: MANY, likely: false },
    Column { batch: 24, connections: MANY, likely: false },
    Column { batch: 1, connections: FEW, likely: false },
    Column { batch: 1, connections: MANY, likely: true },
    Column { batch: 6, connections: MANY, likely: true },
];

/// The system's allocator, counting.
struct Counting;
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(at, layout) }
    }
}
#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    same_bits();
    let [avx2, avx512] = peaks();
    println!("f32 multiply-adds of this core, G/s: AVX2 {avx2:.1}, AVX-512 {avx512:.1}\n");
    // Sizes may be named, to measure those alone.
    let named: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let sizes = [32, 48, 64, 128].map(|hidden| (Cell::Gru, hidden));
    let mut rows = Vec::new();
    for (cell, hidden) in sizes.into_iter().chain([(Cell::Lstm, 32), (Cell::Lstm, 64)]) {
        if !named.is_empty() && !named.contains(&hidden) {
            continue;
        }
        for outputs in [64, 192] {
            let shape = Shape { cell, hidden, inputs: 16, outputs };
            rows.push((shape, Dispatch::Plain, avx2));
            rows.push((shape, Dispatch::Avx2, avx2));
            rows.push((shape, Dispatch::Avx512, avx512));
        }
    }
    let mut table = vec![[f64::INFINITY; COLUMNS.len()]; rows.len()];
    for _ in 0..ROUNDS {
        for (times, &(shape, dispatch, _)) in table.iter_mut().zip(&rows) {
            measure(shape, dispatch, times);
        }
    }
    println!(
        "ns a packet                b1     b3     b6    b24  b1 hot   likely b1     b6   peak"
    );
    for (times, (shape, dispatch, peak)) in table.iter().zip(rows) {
        let Shape { cell, hidden, outputs, .. } = shape;
        print!("{:4} {hidden:3} {outputs:3} {:7}", format!("{cell:?}"), format!("{dispatch:?}"));
        let [b1, b3, b6, b24, hot, likely1, likely6] = times;
        if b1.is_infinite() {
            println!("SKIPPED: this processor does not have it");
            continue;
        }
        let share = shape.multiply_adds() as f64 / b24.min(*b6) / peak * 100.0;
        print!("{b1:10.0} {b3:6.0} {b6:6.0} {b24:6.0} {hot:7.0}");
        println!("{likely1:12.0} {likely6:6.0} {share:5.0}%");
    }
}

/// Nanoseconds a packet, where they are less than before; nothing if the processor lacks the
/// instructions.
fn measure(shape: Shape, dispatch: Dispatch, times: &mut [f64; COLUMNS.len()]) {
    let network = Network::random(shape);
    let Ok(mut engine) = Engine::new(&network.weights(), dispatch) else { return };
    for slot in 0..MANY {
        engine.begin(Slot(slot));
    }
    for (time, column) in times.iter_mut().zip(&COLUMNS) {
        *time = time.min(nanos(&mut engine, dispatch, column));
    }
}

/// Nanoseconds a packet, the least of many runs.
fn nanos(engine: &mut Engine, dispatch: Dispatch, column: &Column) -> f64 {
    let &Column { batch, connections, likely } = column;
    let shape = engine.shape();
    let mut numbers = Numbers(99);
    let inputs: Vec<f32> = (0..24 * shape.inputs).map(|_| numbers.next() * 2.0).collect();
    // A walk through all connections in an order that no prefetcher guesses.
    let place = |i: u32| (i.wrapping_mul(2_654_435_761) >> 7) % connections;
    let slots: Vec<Slot> = (0..24 * 4_096).map(|i| Slot(place(i))).collect();
    let mut out = vec![0.0; 24 * shape.heads()];
    let parts: Vec<_> = (0..24)
        .map(|row| row * shape.heads())
        .flat_map(|row| [row..row + 16, row + 16..row + 32, row + 32..row + shape.heads()])
        .collect();
    let mut totals = [0.0; 3 * 24];
    let mut least = f64::INFINITY;
    let (mut spent, mut sum) = (0.0, 0.0);
    let packets = if dispatch == Dispatch::Plain { 24 * 8 } else { 24 * 128 };
    for run in slots.chunks_exact(packets).cycle() {
        let allocations = ALLOCATIONS.load(Ordering::Relaxed);
        let start = cpu_seconds();
        for (i, slots) in run.chunks_exact(batch).enumerate() {
            // As a sensor would: it knows the next packets' connections before it scores these.
            for &next in run.iter().skip((i + 1) * batch).take(batch) {
                engine.prefetch(next);
            }
            engine.heads_batch(slots, &mut out);
            if likely {
                let totals = &mut totals[..3 * batch];
                engine.maths().log_sum_exps(&out, &parts[..3 * batch], totals);
                sum += totals.iter().sum::<f32>();
            }
            engine.step_batch(slots, &inputs[..batch * shape.inputs], &[]);
        }
        let time = cpu_seconds() - start;
        assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), allocations, "a packet allocated");
        least = least.min(time);
        spent += time;
        if spent > BUDGET {
            break;
        }
    }
    black_box(sum);
    least / packets as f64 * 1e9
}

/// Sees that all instructions come to the same bits.
fn same_bits() {
    for cell in [Cell::Gru, Cell::Lstm] {
        for hidden in [32, 48, 64, 128, 256] {
            let shape = Shape { cell, hidden, inputs: 16, outputs: 64 };
            let network = Network::random(shape);
            let mut states = Vec::new();
            for dispatch in [Dispatch::Plain, Dispatch::Avx2, Dispatch::Avx512] {
                let Ok(mut engine) = Engine::new(&network.weights(), dispatch) else {
                    println!("SKIPPED: same bits on {dispatch:?}");
                    continue;
                };
                let mut numbers = Numbers(5);
                for _ in 0..1_000 {
                    let input: Vec<f32> = (0..16).map(|_| numbers.next() * 2.0).collect();
                    engine.step(Slot(0), &input, &[]);
                }
                let bits = engine.state(Slot(0)).iter().map(|x| x.to_bits());
                states.push(bits.collect::<Vec<_>>());
            }
            assert!(states.windows(2).all(|two| two[0] == two[1]), "{shape:?}");
        }
    }
    println!("all instructions: the same bits after 1,000 packets, GRU and LSTM of 32 to 256");
}

struct Numbers(u64);

impl Numbers {
    /// -1 to 1.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.0 >> 40) as f32) / 8_388_608.0 - 1.0
    }
}

struct Network {
    shape: Shape,
    tensors: [Vec<f32>; 6],
}

impl Network {
    fn random(shape: Shape) -> Self {
        let mut numbers = Numbers(7);
        let scale = 1.5 / (shape.hidden as f32).sqrt();
        let rows = shape.cell.gates() * shape.hidden;
        let tensors = [
            rows * shape.inputs,
            rows * shape.hidden,
            rows,
            rows,
            shape.outputs * shape.hidden,
            shape.outputs,
        ]
        .map(|n| (0..n).map(|_| numbers.next() * scale).collect());
        Self { shape, tensors }
    }

    fn weights(&self) -> Weights<'_> {
        let [weight_ih, weight_hh, bias_ih, bias_hh, head_weight, head_bias] = &self.tensors;
        let shape = self.shape;
        Weights { shape, weight_ih, weight_hh, bias_ih, bias_hh, head_weight, head_bias }
    }
}

/// CPU time of this thread: what other programs take does not count.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is one valid timespec for the whole call.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Multiply-adds in thousand millions a second, with AVX2 and with AVX-512; 0 for what is not there.
#[cfg(target_arch = "x86_64")]
fn peaks() -> [f64; 2] {
    use std::arch::x86_64::*;

    const ROUNDS: u32 = 1_000_000;

    #[target_feature(enable = "avx2,fma")]
    fn avx2() -> f32 {
        let mut sums = [_mm256_set1_ps(1.0); 12];
        let factor = _mm256_set1_ps(black_box(0.999));
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, factor);
            }
        }
        sums.iter().map(|&sum| _mm256_cvtss_f32(sum)).sum()
    }

    #[target_feature(enable = "avx512f")]
    fn avx512() -> f32 {
        let mut sums = [_mm512_set1_ps(1.0); 12];
        let factor = _mm512_set1_ps(black_box(0.999));
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, factor);
            }
        }
        sums.iter().map(|&sum| _mm512_cvtss_f32(sum)).sum()
    }

    let rate = |run: &dyn Fn() -> f32, adds: f64| {
        let seconds = (0..10)
            .map(|_| {
                let start = cpu_seconds();
                black_box(run());
                cpu_seconds() - start
            })
            .fold(f64::INFINITY, f64::min);
        adds * f64::from(ROUNDS) / seconds / 1e9
    };
    let mut peaks = [0.0; 2];
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the features were just seen.
        peaks[0] = rate(&|| unsafe { avx2() }, 12.0 * 8.0);
    }
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the feature was just seen.
        peaks[1] = rate(&|| unsafe { avx512() }, 12.0 * 16.0);
    }
    peaks
}

/// Nothing is known of other processors.
#[cfg(not(target_arch = "x86_64"))]
fn peaks() -> [f64; 2] {
    [0.0; 2]
}
