//! Identities: what is known of each record of a CRM without reading it, enough to skip it when it is unchanged, and to
//! see who is linked to whom.

use uuid::Uuid;

use super::keys::ExternalKey;
use crate::domain::{Date, RecordKind, RevisionId};
use crate::store::tables::IdentityRow;

/// The identity of a record of a CRM: what is known of it without reading it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Identity {
    /// Whether the client or adviser is in the book.
    pub in_book: bool,
    /// Whether the review queue keeps it out of the book.
    pub is_held: bool,
    /// The reason for its entry among the records that were set aside, if it has one.
    pub set_aside: Option<Exclusion>,
    /// The CRM calls the client the partner, not the primary client.
    pub is_partner: bool,
    /// Whether a list, as it was read last, proves that something is missing that is kept and not marked as gone.
    pub has_unseen: bool,
    /// The practice's id of the client, kept for good once it was given.
    pub client: Option<Uuid>,
    /// The household that the client is in, or was in last. A list has how much stands in it in this place.
    pub household: Option<Uuid>,
    /// The partner whom the client names, while in the book.
    pub partner: Option<ExternalKey>,
    /// The content version of the record when it was mapped last.
    pub content_version: ContentVersion,
}

/// The reason why a record was set aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exclusion {
    /// The record is left out by a rule.
    Skipped,
    /// The record cannot be used.
    Quarantined,
}

/// Same content, same revision, same day where the mapping reads the day: same outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ContentVersion([u8; 26]);

impl ContentVersion {
    /// The version that no record of a CRM has: whatever a walk sees next is something else, and is mapped.
    pub const NEVER: Self = Self([0; 26]);

    /// A record as the CRM gave it and by what it was mapped; `as_of` only where the mapping reads it.
    pub fn new(fingerprint: u128, revision: RevisionId, as_of: Option<Date>) -> Self {
        let day =
            as_of.map_or(0, |day| i32::from(day.year()) * 10_000 + i32::from(day.month()) * 100 + i32::from(day.day()));
        Self(super::keys::join([&fingerprint.to_be_bytes(), &revision.0, &day.to_be_bytes()]))
    }

    /// The fingerprint of the content, and the revision that mapped it.
    pub fn parts(&self) -> (u128, RevisionId) {
        let (mut fingerprint, mut revision) = ([0; 16], [0; 6]);
        fingerprint.copy_from_slice(&self.0[..16]);
        revision.copy_from_slice(&self.0[16..22]);
        (u128::from_be_bytes(fingerprint), RevisionId(revision))
    }

    /// Whether the record was mapped by this revision, and for this day where the mapping reads it.
    pub fn is_by(&self, revision: RevisionId, as_of: Option<Date>) -> bool {
        *self == Self::new(self.parts().0, revision, as_of)
    }
}

/// The sync state of a record: what is known of it before it is mapped.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SyncState {
    /// Whether it was seen before.
    pub is_known: bool,
    /// Whether it was mapped with the same content by the same: it needs no mapping again.
    pub is_same: bool,
    /// Whether it is in the book.
    pub in_book: bool,
    /// The number of goals or covers that stand in a list; of other records, zero.
    pub listed: u32,
    /// Whether a list, when it was read last, did not show all that is kept of it. Another walk that finds it as it was
    /// is the second to miss them.
    pub has_unseen: bool,
}

const IN_BOOK: u8 = 1;
const LEFT_OUT: u8 = 2;
const QUARANTINED: u8 = 4;
const IS_PARTNER: u8 = 8;
const IS_HELD: u8 = 16;
const HAS_UNSEEN: u8 = 32;

impl Identity {
    /// The identity of a record that was never seen before.
    pub fn new(content_version: ContentVersion) -> Self {
        let (client, household, partner) = (None, None, None);
        let (in_book, is_held, set_aside, is_partner, has_unseen) = (false, false, None, false, false);
        Self { in_book, is_held, set_aside, is_partner, has_unseen, client, household, partner, content_version }
    }

    /// Whether a stored row's client is in the book.
    pub fn is_in_book(row: &IdentityRow) -> bool {
        row[26] & IN_BOOK != 0
    }

