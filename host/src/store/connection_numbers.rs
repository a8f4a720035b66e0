//! Connections by the numbers under which the store's keys have them.

use std::collections::HashMap;

use super::StoreError;
use super::engine::{Readable as _, Snapshot, Write};
use super::keys::{ConnectionNumber, PRACTICE, join};
use super::tables::CONNECTIONS;
use crate::domain::ConnectionName;

/// The number of a connection, given on first use.
pub(super) fn number_for(transaction: &Write, name: &ConnectionName) -> Result<ConnectionNumber, StoreError> {
    if name.is_practice() {
        return Ok(ConnectionNumber::PRACTICE);
    }
    let mut connections = transaction.open_table(CONNECTIONS)?;
    if let Some(number) = connections.get((PRACTICE, name.as_str()))? {
        return Ok(ConnectionNumber(number.value()));
    }
    let mut last = 0;
    for entry in connections.scan((PRACTICE, "")..(PRACTICE + 1, ""))? {
        last = last.max(entry?.1.value());
    }
    connections.put((PRACTICE, name.as_str()), last + 1)?;
    Ok(ConnectionNumber(last + 1))
}

/// The number of a connection that the store has met.
pub(super) fn number_of(transaction: &Snapshot, name: &ConnectionName) -> Result<Option<ConnectionNumber>, StoreError> {
    if name.is_practice() {
        return Ok(Some(ConnectionNumber::PRACTICE));
    }
    let number = transaction.open_table(CONNECTIONS)?.get((PRACTICE, name.as_str()))?;
    Ok(number.map(|number| ConnectionNumber(number.value())))
}

pub(super) fn connection_key(connection: ConnectionNumber) -> [u8; 6] {
    join([&PRACTICE.to_be_bytes(), &connection.0.to_be_bytes()])
}

/// The name of a connection.
pub(super) fn name_of(transaction: &Write, connection: ConnectionNumber) -> Result<ConnectionName, StoreError> {
    Ok(connection_names(transaction)?.remove(&connection).unwrap_or_else(ConnectionName::practice))
}

/// The names of all connections.
pub(super) fn connection_names(transaction: &Write) -> Result<HashMap<ConnectionNumber, ConnectionName>, StoreError> {
    let mut names = HashMap::from([(ConnectionNumber::PRACTICE, ConnectionName::practice())]);
    for entry in transaction.open_table(CONNECTIONS)?.scan((PRACTICE, "")..(PRACTICE + 1, ""))? {
        let (key, number) = entry?;
        names.insert(ConnectionNumber(number.value()), name_of_connection(key.value().1)?);
    }
    Ok(names)
}

/// A connection's name as it stands in a key.
pub(super) fn name_of_connection(text: &str) -> Result<ConnectionName, StoreError> {
    let name = text.parse::<ConnectionName>();
    name.map_err(|error| StoreError::Corrupt { what: "a connection's name", source: error.into() })
}
