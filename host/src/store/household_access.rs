//! Household access: who answers for each household, who else works in it, and the index by which lists are read for
//! those who see some households only.
//!
//! Every household has a row from the moment it is made: the CRM's advisers propose its professionals then, and what the
//! CRM says later is shown beside it and not followed. A professional of the CRM stands for the account that is linked to
//! them, by hand or by an email that a practice manager gave the account.

mod default_primary;
mod emergency;
mod erased;
mod grounds;
mod hand_over;
mod index;
mod lookups;
mod past;
mod professionals;
mod proposal;
mod teams;
mod visible;

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;

use minicbor::Decoder;
use uuid::Uuid;

use self::grounds::{Colleague, Grounds};
use self::past::PastRow;
use super::access_reasons::{self, REASONS, Texts};
use super::engine::{Readable, Snapshot, Table, Write};
use super::keys::{ConnectionNumber, OwnKey, own};
use super::reader::Reader;
use super::rows::{Out, ReadError, Row, Written, decode, encode, read_variant, rows, write_variant};
use super::tables::{HOUSEHOLDS, HouseholdRecord};
use super::visitor::{Visitor, Whose};
use super::{Store, StoreError};
use crate::domain::access::household::{Chosen, HouseholdAccess, PastAccess, Professional, Seen, StaffAccess};
use crate::domain::access::{Reason, Role};
use crate::domain::{ConnectionName, ExternalId, HouseholdId, Timestamp, UserId};
use crate::store::connection_numbers::{name_of, number_for};
pub use emergency::{EmergencyFilter, Ended, Opened, Reviewed};
pub(super) use erased::{Erased, erase};
pub use hand_over::{HandOver, HandedOver, Part, Passed};
pub use lookups::Lookups;
pub(super) use past::part as part_reasons;
pub use professionals::{LinkedBy, LinkedProfessional};
pub(super) use proposal::{ChosenBefore, fill, join, made_by, propose, take_over};
pub use teams::TeamOutcome;
pub use visible::Visible;

/// The access to each household: [`AccessRow`].
const ACCESS: Table<&OwnKey, &[u8]> = Table::new("household-access");

/// The access to a household as it is stored.
#[derive(Clone, PartialEq, Debug)]
struct AccessRow {
    primary: Party,
    secondary: Option<Party>,
    staff: Vec<StaffRow>,
    version: u64,
    chosen_by: Option<String>,
    chosen_at: Option<Timestamp>,
    /// The staff's access that ended, the latest last.
    past: Vec<PastRow>,
    /// The moment at which those who had access to another household came to it, because that was joined to this one.
    joined_at: Option<Timestamp>,
}

/// A professional as they are stored: the CRM's by the number of the connection.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Party {
    Account(UserId),
    OfCrm(ConnectionNumber, ExternalId),
    FirstAdviser,
}

/// A member of the staff as they are stored.
#[derive(Clone, PartialEq, Debug)]
struct StaffRow {
    user: UserId,
    role: Role,
    expires_at: Option<Timestamp>,
    /// The id of the reason.
    reason: Option<Uuid>,
    /// The household that it was given to, where that was joined to this one since.
    of: Option<HouseholdId>,
    given_by: String,
    given_at: Timestamp,
}

impl StaffRow {
    /// Whether it ends before another one.
    fn ends_before(&self, other: &Self) -> bool {
        self.expires_at.is_some_and(|end| other.expires_at.is_none_or(|other| end < other))
    }
}

rows! {
    AccessRow { 0: primary, 1: secondary, 2: staff, 3: version, 4: chosen_by, 5: chosen_at, 6: past, 7: joined_at }
    StaffRow { 0: user, 1: role, 2: expires_at, 4: given_by, 5: given_at, 6: reason, 7: of }
}

impl Row for Party {
    fn write(&self, out: &mut Out) -> Written {
        match self {
            Self::Account(user) => write_variant(out, 0, user),
            Self::OfCrm(connection, id) => write_variant(out, 1, &(*connection, id.clone())),
            Self::FirstAdviser => write_variant(out, 2, &()),
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        match read_variant(from)? {
            0 => Row::read(from).map(Self::Account),
            1 => Row::read(from).map(|(connection, id)| Self::OfCrm(connection, id)),
            2 => Row::read(from).map(|()| Self::FirstAdviser),
            _ => Err(ReadError::message("no such professional")),
        }
    }
}

/// The one who makes a household here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Maker {
    /// The account.
    pub user: UserId,
    /// The role in the practice.
    pub role: Role,
    /// The name.
    pub name: String,
}

