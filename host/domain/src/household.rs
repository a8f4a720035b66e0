//! Households: which two people form one, which one that is, and what it is called.
//!
//! A client and the partner whom the CRM links form one household. Who is whose partner follows from the links of
//! the people in the book and from nothing else, so that neither the order of a walk nor an interruption shows in the
//! result. Serves the store, which keeps the links and asks after each change who is affected by it.

mod assignment;
mod pairing;
mod summary;

pub use assignment::{Assigned, Place, assign};
pub use pairing::{Affected, Change, Links, Tie, affected, partner_of};
pub use summary::{CONTESTED, NO_PRIMARY, NOT_IN_BOOK, ONE_SIDED, Summary, TWO_PRIMARY, summary};
