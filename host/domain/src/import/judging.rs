//! Judging the rows of an identity list against the practice's clients, and against each other.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Applied, Candidate, ImportRow, Reason, RowStatus};
use crate::fold::fold;
use crate::ids::ClientId;
use crate::record::Client;
use crate::value::EmailAddress;

/// Reasons that one row is given at most for rows that came after it: each of a thousand rows with one id would make
/// the first one longer.
const MOST_DOUBTS: usize = 5;

/// A row of an identity list, as the file has it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ListedPerson {
    /// Its number in the file.
    pub number: u32,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Email.
    pub email: String,
    /// The id in the CRM.
    pub id: String,
    /// The reason why the row cannot be used, whoever is meant.
    pub fault: Option<Reason>,
    /// The reason why a person has to look at the row, whoever is meant.
    pub doubt: Option<Reason>,
}

/// The practice's clients, as the rows of a list are compared with them.
pub trait KnownClients {
    /// The error of clients that cannot be looked up.
    type Error;

    /// The client who is linked to the row's id.
    ///
    /// # Errors
    /// Returns an error if clients cannot be looked up.
    fn holder(&self, row: &ListedPerson) -> Result<Option<Candidate>, Self::Error>;

    /// The clients with the row's email, as `email` has it.
    ///
    /// # Errors
    /// Returns an error if clients cannot be looked up.
    fn with_email(&self, row: &ListedPerson, email: &EmailAddress) -> Result<Vec<Candidate>, Self::Error>;

    /// The clients with the row's name.
    ///
    /// # Errors
    /// Returns an error if clients cannot be looked up.
    fn with_name(&self, row: &ListedPerson) -> Result<Vec<Candidate>, Self::Error>;
}

/// The rows of a list that were judged already, which the next ones are compared with. About 50 bytes a row.
#[derive(Default)]
pub struct PriorRows {
    /// The first row with each id, by the hash of the id, and the hash of its email.
    ids: HashMap<u64, (u32, u64)>,
    /// The first row that means each client.
    clients: HashMap<ClientId, u32>,
}

/// A row that was judged before and needs a decision now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoubtedRow {
    /// Its number in the file.
    pub number: u32,
    /// The reason.
    pub reason: Reason,
}

/// The judgement of a row: whether it can be applied, why not, and whom it may mean.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Judgement {
    status: RowStatus,
    reasons: Vec<Reason>,
    candidates: Vec<Candidate>,
}

impl Judgement {
    /// A judgement for one reason.
    fn because(status: RowStatus, reason: Reason, candidates: Vec<Candidate>) -> Self {
        Self { status, reasons: vec![reason], candidates }
    }
}

impl PriorRows {
    /// Judges the next row: answers what is kept of it, and which rows before it are in doubt by it.
    ///
    /// # Errors
    /// Returns an error if clients cannot be looked up.
    pub fn judge<K: KnownClients>(
        &mut self,
        row: ListedPerson,
        known: &K,
    ) -> Result<(ImportRow, Vec<DoubtedRow>), K::Error> {
        use RowStatus::CannotBeImported;
        let mut doubted = Vec::new();
        let judgement = match (&row.fault, EmailAddress::try_from(row.email.clone())) {
            (Some(fault), _) => Judgement::because(CannotBeImported, fault.clone(), Vec::new()),
            (None, Err(_)) => {
                let reason = Reason::new("not-an-email", format!("`{}` is no email address.", row.email));
                Judgement::because(CannotBeImported, reason, Vec::new())
            }
            (None, Ok(email)) => self.compare(judge(&row, &email, known)?, &row, &email, &mut doubted),
        };
        let Judgement { mut status, mut reasons, candidates } = judgement;
        // Who is linked already stays so.
        let linked = candidates.first().filter(|first| status == RowStatus::Ready && first.linked_to.is_some());
        let applied = linked.map(|client| Applied::Linked(client.client_id));
        let ListedPerson { number, first_name, last_name, email, id: external_id, doubt, .. } = row;
        if let (None, Some(doubt)) = (&applied, doubt) {
            status = status.max(RowStatus::NeedsDecision);
            reasons.insert(0, doubt);
        }
        let decision = None;
        let row = ImportRow {
            number,
            first_name,
            last_name,
            email,
            external_id,
            status,
            reasons,
            candidates,
            decision,
            applied,
        };
        Ok((row, doubted))
    }

