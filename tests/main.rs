//! End-to-end tests, one binary.

mod api;
mod browser;
mod connections;
mod damaged;
mod disk;
mod documents;
mod emptied;
mod imports;
mod links;
mod lists;
mod notes_filing;
mod notes_kill;
mod oauth;
mod one_client;
mod open;
mod openapi;
mod over_time;
mod properties;
mod proxy;
mod queues;
mod runs;
mod settings;
mod sites;
mod stalled;
mod supervised;
mod sync_kill;
