//! The contract's types and calls, generated from `wit/v1`. Nothing here is written by hand.
//!
//! Only `convert` and what calls the guest (`instance`, `phone`, `log`) see these types.
#![allow(missing_docs, clippy::all, unused_qualifications, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "../wit/v1",
    world: "mapping",
    ownership: Borrowing { duplicate_if_necessary: false },
    imports: { default: trappable },
});

/// The contract's version that this host speaks, as it stands behind the interfaces' names.
pub const VERSION: (u32, u32, u32) = (1, 0, 0);
