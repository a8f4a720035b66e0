//! A pack's events: what can be reported of a household, one file `events/<type>.toml` a type. The host has no type of its
//! own: names, labels, the shape of the data, forms and rules about documents all stand there.
//!
//! Serves `notes` (checking events), `documents` (which events feed a document), `api` and `web` (schemas and forms).

mod check;
mod file;
mod form;
mod keywords;
mod wrong;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::files::refused;
use super::layers::{LayerFile, Layers};
use super::{PackError, limits, lines};
pub use check::{MISSING, cleaned};
pub use file::{COMPLETED_ON, DocumentData, HostDocument};
pub use form::{Field, FieldKind, Form, Members, Part, Rows};

/// The folder in a pack's.
pub(super) const FOLDER: &str = "events";

/// A type of event, as its pack declares it.
pub struct EventType {
    /// The type's name: `annual-review.completed`.
    pub name: String,
    /// The name that people read: `Annual review completed`.
    pub label: String,
    /// A sentence that says what recording it does.
    pub what: String,
    /// Whether its note carries documents.
    pub documents: DocumentRule,
    /// Whom it is about. Where its data has a group for each person, that follows from the data.
    pub about: About,
    /// The document that the host makes where the sender brings none; none where it makes none.
    pub document: Option<HostDocument>,
    /// The JSON Schema (draft 2020-12) of its data, with `x-form`: how it is asked for.
    pub schema: Value,
    /// The form that asks for its data.
    pub form: Form,
    check: check::Check,
    /// The place among the types; those without one come last.
    order: Option<u32>,
}

/// Whether an event's note carries documents.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentRule {
    /// The note carries no documents.
    #[default]
    None,
    /// The note carries documents if the sender gives any.
    Optional,
    /// The note carries at least one document: without it, it would be worse than none.
    Required,
}

/// Whom an event may be about.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The household, or one of its clients.
    #[default]
    Either,
    /// The household as a whole.
    Household,
    /// One client.
    Client,
}

impl EventType {
    /// The first part of its data that has a group for each person of the household; none where it has none.
    pub fn members(&self) -> Option<&Members> {
        self.form.parts.iter().find_map(|part| match part {
            Part::Members(members) => Some(members),
            _ => None,
        })
    }

    /// Whether there is nothing to say of it but that it happened.
    pub fn needs_no_data(&self) -> bool {
        self.data_errors(&json!({})).is_empty()
    }

    /// Examples of its data; at least one.
    pub fn examples(&self) -> &[Value] {
        self.schema["examples"].as_array().map_or(&[], Vec::as_slice)
    }

    /// All that decides what it asks for and becomes, as JSON.
    fn declared(&self) -> Value {
        let Self { label, what, documents, about, document, schema, order, .. } = self;
        json!({ "label": label, "what": what, "order": order, "documents": documents, "about": about,
                "document": document, "schema": schema })
    }
}

/// A pack's types of events, in their order.
#[derive(Default)]
pub struct EventTypes(Vec<Arc<EventType>>);

impl EventTypes {
    /// All of them.
    pub fn all(&self) -> &[Arc<EventType>] {
        &self.0
    }

    /// The type of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<EventType>> {
        self.0.iter().find(|one| one.name == name)
    }

    /// What they declare, by name.
    pub(super) fn declared(&self) -> Value {
        self.0.iter().map(|one| (one.name.clone(), one.declared())).collect()
    }

    /// The digest that stands for what they declare; none where there are none.
    pub(super) fn digest(&self) -> Option<blake3::Hash> {
        (!self.0.is_empty()).then(|| blake3::hash(format!("{FOLDER}\n{}", self.declared()).as_bytes()))
    }
}

/// What is wrong with a file of events.
#[derive(Debug)]
pub(super) struct Misfit {
    /// The event's type.
    pub event: String,
    /// The line, from 1, as far as it can be told.
    pub line: Option<usize>,
    /// The keys that lead to it, and numbers of items; none where it is about the whole file.
    pub place: Vec<String>,
    /// The message.
    pub message: String,
}

impl Misfit {
    /// The file's path in the pack's folder.
    pub(super) fn file(&self) -> String {
        format!("{FOLDER}/{}.toml", self.event)
    }

    /// The message with its place, for whoever is told of a file: `line 7, schema.properties.score: …`.
    pub(super) fn told(&self) -> String {
        let line = self.line.map(|line| format!("line {line}"));
        let keys = (!self.place.is_empty()).then(|| self.place.join("."));
        let place: Vec<String> = line.into_iter().chain(keys).collect();
        if place.is_empty() { self.message.clone() } else { format!("{}: {}", place.join(", "), self.message) }
    }
}

