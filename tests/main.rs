//! End-to-end tests, one binary.

mod api;
mod browser;
mod documents;
mod lists;
mod notes_kill;
mod over_time;
mod properties;
mod sync_kill;
