//! Keys: binary, of fixed width, the practice first.

use uuid::Uuid;

use crate::domain::{ExternalId, RecordKind};

/// The practice of this host. A store may hold several one day; until then all keys begin with this one.
pub(super) const PRACTICE: u32 = 1;

/// The number by which the store knows a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct ConnectionNumber(pub u16);

impl ConnectionNumber {
    /// The number in place of a connection's for clients made in the practice whose household has nobody of a CRM.
    pub const PRACTICE: Self = Self(0);
}

/// A CRM's id in 16 bytes. Plain decimal numbers keep their order, so that a walk in the order of ids writes the
/// tables from one end to the other; all other ids are hashed. What stands in place of the id of a client who is not
/// linked to a CRM comes after them all: the client's own id, its highest bits set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct ExternalKey(pub [u8; 16]);

const HASHED: u128 = 0b10 << 126;
const UNLINKED: u128 = 0b11 << 126;

impl ExternalKey {
    /// The key of a client who is not linked to a CRM. No walk ever sees it.
    pub fn unlinked(client: Uuid) -> Self {
        // The highest bits of a UUIDv7 are those of its time, and are zero for some thousand years.
        Self((client.as_u128() | UNLINKED).to_be_bytes())
    }

    /// The number that it stands for, where the id is a plain decimal number.
    pub fn as_number(self) -> Option<u64> {
        u64::try_from(u128::from_be_bytes(self.0)).ok()
    }

    /// Whether it stands in place of a CRM's id.
    pub fn is_unlinked(self) -> bool {
        self.0[0] >= 0b1100_0000
    }
}

impl From<&ExternalId> for ExternalKey {
    fn from(id: &ExternalId) -> Self {
        if let Some(client) = id.unlinked_client() {
            return Self::unlinked(client.0);
        }
        let text = id.as_str();
        let is_plain = (1..=18).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'));
        let number = is_plain.then(|| text.parse::<u64>().ok()).flatten().map(u128::from);
        let key = number.unwrap_or_else(|| xxhash_rust::xxh3::xxh3_128(text.as_bytes()) & !UNLINKED | HASHED);
        Self(key.to_be_bytes())
    }
}

/// The key of one record of one connection.
pub(super) type RecordKey = [u8; 23];

/// The key of a record.
pub(super) fn record(connection: ConnectionNumber, kind: RecordKind, id: ExternalKey) -> RecordKey {
    join([&PRACTICE.to_be_bytes(), &connection.0.to_be_bytes(), &[kind as u8 + 1], &id.0])
}

/// A practice's own id, such as a client's or a run's.
pub(super) type OwnKey = [u8; 20];

/// The key of what has an id of its own.
pub(super) fn own(id: Uuid) -> OwnKey {
    join([&PRACTICE.to_be_bytes(), id.as_bytes()])
}

/// The number of bytes of a folded name that an entry holds; longer names are told apart by the record.
pub(super) const NAME_BYTES: usize = 20;

/// `practice · slot · name · client`.
pub(super) type NameKey = [u8; 4 + 1 + NAME_BYTES + 16];

/// `practice · slot · hash of the address or number · connection · CRM id`.
pub(super) type ContactKey = [u8; 4 + 1 + 8 + 2 + 16];

/// `practice · slot · hash · client`.
pub(super) type LookKey = [u8; 4 + 1 + 8 + 16];

/// `practice · connection · who is named · who names`.
pub(super) type NamingKey = [u8; 4 + 2 + 16 + 16];

/// `practice · side · client or household · until, in milliseconds since 1970 · the other of the two`.
pub(super) type MembershipKey = [u8; 4 + 1 + 16 + 8 + 16];

/// `practice · run · what was done · kind of record · goal or cover, or nothing · client`.
pub(super) type ReportKey = [u8; 4 + 16 + 1 + 1 + 16 + 16];

/// `practice · state · connection · CRM id`.
pub(super) type ReviewKey = [u8; 23];

/// The key of the list's record, and the goal's or cover's own id.
pub(super) type UnseenKey = [u8; size_of::<RecordKey>() + 16];

/// `practice · quarantined · connection · kind · CRM id`.
pub(super) type AsideKey = [u8; 24];

/// `practice · client · connection`: what stands in the lists of a client goes with the client.
pub type ListKey = [u8; 22];

/// The key of a client's list by a connection.
pub(super) fn list_key(client: Uuid, connection: ConnectionNumber) -> ListKey {
    join([&own(client), &connection.0.to_be_bytes()])
}

/// The first and the last key that a client of a connection can have.
pub(super) fn clients_of(connection: ConnectionNumber) -> (RecordKey, RecordKey) {
    span(&record(connection, RecordKind::Client, ExternalKey([0; 16]))[..7])
}

/// The id that a key ends with.
pub(super) fn uuid_at_end(key: &[u8]) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&key[key.len() - 16..]);
    Uuid::from_bytes(bytes)
}

/// Puts the parts of a key together; they fill it.
pub(super) fn join<const N: usize, const PARTS: usize>(parts: [&[u8]; PARTS]) -> [u8; N] {
    let mut key = [0; N];
    let mut at = 0;
    for part in parts {
        key[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    debug_assert_eq!(at, N, "the parts fill the key");
    key
}

/// The first and the last key that begin with `prefix`.
pub(super) fn span<const N: usize>(prefix: &[u8]) -> ([u8; N], [u8; N]) {
    let (mut first, mut last) = ([0; N], [0xff; N]);
    first[..prefix.len()].copy_from_slice(prefix);
    last[..prefix.len()].copy_from_slice(prefix);
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_order_and_nothing_else_looks_like_one() {
        let key = |text: &str| ExternalKey::from(&ExternalId(text.to_owned()));
        let numbers = ["0", "9", "10", "4711", "999999999999999999"];
        assert!(numbers.is_sorted_by_key(|text| key(text)));
        for odd in ["", "007", "1a", "1000000000000000000", "-1", "٣"] {
            assert!(key(odd) > key(numbers[4]), "{odd}");
        }
        assert_ne!(key("7"), key("07"));
        let unlinked = key("practice:0197a000-0000-7000-8000-000000000001");
        assert!(unlinked.is_unlinked() && unlinked > key("a"));
        assert!(!["7", "07", "a", "practice:7"].iter().any(|text| key(text).is_unlinked()));
    }

    #[test]
    fn a_span_holds_what_begins_with_its_prefix() {
        let (first, last) = span::<4>(b"ab");
        assert!((first..=last).contains(b"abzz") && !(first..=last).contains(b"acaa"));
    }
}