    /// Compares a judgement with those of the rows before.
    fn compare(
        &mut self,
        judgement: Judgement,
        row: &ListedPerson,
        email: &EmailAddress,
        doubted: &mut Vec<DoubtedRow>,
    ) -> Judgement {
        let Judgement { mut status, mut reasons, candidates } = judgement;
        let email = hash_of(&email.as_str().to_lowercase());
        match self.ids.get(&hash_of(&row.id)) {
            None => drop(self.ids.insert(hash_of(&row.id), (row.number, email))),
            Some((before, same)) if *same == email => {
                let reason = Reason::new("repeated", format!("The row repeats row {before}."));
                return Judgement::because(RowStatus::CannotBeImported, reason, candidates);
            }
            Some((before, _)) => {
                status = status.max(RowStatus::NeedsDecision);
                reasons.push(Reason::new("id-twice", format!("Row {before} has the same ID.")));
                let reason = Reason::new("id-twice", format!("Row {} has the same ID.", row.number));
                doubted.push(DoubtedRow { number: *before, reason });
            }
        }
        if status == RowStatus::Ready
            && let Some(meant) = candidates.first()
            && let Some(before) = self.clients.insert(meant.client_id, row.number)
        {
            status = RowStatus::NeedsDecision;
            let reason = |number| Reason::new("client-twice", format!("Row {number} means {} too.", meant.name));
            reasons.push(reason(before));
            doubted.push(DoubtedRow { number: before, reason: reason(row.number) });
        }
        Judgement { status, reasons, candidates }
    }
}

impl ImportRow {
    /// Puts a row that was judged before in doubt.
    pub fn doubt(&mut self, reason: Reason) {
        self.status = self.status.max(RowStatus::NeedsDecision);
        if self.reasons.len() < MOST_DOUBTS {
            self.reasons.push(reason);
        }
    }
}

/// Whether a client has the row's first and last name, whatever the case and accents; the name that somebody goes by
/// counts as first name.
pub fn is_same_name(client: &Client, row: &ListedPerson) -> bool {
    let same = |name: &Option<String>, given: &str| fold(name.as_deref().unwrap_or_default()) == fold(given);
    same(&client.last_name, &row.last_name)
        && (same(&client.first_name, &row.first_name)
            || (client.preferred_name.is_some() && same(&client.preferred_name, &row.first_name)))
}

