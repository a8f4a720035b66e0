//! Running a plugin natively: for its tests, and for measuring it without a sandbox.
//!
//! A test names its pack's folder and the plugin: [`check_pack`] configures the one with the other and runs
//! every golden fixture. Nothing here is part of a component.

mod fixture;
mod form;
mod pack;
mod phone;

pub use fixture::{Expected, Fixture, Given, check_pack};
pub use form::{event_from_json, note_to_json, verdict_to_json};
pub use pack::Pack;
pub use phone::NativeHost;

use crate::Context;

/// The context of tests: a site of `region`, made-up addresses at `practice.example`.
#[must_use]
pub fn context(region: &str) -> Context {
    Context {
        region: region.to_owned(),
        dialect: "resourceful".to_owned(),
        connection: "test".to_owned(),
        placeholder_email_domain: "practice.example".to_owned(),
        as_of: "2026-03-01".to_owned(),
    }
}

#[cfg(test)]
mod tests;
