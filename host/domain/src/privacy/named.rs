//! What a text may name a person by: for texts that others wrote, such as the reasons of access, from which an erased person is taken.

use std::iter;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;

use crate::field::Record as _;
use crate::fold::{fold, is_silent};
use crate::history::{FormerValue, LastChange, NAMES};
use crate::record::Client;

/// The fewest digits of a number, and letters of an id in a CRM, by which somebody is known anywhere.
const SHORTEST_NUMBER: usize = 8;
const SHORTEST_ID: usize = 4;
/// The most initials between two names, and groups of digits in a number.
const MOST_INITIALS: usize = 3;
const MOST_GROUPS: usize = 7;
/// The words after which a number is an id, and not a year or an amount.
const BEFORE_ID: [&str; 7] = ["client", "clients", "crm", "id", "no", "number", "record"];

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
        let all = self.given.iter().flat_map(|given| self.family.iter().map(move |family| (given, family)));
        all.flat_map(|(given, family)| places_of(text, given, family)).collect()
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

/// A text, as it is looked through for names.
pub struct Text {
    /// The text, of whatever width its letters are, without accents.
    normal: String,
    folded: String,
    words: Vec<Word>,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let normal = normal(text);
        Self { folded: fold(&normal), words: words(&normal), normal }
    }
}

/// A place of a text at which a whole name stands, in parts where another name stands within it (`Jane & Tom Stone`).
type Place = Vec<Range<usize>>;

/// A word of a text.
struct Word {
    folded: String,
    place: Range<usize>,
    /// Whether it begins as names do: with a capital, or with a letter of a script that has none.
    is_name_like: bool,
    /// What stands between it and the word before.
    before: String,
}

/// A text of whatever width its letters are, without accents and the points of Hebrew and Arabic. What other scripts write as marks are
/// letters to their readers.
fn normal(text: &str) -> String {
    let is_left_out =
        |c: &char| matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}');
    let plain = text.nfkd().filter(|c| !is_left_out(c)).map(|c| if c == 'ς' { 'σ' } else { c });
    plain.collect::<String>().nfc().collect()
}

/// The words of a text, as [`fold`] parts them.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut end = 0;
    while let Some(found) = text[end..].find(char::is_alphanumeric) {
        let begin = end + found;
        let parts = |at: &(usize, char)| !at.1.is_alphanumeric() && !is_silent(at.1);
        let length = text[begin..].char_indices().find(parts).map_or(text.len() - begin, |(length, _)| length);
        let before = text[end..begin].to_owned();
        end = begin + length;
        let word = &text[begin..end];
        let is_name_like = word.chars().next().is_some_and(|first| first.is_alphabetic() && !first.is_lowercase());
        words.push(Word { folded: fold(word), place: begin..end, is_name_like, before });
    }
    words
}

/// The places at which a text has a given name and a family name as one name: one after the other, initials or a partner's name between
/// them or not, or the family name first. A family name is told from another word by its capital, where the text has any.
fn places_of(Text { normal, words, .. }: &Text, given: &str, family: &str) -> Vec<Place> {
    if is_unspaced(given) || is_unspaced(family) {
        let names = [
            format!("{family}{given}"),
            format!("{given}{family}"),
            format!("{family} {given}"),
            format!("{given} {family}"),
            format!("{family},{given}"),
        ];
        let place = |name: &String| {
            let found = normal.match_indices(name.as_str());
            found.map(|(at, found)| iter::once(at..at + found.len()).collect()).collect::<Vec<Place>>()
        };
        return names.iter().flat_map(place).collect();
    }
    let has_capitals = words.iter().any(|word| word.is_name_like);
    let is_like = |from: usize, to: usize| words[from..to].iter().any(|word| word.is_name_like);
    let (mut places, is_blank) =
        (Vec::new(), |before: &str| before.trim_matches(['.', ' ', '\u{a0}', '\t']).is_empty());
    for at in 0..words.len() {
        if let Some(length) = length_at(words, at, given)
            && let Some((from, is_joined)) = family_after(words, at + length, family)
        {
            let to = from + length_at(words, from, family).unwrap_or_default();
            if !has_capitals || is_like(from, to) {
                places.push(if is_joined { vec![(at, at + length), (from, to)] } else { vec![(at, to)] });
            }
        }
        if let Some(length) = length_at(words, at, family)
            && let Some(more) = length_at(words, at + length, given)
            && has_capitals
            && is_like(at, at + length)
        {
            let (middle, to) = (at + length, at + length + more);
            let before = words[middle].before.trim();
            // Of `Peter Stone, Mary Lee` neither is Mary Stone.
            let is_longer = (at > 0 && words[at - 1].is_name_like && is_blank(&words[at].before))
                || words.get(to).is_some_and(|next| next.is_name_like && is_blank(&next.before));
            if ([",", "،"].contains(&before) && !is_longer) || (before.is_empty() && is_like(middle, to)) {
                places.push(vec![(at, to)]);
            }
        }
    }
    // `Stone-Lee` is another name than `Stone`, and what stands before an `@` is part of an address.
    let goes_on =
        |at: usize| at > 0 && words.get(at).is_some_and(|word| word.before == "-" || word.before.starts_with('@'));
    places.retain(|parts: &Vec<(usize, usize)>| !parts.iter().any(|(from, to)| goes_on(*from) || goes_on(*to)));
    let part = |(from, to): &(usize, usize)| words[*from].place.start..words[to - 1].place.end;
    places.iter().map(|parts| parts.iter().map(part).collect()).collect()
}

