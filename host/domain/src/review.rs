//! Clients of a CRM who look like somebody whom the practice has made: they wait for a person, because two people may
//! share a name or an address, and one person may have two.

use serde::{Deserialize, Serialize};

use crate::fold::fold;
use crate::ids::{ClientId, ConnectionName, ExternalId, RunId};
use crate::record::Client;
use crate::value::Timestamp;

/// The state of a CRM's client in the review queue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// Nobody has decided yet; the client is not in the book.
    Waiting,
    /// The client is to stay out of the book.
    Ignored,
    /// The client is somebody else, and is imported as a new client by the next sync.
    Imported,
    /// The client is the practice's client, and linked.
    Linked,
}

impl ReviewState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Ignored, Self::Imported, Self::Linked];

    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ignored => "ignored",
            Self::Imported => "imported",
            Self::Linked => "linked",
        }
    }
}

/// A person's decision about a client in the review queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReviewDecision {
    /// The client is somebody else: a new client.
    Import,
    /// The client is nobody for the practice.
    Ignore,
    /// The practice's client.
    Link(ClientId),
    /// The decision is taken back.
    Wait,
}

/// The admission of a CRM's client whom the book does not have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Admission {
    /// The client enters the book. What somebody decided about it stays to be seen and taken back.
    Enters,
    /// The client enters the book, and waits in the queue no more: nobody is looked like any longer.
    Leaves,
    /// The client is kept out of the book, and stands in the queue like this.
    IsHeld(Box<Review>),
}

/// The consequence of a decision for a client in the review queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decided {
    /// The client stands in the queue so already.
    Already,
    /// The link to this client has to be taken back first; with [`ReviewDecision::Wait`] it is.
    IsLinked(ClientId),
    /// The client is to be linked to this client of the practice.
    Links(ClientId),
    /// The client stands in the queue like this.
    Stands(Box<Review>),
}

/// The values that two clients have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// The email address.
    Email,
    /// Name and date of birth.
    NameAndDateOfBirth,
    /// Name and mobile.
    NameAndMobile,
    /// Name and the partner, who is in the CRM.
    NameAndPartner,
    /// The name, and nothing speaks against it.
    Name,
}

impl Likeness {
    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::NameAndDateOfBirth => "name_and_date_of_birth",
            Self::NameAndMobile => "name_and_mobile",
            Self::NameAndPartner => "name_and_partner",
            Self::Name => "name",
        }
    }
}

/// A client of the practice whom the CRM's looks like.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lookalike {
    /// The client.
    pub client_id: ClientId,
    /// The values that they have in common.
    pub likeness: Likeness,
}

/// A client of a CRM in the queue.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Review {
    /// The connection whose client it is.
    pub connection: ConnectionName,
    /// The client, as the last sync read it.
    pub client: Client,
    /// The practice's clients whom it looks like.
    pub lookalikes: Vec<Lookalike>,
    /// The state that it is in.
    pub state: ReviewState,
    /// The client of the practice whom it is linked to.
    pub linked_to: Option<ClientId>,
    /// The run that brought it first.
    pub run: RunId,
    /// The moment at which that run read it.
    pub since: Timestamp,
    /// The moment at which somebody decided.
    pub decided_at: Option<Timestamp>,
}

impl Review {
    /// The CRM's id.
    pub fn external_id(&self) -> &ExternalId {
        &self.client.external_id
    }

    /// Whether the client enters the book: `self` is how it would wait, with whom it looks like now, and `known` how it
    /// stands in the queue, if it does.
    pub fn admission(self, known: Option<Self>) -> Admission {
        let is_like_nobody = self.lookalikes.is_empty();
        match known {
            Some(Self { state: ReviewState::Imported, .. }) => Admission::Enters,
            Some(Self { state: ReviewState::Waiting, .. }) if is_like_nobody => Admission::Leaves,
            None if is_like_nobody => Admission::Enters,
            Some(known) => {
                let Self { client, lookalikes, .. } = self;
                Admission::IsHeld(Box::new(Self { client, lookalikes, ..known }))
            }
            None => Admission::IsHeld(Box::new(self)),
        }
    }