/// Another access of a household, in place of the one that there is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewAccess {
    /// The household.
    pub household: HouseholdId,
    /// The version that it follows; none follows whatever there is.
    pub follows: Option<u64>,
    /// The primary professional.
    pub primary: Professional,
    /// The secondary professional.
    pub secondary: Option<Professional>,
    /// The staff; who was given access before keeps when and by whom.
    pub staff: Vec<StaffAccess>,
    /// The person who says so, and when.
    pub chosen: Chosen,
}

/// The outcome of [`Store::set_household_access`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccessSet {
    /// It is in force.
    Yes(HouseholdAccess),
    /// Somebody changed it since, to this; nothing changed.
    Stale(HouseholdAccess),
    /// There is no such household.
    NoHousehold,
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(ACCESS, Whose::Nobodys)?;
    default_primary::visit(visitor)?;
    emergency::visit(visitor)?;
    teams::visit(visitor)?;
    index::visit(visitor)
}

impl Store {
    /// The access to a household; none where there is no such household.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn household_access(&self, id: HouseholdId) -> Result<Option<HouseholdAccess>, StoreError> {
        self.read(move |transaction| {
            let Some(id) = resolved(&transaction.open_table(HOUSEHOLDS)?, id)? else { return Ok(None) };
            let Some(row) = stored(&transaction.open_table(ACCESS)?, id)? else { return Ok(None) };
            let reader = Reader::open(transaction)?;
            row.shown(id, |number| reader.name_of(number), &transaction.open_table(REASONS)?).map(Some)
        })
        .await
    }

    /// Sets the access to a household, where nobody changed it since the version that it follows.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn set_household_access(&self, new: NewAccess) -> Result<AccessSet, StoreError> {
        self.write(move |transaction| set(transaction, new)).await
    }

    /// The household of an id, or the one that it was merged into.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn resolved_household(&self, id: HouseholdId) -> Result<Option<HouseholdId>, StoreError> {
        self.read(move |transaction| resolved(&transaction.open_table(HOUSEHOLDS)?, id)).await
    }

    /// The households that an account has access to at a moment: in person also those that it has opened in an emergency,
    /// which no program of theirs sees.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn visible_households(
        &self,
        user: UserId,
        in_person: bool,
        now: Timestamp,
    ) -> Result<Visible, StoreError> {
        self.read(move |transaction| {
            let grounds = grounds_of(transaction, user, in_person, now)?;
            let these = grounds::households_of(transaction, &grounds, now)?;
            Ok(Visible::Households(Arc::new(these)))
        })
        .await
    }

    /// The numbers of households with people in them, and of their people, that somebody sees.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn counts_of(&self, visible: Visible) -> Result<(u64, u64), StoreError> {
        self.read(move |transaction| {
            let reader = Reader::open(transaction)?;
            let (mut households, mut clients) = (0, 0);
            for household in visible.some().unwrap_or_default() {
                let mut members = 0;
                for client in reader.members(household)? {
                    let found = reader.client(client)?;
                    members += u64::from(found.map_or(Ok(false), |found| reader.is_in_book(&found))?);
                }
                households += u64::from(members > 0);
                clients += members;
            }
            Ok((households, clients))
        })
        .await
    }

    /// The reasons for which an account has access to a household at a moment; without any, it has none.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn access_reasons(
        &self,
        user: UserId,
        household: HouseholdId,
        now: Timestamp,
    ) -> Result<Vec<Reason>, StoreError> {
        self.read(move |transaction| {
            let Some(household) = resolved(&transaction.open_table(HOUSEHOLDS)?, household)? else {
                return Ok(Vec::new());
            };
            let Some(row) = stored(&transaction.open_table(ACCESS)?, household)? else { return Ok(Vec::new()) };
            let texts = transaction.open_table(REASONS)?;
            row.reasons(household, &grounds::of(transaction, user, now)?, now, |id| access_reasons::text(&texts, id))
        })
        .await
    }

    /// The reasons of everybody who has access to a household at a moment, by account.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn all_access_reasons(
        &self,
        household: HouseholdId,
        now: Timestamp,
    ) -> Result<HashMap<UserId, Vec<Reason>>, StoreError> {
        self.read(move |transaction| {
            let mut reasons = HashMap::new();
            let Some(household) = resolved(&transaction.open_table(HOUSEHOLDS)?, household)? else {
                return Ok(reasons);
            };
            let Some(row) = stored(&transaction.open_table(ACCESS)?, household)? else { return Ok(reasons) };
            let texts = transaction.open_table(REASONS)?;
            for user in grounds::concerned(transaction, household, &row, now)? {
                let grounds = grounds::of(transaction, user, now)?;
                let found = row.reasons(household, &grounds, now, |id| access_reasons::text(&texts, id))?;
                reasons.insert(user, found);
            }
            Ok(reasons)
        })
        .await
    }
}

