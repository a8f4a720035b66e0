//! The one binary.

use std::ffi::{c_int, c_long};

/// The book is walked in many short-lived pieces; the system's allocator keeps too much of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 2: how many milliseconds freed memory is kept before the system has it back.
const PURGE_DELAY: c_int = 15;

#[expect(unsafe_code, reason = "mimalloc's options have no safe interface")]
fn main() -> std::process::ExitCode {
    unsafe extern "C" {
        fn mi_option_set_default(option: c_int, value: c_long);
    }
    // At once: a first walk of 100,000 clients peaks a sixth lower for it and takes more system time, which `cargo xtask
    // bench` shows beside `MIMALLOC_PURGE_DELAY=10 cargo xtask bench`. It is the default, so that the environment outranks it.
    // SAFETY: sets a number in the allocator's own table of options, and nothing where there is no option of that number.
    unsafe { mi_option_set_default(PURGE_DELAY, 0) };
    tidegate::cli::main()
}
