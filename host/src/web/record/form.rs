//! The forms with what was typed, and the events that they make: what is asked for follows from the type of event.

use std::sync::Arc;

use jiff::civil::DateTime;
use serde_json::{Map, Value};

use super::attachments::{DOCUMENT, FILE, Kept};
use super::inputs::{Input, InputKind, Part, id};
use super::values::{DATA, Values, columns, name_of};
use crate::domain::ClientId;
use crate::domain::field::FieldError;
use crate::domain::note::Event;
use crate::domain::text::full_stop;
use crate::intake::NotRead;
use crate::pack::events::{Field, FieldKind, MISSING, Members, Part as Asked, Rows};
use crate::pack::{About, DocumentRule, EventType};
use crate::store::book::HouseholdRow;
use crate::web::components::Clock;
use crate::web::format;
use crate::web::inputs::problem_of;

/// A form with what was typed.
#[derive(Clone)]
pub(in crate::web) struct Filled {
    kind: Arc<EventType>,
    /// The household's people: id and name.
    people: Vec<(ClientId, String)>,
    occurred: String,
    /// A person's id; empty for the household.
    about: String,
    /// The values of the data, a part each.
    values: Vec<Values>,
    /// The documents that it has already.
    pub(in crate::web) documents: Vec<Kept>,
}

impl Filled {
    /// A form with nothing but the moment.
    pub(in crate::web) fn empty(kind: Arc<EventType>, found: &HouseholdRow, clock: &Clock) -> Self {
        let mut filled = Self::of(kind, found, &[]);
        filled.occurred = clock.now.to_zoned(clock.zone.clone()).strftime("%Y-%m-%dT%H:%M").to_string();
        filled.show_rows(&[]);
        filled
    }

    /// Shows as many rows as the browser did, and those that there are at least: the empty ones come after those that are
    /// filled.
    pub(super) fn show_rows(&mut self, pairs: &[(String, String)]) {
        for (asked, values) in self.kind.form.parts.iter().zip(&mut self.values) {
            let (Asked::Rows(asked), Values::Rows(rows)) = (asked, values) else { continue };
            let first = columns(asked, DATA).into_iter().next().unwrap_or_default();
            let shown = pairs.iter().filter(|(known, _)| *known == first).count().max(asked.shown);
            (rows.len()..shown).for_each(|_| rows.push(vec![String::new(); asked.columns.len()]));
        }
    }

    /// The form with what a browser sent. Rows that are empty are left out, so that places in the event are places in
    /// the form.
    pub(in crate::web) fn of(kind: Arc<EventType>, found: &HouseholdRow, pairs: &[(String, String)]) -> Self {
        let all = |name: &str| -> Vec<String> {
            let of_name = pairs.iter().filter(|(known, _)| known == name);
            of_name.map(|(_, value)| value.trim().replace("\r\n", "\n")).collect()
        };
        let one = |name: &str| all(name).into_iter().next().unwrap_or_default();
        let people: Vec<_> = found.people.iter().map(|one| (one.id, format::name(&one.client.full_name()))).collect();
        let values = kind.form.parts.iter().map(|part| Values::of(part, DATA, people.len(), &all)).collect();
        Self { occurred: one("occurred"), about: one("about"), values, documents: Vec::new(), people, kind }
    }

    /// Whether the form asks whom it is about.
    fn asks_whom(&self) -> bool {
        self.kind.members().is_none() && self.kind.about != About::Household && self.people.len() > 1
    }

    fn takes_documents(&self) -> bool {
        self.kind.documents != DocumentRule::None
    }

