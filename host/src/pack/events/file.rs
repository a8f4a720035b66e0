//! `events/<type>.toml` read: who is what, and what in it does not fit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::wrong::{LONGEST_NAME, Wrong, is_member, unreadable};
use super::{About, DocumentRule, EventType, EventTypes, check, form, keywords};
use crate::config::toml_words;
use crate::pack::rules::to_json;

/// The most characters of a type's name.
const LONGEST_TYPE: usize = 60;
/// The most characters of the sentence about the type.
const LONGEST_SENTENCE: usize = 300;

/// What a template's data has beside what the document's own declaration gives it.
const GIVEN: [&str; 7] = ["practice", "household", "primary_professional", "made_on", "goals", "covers", "event"];

/// What stands beside the data of an event that a template is given whole.
pub const COMPLETED_ON: &str = "completed_on";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    label: String,
    what: String,
    order: Option<u32>,
    #[serde(default)]
    documents: DocumentRule,
    about: Option<About>,
    document: Option<HostDocument>,
    schema: toml::Table,
}

/// A document that the host makes by the pack's template.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostDocument {
    /// Its name in addresses: `annual-review`.
    pub name: String,
    /// The title that people read, on buttons and in the file's name: `Annual Review`.
    pub title: String,
    /// The events that its template is told of, the latest of the household each, by their names in the template's data.
    #[serde(default)]
    pub data: BTreeMap<String, DocumentData>,
}

/// The part of an event's data that a document's template is given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentData {
    /// The event's type.
    pub event: String,
    /// The list in its data that is given, empty where there was no such event; none for the whole data, with the day as
    /// `completed_on`, or nothing where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
}

/// The type that a text declares.
///
/// # Errors
/// All that is wrong with it; where it is no TOML or has other keys, that alone.
pub(super) fn read(name: &str, text: &str) -> Result<EventType, Vec<Wrong>> {
    let whole = |message: String| vec![(Vec::new(), message)];
    if !is_type_name(name) {
        let message = "its name is no event's: lower-case words with hyphens between, and a full stop before what became of \
                       it, as in annual-review.completed";
        return Err(whole(message.to_owned()));
    }
    let file: File = toml::from_str(text).map_err(|error| whole(toml_words(text, &error)))?;
    let mut wrong: Vec<Wrong> = Vec::new();
    let mut tell = |place: &[&str], message: &str| {
        wrong.push((place.iter().map(|key| (*key).to_owned()).collect(), message.to_owned()));
    };
    for (key, value, most) in [("label", &file.label, LONGEST_NAME), ("what", &file.what, LONGEST_SENTENCE)] {
        if let Some(message) = unreadable(value, most) {
            tell(&[key], &message);
        }
    }
    if let Some(document) = &file.document {
        if file.documents != DocumentRule::Required {
            tell(&["documents"], "has to be \"required\": a document that the host makes goes with every such note");
        }
        if !is_words(&document.name) {
            tell(&["document", "name"], "has to be lower-case words with hyphens between, as in annual-review");
        }
        if let Some(message) = unreadable(&document.title, LONGEST_NAME) {
            tell(&["document", "title"], &message);
        }
        for key in document.data.keys().filter(|key| GIVEN.contains(&key.as_str()) || !is_member(key)) {
            let message = format!(
                "is no name for it: lower-case letters with `_` between, and none of {}, which templates have anyway",
                GIVEN.join(", ")
            );
            tell(&["document", "data", key], &message);
        }
    }
    let mut schema = to_json(toml::Value::Table(file.schema));
    if let Some((_, of_schema)) =
        DeTable::parse_recoverable(text).0.get_ref().iter().find(|(key, _)| key.get_ref() == "schema")
    {
        note_order(&mut schema, of_schema);
    }
    let mut misfits = keywords::misfits(&schema);
    if !misfits.is_empty() {
        wrong.append(&mut misfits);
        return Err(wrong);
    }
    let form = match form::Form::of(&schema) {
        Ok(form) => form,
        Err(misfits) => {
            wrong.extend(misfits);
            return Err(wrong);
        }
    };
    let check = match check::Check::new(&schema) {
        Ok(check) => check,
        Err((place, message)) => {
            wrong.push((place, message));
            return Err(wrong);
        }
    };
    for (number, example) in schema["examples"].as_array().into_iter().flatten().enumerate() {
        for error in check.errors(&schema, example) {
            let place = ["schema".to_owned(), "examples".to_owned(), number.to_string()];
            let below = error.field.trim_start_matches("/data").split('/').filter(|part| !part.is_empty());
            let place = place.into_iter().chain(below.map(|part| part.replace("~1", "/").replace("~0", "~")));
            wrong.push((place.collect(), format!("the example does not fit: {}", error.message)));
        }
    }
    let event = EventType {
        name: name.to_owned(),
        label: file.label,
        what: file.what,
        documents: file.documents,
        about: file.about.unwrap_or_default(),
        document: file.document,
        schema,
        form,
        check,
        order: file.order,
    };
    if event.members().is_some() && file.about.is_some() {
        let message = "cannot be given: with a group of fields for each person, whom it is about follows from its data";
        wrong.push((vec!["about".to_owned()], message.to_owned()));
    }
    if wrong.is_empty() { Ok(event) } else { Err(wrong) }
}

