//! Erasing a person: all that the store has of them goes in one transaction, and tombstones keep them away. The file of
//! erasures has its line before that transaction is on disk, so that neither a kill in between nor an older copy of the
//! store that is put back brings anybody back: what the file has and the store does not is erased when the store is opened.

mod partners;
mod rows;

use std::path::Path;

use jiff::Timestamp;

pub(super) use self::rows::tidy_up;
use self::rows::{Target, take_away};
use super::audit::scope;
use super::engine::{Engine, Readable as _, Write};
use super::erasure_file::{ErasureFile, HashKey, NAME, Written};
use super::keys::{ExternalKey, own};
use super::rows::decode;
use super::tables::{CLIENTS, ClientRecord};
use super::{Store, StoreError, holds, outbox, tombstones};
use crate::domain::audit::{Act, By, Subject, THIS_MACHINE};
use crate::domain::privacy::{Erasure, ErasureAct, ErasureCounts, ErasureOf, ErasureReason, Refusal};
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId, UserId};

/// The name of the empty file by which a person says that the file of erasures is of the store beside it.
const IS_OURS: &str = "tidegate.erased.is-ours";

/// A request to erase somebody, or to lift an erasure.
#[derive(Clone, Debug)]
pub struct ErasureRequest {
    /// The name, at that time, of the one who asks.
    pub by: String,
    /// Their account, where they have one.
    pub by_account: Option<UserId>,
    /// The reason.
    pub reason: ErasureReason,
    /// The moment.
    pub at: Timestamp,
}

impl Store {
    /// Erases a client, or a record that is none, and keeps the person away from now on. Answers the entry and what was taken away.
    ///
    /// # Errors
    /// Returns an error if the store or the file of erasures fails; nothing is taken away then, or it is when the store is
    /// opened next.
    pub async fn erase(
        &self,
        of: impl Into<ErasureOf>,
        request: ErasureRequest,
    ) -> Result<Result<(Erasure, ErasureCounts), Refusal>, StoreError> {
        let (of, file, told) = (of.into(), self.erasures.clone(), scope::current());
        self.write_in_any_case_unless_refused(move |transaction| {
            let target = match admit(transaction, &of, request.at)? {
                Ok(target) => target,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let key = key_for(transaction, &file)?;
            let marks = target.marks(transaction, key)?;
            let entry = next(transaction, request, ErasureAct::Erased { tombstones: marks })?;
            let counts = take_away(transaction, &target, entry.at)?;
            tombstones::put(transaction, &entry)?;
            file.add(key, std::slice::from_ref(&entry))?;
            // The only name that whoever was erased has from now on: a record of a CRM has no id of its own in the log.
            if let Some(told) = told {
                told.came_of_it(format!("erasure {}", entry.number));
                let goes = |(household, number): (&HouseholdId, &u64)| {
                    let reasons = if *number == 1 { "a reason of access" } else { "reasons of access" };
                    (*household, format!("{reasons} that named the client went"))
                };
                told.done_to(counts.reasons.iter().map(goes));
            }
            Ok(Ok((entry, counts)))
        })
        .await
    }

    /// What that would take away. Nothing is changed.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn rehearse_erasure(
        &self,
        of: impl Into<ErasureOf>,
        at: Timestamp,
    ) -> Result<Result<ErasureCounts, Refusal>, StoreError> {
        let of = of.into();
        self.try_out(move |transaction| match admit(transaction, &of, at)? {
            Ok(target) => take_away(transaction, &target, at).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        })
        .await
    }

    /// Lifts an erasure: the person may come again, by the next sync or by hand.
    ///
    /// # Errors
    /// Returns an error if the store or the file of erasures fails.
    pub async fn lift_erasure(
        &self,
        number: u64,
        request: ErasureRequest,
    ) -> Result<Result<Erasure, Refusal>, StoreError> {
        let file = self.erasures.clone();
        self.write_in_any_case_unless_refused(move |transaction| {
            let all = tombstones::all_in(transaction)?;
            if !in_force(&all).any(|erasure| erasure.number == number) {
                return Ok(Err(Refusal::NotErased(number)));
            }
            let key = key_for(transaction, &file)?;
            let entry = next(transaction, request, ErasureAct::Lifted { erasure: number })?;
            tombstones::put(transaction, &entry)?;
            file.add(key, std::slice::from_ref(&entry))?;
            Ok(Ok(entry))
        })
        .await
    }

    /// All erasures and liftings, the latest first.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn erasures(&self) -> Result<Vec<Erasure>, StoreError> {
        self.read(|transaction| {
            let mut all = tombstones::all_seen(transaction)?;
            all.reverse();
            Ok(all)
        })
        .await
    }

    /// Whether a record of a CRM is of somebody who was erased.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn is_erased(&self, connection: ConnectionName, id: ExternalId) -> Result<bool, StoreError> {
        self.read(move |transaction| match tombstones::marks_seen(transaction)? {
            Some(marks) => marks.has_record(&connection, ExternalKey::from(&id)),
            None => Ok(false),
        })
        .await
    }
}

/// The erasures that are not lifted.
pub fn in_force(all: &[Erasure]) -> impl Iterator<Item = &Erasure> {
    let is_lifted = |number| all.iter().any(|other| other.act == ErasureAct::Lifted { erasure: number });
    all.iter().filter(move |erasure| matches!(erasure.act, ErasureAct::Erased { .. }) && !is_lifted(erasure.number))
}

