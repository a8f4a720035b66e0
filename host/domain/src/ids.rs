//! Names and numbers by which things are known.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// A client of the practice, a UUIDv7; given once, never reused.
    ClientId
}
uuid_id! {
    /// A household of the practice, a UUIDv7.
    HouseholdId
}
uuid_id! {
    /// An item of a client's list, such as a goal or cover, a UUIDv7; the same while it comes and goes in the CRM.
    ItemId
}
uuid_id! {
    /// One run of a connection's sync, a UUIDv7.
    RunId
}
uuid_id! {
    /// An accepted event, a UUIDv7.
    EventId
}
uuid_id! {
    /// A file note on its way to the CRM, a UUIDv7.
    NoteId
}
uuid_id! {
    /// An account of somebody who signs in, a UUIDv7.
    UserId
}
uuid_id! {
    /// A session of somebody who signed in, made of its key in the store.
    SessionId
}
uuid_id! {
    /// An API token, a UUIDv7. It is no secret: the token itself is.
    TokenId
}

uuid_id! {
    /// An identity list that was brought, a UUIDv7.
    ImportId
}
uuid_id! {
    /// A preview of a change of mapping, a UUIDv7.
    PreviewId
}
uuid_id! {
    /// A team, a UUIDv7.
    TeamId
}
uuid_id! {
    /// An access to a household in an emergency, a UUIDv7.
    EmergencyId
}

/// The CRM's id of an entity, as text. Unique within one connection only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExternalId(pub String);

/// The beginning of the text that stands in place of a CRM's id.
const UNLINKED: &str = "practice:";

impl ExternalId {
    /// The id as the CRM writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text in place of the CRM's id for a client who was made in the practice and is not linked to the CRM:
    /// `practice:` and the practice's own id.
    pub fn unlinked(client: ClientId) -> Self {
        Self(format!("{UNLINKED}{client}"))
    }

    /// The practice's own id, where the text stands in place of a CRM's id.
    pub fn unlinked_client(&self) -> Option<ClientId> {
        self.0.strip_prefix(UNLINKED)?.parse().ok()
    }

    /// The CRM's id; none for a client who is not linked to the CRM.
    pub fn in_crm(&self) -> Option<&Self> {
        if self.unlinked_client().is_some() { None } else { Some(self) }
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a connection in the configuration: lower-case letters, digits and hyphens, a letter first, at
/// most 40 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionName(String);

/// The reason why a text is no name that a connection can have.
#[derive(Debug, thiserror::Error)]
pub enum InvalidConnectionName {
    /// The text is no name.
    #[error(
        "`{0}` is no connection name: use lower-case letters, digits and hyphens, a letter first, at most 40 characters"
    )]
    NotPlain(String),
    /// The name is the practice's own.
    #[error("`{PRACTICE}` stands for what is made in the practice itself; choose another name")]
    Practice,
}

/// The name under which the practice itself stands where a connection would.
const PRACTICE: &str = "practice";

impl ConnectionName {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that somebody gives a connection, whichever way it is made: any but the practice's own.
    ///
    /// # Errors
    /// Returns an error if it is no name, or stands for the practice itself.
    pub fn of_connection(given: &str) -> Result<Self, InvalidConnectionName> {
        let name: Self = given.parse()?;
        if name.is_practice() { Err(InvalidConnectionName::Practice) } else { Ok(name) }
    }

    /// The name in place of a connection's for what was made in the practice and came from no CRM. No connection is
    /// given this name ([`Self::of_connection`]).
    pub fn practice() -> Self {
        Self(PRACTICE.to_owned())
    }

    /// Whether it stands for the practice itself, not for a connection.
    pub fn is_practice(&self) -> bool {
        self.0 == PRACTICE
    }
}

impl TryFrom<String> for ConnectionName {
    type Error = InvalidConnectionName;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let is_plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if starts_well && is_plain && text.len() <= 40 {
            Ok(Self(text))
        } else {
            Err(InvalidConnectionName::NotPlain(text))
        }
    }
}

