//! The summary of a household: its name, the order of its people, and what is in doubt.

use crate::diagnostic::Diagnostic;
use crate::ids::ExternalId;
use crate::record::Client;

/// The CRM's link between two people is one person's alone.
pub const ONE_SIDED: &str = "partner-link-one-sided";
/// Somebody names a partner who is somebody else's.
pub const CONTESTED: &str = "partner-link-contested";
/// Somebody names a partner who is not in the book.
pub const NOT_IN_BOOK: &str = "partner-not-in-book";
/// The CRM calls both of a couple the primary client.
pub const TWO_PRIMARY: &str = "two-primary-clients";
/// The CRM calls both of a couple the partner.
pub const NO_PRIMARY: &str = "no-primary-client";

/// A household as its people make it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// `Ayda Khan & Sam Khan`, the primary client first.
    pub name: String,
    /// The place of the primary client among the given people.
    pub primary: usize,
    /// The CRM's adviser of the primary client.
    pub adviser_external_id: Option<ExternalId>,
    /// Diagnostics about what is in doubt.
    pub diagnostics: Vec<Diagnostic>,
}

/// Describes the household of one or two people, given in the order of persons, each with whether the partner whom
/// the CRM names is in the book. The first of them is the primary client, unless the CRM calls that one the partner
/// and the other not.
pub fn summary(people: &[(&Client, bool)]) -> Summary {
    let primary = people.iter().position(|(client, _)| !client.is_partner).unwrap_or(0);
    let mut name = String::new();
    let others = people.iter().enumerate().filter(|(index, _)| *index != primary).map(|(_, person)| person);
    for (client, _) in people.get(primary).into_iter().chain(others) {
        if !name.is_empty() {
            name.push_str(" & ");
        }
        name.push_str(&client.full_name());
    }
    let diagnostics = match people {
        [(alone, named_is_in_book)] => doubts_of_one(alone, *named_is_in_book).into_iter().collect(),
        [(one, _), (other, _)] => doubts_of_two(one, other),
        _ => Vec::new(),
    };
    let adviser_external_id = people.get(primary).and_then(|(client, _)| client.adviser_external_id.clone());
    Summary { name, primary, adviser_external_id, diagnostics }
}

fn doubts_of_one(alone: &Client, named_is_in_book: bool) -> Option<Diagnostic> {
    let named = alone.partner_external_id.as_ref().filter(|named| **named != alone.external_id)?;
    let name = alone.full_name();
    if alone.external_id.in_crm().is_none() {
        let message = format!(
            "{name} was added as the partner of {named}, who has another partner or is not among the practice's \
             clients any more"
        );
        return Some(Diagnostic::warning("partner_external_id", CONTESTED, message));
    }
    Some(if named_is_in_book {
        let message = format!(
            "{name} names {named} as partner in the CRM, who names somebody else or is named by somebody else first; \
             they are kept apart until the CRM's links agree"
        );
        Diagnostic::warning("partner_external_id", CONTESTED, message)
    } else {
        let message = format!(
            "{name} names {named} as partner in the CRM, who is not among the practice's clients; the household is \
             joined as soon as that client comes over"
        );
        Diagnostic::info("partner_external_id", NOT_IN_BOOK, message)
    })
}

fn doubts_of_two(one: &Client, other: &Client) -> Vec<Diagnostic> {
    let mut doubts = Vec::new();
    let names = |from: &Client, to: &Client| from.partner_external_id.as_ref() == Some(&to.external_id);
    for (from, to) in [(one, other), (other, one)] {
        if !names(from, to) && to.external_id.in_crm().is_some() {
            let message = format!(
                "in the CRM {} names {} as partner, but not the other way round; they share a household all the same",
                to.full_name(),
                from.full_name()
            );
            doubts.push(Diagnostic::warning("partner_external_id", ONE_SIDED, message));
        }
    }
    let primary = one.full_name();
    match (one.is_partner, other.is_partner) {
        (false, false) => doubts.push(Diagnostic::warning(
            "is_partner",
            TWO_PRIMARY,
            format!("the CRM calls both the primary client; {primary} is taken, who has the lower id"),
        )),
        (true, true) => doubts.push(Diagnostic::warning(
            "is_partner",
            NO_PRIMARY,
            format!("the CRM calls both the partner; {primary} is taken as primary client, who has the lower id"),
        )),
        _ => {}
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ClientStatus;

    fn client(id: &str, name: &str, partner: Option<&str>, is_partner: bool) -> Client {
        Client {
            first_name: Some(name.to_owned()),
            last_name: Some("Khan".to_owned()),
            partner_external_id: partner.map(|id| ExternalId(id.to_owned())),
            adviser_external_id: Some(ExternalId(format!("adviser of {id}"))),
            is_partner,
            ..Client::unnamed(ExternalId(id.to_owned()), ClientStatus::Client)
        }
    }

    #[track_caller]
    fn check(people: &[(&Client, bool)], name: &str, codes: &[&str]) {
        let summary = summary(people);
        assert_eq!(summary.name, name);
        let found: Vec<_> = summary.diagnostics.iter().map(|d| d.code.as_str()).collect();
        assert_eq!(found, codes);
        assert_eq!(summary.adviser_external_id, people[summary.primary].0.adviser_external_id);
    }

    #[test]
    fn couples() {
        let ayda = client("1", "Ayda", Some("2"), false);
        let sam = client("2", "Sam", Some("1"), true);
        check(&[(&ayda, true), (&sam, true)], "Ayda Khan & Sam Khan", &[]);
        let ayda = Client { is_partner: true, ..ayda };
        check(&[(&ayda, true), (&sam, true)], "Ayda Khan & Sam Khan", &["no-primary-client"]);
        let sam = Client { is_partner: false, ..sam };
        check(&[(&ayda, true), (&sam, true)], "Sam Khan & Ayda Khan", &[]);
        let ayda = Client { is_partner: false, ..ayda };
        check(&[(&ayda, true), (&sam, true)], "Ayda Khan & Sam Khan", &["two-primary-clients"]);
        let sam = Client { is_partner: true, partner_external_id: None, ..sam };
        check(&[(&ayda, true), (&sam, false)], "Ayda Khan & Sam Khan", &["partner-link-one-sided"]);
    }

    #[test]
    fn a_partner_who_was_added_in_the_practice() {
        let ayda = client("1", "Ayda", None, false);
        let added = "practice:0197a000-0000-7000-8000-000000000001";
        let sam = client(added, "Sam", Some("1"), true);
        check(&[(&ayda, false), (&sam, true)], "Ayda Khan & Sam Khan", &[]);
        check(&[(&sam, true)], "Sam Khan", &["partner-link-contested"]);
    }

    #[test]
    fn people_alone() {
        check(&[(&client("1", "Ayda", None, true), false)], "Ayda Khan", &[]);
        check(&[(&client("1", "Ayda", Some("1"), false), true)], "Ayda Khan", &[]);
        check(&[(&client("1", "Ayda", Some("2"), false), false)], "Ayda Khan", &["partner-not-in-book"]);
        check(&[(&client("1", "Ayda", Some("2"), false), true)], "Ayda Khan", &["partner-link-contested"]);
    }
}