/// The texts of a pack's events, each with its type's name, in the order of names: the pack's own, or else the nearest
/// base's.
///
/// # Errors
/// Names the file that cannot be read, is too large or is of another kind, and the folder that holds too many.
pub(super) fn texts(layers: &Layers<'_>) -> Result<Vec<(String, String)>, PackError> {
    let files = layers.listed(FOLDER)?;
    if files.len() > limits::EVENT_TYPES {
        let why = format!("it holds {} files; a pack has at most {} events", files.len(), limits::EVENT_TYPES);
        return Err(refused(&layers.folder().join(FOLDER), &why));
    }
    let first = files.into_iter().filter_map(|(name, files)| Some((name, files.into_iter().next()?)));
    let text = |(name, file): (String, LayerFile)| {
        let wrong = |why: &str| layers.tell(refused(&file.path, why));
        let name = name.strip_suffix(".toml").ok_or_else(|| wrong("an event is a file <event type>.toml"))?;
        let text = layers.text(&file)?;
        if text.len() as u64 > limits::EVENT_FILE {
            return Err(wrong(&format!("it is larger than {} kB", limits::EVENT_FILE >> 10)));
        }
        Ok((name.to_owned(), text))
    };
    first.map(text).collect()
}

/// The types that texts declare, each given with its type's name.
///
/// # Errors
/// All that is wrong with them, in the order of files.
pub(super) fn read(texts: &[(String, String)]) -> Result<EventTypes, Vec<Misfit>> {
    let (mut types, mut wrong) = (Vec::new(), Vec::new());
    for (name, text) in texts {
        match file::read(name, text) {
            Ok(one) => types.push(Arc::new(one)),
            Err(found) => wrong.extend(found.into_iter().map(|(place, message)| {
                let line = match place.as_slice() {
                    [] => None,
                    place => lines::find(text, place).line,
                };
                Misfit { event: name.clone(), line, place, message }
            })),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    types.sort_by(|one, other| {
        let key = |of: &EventType| (of.order.is_none(), of.order, of.label.clone(), of.name.clone());
        key(one).cmp(&key(other))
    });
    let types = EventTypes(types);
    let apart = |(event, place, message): (String, Vec<String>, String)| {
        let text = texts.iter().find(|(name, _)| *name == event).map_or("", |(_, text)| text);
        Misfit { line: lines::find(text, &place).line, event, place, message }
    };
    match file::together(&types) {
        wrong if wrong.is_empty() => Ok(types),
        wrong => Err(wrong.into_iter().map(apart).collect()),
    }
}

/// Events held against what else the pack has: the names of its notes' templates, the event types that its plugin writes by
/// itself, and those whose documents it has templates of. A pack of before, which declares no events, is held against nothing.
pub(super) fn beside(types: &EventTypes, notes: &[String], by_plugin: &[String], templates: &[&str]) -> Vec<Misfit> {
    let mut wrong = Vec::new();
    let mut tell = |event: &str, place: &[&str], message: String| {
        let place = place.iter().map(|key| (*key).to_owned()).collect();
        wrong.push(Misfit { event: event.to_owned(), line: None, place, message });
    };
    for one in types.all() {
        let name = &one.name;
        if !notes.contains(name) && !by_plugin.contains(name) {
            tell(name, &[], format!("it has no file note: write its template, notes/{name}.toml"));
        }
        match (&one.document, templates.contains(&name.as_str())) {
            (Some(_), false) => {
                let message = format!(
                    "there is no template for it: write documents/{name}.typ, or leave [document] out, so that senders bring it"
                );
                tell(name, &["document"], message);
            }
            (None, true) => {
                let message = format!(
                    "it lacks [document] with `name` and `title`, though there is a template documents/{name}.typ"
                );
                tell(name, &[], message);
            }
            _ => {}
        }
    }
    if !types.all().is_empty() {
        let nobody =
            |path: String| format!("there is no such file, and {path} is of this event: write it, or remove that");
        for name in notes.iter().filter(|name| types.get(name).is_none()) {
            tell(name, &[], nobody(format!("notes/{name}.toml")));
        }
        for name in templates.iter().filter(|name| types.get(name).is_none()) {
            tell(name, &[], nobody(format!("documents/{name}.typ")));
        }
    }
    wrong
}

/// The refusals of a pack for what is wrong with its events, one each, with the file of the layer that has it.
pub(super) fn refusals(layers: &Layers<'_>, wrong: &[Misfit]) -> Vec<PackError> {
    let refusal = |one: &Misfit| {
        let file = layers.first(&one.file()).unwrap_or_else(|| layers.own(&one.file()));
        layers.tell(refused(&file.path, &one.told()))
    };
    wrong.iter().map(refusal).collect()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub use tests::shipped;