    /// The consequence of a person's decision. A client that is linked is decided about no more, until the link is
    /// taken back.
    pub fn decide(self, decision: ReviewDecision, at: Timestamp) -> Decided {
        if let (ReviewState::Linked, Some(client)) = (self.state, self.linked_to) {
            let is_same = decision == ReviewDecision::Link(client);
            return if is_same { Decided::Already } else { Decided::IsLinked(client) };
        }
        let state = match decision {
            ReviewDecision::Import => ReviewState::Imported,
            ReviewDecision::Ignore => ReviewState::Ignored,
            ReviewDecision::Wait => ReviewState::Waiting,
            ReviewDecision::Link(client) => return Decided::Links(client),
        };
        if self.state == state {
            return Decided::Already;
        }
        let decided_at = (state != ReviewState::Waiting).then_some(at);
        Decided::Stands(Box::new(Self { state, decided_at, ..self }))
    }
}

/// The likeness of a client of the practice and one of a CRM, if it is enough to ask a person. Both name partners by
/// their ids in the same CRM.
pub fn likeness(own: &Client, crm: &Client) -> Option<Likeness> {
    let real = |client: &Client| {
        client.email.as_ref().filter(|_| !client.email_is_placeholder).map(|email| email.as_str().to_lowercase())
    };
    let emails = real(own).zip(real(crm));
    if emails.as_ref().is_some_and(|(one, other)| one == other) {
        return Some(Likeness::Email);
    }
    let name = |client: &Client| {
        let (first, last) = client.first_name.as_ref().zip(client.last_name.as_ref())?;
        Some(fold(&format!("{first} {last}")))
    };
    if name(own).is_none() || name(own) != name(crm) {
        return None;
    }
    match own.date_of_birth.zip(crm.date_of_birth) {
        Some((one, other)) => return (one == other).then_some(Likeness::NameAndDateOfBirth),
        None if own.mobile.is_some() && own.mobile == crm.mobile => return Some(Likeness::NameAndMobile),
        None if own.partner_external_id.is_some() && own.partner_external_id == crm.partner_external_id => {
            return Some(Likeness::NameAndPartner);
        }
        None => {}
    }
    // Two addresses without anything else to compare by are two people as often as one.
    emails.is_none().then_some(Likeness::Name)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::record::ClientStatus;

    fn client(name: &str, email: &str, born: &str, mobile: &str) -> Client {
        let (first, last) = name.split_once(' ').unwrap();
        Client {
            first_name: Some(first.to_owned()),
            last_name: Some(last.to_owned()),
            email: email.to_owned().try_into().ok(),
            date_of_birth: born.parse().ok(),
            mobile: mobile.to_owned().try_into().ok(),
            ..Client::unnamed(ExternalId("7".to_owned()), ClientStatus::Client)
        }
    }

    fn review(name: &str, lookalikes: u8, state: ReviewState) -> Review {
        let lookalike = |n: u8| Lookalike { client_id: ClientId(Uuid::from_u128(n.into())), likeness: Likeness::Name };
        Review {
            connection: "main".parse().unwrap(),
            client: client(name, "", "", ""),
            lookalikes: (0..lookalikes).map(lookalike).collect(),
            state,
            linked_to: (state == ReviewState::Linked).then(|| ClientId(Uuid::from_u128(7))),
            run: RunId(Uuid::nil()),
            since: Timestamp::UNIX_EPOCH,
            decided_at: None,
        }
    }

    #[test]
    fn who_looks_like_somebody_waits_unless_a_person_said_otherwise() {
        let check = |lookalikes: u8, known: Option<ReviewState>, expected: Result<ReviewState, Admission>| {
            let known = known.map(|state| review("Al Osei", 1, state));
            match (review("Bo Osei", lookalikes, ReviewState::Waiting).admission(known), expected) {
                (Admission::IsHeld(review), Ok(state)) => {
                    let found = (review.state, review.lookalikes.len(), review.client.full_name());
                    assert_eq!(found, (state, lookalikes.into(), "Bo Osei".to_owned()), "as the run brought it");
                }
                (admission, expected) => assert_eq!(Err(admission), expected),
            }
        };
        check(0, None, Err(Admission::Enters));
        check(2, None, Ok(ReviewState::Waiting));
        check(2, Some(ReviewState::Waiting), Ok(ReviewState::Waiting));
        check(0, Some(ReviewState::Waiting), Err(Admission::Leaves));
        for lookalikes in [0, 2] {
            check(lookalikes, Some(ReviewState::Imported), Err(Admission::Enters));
            check(lookalikes, Some(ReviewState::Ignored), Ok(ReviewState::Ignored));
            check(lookalikes, Some(ReviewState::Linked), Ok(ReviewState::Linked));
        }
    }

    #[test]
    fn what_follows_from_a_decision() {
        let [seven, eight] = [7, 8].map(|n| ClientId(Uuid::from_u128(n)));
        let at = Timestamp::from_second(5).unwrap();
        let check =
            |state: ReviewState, decision: ReviewDecision, expected: Result<(ReviewState, bool), Decided>| match (
                review("Al Osei", 1, state).decide(decision, at),
                expected,
            ) {
                (Decided::Stands(review), Ok(expected)) => {
                    assert_eq!((review.state, review.decided_at == Some(at)), expected);
                }
                (decided, expected) => assert_eq!(Err(decided), expected, "{state:?} {decision:?}"),
            };
        use ReviewDecision::{Ignore, Import, Link, Wait};
        use ReviewState::{Ignored, Imported, Linked, Waiting};
        check(Waiting, Wait, Err(Decided::Already));
        check(Waiting, Import, Ok((Imported, true)));
        check(Waiting, Ignore, Ok((Ignored, true)));
        check(Waiting, Link(seven), Err(Decided::Links(seven)));
        check(Imported, Import, Err(Decided::Already));
        check(Imported, Wait, Ok((Waiting, false)));
        check(Ignored, Link(eight), Err(Decided::Links(eight)));
        check(Linked, Link(seven), Err(Decided::Already));
        check(Linked, Link(eight), Err(Decided::IsLinked(seven)));
        check(Linked, Wait, Err(Decided::IsLinked(seven)));
        check(Linked, Import, Err(Decided::IsLinked(seven)));
    }

    #[test]
    fn who_looks_like_whom() {
        let check = |own: (&str, &str, &str, &str), crm: (&str, &str, &str, &str), expected: Option<Likeness>| {
            let (own, crm) = (client(own.0, own.1, own.2, own.3), client(crm.0, crm.1, crm.2, crm.3));
            assert_eq!(likeness(&own, &crm), expected, "{own:?} {crm:?}");
        };
        let mobile = "+61491570156";
        check(("Ayda Khan", "A@example.com", "", ""), ("Al Osei", "a@example.com", "", ""), Some(Likeness::Email));
        check(
            ("Ayda Khan", "", "1970-01-02", ""),
            ("AYDA KHAN", "a@example.com", "1970-01-02", ""),
            Some(Likeness::NameAndDateOfBirth),
        );
        check(("Ayda Khan", "", "1970-01-02", mobile), ("Ayda Khan", "", "1970-01-03", mobile), None);
        check(("Ayda Khan", "", "", mobile), ("Ayda Khan", "", "1970-01-03", mobile), Some(Likeness::NameAndMobile));
        check(("Ayda Khan", "", "", ""), ("Ayda Khan", "a@example.com", "", ""), Some(Likeness::Name));
        check(("Ayda Khan", "b@example.com", "", ""), ("Ayda Khan", "a@example.com", "", ""), None);
        check(("Ayda Khan", "", "", mobile), ("Sam Khan", "", "", mobile), None);
        let with = |partner: &str, email: &str| Client {
            partner_external_id: Some(ExternalId(partner.to_owned())),
            ..client("Ayda Khan", email, "", "")
        };
        let (own, crm) = (with("8", "b@example.com"), with("8", "a@example.com"));
        assert_eq!(likeness(&own, &crm), Some(Likeness::NameAndPartner), "two addresses, and one partner");
        assert_eq!(likeness(&with("9", "b@example.com"), &crm), None);
        let placeholder = Client { email_is_placeholder: true, ..client("Al Osei", "a@example.com", "", "") };
        assert_eq!(likeness(&client("Ayda Khan", "a@example.com", "", ""), &placeholder), None);
    }
}
