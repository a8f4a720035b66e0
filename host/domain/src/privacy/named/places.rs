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
/// The words before a name that are none: titles, and what somebody is to the one before (`Jane and her husband Tom Stone`).
const TITLES: [&str; 26] = [
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "master",
    "dr",
    "doctor",
    "prof",
    "professor",
    "sir",
    "dame",
    "lady",
    "rev",
    "his",
    "her",
    "their",
    "wife",
    "husband",
    "partner",
    "spouse",
    "brother",
    "sister",
    "son",
    "daughter",
    "sibling",
];
/// The words behind a name that are none.
const SUFFIXES: [&str; 8] = ["jr", "jnr", "junior", "sr", "snr", "senior", "ii", "iii"];
/// The words with a capital before a name that are none, where a text or sentence begins with them.
const OPENERS: [&str; 48] = [
    "about", "after", "and", "as", "ask", "asked", "because", "before", "both", "but", "by", "call", "called", "cc",
    "contact", "cover", "covers", "email", "emailed", "fees", "file", "for", "from", "help", "helps", "meet",
    "meeting", "met", "of", "or", "per", "phone", "phoned", "re", "rang", "ring", "saw", "see", "seeing", "since",
    "tell", "to", "told", "until", "via", "visit", "while", "with",
];
/// The endings of files, before which a hyphen parts words.
const FILES: [&str; 13] =
    ["pdf", "doc", "docx", "xls", "xlsx", "csv", "txt", "rtf", "jpg", "jpeg", "png", "msg", "eml"];

/// A text, as it is looked through for names.
pub struct Text {
    /// The text, of whatever width its letters are, without accents.
    pub(super) normal: String,
    pub(super) folded: String,
    pub(super) words: Vec<Word>,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        // As addresses write a blank.
        let normal = normal(&text.replace("%20", " "));
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
    /// It without the digits at its ends: of `Stone2024` that is `stone`.
    letters: Option<String>,
    /// The words that are written as one with capitals or digits within, folded: `HughWilliams2024`.
    pieces: Vec<String>,
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
        let letters = word.trim_matches(|c: char| c.is_ascii_digit());
        let seams = word.char_indices().zip(word.chars().skip(1)).filter_map(|((at, c), next)| {
            let is_seam = (next.is_uppercase() && c.is_lowercase())
                || c.is_ascii_digit() != next.is_ascii_digit()
                || (is_silent(c) && next.is_uppercase());
            is_seam.then_some(at + c.len_utf8())
        });
        let bounds: Vec<usize> = iter::once(0).chain(seams).chain(iter::once(word.len())).collect();
        words.push(Word {
            folded: fold(word),
            owner: genitive.map(fold),
            letters: (letters.len() < word.len() && !letters.is_empty()).then(|| fold(letters)),
            pieces: bounds.windows(2).map(|bound| fold(&word[bound[0]..bound[1]])).collect(),
            place: begin..end,
            is_name_like,
            before,
        });
    }
    words
}

/// Whether nothing is between a word and the one before that would part a name. A point does behind a word, at the end of a sentence, and
/// not behind an initial or a title, or within a file's name.
fn is_bound(words: &[Word], at: usize) -> bool {
    let Some(word) = words.get(at) else { return false };
    let is_short = |before: &Word| {
        before.folded.chars().count() == 1 || TITLES.contains(&before.folded.as_str()) || is_suffix(before)
    };
    let has_point = word.before.contains('.');
    word.before.trim_matches(BLANKS).is_empty()
        && (!has_point || word.before == "." || at.checked_sub(1).is_some_and(|before| is_short(&words[before])))
}

