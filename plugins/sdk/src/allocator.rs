//! A component's allocator: memory is cut off what was never used, and what is free again is kept by its size.
//!
//! A component lives for a batch and runs on one thread, so that nothing is ever given back or joined together. Finding
//! memory and freeing it are a few instructions each, of which a client takes some sixty.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr;

/// What every size and address is a multiple of, bytes.
const UNIT: usize = 16;
/// Sizes that are told apart by every unit, and by how many steps to each doubling beyond that.
const SMALL: usize = 8;
const STEPS: usize = 4;
/// Classes of sizes: up to the whole of a memory of 32 bits.
const CLASSES: usize = SMALL + STEPS * 26;
/// The memory that is asked for at a time, bytes, so that it is not asked for often.
#[cfg(target_arch = "wasm32")]
const GROWTH: usize = 1 << 20;

/// The allocator of a component; `export!` makes it the global one.
pub struct Allocator(UnsafeCell<Heap>);

/// The memory, by addresses.
struct Heap {
    /// The first byte that was never used.
    top: usize,
    /// The first byte behind what there is.
    end: usize,
    /// The free blocks by class: each holds the address of the next, and the last zero.
    free: [usize; CLASSES],
}

// SAFETY: a component has one thread.
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "a global allocator is shared by all threads, of which there is one")]
unsafe impl Sync for Allocator {}

impl Allocator {
    /// Nothing is allocated yet.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it is the value of a constant")]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(Heap { top: 0, end: 0, free: [0; CLASSES] }))
    }
}

/// The class of a size and the size of its blocks.
#[inline]
fn class(size: usize) -> (usize, usize) {
    let units = size.div_ceil(UNIT).max(1);
    if units <= SMALL {
        return (units - 1, units * UNIT);
    }
    // The power of two below: `SMALL` at least.
    let below = (units - 1).ilog2() as usize;
    let step = 1 << (below - STEPS.ilog2() as usize);
    let steps = (units - (1 << below)).div_ceil(step);
    let class = SMALL + (below - SMALL.ilog2() as usize) * STEPS + steps - 1;
    (class, ((1 << below) + steps * step) * UNIT)
}

impl Heap {
    #[inline]
    fn allocate(&mut self, size: usize) -> usize {
        let (class, block) = class(size);
        let free = self.free[class];
        if free == 0 {
            return self.cut(block);
        }
        #[expect(unsafe_code, reason = "an allocator reads the memory that it keeps")]
        // SAFETY: `free` is a block that `release` was given: nobody else uses it, and it holds an address.
        let next = unsafe { *ptr::with_exposed_provenance::<usize>(free) };
        self.free[class] = next;
        free
    }

    #[inline]
    fn release(&mut self, block: usize, size: usize) {
        let (class, _) = class(size);
        #[expect(unsafe_code, reason = "an allocator writes into the memory that it keeps")]
        // SAFETY: the block is nobody's any more, of a unit at least, and its address a multiple of the unit.
        unsafe {
            *ptr::with_exposed_provenance_mut::<usize>(block) = self.free[class];
        }
        self.free[class] = block;
    }

    /// Cuts a block off what was never used. Zero where there is no more.
    fn cut(&mut self, block: usize) -> usize {
        if self.end - self.top < block && !self.grow(block) {
            return 0;
        }
        let cut = self.top;
        self.top += block;
        cut
    }

    /// Whether a block that holds `old` bytes holds `new` bytes too, or can be made to.
    fn stretch(&mut self, block: usize, old: usize, new: usize) -> bool {
        let ((_, held), (_, wanted)) = (class(old), class(new));
        if wanted == held {
            return true;
        }
        let is_last = block + held == self.top;
        if is_last && wanted > held && self.end - self.top >= wanted - held {
            self.top += wanted - held;
            return true;
        }
        false
    }

    /// Asks for memory in which `block` bytes fit behind what is used.
    #[cfg(target_arch = "wasm32")]
    #[cold]
    fn grow(&mut self, block: usize) -> bool {
        use core::arch::wasm32::{memory_grow, memory_size};
        const PAGE: usize = 64 << 10;
        if self.end == 0 {
            #[expect(unsafe_code, reason = "the linker says where its own data end")]
            unsafe extern "C" {
                static __heap_base: u8;
            }
            self.top = (&raw const __heap_base).addr().next_multiple_of(UNIT);
            self.end = memory_size(0) * PAGE;
            if self.end - self.top >= block {
                return true;
            }
        }
        let missing = block - (self.end - self.top);
        let asked = |bytes: usize| memory_grow(0, bytes.div_ceil(PAGE)) != usize::MAX;
        let is_grown = asked(missing.max(GROWTH)) || asked(missing);
        self.end = memory_size(0) * PAGE;
        is_grown
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn grow(&mut self, _block: usize) -> bool {
        false
    }
}

#[expect(unsafe_code, reason = "what a global allocator is")]
// SAFETY: blocks do not overlap, are as large as their class says, which is no less than what was asked for, and their
// addresses are multiples of the unit, or of the alignment that was asked for.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: there is one thread, and nothing here calls anybody.
        let heap = unsafe { &mut *self.0.get() };
        if layout.align() <= UNIT {
            return ptr::with_exposed_provenance_mut(heap.allocate(layout.size()));
        }
        // Nothing of a mapping asks for such an alignment.
        match heap.cut((layout.size() + layout.align()).next_multiple_of(UNIT)) {
            0 => ptr::null_mut(),
            cut => ptr::with_exposed_provenance_mut(cut.next_multiple_of(layout.align())),
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        let heap = unsafe { &mut *self.0.get() };
        if layout.align() <= UNIT {
            heap.release(block.expose_provenance(), layout.size());
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        let heap = unsafe { &mut *self.0.get() };
        if layout.align() <= UNIT && heap.stretch(block.expose_provenance(), layout.size(), size) {
            return block;
        }
        // SAFETY: the caller's: `size` fits the alignment and is no zero.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests;
