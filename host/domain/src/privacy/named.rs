//! What a text may name a person by: for texts that others wrote, such as the reasons of access, from which an erased person is taken.

use crate::field::Record as _;
use crate::fold::{fold, is_silent};
use crate::history::{FormerName, LastChange, NAMES};
use crate::record::Client;
use crate::text::by_its_letters;

/// The fewest digits of a number, and letters of an id in a CRM, by which somebody is known anywhere.
const SHORTEST_NUMBER: usize = 8;
const SHORTEST_ID: usize = 4;
/// The most initials between two names.
const MOST_INITIALS: usize = 3;

/// What a text may name a person by: their names, those of before too, their email, mobile and id in the CRM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedBy {
    /// Each name, folded: one or more words.
    given: Vec<String>,
    family: Vec<String>,
    /// The names, given and family, that somebody else has who stays.
    shared: Vec<(String, String)>,
    /// Texts that are the person's alone, folded.
    marks: Vec<String>,
    /// The last digits of numbers, which are the same with and without a country code.
    numbers: Vec<String>,
}

impl NamedBy {
    /// What a client may be named by, who had these names, and whose fields were changed like this.
    pub fn of(client: &Client, former: &[FormerName], last_changes: &[LastChange]) -> Self {
        let now = |field: &str| client.text_of(field);
        let before = |field: &str| {
            let names = former.iter().filter(|former| former.field == field).map(|former| former.name.clone());
            let changes = last_changes.iter().filter(|change| change.field == field);
            let changed = changes.flat_map(|change| [change.from.clone(), change.to.clone()]).flatten();
            names.chain(changed).collect::<Vec<_>>()
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
        let (given, family) = (all(&[first, preferred, middle]), all(&[last]));
        Self { given, family, shared: Vec::new(), marks, numbers }
    }

    /// The family names, folded as they are in the order of lists.
    pub fn family(&self) -> impl Iterator<Item = &str> {
        self.family.iter().map(String::as_str)
    }

    /// Leaves a name to somebody else who has it and stays: a text about others that has it may be about that one.
    pub fn leave_to(&mut self, other: &Client) {
        let [first, preferred, middle, last] = NAMES.map(|field| other.text_of(field).map(|text| folded(&text)));
        let Some(family) = last.filter(|family| self.family.contains(family)) else { return };
        let given = [first, preferred, middle].into_iter().flatten().filter(|given| self.given.contains(given));
        self.shared.extend(given.map(|given| (given, family.clone())));
    }

    /// Whether a text about the person's own household may name them: by any of their names alone.
    pub fn is_by_any_name_in(&self, text: &str) -> bool {
        let text = folded(text);
        let mut names = self.given.iter().chain(&self.family);
        names.any(|name| has(&text, name)) || self.is_marked_in(&text)
    }

    /// Whether a text about somebody else names them: by a given name and a family name, written as names are, where nobody else has
    /// both. By one alone, whoever is called Will would be in each text that has the word `will`.
    pub fn is_by_whole_name_in(&self, text: &str) -> bool {
        let words = words(text);
        let folded = folded(text);
        self.whole_names().any(|(given, family)| is_whole_in(&words, &folded, given, family))
            || self.is_marked_in(&folded)
    }

    /// Whether a sentence that the host wrote about people names them: by their whole name, which may be one word alone.
    pub fn is_told_in(&self, sentence: &str) -> bool {
        let has_one = self.given.is_empty() != self.family.is_empty();
        let alone = || self.given.iter().chain(&self.family).any(|name| has(&folded(sentence), name));
        self.is_by_whole_name_in(sentence) || (has_one && alone())
    }

    fn whole_names(&self) -> impl Iterator<Item = (&String, &String)> {
        let all = self.given.iter().flat_map(|given| self.family.iter().map(move |family| (given, family)));
        all.filter(|(given, family)| !self.shared.iter().any(|(other, of)| (other, of) == (*given, *family)))
    }

    fn is_marked_in(&self, text: &str) -> bool {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        self.marks.iter().any(|mark| has(text, mark)) || self.numbers.iter().any(|number| digits.contains(number))
    }
}

/// A word of a text.
struct Word {
    folded: String,
    /// Whether it begins as names do: with a capital, or with a letter of a script that has none.
    is_name_like: bool,
    /// Whether a comma follows.
    is_before_comma: bool,
}

/// The words of a text, as [`fold`] parts them.
fn words(text: &str) -> Vec<Word> {
    let text = by_its_letters(text);
    let mut words: Vec<Word> = Vec::new();
    let mut rest = text.as_str();
    while let Some(begin) = rest.find(char::is_alphanumeric) {
        if rest[..begin].trim_start().starts_with(',')
            && let Some(last) = words.last_mut()
        {
            last.is_before_comma = true;
        }
        rest = &rest[begin..];
        let parts = |at: &(usize, char)| !at.1.is_alphanumeric() && !is_silent(at.1);
        let end = rest.char_indices().find(parts).map_or(rest.len(), |(end, _)| end);
        let (word, after) = rest.split_at(end);
        let first = word.chars().next();
        let is_name_like =
            first.is_some_and(|first| first.is_uppercase() || (first.is_alphabetic() && !first.is_lowercase()));
        words.push(Word { folded: fold(word), is_name_like, is_before_comma: false });
        rest = after;
    }
    words
}

/// Whether a text has a given name and a family name as one name: one after the other, an initial between them or none, or the family
/// name first. The word by which a family name is told from another word begins with a capital, where the text has any.
fn is_whole_in(words: &[Word], folded: &str, given: &str, family: &str) -> bool {
    let (apart, turned) = (format!("{given} {family}"), format!("{family} {given}"));
    if is_unspaced(&apart) {
        return [&apart, &turned].iter().any(|name| has(folded, name) || has(folded, &name.replace(' ', "")));
    }
    let has_capitals = words.iter().any(|word| word.is_name_like);
    (0..words.len()).any(|at| {
        let in_order = || {
            let between = at + length_at(words, at, given)?;
            let is_initial = |word: &Word| word.folded.chars().count() == 1;
            let skipped = words[between..].iter().take(MOST_INITIALS).take_while(|word| is_initial(word)).count();
            let from =
                (0..=skipped).map(|skip| between + skip).find(|from| length_at(words, *from, family).is_some())?;
            let family = &words[from..from + length_at(words, from, family)?];
            Some(!has_capitals || family.iter().any(|word| word.is_name_like))
        };
        let turned = || {
            let from = at + length_at(words, at, family)?;
            let given = &words[from..from + length_at(words, from, given)?];
            let family = &words[at..from];
            let is_parted = family.last().is_some_and(|word| word.is_before_comma);
            let is_like = |words: &[Word]| words.iter().any(|word| word.is_name_like);
            Some(if is_parted { !has_capitals || is_like(family) } else { is_like(family) && is_like(given) })
        };
        in_order() == Some(true) || turned() == Some(true)
    })
}

/// The number of words that a name has in a text from a place on, where it stands there; the last may be somebody's: `Ayda’s`.
fn length_at(words: &[Word], at: usize, name: &str) -> Option<usize> {
    let parts: Vec<&str> = name.split(' ').collect();
    let found = words.get(at..at + parts.len())?;
    let last = parts.len() - 1;
    let is_it = |(place, (word, part)): (usize, (&Word, &&str))| {
        word.folded == **part || (place == last && word.folded.strip_suffix('s') == Some(part))
    };
    found.iter().zip(&parts).enumerate().all(is_it).then_some(parts.len())
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
    use crate::history::{ChangeCause, remember_names};
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
        let named = NamedBy::of(client, &[], last_changes);
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
        for other in ["May Long take over?", "long may it last", "It may long be so"] {
            check(&named("May", "Long"), other, (true, other.starts_with("May")));
        }
        check(&named("An", "Audit"), "An audit", (true, false));
        check(&named("A", "B"), "leave (plan A, b)", (true, false));
        check(&named("Wanda", "Trench"), "wanda trench is suing him", (true, true));
        check(&named("May", ""), "Maternity cover from May to July", (true, false));
        check(&named("Cher", ""), "Cher rang", (true, false));
        let cher = named("Cher", "");
        assert!(NamedBy::of(&cher.0, &[], &[]).is_told_in("Cher has no adviser"), "the host names people");
    }