fn is_suffix(word: &Word) -> bool {
    SUFFIXES.contains(&word.folded.as_str())
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
                if (!has_capitals || is_like(family)) && !(is_joined && self.is_a_family_name(words, at, at + length)) {
                    places.push(if is_joined { vec![(at, at + length), family] } else { vec![(at, family.1)] });
                }
            }
            if let Some(length) = length_at(words, at, self.family)
                && (is_like((at, at + length)) || words.get(at + length).is_some_and(|next| next.before == "_"))
            {
                places.extend(self.turned_round(words, at, at + length));
            }
            if is_written_as_one(&words[at].pieces, self.given, self.family) {
                places.push(vec![(at, at + 1)]);
            }
        }
        places.retain(|parts| !parts.iter().any(|part| self.is_of_longer(words, *part, has_capitals)));
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
    fn turned_round(&self, words: &[Word], at: usize, end: usize) -> Option<Vec<(usize, usize)>> {
        let middle = if words.get(end).is_some_and(is_suffix) && is_bound(words, end) { end + 1 } else { end };
        let next = words.get(middle)?;
        let is_parted = [",", "،"].contains(&next.before.trim_matches(BLANKS));
        // Of `Peter Stone, Mary Lee` neither is Mary Stone.
        let is_second = at > 0 && words[at - 1].is_name_like && is_bound(words, at);
        let given = after_titles(words, middle);
        if let Some(length) = length_at(words, given, self.given) {
            let to = given + length;
            let is_like = words[given..to].iter().any(|word| word.is_name_like) || next.before == "_";
            let is_at_once = is_like && (next.before.trim().is_empty() || next.before == "_");
            let is_it = is_at_once || (is_parted && !is_second && !self.goes_on(words, to));
            return is_it.then(|| vec![(at, to)]);
        }
        if is_second || !(is_parted || is_bound(words, middle)) {
            return None;
        }
        partners(words, middle, true).find_map(|after| {
            let (partner, is_last) = joined(words, after)?;
            let given = after_titles(words, partner);
            let to = given + length_at(words, given, self.given)?;
            (is_last && !self.goes_on(words, to)).then(|| vec![(at, end), (given, to)])
        })
    }

    /// Whether another name follows at a word, which is no initial and none of theirs.
    fn goes_on(&self, words: &[Word], at: usize) -> bool {
        let is_theirs = |word: &Word| {
            word.folded.chars().count() == 1 || self.own.contains(&word.folded.as_str()) || is_suffix(word)
        };
        let after = (at..words.len()).find(|at| !(is_bound(words, *at) && is_theirs(&words[*at])));
        after.is_some_and(|after| words[after].is_name_like && is_bound(words, after))
    }

    /// Whether what stands at a word is the family name of somebody, before whom others are named: of `David Ross and Ann Graham` neither
    /// is Ross Graham, nor of `Mr Ross and Ann Graham`.
    fn is_a_family_name(&self, words: &[Word], at: usize, end: usize) -> bool {
        let Some(before) = at.checked_sub(1).map(|before| &words[before]) else { return false };
        if !is_bound(words, at) || self.own.contains(&before.folded.as_str()) {
            return false;
        }
        if !TITLES.contains(&before.folded.as_str()) {
            let is_opener = OPENERS.contains(&before.folded.as_str());
            return !is_opener && (before.is_name_like || before.folded.chars().count() == 1);
        }
        // Of two with titles they are different: `Mr Hugh and Mrs Ann Williams`.
        let partner = joined(words, after_initials(words, end)).and_then(|(partner, _)| words.get(partner));
        partner.is_none_or(|partner| !TITLES.contains(&partner.folded.as_str()) || partner.folded == before.folded)
    }

    /// Whether words are part of a longer name (`Stone-Lee` is another than `Stone`), or of an address.
    fn is_of_longer(&self, words: &[Word], (from, to): (usize, usize), has_capitals: bool) -> bool {
        let is_file = words.get(to).is_some_and(|next| next.before == "." && FILES.contains(&next.folded.as_str()));
        let is_hyphened = |at: usize, other: usize| {
            let is_name =
                |word: &Word| (word.is_name_like || !has_capitals) && !self.own.contains(&word.folded.as_str());
            is_hyphen(&words[at].before) && words.get(other).is_some_and(is_name) && !is_file
        };
        (from > 0 && (is_hyphened(from, from - 1) || words[from].before.starts_with('@')))
            || (to < words.len() && (is_hyphened(to, to) || words[to].before.starts_with('@')))
    }
}

fn is_hyphen(between: &str) -> bool {
    ["-", "\u{2010}", "\u{2011}"].contains(&between)
}

/// Whether pieces of one word are a name: `HughWilliams`, `SueEllenParr2024`.
fn is_written_as_one(pieces: &[String], given: &str, family: &str) -> bool {
    let whole = |first: &str, then: &str| format!("{first}{then}").replace(' ', "");
    let names = [whole(given, family), whole(family, given)];
    let is_one = |from: usize| (from + 2..=pieces.len()).any(|to| names.contains(&pieces[from..to].concat()));
    (0..pieces.len()).any(is_one)
}

