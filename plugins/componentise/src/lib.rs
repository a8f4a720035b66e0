//! From a plugin's crate to the component that a pack carries: what compiles it, and what is made of the module.
//!
//! Serves `tidegate pack build`, which a plugin's author runs, and `cargo xtask build`, which makes the shipped packs: both
//! make the same bytes. Nothing is installed here; who calls decides what to do where a tool is missing.

mod component;
mod toolchain;

pub use component::{from_module, with_manifest};
pub use toolchain::{DEBIAN_PACKAGES, TARGET, Toolchain, missing, own_linker, program};
