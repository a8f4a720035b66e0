//! Limits of what a component may use, in one place. Everything is bounded: memory, time, stack, what it hands over,
//! what it says.
//!
//! Time is the CPU time of the guest's thread (`clock`), so that a busy machine costs nobody a record.

use std::time::Duration;

use wasmtime::{StoreLimits, StoreLimitsBuilder};

/// Components that run at the same time, in the whole process.
pub(super) const INSTANCES: u32 = 4;

/// Linear memory of one instance, bytes.
pub(super) const MEMORY: usize = 64 << 20;

/// Linear memory that a slot keeps between instances, bytes: what most batches touch, so that they cause no page
/// faults, which take a twentieth of the time of a client. Beyond that the memory goes back to the system.
pub(super) const MEMORY_KEPT: usize = 4 << 20;

/// Core instances of one component: the module, and the few shims that componentising adds.
pub(super) const CORE_INSTANCES: u32 = 8;

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

/// Files of a pack's folder `events`: the types of events that there are.
pub(super) const EVENT_TYPES: usize = 64;

/// One of them, bytes.
pub(super) const EVENT_FILE: u64 = 64 << 10;

/// The packs that lie one on another: a pack, its base, and the base's base.
pub(super) const LAYERS: usize = 4;

/// Any other file of a pack, bytes.
pub(super) const TEXT_FILE: u64 = 1 << 20;

/// All files of a pack's folder: their number, and their bytes. The shipped packs have sixty files in 3 MB.
pub(super) const FILES: usize = 1000;
/// See [`FILES`].
pub(super) const ALL_FILES: u64 = 32 << 20;

/// All files of a pack's folder `documents`, bytes.
pub(super) const TEMPLATES: usize = 4 << 20;

/// Limits that the store enforces on its own.
pub(super) fn store_limits() -> StoreLimits {
    StoreLimitsBuilder::new()
        .memory_size(MEMORY)
        .memories(1)
        .tables(TABLES as usize)
        .table_elements(TABLE_ELEMENTS)
        .instances(CORE_INSTANCES as usize)
        .build()
}
