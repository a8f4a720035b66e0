//! The columns that the rules name, found among the headings of an export, whatever their order is.

use std::collections::BTreeMap;

/// Columns that an export may have.
pub(super) const MOST: usize = 1_000;
/// Headings that no rule names which an error shows.
const MOST_SHOWN: usize = 10;
/// The letters of a heading that an error shows.
const LONGEST_SHOWN: usize = 60;

/// A heading as it is compared: capitals, blanks of every kind around and between words, and what cannot be seen say
/// nothing.
pub(super) fn plain(heading: &str) -> String {
    let is_seen =
        |c: &char| c.is_whitespace() || !(c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}'));
    let seen: String = heading.chars().filter(is_seen).flat_map(char::to_lowercase).collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The places of the wanted columns among the headings, in the order in which they are wanted.
///
/// # Errors
/// Returns which are missing, or stand there twice, as a sentence's end behind the file's name.
pub(super) fn find(headings: &[String], wanted: &[String]) -> Result<Vec<usize>, String> {
    let known: Vec<String> = headings.iter().map(|heading| plain(heading)).collect();
    let mut places = Vec::with_capacity(wanted.len());
    let mut missing = Vec::new();
    for name in wanted {
        let sought = plain(name);
        let mut found = known.iter().enumerate().filter(|(_, heading)| **heading == sought).map(|(place, _)| place);
        match (found.next(), found.next()) {
            (Some(one), Some(other)) => {
                let [one, other] = [one, other].map(|place| shown(&headings[place]));
                return Err(format!(
                    "has two columns that are both headed {name}, as {one} and {other}; leave one of them out of the export"
                ));
            }
            (Some(place), None) => places.push(place),
            (None, _) => missing.push(name.as_str()),
        }
    }
    if missing.is_empty() { Ok(places) } else { Err(vanished(&missing, headings.iter(), wanted)) }
}

/// The error of an export whose objects have, all together, not got members that the rules name. Members are by their
/// plain names.
pub(super) fn find_members(members: &BTreeMap<String, String>, wanted: &[String]) -> Result<(), String> {
    let is_missing = |name: &&String| !members.contains_key(&plain(name));
    let missing: Vec<&str> = wanted.iter().filter(is_missing).map(String::as_str).collect();
    if missing.is_empty() { Ok(()) } else { Err(vanished(&missing, members.values(), wanted)) }
}

fn vanished<'h>(missing: &[&str], headings: impl Iterator<Item = &'h String>, wanted: &[String]) -> String {
    let (columns, they) = if missing.len() == 1 { ("column", "it") } else { ("columns", "them") };
    let wanted: Vec<String> = wanted.iter().map(|name| plain(name)).collect();
    let unnamed: Vec<&String> = headings
        .filter(|heading| {
            let heading = plain(heading);
            !heading.is_empty() && !wanted.contains(&heading)
        })
        .collect();
    let more = unnamed.len().saturating_sub(MOST_SHOWN);
    let shown: Vec<String> = unnamed.into_iter().take(MOST_SHOWN).map(|heading| shown(heading)).collect();
    let renamed = match (shown.is_empty(), more) {
        (true, _) => String::new(),
        (_, 0) => format!(
            " It has {}, which no rule names; if one is the same column renamed, name it in the rules.",
            shown.join(", ")
        ),
        (_, more) => format!(
            " It has {} and {more} more, which no rule names; if one is the same column renamed, name it in the rules.",
            shown.join(", ")
        ),
    };
    format!(
        "has no {columns} {}, which the pack's rules name: nothing was read, so that nothing that is stored is lost.{renamed} \
         Bring {they} back into the export, or take {they} out of the rules, whose preview says what that changes",
        missing.join(", ")
    )
}

/// A heading for a person: what cannot be seen in it is named.
pub(super) fn shown(heading: &str) -> String {
    let letters: Vec<char> = heading.chars().take(LONGEST_SHOWN).collect();
    let is_inside = |place: usize| {
        let is_word = |letter: &char| !letter.is_whitespace();
        letters[..place].iter().any(is_word) && letters[place + 1..].iter().any(is_word)
    };
    let mut text = String::new();
    for (place, letter) in letters.iter().enumerate() {
        match letter {
            ' ' if is_inside(place) => text.push(' '),
            ' ' => text.push_str("‹blank›"),
            '\u{a0}' => text.push_str("‹no-break blank›"),
            '\t' => text.push_str("‹tab›"),
            '\n' | '\r' => text.push_str("‹line break›"),
            letter if letter.is_whitespace() => text.push_str("‹wide blank›"),
            letter
                if letter.is_control()
                    || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}') =>
            {
                text.push_str("‹invisible letter›");
            }
            letter => text.push(*letter),
        }
    }
    format!("“{text}”")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headings: &[&str], wanted: &[&str], expected: Result<&[usize], &str>) {
        let [headings, wanted] = [headings, wanted].map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let (headings, wanted): (Vec<String>, Vec<String>) = (headings, wanted);
        match (find(&headings, &wanted), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            (found, _) => panic!("{headings:?}: {found:?}"),
        }
    }

    #[test]
    fn columns_are_found_in_any_order_and_spelling() {
        check(&["Email", "Client ID"], &["Client ID", "Email"], Ok(&[1, 0]));
        check(&["\u{feff}CLIENT  ID", " e-mail\u{a0}"], &["Client ID", "E-mail"], Ok(&[0, 1]));
        check(&["Straße", "Größe"], &["größe"], Ok(&[1]));
    }

    #[test]
    fn columns_that_are_missing_or_there_twice_are_all_named() {
        check(
            &["Client ID", "Email", "email\u{a0}"],
            &["Client ID", "Email"],
            Err("as “Email” and “email‹no-break blank›”"),
        );
        check(&["Client ID"], &["Client ID", "Mobile", "Email"], Err("no columns Mobile, Email"));
        check(&[], &["Client ID"], Err("no column Client ID, which"));
        check(&["Client ID", "Cell", ""], &["Client ID", "Mobile"], Err("It has “Cell”, which no rule names"));
        let many: Vec<String> = (0..30).map(|number| format!("C{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check(&many, &["Client ID"], Err("“C9” and 20 more, which no rule names"));
        // A column that nobody asks for may stand there as often as it likes.
        check(&["Client ID", "Notes", "Notes", ""], &["Client ID"], Ok(&[0]));
    }
}
