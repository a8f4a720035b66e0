//! Makes tagged PDF documents (PDF/UA-1) from a pack's templates.
//!
//! Serves `pack` (does a template compile against its sample?) and `documents` (a household's plan). A template is
//! typst source of somebody else: it sees the files that it is given and nothing else (no disk, no network, no packages,
//! no clock), and [`Typesetter`] runs it in a process of its own that is ended where it takes too long or too much.
//! The same job makes the same bytes.

mod engine;
mod fonts;
mod job;
mod missing;
mod problem;
mod typesetter;
mod wire;
mod worker;
mod world;

pub use job::{DATA, Job, MadeAt, Typeset};
pub use problem::{DocumentError, Problem};
pub use typesetter::Typesetter;
pub use worker::serve;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
