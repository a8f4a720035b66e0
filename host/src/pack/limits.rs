//! Limits of what a component may use, in one place. Everything is bounded: memory, time, stack, what it hands over,
//! what it says.
//!
//! Time is the CPU time of the guest's thread (`clock`), so that a busy machine costs nobody a record.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Components that run at the same time, in the whole process.
pub(super) const INSTANCES: u32 = 4;

/// Linear memory of one instance, bytes, all its memories together.
pub(super) const MEMORY: usize = 64 << 20;

/// Memories of one component: the plugin's, and the empty ones of the stubs that stand for the system where an engine for JavaScript
/// asks for one.
pub(super) const MEMORIES: u32 = 4;

/// Linear memory that a slot keeps between instances, bytes: what most batches touch, so that they cause no page
/// faults, which take a twentieth of the time of a client. Beyond that the memory goes back to the system.
pub(super) const MEMORY_KEPT: usize = 4 << 20;

/// Core instances of one component: the module, and the shims that componentising adds; an engine for JavaScript is made of
/// several modules.
pub(super) const CORE_INSTANCES: u32 = 16;

/// Tables of one component, and elements of one table.
pub(super) const TABLES: u32 = 4;
/// See [`TABLES`].
pub(super) const TABLE_ELEMENTS: usize = 10_000;

/// The guest's call stack, bytes. The threads that call guests have 2 MiB.
pub(super) const STACK: usize = 512 << 10;

/// The bytes that a guest may hand to the host in one call.
pub(super) const HANDED_OVER: usize = 16 << 20;

/// Host functions that a guest may call in one call, beside [`HOST_CALLS_A_RECORD`].
pub(super) const HOST_CALLS: u32 = 1_000;

/// Host functions that a guest may call for each record of a batch.
pub(super) const HOST_CALLS_A_RECORD: u32 = 50;

/// Log lines of one call, and the length of one line in bytes.
pub(super) const LOG_LINES: u32 = 50;
/// See [`LOG_LINES`].
pub(super) const LOG_LINE: usize = 512;
/// Lines that are kept for people, of all plugins together: the newest.
pub(super) const LOG_LINES_KEPT: usize = 200;

/// Fuel of an engine that counts it: more than the time of any call allows.
pub(super) const FUEL: u64 = u64::MAX >> 1;

/// The interval at which the clock ticks that interrupts guests.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// The time for a call that is not a batch: describing, configuring, explaining, rendering.
pub(super) const CALL_TIME: Duration = Duration::from_secs(2);

/// The time for a batch of `records`: a batch of 500 takes less than 10 ms where all is well.
pub(super) fn batch_time(records: usize) -> Duration {
    Duration::from_millis(500) + Duration::from_millis(5) * u32::try_from(records).unwrap_or(u32::MAX)
}

/// The CPU time for finding the guilty records of one batch; what has not been tried by then is rejected untried.
pub(super) const BISECT_TIME: Duration = Duration::from_secs(30);

/// The component's file, bytes.
pub(super) const COMPONENT: u64 = 8 << 20;

/// The code of one function and of all functions of a component, bytes. The compiler's time and memory grow with
/// them.
pub(super) const FUNCTION_CODE: usize = 256 << 10;
/// See [`FUNCTION_CODE`].
pub(super) const CODE: usize = 4 << 20;

/// The CPU time for compiling a component; one of a megabyte takes about a second.
pub(super) const COMPILE_TIME: Duration = Duration::from_secs(60);

/// See [`COMPILE_TIME`]: by the clock, for a machine that is very busy and a compiler that waits for ever.
pub(super) const COMPILE_PATIENCE: Duration = Duration::from_secs(600);

/// See [`COMPILE_TIME`]: resident, bytes. The shipped plugins take a sixth of it.
pub(super) const COMPILE_MEMORY: u64 = 512 << 20;

/// Compiled components that are kept on disk: those of the newest packs.
pub(super) const COMPILED_KEPT: usize = 16;

/// The folders below a pack's own, one in another.
pub(super) const PACK_DEPTH: usize = 4;

/// The packs that lie one on another: a pack, its base, and the base's base.
pub(super) const LAYERS: usize = 4;

/// Files of a pack's folder `events`: the types of events that there are.
pub(super) const EVENT_TYPES: usize = 64;

/// One of them, bytes.
pub(super) const EVENT_FILE: u64 = 64 << 10;

/// Any other file of a pack, bytes.
pub(super) const TEXT_FILE: u64 = 1 << 20;

/// All files of a pack's folder: their number, and their bytes. The shipped packs have sixty files in 3 MB.
pub(super) const FILES: usize = 1000;
/// See [`FILES`].
pub(super) const ALL_FILES: u64 = 32 << 20;

/// All files of a pack's folder `documents`, bytes.
pub(super) const TEMPLATES: usize = 4 << 20;

/// What one instance has taken of its memory and tables, and the end of it.
#[derive(Debug, Default)]
pub(super) struct Growth {
    /// The bytes of all memories together. They never shrink.
    pub(super) memory: usize,
}

impl ResourceLimiter for Growth {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let together = self.memory.saturating_sub(current).saturating_add(desired);
        let is_within = together <= MEMORY;
        if is_within {
            self.memory = together;
        }
        Ok(is_within)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_of_an_instance_end_together() {
        let mut growth = Growth::default();
        let mut grow = |from: usize, to: usize| growth.memory_growing(from << 20, to << 20, None).unwrap();
        assert!(grow(0, 40) && grow(0, 20), "one memory and another");
        assert!(!grow(20, 25), "65 MB together");
        assert!(grow(20, 24), "64 MB together");
        assert!(!grow(40, 41));
        assert_eq!(growth.memory, MEMORY);
    }
}
