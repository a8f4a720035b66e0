//! End-to-end tests, one binary.

mod api;
mod browser;
mod documents;
mod lists;
mod notes_kill;
mod properties;
mod one_client;
mod sync_kill;
