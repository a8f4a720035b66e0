//! The tables of the store, each named once, with whose its rows are. What makes them, copies them to a backup and puts them
//! back goes through this list, so that no table can be left out of one of them.

use super::StoreError;
use super::engine::{Key, Table, Value, Write};
use super::visitor::{Visitor, Whose};

/// Goes through all tables, in an order that stays.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    super::migrations::visit(visitor)?;
    super::tables::visit(visitor)?;
    super::commit::emptied::visit(visitor)?;
    super::access::visit(visitor)?;
    super::audit::visit(visitor)?;
    super::connections::visit(visitor)?;
    super::sites::visit(visitor)?;
    super::site_lists::visit(visitor)?;
    super::documents::visit(visitor)?;
    super::outbox::visit(visitor)?;
    super::imports::visit(visitor)?;
    super::household_access::visit(visitor)?;
    super::access_reasons::visit(visitor)?;
    super::professional_links::visit(visitor)?;
    super::revisions::visit(visitor)?;
    super::taken_in::visit(visitor)?;
    super::holds::visit(visitor)?;
    super::tombstones::visit(visitor)?;
    super::subject_keys::visit(visitor)
}

/// Makes the tables that are missing: reading one that was never made is an error.
pub(super) fn make(transaction: &Write) -> Result<(), StoreError> {
    struct Making<'w>(&'w Write);
    impl Visitor for Making<'_> {
        type Error = StoreError;

        fn table<K: Key + 'static, V: Value + 'static>(
            &mut self,
            table: Table<K, V>,
            _: Whose,
        ) -> Result<(), StoreError> {
            self.0.open_table(table)?;
            Ok(())
        }
    }
    super::outbox::raise_known(transaction)?;
    super::sites::know_sites(transaction)?;
    visit(&mut Making(transaction))
}