/// The word at which a family name stands after a given name, and whether after a partner’s name (`Jane & Tom Stone`): else at once, or
/// after initials or a nickname.
fn family_after(words: &[Word], from: usize, family: &str) -> Option<(usize, bool)> {
    let is_at = |at: &usize| {
        let length = length_at(words, *at, family);
        let is_file = |length: usize| {
            let end = words.get(at + length);
            is_hyphen(&words[*at].before)
                && end.is_some_and(|end| end.before == "." && FILES.contains(&end.folded.as_str()))
        };
        length.is_some_and(|length| is_bound(words, *at) || is_quoted(words, *at) || is_file(length))
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
    let shared = partners(words, partner, true).find(|after| is_last && is_at(after));
    // Of one who has a family name already, the next has another.
    let further = || partners(words, partner, false).find_map(|after| shared_family(words, after, is_at, most - 1));
    shared.or_else(|| (most > 0).then(further).flatten())
}

/// The word at which somebody begins who is named together with the one before a word, and whether that may be the last of them.
fn joined(words: &[Word], at: usize) -> Option<(usize, bool)> {
    let next = words.get(at)?;
    let sign = next.before.trim_matches([' ', '\u{a0}', '\t']);
    // Behind an initial.
    let sign = if at > 0 && words[at - 1].folded.chars().count() == 1 { sign.trim_matches(BLANKS) } else { sign };
    match sign {
        "" | "," if next.folded == "and" => Some((at + 1, true)),
        "&" | "+" | "/" => Some((at, true)),
        "," => Some((at, false)),
        _ => None,
    }
}

/// The words behind somebody who is named at a word by a given name, or by two, with or without a title, initials and a nickname.
fn partners(words: &[Word], at: usize, may_be_two: bool) -> impl Iterator<Item = usize> {
    let first = after_titles(words, at);
    let is_name = |at: usize| words.get(at).is_some_and(|word| word.is_name_like);
    let is_one = |at: &usize| is_name(*at) && is_hyphen(&words[*at].before);
    let end = first + 1 + (first + 1..words.len()).take_while(is_one).count();
    let is_second = may_be_two && is_name(end) && is_bound(words, end);
    let ends = [is_name(first).then_some(end), (is_name(first) && is_second).then_some(end + 1)];
    ends.into_iter()
        .flatten()
        .flat_map(move |end| iter::once(after_initials(words, end)).chain(after_nickname(words, end)))
}

/// The word behind titles, where there are any.
fn after_titles(words: &[Word], at: usize) -> usize {
    let is_title = |word: &&Word| TITLES.contains(&word.folded.as_str());
    at + words.get(at..).unwrap_or_default().iter().take_while(is_title).count()
}

/// The word behind initials, which are capitals or have a point (`v` is none in `Jane & Co v Stone`).
fn after_initials(words: &[Word], at: usize) -> usize {
    let has_point = |at: usize| words.get(at + 1).is_some_and(|next| next.before.starts_with('.'));
    let is_initial = |at: &usize| {
        let one = words.get(*at).filter(|word| word.folded.chars().count() == 1 && is_bound(words, *at));
        one.is_some_and(|word| word.is_name_like || has_point(*at))
    };
    at + (at..at + MOST_INITIALS).take_while(is_initial).count()
}

/// The signs around a nickname. A closing apostrophe is part of the word before.
const QUOTES: [(&str, &str); 8] =
    [("(", ")"), ("[", "]"), ("\"", "\""), ("“", "”"), ("„", "“"), ("«", "»"), ("'", ""), ("‘", "")];

/// The word behind a nickname of up to three words that stands at a word: `Jean "Jojo" Picard`, `Jean (Jojo) Picard`.
fn after_nickname(words: &[Word], at: usize) -> Option<usize> {
    let opening = words.get(at)?.before.trim();
    let closing = QUOTES.iter().find(|(open, _)| *open == opening)?.1;
    let between = |at: usize| words.get(at).map(|word| word.before.trim());
    let end = (at + 1..=at + 3).find(|end| between(*end) != Some("") || closing.is_empty())?;
    (between(end)? == closing).then_some(end)
}

/// Whether the word before is in quotes, which end there: `"Jean" Picard`.
fn is_quoted(words: &[Word], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| words[before].before.as_str()) else { return false };
    QUOTES.iter().any(|(open, close)| before.ends_with(open) && !close.is_empty() && words[at].before.trim() == *close)
}

/// The number of words that a name has in a text from a place on, where it stands there; the last may be somebody's: `Ayda’s`.
pub(super) fn length_at(words: &[Word], at: usize, name: &str) -> Option<usize> {
    let parts = name.split(' ').count();
    let found = words.get(at..at + parts)?;
    let is_it = |(place, (word, part)): (usize, (&Word, &str))| {
        let is_last = place + 1 == parts;
        let is_together = place == 0 || is_bound(words, at + place) || is_hyphen(&word.before);
        let is_called = word.folded == part || word.letters.as_deref() == Some(part);
        is_together && (is_called || (is_last && word.owner.as_deref() == Some(part)))
    };
    found.iter().zip(name.split(' ')).enumerate().all(is_it).then_some(parts)
}

/// Whether a name is written in a script that puts no spaces between words, or none within names, as Korean does.
pub(super) fn is_unspaced(name: &str) -> bool {
    name.chars().any(|c| matches!(c, '\u{2e80}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{e00}'..='\u{eff}' | '\u{20000}'..='\u{3ffff}'))
}
