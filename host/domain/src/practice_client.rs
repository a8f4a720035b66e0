//! Clients who are made in the practice: making them, linking them to records of a CRM and taking a link back.

use crate::ids::{ClientId, ConnectionName, ExternalId};
use crate::privacy::LegalHold;
use crate::record::Client;

/// The reason why a client of the practice cannot be made, linked or removed. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// No client has this id.
    #[error("there is no client {0}")]
    Unknown(ClientId),
    /// A client has this id already.
    #[error("the client {id} was made before")]
    IsMade {
        /// The client.
        id: ClientId,
        /// [`NewClient::digest`] of what it was made of; none where an earlier version made it.
        digest: Option<[u8; 32]>,
    },
    /// Something else has this id.
    #[error("the id {0} is not a client's")]
    IsTakenId(ClientId),
    /// The one who should be the partner has one.
    #[error("the household of {0} has two people already")]
    HasPartner(ClientId),
    /// The client comes from the CRM.
    #[error("the client is linked to {id} of the connection `{connection}`")]
    IsLinked {
        /// The connection whose record it is.
        connection: ConnectionName,
        /// The CRM's id.
        id: ExternalId,
    },
    /// A legal hold is on the client or the household.
    #[error("a legal hold is on the client")]
    IsHeld(Box<LegalHold>),
    /// The client comes from no CRM.
    #[error("the client is not linked to the CRM")]
    IsNotLinked,
    /// A rule leaves the client's record out of the book.
    #[error("a rule leaves the client out")]
    IsLeftOut,
    /// Another client has the CRM's id.
    #[error("{id} is linked to another client, {client}")]
    IsTaken {
        /// The CRM's id.
        id: ExternalId,
        /// The client who has it.
        client: ClientId,
    },
    /// The person with this id was erased here, and is kept away.
    #[error("{0} is of somebody who was erased here")]
    IsErased(String),
    /// The client lives with somebody who comes from another connection.
    #[error("the client shares a household with somebody who comes from the connection `{0}`")]
    LivesElsewhere(ConnectionName),
}

/// A client to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct NewClient {
    /// The practice's id, a new UUIDv7.
    pub id: ClientId,
    /// The values. Ids and the partner link are set by [`NewClient::with_ids`].
    pub client: Client,
    /// The client whose partner the new one is, so that both share a household.
    pub partner_of: Option<ClientId>,
    /// BLAKE3 of what was sent to make the client.
    pub digest: [u8; 32],
}

impl NewClient {
    /// The client with an id in place of the CRM's that is made of its own, and linked to the partner's record.
    pub fn with_ids(self, partner: Option<ExternalId>) -> Client {
        Client {
            external_id: ExternalId::unlinked(self.id),
            is_partner: partner.is_some(),
            adviser_external_id: None,
            partner_external_id: partner,
            ..self.client
        }
    }
}

/// A client as it is before it is linked, unlinked or removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kept<'a> {
    /// The connection that the client, or the household's other member, comes from; the practice itself where neither
    /// comes from one.
    pub connection: &'a ConnectionName,
    /// The CRM's id, or what stands in its place.
    pub external_id: &'a ExternalId,
    /// The client is not removed, and present in the CRM.
    pub in_book: bool,
}

/// The known facts of the record that a client is to be linked to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Target {
    /// The client who was made of the record.
    pub client: Option<ClientId>,
    /// The record waits for review: it is kept out of the book because it looks like a client of the practice.
    pub awaits_review: bool,
}

/// The effect of linking a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Linking {
    /// Nothing: it is linked to this very record.
    None,
    /// The client is given the record's id.
    Link {
        /// A person has said by it whom the record means: it leaves the review queue.
        ends_review: bool,
    },
}

impl Kept<'_> {
    /// The effect of linking the client to the record `id` of the connection `to`.
    ///
    /// # Errors
    /// Returns an error if the client or the record is somebody else's already, or the client was removed.
    pub fn link(
        self,
        client: ClientId,
        to: &ConnectionName,
        id: &ExternalId,
        target: Target,
    ) -> Result<Linking, Refusal> {
        match self.external_id.in_crm() {
            Some(linked) if linked == id && self.connection == to => return Ok(Linking::None),
            Some(linked) => {
                return Err(Refusal::IsLinked { connection: self.connection.clone(), id: linked.clone() });
            }
            None => {}
        }
        if !self.in_book {
            return Err(Refusal::Unknown(client));
        }
        if self.connection != to && *self.connection != ConnectionName::practice() {
            return Err(Refusal::LivesElsewhere(self.connection.clone()));
        }
        match target {
            Target { awaits_review: false, client: Some(other) } => {
                Err(Refusal::IsTaken { id: id.clone(), client: other })
            }
            Target { awaits_review, .. } => Ok(Linking::Link { ends_review: awaits_review }),
        }
    }

    /// Whether the client's link can be taken back.
    ///
    /// # Errors
    /// Returns an error if the client comes from no CRM, or a rule leaves the client's record out: such a client is in no
    /// list, and the CRM's record would make another one as soon as the rule lets it in.
    pub fn unlink(self) -> Result<(), Refusal> {
        match self.external_id.in_crm() {
            None => Err(Refusal::IsNotLinked),
            Some(_) if !self.in_book => Err(Refusal::IsLeftOut),
            Some(_) => Ok(()),
        }
    }

    /// Whether the client changes by being removed (`in_book` false) or restored.
    ///
    /// # Errors
    /// Returns an error if the client comes from the CRM, which alone says who is in it.
    pub fn set_in_book(self, in_book: bool) -> Result<bool, Refusal> {
        match self.external_id.in_crm() {
            Some(id) => Err(Refusal::IsLinked { connection: self.connection.clone(), id: id.clone() }),
            None => Ok(self.in_book != in_book),
        }
    }
}

