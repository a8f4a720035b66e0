//! Lines of a TOML text: where a key or an item stands.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place that was looked for.
pub(super) struct Found {
    /// The line, from 1, of the place, or of the last of what it stands in that is there.
    pub line: Option<usize>,
    /// Whether all of the way is there.
    pub is_whole: bool,
}

/// The line, from 1, in which a byte stands.
pub(super) fn line_at(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|byte| **byte == b'\n').count() + 1
}

/// Looks for the place to which keys, and numbers of items, lead.
pub(super) fn find(text: &str, place: &[String]) -> Found {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut at = None;
    let mut depth = 0;
    let mut value: Option<&Spanned<DeValue<'_>>> = None;
    for key in place {
        let next = match value.map(Spanned::get_ref) {
            None => of_table(table.get_ref(), key),
            Some(DeValue::Table(table)) => of_table(table, key),
            Some(DeValue::Array(items)) => {
                key.parse::<usize>().ok().and_then(|index| items.get(index)).map(|item| (item.span().start, item))
            }
            Some(_) => None,
        };
        let Some((start, below)) = next else { break };
        (at, value, depth) = (Some(start), Some(below), depth + 1);
    }
    Found { line: at.map(|byte| line_at(text, byte)), is_whole: depth == place.len() && depth > 0 }
}

/// The number of the item of a list that has this name.
pub(super) fn place_of_named(text: &str, list: &str, name: &str) -> Option<usize> {
    let (table, _) = DeTable::parse_recoverable(text);
    let (_, list) = of_table(table.get_ref(), list)?;
    let DeValue::Array(items) = list.get_ref() else { return None };
    items.iter().position(|item| match item.get_ref() {
        DeValue::Table(item) => of_table(item, "name")
            .is_some_and(|(_, value)| matches!(value.get_ref(), DeValue::String(text) if text == name)),
        _ => false,
    })
}

/// A key's beginning and its value.
fn of_table<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<(usize, &'t Spanned<DeValue<'i>>)> {
    let (name, value) = table.iter().find(|(name, _)| name.get_ref() == key)?;
    Some((name.span().start, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_its_keys_and_numbers() {
        let text = "# head\r\n[client]\r\npeople = [\r\n  \"a\",\r\n  \"b\",\r\n]\r\n\r\n[client.titles]\r\nMr = [\"Mr\"]\r\n\
                    \r\n[[examples]]\r\nname = \"é\"\r\n\r\n[[examples]]\r\nname = \"two\"\r\nexpect = { title = \"\" }\r\n";
        let check = |place: &str, line: Option<usize>, is_whole: bool| {
            let keys: Vec<String> = place.split('/').filter(|key| !key.is_empty()).map(ToOwned::to_owned).collect();
            let found = find(text, &keys);
            assert_eq!((found.line, found.is_whole), (line, is_whole), "{place}");
        };
        check("client/titles/Mr", Some(9), true);
        check("client/people", Some(3), true);
        check("client/people/1", Some(5), true);
        check("examples/1", Some(14), true);
        check("examples/1/expect/title", Some(16), true);
        check("client/titles/Dr", Some(8), false);
        check("nothing", None, false);
        check("", None, false);
    }
}