/// The grounds of an account: in person also what it has opened in an emergency, which no program of theirs sees.
fn grounds_of(transaction: &Snapshot, user: UserId, in_person: bool, now: Timestamp) -> Result<Grounds, StoreError> {
    let mut grounds = grounds::of(transaction, user, now)?;
    if !in_person {
        grounds.emergencies.clear();
    }
    Ok(grounds)
}

/// Whether each of these households is still seen by the account that looked at it.
pub(super) fn are_seen(transaction: &Snapshot, looks: &[Seen]) -> Result<bool, StoreError> {
    let (households, access) = (transaction.open_table(HOUSEHOLDS)?, transaction.open_table(ACCESS)?);
    let mut known: Option<(Seen, Grounds)> = None;
    for look in looks {
        let Some(household) = resolved(&households, look.household)? else { return Ok(false) };
        let Some(row) = stored(&access, household)? else { return Ok(false) };
        // One act is of one account, which may have looked at many households.
        let grounds = match known.take().filter(|(of, _)| (of.user, of.in_person) == (look.user, look.in_person)) {
            Some((_, grounds)) => grounds,
            None => grounds_of(transaction, look.user, look.in_person, look.at)?,
        };
        // Whether there is one is asked, and not its words.
        if row.reasons(household, &grounds, look.at, |_| Ok(None))?.is_empty() {
            return Ok(false);
        }
        known = Some((*look, grounds));
    }
    Ok(true)
}

impl AccessRow {
    fn shown(
        self,
        household: HouseholdId,
        name_of: impl Fn(ConnectionNumber) -> Result<ConnectionName, StoreError>,
        texts: &impl Texts,
    ) -> Result<HouseholdAccess, StoreError> {
        let staff = |given: StaffRow| {
            let StaffRow { user, role, expires_at, reason, given_by, given_at, .. } = given;
            let reason = access_reasons::text(texts, reason)?;
            Ok::<_, StoreError>(StaffAccess { user, role, expires_at, reason, given_by, given_at })
        };
        let past = |PastRow { given, ended_by, ended_at }| {
            Ok::<_, StoreError>(PastAccess { given: staff(given)?, ended_by, ended_at })
        };
        Ok(HouseholdAccess {
            household,
            primary: self.primary.shown(&name_of)?,
            secondary: self.secondary.map(|second| second.shown(&name_of)).transpose()?,
            staff: self.staff.into_iter().map(staff).collect::<Result<_, _>>()?,
            past: self.past.into_iter().rev().map(past).collect::<Result<_, _>>()?,
            version: self.version,
            joined_at: self.joined_at,
            chosen: self.chosen_by.zip(self.chosen_at).map(|(by, at)| Chosen { by, at }),
        })
    }

    /// What was given to staff: what is in force, and what ended.
    fn all_staff(&self) -> impl Iterator<Item = &StaffRow> {
        self.staff.iter().chain(self.past.iter().map(|past| &past.given))
    }

    /// The professionals.
    fn professionals(&self) -> impl Iterator<Item = &Party> {
        iter::once(&self.primary).chain(&self.secondary)
    }

    /// The reasons that an account has, by its grounds.
    fn reasons(
        &self,
        household: HouseholdId,
        grounds: &Grounds,
        now: Timestamp,
        text: impl Fn(Option<Uuid>) -> Result<Option<String>, StoreError>,
    ) -> Result<Vec<Reason>, StoreError> {
        let mut reasons = Vec::new();
        let is_one = |party: &Party| grounds.can_answer && grounds.parties.contains(party);
        if is_one(&self.primary) {
            reasons.push(Reason::Primary);
        }
        if self.secondary.as_ref().is_some_and(is_one) {
            reasons.push(Reason::Secondary);
        }
        for StaffRow { user, role, expires_at, reason, .. } in &self.staff {
            if *user == grounds.user && expires_at.is_none_or(|end| now < end) {
                reasons.push(Reason::Staff { role: *role, expires_at: *expires_at, reason: text(*reason)? });
            }
        }
        let serves = |colleague: &&Colleague| self.professionals().any(|party| colleague.parties.contains(party));
        reasons.extend(
            grounds
                .colleagues
                .iter()
                .filter(serves)
                .map(|colleague| Reason::Team { team: colleague.team.clone(), colleague: colleague.name.clone() }),
        );
        let open = grounds.emergencies.iter().filter(|open| open.household == household);
        reasons.extend(open.map(|open| Reason::Emergency { until: open.ends_at, reason: open.reason.clone() }));
        Ok(reasons)
    }
}

impl Party {
    fn shown(
        self,
        name_of: impl Fn(ConnectionNumber) -> Result<ConnectionName, StoreError>,
    ) -> Result<Professional, StoreError> {
        Ok(match self {
            Self::Account(user) => Professional::Account(user),
            Self::OfCrm(number, external_id) => Professional::OfCrm { connection: name_of(number)?, external_id },
            Self::FirstAdviser => Professional::FirstAdviser,
        })
    }
}