/// What does not fit among the types of one pack: the event's type, the place, and the message.
pub(super) fn together(types: &EventTypes) -> Vec<(String, Vec<String>, String)> {
    let mut wrong = Vec::new();
    let mut named: BTreeMap<&str, &str> = BTreeMap::new();
    for one in types.all() {
        let Some(document) = &one.document else { continue };
        let mut tell = |place: &[&str], message: String| {
            wrong.push((one.name.clone(), place.iter().map(|key| (*key).to_owned()).collect(), message));
        };
        if let Some(other) = named.insert(&document.name, &one.name) {
            tell(&["document", "name"], format!("is the name of the document of {other}, too"));
        }
        for (key, data) in &document.data {
            let place = ["document", "data", key];
            let Some(source) = types.get(&data.event) else {
                tell(&place, format!("`{}` is no event of this pack", data.event));
                continue;
            };
            let property = |name: &str| source.schema["properties"].get(name);
            match &data.member {
                Some(member) if property(member).is_none_or(|of| of["type"] != "array") => {
                    tell(&place, format!("`{member}` is no list in the data of {}", data.event));
                }
                None if property(COMPLETED_ON).is_some() => {
                    let message = format!(
                        "{} has a `{COMPLETED_ON}` of its own, which is what the day is called here: name one `member`",
                        data.event
                    );
                    tell(&place, message);
                }
                _ => {}
            }
        }
    }
    wrong
}

/// Writes down in which order a file has the members of each object: in `x-form.order`, unless that is said there.
fn note_order(schema: &mut Value, written: &Spanned<DeValue<'_>>) {
    let (Some(members), DeValue::Table(table)) = (schema.as_object_mut(), written.get_ref()) else { return };
    let of = |table: &DeTable<'_>, key: &str| -> Vec<(usize, String)> {
        let found = table.iter().find(|(name, _)| name.get_ref() == key);
        let Some((_, DeValue::Table(below))) = found.map(|(key, value)| (key, value.get_ref())) else {
            return Vec::new();
        };
        below.iter().map(|(name, _)| (name.span().start, name.get_ref().to_string())).collect()
    };
    let mut order = of(table, "properties");
    order.sort_unstable();
    if !order.is_empty() {
        let form = members.entry("x-form").or_insert_with(|| json!({}));
        if let Some(form) = form.as_object_mut() {
            form.entry("order").or_insert_with(|| order.into_iter().map(|(_, name)| name).collect());
        }
    }
    for (key, below) in table.iter() {
        match (key.get_ref().as_ref(), below.get_ref()) {
            ("properties", DeValue::Table(properties)) => {
                for (name, written) in properties.iter() {
                    if let Some(property) =
                        members.get_mut("properties").and_then(|all| all.get_mut(name.get_ref().as_ref()))
                    {
                        note_order(property, written);
                    }
                }
            }
            ("items", _) => {
                if let Some(items) = members.get_mut("items") {
                    note_order(items, below);
                }
            }
            _ => {}
        }
    }
}

/// Lower-case words with hyphens between.
fn is_words(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= LONGEST_NAME && text.split('-').all(is_word)
}

/// Names such as `annual-review.completed`.
fn is_type_name(name: &str) -> bool {
    name.len() <= LONGEST_TYPE && name.contains('.') && name.split('.').all(is_words)
}
