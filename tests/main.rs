//! End-to-end tests, one binary.

mod api;
mod browser;
mod lists;
mod notes_kill;
mod one_client;
mod sync_kill;
