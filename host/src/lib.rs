//! Tidegate's host: brings a practice's book from its CRM into an embedded store every hour, and writes file notes
//! back the moment something happens.
//!
//! One module a concern; an arrow means "may use":
//! `cli → serve → api, web, schedule, watched_folder → ops → sync, notes, import, integrations → crm, store, pack, access → domain`. Siblings do not import each other.
//! `ARCHITECTURE.md` has the map.

pub mod access;
pub mod api;
pub mod app;
pub mod audit;
mod backup;
pub mod cli;
pub mod config;
pub mod connection;
pub mod crm;
mod delimited;
pub mod documents;
pub mod import;
pub mod intake;
pub mod integrations;
pub mod kit;
pub mod notes;
pub mod openid;
pub mod ops;
pub mod pack;
pub mod preview;
pub mod queue;
pub mod registry;
pub mod schedule;
pub mod secrets;
pub mod serve;
pub mod store;
pub mod supervise;
pub mod sync;
pub mod telemetry;
pub mod watched_folder;
pub mod web;

pub use tidegate_domain as domain;
