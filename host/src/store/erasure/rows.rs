//! The rows of a person, table by table.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{partners, record_of};
use crate::domain::privacy::{ErasureCounts, NamedBy, Tombstone};
use crate::domain::review::{Review, ReviewState};
use crate::domain::run::Run;
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId, RecordKind, with_listed};
use crate::store::commit::practice::{find, leave_book};
use crate::store::commit::{aside_key, emptied};
use crate::store::connection_numbers::connection_names;
use crate::store::engine::{Readable as _, Write};
use crate::store::erasure_file::HashKey;
use crate::store::identity::{Exclusion, Identity};
use crate::store::imports::{self, Person};
use crate::store::keys::{
    ConnectionNumber, ExternalKey, ListKey, OwnKey, PRACTICE, RecordKey, ReviewKey, UnseenKey, own, record, span,
    uuid_at_end,
};
use crate::store::rows::listed::StoredItem;
use crate::store::rows::{decode, encode};
use crate::store::subject::Subject;
use crate::store::tables::{
    BookCounts, CLIENTS, CONNECTIONS, GONE, HOUSEHOLDS, HouseholdRecord, IDENTITIES, LISTED, ListRecord, MADE_OF, RAW,
    REPORTS, REVIEWS, RUNS, SET_ASIDE, TALLIES, UNSEEN,
};
use crate::store::{StoreError, holds, household_access, membership, outbox, sites, subject_keys, tombstones};

/// Somebody who is to be taken away: a client of the practice, or what came from a CRM and is none, such as a record in
/// quarantine.
pub(super) struct Target {
    pub client: Option<ClientId>,
    pub household: Option<HouseholdId>,
    /// The record in a CRM, or what stands in its place.
    pub record: (ConnectionNumber, ExternalKey),
    /// The record's id, where it is no client's and is named by it.
    pub id: Option<ExternalId>,
    /// The records to which the client was linked before, and which are no other client's.
    pub before: Vec<(ConnectionNumber, ExternalKey)>,
}

impl Target {
    /// A client; none where there is none.
    pub fn of(transaction: &Write, client: ClientId) -> Result<Option<Self>, StoreError> {
        let Some(stored) = record_of(transaction, client)? else { return Ok(None) };
        let record = (stored.connection, ExternalKey::from(&stored.client.external_id));
        let household = find(transaction, client)?.and_then(|(_, identity)| identity.household).map(HouseholdId);
        let mut before = tombstones::unlinked_from(transaction, client)?;
        let identities = transaction.open_table(IDENTITIES)?;
        let mut others = Vec::new();
        for (connection, id) in &before {
            let key = self::record(*connection, RecordKind::Client, *id);
            let is_others = identities.get(&key)?.is_some_and(|row| Identity::from_row(row.value()).client.is_some());
            if is_others {
                others.push((*connection, *id));
            }
        }
        before.retain(|place| !others.contains(place));
        Ok(Some(Self { client: Some(client), household, record, id: None, before }))
    }

    /// A record that a connection brought, with the client whose it is; none where it brought no such record.
    pub fn of_record(
        transaction: &Write,
        connection: &ConnectionName,
        id: &ExternalId,
    ) -> Result<Option<Self>, StoreError> {
        let number = transaction.open_table(CONNECTIONS)?.get((PRACTICE, connection.as_str()))?.map(|row| row.value());
        let Some(number) = number.map(ConnectionNumber) else { return Ok(None) };
        let place = (number, ExternalKey::from(id));
        let identities = transaction.open_table(IDENTITIES)?;
        let row = identities.get(&record(place.0, RecordKind::Client, place.1))?;
        let client = row.map(|row| Identity::from_row(row.value()).client.map(ClientId));
        Ok(client.map(|client| Self {
            client,
            household: None,
            record: place,
            id: Some(id.clone()),
            before: Vec::new(),
        }))
    }

    /// All records of the person.
    fn records(&self) -> impl Iterator<Item = (ConnectionNumber, ExternalKey)> {
        std::iter::once(self.record).chain(self.before.iter().copied())
    }

