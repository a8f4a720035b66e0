//! Privacy: what is kept of people, where and for how long; taking a person's data away, and keeping it away.
//!
//! The CRM is the master of its clients. Erasing one takes the copy here away and keeps it away; what the CRM has is for
//! the practice to erase there. Nobody is erased without a person's word.

mod named;
pub mod register;
pub mod retention;

pub use named::{NamedBy, Text};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{ClientId, ConnectionName, ExternalId, HouseholdId, UserId};
use crate::record::RecordKind;
use crate::stored::StoredClient;
use crate::text::sentence;
use crate::value::Timestamp;

impl StoredClient {
    /// Whether a legal hold is about the client: by themselves, or by their household.
    pub fn is_under(&self, hold: &LegalHold) -> bool {
        [HeldSubject::Client(self.id), HeldSubject::Household(self.household_id)].contains(&hold.subject)
    }

    /// The sentences about what an erasure here, which takes this away, leaves to do elsewhere. `others` are the clients of
    /// [`ErasureCounts::named_by`]; one who is not of this client's household is not named.
    pub fn left_to_do(&self, counts: &ErasureCounts, others: &[Self]) -> String {
        let mut sentences = vec![match self.crm_id() {
            Some(id) => format!(
                "The CRM of the connection {} still has the client {id}, with the file notes that it took (a CRM by files: \
                 in its outbound folder): erase both there.",
                self.origin.connection
            ),
            None => {
                "The client is linked to no CRM. Where they were linked to one before, it may still have the record: \
                     erase it there."
                    .to_owned()
            }
        }];
        if counts.shared_notes > 0 {
            let notes = "File notes that are about somebody else, too, stay with that client and may name this one: read \
                            them, here and in the CRM.";
            sentences.push(notes.to_owned());
        }
        if counts.shared_documents > 0 {
            let documents = "Documents that went with file notes of somebody else, too, stay with those and may name this client: \
                             read them, here and in the CRM.";
            sentences.push(documents.to_owned());
        }
        sentences.extend(counts.named_by.iter().map(|naming| {
            let other = others.iter().find(|other| other.id == naming.client);
            naming.in_words(other.filter(|other| other.household_id == self.household_id))
        }));
        sentences.push(LEFT_IN_COPIES.to_owned());
        sentences.join(" ")
    }
}

impl Naming {
    /// The sentences about what stays with the other client, who is named where `other` is they.
    fn in_words(&self, other: Option<&StoredClient>) -> String {
        let name = other.map(|other| other.client.full_name()).filter(|name| !name.is_empty());
        let whose = name.map_or_else(|| "another client’s".to_owned(), |name| format!("{name}’s"));
        let mut sentences = Vec::new();
        if self.as_partner {
            sentences.push(sentence(&format!("{whose} record still names this client as partner.")));
        }
        if self.items > 0 {
            let kinds = RecordKind::LISTED.iter().map(|kind| kind.plural()).collect::<Vec<_>>().join(" and ");
            let (items, name) = (self.items, if self.items == 1 { "names" } else { "name" });
            sentences.push(format!(
                "{items} of {whose} {kinds} still {name} this client as owner: as the partner, or jointly."
            ));
        }
        sentences.push(sentence(&format!("{whose} record stays as it is.")));
        if other.is_none_or(|other| other.crm_id().is_some()) {
            sentences.push("Change it in the CRM if it should no longer name this one.".to_owned());
        }
        sentences.join(" ")
    }
}

const LEFT_IN_COPIES: &str = "Backups that this host made forget the client with the keys beside them: copy that file elsewhere, replacing \
                              the previous copy. Other copies of the data folder, and the copies of the store (`….format-…`) that an \
                              upgrade left in it, have the data until they are thrown away.";

/// The sentences about what the erasure of a record that is no client leaves to do elsewhere.
pub fn left_to_do_of_record(connection: &ConnectionName, id: &ExternalId) -> String {
    format!(
        "The CRM of the connection {connection} still has the client {id}: erase it there. Reasons of access and of legal holds \
         that name the person stay here: look for them. {LEFT_IN_COPIES}"
    )
}

/// The reason for an erasure, or for lifting one. One of a few, so that no name gets into what is kept of it for good.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureReason {
    /// The person asked for it.
    Asked,
    /// The data was kept as long as it has to be.
    RetentionOver,
    /// The data should never have been here.
    Mistake,
    /// The practice takes the person on, again.
    ClientAgain,
}

