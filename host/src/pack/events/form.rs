//! The form that asks for an event's data: what follows from its schema, in the file's order.
//!
//! A form has single fields, groups of rows (lists), and a group for each person of the household. What it cannot ask for is
//! refused, so that whatever an event demands can be recorded by hand.

use serde_json::Value;

use super::wrong::Wrong;

/// The rows that a form shows, where the schema does not say how many.
const ROWS: usize = 3;
/// The lines of a field for a long text.
const LINES: u8 = 1;

/// The parts of the form, in their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Form {
    /// The parts.
    pub parts: Vec<Part>,
}

/// A part of the form, about one member of the data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// A single field.
    Field(Field),
    /// A list, a row of fields an entry.
    Rows(Rows),
    /// A list with an entry for each person of the household who has one.
    Members(Members),
}

/// A field to fill in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// The member's name; empty for the entries of a plain list.
    pub name: String,
    /// The label.
    pub label: String,
    /// What helps to fill it in; empty where there is nothing to say.
    pub help: String,
    /// What is asked for.
    pub kind: FieldKind,
    /// Whether the data has to have it.
    pub is_required: bool,
}

/// What a field asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FieldKind {
    /// A text of a line.
    Text,
    /// A text of so many lines and more.
    Lines(u8),
    /// A number.
    Number,
    /// A day.
    Date,
    /// Yes or no.
    Flag,
    /// One of some texts, each with what people read.
    Choice(Vec<(String, String)>),
}

/// A list that is asked for by rows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rows {
    /// The member's name.
    pub name: String,
    /// The heading.
    pub heading: String,
    /// What helps to fill it in; empty where there is nothing to say.
    pub help: String,
    /// What the button says that adds a row.
    pub add: String,
    /// The rows that are shown at least.
    pub shown: usize,
    /// The fields of a row; one without a name where the entries are no objects.
    pub columns: Vec<Field>,
    /// Whether the data has to have the list.
    pub is_required: bool,
}

impl Rows {
    /// Whether its entries are plain values.
    pub fn is_plain(&self) -> bool {
        self.columns.iter().all(|column| column.name.is_empty())
    }
}

/// A list with a group of fields for each person of the household.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Members {
    /// The member's name.
    pub name: String,
    /// What people call it.
    pub heading: String,
    /// What helps to fill a group in; empty where there is nothing to say.
    pub help: String,
    /// The member of an entry that has the person's name.
    pub person: String,
    /// What is asked for of each person: fields, and plain lists.
    pub parts: Vec<Part>,
}

impl Form {
    /// The form of a schema that has event's keywords only.
    ///
    /// # Errors
    /// Every place that no form can ask for.
    pub(super) fn of(schema: &Value) -> Result<Self, Vec<Wrong>> {
        let mut reader = Reader { wrong: Vec::new() };
        let mut parts = Vec::new();
        let root = vec!["schema".to_owned()];
        for (name, property, is_required) in members(schema) {
            let place = below(&root, name);
            parts.extend(reader.part(name, property, is_required, &place));
        }
        let groups = parts.iter().filter(|part| matches!(part, Part::Members(_))).count();
        if groups > 1 {
            reader.wrong.push((root, "has two lists with `each = \"member\"`; an event has one at most".to_owned()));
        }
        if reader.wrong.is_empty() { Ok(Self { parts }) } else { Err(reader.wrong) }
    }
}

struct Reader {
    wrong: Vec<Wrong>,
}

impl Reader {
    /// A member of the data.
    fn part(&mut self, name: &str, schema: &Value, is_required: bool, place: &[String]) -> Option<Part> {
        match schema["type"].as_str() {
            Some("array") if schema["x-form"]["each"] == "member" => {
                self.members(name, schema, place).map(Part::Members)
            }
            Some("array") => self.rows(name, schema, is_required, place).map(Part::Rows),
            _ => self.field(name, schema, is_required, place).map(Part::Field),
        }
    }