/// The hash of a text: two that differ have the same once in many billions of rows.
fn hash_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Judges a row whose values are sound. The email says who is meant, the name confirms it; a name alone links nobody.
fn judge<K: KnownClients>(row: &ListedPerson, email: &EmailAddress, known: &K) -> Result<Judgement, K::Error> {
    use RowStatus::{CannotBeImported, NeedsDecision, Ready};
    let judgement = |status, code: &str, message: String, candidates| {
        Judgement::because(status, Reason::new(code, message), candidates)
    };
    let id = &row.id;
    let by_email = known.with_email(row, email)?;
    if let Some(holder) = known.holder(row)? {
        let is_meant = by_email.iter().any(|candidate| candidate.client_id == holder.client_id);
        let name = holder.name.clone();
        return Ok(if is_meant {
            judgement(Ready, "already-linked", format!("{name} is linked to {id} already."), vec![holder])
        } else {
            let message = format!("{id} is linked to another client, {name}. Unlink that one first if that is wrong.");
            judgement(CannotBeImported, "id-taken", message, vec![holder])
        });
    }
    let (linked, open): (Vec<_>, Vec<_>) = by_email.into_iter().partition(|candidate| candidate.linked_to.is_some());
    let same_name: Vec<&Candidate> = open.iter().filter(|candidate| candidate.is_same_name).collect();
    Ok(match (open.as_slice(), same_name.as_slice()) {
        ([], _) if !linked.is_empty() => {
            let other = &linked[0];
            let to = other.linked_to.as_ref().map(|(_, id)| id.to_string()).unwrap_or_default();
            let message = format!("{} has this email and is linked to {to} already.", other.name);
            judgement(CannotBeImported, "linked-otherwise", message, linked)
        }
        ([], _) => match known.with_name(row)? {
            none if none.is_empty() => {
                let message = "No client has this email. A person whom the practice does not have yet needs no row: the \
                               sync brings them.";
                judgement(CannotBeImported, "no-match", message.to_owned(), none)
            }
            named => {
                let message = format!("No client has this email, but {} has this name.", names(&named));
                judgement(NeedsDecision, "name-only", message, named)
            }
        },
        (_, [only]) => Judgement { status: Ready, reasons: Vec::new(), candidates: vec![(*only).clone()] },
        ([only], []) => {
            let message = format!("The client with this email is called {}.", only.name);
            judgement(NeedsDecision, "name-differs", message, open)
        }
        _ => {
            let message = format!("Several clients have this email: {}.", names(&open));
            judgement(NeedsDecision, "several-matches", message, open)
        }
    })
}