impl ErasureReason {
    /// The reasons for an erasure.
    pub const TO_ERASE: [Self; 3] = [Self::Asked, Self::RetentionOver, Self::Mistake];
    /// The reasons for lifting one.
    pub const TO_LIFT: [Self; 2] = [Self::ClientAgain, Self::Mistake];

    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::RetentionOver => "retention_over",
            Self::Mistake => "mistake",
            Self::ClientAgain => "client_again",
        }
    }

    /// The reason for a person.
    pub fn label(self) -> &'static str {
        match self {
            Self::Asked => "The person asked for it",
            Self::RetentionOver => "Kept as long as it has to be",
            Self::Mistake => "A mistake",
            Self::ClientAgain => "A client of the practice again",
        }
    }

    /// The reason, among these, that programs know by this word.
    pub fn among(reasons: &[Self], word: &str) -> Option<Self> {
        reasons.iter().copied().find(|reason| reason.as_str() == word)
    }
}

/// The mark by which an erased person, or a record of theirs in a CRM, is known again: a keyed hash. Who has the key, which is
/// kept beside it, can try ids one after the other; nobody reads anything else out of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tombstone(pub [u8; 32]);

/// An erasure, or the lifting of one, as it is kept for good. It has no personal data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Erasure {
    /// Its number; they go up by one from 1.
    pub number: u64,
    /// The moment of it.
    pub at: Timestamp,
    /// The name, at that time, of the one whose word it was.
    pub by: String,
    /// Their account; none where it was nobody's, such as a command's on the machine, and of an earlier time.
    pub by_account: Option<UserId>,
    /// The reason.
    pub reason: ErasureReason,
    /// What was done.
    pub act: ErasureAct,
}

impl Erasure {
    /// Whether it is the same entry as another: an earlier version keeps it without the account.
    pub fn is_same(&self, other: &Self) -> bool {
        let is_one =
            |(one, other): (&Option<UserId>, &Option<UserId>)| one.is_none() || other.is_none() || one == other;
        let parts = |of: &Self| (of.number, of.at, of.reason);
        parts(self) == parts(other)
            && (&self.by, &self.act) == (&other.by, &other.act)
            && is_one((&self.by_account, &other.by_account))
    }
}

/// What an entry of the erasures did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ErasureAct {
    /// A person was erased, and is kept away.
    Erased {
        /// The tombstones of the person's own id and of their records in CRMs.
        tombstones: Vec<Tombstone>,
    },
    /// A person may come again.
    Lifted {
        /// The number of the erasure.
        erasure: u64,
    },
}

/// Another client whose record names somebody who is erased, and stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Naming {
    /// The other client.
    pub client: ClientId,
    /// Whether the other's record names the person as partner.
    pub as_partner: bool,
    /// The number of the other's goals and covers that the partner owns, alone or jointly.
    pub items: u64,
}

/// What an erasure takes away, and what stays: numbers alone, and ids of others.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct ErasureCounts {
    /// The number of raw records of the CRM.
    pub raw_records: u64,
    /// The number of goals and covers.
    pub listed: u64,
    /// The number of file notes that are of this person alone.
    pub notes: u64,
    /// The number, among those, that the CRM has not taken: they are never sent.
    pub notes_not_sent: u64,
    /// The number, among those, of which it is not known whether the CRM took them.
    pub notes_in_doubt: u64,
    /// The number of file notes that the CRM has, of this person alone. They stay there.
    pub notes_in_crm: u64,
    /// The number of file notes that are somebody else's too: they stay with that one, and may name this person.
    pub shared_notes: u64,
    /// The number, among those, that were not sent: they are ended, and never sent.
    pub shared_notes_ended: u64,
    /// The number of documents.
    pub documents: u64,
    /// The number of documents that went with somebody else's file notes, too: they stay with those, and may name this person.
    pub shared_documents: u64,
    /// The number of rows in the reports of runs.
    pub report_rows: u64,
    /// The number of rows of identity lists, which are blanked.
    pub import_rows: u64,
    /// The number of entries in the review queue.
    pub reviews: u64,
    /// The number of records in quarantine or left out by a rule.
    pub set_aside: u64,
    /// The number of households that nobody is left in.
    pub households: u64,
    /// The households that others are in, too, with the number of their reasons of access that name the person: these texts go.
    pub reasons: BTreeMap<HouseholdId, u64>,
    /// The others whose records name the person. They stay as they are.
    pub named_by: Vec<Naming>,
}

impl ErasureCounts {
    /// The number of others' goals and covers that name the person as owner.
    pub fn partner_items(&self) -> u64 {
        self.named_by.iter().map(|naming| naming.items).sum()
    }

    /// The number of others who name the person as partner.
    pub fn partner_records(&self) -> u64 {
        self.named_by.iter().filter(|naming| naming.as_partner).count() as u64
    }
}