/// The word at which a family name stands after a given name, and whether after a partner’s name (`Jane & Tom Stone`): else at once, or
/// after initials.
fn family_after(words: &[Word], from: usize, family: &str) -> Option<(usize, bool)> {
    let is_parted = |before: &str| !before.trim_matches(['.', ' ', '\u{a0}', '\t']).is_empty();
    let next = words.get(from)?;
    let joins = ["&", "+"].contains(&next.before.trim());
    let (partner, is_joined) = if next.folded == "and" { (from + 1, true) } else { (from, joins) };
    if is_joined {
        let is_one = words.get(partner).is_some_and(|partner| partner.is_name_like);
        let is_at = length_at(words, partner + 1, family).is_some() && !is_parted(&words[partner + 1].before);
        return (is_one && is_at).then_some((partner + 1, true));
    }
    let is_initial = |word: &&Word| word.folded.chars().count() == 1 && !is_parted(&word.before);
    let skipped = words[from..].iter().take(MOST_INITIALS).take_while(is_initial).count();
    let is_at = |at: &usize| length_at(words, *at, family).is_some() && !is_parted(&words[*at].before);
    (from..=from + skipped).find(is_at).map(|at| (at, false))
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

/// Whether a text in small letters has an email, and not a longer one.
fn has_email(text: &str, email: &str) -> bool {
    let is_of_one = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '@');
    text.match_indices(email).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + email.len()..]);
        let goes_on = after.trim_start_matches(['.', '-']).chars().next().filter(|_| !after.is_empty());
        let is_longer = goes_on.is_some_and(char::is_alphanumeric) && after.chars().next().is_some_and(is_of_one);
        !is_longer && !before.chars().next_back().is_some_and(is_of_one)
    })
}

/// Whether a text has a number, with or without its country code, however its digits are grouped, and not a longer one.
fn has_number(text: &str, number: &str) -> bool {
    let is_of_one = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '\u{a0}' | '-' | '(' | ')' | '.' | '/' | '+');
    text.split(|c| !is_of_one(c)).any(|run| {
        let groups: Vec<&str> = run.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
        (0..groups.len()).any(|from| {
            (from + 1..=groups.len().min(from + MOST_GROUPS)).any(|to| {
                let digits = groups[from..to].concat();
                let bare = digits.trim_start_matches('0');
                bare.len() >= SHORTEST_NUMBER && number.ends_with(bare)
            })
        })
    })
}

