//! What somebody could do to the log who can write the file, for tests.

use super::{ENTRIES, Found, HEAD, INDEX, LinkRow, index_key, index_keys, subject_key};
use crate::domain::audit::{Link, Outcome};
use crate::store::Store;
use crate::store::engine::lossy::Disk;
use crate::store::engine::{Engine, Readable as _, Write};
use crate::store::keys::PRACTICE;
use crate::store::rows::{decode, encode};

/// What is done to a log of five entries.
#[derive(Clone, Copy, Debug)]
pub enum Damage {
    /// One byte of the third entry's reason is another.
    Byte,
    /// The third entry is no row.
    Rubbish,
    /// The third entry is gone.
    Remove,
    /// The third and the fourth are exchanged.
    Exchange,
    /// The last two are gone.
    CutTail,
    /// The row with the end of the log is gone.
    ForgetHead,
    /// The third entry has an outcome that nobody knows.
    Outcome,
    /// The third entry is found no more where what it dealt with is asked for.
    Unlisted,
    /// The third entry is found where something else is asked for.
    ListedElsewhere,
}

/// A store whose disk takes nothing any more.
pub fn on_a_disk_that_fails() -> Store {
    let disk = Disk::new(7);
    let store = Store::open_on(Engine::open_on(disk.clone()).unwrap()).unwrap();
    disk.cut_after(0);
    store
}

fn row(transaction: &Write, number: u64) -> Vec<u8> {
    let entries = transaction.open_table(ENTRIES).unwrap();
    entries.get((PRACTICE, number)).unwrap().unwrap().value().to_vec()
}

fn put(transaction: &Write, number: u64, row: &[u8]) {
    transaction.open_table(ENTRIES).unwrap().put((PRACTICE, number), row).unwrap();
}

fn remove(transaction: &Write, number: u64) {
    transaction.open_table(ENTRIES).unwrap().delete((PRACTICE, number)).unwrap();
}

impl Store {
    pub(in crate::store) async fn damage_the_log(&self, damage: Damage) {
        let done = self.write(move |transaction| {
            let third = row(transaction, 3);
            match damage {
                Damage::Byte => {
                    let row: LinkRow = decode(&third)?;
                    let row = LinkRow { source: row.source.replace("192.0.2.1", "192.0.2.2"), ..row };
                    put(transaction, 3, &encode(&row)?);
                }
                Damage::Rubbish => put(transaction, 3, &[0xff, 7]),
                Damage::Remove => remove(transaction, 3),
                Damage::Exchange => {
                    let fourth = row(transaction, 4);
                    put(transaction, 3, &fourth);
                    put(transaction, 4, &third);
                }
                Damage::CutTail => [4, 5].iter().for_each(|number| remove(transaction, *number)),
                Damage::ForgetHead => drop(transaction.open_table(HEAD)?.delete(PRACTICE)?),
                Damage::Outcome => {
                    let mut row: LinkRow = decode(&third)?;
                    row.outcome = Outcome::Refused("some reason".to_owned());
                    let mut bytes = encode(&row)?;
                    let place = bytes.windows(11).position(|part| part == b"some reason").unwrap();
                    // The number of the variant stands before the text and its length.
                    bytes[place - 2] = 9;
                    put(transaction, 3, &bytes);
                }
                Damage::Unlisted => {
                    let entry = Link::from(decode::<LinkRow>(&third)?).entry;
                    let key = index_keys(&entry).next().expect("it is listed");
                    transaction.open_table(INDEX)?.delete(&key)?;
                }
                Damage::ListedElsewhere => {
                    let key = index_key((Found::Subject, subject_key("client", "of somebody else")), 3);
                    transaction.open_table(INDEX)?.put(&key, ())?;
                }
            }
            Ok(())
        });
        done.await.unwrap();
    }

    /// Takes the tables away, as a store has none of before there was a log.
    pub(in crate::store) async fn forget_the_log(&self) {
        let done = self.write(|transaction| {
            transaction.delete_table(ENTRIES)?;
            transaction.delete_table(HEAD)?;
            transaction.delete_table(INDEX)?;
            Ok(())
        });
        done.await.unwrap();
    }
}
