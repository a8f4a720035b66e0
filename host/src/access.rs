//! Who may do what: accounts, sessions and tokens.

use secrecy::SecretString;

use crate::store::Store;

/// Signs people and programs in. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    store: Store,
}

impl Access {
    /// Signs in against `store`; `bootstrap_token` is accepted as the practice manager's.
    pub fn new(store: Store, _bootstrap_token: Option<SecretString>) -> Self {
        Self { store }
    }
}