    /// The row, as it is stored.
    pub fn to_row(&self) -> IdentityRow {
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = flag(self.in_book, IN_BOOK)
            | flag(self.set_aside == Some(Exclusion::Skipped), LEFT_OUT)
            | flag(self.set_aside == Some(Exclusion::Quarantined), QUARANTINED)
            | flag(self.is_partner, IS_PARTNER)
            | flag(self.is_held, IS_HELD)
            | flag(self.has_unseen, HAS_UNSEEN);
        let (client, household) = (self.client.unwrap_or_default(), self.household.unwrap_or_default());
        // No key is all ones: hashed ones are, with a chance of one in 2^127.
        let partner = self.partner.map_or([0xff; 16], |partner| partner.0);
        super::keys::join([&self.content_version.0, &[flags], client.as_bytes(), household.as_bytes(), &partner])
    }

    /// The identity, from the row as it was stored.
    pub fn from_row(row: &IdentityRow) -> Self {
        let bytes = |from: usize| {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&row[from..from + 16]);
            bytes
        };
        let uuid = |from: usize| Some(Uuid::from_bytes(bytes(from))).filter(|uuid| !uuid.is_nil());
        let mut content_version = [0; 26];
        content_version.copy_from_slice(&row[..26]);
        let flags = row[26];
        let set_aside = match (flags & LEFT_OUT != 0, flags & QUARANTINED != 0) {
            (_, true) => Some(Exclusion::Quarantined),
            (true, false) => Some(Exclusion::Skipped),
            (false, false) => None,
        };
        Self {
            in_book: flags & IN_BOOK != 0,
            is_held: flags & IS_HELD != 0,
            set_aside,
            is_partner: flags & IS_PARTNER != 0,
            has_unseen: flags & HAS_UNSEEN != 0,
            client: uuid(27),
            household: uuid(43),
            partner: Some(bytes(59)).filter(|bytes| *bytes != [0xff; 16]).map(ExternalKey),
            content_version: ContentVersion(content_version),
        }
    }
}

impl Identity {
    /// The identity of a client's list in which so many goals or covers stand: what an unchanged one holds is counted
    /// unread.
    pub fn with_listed(self, listed: u32) -> Self {
        Self { household: Some(Uuid::from_u128(listed.into())), ..self }
    }

    /// The number of goals or covers that stand in the list.
    pub fn listed(&self) -> u32 {
        self.household.map_or(0, |listed| listed.as_u128() as u32)
    }
}

/// The sync state of a record that comes now, by its stored row.
pub(super) fn known_by(row: &IdentityRow, kind: RecordKind, now: &ContentVersion) -> SyncState {
    let listed = if kind.is_listed() { Identity::from_row(row).listed() } else { 0 };
    let (in_book, has_unseen) = (row[26] & IN_BOOK != 0, row[26] & HAS_UNSEEN != 0);
    SyncState { is_known: true, is_same: row[..26] == now.0, in_book, listed, has_unseen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_reads_back() {
        let content_version =
            ContentVersion::new(7, RevisionId([1, 2, 3, 4, 5, 6]), Some(jiff::civil::date(2026, 2, 3)));
        let empty = Identity::new(content_version);
        let full = Identity {
            in_book: true,
            is_held: true,
            set_aside: Some(Exclusion::Quarantined),
            is_partner: true,
            has_unseen: true,
            client: Some(Uuid::from_u128(8)),
            household: Some(Uuid::from_u128(9)),
            partner: Some(ExternalKey([3; 16])),
            content_version,
        };
        let left_out = Identity { set_aside: Some(Exclusion::Skipped), ..Identity::new(empty.content_version) };
        for identity in [empty, full, left_out] {
            assert_eq!(Identity::from_row(&identity.to_row()), identity);
        }
    }

    #[test]
    fn content_revision_and_day_tell_records_apart() {
        let revision = RevisionId([1; 6]);
        let day = Some(jiff::civil::date(2026, 2, 3));
        let row = Identity::new(ContentVersion::new(7, revision, day)).to_row();
        let is_same = |now: ContentVersion| known_by(&row, RecordKind::Client, &now).is_same;
        let check = |now: ContentVersion, expected: bool| assert_eq!(is_same(now), expected, "{now:?}");
        check(ContentVersion::new(7, revision, day), true);
        check(ContentVersion::new(8, revision, day), false);
        check(ContentVersion::new(7, RevisionId([2; 6]), day), false);
        check(ContentVersion::new(7, revision, Some(jiff::civil::date(2026, 2, 4))), false);
        check(ContentVersion::new(7, revision, None), false);
    }
}
