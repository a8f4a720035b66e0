//! The kit: what the author of a pack has without a host. Packs made, built, tried, measured, compared and signed, each
//! with the engine and the limits of the host that will run them.
//!
//! Serves the commands `tidegate pack new, build, check, test, bench, conform, diff, sign, verify`. It knows no CRM's protocol
//! and no store; what a mapping is, `pack` says.

mod bench;
mod build;
mod carried;
mod compare;
mod contract_types;
mod made;
mod project;
mod records;
mod signing;
mod tools;
mod tried;

pub use bench::{Baseline, Figures, Measuring, measure};
pub use build::{Built, build};
pub use compare::{Comparison, Difference, compare};
pub use made::{Base, Language, Made, Wanted, make};
pub use project::Project;
pub use records::read as read_records;
pub use signing::{NewKey, make_key, sign};
pub use tools::Missing;
pub use tried::{Outcome, Tried, bless, try_all};