    /// Refuses a form with a part that none of this kind has, or twice what is there once: what it says would be dropped.
    pub(super) fn check_parts(&self, pairs: &[(String, String)]) -> Result<(), NotRead> {
        let mut once: Vec<String> = ["key", "add", "occurred"].map(str::to_owned).to_vec();
        // Of a household whose partner left since the page was made, it is still there, and empty.
        once.extend((self.kind.members().is_none() && self.kind.about != About::Household).then(|| "about".to_owned()));
        let mut often = Vec::new();
        names(&self.kind.form.parts, DATA, self.people.len(), &mut once, &mut often);
        often.extend(self.takes_documents().then(|| DOCUMENT.to_owned()));
        for (place, (name, _)) in pairs.iter().enumerate() {
            let comes_again = pairs[..place].iter().any(|(before, _)| before == name);
            if once.contains(name) && comes_again {
                return Err(NotRead::PartTwice(name.clone()));
            }
            if !once.contains(name) && !often.contains(name) {
                let file = self.takes_documents().then_some(FILE);
                let known = once.iter().chain(&often).map(String::as_str).chain(file);
                return Err(NotRead::unknown_part(name, known));
            }
        }
        Ok(())
    }

    /// One more empty row of a group.
    pub(super) fn add_row(&mut self, group: &str) {
        for (asked, values) in self.kind.form.parts.iter().zip(&mut self.values) {
            if let (Asked::Rows(asked), Values::Rows(rows)) = (asked, values)
                && asked.name == group
            {
                rows.push(vec![String::new(); asked.columns.len()]);
            }
        }
    }

    /// The event; or, where a place of it cannot be read, all that is wrong with it: each place with what would be right.
    pub(in crate::web) fn event(&self, found: &HouseholdRow, clock: &Clock) -> Result<Event, Vec<(String, String)>> {
        let mut wrong: Vec<(String, String)> = Vec::new();
        let moment = self.occurred.parse::<DateTime>().ok().and_then(|at| at.to_zoned(clock.zone.clone()).ok());
        if moment.is_none() {
            wrong.push(("/occurred_at".to_owned(), "must be a date and a time".to_owned()));
        }
        let mut client_id = self.about.parse().ok();
        if client_id.is_none() && !self.about.is_empty() {
            wrong.push(("/client_id".to_owned(), "must be one of the household".to_owned()));
        }
        // With data of one of two people, it is about that one.
        if let [one] = self.filled_people()[..]
            && self.people.len() > 1
        {
            client_id = Some(self.people[one].0);
        }
        let data = self.data();
        let Some(moment) = moment.filter(|_| wrong.is_empty()) else {
            let errors = self.kind.data_errors(&data);
            wrong.extend(errors.into_iter().map(|error| (error.field, error.message)));
            return Err(wrong);
        };
        Ok(Event {
            event_type: self.kind.name.clone(),
            household_id: found.household.id,
            client_id,
            occurred_at: moment.timestamp(),
            data,
            attachments: self.documents.iter().map(|document| document.id).collect(),
        })
    }

    /// The people of whom there is data, where there is a group for each; by their places.
    fn filled_people(&self) -> Vec<usize> {
        let groups = self.values.iter().find_map(|values| match values {
            Values::Members(groups) => Some(groups),
            _ => None,
        });
        let groups = groups.into_iter().flatten().enumerate();
        groups.filter(|(_, group)| !group.iter().all(Values::is_empty)).map(|(place, _)| place).collect()
    }

    fn data(&self) -> Value {
        let parts = self.kind.form.parts.iter().zip(&self.values);
        let data = parts.filter_map(|(asked, values)| Some((name_of(asked), values.data(asked, &self.people)?)));
        data.collect::<Map<_, _>>().into()
    }

