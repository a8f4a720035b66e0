//! What a text may name a person by: for texts that others wrote, such as the reasons of access, from which an erased person is taken.

mod marks;
mod places;

use std::ops::Range;

use crate::field::Record as _;
use crate::fold::fold;
use crate::history::{FormerValue, LastChange, NAMES};
use crate::record::Client;
use marks::{SHORTEST_NUMBER, has_email, has_id, has_number};
use places::{Name, Place, is_unspaced, normal};

pub use places::Text;

/// The fewest letters of an id in a CRM by which somebody is known anywhere.
const SHORTEST_ID: usize = 4;

/// What a text may name a person by: their names, those of before too, their email, mobile and id in the CRM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedBy {
    /// Each name, folded: one or more words.
    given: Vec<String>,
    family: Vec<String>,
    /// Emails, in small letters.
    emails: Vec<String>,
    /// The digits of numbers, with the country code.
    numbers: Vec<String>,
    /// The id in the CRM, folded, where it is long enough to be told from other words.
    id: Option<String>,
}

impl NamedBy {
    /// What a client may be named by, of whom these values are former ones, and whose fields were changed like this.
    pub fn of(client: &Client, former: &[FormerValue], last_changes: &[LastChange]) -> Self {
        let all = |fields: &[&str], read: &dyn Fn(String) -> String| {
            let is_one = |field: &str| fields.contains(&field);
            let former = former.iter().filter(|former| is_one(&former.field)).map(|former| former.value.clone());
            let changed = last_changes.iter().filter(|change| is_one(&change.field));
            let changed = changed.flat_map(|change| [change.from.clone(), change.to.clone()]).flatten();
            let now = fields.iter().filter_map(|field| client.text_of(field));
            let mut texts: Vec<String> = former.chain(changed).chain(now).map(read).collect();
            texts.retain(|text| !text.is_empty());
            texts.sort_unstable();
            texts.dedup();
            texts
        };
        let [first, preferred, middle, last] = NAMES;
        let by_letters = |text: String| fold(&normal(&text));
        let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let mut numbers = all(&["mobile"], &digits);
        numbers.retain(|number| number.len() >= SHORTEST_NUMBER);
        let id = by_letters(client.external_id.0.clone());
        let mut given = all(&[first, preferred, middle], &by_letters);
        // Jean Paul is Jean P., too.
        let shortened: Vec<String> = given.iter().filter_map(|name| with_initials(name)).collect();
        given.extend(shortened);
        Self {
            given,
            family: all(&[last], &by_letters),
            emails: all(&["email"], &|text| normal(&text).to_lowercase()),
            numbers,
            id: Some(id).filter(|id| id.len() >= SHORTEST_ID),
        }
    }

    /// Whether a text about the person's own household may name them: by any of their names alone.
    pub fn is_by_any_name_in(&self, text: &Text) -> bool {
        let mut names = self.given.iter().chain(&self.family);
        names.any(|name| has(&text.folded, name)) || self.is_marked_in(text, &[])
    }

    /// Whether a text about somebody else may name them: by a given name and a family name, written as names are, or by their email,
    /// number or id. By one name alone, whoever is called Will would be in each text that has the word `will`.
    pub fn is_by_whole_name_in(&self, text: &Text) -> bool {
        self.is_meant_in(text, &[])
    }

    /// The same, where these are others who stay: a name that is one of theirs as well, or part of a longer one of theirs, is theirs,
    /// and so is an email or number that they have, too.
    pub fn is_meant_in(&self, text: &Text, others: &[Self]) -> bool {
        let theirs: Vec<Place> = others.iter().flat_map(|other| other.places_in(text)).collect();
        let is_free = |place: &Place| {
            let has = |part: &Range<usize>| place.iter().any(|own| own.start <= part.start && part.end <= own.end);
            let is_within = |other: &&Place| *other != place && other.iter().all(has);
            let covering: Vec<_> = theirs.iter().filter(|other| !is_within(other)).flatten().collect();
            let is_covered = |at: usize| covering.iter().any(|part| part.contains(&at));
            place.iter().any(|part| {
                let mut letters =
                    text.normal[part.clone()].char_indices().filter(|(_, letter)| letter.is_alphanumeric());
                letters.any(|(at, _)| !is_covered(part.start + at))
            })
        };
        self.places_in(text).iter().any(is_free) || self.is_marked_in(text, others)
    }

    /// Whether they have something in common with somebody that a text may name both by.
    pub fn is_like(&self, other: &Self, texts: &[&Text]) -> bool {
        self.emails.iter().any(|email| other.emails.contains(email))
            || self.numbers.iter().any(|number| other.numbers.contains(number))
            || texts.iter().any(|text| {
                let is_there = |name: &String| text.folded.contains(name.as_str());
                self.family.iter().any(is_there) && !self.places_in(text).is_empty()
            })
    }

    /// Whether a sentence that the host wrote about people names them: by their whole name, which may be one word alone.
    pub fn is_told_in(&self, sentence: &Text) -> bool {
        let has_one = self.given.is_empty() != self.family.is_empty();
        let alone = || self.given.iter().chain(&self.family).any(|name| has(&sentence.folded, name));
        self.is_by_whole_name_in(sentence) || (has_one && alone())
    }

    /// The places of a text at which their whole name stands.
    fn places_in(&self, text: &Text) -> Vec<Place> {
        let own: Vec<&str> = self.given.iter().chain(&self.family).flat_map(|name| name.split(' ')).collect();
        let all = self.given.iter().flat_map(|given| self.family.iter().map(move |family| (given, family)));
        all.flat_map(|(given, family)| Name { given, family, own: &own }.places_in(text)).collect()
    }

    fn is_marked_in(&self, text: &Text, others: &[Self]) -> bool {
        let is_own =
            |mark: &String, of: fn(&Self) -> &Vec<String>| others.iter().all(|other| !of(other).contains(mark));
        let mut emails = self.emails.iter().filter(|email| is_own(email, |other| &other.emails));
        let mut numbers = self.numbers.iter().filter(|number| is_own(number, |other| &other.numbers));
        emails.any(|email| has_email(&text.normal.to_lowercase(), email))
            || numbers.any(|number| has_number(&text.normal, number))
            || self.id.as_ref().is_some_and(|id| has_id(&text.words, id))
    }
}

/// A name of several words by the first of them and the initials of the others.
fn with_initials(name: &str) -> Option<String> {
    let (first, others) = name.split_once(' ')?;
    let initials = others.split(' ').filter_map(|word| word.chars().next());
    Some(initials.fold(first.to_owned(), |name, initial| format!("{name} {initial}")))
}

/// Whether a folded text has a name, as whole words, so that `Li` is not in `client`; also somebody's: `Ayda’s`, which folds to
/// `aydas`. Names of scripts without spaces are found within words.
fn has(text: &str, name: &str) -> bool {
    if is_unspaced(name) {
        return text.contains(name);
    }
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        let ends = is_edge(after.chars().next());
        let is_of_them = after.strip_prefix('s').is_some_and(|rest| is_edge(rest.chars().next()));
        is_edge(before.chars().next_back()) && (ends || is_of_them)
    })
}

#[cfg(test)]
mod tests;
