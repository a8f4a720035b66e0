//! The places at which a text has somebody's whole name.

use std::iter;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;

use crate::fold::{fold, is_silent};

/// The most initials between two names.
const MOST_INITIALS: usize = 3;
/// The most people who are named together with the name that they share (`Jane, Ann & Tom Stone`), beside the first.
const MOST_PARTNERS: usize = 3;
/// The signs between two words that part no name.
const BLANKS: [char; 5] = ['.', ' ', '\u{a0}', '\t', '_'];
/// The words before a name that are none.
const TITLES: [&str; 14] =
    ["mr", "mrs", "ms", "miss", "mx", "master", "dr", "doctor", "prof", "professor", "sir", "dame", "lady", "rev"];

/// A text, as it is looked through for names.
pub struct Text {
    /// The text, of whatever width its letters are, without accents.
    pub(super) normal: String,
    pub(super) folded: String,
    pub(super) words: Vec<Word>,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let normal = normal(text);
        Self { folded: fold(&normal), words: words(&normal), normal }
    }
}

/// A place of a text at which a whole name stands, in parts where another name stands within it (`Jane & Tom Stone`).
pub(super) type Place = Vec<Range<usize>>;

/// A word of a text.
pub(super) struct Word {
    pub(super) folded: String,
    /// The word whose it is, folded, of one in the genitive: of `Ayda’s` that is `ayda`.
    owner: Option<String>,
    /// Two words that are written as one with a capital within: `HughWilliams`.
    halves: Vec<(String, String)>,
    place: Range<usize>,
    /// Whether it begins as names do: with a capital, or with a letter of a script that has none.
    is_name_like: bool,
    /// What stands between it and the word before.
    pub(super) before: String,
}

/// A text of whatever width its letters are, without accents and the points of Hebrew and Arabic. What other scripts write as marks are
/// letters to their readers.
pub(super) fn normal(text: &str) -> String {
    let is_left_out =
        |c: &char| matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}');
    // An accent by itself is typed for an apostrophe.
    let text = text.chars().map(|c| if c == '´' { '’' } else { c });
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
        let genitive = word.trim_end_matches(is_silent).strip_suffix(['s', 'S']).filter(|one| one.ends_with(is_silent));
        let capitals = word.char_indices().skip(1).filter(|(_, c)| c.is_uppercase());
        words.push(Word {
            folded: fold(word),
            owner: genitive.map(fold),
            halves: capitals.map(|(at, _)| (fold(&word[..at]), fold(&word[at..]))).collect(),
            place: begin..end,
            is_name_like,
            before,
        });
    }
    words
}

/// Whether nothing is between two words that would part a name.
fn is_blank(between: &str) -> bool {
    between.trim_matches(BLANKS).is_empty()
}

/// A whole name that is looked for, folded.
pub(super) struct Name<'a> {
    pub given: &'a str,
    pub family: &'a str,
    /// The words of all names of theirs: those beside a name are no other name.
    pub own: &'a [&'a str],
}

