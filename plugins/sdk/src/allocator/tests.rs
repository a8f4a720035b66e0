use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;

use super::{Allocator, CLASSES, Heap, STEPS, UNIT, class};

/// An allocator over memory of this many bytes.
fn over(bytes: usize) -> Allocator {
    let memory: &mut [u128] = Box::leak(vec![0; bytes / UNIT].into_boxed_slice());
    let top = memory.as_mut_ptr().expose_provenance();
    Allocator(UnsafeCell::new(Heap { top, end: top + bytes, free: [0; CLASSES] }))
}

fn bytes(size: usize) -> Layout {
    Layout::from_size_align(size, 1).unwrap()
}

#[test]
fn a_class_holds_its_sizes_and_little_more() {
    let mut last = (0, UNIT);
    for size in 1..100_000 {
        let (number, block) = class(size);
        assert!(block >= size && block % UNIT == 0, "{size}: {block}");
        assert!(block <= (size + size / STEPS).next_multiple_of(UNIT), "{size}: {block}");
        assert!((number, block) == last || number == last.0 + 1 && block > last.1, "{size}: {number} behind {last:?}");
        last = (number, block);
    }
    assert_eq!(class(0), (0, UNIT));
    assert!(class(u32::MAX as usize).0 < CLASSES);
}

#[test]
#[expect(unsafe_code, reason = "what a global allocator is asked with")]
fn nothing_is_given_to_two() {
    let allocator = over(8 << 20);
    let mut held: Vec<(*mut u8, usize, u8)> = Vec::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for step in 0..20_000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let size = 1 + (random >> 8) as usize % if step % 50 == 0 { 20_000 } else { 200 };
        let mark = step as u8;
        // SAFETY: each block is used within its size, and freed with it, once.
        unsafe {
            match random % 4 {
                0 | 1 => held.push((allocator.alloc(bytes(size)), size, mark)),
                2 if !held.is_empty() => {
                    let (block, old, mark) = held.swap_remove(random as usize / 4 % held.len());
                    let kept = std::slice::from_raw_parts(block, old);
                    assert!(kept.iter().all(|byte| *byte == mark), "another wrote into it");
                    allocator.dealloc(block, bytes(old));
                    continue;
                }
                3 if !held.is_empty() => {
                    let (block, old, before) = held.swap_remove(random as usize / 4 % held.len());
                    let moved = allocator.realloc(block, bytes(old), size);
                    let kept = std::slice::from_raw_parts(moved, old.min(size));
                    assert!(kept.iter().all(|byte| *byte == before), "it was not taken along");
                    held.push((moved, size, mark));
                }
                _ => continue,
            }
            let (block, size, mark) = held[held.len() - 1];
            assert!(!block.is_null() && block.addr() % UNIT == 0);
            block.write_bytes(mark, size);
        }
    }
}

#[test]
#[expect(unsafe_code, reason = "what a global allocator is asked with")]
fn what_is_free_is_used_again_and_the_last_is_stretched() {
    let allocator = over(1 << 10);
    // SAFETY: each block is freed with its size, once.
    unsafe {
        let first = allocator.alloc(bytes(40));
        assert_eq!(allocator.realloc(first, bytes(40), 48), first, "it fits as it is");
        assert_eq!(allocator.realloc(first, bytes(48), 400), first, "nothing stands behind it");
        let second = allocator.alloc(bytes(100));
        let moved = allocator.realloc(first, bytes(400), 500);
        assert!(moved.is_null(), "there is no such place, and the first stays");
        allocator.dealloc(first, bytes(400));
        assert_eq!(allocator.alloc(bytes(390)), first);
        assert_ne!(allocator.alloc(bytes(100)), second);
        assert!(allocator.alloc(bytes(1 << 10)).is_null());
        let aligned = allocator.alloc(Layout::from_size_align(8, 128).unwrap());
        assert!(!aligned.is_null() && aligned.addr().is_multiple_of(128));
    }
}
