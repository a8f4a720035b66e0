//! End-to-end tests, one binary.

mod api;
mod browser;
mod lists;
mod notes_kill;
mod over_time;
mod sync_kill;