    #[test]
    fn a_whole_name_is_found_with_initials_and_turned_round() {
        let jp = named("Johannes", "van der Berg");
        for whole in [
            "Johannes van der Berg",
            "Johannes P. van der Berg’s will",
            "van der Berg, Johannes",
            "JOHANNES VAN DER BERG",
        ] {
            check(&jp, whole, (true, true));
        }
        check(&jp, "Johannes, Berg and partners", (true, false));
        check(&named("Thi Van An", "Nguyen"), "Nguyen Thi Van An rang", (true, true));
        check(&named("José", "O'Brien"), "O’Brien, José", (true, true));
    }

    #[test]
    fn a_name_that_somebody_else_has_is_theirs_too() {
        let (mary, _) = named("Mary", "Stone");
        let mut named_by = NamedBy::of(&mary, &[], &[]);
        assert!(named_by.is_by_whole_name_in("Mary Stone rang"));
        named_by.leave_to(&named("Marian", "Stone").0);
        assert!(named_by.is_by_whole_name_in("Mary Stone rang"));
        named_by.leave_to(&named("MARY", "Stone").0);
        assert!(!named_by.is_by_whole_name_in("Mary Stone rang"));
        assert!(named_by.is_by_whole_name_in("Mary Stone, jw@example.com, rang"), "their address is theirs alone");
        assert!(named_by.is_by_any_name_in("Mary rang"), "in their own household");
    }

    #[test]
    fn each_name_that_somebody_had_is_remembered() {
        let named = |first: &str, last: &str| named(first, last).0;
        let mut former = Vec::new();
        for (before, after) in [("Client", "Middle"), ("Middle", "Client"), ("Client", "Third")] {
            remember_names(&mut former, &named("Cory", before), &named("Cory", after));
        }
        let names = |former: &[FormerName]| former.iter().map(|former| former.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&former), ["Middle", "Client"]);
        let cory = NamedBy::of(&named("Cory", "Third"), &former, &[]);
        assert!(["Cory Client", "Cory Middle", "Cory Third"].iter().all(|name| cory.is_by_whole_name_in(name)));
        for number in 0..50 {
            remember_names(&mut former, &named("Cory", &format!("N{number}")), &named("Cory", "Third"));
        }
        assert_eq!((former.len(), former[39].name.as_str()), (40, "N49"));
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