impl Name<'_> {
    /// The places at which a text has it as one name: one after the other, initials, a nickname or a partner's name between them or not,
    /// or the family name first. A family name is told from another word by its capital, where the text has any.
    pub fn places_in(&self, text: &Text) -> Vec<Place> {
        if is_unspaced(self.given) || is_unspaced(self.family) {
            return self.places_in_unspaced(&text.normal);
        }
        let words = &text.words;
        let has_capitals = words.iter().any(|word| word.is_name_like);
        let is_like = |(from, to): (usize, usize)| words[from..to].iter().any(|word| word.is_name_like);
        let mut places: Vec<Vec<(usize, usize)>> = Vec::new();
        for at in 0..words.len() {
            if let Some(length) = length_at(words, at, self.given)
                && let Some((from, is_joined)) = family_after(words, at + length, self.family)
            {
                let family = (from, from + length_at(words, from, self.family).unwrap_or_default());
                if !has_capitals || is_like(family) {
                    places.push(if is_joined { vec![(at, at + length), family] } else { vec![(at, family.1)] });
                }
            }
            if let Some(length) = length_at(words, at, self.family)
                && has_capitals
                && is_like((at, at + length))
            {
                places.extend(self.turned_round(words, at, at + length));
            }
            let is_both = |(first, then): &(String, String)| {
                [(self.given, self.family), (self.family, self.given)].contains(&(first.as_str(), then.as_str()))
            };
            if words[at].halves.iter().any(is_both) {
                places.push(vec![(at, at + 1)]);
            }
        }
        places.retain(|parts| !parts.iter().any(|part| self.is_of_longer(words, *part)));
        let part = |(from, to): &(usize, usize)| words[*from].place.start..words[to - 1].place.end;
        places.iter().map(|parts| parts.iter().map(part).collect()).collect()
    }

    fn places_in_unspaced(&self, text: &str) -> Vec<Place> {
        let Self { given, family, .. } = self;
        let names = [
            format!("{family}{given}"),
            format!("{given}{family}"),
            format!("{family} {given}"),
            format!("{given} {family}"),
            format!("{family},{given}"),
        ];
        let place = |name: &String| {
            let found = text.match_indices(name.as_str());
            found.map(|(at, found)| iter::once(at..at + found.len()).collect()).collect::<Vec<Place>>()
        };
        names.iter().flat_map(place).collect()
    }

    /// The name where its family name stands first, from one word to another: `Stone, Jane`, `STONE Jane`, `Stone, Tom & Jane`.
    fn turned_round(&self, words: &[Word], at: usize, middle: usize) -> Option<Vec<(usize, usize)>> {
        let next = words.get(middle)?;
        let is_parted = [",", "،"].contains(&next.before.trim());
        // Of `Peter Stone, Mary Lee` neither is Mary Stone.
        let is_second = at > 0 && words[at - 1].is_name_like && is_blank(&words[at].before);
        if let Some(length) = length_at(words, middle, self.given) {
            let to = middle + length;
            let is_at_once = next.before.trim().is_empty() && words[middle..to].iter().any(|word| word.is_name_like);
            let is_it = is_at_once || (is_parted && !is_second && !self.goes_on(words, to));
            return is_it.then(|| vec![(at, to)]);
        }
        if is_second || !(is_parted || is_blank(&next.before)) {
            return None;
        }
        partners(words, middle).find_map(|after| {
            let (partner, is_last) = joined(words, after)?;
            let given = after_titles(words, partner);
            let to = given + length_at(words, given, self.given)?;
            (is_last && !self.goes_on(words, to)).then(|| vec![(at, middle), (given, to)])
        })
    }

    /// Whether another name follows at a word, which is no initial and none of theirs.
    fn goes_on(&self, words: &[Word], at: usize) -> bool {
        let is_theirs = |word: &&Word| {
            is_blank(&word.before) && (word.folded.chars().count() == 1 || self.own.contains(&word.folded.as_str()))
        };
        let after = at + words.get(at..).unwrap_or_default().iter().take_while(is_theirs).count();
        words.get(after).is_some_and(|next| next.is_name_like && is_blank(&next.before))
    }

    /// Whether words are part of a longer name (`Stone-Lee` is another than `Stone`), or of an address.
    fn is_of_longer(&self, words: &[Word], (from, to): (usize, usize)) -> bool {
        let is_hyphened = |at: usize, other: usize| {
            words[at].before == "-" && words.get(other).is_some_and(|word| !self.own.contains(&word.folded.as_str()))
        };
        (from > 0 && (is_hyphened(from, from - 1) || words[from].before.starts_with('@')))
            || (to < words.len() && (is_hyphened(to, to) || words[to].before.starts_with('@')))
    }
}

/// The word at which a family name stands after a given name, and whether after a partner’s name (`Jane & Tom Stone`): else at once, or
/// after initials or a nickname.
fn family_after(words: &[Word], from: usize, family: &str) -> Option<(usize, bool)> {
    let is_at = |at: &usize| {
        length_at(words, *at, family).is_some() && words.get(*at).is_some_and(|word| is_blank(&word.before))
    };
    let initials = after_initials(words, from);
    let at_once = (from..=initials).find(is_at);
    let named = || after_nickname(words, from).filter(|at| length_at(words, *at, family).is_some());
    let shared = || shared_family(words, initials, &is_at, MOST_PARTNERS);
    at_once.or_else(named).map(|at| (at, false)).or_else(|| Some((shared()?, true)))
}

