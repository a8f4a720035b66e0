//! One file a noun: the host, its folder, its answers, and what has to be quiet at the end.

mod answer;
mod compiled;
mod folder;
mod host;
mod packs;
mod quiet;
pub mod stores;

pub use answer::Answer;
pub use folder::{Setup, TOKEN};
pub use host::Host;
pub use packs::{copy_folder, copy_pack, file_of, layers, without_examples, without_fixtures};
