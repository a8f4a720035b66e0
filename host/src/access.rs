//! Who may do what: accounts, sessions and tokens.

use crate::store::Store;

/// Signs people and programs in. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    store: Store,
}
