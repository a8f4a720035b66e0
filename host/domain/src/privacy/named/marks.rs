//! Emails, numbers and ids within texts, each told from a longer one.

use super::places::{Word, length_at};

/// The fewest digits of a number by which somebody is known anywhere.
pub(super) const SHORTEST_NUMBER: usize = 8;
/// The most groups of digits in a number.
const MOST_GROUPS: usize = 7;
/// The most digits of a country's code, with the nought that some write after it: `+64 (0)`.
const LONGEST_COUNTRY: usize = 4;
/// The words after which a number is an id, and not a year or an amount.
const BEFORE_ID: [&str; 7] = ["client", "clients", "crm", "id", "no", "number", "record"];

/// Whether a text in small letters has an email, and not a longer one.
pub(super) fn has_email(text: &str, email: &str) -> bool {
    let joins = |c: char| matches!(c, '.' | '-' | '_' | '@');
    let is_of_one = |c: char| c.is_alphanumeric() || joins(c) || c == '+';
    // Signs that are seldom in addresses and often around them are part of one behind a letter alone: `o'brien@`.
    let is_seldom = |c: char| "'‘’`!#$%&*?^{|}~".contains(c);
    text.match_indices(email).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + email.len()..]);
        let (mut back, next) = (before.chars().rev(), after.chars().next());
        let goes_on = || after.trim_start_matches(joins).starts_with(char::is_alphanumeric);
        let is_longer = next.is_some_and(is_of_one) && goes_on();
        let begins_before = match back.next() {
            Some(last) if is_seldom(last) => back.next().is_some_and(char::is_alphanumeric),
            last => last.is_some_and(is_of_one),
        };
        !is_longer && !begins_before
    })
}

/// Digits of a text that stand together.
struct Group<'a> {
    digits: &'a str,
    /// Whether a country's code begins with it: `+64`, `0064`.
    is_abroad: bool,
}

/// Whether a text has a number, with or without its country code, however its digits are grouped, and not a longer one or one of another
/// country.
pub(super) fn has_number(text: &str, number: &str) -> bool {
    let is_of_one = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '\u{a0}' | '-' | '(' | ')' | '.' | '/' | '+');
    text.split(|c| !is_of_one(c)).any(|run| {
        let groups = groups(run);
        (0..groups.len()).any(|from| {
            let country = country_before(&groups, from);
            (from + 1..=groups.len().min(from + MOST_GROUPS)).any(|to| {
                let digits: String = groups[from..to].iter().map(|group| group.digits).collect();
                let bare = digits.trim_start_matches('0');
                let is_whole = |country: &str| number.strip_prefix(country) == Some(bare);
                let is_of_country = match &country {
                    Some(country) => is_whole(country) || country.strip_suffix('0').is_some_and(is_whole),
                    None => !groups[from].is_abroad || is_whole(""),
                };
                bare.len() >= SHORTEST_NUMBER && number.ends_with(bare) && is_of_country
            })
        })
    })
}

fn groups(run: &str) -> Vec<Group<'_>> {
    let (mut groups, mut end) = (Vec::new(), 0);
    while let Some(found) = run[end..].find(|c: char| c.is_ascii_digit()) {
        let begin = end + found;
        let length = run[begin..].find(|c: char| !c.is_ascii_digit()).unwrap_or(run.len() - begin);
        let (before, digits) = (&run[end..begin], &run[begin..begin + length]);
        let is_abroad = before.ends_with('+') || (digits.starts_with("00") && (3..=5).contains(&digits.len()));
        groups.push(Group { digits, is_abroad });
        end = begin + length;
    }
    groups
}

/// The country's code that stands before a group of digits: `+64`, or `640` where a nought is between.
fn country_before(groups: &[Group<'_>], at: usize) -> Option<String> {
    let begin = (0..at).rev().find(|group| groups[*group].is_abroad)?;
    let digits: String = groups[begin..at].iter().map(|group| group.digits).collect();
    let code = digits.strip_prefix("00").unwrap_or(&digits);
    (code.len() <= LONGEST_COUNTRY).then(|| code.to_owned())
}

/// Whether a text has an id: digits alone only right after a word that says so, because a year, an amount or another number may be the
/// same.
pub(super) fn has_id(words: &[Word], id: &str) -> bool {
    let is_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let is_number = is_digits(id);
    (0..words.len()).any(|at| {
        length_at(words, at, id).is_some() && (!is_number || (is_said(words, at) && !is_of_longer_number(words, at)))
    })
}

/// Whether a number is said to be an id: `client 2026`, `CRM id: 2026`, `#2026`, `clients 2025, 2026 and 2027`.
fn is_said(words: &[Word], at: usize) -> bool {
    let sign = words[at].before.trim();
    let Some(before) = at.checked_sub(1) else { return sign == "#" };
    let word = &words[before];
    let is_listed = word.folded == "and" || word.folded.chars().all(|c| c.is_ascii_digit());
    match sign {
        "" | "_" | "#" | ":" | ": #" | ":#" | "=" | "." | ". #" | ".#" if BEFORE_ID.contains(&word.folded.as_str()) => {
            true
        }
        "" | "," | "&" | "#" if is_listed => is_said(words, before),
        _ => false,
    }
}

/// Whether a number goes on behind what is no more than a point or a stroke: `2026.50`, `2026/7`.
fn is_of_longer_number(words: &[Word], at: usize) -> bool {
    let is_digit = |word: &Word| word.folded.starts_with(|c: char| c.is_ascii_digit());
    words.get(at + 1).is_some_and(|next| {
        (is_digit(next) && [".", ":", "/", "-", ","].contains(&next.before.as_str())) || next.before.starts_with('%')
    })
}
