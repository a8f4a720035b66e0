//! The crate that the author of a Tidegate mapping plugin depends on.
//!
//! A plugin is a type that implements [`Plugin`] and one line, `tidegate_sdk::export!(MyPlugin);`. The types it
//! takes and gives are the contract's own (`wit/v1`), the same natively and in the sandbox, so that a plugin is
//! tested and measured as ordinary Rust.
//!
//! The kit knows no CRM and no region. It never reads a clock, a file or the network outside the test harness
//! (feature `harness`), and a plugin built with it cannot.

mod allocator;
pub mod canonical;
pub mod countries;
#[cfg(test)]
mod echo;
mod export;
#[cfg(feature = "harness")]
pub mod harness;
mod lineage;
pub mod notes;
mod plugin;
pub mod read;
mod rules;
mod session;
mod table;
pub mod text;

pub use bindings::tidegate::mapping::{
    log::Level as LogLevel,
    phone::{LineType, Number as PhoneNumber, Problem as PhoneProblem},
};
pub use canonical::bindings;
pub use canonical::bindings::exports::tidegate::mapping::mapper::*;
pub use lineage::{ItemPlace, LineageRecorder, Origin};
pub use plugin::{Ctx, Host, MapResult, Plugin};
pub use session::Session;
pub use table::{Spellings, Table, choice};

/// The parts that the code behind [`export!`] uses; not for plugin authors.
#[doc(hidden)]
pub mod glue {
    pub use crate::allocator::Allocator;
    pub use crate::bindings::exports::tidegate::mapping::mapper::Guest;
    pub use crate::export::{Imports, section};
}