/// The reason why nobody was erased, or nothing lifted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such client.
    #[error("there is no client {0}")]
    Unknown(ClientId),
    /// A legal hold is on the client or the household.
    #[error("a legal hold of {} is on them", .0.by)]
    Held(LegalHold),
    /// A file note of theirs is on its way to the CRM at this moment.
    #[error("a file note of theirs is being sent at this moment")]
    IsSending,
    /// A record of a CRM that looks like them, or is theirs, waits for a person to decide.
    #[error("a record that may be theirs waits in the review queue")]
    AwaitsReview,
    /// There is no such record of a CRM.
    #[error("the connection {0} has brought no client {1}")]
    NoRecord(ConnectionName, ExternalId),
    /// The record is a client's, who is erased as a whole.
    #[error("the record is the client {0}")]
    IsClient(ClientId),
    /// There is no such erasure in force.
    #[error("there is no erasure {0} in force")]
    NotErased(u64),
}

/// The one who is erased.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ErasureOf {
    /// A client.
    Client(ClientId),
    /// A record of a CRM that is no client here: in quarantine, or left out by a rule.
    Record(ConnectionName, ExternalId),
}

impl From<ClientId> for ErasureOf {
    fn from(client: ClientId) -> Self {
        Self::Client(client)
    }
}

/// The one on whom a legal hold is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldSubject {
    /// A client alone.
    Client(ClientId),
    /// A household, with everybody who is in it.
    Household(HouseholdId),
}

impl HeldSubject {
    /// Its id.
    pub fn id(self) -> Uuid {
        match self {
            Self::Client(ClientId(id)) | Self::Household(HouseholdId(id)) => id,
        }
    }
}

/// A legal hold: nothing of its subject is erased while it lasts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LegalHold {
    /// The one on whom it is.
    pub subject: HeldSubject,
    /// The reason, in the words of the one who placed it.
    pub reason: String,
    /// The name, at that time, of the one who placed it.
    pub by: String,
    /// Their account; none where it was nobody's, such as a command's on the machine, and of an earlier time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_account: Option<UserId>,
    /// The moment since which it is on.
    pub since: Timestamp,
    /// The moment at which it ends by itself; none where a person has to release it.
    pub until: Option<Timestamp>,
}

impl LegalHold {
    /// Whether it is on at a moment.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it ends before another one would.
    pub fn ends_before(&self, other: Option<Timestamp>) -> bool {
        self.until.is_some_and(|until| other.is_none_or(|other| until < other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_the_same_without_the_account_of_an_earlier_version_and_with_no_other() {
        let erasure = |by_account| Erasure {
            number: 1,
            at: Timestamp::UNIX_EPOCH,
            by: "Kim Osei".to_owned(),
            by_account,
            reason: ErasureReason::Asked,
            act: ErasureAct::Lifted { erasure: 7 },
        };
        let [one, other] = [1, 2].map(|id| erasure(Some(UserId(Uuid::from_u128(id)))));
        assert!(one.is_same(&one) && one.is_same(&erasure(None)) && erasure(None).is_same(&other));
        assert!(!one.is_same(&other));
        assert!(!one.is_same(&Erasure { number: 2, ..one.clone() }));
        assert!(!one.is_same(&Erasure { act: ErasureAct::Lifted { erasure: 8 }, ..one.clone() }));
    }

    #[test]
    fn a_reason_is_one_of_those_for_what_is_asked() {
        for reason in ErasureReason::TO_ERASE {
            assert_eq!(ErasureReason::among(&ErasureReason::TO_ERASE, reason.as_str()), Some(reason));
        }
        assert_eq!(ErasureReason::among(&ErasureReason::TO_ERASE, "client_again"), None);
        assert_eq!(ErasureReason::among(&ErasureReason::TO_LIFT, "asked"), None);
        assert_eq!(ErasureReason::among(&ErasureReason::TO_LIFT, "mistake"), Some(ErasureReason::Mistake));
    }

    #[test]
    fn a_hold_lasts_until_its_end_or_until_it_is_released() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let hold = |until| LegalHold {
            by_account: None,
            subject: HeldSubject::Client(ClientId(Uuid::nil())),
            reason: "A complaint".to_owned(),
            by: "Kim Osei".to_owned(),
            since: at(1),
            until,
        };
        assert!(hold(None).is_on(Timestamp::MAX) && hold(Some(at(9))).is_on(at(8)));
        assert!(!hold(Some(at(9))).is_on(at(9)));
        assert!(hold(Some(at(9))).ends_before(None) && hold(Some(at(9))).ends_before(Some(at(10))));
        assert!(!hold(None).ends_before(None) && !hold(None).ends_before(Some(at(9))));
        assert!(!hold(Some(at(9))).ends_before(Some(at(9))));
    }
}