/// The word at which a family name stands that others who are named in between share.
fn shared_family(words: &[Word], from: usize, is_at: &dyn Fn(&usize) -> bool, most: usize) -> Option<usize> {
    let (partner, is_last) = joined(words, from)?;
    partners(words, partner).find_map(|after| match (is_last && is_at(&after), most) {
        (true, _) => Some(after),
        (false, 0) => None,
        (false, most) => shared_family(words, after, is_at, most - 1),
    })
}

/// The word at which somebody begins who is named together with the one before a word, and whether that may be the last of them.
fn joined(words: &[Word], at: usize) -> Option<(usize, bool)> {
    let next = words.get(at)?;
    let sign = next.before.trim_matches(BLANKS);
    match sign {
        "" | "," if next.folded == "and" => Some((at + 1, true)),
        "&" | "+" | "/" => Some((at, true)),
        "," => Some((at, false)),
        _ => None,
    }
}

/// The words behind somebody who is named at a word by one or two given names, with or without a title and initials.
fn partners(words: &[Word], at: usize) -> impl Iterator<Item = usize> {
    let first = after_titles(words, at);
    let is_name = |at: usize| words.get(at).is_some_and(|word| word.is_name_like);
    let is_second = is_name(first + 1) && words.get(first + 1).is_some_and(|word| is_blank(&word.before));
    let lengths = if is_name(first) { 1 + usize::from(is_second) } else { 0 };
    (1..=lengths).map(move |length| after_initials(words, first + length))
}

fn after_titles(words: &[Word], at: usize) -> usize {
    let is_title = |word: &&Word| TITLES.contains(&word.folded.as_str());
    at + words.get(at..).unwrap_or_default().iter().take_while(is_title).count()
}

/// The word behind initials, which are capitals or have a point (`v` is none in `Jane & Co v Stone`).
fn after_initials(words: &[Word], at: usize) -> usize {
    let has_point = |at: usize| words.get(at + 1).is_some_and(|next| next.before.starts_with('.'));
    let is_initial = |at: &usize| {
        let one = words.get(*at).filter(|word| word.folded.chars().count() == 1 && is_blank(&word.before));
        one.is_some_and(|word| word.is_name_like || has_point(*at))
    };
    at + (at..at + MOST_INITIALS).take_while(is_initial).count()
}

/// The word behind a nickname that stands at a word: `Jean "Jojo" Picard`, `Jean (Jojo) Picard`.
fn after_nickname(words: &[Word], at: usize) -> Option<usize> {
    let (nickname, next) = (words.get(at)?.before.trim(), words.get(at + 1)?.before.trim());
    let quotes = [("(", ")"), ("\"", "\""), ("“", "”"), ("„", "“"), ("«", "»"), ("'", ""), ("‘", "")];
    quotes.contains(&(nickname, next)).then_some(at + 1)
}

/// The number of words that a name has in a text from a place on, where it stands there; the last may be somebody's: `Ayda’s`.
pub(super) fn length_at(words: &[Word], at: usize, name: &str) -> Option<usize> {
    let parts = name.split(' ').count();
    let found = words.get(at..at + parts)?;
    let is_it = |(place, (word, part)): (usize, (&Word, &str))| {
        word.folded == part || (place + 1 == parts && word.owner.as_deref() == Some(part))
    };
    found.iter().zip(name.split(' ')).enumerate().all(is_it).then_some(parts)
}

/// Whether a name is written in a script that puts no spaces between words, or none within names, as Korean does.
pub(super) fn is_unspaced(name: &str) -> bool {
    name.chars().any(|c| matches!(c, '\u{2e80}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{e00}'..='\u{eff}' | '\u{20000}'..='\u{3ffff}'))
}