/// Whom an erasure takes away, where nothing speaks against erasing them now.
fn admit(transaction: &Write, of: &ErasureOf, at: Timestamp) -> Result<Result<Target, Refusal>, StoreError> {
    let target = match of {
        ErasureOf::Client(client) => match admit_client(transaction, *client, at)? {
            Ok(target) => target,
            Err(refusal) => return Ok(Err(refusal)),
        },
        ErasureOf::Record(connection, id) => match Target::of_record(transaction, connection, id)? {
            None => return Ok(Err(Refusal::NoRecord(connection.clone(), id.clone()))),
            Some(Target { client: Some(client), .. }) => return Ok(Err(Refusal::IsClient(client))),
            Some(target) => target,
        },
    };
    if target.awaits_review(transaction)? {
        return Ok(Err(Refusal::AwaitsReview));
    }
    Ok(Ok(target))
}

fn admit_client(transaction: &Write, client: ClientId, at: Timestamp) -> Result<Result<Target, Refusal>, StoreError> {
    let Some(target) = Target::of(transaction, client)? else { return Ok(Err(Refusal::Unknown(client))) };
    if let Some(hold) = holds::of_client(transaction, client, target.household, at)? {
        return Ok(Err(Refusal::Held(hold)));
    }
    Ok(if outbox::is_sending(transaction, client)? { Err(Refusal::IsSending) } else { Ok(target) })
}

/// The key of the hashes; one is made where neither the store nor the file has one.
fn key_for(transaction: &Write, file: &ErasureFile) -> Result<HashKey, StoreError> {
    if let Some(key) = tombstones::key(transaction)? {
        return Ok(key);
    }
    let key = file.key().unwrap_or_else(|| HashKey(rand::random()));
    tombstones::put_key(transaction, key)?;
    Ok(key)
}

/// The entry that follows.
fn next(transaction: &Write, request: ErasureRequest, act: ErasureAct) -> Result<Erasure, StoreError> {
    let number = tombstones::all_in(transaction)?.last().map_or(0, |last| last.number) + 1;
    let ErasureRequest { by, by_account, reason, at } = request;
    Ok(Erasure { number, at, by, by_account, reason, act })
}

/// Brings the store and the file of erasures in line, before anything of the store is served: erases again whom the file
/// knows and the store does not, and writes to the file what it lacks. A store without a key has one from then on.
///
/// # Errors
/// [`StoreError::Damaged`] where the two are not of one store, or what failed.
pub(super) fn reconcile(engine: &Engine, data_dir: &Path) -> Result<ErasureFile, StoreError> {
    let (file, written) = ErasureFile::open(data_dir)?;
    let transaction = engine.write()?;
    let known = tombstones::all_in(&transaction)?;
    let key = tombstones::key(&transaction)?;
    let Some(Written { key: of_file, erasures, .. }) = written else {
        let key = key_for(&transaction, &file)?;
        transaction.commit()?;
        file.add(key, &known)?;
        return Ok(file);
    };
    let is_other = key.is_some_and(|key| key != of_file)
        || known.iter().zip(&erasures).any(|(known, written)| !known.is_same(written));
    if is_other {
        transaction.abort()?;
        let why = "it is not of this store: its key or its lines are others than those of the store. Put the store and the \
                   file of erasures of one data folder beside each other, or move this file away where this store never had \
                   one";
        return Err(StoreError::Damaged { file: NAME, why: why.to_owned() });
    }
    let word = data_dir.join(IS_OURS);
    let is_adopted = key.is_none();
    if known.len() >= erasures.len() {
        if is_adopted {
            tombstones::put_key(&transaction, of_file)?;
        }
        transaction.commit()?;
        file.add(of_file, &known[erasures.len()..])?;
        return Ok(file);
    }
    if is_adopted {
        tombstones::put_key(&transaction, of_file)?;
    }
    let missing = &erasures[known.len()..];
    missing.iter().try_for_each(|erasure| tombstones::put(&transaction, erasure))?;
    // A store of before each had a key of its own cannot be told from another one's by it.
    if is_adopted && !word.exists() && !rows::marked(&transaction)?.is_empty() {
        transaction.abort()?;
        let why = format!(
            "this store has no mark of its own by which to know that the file is of it, and clients who are in it would be \
             erased by the file. Nothing was erased. Where the file is of another store, move it away. Where it is of this \
             one, make an empty file named {IS_OURS} beside it and start again: then they are erased"
        );
        return Err(StoreError::Damaged { file: NAME, why });
    }
    let again = erase_again(&transaction, &erasures)?;
    tracing::warn!(
        erasures = missing.len(),
        people = again,
        "an older copy of the store was opened: who was erased since is erased again"
    );
    let act = Act::done(By::host("store"), THIS_MACHINE, "privacy.erase_again", Subject::of_kind("erasure"));
    let detail = format!("{} entries of the file of erasures, {again} people", missing.len());
    super::audit::append(&transaction, Act { detail, ..act })?;
    transaction.commit()?;
    if is_adopted {
        drop(std::fs::remove_file(word));
    }
    Ok(file)
}

/// Takes everybody away whose tombstone is in force and who is here all the same; answers how many.
fn erase_again(transaction: &Write, all: &[Erasure]) -> Result<usize, StoreError> {
    let at = all.last().map_or(Timestamp::UNIX_EPOCH, |last| last.at);
    let targets = rows::marked(transaction)?;
    for target in &targets {
        take_away(transaction, target, at)?;
    }
    Ok(targets.len())
}

/// A client's record.
fn record_of(transaction: &Write, client: ClientId) -> Result<Option<ClientRecord>, StoreError> {
    transaction.open_table(CLIENTS)?.get(&own(client.0))?.map(|row| decode(row.value())).transpose()
}
