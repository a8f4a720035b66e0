//! The engine: one a process, with its pool of instances and the clock that interrupts guests.
//!
//! Serves `load` (compiling) and `instance` (running). Switched off is whatever the contract does not need: fewer
//! features, fewer ways out of the sandbox.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::PackError;
use super::bindings::Mapping;
use super::limits;
use super::log::Lines;
use super::state::State;

/// The engine and what every component is linked with.
pub(super) struct Sandbox {
    pub(super) engine: Engine,
    pub(super) linker: Linker<State>,
    /// The lines that plugins wrote.
    pub(super) lines: Lines,
    /// Whether it counts instructions.
    pub(super) counts: bool,
    seats: Seats,
}

impl Sandbox {
    /// Starts the engine and its clock.
    pub(super) fn new() -> Result<Arc<Self>, PackError> {
        Self::start(&config(), false)
    }

    /// Starts an engine that counts instructions, which makes it slower, and its clock.
    pub(super) fn counting() -> Result<Arc<Self>, PackError> {
        let mut config = config();
        config.consume_fuel(true);
        Self::start(&config, true)
    }

    fn start(config: &Config, counts: bool) -> Result<Arc<Self>, PackError> {
        let engine = Engine::new(config).map_err(unusable)?;
        let mut linker = Linker::new(&engine);
        Mapping::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(unusable)?;
        start_clock(&engine)?;
        let (lines, seats) = (Lines::default(), Seats::new(limits::INSTANCES));
        Ok(Arc::new(Self { engine, linker, lines, counts, seats }))
    }

    /// Waits for a place in the pool of instances. The pool itself never waits: it would refuse.
    pub(super) fn take_seat(&self) -> Seat<'_> {
        self.seats.take()
    }
}

/// An engine alone: enough to compile.
pub(super) fn new() -> wasmtime::Result<Engine> {
    Engine::new(&config())
}

fn unusable(error: wasmtime::Error) -> PackError {
    let message = format!("the WebAssembly engine cannot be started on this machine: {error:#}");
    PackError::NoMachine(message, error.into())
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits::INSTANCES)
        .total_core_instances(limits::INSTANCES * limits::CORE_INSTANCES)
        .total_memories(limits::INSTANCES * limits::MEMORIES)
        .total_tables(limits::INSTANCES * limits::TABLES)
        .total_gc_heaps(limits::INSTANCES)
        .max_core_instances_per_component(limits::CORE_INSTANCES)
        .max_memories_per_component(limits::MEMORIES)
        .max_tables_per_component(limits::TABLES)
        .max_tables_per_module(limits::TABLES)
        .table_elements(limits::TABLE_ELEMENTS)
        .max_memory_size(limits::MEMORY)
        .linear_memory_keep_resident(limits::MEMORY_KEPT)
        // Where the kernel tells which pages were written, those alone are cleared.
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(limits::INSTANCES);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .max_wasm_stack(limits::STACK)
        .memory_may_move(false)
        .memory_init_cow(true)
        .signals_based_traps(true)
        // The same record gives the same answer on every machine, also where floats are nonsense.
        .cranelift_nan_canonicalization(true)
        // What only stack traces need: they name code addresses, which help nobody here, and make the code larger.
        .wasm_backtrace_max_frames(None)
        .native_unwind_info(false)
        .generate_address_map(false)
        .concurrency_support(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_exceptions(false)
        .wasm_memory64(false)
        // What lies between the parts of a component that is made of several copies from one memory into the other.
        .wasm_multi_memory(true)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .shared_memory(false);
    config
}

/// The clock is a thread of its own, so that it ticks whatever the other threads do. It ends with the engine.
fn start_clock(engine: &Engine) -> Result<(), PackError> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(limits::TICK);
        }
    };
    let spawned = thread::Builder::new().name("plugin-clock".to_owned()).spawn(tick);
    spawned.map_err(PackError::io("no thread can be started for the plugins' clock"))?;
    Ok(())
}

/// Places in the pool of instances.
struct Seats {
    free: Mutex<u32>,
    freed: Condvar,
}

impl Seats {
    fn new(free: u32) -> Self {
        Self { free: Mutex::new(free), freed: Condvar::new() }
    }

    fn take(&self) -> Seat<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Seat(self)
    }
}

/// A place in the pool of instances, free again when it is dropped. Outlives the store it was taken for.
pub(super) struct Seat<'a>(&'a Seats);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_seat_is_waited_for() {
        let seats = Seats::new(1);
        let taken = seats.take();
        let (report, reports) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let seat = seats.take();
                report.send("seated").unwrap();
                drop(seat);
            });
            assert!(reports.recv_timeout(Duration::from_millis(50)).is_err(), "there was one seat, and it was taken");
            drop(taken);
            assert_eq!(reports.recv_timeout(Duration::from_secs(5)).unwrap(), "seated");
        });
    }
}
