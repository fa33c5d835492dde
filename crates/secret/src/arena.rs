//! The memory that values live in: one arena a process, in regions that double up to the limit.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroize;

use crate::pages;

/// Bytes of the first region; each further one doubles what there is.
const FIRST_REGION: usize = 1024 * 1024;
/// Bytes the arena may reach where the system sets no end, or a later one.
const MOST: usize = 256 * 1024 * 1024;
/// Slots begin and end at multiples of this many bytes.
const GRAIN: usize = 16;
/// Regions begin and end at multiples of this many bytes (the largest page in use).
const PAGE: usize = 64 * 1024;

static ARENA: Mutex<Arena> = Mutex::new(Arena::new(FIRST_REGION, None));

/// The arena has no room: the caller refuses. Values never move to the heap instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// Which kind of memory holds the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// `memfd_secret`: unmapped from the kernel, unreadable even by root's debugger.
    MemfdSecret,
    /// Locked pages, kept out of swap, core files and children.
    LockedPages,
}

/// The weakest kind of memory the arena uses; `None` before its first value.
#[must_use]
pub fn memory() -> Option<Memory> {
    let arena = lock(&ARENA);
    let mut kinds = arena.regions.iter().map(|region| region.kind);
    let first = kinds.next()?;
    Some(kinds.fold(first, |weakest, kind| {
        if kind == Memory::LockedPages {
            kind
        } else {
            weakest
        }
    }))
}

/// A piece of the arena; wiped and given back when dropped.
pub(crate) struct Slot {
    home: &'static Mutex<Arena>,
    start: NonNull<u8>,
    /// Bytes of the arena it occupies, a multiple of the grain.
    room: usize,
    len: usize,
}

// SAFETY: a slot is the only owner of its bytes, as a Box is of its.
unsafe impl Send for Slot {}
// SAFETY: shared access only reads.
unsafe impl Sync for Slot {}

impl Slot {
    /// A slot of `len` zero bytes.
    pub(crate) fn take(len: usize) -> Result<Self, Full> {
        Self::take_from(&ARENA, len)
    }

    fn take_from(home: &'static Mutex<Arena>, len: usize) -> Result<Self, Full> {
        let room = grains(len)?;
        let start = lock(home).take(room)?;
        Ok(Self {
            home,
            start,
            room,
            len,
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the region stays mapped while its arena lives (for ever), `len <= room`, and
        // nothing else has these bytes.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and `&mut self` makes it the only borrow.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    /// Keeps the first `len` bytes; wipes the rest and gives it back.
    pub(crate) fn shorten(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        self.bytes_mut()[len..].zeroize();
        self.len = len;
        let Ok(kept) = grains(len) else { return };
        if kept < self.room {
            // SAFETY: `kept < room`, so the pointer stays inside the slot.
            let tail = unsafe { self.start.add(kept) };
            lock(self.home).give(tail, self.room - kept);
            self.room = kept;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.bytes_mut().zeroize();
        lock(self.home).give(self.start, self.room);
    }
}

/// Regions and what is free in them. What is free is all zero.
pub(crate) struct Arena {
    regions: Vec<Region>,
    /// Bytes of its first region.
    first: usize,
    /// Bytes it may reach; `None`: what the process may lock.
    limit: Option<usize>,
}

impl Arena {
    const fn new(first: usize, limit: Option<usize>) -> Self {
        Self {
            regions: Vec::new(),
            first,
            limit,
        }
    }

    fn take(&mut self, room: usize) -> Result<NonNull<u8>, Full> {
        if let Some(start) = self.regions.iter_mut().find_map(|r| r.take(room)) {
            return Ok(start);
        }
        self.grow(room)?;
        self.regions
            .last_mut()
            .and_then(|r| r.take(room))
            .ok_or(Full)
    }

    /// Doubles the arena; when the limit is nearer than that, takes half as much until it fits.
    fn grow(&mut self, room: usize) -> Result<(), Full> {
        let held: usize = self.regions.iter().map(|region| region.len).sum();
        let limit = self.limit.unwrap_or_else(|| pages::lockable().min(MOST));
        let least = room.checked_next_multiple_of(PAGE).ok_or(Full)?;
        let mut size = held.max(self.first).max(least);
        loop {
            if size <= limit.saturating_sub(held)
                && let Some(region) = Region::map(size)
            {
                self.regions.push(region);
                return Ok(());
            }
            if size == least {
                return Err(Full);
            }
            size = (size / 2 / PAGE * PAGE).max(least);
        }
    }

    fn give(&mut self, start: NonNull<u8>, room: usize) {
        if let Some(region) = self.regions.iter_mut().find(|region| region.holds(start)) {
            region.give(start, room);
        }
    }
}

struct Region {
    base: NonNull<u8>,
    len: usize,
    kind: Memory,
    /// Free runs: offset and length; no two of them touch.
    free: BTreeMap<usize, usize>,
}

// SAFETY: a region is reached only under the arena's lock.
unsafe impl Send for Region {}

impl Region {
    fn map(len: usize) -> Option<Self> {
        let (base, kind) = pages::map(len)?;
        Some(Self {
            base,
            len,
            kind,
            free: BTreeMap::from([(0, len)]),
        })
    }

    fn take(&mut self, room: usize) -> Option<NonNull<u8>> {
        let (&offset, &len) = self.free.iter().find(|(_, len)| **len >= room)?;
        self.free.remove(&offset);
        if len > room {
            self.free.insert(offset + room, len - room);
        }
        // SAFETY: a free run lies inside the region.
        Some(unsafe { self.base.add(offset) })
    }

    fn holds(&self, start: NonNull<u8>) -> bool {
        let base = self.base.as_ptr() as usize;
        (base..base + self.len).contains(&(start.as_ptr() as usize))
    }

    fn give(&mut self, start: NonNull<u8>, room: usize) {
        let mut offset = start.as_ptr() as usize - self.base.as_ptr() as usize;
        let mut len = room;
        if let Some(after) = self.free.remove(&(offset + len)) {
            len += after;
        }
        if let Some((&before, &run)) = self.free.range(..offset).next_back()
            && before + run == offset
        {
            self.free.remove(&before);
            offset = before;
            len += run;
        }
        self.free.insert(offset, len);
    }
}

fn grains(len: usize) -> Result<usize, Full> {
    len.max(1).checked_next_multiple_of(GRAIN).ok_or(Full)
}

/// The lists are changed in steps that do not panic, so a poisoned lock guards whole ones.
fn lock(arena: &Mutex<Arena>) -> MutexGuard<'_, Arena> {
    arena.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, target_os = "linux"))]
#[path = "arena_tests.rs"]
mod tests;