fn set(transaction: &Write, new: NewAccess) -> Result<AccessSet, StoreError> {
    let Some(id) = resolved(&transaction.open_table(HOUSEHOLDS)?, new.household)? else {
        return Ok(AccessSet::NoHousehold);
    };
    let Some(before) = stored(&transaction.open_table(ACCESS)?, id)? else { return Ok(AccessSet::NoHousehold) };
    let shown =
        |row: AccessRow| row.shown(id, |number| name_of(transaction, number), &transaction.open_table(REASONS)?);
    if new.follows.is_some_and(|version| version != before.version) {
        return shown(before).map(AccessSet::Stale);
    }
    let primary = party_of(transaction, new.primary)?;
    let secondary = new.secondary.map(|second| party_of(transaction, second)).transpose()?;
    let mut staff: Vec<StaffRow> = Vec::with_capacity(new.staff.len());
    for StaffAccess { user, role, expires_at, reason, given_by, given_at } in new.staff {
        let is_alike = |known: &&StaffRow| (known.user, known.role, known.expires_at) == (user, role, expires_at);
        let known = before.staff.iter().find(is_alike);
        let text =
            known.map(|known| access_reasons::text(&transaction.open_table(REASONS)?, known.reason)).transpose()?;
        staff.push(match known {
            Some(known) if text == Some(reason.clone()) => known.clone(),
            _ => {
                let reason = reason.map(|reason| access_reasons::keep(transaction, &reason)).transpose()?;
                StaffRow { user, role, expires_at, reason, of: None, given_by, given_at }
            }
        });
    }
    let after = AccessRow { primary, secondary, staff, ..before.clone() };
    if after == before && before.chosen_by.is_some() {
        return shown(before).map(AccessSet::Yes);
    }
    let after = AccessRow {
        version: before.version + 1,
        chosen_by: Some(new.chosen.by),
        chosen_at: Some(new.chosen.at),
        ..after
    };
    put(transaction, id, Some(&before), after).and_then(shown).map(AccessSet::Yes)
}

/// A professional as they are stored.
fn party_of(transaction: &Write, professional: Professional) -> Result<Party, StoreError> {
    Ok(match professional {
        Professional::Account(user) => Party::Account(user),
        Professional::OfCrm { connection, external_id } => {
            Party::OfCrm(number_for(transaction, &connection)?, external_id)
        }
        Professional::FirstAdviser => Party::FirstAdviser,
    })
}

/// Writes the access to a household as somebody wants it, and its entries in place of those before; what ended by that is remembered.
/// Answers the row.
fn put(
    transaction: &Write,
    household: HouseholdId,
    before: Option<&AccessRow>,
    after: AccessRow,
) -> Result<AccessRow, StoreError> {
    let by = (after.chosen_by.clone(), after.chosen_at);
    put_by(transaction, household, (before, after), by)
}

/// Writes the access to a household in the name of whoever brings it about, such as the sync.
fn put_by(
    transaction: &Write,
    household: HouseholdId,
    (before, mut after): (Option<&AccessRow>, AccessRow),
    by: (Option<String>, Option<Timestamp>),
) -> Result<AccessRow, StoreError> {
    if let Some(before) = before {
        past::remember(transaction, before, &mut after, by)?;
    }
    transaction.open_table(ACCESS)?.put(&own(household.0), encode(&after)?.as_slice())?;
    index::replace(transaction, household, before, Some(&after))?;
    Ok(after)
}

/// Forgets the access to a household that is no more.
pub(super) fn forget(transaction: &Write, household: HouseholdId) -> Result<(), StoreError> {
    let before = stored(&transaction.open_table(ACCESS)?, household)?;
    transaction.open_table(ACCESS)?.delete(&own(household.0))?;
    access_reasons::forget(transaction, before.iter().flat_map(past::reasons_of))?;
    index::replace(transaction, household, before.as_ref(), None)
}

fn stored(
    access: &impl Readable<&'static OwnKey, &'static [u8]>,
    household: HouseholdId,
) -> Result<Option<AccessRow>, StoreError> {
    access.get(&own(household.0))?.map(|row| decode(row.value())).transpose()
}

/// The household of an id, or the one that it was merged into.
pub(super) fn resolved(
    households: &impl Readable<&'static OwnKey, &'static [u8]>,
    mut id: HouseholdId,
) -> Result<Option<HouseholdId>, StoreError> {
    loop {
        let Some(stored) = households.get(&own(id.0))? else { return Ok(None) };
        match decode(stored.value())? {
            HouseholdRecord::Of { .. } => return Ok(Some(id)),
            // No household that was merged into another takes part in a later merge, so that this ends.
            HouseholdRecord::MergedInto(other) => id = HouseholdId(other),
        }
    }
}