    fn field(&mut self, name: &str, schema: &Value, is_required: bool, place: &[String]) -> Option<Field> {
        let hint = &schema["x-form"];
        let kind = match schema["type"].as_str() {
            Some("string") if schema["format"] == "date" => FieldKind::Date,
            Some("string") => match schema["enum"].as_array() {
                Some(choices) => {
                    let label = |choice: &str| hint["labels"][choice].as_str().unwrap_or(choice).to_owned();
                    let choices = choices.iter().filter_map(Value::as_str);
                    FieldKind::Choice(choices.map(|choice| (choice.to_owned(), label(choice))).collect())
                }
                None => match hint["lines"].as_u64().and_then(|lines| u8::try_from(lines).ok()) {
                    Some(lines) if lines > LINES => FieldKind::Lines(lines),
                    _ => FieldKind::Text,
                },
            },
            Some("number" | "integer") => FieldKind::Number,
            Some("boolean") => FieldKind::Flag,
            _ => return self.refuse(place, "lies deeper than forms go: a list has plain values, or rows of them"),
        };
        if hint.get("is").is_some() {
            return self.refuse(place, "`is` is of a list with `each = \"member\"` alone");
        }
        let label = self.title(schema, place)?;
        Some(Field { name: name.to_owned(), label, help: help(schema), kind, is_required })
    }

    fn rows(&mut self, name: &str, schema: &Value, is_required: bool, place: &[String]) -> Option<Rows> {
        let heading = self.title(schema, place);
        let items = &schema["items"];
        let place = [place, &["items".to_owned()]].concat();
        let columns = if items["type"] == "object" {
            let columns = members(items).into_iter();
            columns
                .map(|(name, column, is_required)| self.field(name, column, is_required, &below(&place, name)))
                .collect()
        } else {
            self.field("", items, true, &place).map(|column| vec![column])
        };
        let columns: Vec<Field> = columns?;
        if columns.is_empty() {
            return self.refuse(&place, "has no members: there would be nothing to fill in");
        }
        Some(Rows {
            name: name.to_owned(),
            heading: heading?,
            help: help(schema),
            add: schema["x-form"]["add"].as_str().unwrap_or("Add a row").to_owned(),
            shown: schema["x-form"]["rows"].as_u64().and_then(|rows| usize::try_from(rows).ok()).unwrap_or(ROWS),
            columns,
            is_required,
        })
    }

    fn members(&mut self, name: &str, schema: &Value, place: &[String]) -> Option<Members> {
        let heading = self.title(schema, place);
        let items = &schema["items"];
        let place = [place, &["items".to_owned()]].concat();
        if items["type"] != "object" {
            return self.refuse(&place, "has to be an object, as the list has `each = \"member\"`");
        }
        let (mut person, mut parts) = (None, Vec::new());
        for (name, property, is_required) in members(items) {
            let place = below(&place, name);
            let part = match property["type"].as_str() {
                Some("string") if property["x-form"]["is"] == "member-name" => {
                    if !is_required || property.get("enum").is_some() || property.get("format").is_some() {
                        self.refuse::<()>(&place, "has to be a required text: it holds the person's name");
                    }
                    if person.replace(name.to_owned()).is_some() {
                        self.refuse::<()>(&place, "is a second `member-name`; there is one");
                    }
                    continue;
                }
                Some("array") if property["items"]["type"] == "object" => {
                    self.refuse(&place, "lies deeper than forms go: a person's lists have plain values")
                }
                Some("array") if property["x-form"].get("each").is_some() => {
                    self.refuse(&place, "lies in a list with `each = \"member\"` already")
                }
                _ => self.part(name, property, is_required, &place),
            };
            parts.extend(part);
        }
        let Some(person) = person else {
            return self
                .refuse(&place, "lacks a text with `x-form = { is = \"member-name\" }`: which person an entry is of");
        };
        Some(Members { name: name.to_owned(), heading: heading?, help: help(schema), person, parts })
    }

    /// The label of a field, or the heading of rows.
    fn title(&mut self, schema: &Value, place: &[String]) -> Option<String> {
        match schema["title"].as_str() {
            Some(title) => Some(title.to_owned()),
            None => self.refuse(place, "lacks its `title`, which is the field's label on the form"),
        }
    }

    fn refuse<T>(&mut self, place: &[String], message: &str) -> Option<T> {
        self.wrong.push((place.to_vec(), message.to_owned()));
        None
    }
}

fn help(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}

fn below(place: &[String], name: &str) -> Vec<String> {
    place.iter().cloned().chain(["properties".to_owned(), name.to_owned()]).collect()
}

/// The members of an object with their schemas, in the order of its `x-form`, and whether each is required.
fn members(schema: &Value) -> Vec<(&str, &Value, bool)> {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let order = schema["x-form"]["order"].as_array().into_iter().flatten().filter_map(Value::as_str);
    order.filter_map(|name| Some((name, schema["properties"].get(name)?, required.contains(&name)))).collect()
}