    /// The form's parts, each with what is wrong with it.
    pub(super) fn parts(&self, problems: &[FieldError]) -> Vec<Part> {
        let shown = Shown { problems };
        let plain = |pointer: &str, name: &str, label: &str, value: &str, kind| {
            shown.input(pointer, name.to_owned(), label.to_owned(), value, kind)
        };
        let mut parts = vec![Part::one(plain("/occurred_at", "occurred", "When", &self.occurred, InputKind::Moment))];
        if self.asks_whom() {
            let people = self.people.iter().map(|(id, name)| (id.to_string(), name.clone()));
            let none = if self.kind.about == About::Client { "Choose" } else { "The household" };
            let choices = std::iter::once((String::new(), none.to_owned())).chain(people).collect();
            parts.push(Part::one(plain("/client_id", "about", "About", &self.about, InputKind::Choice(choices))));
        }
        for (asked, values) in self.kind.form.parts.iter().zip(&self.values) {
            match (asked, values) {
                (Asked::Field(field), Values::Field(value)) => {
                    let pointer = format!("/{DATA}/{}", field.name);
                    parts.push(Part::one(shown.field(
                        &pointer,
                        format!("{DATA}.{}", field.name),
                        field,
                        &field.label,
                        value,
                    )));
                }
                (Asked::Rows(asked), Values::Rows(rows)) => parts.push(shown.rows(asked, rows)),
                (Asked::Members(members), Values::Members(groups)) => {
                    parts.extend(self.member_parts(&shown, members, groups));
                }
                _ => {}
            }
        }
        if self.takes_documents() {
            parts.push(self.document_part(&shown));
        }
        parts
    }

    /// The documents there are, and a field for one more. It stands last, so that what is typed is read before it.
    fn document_part(&self, shown: &Shown<'_>) -> Part {
        let kept = self.documents.iter().enumerate().map(|(place, document)| {
            let label = format!("{}, {}", document.filename, format::size(document.size));
            let pointer = format!("/attachments/{place}");
            vec![shown.input(&pointer, DOCUMENT.to_owned(), label, &document.id.to_string(), InputKind::Kept)]
        });
        let label = if self.documents.is_empty() { "PDF" } else { "Another PDF" };
        let file = vec![shown.input("/attachments", FILE.to_owned(), label.to_owned(), "", InputKind::File)];
        let hint = match (self.kind.documents, &self.kind.document) {
            (DocumentRule::Required, Some(_)) => {
                "At most 25 MB. Without one, the document is made here from what is known now."
            }
            (DocumentRule::Required, None) => "At least one PDF goes with the note, each at most 25 MB.",
            _ => "PDFs that go with the note, each at most 25 MB.",
        };
        Part {
            heading: Some("Documents".to_owned()),
            hint: hint.to_owned(),
            rows: kept.chain([file]).collect(),
            add: Some(("documents".to_owned(), "Add another PDF".to_owned())),
            id: String::new(),
            problem: None,
        }
    }

    /// A group of fields for each person of the household.
    fn member_parts(&self, shown: &Shown<'_>, members: &Members, groups: &[Vec<Values>]) -> Vec<Part> {
        let filled = self.filled_people();
        let whole = format!("/{DATA}/{}", members.name);
        let part = |(place, group): (usize, &Vec<Values>)| {
            // Where this person stands in the event, which has only those of whom there is data.
            let at = if filled.is_empty() { place } else { filled.iter().filter(|other| **other < place).count() };
            let is_there = filled.is_empty() || filled.contains(&place);
            // Of somebody who is not in the event, nothing is told.
            let pointer = if is_there { format!("{whole}/{at}") } else { format!("{whole}-none/{place}") };
            let name = format!("{DATA}.{}.{place}", members.name);
            let mut rows = Vec::new();
            for (asked, values) in members.parts.iter().zip(group) {
                match (asked, values) {
                    (Asked::Field(field), Values::Field(value)) => {
                        let (pointer, name) = (format!("{pointer}/{}", field.name), format!("{name}.{}", field.name));
                        rows.push(vec![shown.field(&pointer, name, field, &field.label, value)]);
                    }
                    (Asked::Rows(list), Values::Rows(values)) => {
                        for at in 0..list.shown.max(values.len()) {
                            let value = values.get(at).and_then(|row| row.first()).map_or("", String::as_str);
                            let Some(column) = list.columns.first() else { continue };
                            let label = format!("{} {}", column.label, at + 1);
                            let pointer = format!("{pointer}/{}/{at}", list.name);
                            rows.push(vec![shown.field(
                                &pointer,
                                format!("{name}.{}", list.name),
                                column,
                                &label,
                                value,
                            )]);
                        }
                    }
                    _ => {}
                }
            }
            Part {
                heading: Some(self.people[place].1.clone()),
                hint: members.help.clone(),
                rows,
                add: None,
                // What is wrong with all of them is told once, at the first.
                id: if place == 0 { id(&whole) } else { String::new() },
                problem: shown.problem(&whole).filter(|_| place == 0),
            }
        };
        groups.iter().enumerate().map(part).collect()
    }
}

