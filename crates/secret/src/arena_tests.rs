#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;

/// Small, so that all tests together stay far under what an ordinary user may lock.
const FIRST: usize = 4 * PAGE;

/// An arena of its own, so that a test can fill it; it lives as long as the process.
fn arena(limit: usize) -> &'static Mutex<Arena> {
    Box::leak(Box::new(Mutex::new(Arena::new(FIRST, Some(limit)))))
}

fn slot(home: &'static Mutex<Arena>, len: usize) -> Slot {
    Slot::take_from(home, len).unwrap_or_else(|Full| panic!("the arena is full"))
}

/// Every byte of the arena, taken or free.
fn is_all_zero(home: &'static Mutex<Arena>) -> bool {
    lock(home).regions.iter().all(|region| {
        // SAFETY: the region is mapped, and the test holds no slot while it looks.
        let bytes = unsafe { std::slice::from_raw_parts(region.base.as_ptr(), region.len) };
        bytes.iter().all(|byte| *byte == 0)
    })
}

fn is_whole(home: &'static Mutex<Arena>) -> bool {
    lock(home)
        .regions
        .iter()
        .all(|region| region.free == BTreeMap::from([(0, region.len)]))
}

#[test]
fn a_dropped_slot_is_wiped_in_the_arena() {
    let home = arena(FIRST);
    let mut held = slot(home, 100);
    held.bytes_mut().fill(0xA5);
    assert!(held.bytes().iter().all(|byte| *byte == 0xA5));
    assert!(!is_all_zero(home));
    drop(held);
    assert!(is_all_zero(home));
    assert!(is_whole(home));
}

#[test]
fn what_is_cut_off_is_wiped_and_given_back() {
    let home = arena(FIRST);
    let mut held = slot(home, 65_536);
    held.bytes_mut().fill(0xA5);
    held.shorten(20);
    assert_eq!(held.bytes(), [0xA5; 20]);
    assert_eq!(held.room, 32);
    let next = slot(home, 16);
    assert_eq!(
        next.start.as_ptr() as usize,
        held.start.as_ptr() as usize + 32
    );
    assert_eq!(next.bytes(), [0; 16]);
    drop((held, next));
    assert!(is_all_zero(home));
    assert!(is_whole(home));
}

#[test]
fn a_slot_is_wiped_when_its_holder_panics() {
    let home = arena(FIRST);
    let end = std::panic::catch_unwind(|| {
        let mut held = slot(home, 100);
        held.bytes_mut().fill(0xA5);
        std::panic::resume_unwind(Box::new(()));
    });
    assert!(end.is_err());
    assert!(is_all_zero(home));
}

#[test]
fn full_is_a_refusal_and_ends_when_room_comes_back() {
    let home = arena(FIRST);
    let mut held: Vec<Slot> = Vec::new();
    while let Ok(next) = Slot::take_from(home, 65_536) {
        held.push(next);
    }
    assert_eq!(held.len(), FIRST / 65_536);
    assert!(Slot::take_from(home, 1).is_err());
    held.pop();
    assert!(Slot::take_from(home, 65_536).is_ok());
}

#[test]
fn it_grows_by_doubling_up_to_the_limit() {
    let home = arena(3 * FIRST);
    let mut held: Vec<Slot> = Vec::new();
    while let Ok(next) = Slot::take_from(home, 65_536) {
        held.push(next);
    }
    let sizes: Vec<usize> = lock(home).regions.iter().map(|r| r.len).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 3 * FIRST);
    assert_eq!(sizes[..2], [FIRST, FIRST]);
    assert_eq!(held.len(), 3 * FIRST / 65_536);
}

#[test]
fn threads_take_and_give_without_meeting() {
    let home = arena(FIRST);
    std::thread::scope(|scope| {
        for mark in 1..=8_u8 {
            scope.spawn(move || {
                for round in 1..400_usize {
                    let mut held = slot(home, round * 7 % 5000 + 1);
                    assert!(held.bytes().iter().all(|byte| *byte == 0));
                    held.bytes_mut().fill(mark);
                    let mut other = slot(home, round);
                    other.bytes_mut().fill(mark);
                    held.shorten(round / 2 + 1);
                    assert!(held.bytes().iter().all(|byte| *byte == mark));
                    assert!(other.bytes().iter().all(|byte| *byte == mark));
                }
            });
        }
    });
    assert!(is_all_zero(home));
    assert!(is_whole(home));
}

#[test]
fn the_kind_is_known_once_used_and_secret_memory_cannot_be_read_by_a_debugger() {
    let mut held = slot(&ARENA, 32);
    held.bytes_mut().fill(0xA5);
    let kind = memory().unwrap();
    let mut copy = [0_u8; 32];
    let here = libc::iovec {
        iov_base: copy.as_mut_ptr().cast(),
        iov_len: 32,
    };
    let there = libc::iovec {
        iov_base: held.start.as_ptr().cast(),
        iov_len: 32,
    };
    // SAFETY: both vectors describe 32 bytes of this process.
    let read = unsafe {
        libc::process_vm_readv(libc::getpid(), &raw const here, 1, &raw const there, 1, 0)
    };
    match kind {
        Memory::MemfdSecret => assert!(read < 0 && copy == [0; 32]),
        Memory::LockedPages => assert!(copy == [0; 32] || read == 32),
    }
}

#[test]
fn a_forked_child_has_no_values() {
    let held = slot(&ARENA, 32);
    // SAFETY: the child makes one read of the slot's address and leaves.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: volatile so that it happens; it is meant to fault.
        unsafe {
            std::ptr::read_volatile(held.start.as_ptr());
            libc::_exit(0);
        }
    }
    let mut status = 0;
    // SAFETY: our own child, a valid pointer.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(libc::WIFSIGNALED(status));
    assert_eq!(libc::WTERMSIG(status), libc::SIGSEGV);
}

#[test]
fn locked_pages_serve_where_secret_memory_is_missing() {
    let base = pages::map_locked(PAGE).unwrap();
    // SAFETY: a mapping of ours of this length.
    unsafe {
        base.as_ptr().write(7);
        assert_eq!(base.as_ptr().read(), 7);
        libc::munmap(base.as_ptr().cast(), PAGE);
    }
}