/// Whether a text has an id: digits alone only after a word that says so, because a year or an amount may be the same.
fn has_id(words: &[Word], id: &str) -> bool {
    let is_number = id.chars().all(|c| c.is_ascii_digit());
    let is_said = |at: usize| {
        let says = |word: &Word| BEFORE_ID.contains(&word.folded.as_str());
        words[at].before.ends_with('#') || words[at.saturating_sub(2)..at].iter().any(says)
    };
    (0..words.len()).any(|at| length_at(words, at, id).is_some() && (!is_number || is_said(at)))
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

/// Whether a name is written in a script that puts no spaces between words, or none within names, as Korean does.
fn is_unspaced(name: &str) -> bool {
    name.chars().any(|c| matches!(c, '\u{2e80}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{e00}'..='\u{eff}' | '\u{20000}'..='\u{3ffff}'))
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
        let named = NamedBy::of(client, &[], last_changes);
        let found = (named.is_by_any_name_in(&text.into()), named.is_by_whole_name_in(&text.into()));
        assert_eq!(found, (by_any, by_whole), "{text}");
    }

    #[test]
    fn a_name_is_found_however_it_is_written_and_in_no_other_word() {
        let jose = named("José", "Wang");
        for alone in ["José’s tax", "Jose's tax is urgent", "the Wangs", "(Wang)", "JOSE"] {
            check(&jose, alone, (true, false));
        }
        for whole in ["José Wang", "Wang, José", "for José Wang’s tax", "jose.wang", "Ｊｏｓｅ Ｗａｎｇ"] {
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
        assert!(NamedBy::of(&cher.0, &[], &[]).is_told_in(&"Cher has no adviser".into()), "the host names people");
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
        let by = |first: &str, last: &str| NamedBy::of(&named(first, last).0, &[], &[]);
        let check = |erased: &NamedBy, others: &[NamedBy], text: &str, expected: bool| {
            assert_eq!(erased.is_meant_in(&text.into(), others), expected, "{text}");
        };
        // The email and number of the tests are the same of all.
        let mary = by("Mary", "Stone");
        check(&mary, &[by("Marian", "Stone")], "Mary Stone rang", true);
        check(&mary, &[by("MARY", "Stone")], "Mary Stone rang", false);
        check(&mary, &[by("Marian", "Stone")], "0491 575 029 rang", false);
        let longer = [by("Mary", "Stone Lee"), by("Anna Mary", "Stone"), by("Mary Ann", "Stone")];
        for text in
            ["Mary Stone Lee rang", "Mary Stone-Lee rang", "Anna-Mary Stone", "Anna Mary Stone", "Stone, Mary Ann"]
        {
            check(&mary, &longer, text, false);
        }
        check(&mary, &longer, "Mary Stone Lee and Mary Stone", true);
        check(&mary, &longer, "Mary A. Stone", false);
        check(&mary, &longer, "mary.stone@example.org", false);
        check(&longer[2], &[], "Mary A. Stone", true);
        check(&longer[0], std::slice::from_ref(&mary), "Mary Stone Lee rang", true);
        let others = [by("Peter", "Stone"), by("Mary", "Lee")];
        for text in ["Peter Stone, Mary Lee", "Peter Stone: Mary Lee wrote", "for Peter Stone Mary Lee asks"] {
            check(&mary, &others, text, false);
        }
        check(&mary, &[], "John Stone, Mary Jones", false);
        // A couple is named together, and each of them is.
        for text in ["Peter & Mary Stone", "Mary and Peter Stone", "Peter+Mary Stone"] {
            check(&mary, &others, text, true);
        }
        check(&by("Tom", "Stone"), std::slice::from_ref(&mary), "Peter & Mary Stone", false);
        check(&mary, &[], "-Mary Stone", true);
        check(&by("خالد", "حداد"), &[], "حداد، خالد", true);
        check(&by("伟", "张"), &[by("伟明", "张")], "张伟明来电", false);
        check(&by("伟", "张"), &[by("伟明", "张")], "张伟来电", true);
        assert!(mary.is_like(&others[0], &[]) && mary.is_by_any_name_in(&"Mary rang".into()), "in their own household");
    }

    #[test]
    fn numbers_and_ids_are_not_found_in_others() {
        let (mut client, _) = named("Kay", "Noon");
        client.external_id = ExternalId("2026".to_owned());
        let kay = NamedBy::of(&client, &[], &[]);
        for text in [
            "review of 2026",
            "born 12/03/2026",
            "$2026 gift",
            "policy 10491575029",
            "+61491575029999",
            "xjw@example.com",
            "jw@example.com.org",
        ] {
            assert!(!kay.is_by_whole_name_in(&text.into()), "{text}");
        }
        for text in [
            "client 2026",
            "CRM id: 2026",
            "#2026",
            "call 0491 575 029.",
            "0061 491-575-029",
            "(jw@example.com)",
            "jw@example.com.",
        ] {
            assert!(kay.is_by_whole_name_in(&text.into()), "{text}");
        }
    }

    #[test]
    fn names_are_found_in_whichever_script_and_with_a_partners() {
        check(&named("민준", "박"), "박민준님 전화", (true, true));
        check(&named("Γιώργος", "Παπαδόπουλος"), "ΓΙΩΡΓΟΣ ΠΑΠΑΔΟΠΟΥΛΟΣ", (true, true));
        check(&named("Пётр", "Королёв"), "Петр Королев", (true, true));
        check(&named("สมชาย", "ใจดี"), "คุณสมชาย ใจดี โทรมา", (true, true));
        check(&named("さくら", "鈴木"), "鈴木ざくら", (true, false));
        for text in ["Jane & Tom Pairington", "Jane and Tom Pairington’s loan"] {
            check(&named("Jane", "Pairington"), text, (true, true));
        }
        for text in
            ["Jane and then Pairington", "they jane, pairington as they are", "pairington, jane", "Jane: Pairington"]
        {
            check(&named("Jane", "Pairington"), text, (true, false));
        }
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