/// The names of fields that are there once, and of those that are there once a row.
fn names(parts: &[Asked], name: &str, people: usize, once: &mut Vec<String>, often: &mut Vec<String>) {
    for part in parts {
        match part {
            Asked::Field(field) => once.push(format!("{name}.{}", field.name)),
            Asked::Rows(rows) => often.extend(columns(rows, name)),
            Asked::Members(members) => {
                for place in 0..people {
                    names(&members.parts, &format!("{name}.{}.{place}", members.name), people, once, often);
                }
            }
        }
    }
}

/// Fields with what is wrong with them.
struct Shown<'a> {
    problems: &'a [FieldError],
}

impl Shown<'_> {
    fn problem(&self, pointer: &str) -> Option<String> {
        let message = problem_of(self.problems, &id(pointer))?;
        Some(if message == MISSING { "Fill this in".to_owned() } else { format::sentence(message) })
    }

    fn input(&self, pointer: &str, name: String, label: String, value: &str, kind: InputKind) -> Input {
        let (value, problem) = (value.to_owned(), self.problem(pointer));
        Input { id: id(pointer), name, label, help: String::new(), value, kind, problem }
    }

    fn field(&self, pointer: &str, name: String, field: &Field, label: &str, value: &str) -> Input {
        let may_be_left = !field.is_required && !field.name.is_empty() && !matches!(field.kind, FieldKind::Flag);
        let label = if may_be_left { format!("{label} (optional)") } else { label.to_owned() };
        self.asked(pointer, name, field, label, value)
    }

    /// A field of a list's row, which is left out with its row.
    fn asked(&self, pointer: &str, name: String, field: &Field, label: String, value: &str) -> Input {
        let input = self.input(pointer, name, label, value, InputKind::of(&field.kind));
        Input { help: field.help.clone(), ..input }
    }

    fn rows(&self, asked: &Rows, rows: &[Vec<String>]) -> Part {
        let names = columns(asked, DATA);
        let row = |(place, cells): (usize, &Vec<String>)| -> Vec<Input> {
            let columns = asked.columns.iter().zip(&names).zip(cells).enumerate();
            let cell = |(at, ((column, name), value)): (usize, ((&Field, &String), &String))| {
                let label = if at == 0 { format!("{} {}", column.label, place + 1) } else { column.label.clone() };
                let pointer = format!("/{DATA}/{}/{place}", asked.name);
                let pointer = if asked.is_plain() { pointer } else { format!("{pointer}/{}", column.name) };
                self.asked(&pointer, name.clone(), column, label, value)
            };
            columns.map(cell).collect()
        };
        let whole = format!("/{DATA}/{}", asked.name);
        let hint = if asked.help.is_empty() { String::new() } else { format!("{} ", full_stop(&asked.help)) };
        Part {
            heading: Some(asked.heading.clone()),
            hint: format!("{hint}Rows left empty are left out."),
            rows: rows.iter().enumerate().map(row).collect(),
            add: Some((asked.name.clone(), asked.add.clone())),
            id: id(&whole),
            problem: self.problem(&whole),
        }
    }
}

#[cfg(test)]
mod tests;
