//! What a text may name a person by: for texts that others wrote, such as the reasons of access, from which an erased person is taken.

use crate::field::Record as _;
use crate::fold::fold;
use crate::history::LastChange;
use crate::record::Client;
use crate::text::by_its_letters;

/// The fields that somebody is called by.
const NAMES: [&str; 4] = ["first_name", "preferred_name", "middle_name", "last_name"];
/// The fewest digits of a number, and letters of an id in a CRM, by which somebody is known anywhere.
const SHORTEST_NUMBER: usize = 8;
const SHORTEST_ID: usize = 4;

/// What a text may name a person by: their names, those of before too, their email, mobile and id in the CRM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedBy {
    /// Each name, folded: one or more words.
    given: Vec<String>,
    family: Vec<String>,
    /// Texts that are the person's alone, folded.
    marks: Vec<String>,
    /// The last digits of numbers, which are the same with and without a country code.
    numbers: Vec<String>,
}

impl NamedBy {
    /// What a client may be named by, whose fields were changed like this.
    pub fn of(client: &Client, last_changes: &[LastChange]) -> Self {
        let now = |field: &str| client.text_of(field);
        let before = |field: &str| {
            let changes = last_changes.iter().filter(|change| change.field == field);
            changes.flat_map(|change| [change.from.clone(), change.to.clone()]).flatten().collect::<Vec<_>>()
        };
        let all = |fields: &[&str]| {
            let texts = fields.iter().flat_map(|field| before(field).into_iter().chain(now(field)));
            let mut folded: Vec<String> = texts.map(|text| folded(&text)).filter(|text| !text.is_empty()).collect();
            folded.sort_unstable();
            folded.dedup();
            folded
        };
        let [first, preferred, middle, last] = NAMES;
        let mut marks = all(&["email"]);
        marks.extend(Some(folded(&client.external_id.0)).filter(|id| id.len() >= SHORTEST_ID));
        let tail = |text: String| {
            let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
            let from = digits.len().saturating_sub(SHORTEST_NUMBER);
            (digits.len() >= SHORTEST_NUMBER).then(|| digits[from..].iter().collect())
        };
        let numbers = before("mobile").into_iter().chain(now("mobile")).filter_map(tail).collect();
        Self { given: all(&[first, preferred, middle]), family: all(&[last]), marks, numbers }
    }

    /// Whether a text about the person's own household may name them: by any of their names alone.
    pub fn is_by_any_name_in(&self, text: &str) -> bool {
        let text = folded(text);
        let mut names = self.given.iter().chain(&self.family);
        names.any(|name| has(&text, name)) || self.is_marked_in(&text)
    }

    /// Whether a text about somebody else may name them: by two of their names one after the other, in either order. By one alone,
    /// whoever is called Will Long would be in each text that has the word `will`.
    pub fn is_by_whole_name_in(&self, text: &str) -> bool {
        let text = folded(text);
        let is_whole = |given: &String| {
            let mut family = self.family.iter();
            family.any(|family| {
                [[given, family], [family, given]].iter().any(|[one, other]| {
                    let apart = format!("{one} {other}");
                    has(&text, &apart) || (is_unspaced(&apart) && has(&text, &format!("{one}{other}")))
                })
            })
        };
        // Who has one name alone is called by that.
        let has_one = self.given.is_empty() != self.family.is_empty();
        let alone = || self.given.iter().chain(&self.family).any(|name| has(&text, name));
        self.given.iter().any(is_whole) || (has_one && alone()) || self.is_marked_in(&text)
    }

    fn is_marked_in(&self, text: &str) -> bool {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        self.marks.iter().any(|mark| has(text, mark)) || self.numbers.iter().any(|number| digits.contains(number))
    }
}

/// A text as it is looked through: folded, of whatever width its letters are.
fn folded(text: &str) -> String {
    fold(&by_its_letters(text))
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

/// Whether a name is written in a script that puts no spaces between words.
fn is_unspaced(name: &str) -> bool {
    name.chars().any(|c| matches!(c, '\u{2e80}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{e00}'..='\u{eff}' | '\u{20000}'..='\u{3ffff}'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::ChangeCause;
    use crate::ids::ExternalId;
    use crate::record::ClientStatus;
    use crate::value::{EmailAddress, Timestamp};

    fn named(first: &str, last: &str) -> (Client, Vec<LastChange>) {
        let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let record = Client::unnamed(ExternalId("30107".to_owned()), ClientStatus::Client);
        let email = Some(EmailAddress::kept("jw@example.com".to_owned()));
        let mobile = Some("+61491575029".to_owned().try_into().unwrap());
        (Client { first_name: name(first), last_name: name(last), email, mobile, ..record }, Vec::new())
    }

    #[track_caller]
    fn check((client, last_changes): &(Client, Vec<LastChange>), text: &str, (by_any, by_whole): (bool, bool)) {
        let named = NamedBy::of(client, last_changes);
        assert_eq!((named.is_by_any_name_in(text), named.is_by_whole_name_in(text)), (by_any, by_whole), "{text}");
    }

    #[test]
    fn a_name_is_found_however_it_is_written_and_in_no_other_word() {
        let jose = named("José", "Wang");
        for alone in ["José’s tax", "Jose's tax is urgent", "the Wangs", "(Wang)", "JOSE"] {
            check(&jose, alone, (true, false));
        }
        for whole in ["José Wang", "wang, jose", "for José Wang’s tax", "jose.wang", "Ｊｏｓｅ Ｗａｎｇ"] {
            check(&jose, whole, (true, true));
        }
        for none in ["Joseph rang", "the wangle", "", "San Joseville"] {
            check(&jose, none, (false, false));
        }
        for mark in ["jw@example.com rang", "call 0491 575 029", "+61491575029", "client 30107"] {
            check(&jose, mark, (true, true));
        }
    }

    #[test]
    fn words_that_are_names_too_are_left_where_they_are_about_others() {
        let will = named("Will", "Long");
        for other in ["she will be away for long", "long leave cover"] {
            check(&will, other, (true, false));
        }
        check(&will, "Long, Will", (true, true));
        check(&named("An", "To"), "an audit to prepare", (true, false));
        check(&named("Cher", ""), "Cher rang", (true, true));
    }

    #[test]
    fn names_of_scripts_without_spaces_and_names_of_before_are_found() {
        let chen = named("雅婷", "陳");
        check(&chen, "找陳雅婷女士談", (true, true));
        check(&chen, "陳女士", (true, false));
        let at = Timestamp::UNIX_EPOCH;
        let last_changes = vec![LastChange {
            field: "last_name".to_owned(),
            from: Some("Betancourt".to_owned()),
            to: Some("Gardiner".to_owned()),
            at,
            cause: ChangeCause::Edit,
            by: None,
            run: None,
            revision: None,
        }];
        let alma = (named("Alma", "Gardiner").0, last_changes);
        check(&alma, "Mrs Betancourt before the wedding", (true, false));
        check(&alma, "Alma Betancourt", (true, true));
    }
}