fn names(candidates: &[Candidate]) -> String {
    candidates.iter().map(|candidate| candidate.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use uuid::Uuid;

    use super::*;
    use crate::ids::{ConnectionName, ExternalId};
    use crate::record::ClientStatus;

    /// The clients that a row finds, whatever its values.
    #[derive(Clone, Default)]
    struct Found {
        holder: Option<Candidate>,
        by_email: Vec<Candidate>,
        by_name: Vec<Candidate>,
    }

    impl KnownClients for Found {
        type Error = Infallible;

        fn holder(&self, _: &ListedPerson) -> Result<Option<Candidate>, Infallible> {
            Ok(self.holder.clone())
        }

        fn with_email(&self, _: &ListedPerson, _: &EmailAddress) -> Result<Vec<Candidate>, Infallible> {
            Ok(self.by_email.clone())
        }

        fn with_name(&self, _: &ListedPerson) -> Result<Vec<Candidate>, Infallible> {
            Ok(self.by_name.clone())
        }
    }

    /// A client by number, whether the name is the row's, and the id that the client is linked to.
    fn candidate(number: u128, is_same_name: bool, linked: Option<&str>) -> Candidate {
        Candidate {
            client_id: ClientId(Uuid::from_u128(number)),
            name: format!("Client {number}"),
            is_same_name,
            linked_to: linked.map(|id| (ConnectionName::practice(), ExternalId(id.to_owned()))),
        }
    }

    /// Row `number` with the id `id`.
    fn listed(number: u32, id: &str, email: &str) -> ListedPerson {
        ListedPerson { number, id: id.to_owned(), email: email.to_owned(), ..ListedPerson::default() }
    }

    fn judged(rows: &mut PriorRows, row: ListedPerson, known: &Found) -> (ImportRow, Vec<DoubtedRow>) {
        rows.judge(row, known).unwrap_or_else(|never| match never {})
    }

    fn codes(reasons: &[Reason]) -> Vec<&str> {
        reasons.iter().map(|reason| reason.code.as_str()).collect()
    }

    #[track_caller]
    fn check(known: &Found, expected: (RowStatus, Option<&str>, &[u128])) {
        let (row, doubted) = judged(&mut PriorRows::default(), listed(2, "7", "ayda@example.com"), known);
        let code = row.reasons.first().map(|reason| reason.code.as_str());
        let who: Vec<u128> = row.candidates.iter().map(|candidate| candidate.client_id.0.as_u128()).collect();
        assert_eq!((row.status, code, who.as_slice()), expected);
        assert_eq!(doubted, []);
    }

    #[test]
    fn rows_are_judged_by_email_and_confirmed_by_name() {
        use RowStatus::{CannotBeImported, NeedsDecision, Ready};
        let (ayda, other) = (candidate(1, true, None), candidate(2, false, None));
        let linked = candidate(3, true, Some("9"));
        let email = |by_email: &[&Candidate]| Found {
            by_email: by_email.iter().map(|candidate| (*candidate).clone()).collect(),
            ..Found::default()
        };
        let held = |by_email: &[&Candidate]| Found { holder: Some(linked.clone()), ..email(by_email) };
        check(&email(&[&ayda]), (Ready, None, &[1]));
        check(&email(&[&other, &ayda]), (Ready, None, &[1]));
        check(&email(&[&other]), (NeedsDecision, Some("name-differs"), &[2]));
        check(&email(&[&other, &other]), (NeedsDecision, Some("several-matches"), &[2, 2]));
        check(&email(&[&ayda, &ayda]), (NeedsDecision, Some("several-matches"), &[1, 1]));
        let named = Found { by_name: vec![ayda.clone()], ..Found::default() };
        check(&named, (NeedsDecision, Some("name-only"), &[1]));
        check(&Found::default(), (CannotBeImported, Some("no-match"), &[]));
        check(&email(&[&linked]), (CannotBeImported, Some("linked-otherwise"), &[3]));
        check(&email(&[&linked, &ayda]), (Ready, None, &[1]));
        check(&held(&[&linked]), (Ready, Some("already-linked"), &[3]));
        check(&held(&[&ayda]), (CannotBeImported, Some("id-taken"), &[3]));
        let message = |known: &Found| {
            let (row, _) = judged(&mut PriorRows::default(), listed(2, "7", "ayda@example.com"), known);
            row.reasons[0].message.clone()
        };
        let several = email(&[&ayda, &candidate(2, true, None)]);
        assert_eq!(message(&several), "Several clients have this email: Client 1, Client 2.");
        assert_eq!(message(&named), "No client has this email, but Client 1 has this name.");
    }

    #[test]
    fn rows_without_sound_values_are_not_compared() {
        let known = Found { by_email: vec![candidate(1, true, None)], ..Found::default() };
        let mut rows = PriorRows::default();
        let (row, _) = judged(&mut rows, listed(2, "7", "ayda"), &known);
        assert_eq!((row.status, codes(&row.reasons)), (RowStatus::CannotBeImported, vec!["not-an-email"]));
        let fault = Some(Reason::new("no-id", "There is no ID."));
        let (row, _) = judged(&mut rows, ListedPerson { fault, ..listed(3, "7", "ayda@example.com") }, &known);
        assert_eq!((row.status, codes(&row.reasons)), (RowStatus::CannotBeImported, vec!["no-id"]));
        // Neither has taken the id.
        let (row, doubted) = judged(&mut rows, listed(4, "7", "ayda@example.com"), &known);
        assert_eq!((row.status, doubted), (RowStatus::Ready, vec![]));
    }

    #[test]
    fn a_doubt_of_its_own_comes_first_and_never_over_a_link() {
        let doubt = Some(Reason::new("id-changed-by-spreadsheet", "The ID may be another."));
        let row = ListedPerson { doubt, ..listed(2, "7", "ayda@example.com") };
        let differs = Found { by_email: vec![candidate(1, false, None)], ..Found::default() };
        let (judged_row, _) = judged(&mut PriorRows::default(), row.clone(), &differs);
        assert_eq!(codes(&judged_row.reasons), ["id-changed-by-spreadsheet", "name-differs"]);
        let none = judged(&mut PriorRows::default(), row.clone(), &Found::default()).0;
        assert_eq!(none.status, RowStatus::CannotBeImported);
        let ready = Found { by_email: vec![candidate(1, true, None)], ..Found::default() };
        let ready = judged(&mut PriorRows::default(), row.clone(), &ready).0;
        assert_eq!((ready.status, ready.applied), (RowStatus::NeedsDecision, None));
        let holder = candidate(1, true, Some("7"));
        let linked = Found { holder: Some(holder.clone()), by_email: vec![holder.clone()], ..Found::default() };
        let linked = judged(&mut PriorRows::default(), row, &linked).0;
        assert_eq!((linked.status, codes(&linked.reasons)), (RowStatus::Ready, vec!["already-linked"]));
        assert_eq!(linked.applied, Some(Applied::Linked(holder.client_id)));
    }

    #[test]
    fn rows_with_one_id_or_one_client_doubt_each_other() {
        let known = Found { by_email: vec![candidate(1, true, None)], ..Found::default() };
        for id in ["7", "00Q-7"] {
            let mut rows = PriorRows::default();
            let (first, _) = judged(&mut rows, listed(2, id, "ayda@example.com"), &known);
            assert_eq!(first.status, RowStatus::Ready);
            let (again, doubted) = judged(&mut rows, listed(3, id, "AYDA@example.com"), &known);
            assert_eq!((again.status, codes(&again.reasons)), (RowStatus::CannotBeImported, vec!["repeated"]));
            assert_eq!((again.reasons[0].message.as_str(), doubted), ("The row repeats row 2.", vec![]));
            let other = Found { by_email: vec![candidate(2, true, None)], ..Found::default() };
            let (same_id, doubted) = judged(&mut rows, listed(4, id, "bram@example.com"), &other);
            assert_eq!((same_id.status, codes(&same_id.reasons)), (RowStatus::NeedsDecision, vec!["id-twice"]));
            let reason = Reason::new("id-twice", "Row 4 has the same ID.");
            assert_eq!(doubted, [DoubtedRow { number: 2, reason }]);
        }
        let mut rows = PriorRows::default();
        judged(&mut rows, listed(2, "7", "ayda@example.com"), &known);
        let (same_client, doubted) = judged(&mut rows, listed(3, "8", "ayda@example.com"), &known);
        assert_eq!(same_client.status, RowStatus::NeedsDecision);
        assert_eq!(same_client.reasons, [Reason::new("client-twice", "Row 2 means Client 1 too.")]);
        let reason = Reason::new("client-twice", "Row 3 means Client 1 too.");
        assert_eq!(doubted, [DoubtedRow { number: 2, reason }]);
    }

    #[test]
    fn a_row_is_doubted_by_few_of_those_that_follow() {
        let ready = Found { by_email: vec![candidate(1, true, None)], ..Found::default() };
        let (mut row, _) = judged(&mut PriorRows::default(), listed(2, "7", "ayda@example.com"), &ready);
        for number in 3..20 {
            row.doubt(Reason::new("id-twice", format!("Row {number} has the same ID.")));
        }
        assert_eq!((row.status, row.reasons.len()), (RowStatus::NeedsDecision, 5));
        row.status = RowStatus::CannotBeImported;
        row.doubt(Reason::new("id-twice", "Row 20 has the same ID."));
        assert_eq!(row.status, RowStatus::CannotBeImported);
    }

    #[test]
    fn names_are_the_same_whatever_the_case_and_accents() {
        let client = |first: &str, preferred: Option<&str>| Client {
            first_name: Some(first.to_owned()),
            last_name: Some("O'Brien".to_owned()),
            preferred_name: preferred.map(str::to_owned),
            ..Client::unnamed(ExternalId("7".to_owned()), ClientStatus::Client)
        };
        let row = |first: &str, last: &str| ListedPerson {
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            ..ListedPerson::default()
        };
        assert!(is_same_name(&client("Māia", None), &row("MAIA", "OBrien")));
        assert!(is_same_name(&client("Margaret", Some("Peggy")), &row("peggy", "o'brien")));
        assert!(!is_same_name(&client("Margaret", Some("Peggy")), &row("peggy", "khan")));
        assert!(!is_same_name(&client("Margaret", None), &row("", "O'Brien")));
        assert!(!is_same_name(&client("Margaret", None), &row("Peggy", "O'Brien")));
    }
}
