//! Look-ups of households in an emergency, counted by the hour: nobody walks through the book by them.

use jiff::SignedDuration;

use crate::domain::{Timestamp, UserId};
use crate::store::engine::{Readable, Table, Write};
use crate::store::keys::{OwnKey, own};
use crate::store::visitor::{Visitor, Whose};
use crate::store::{Store, StoreError};

/// The households that an account opened: the hour in which the latest one was, and how many there were in it.
const LOOKUPS: Table<&OwnKey, (u64, u32)> = Table::new("emergency-access-lookups");
/// The look-ups of an account by which nothing was opened, in the same way.
const MISSES: Table<&OwnKey, (u64, u32)> = Table::new("emergency-access-misses");

/// The most look-ups that an account has in an hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lookups {
    /// The most by which a household is opened.
    pub opened: u32,
    /// The most by which none is.
    pub misses: u32,
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(LOOKUPS, Whose::Nobodys)?;
    visitor.table(MISSES, Whose::Nobodys)
}

impl Store {
    /// Whether an account may look for a household once more in this hour. Counts it as a miss, until it opens one.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn look_up_in_emergency(&self, user: UserId, most: Lookups, now: Timestamp) -> Result<bool, StoreError> {
        self.write_in_any_case(move |transaction| {
            let (hour, key) = (hour_of(now), own(user.0));
            let mut misses = transaction.open_table(MISSES)?;
            let missed = count_in(&misses, &key, hour)?;
            if missed >= most.misses || count_in(&transaction.open_table(LOOKUPS)?, &key, hour)? >= most.opened {
                return Ok(false);
            }
            misses.put(&key, (hour, missed + 1))?;
            Ok(true)
        })
        .await
    }
}

/// Takes what led to a household out of the misses of its hour; where it `opens` one that was not open, that is counted.
pub(super) fn note_found(transaction: &Write, user: UserId, at: Timestamp, opens: bool) -> Result<(), StoreError> {
    let (hour, key) = (hour_of(at), own(user.0));
    let mut misses = transaction.open_table(MISSES)?;
    let missed = count_in(&misses, &key, hour)?;
    misses.put(&key, (hour, missed.saturating_sub(1)))?;
    if opens {
        let mut lookups = transaction.open_table(LOOKUPS)?;
        let opened = count_in(&lookups, &key, hour)?;
        lookups.put(&key, (hour, opened + 1))?;
    }
    Ok(())
}

fn count_in(counts: &impl Readable<&'static OwnKey, (u64, u32)>, key: &OwnKey, hour: u64) -> Result<u32, StoreError> {
    Ok(match counts.get(key)?.map(|row| row.value()) {
        Some((of, count)) if of == hour => count,
        _ => 0,
    })
}

fn hour_of(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or_default() / HOUR
}

/// The seconds of an hour.
const HOUR: u64 = SignedDuration::from_hours(1).as_secs().unsigned_abs();