    /// Whether a record waits for a person to decide whether it is this client's.
    pub fn awaits_review(&self, transaction: &Write) -> Result<bool, StoreError> {
        for entry in transaction.open_table(REVIEWS)?.scan(..)? {
            let (key, row) = entry?;
            let review: Review = decode(row.value())?;
            let names_them = review.lookalikes.iter().any(|like| Some(like.client_id) == self.client);
            if review.state == ReviewState::Waiting && (names_them || self.is_reviewed_in(key.value())) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an entry of the review queue is of one of the person's records.
    fn is_reviewed_in(&self, key: &ReviewKey) -> bool {
        self.records().any(|(connection, id)| key[5..7] == connection.0.to_be_bytes() && key[7..] == id.0)
    }

    /// The tombstones that keep the person away.
    pub fn marks(&self, transaction: &Write, key: HashKey) -> Result<Vec<Tombstone>, StoreError> {
        let names = connection_names(transaction)?;
        let practice = ConnectionName::practice();
        let name_of = |connection| names.get(&connection).unwrap_or(&practice);
        let records = self.records().filter(|(_, id)| !id.is_unlinked());
        let sites = sites::not_shared(transaction)?;
        let records = records.flat_map(|(connection, id)| tombstones::of_record(key, &sites, name_of(connection), id));
        Ok(self.client.map(|client| key.of_client(client)).into_iter().chain(records).collect())
    }
}

/// All who are here and have a tombstone.
pub(super) fn marked(transaction: &Write) -> Result<Vec<Target>, StoreError> {
    let Some(marks) = tombstones::marks(transaction)? else { return Ok(Vec::new()) };
    let names = connection_names(transaction)?;
    let mut records: BTreeMap<(ConnectionNumber, ExternalKey), Option<ClientId>> = BTreeMap::new();
    for entry in transaction.open_table(IDENTITIES)?.scan(..)? {
        let (row, identity) = entry?;
        let row = *row.value();
        if row[6] == RecordKind::Adviser as u8 + 1 {
            continue;
        }
        let (number, id) = place_of(&row);
        let Some(name) = names.get(&number) else { continue };
        if marks.has_record(name, id)? {
            let client = Identity::from_row(identity.value()).client.map(ClientId);
            let known = records.entry((number, id)).or_default();
            *known = known.or(client.filter(|_| row[6] == RecordKind::Client as u8 + 1));
        }
    }
    let mut clients = Vec::new();
    for entry in transaction.open_table(CLIENTS)?.scan(..)? {
        let client = ClientId(uuid_at_end(entry?.0.value()));
        if marks.has_client(client)? {
            clients.push(client);
        }
    }
    drop(marks);
    let mut targets = Vec::new();
    for client in clients {
        records.retain(|_, of| *of != Some(client));
        targets.extend(Target::of(transaction, client)?);
    }
    for (record, client) in records {
        let of_client = client.map(|client| Target::of(transaction, client)).transpose()?.flatten();
        targets.push(of_client.unwrap_or(Target { client, household: None, record, id: None, before: Vec::new() }));
    }
    Ok(targets)
}

fn place_of(row: &RecordKey) -> (ConnectionNumber, ExternalKey) {
    let mut id = [0; 16];
    id.copy_from_slice(&row[7..]);
    (ConnectionNumber(u16::from_be_bytes([row[4], row[5]])), ExternalKey(id))
}

/// Takes away what a store that was made of a backup still says of clients whose rows nobody reads any more. Answers how many
/// they are.
pub(in crate::store) fn tidy_up(transaction: &Write, at: Timestamp) -> Result<usize, StoreError> {
    let mut targets = Vec::new();
    let clients = transaction.open_table(CLIENTS)?;
    for entry in transaction.open_table(IDENTITIES)?.scan(..)? {
        let (row, identity) = entry?;
        let row = *row.value();
        let identity = Identity::from_row(identity.value());
        let client = identity.client.filter(|_| row[6] == RecordKind::Client as u8 + 1);
        let Some(client) = client else { continue };
        if clients.get(&own(client))?.is_none() {
            let before = tombstones::unlinked_from(transaction, ClientId(client))?;
            targets.push((
                Target { client: Some(ClientId(client)), household: None, record: place_of(&row), id: None, before },
                identity,
            ));
        }
    }
    drop(clients);
    for (target, identity) in &targets {
        let mut tallies = tallies(transaction)?;
        tallies.clients = tallies.clients.saturating_sub(u64::from(identity.in_book));
        keep_tallies(transaction, &tallies)?;
        take_away(transaction, target, at)?;
    }
    if targets.is_empty() {
        return Ok(0);
    }
    // Counted anew: some went with them, and some of theirs stay with others.
    let mut households = BTreeSet::new();
    for entry in transaction.open_table(IDENTITIES)?.scan(..)? {
        let (row, identity) = entry?;
        let identity = Identity::from_row(identity.value());
        if row.value()[6] == RecordKind::Client as u8 + 1 && identity.in_book {
            households.extend(identity.household);
        }
    }
    let mut tallies = tallies(transaction)?;
    tallies.households = households.len() as u64;
    keep_tallies(transaction, &tallies)?;
    imports::recount(transaction)?;
    // It is not known any more whom the rows were of that are gone.
    forget_told(transaction, |_| true)?;
    Ok(targets.len())
}

/// Takes all that is kept of somebody away.
pub(super) fn take_away(transaction: &Write, target: &Target, at: Timestamp) -> Result<ErasureCounts, StoreError> {
    let mut counts = ErasureCounts::default();
    let stored = target.client.map(|client| record_of(transaction, client)).transpose()?.flatten();
    if let Some(client) = target.client {
        counts.named_by = partners::naming(transaction, client, target.household, target.record)?;
        leave_book(transaction, client, at)?;
    }
    let mut tallies = tallies(transaction)?;
    for (connection, id) in target.records() {
        for kind in RecordKind::of_clients() {
            remove_record(transaction, kind, &record(connection, kind, id), &mut counts, &mut tallies)?;
        }
    }
    let subjects = target.records().map(|(connection, id)| Subject::record(connection, id));
    subject_keys::forget(transaction, subjects.chain(target.client.map(|client| Subject::client(client.0))))?;
    let connection = target.record.0;
    counts.reviews += remove_reviews(transaction, target)?;
    keep_tallies(transaction, &tallies)?;
    let names = connection_names(transaction)?;
    let practice = ConnectionName::practice();
    let named = names.get(&connection).unwrap_or(&practice);
    let Some(client) = target.client else {
        if let Some(id) = &target.id {
            let person = Person { client: None, email: None, name: "", record: (named, id) };
            counts.import_rows += imports::blank(transaction, &person)?;
        }
        return Ok(counts);
    };
    remove_lists(transaction, client, &mut counts)?;
    transaction.open_table(CLIENTS)?.delete(&own(client.0))?;
    transaction.open_table(MADE_OF)?.delete(&own(client.0))?;
    let been = membership::been_in(transaction, client, target.household)?;
    membership::forget(transaction, client)?;
    let emptied = remove_households(transaction, client, &mut counts)?;
    let alone = membership::without_others(transaction, &been)?;
    holds::forget(transaction, emptied.iter().map(|household| household.0).chain([client.0]), at)?;
    tombstones::forget_links(transaction, client)?;
    let homes = |other| find_household(transaction, other);
    outbox::erase(transaction, (client, target.record.1), (&emptied, &homes), &mut counts)?;
    counts.report_rows += remove_reports(transaction, client)?;
    let named_by = stored.as_ref().map(|stored| NamedBy::of(&stored.client, &stored.former, &stored.last_changes));
    let erased = household_access::Erased { named: named_by.as_ref(), been: &been, alone: &alone };
    counts.reasons = household_access::erase(transaction, &erased, &emptied, at)?;
    // The rows of somebody whose key is gone tell no name to look for.
    let Some(stored) = stored else { return Ok(counts) };
    let name = stored.client.full_name();
    let email = stored.client.email.as_ref().filter(|_| !stored.client.email_is_placeholder);
    let person = Person {
        client: Some(client),
        email: email.map(|email| email.as_str()),
        name: &name,
        record: (named, &stored.client.external_id),
    };
    counts.import_rows += imports::blank(transaction, &person)?;
    forget_told(transaction, |sentence| named_by.as_ref().is_some_and(|named| named.is_told_in(&sentence.into())))?;
    Ok(counts)
}

/// Removes a record of a CRM with all that is known of it.
fn remove_record(
    transaction: &Write,
    kind: RecordKind,
    key: &RecordKey,
    counts: &mut ErasureCounts,
    tallies: &mut BookCounts,
) -> Result<(), StoreError> {
    counts.raw_records += u64::from(transaction.open_table(RAW)?.delete(key)?);
    let mut identities = transaction.open_table(IDENTITIES)?;
    let identity = identities.get(key)?.map(|row| Identity::from_row(row.value()));
    if let Some(identity) = identity {
        identities.delete(key)?;
        if let Some(counted) = tallies.lists.get_mut(&kind) {
            *counted = counted.saturating_sub(u64::from(identity.listed()));
        }
    }
    for (aside, tally) in
        [(Exclusion::Skipped, &mut tallies.skipped), (Exclusion::Quarantined, &mut tallies.quarantined)]
    {
        if transaction.open_table(SET_ASIDE)?.delete(&aside_key(aside, key))? {
            *tally = tally.saturating_sub(1);
            counts.set_aside += 1;
        }
    }
    if transaction.open_table(GONE)?.delete(key)? {
        tallies.not_visible = tallies.not_visible.saturating_sub(1);
    }
    let (first, last) = span::<{ size_of::<UnseenKey>() }>(key);
    transaction.open_table(UNSEEN)?.delete_range(&first..=&last)?;
    emptied::forget(transaction, key)
}

/// Removes the goals and covers of a client, by whatever connection they came.
fn remove_lists(transaction: &Write, client: ClientId, counts: &mut ErasureCounts) -> Result<(), StoreError> {
    for kind in RecordKind::LISTED {
        with_listed!(*kind, Item => { counts.listed += remove_list::<Item>(transaction, client)?; });
    }
    Ok(())
}

fn remove_list<T: StoredItem>(transaction: &Write, client: ClientId) -> Result<u64, StoreError> {
    let (first, last) = span::<{ size_of::<ListKey>() }>(&own(client.0));
    let mut lists = transaction.open_table(T::LISTS)?;
    let mut items: Vec<OwnKey> = Vec::new();
    for entry in lists.scan(&first..=&last)? {
        let list: ListRecord<T> = decode(entry?.1.value())?;
        items.extend(list.items.iter().map(|item| own(item.id)));
    }
    lists.delete_range(&first..=&last)?;
    let mut listed = transaction.open_table(LISTED)?;
    for item in &items {
        listed.delete(item)?;
    }
    Ok(items.len() as u64)
}

/// Removes the entries of the review queue that are of the person, and takes the person out of those of others.
fn remove_reviews(transaction: &Write, target: &Target) -> Result<u64, StoreError> {
    let mut reviews = transaction.open_table(REVIEWS)?;
    let (mut theirs, mut changed) = (Vec::new(), Vec::new());
    for entry in reviews.scan(..)? {
        let (key, row) = entry?;
        let key = *key.value();
        let review: Review = decode(row.value())?;
        if target.is_reviewed_in(&key) || (target.client.is_some() && review.linked_to == target.client) {
            theirs.push(key);
        } else if review.lookalikes.iter().any(|like| Some(like.client_id) == target.client) {
            let mut review = review;
            review.lookalikes.retain(|like| Some(like.client_id) != target.client);
            changed.push((key, encode(&review)?));
        }
    }
    for key in &theirs {
        reviews.delete(key)?;
    }
    for (key, row) in &changed {
        reviews.put(key, row.as_slice())?;
    }
    Ok(theirs.len() as u64)
}

/// Takes a client out of the household's row, and removes households that nobody is left in; answers these.
fn remove_households(
    transaction: &Write,
    client: ClientId,
    counts: &mut ErasureCounts,
) -> Result<Vec<HouseholdId>, StoreError> {
    let mut households = transaction.open_table(HOUSEHOLDS)?;
    let (mut emptied, mut changed) = (Vec::new(), Vec::new());
    for entry in households.scan(..)? {
        let (key, row) = entry?;
        let key = *key.value();
        if let HouseholdRecord::Of { connection, mut members } = decode(row.value())? {
            let before = members.len();
            members.retain(|(_, member)| *member != client.0);
            if members.is_empty() && before > 0 {
                emptied.push(uuid_at_end(&key));
            } else if members.len() < before {
                changed.push((key, encode(&HouseholdRecord::Of { connection, members })?));
            }
        }
    }
    for (key, row) in &changed {
        households.put(key, row.as_slice())?;
    }
    // It leads nowhere from now on, also where a former partner lives elsewhere by now: whoever had access to it has none to
    // theirs, and its id would tell whose partner the person was.
    let gone: Vec<HouseholdId> = emptied.into_iter().map(HouseholdId).collect();
    let mut merged: Vec<OwnKey> = Vec::new();
    for entry in households.scan(..)? {
        let (key, row) = entry?;
        if let HouseholdRecord::MergedInto(to) = decode(row.value())?
            && gone.contains(&HouseholdId(to))
        {
            merged.push(*key.value());
        }
    }
    let mut all = gone.clone();
    for key in merged {
        households.delete(&key)?;
        household_access::forget(transaction, HouseholdId(uuid_at_end(&key)))?;
        all.push(HouseholdId(uuid_at_end(&key)));
    }
    for household in &gone {
        households.delete(&own(household.0))?;
        household_access::forget(transaction, *household)?;
        counts.households += 1;
    }
    Ok(all)
}

/// The household of a client who is in the book.
fn find_household(transaction: &Write, client: ClientId) -> Result<Option<HouseholdId>, StoreError> {
    let identity = find(transaction, client)?.map(|(_, identity)| identity).filter(|identity| identity.in_book);
    Ok(identity.and_then(|identity| identity.household).map(HouseholdId))
}

/// Removes the rows of runs' reports that are of a client.
fn remove_reports(transaction: &Write, client: ClientId) -> Result<u64, StoreError> {
    let mut reports = transaction.open_table(REPORTS)?;
    let mut theirs = Vec::new();
    for entry in reports.scan(..)? {
        let key = *entry?.0.value();
        if uuid_at_end(&key) == client.0 {
            theirs.push(key);
        }
    }
    for key in &theirs {
        reports.delete(key)?;
    }
    Ok(theirs.len() as u64)
}

/// Takes the sentences out of runs that may name a person.
fn forget_told(transaction: &Write, may_name: impl Fn(&str) -> bool) -> Result<(), StoreError> {
    let mut runs = transaction.open_table(RUNS)?;
    let mut changed: Vec<(OwnKey, Vec<u8>)> = Vec::new();
    for entry in runs.scan(..)? {
        let (key, row) = entry?;
        let mut run: Run = decode(row.value())?;
        let told = run.counts.told.len();
        run.counts.told.retain(|sentence| !may_name(sentence));
        let is_named = run.error.take_if(|error| may_name(error)).is_some();
        if is_named {
            run.error = Some("The reason may have named a client who was erased.".to_owned());
        }
        if is_named || run.counts.told.len() < told {
            changed.push((*key.value(), encode(&run)?));
        }
    }
    for (key, row) in &changed {
        runs.put(key, row.as_slice())?;
    }
    Ok(())
}

fn tallies(transaction: &Write) -> Result<BookCounts, StoreError> {
    let stored = transaction.open_table(TALLIES)?;
    let tallies = stored.get(PRACTICE)?.map(|tallies| decode(tallies.value())).transpose()?;
    Ok(tallies.unwrap_or_default())
}

fn keep_tallies(transaction: &Write, tallies: &BookCounts) -> Result<(), StoreError> {
    Ok(transaction.open_table(TALLIES)?.put(PRACTICE, encode(tallies)?.as_slice())?)
}
