//! What was typed into a form that records an event, and the data that it becomes.
//!
//! A field of the data is named by its place in it: `data.score`; `data.dimensions.name` once a row; `data.clients.1.progress`
//! for the second person of the household. So none has the name of another field of the form.

use serde_json::{Map, Value};

use super::inputs::{NO, YES};
use crate::domain::ClientId;
use crate::pack::events::{Field, FieldKind, Members, Part as Asked, Rows};

/// What was typed into a part of the form.
#[derive(Clone, Debug)]
pub(super) enum Values {
    Field(String),
    /// Rows that are not empty, and behind them those that are shown beside.
    Rows(Vec<Vec<String>>),
    /// For each person, the values of the group's parts.
    Members(Vec<Vec<Values>>),
}

impl Values {
    pub(super) fn of(asked: &Asked, name: &str, people: usize, all: &dyn Fn(&str) -> Vec<String>) -> Self {
        match asked {
            Asked::Field(field) => {
                Self::Field(all(&format!("{name}.{}", field.name)).into_iter().next().unwrap_or_default())
            }
            Asked::Rows(rows) => {
                let columns: Vec<Vec<String>> = columns(rows, name).iter().map(|name| all(name)).collect();
                let count = columns.iter().map(Vec::len).max().unwrap_or_default();
                let row = |at| columns.iter().map(|column| column.get(at).cloned().unwrap_or_default()).collect();
                let is_filled = |row: &Vec<String>| row.iter().any(|cell| !cell.is_empty());
                Self::Rows((0..count).map(row).filter(is_filled).collect())
            }
            Asked::Members(members) => {
                let of_person = |place: usize| {
                    let name = format!("{name}.{}.{place}", members.name);
                    members.parts.iter().map(|part| Self::of(part, &name, people, all)).collect()
                };
                Self::Members((0..people).map(of_person).collect())
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Field(value) => value.is_empty(),
            Self::Rows(rows) => rows.iter().flatten().all(String::is_empty),
            Self::Members(people) => people.iter().flatten().all(Self::is_empty),
        }
    }

    /// The value in the event's data; none for what is left out there.
    pub(super) fn data(&self, asked: &Asked, people: &[(ClientId, String)]) -> Option<Value> {
        match (self, asked) {
            (Self::Field(value), Asked::Field(field)) => cell(value, field),
            (Self::Rows(rows), Asked::Rows(asked)) => {
                let is_filled = |row: &&Vec<String>| row.iter().any(|cell| !cell.is_empty());
                let entries: Vec<Value> = rows.iter().filter(is_filled).filter_map(|row| entry(row, asked)).collect();
                (asked.is_required || !entries.is_empty()).then(|| entries.into())
            }
            (Self::Members(groups), Asked::Members(members)) => {
                let filled = groups.iter().zip(people).filter(|(group, _)| !group.iter().all(Self::is_empty));
                let entry = |(group, (_, name)): (&Vec<Self>, &(ClientId, String))| -> Value {
                    let parts = members.parts.iter().zip(group);
                    let data = parts.filter_map(|(part, values)| Some((name_of(part), values.data(part, people)?)));
                    let named = (members.person.clone(), Value::from(name.as_str()));
                    data.chain([named]).collect::<Map<_, _>>().into()
                };
                Some(filled.map(entry).collect())
            }
            _ => None,
        }
    }
}

pub(super) fn name_of(asked: &Asked) -> String {
    match asked {
        Asked::Field(Field { name, .. }) | Asked::Rows(Rows { name, .. }) | Asked::Members(Members { name, .. }) => {
            name.clone()
        }
    }
}

/// The names of the fields of a row, of which `name` is that of what the list stands in.
pub(super) fn columns(rows: &Rows, name: &str) -> Vec<String> {
    let name = format!("{name}.{}", rows.name);
    if rows.is_plain() {
        return vec![name];
    }
    rows.columns.iter().map(|column| format!("{name}.{}", column.name)).collect()
}

/// An entry of a list.
fn entry(row: &[String], asked: &Rows) -> Option<Value> {
    let mut cells = row.iter().zip(&asked.columns);
    if asked.is_plain() {
        return cells.next().and_then(|(value, column)| cell(value, column));
    }
    Some(
        cells
            .filter_map(|(value, column)| Some((column.name.clone(), cell(value, column)?)))
            .collect::<Map<_, _>>()
            .into(),
    )
}

/// A field's value in the event's data; none where it is left out. What the data has to have and nobody chose is missing there,
/// and what nobody typed does not fit: the schema tells both.
pub(super) fn cell(value: &str, field: &Field) -> Option<Value> {
    if value.is_empty() && !field.is_required {
        return None;
    }
    match &field.kind {
        FieldKind::Text | FieldKind::Lines(_) => Some(value.into()),
        FieldKind::Number => (!value.is_empty()).then(|| number(value)),
        FieldKind::Flag if value == YES => Some(true.into()),
        FieldKind::Flag if value == NO => Some(false.into()),
        FieldKind::Flag | FieldKind::Date | FieldKind::Choice(_) => (!value.is_empty()).then(|| value.into()),
    }
}

/// A number as it was typed: with a comma or a point before its decimals, and commas, points or blanks between its thousands.
/// Anything else stays the text that it is, and does not fit.
pub(super) fn number(text: &str) -> Value {
    let plain = text.trim().trim_end_matches('%').trim();
    let (sign, plain) = plain.strip_prefix('-').map_or(("", plain), |rest| ("-", rest));
    let plain: String = plain.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }).collect();
    let decimal = match (plain.rfind(','), plain.rfind('.')) {
        (Some(comma), Some(point)) => Some(comma.max(point)),
        // One mark alone stands before decimals, unless three digits follow a comma and nothing else parts the thousands.
        (Some(at), None) if plain.matches(',').count() == 1 && !has_thousands(&plain, ',') => Some(at),
        (None, Some(at)) if plain.matches('.').count() == 1 => Some(at),
        _ => None,
    };
    let (whole, decimals) = decimal.map_or((plain.as_str(), ""), |at| (&plain[..at], &plain[at + 1..]));
    let parted = [',', '.', ' '].into_iter().find(|mark| whole.contains(*mark));
    let whole = match parted {
        Some(mark) if has_thousands(whole, mark) => whole.replace(mark, ""),
        Some(_) => return Value::from(text),
        None => whole.to_owned(),
    };
    let is_of_digits = |part: &str| part.bytes().all(|letter| letter.is_ascii_digit());
    if !is_of_digits(&whole) || !is_of_digits(decimals) || (whole.is_empty() && decimals.is_empty()) {
        return Value::from(text);
    }
    match format!("{sign}{whole}.{decimals}").parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < 1e9 => Value::from(number as i64),
        Ok(number) if number.is_finite() => Value::from(number),
        _ => Value::from(text),
    }
}

/// Whether all marks in a number stand between thousands: `1,250` is a thousand and more, and no more than one.
fn has_thousands(text: &str, mark: char) -> bool {
    let mut groups = text.split(mark);
    let is_of_digits = |group: &str| group.bytes().all(|letter| letter.is_ascii_digit());
    let first = groups.next().unwrap_or_default();
    let begins = (1..=3).contains(&first.len()) && is_of_digits(first) && first != "0";
    let mut count = 0;
    let rest = groups.all(|group| {
        count += 1;
        group.len() == 3 && is_of_digits(group)
    });
    begins && rest && count > 0
}

/// The name of the data in names of fields.
pub(super) const DATA: &str = "data";
