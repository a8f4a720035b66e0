//! Records as the practice keeps them: the canonical values with their identity, household and origin.

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::edit::{LocalEdit, Overridden};
use crate::history::{FormerValue, LastChange};
use crate::ids::{ClientId, ConnectionName, ExternalId, HouseholdId, RevisionId, RunId};
use crate::listed::Listed;
use crate::record::{Adviser, Client, ListItem, RecordKind};
use crate::value::Timestamp;

/// The origin of a record of a CRM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// The connection that supplies it; [`ConnectionName::practice`] for what was made in the practice.
    pub connection: ConnectionName,
    /// The pack revision that mapped it; [`RevisionId::NONE`] for what no sync has brought yet.
    pub revision: RevisionId,
    /// The moment at which its values last changed here.
    pub changed_at: Timestamp,
}

/// A client as the practice keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredClient {
    /// The practice's own id, a UUIDv7.
    pub id: ClientId,
    /// The household it belongs to; every client has one.
    pub household_id: HouseholdId,
    /// The values.
    pub client: Client,
    /// The origin of the values.
    pub origin: Origin,
    /// The mapping's diagnostics about it.
    pub diagnostics: Vec<Diagnostic>,
    /// The moment since which the CRM no longer shows it; none while it does.
    pub not_visible_since: Option<Timestamp>,
    /// The edits that people made here and the CRM has not overridden yet.
    pub edits: Vec<LocalEdit>,
    /// The latest edits that the CRM overrode, the newest first.
    pub overridden: Vec<Overridden>,
    /// The last change of each field that changed since the client came, the newest first.
    pub last_changes: Vec<LastChange>,
    /// What the client was known by before, the latest last.
    #[serde(default)]
    pub former: Vec<FormerValue>,
}

/// Somebody who was in a household, or a household somebody was in, and until when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Membership {
    /// The client.
    pub client_id: ClientId,
    /// The household.
    pub household_id: HouseholdId,
    /// The moment until which the client was in the household; none for where the client is now.
    pub until: Option<Timestamp>,
}

/// A goal or cover as the practice keeps it: with the client in whose list it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredListed<T: ListItem> {
    /// The client in whose list it stands; owners are told as seen from this client.
    pub client_id: ClientId,
    /// The client's household.
    pub household_id: HouseholdId,
    /// The connection that supplies it.
    pub connection: ConnectionName,
    /// The revision that mapped the list.
    pub revision: RevisionId,
    /// The goal or cover itself.
    pub listed: Listed<T>,
    /// The CRM's list did not show it when it was read last; it is taken for gone when two complete walks in a row have
    /// missed it.
    pub is_missed: bool,
}

impl StoredClient {
    /// The client's id in the CRM; none where the client was made in the practice and is not linked to the CRM.
    pub fn crm_id(&self) -> Option<&ExternalId> {
        self.client.external_id.in_crm()
    }
}

/// A member's place in the household.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HouseholdRole {
    /// The primary client.
    Cfo,
    /// The partner.
    NonCfo,
}

/// One person of a household.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Member {
    /// The client.
    pub client_id: ClientId,
    /// The client's id in the CRM, or what stands in its place ([`ExternalId::in_crm`]).
    pub external_id: ExternalId,
    /// The place.
    pub role: HouseholdRole,
}

/// A client, or a client and the partner whom the CRM links.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Household {
    /// The household's id.
    pub id: HouseholdId,
    /// The name for people: `Ayda Khan & Sam Khan`.
    pub name: String,
    /// One or two members, the CFO first.
    pub members: Vec<Member>,
    /// The CRM's adviser of the CFO, whose professional answers for the household.
    pub adviser_external_id: Option<ExternalId>,
    /// The connection whose clients these are; [`ConnectionName::practice`] where none of them is linked to a CRM.
    pub connection: ConnectionName,
    /// Diagnostics about what is in doubt, such as a link that only one side has.
    pub diagnostics: Vec<Diagnostic>,
}

/// An adviser as the practice keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredAdviser {
    /// The values.
    pub adviser: Adviser,
    /// The origin of the values.
    pub origin: Origin,
    /// The mapping's diagnostics about it.
    pub diagnostics: Vec<Diagnostic>,
}

/// A raw record that could not be used, or that a rule left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExcludedRecord {
    /// The connection that supplied it.
    pub connection: ConnectionName,
    /// The kind of record that it would have been.
    pub kind: RecordKind,
    /// Its id in the CRM.
    pub external_id: ExternalId,
    /// Whether it cannot be used (quarantine); else a rule left it out on purpose.
    pub quarantined: bool,
    /// The diagnostics that say why it was left out or quarantined.
    pub diagnostics: Vec<Diagnostic>,
    /// The revision that said so.
    pub revision: RevisionId,
    /// The run that found it first.
    pub run: RunId,
    /// The moment at which that run found it so.
    pub since: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ClientStatus;

    #[test]
    fn a_client_of_the_practice_has_no_id_in_the_crm() {
        let stored = |external_id: ExternalId| StoredClient {
            id: ClientId(uuid::Uuid::from_u128(7)),
            household_id: HouseholdId(uuid::Uuid::from_u128(8)),
            client: Client::unnamed(external_id, ClientStatus::Client),
            origin: Origin {
                connection: ConnectionName::practice(),
                revision: RevisionId::NONE,
                changed_at: Timestamp::UNIX_EPOCH,
            },
            diagnostics: Vec::new(),
            not_visible_since: None,
            edits: Vec::new(),
            overridden: Vec::new(),
            last_changes: Vec::new(),
            former: Vec::new(),
        };
        let linked = ExternalId("48213".to_owned());
        assert_eq!(stored(linked.clone()).crm_id(), Some(&linked));
        assert_eq!(stored(ExternalId::unlinked(ClientId(uuid::Uuid::from_u128(7)))).crm_id(), None);
    }
}