/// The id that a household's other member names as partner once a client is known by another id; none where that stays
/// as it is. What the CRM says of its own people stays until it says something else.
pub fn partner_after(member: &Client, before: &ExternalId, after: &ExternalId) -> Option<ExternalId> {
    let may_change = before.in_crm().is_none() || member.external_id.in_crm().is_none();
    (may_change && member.partner_external_id.as_ref() == Some(before)).then(|| after.clone())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::record::ClientStatus;

    const CLIENT: ClientId = ClientId(Uuid::from_u128(1));
    const OTHER: ClientId = ClientId(Uuid::from_u128(2));

    fn crm(id: &str) -> ExternalId {
        ExternalId(id.to_owned())
    }

    fn main() -> ConnectionName {
        "main".parse().unwrap()
    }

    #[track_caller]
    fn check(kept: Kept<'_>, target: Target, expected: &Result<Linking, Refusal>) {
        assert_eq!(&kept.link(CLIENT, &main(), &crm("7"), target), expected);
    }

    #[test]
    fn a_client_is_linked_to_one_record_that_nobody_else_has() {
        let (practice, main, branch) = (ConnectionName::practice(), main(), "branch".parse().unwrap());
        let (unlinked, seven, eight) = (ExternalId::unlinked(CLIENT), crm("7"), crm("8"));
        let kept = Kept { connection: &practice, external_id: &unlinked, in_book: true };
        let free = Target::default();
        check(kept, free, &Ok(Linking::Link { ends_review: false }));
        check(Kept { connection: &main, ..kept }, free, &Ok(Linking::Link { ends_review: false }));
        check(Kept { connection: &branch, ..kept }, free, &Err(Refusal::LivesElsewhere(branch.clone())));
        check(Kept { in_book: false, ..kept }, free, &Err(Refusal::Unknown(CLIENT)));
        let linked = Kept { connection: &main, external_id: &seven, in_book: true };
        check(linked, Target { client: Some(CLIENT), awaits_review: false }, &Ok(Linking::None));
        // Gone from the CRM, a client is still the one who is linked.
        check(Kept { in_book: false, ..linked }, free, &Ok(Linking::None));
        let refused = |connection: &ConnectionName, id: &ExternalId| {
            Err(Refusal::IsLinked { connection: connection.clone(), id: id.clone() })
        };
        check(Kept { external_id: &eight, ..linked }, free, &refused(&main, &eight));
        check(Kept { connection: &branch, ..linked }, free, &refused(&branch, &seven));
        let taken = Target { client: Some(OTHER), awaits_review: false };
        check(kept, taken, &Err(Refusal::IsTaken { id: seven.clone(), client: OTHER }));
        for client in [None, Some(OTHER)] {
            check(kept, Target { client, awaits_review: true }, &Ok(Linking::Link { ends_review: true }));
        }
    }

    #[test]
    fn links_are_taken_back_and_clients_of_the_practice_removed() {
        let (practice, main) = (ConnectionName::practice(), main());
        let (unlinked, seven) = (ExternalId::unlinked(CLIENT), crm("7"));
        let own = Kept { connection: &practice, external_id: &unlinked, in_book: true };
        let linked = Kept { connection: &main, external_id: &seven, in_book: true };
        assert_eq!((own.unlink(), linked.unlink()), (Err(Refusal::IsNotLinked), Ok(())));
        assert_eq!(Kept { in_book: false, ..linked }.unlink(), Err(Refusal::IsLeftOut));
        assert_eq!((own.set_in_book(false), own.set_in_book(true)), (Ok(true), Ok(false)));
        let removed = Kept { in_book: false, ..own };
        assert_eq!((removed.set_in_book(false), removed.set_in_book(true)), (Ok(false), Ok(true)));
        let refusal = Refusal::IsLinked { connection: main.clone(), id: seven.clone() };
        assert_eq!(linked.set_in_book(false), Err(refusal));
    }

    #[test]
    fn a_partner_follows_where_the_crm_has_not_said_otherwise() {
        let member = |id: ExternalId, partner: &ExternalId| Client {
            partner_external_id: Some(partner.clone()),
            ..Client::unnamed(id, ClientStatus::Client)
        };
        let (unlinked, seven, eight) = (ExternalId::unlinked(CLIENT), crm("7"), crm("8"));
        let own = ExternalId::unlinked(OTHER);
        assert_eq!(partner_after(&member(own.clone(), &unlinked), &unlinked, &seven), Some(seven.clone()));
        assert_eq!(partner_after(&member(eight.clone(), &unlinked), &unlinked, &seven), Some(seven.clone()));
        assert_eq!(partner_after(&member(own.clone(), &seven), &seven, &unlinked), Some(unlinked.clone()));
        // Both are the CRM's, which names them.
        assert_eq!(partner_after(&member(eight, &seven), &seven, &unlinked), None);
        assert_eq!(partner_after(&member(own, &seven), &unlinked, &seven), None);
    }

    #[test]
    fn a_client_that_is_made_has_ids_of_its_own() {
        let client =
            Client { adviser_external_id: Some(crm("3")), ..Client::unnamed(crm("sent"), ClientStatus::Client) };
        let new = |partner_of| NewClient { id: CLIENT, client: client.clone(), partner_of, digest: [0; 32] };
        let alone = new(None).with_ids(None);
        assert_eq!((alone.external_id, alone.is_partner), (ExternalId::unlinked(CLIENT), false));
        assert_eq!((alone.adviser_external_id, alone.partner_external_id), (None, None));
        let partner = new(Some(OTHER)).with_ids(Some(crm("7")));
        assert_eq!((partner.is_partner, partner.partner_external_id), (true, Some(crm("7"))));
    }
}
