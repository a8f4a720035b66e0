//! Tests of a running site, spoken to over real connections.

mod auth;
mod book;
mod calls;
mod faults;
mod notes;
mod visitor;
mod walk;
