//! The columns that the rules name, found among the headings of an export, whatever their order is.

use std::collections::BTreeSet;

/// Columns that an export may have.
pub(super) const MOST: usize = 1_000;

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
                let [one, other] = [one, other].map(|place| headings[place].escape_debug().to_string());
                return Err(format!(
                    "has two columns that are both headed {name}, as `{one}` and `{other}`; leave one of them out of the export"
                ));
            }
            (Some(place), None) => places.push(place),
            (None, _) => missing.push(name.as_str()),
        }
    }
    if missing.is_empty() { Ok(places) } else { Err(vanished(&missing)) }
}

/// The error of an export whose objects have, all together, not got members that the rules name.
pub(super) fn find_members(members: &BTreeSet<String>, wanted: &[String]) -> Result<(), String> {
    let missing: Vec<&str> = wanted.iter().filter(|name| !members.contains(&plain(name))).map(String::as_str).collect();
    if missing.is_empty() { Ok(()) } else { Err(vanished(&missing)) }
}

fn vanished(missing: &[&str]) -> String {
    let (columns, they) = if missing.len() == 1 { ("column", "it") } else { ("columns", "them") };
    format!(
        "has no {columns} {}, which the pack's rules name: nothing was read, so that nothing that is stored is lost. Bring \
         {they} back into the export, or take {they} out of the rules, whose preview says what that changes",
        missing.join(", ")
    )
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
        check(&["Client ID", "Email", "email\u{a0}"], &["Client ID", "Email"], Err("as `Email` and `email\\u{a0}`"));
        check(&["Client ID"], &["Client ID", "Mobile", "Email"], Err("no columns Mobile, Email"));
        check(&[], &["Client ID"], Err("no column Client ID, which"));
        // A column that nobody asks for may stand there as often as it likes.
        check(&["Client ID", "Notes", "Notes", ""], &["Client ID"], Ok(&[0]));
    }
}