impl FromStr for ConnectionName {
    type Err = InvalidConnectionName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<ConnectionName> for String {
    fn from(name: ConnectionName) -> Self {
        name.0
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A pack revision by the first 12 hex digits of its digest ([`RevisionDigest`]), which stand for one revision in a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RevisionId(pub [u8; 6]);

impl RevisionId {
    /// The revision of what no pack has mapped: a client as the practice made it, or linked and not seen by a sync yet.
    pub const NONE: Self = Self([0; 6]);

    /// The revision, where a pack has mapped the record.
    pub fn of_pack(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}

impl fmt::Display for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<RevisionId> for String {
    fn from(id: RevisionId) -> Self {
        id.to_string()
    }
}

/// A pack revision's whole digest, shown as 64 hex digits. Rows know the revision by its short form; the store knows which
/// whole digest that stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RevisionDigest(pub [u8; 32]);

impl RevisionDigest {
    /// The form that rows have: its first 12 hex digits.
    pub fn short(self) -> RevisionId {
        let [a, b, c, d, e, f, ..] = self.0;
        RevisionId([a, b, c, d, e, f])
    }
}

impl fmt::Display for RevisionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<RevisionDigest> for String {
    fn from(digest: RevisionDigest) -> Self {
        digest.to_string()
    }
}

/// A text that is no revision's whole digest.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no digest of a revision: expected 64 hexadecimal digits")]
pub struct InvalidRevisionDigest(String);

impl TryFrom<String> for RevisionDigest {
    type Error = InvalidRevisionDigest;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        bytes_of(&text).map(Self).ok_or(InvalidRevisionDigest(text))
    }
}

/// A document that file notes carry: BLAKE3 of its name and bytes, shown as 64 hex digits. Both equal are one document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct DocumentId(pub [u8; 32]);

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<DocumentId> for String {
    fn from(id: DocumentId) -> Self {
        id.to_string()
    }
}

/// A text that is no document id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no document: expected 64 hexadecimal digits")]
pub struct InvalidDocumentId(String);

impl FromStr for DocumentId {
    type Err = InvalidDocumentId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        bytes_of(text).map(Self).ok_or_else(|| InvalidDocumentId(text.to_owned()))
    }
}

impl TryFrom<String> for DocumentId {
    type Error = InvalidDocumentId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The bytes that so many pairs of hexadecimal digits stand for.
fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())?;
    }
    Some(bytes)
}

/// A text that is no revision id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no revision: expected 12 hexadecimal digits")]
pub struct InvalidRevisionId(String);

impl TryFrom<String> for RevisionId {
    type Error = InvalidRevisionId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        bytes_of(&text).map(Self).ok_or(InvalidRevisionId(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_who_is_not_linked_has_no_id_in_the_crm() {
        let client = ClientId(Uuid::from_u128(7));
        let unlinked = ExternalId::unlinked(client);
        assert_eq!((unlinked.in_crm(), unlinked.unlinked_client()), (None, Some(client)));
        let linked = ExternalId("48213".to_owned());
        assert_eq!((linked.in_crm(), linked.unlinked_client()), (Some(&linked), None));
    }

    #[test]
    fn a_connection_has_a_plain_name() {
        let check = |text: &str, expected: bool| {
            let name = text.parse::<ConnectionName>();
            assert_eq!(name.is_ok(), expected, "{text}");
            if let Ok(name) = name {
                assert_eq!(
                    (name.as_str(), name.to_string(), String::from(name.clone())),
                    (text, text.into(), text.into())
                );
            }
        };
        for name in ["main", "a", "north-2", "a--b", "z9-", &"a".repeat(40)] {
            check(name, true);
        }
        for none in ["", "Main", "mAin", "2north", "-a", "a_b", "a b", "a.b", "mäin", &"a".repeat(41)] {
            check(none, false);
        }
        let is_practice = |text: &str| text.parse::<ConnectionName>().unwrap().is_practice();
        assert!(ConnectionName::practice().is_practice() && is_practice("practice"));
        assert!(!is_practice("main") && !is_practice("practices"));
        let given =
            |text: &str| ConnectionName::of_connection(text).map(String::from).map_err(|error| error.to_string());
        assert_eq!(given("practices"), Ok("practices".to_owned()));
        assert!(given("practice").unwrap_err().contains("choose another name"));
        assert!(given("Practice").unwrap_err().contains("lower-case letters"));
    }

    #[test]
    fn a_revision_is_twelve_hexadecimal_digits() {
        let revision = RevisionId([0x0a, 0x1b, 0xff, 0, 0x40, 0x09]);
        assert_eq!(revision.to_string(), "0a1bff004009");
        assert_eq!(serde_json::to_value(revision).unwrap(), "0a1bff004009");
        let check = |text: &str, expected: Option<RevisionId>| {
            assert_eq!(RevisionId::try_from(text.to_owned()).ok(), expected, "{text}");
        };
        check("0a1bff004009", Some(revision));
        check("0A1BFF004009", Some(revision));
        for none in ["", "0a1bff00400", "0a1bff0040091", "0a1bff00400g", "+a1bff004009", "0a1bff00400ä"] {
            check(none, None);
        }
        assert_eq!((revision.of_pack(), RevisionId::NONE.of_pack()), (Some(revision), None));
    }

    #[test]
    fn a_digest_is_sixty_four_hexadecimal_digits() {
        let bytes = std::array::from_fn(|at| at as u8 * 8);
        let text: String = (0..32).map(|at| format!("{:02x}", at * 8)).collect();
        let digest = RevisionDigest(bytes);
        assert_eq!((digest.to_string(), String::from(digest)), (text.clone(), text.clone()));
        assert_eq!(digest.short().to_string(), text[..12]);
        let document = DocumentId(bytes);
        assert_eq!((document.to_string(), String::from(document)), (text.clone(), text.clone()));
        assert_eq!(text.parse::<DocumentId>().ok(), Some(document));
        for none in ["", &text[..62], &format!("{text}00"), &text.replace("08", "0x")] {
            assert!(none.parse::<DocumentId>().is_err(), "{none}");
        }
    }
}
