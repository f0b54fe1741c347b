//! Handles that are numbers.
//!
//! What C holds as a pointer is a slot's index and the slot's generation. It is looked up, never
//! followed, so a handle that was closed, or never opened, is told apart from a live one without
//! touching the memory it seems to point to.
//!
//! A slot's generation is even while it is free and odd while a value lives in it; a handle carries
//! the odd number it was given, and no value will have the same one again until the slot was used two
//! thousand million times more.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

#[cfg(not(target_pointer_width = "64"))]
compile_error!("a handle holds an index and a generation of 32 bits each in one pointer");

/// Up to `N` values, each behind a handle and a lock that is never waited for.
pub(super) struct Registry<T, const N: usize> {
    slots: [Slot<T>; N],
    /// Where the search for a free slot begins, so that a slot is reused as late as can be.
    next: AtomicUsize,
}

struct Slot<T> {
    generation: AtomicU32,
    value: Mutex<Option<T>>,
}

/// Why a handle gives no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Miss {
    /// Closed, or never opened.
    Stale,
    /// Another thread holds it.
    Busy,
}

/// The value behind a handle, held by this thread.
pub(super) struct Hold<'a, T> {
    slot: &'a Slot<T>,
    guard: MutexGuard<'a, Option<T>>,
}

impl<T, const N: usize> Registry<T, N> {
    pub(super) const fn new() -> Self {
        Self {
            slots: [const { Slot { generation: AtomicU32::new(0), value: Mutex::new(None) } }; N],
            next: AtomicUsize::new(0),
        }
    }

    /// Takes a value in and gives its handle, never 0; gives the value back when there is no room.
    pub(super) fn insert(&self, value: T) -> Result<usize, T> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        for index in (0..N).map(|offset| start.wrapping_add(offset) % N) {
            let slot = &self.slots[index];
            let free = slot.generation.load(Ordering::Relaxed);
            let live = free.wrapping_add(1);
            if free.is_multiple_of(2)
                && slot
                    .generation
                    .compare_exchange(free, live, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
            {
                // Nobody has this handle yet; at most a stale one is being turned away.
                *lock(&slot.value) = Some(value);
                return Ok((live as usize) << 32 | index);
            }
        }
        Err(value)
    }

    /// The value behind `handle`, unless it is gone or another thread has it.
    pub(super) fn hold(&self, handle: usize) -> Result<Hold<'_, T>, Miss> {
        let generation = (handle >> 32) as u32;
        let slot = self.slots.get(handle & 0xffff_ffff).ok_or(Miss::Stale)?;
        let is_live = || slot.generation.load(Ordering::Acquire) == generation;
        if generation.is_multiple_of(2) || !is_live() {
            return Err(Miss::Stale);
        }
        let guard = match slot.value.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(Miss::Busy),
        };
        // It may have been closed, and the slot given to another, since the first look.
        if guard.is_none() || !is_live() {
            return Err(Miss::Stale);
        }
        Ok(Hold { slot, guard })
    }
}

impl<T> Hold<'_, T> {
    /// The value.
    pub(super) fn get(&mut self) -> Option<&mut T> {
        self.guard.as_mut()
    }

    /// Takes the value out; its handle is stale from here on.
    pub(super) fn remove(mut self) -> Option<T> {
        let value = self.guard.take();
        drop(self.guard);
        self.slot.generation.fetch_add(1, Ordering::Release);
        value
    }
}

/// A poisoned lock still guards an intact `Option`: nothing that can panic runs while it is written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_value_leaves_a_handle_that_is_seen_as_stale_even_when_its_slot_is_reused() {
        let registry = Registry::<&str, 1>::new();
        let first = registry.insert("first").unwrap();
        assert_eq!(registry.hold(first).unwrap().remove(), Some("first"));
        assert_eq!(registry.hold(first).err(), Some(Miss::Stale));
        let second = registry.insert("second").unwrap();
        assert_ne!(first, second);
        assert_eq!(registry.hold(first).err(), Some(Miss::Stale));
        assert_eq!(registry.hold(second).unwrap().get(), Some(&mut "second"));
    }

    #[test]
    fn invented_handles_are_stale() {
        let registry = Registry::<u8, 4>::new();
        let handle = registry.insert(1).unwrap();
        for invented in
            [0, 1, 4, usize::MAX, handle + 1, handle ^ 1 << 32, handle ^ 1 << 33, 0x7fff_1234_5678]
        {
            assert_eq!(registry.hold(invented).err(), Some(Miss::Stale), "{invented:#x}");
        }
    }

    #[test]
    fn a_held_value_is_busy_for_everybody_else() {
        let registry = Registry::<u8, 4>::new();
        let handle = registry.insert(1).unwrap();
        let held = registry.hold(handle).unwrap();
        assert_eq!(registry.hold(handle).err(), Some(Miss::Busy));
        drop(held);
        assert!(registry.hold(handle).is_ok());
    }

    #[test]
    fn a_full_registry_gives_the_value_back() {
        let registry = Registry::<u8, 2>::new();
        registry.insert(1).unwrap();
        let second = registry.insert(2).unwrap();
        assert_eq!(registry.insert(3), Err(3));
        registry.hold(second).unwrap().remove();
        assert!(registry.insert(4).is_ok());
    }

    #[test]
    fn threads_that_open_and_close_at_once_never_share_a_value() {
        static REGISTRY: Registry<usize, 8> = Registry::new();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for _ in 0..if cfg!(miri) { 20 } else { 2_000 } {
                        let handle = REGISTRY.insert(thread).unwrap();
                        assert_eq!(REGISTRY.hold(handle).unwrap().get(), Some(&mut { thread }));
                        assert_eq!(REGISTRY.hold(handle).unwrap().remove(), Some(thread));
                        assert!(REGISTRY.hold(handle).is_err());
                    }
                });
            }
        });
    }
}
