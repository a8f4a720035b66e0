//! Which two people form a household, which household that is, and what it is called.
//!
//! A client and the partner whom the CRM links form one household. Who is whose partner follows from the links of
//! the people in the book and from nothing else, so that neither the order of a walk nor an interruption shows in the
//! result. Serves the store, which keeps the links and asks after each change who is disturbed by it.

mod pairing;
mod portrait;
mod settling;

pub use pairing::{Change, Disturbed, Links, Tie, disturbed, partner_of};
pub use portrait::{CONTESTED, NO_PRIMARY, ONE_SIDED, Portrait, TWO_PRIMARY, portrait};
pub use settling::{Place, Settled, settle};
