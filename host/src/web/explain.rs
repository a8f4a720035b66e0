//! Explanations of a person's values: for each field its value, where it was read, the rule, and what was left out.
//! Asked of the pack anew each time, from the raw record as the last sync kept it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::changes::{Diff, name_people};
use super::components::{Clock, Finding, Moment};
use super::failure::{Failure, page};
use super::format;
use super::household;
use super::layout::{Layout, Section};
use super::session::SignedIn;
use crate::access::Book;
use crate::app::{App, ExplainError, History, ValueChange};
use crate::domain::access::Action;
use crate::domain::edit::FieldChange;
use crate::domain::extension::PREFIX;
use crate::domain::history::ChangeCause;
use crate::domain::listed::place_of;
use crate::domain::stored::StoredClient;
use crate::domain::{ClientId, ExternalId, ItemId, RecordKind, with_listed};
use crate::pack::FieldExplanation;
use crate::store::StoredItem;

#[derive(Template)]
#[template(path = "explain.html")]
pub(super) struct ExplainPage {
    pub(super) layout: Layout,
    pub(super) name: String,
    pub(super) household: String,
    pub(super) household_path: String,
    pub(super) state: String,
    /// The revision that made the stored values.
    pub(super) revision: Option<String>,
    /// The moment from which on changes are known.
    pub(super) since: Option<Moment>,
    pub(super) fields: Vec<Explained>,
}

/// The explanation of one canonical field.
pub(super) struct Explained {
    /// The canonical name, which is the place's name in the page too.
    pub(super) name: String,
    pub(super) label: String,
    pub(super) value: Option<String>,
    pub(super) source: Option<String>,
    pub(super) source_value: Option<String>,
    /// The rule's place in the rules, and what it says.
    pub(super) rule: Option<(String, String)>,
    pub(super) findings: Vec<Finding>,
    pub(super) changes: Vec<Changed>,
}

/// A change of a value, and why.
pub(super) struct Changed {
    pub(super) at: Moment,
    pub(super) diff: Diff,
    pub(super) why: String,
    /// The run that brought it.
    pub(super) run: Option<String>,
}

impl From<FieldExplanation> for Explained {
    fn from(field: FieldExplanation) -> Self {
        let rule = field.rule.map(|rule| match rule.split_once(' ') {
            Some((place, says)) => (place.to_owned(), says.to_owned()),
            None => (rule, String::new()),
        });
        Self {
            label: format::field(&field.field),
            name: field.field,
            value: field.value,
            source: field.source,
            source_value: field.source_value,
            rule,
            findings: field.diagnostics.iter().map(Finding::from).collect(),
            changes: Vec::new(),
        }
    }
}

/// The part of the client that is explained, an id by its kind: `goal=…`; the client where nothing is named.
type Which = BTreeMap<String, String>;

/// The record that is explained.
struct Subject {
    kind: RecordKind,
    name: String,
    /// The id in the CRM, for what stands in a list.
    listed: Option<ExternalId>,
    /// The same by the practice's id.
    item: Option<ItemId>,
}

impl Subject {
    /// The fields of one goal or cover, among those of the whole list, by their own names.
    fn its_own(&self, fields: Vec<FieldExplanation>) -> Result<Vec<FieldExplanation>, Failure> {
        let Some(id) = &self.listed else { return Ok(fields) };
        let is_its_id = |field: &FieldExplanation| {
            let place = place_of(self.kind, &field.field).filter(|(_, name)| *name == "external_id");
            place.map(|(index, _)| index).filter(|_| field.value.as_deref() == Some(id.as_str()))
        };
        let Some(index) = fields.iter().find_map(is_its_id) else {
            let message =
                "It no longer stands in the CRM's list, so that there is nothing to explain. It is kept here.";
            return Err(Failure::Refused(message.to_owned()));
        };
        let own = |mut field: FieldExplanation| {
            let name = place_of(self.kind, &field.field).filter(|(at, _)| *at == index)?.1.to_owned();
            field.field = name;
            Some(field)
        };
        Ok(fields.into_iter().filter_map(own).collect())
    }
}

const NOT_THERE: Failure = Failure::NotFound("There is no such goal or cover of this person.");

async fn subject(app: &App, client: &StoredClient, which: &Which) -> Result<Subject, Failure> {
    if which.len() > 1 {
        return Err(NOT_THERE);
    }
    for kind in RecordKind::LISTED {
        let Some(id) = which.get(kind.as_str()) else { continue };
        let id = id.parse::<ItemId>().map_err(|_| NOT_THERE)?;
        return with_listed!(*kind, Item => item::<Item>(app, client, id).await?).flatten().ok_or(NOT_THERE);
    }
    Ok(Subject { kind: RecordKind::Client, name: format::name(&client.client.full_name()), listed: None, item: None })
}

async fn item<T: StoredItem>(app: &App, of: &StoredClient, id: ItemId) -> Result<Option<Subject>, Failure> {
    let item = app.store.item::<T>(id).await?.filter(|item| item.client_id == of.id);
    Ok(item.map(|item| Subject {
        kind: T::KIND,
        name: format::item(T::KIND, item.listed.value.label().as_deref()),
        listed: Some(item.listed.value.external_id().clone()),
        item: Some(id),
    }))
}

/// `GET /households/{id}/clients/{client}/explain`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Path((household, client)): Path<(String, String)>,
    Query(which): Query<Which>,
) -> Result<Response, Failure> {
    let found = household::find(&app, &person, Action::ReadBook, &household).await?;
    let client = client.parse::<ClientId>().ok();
    let client = found.people.iter().find(|stored| Some(stored.id) == client);
    let client = client.ok_or(Failure::NotFound("There is no such person in this household."))?;
    let subject = subject(&app, client, &which).await?;
    let fields = match app.explain(client, subject.kind, person.clock.now).await {
        Ok(fields) => subject.its_own(fields)?,
        Err(ExplainError::Store(error)) => return Err(error.into()),
        Err(ExplainError::NotDone(error)) => return Err(error.into()),
        Err(other) => return Err(Failure::Refused(format!("{}.", format::sentence(&other.to_string())))),
    };
    let item = subject.item.map(|item| item.0);
    let history = app.history(client, (subject.kind, item)).await?;
    let book = person.book(&app, Action::ReadBook).await?;
    let fields = explained((&app, &book), client, &subject, (fields, &history), &person.clock).await?;
    let revision = app.connections.get(&client.origin.connection).map(|connection| connection.revision());
    let state = format!(
        "As the pack {} reads record {} of {}, as it stood at the last sync.",
        revision.as_ref().map_or("in force", |revision| revision.pack()),
        client.client.external_id,
        revision.as_ref().map_or("the CRM".to_owned(), |revision| format::crm(revision.crm())),
    );
    let layout = Layout::load(&app, &person, Section::Households).await?;
    page(&ExplainPage {
        layout,
        name: subject.name,
        household: format::name(&found.household.name),
        household_path: format!("/households/{}", found.household.id),
        state,
        revision: client.origin.revision.of_pack().map(|revision| revision.to_string()),
        since: history.since.map(|since| Moment::new(since, &person.clock)),
        fields,
    })
}

/// The explanations of fields, each with its last changes.
async fn explained(
    (app, book): (&App, &Book),
    client: &StoredClient,
    subject: &Subject,
    (fields, history): (Vec<FieldExplanation>, &History),
    clock: &Clock,
) -> Result<Vec<Explained>, Failure> {
    let crm = app.connections.get(&client.origin.connection).map(|connection| connection.revision());
    let labels = crm.as_ref().map(|revision| revision.extensions(subject.kind).to_vec()).unwrap_or_default();
    let crm = crm.map_or_else(|| "the CRM".to_owned(), |revision| format::crm(revision.crm()));
    let mut explained = Vec::with_capacity(fields.len());
    for field in fields {
        let full = if subject.kind.is_listed() {
            format!("{}.{}", subject.kind.as_str(), field.field)
        } else {
            field.field.clone()
        };
        let mut changes = Vec::new();
        for change in history.of(&field.field) {
            let mut values = FieldChange { field: full.clone(), from: change.from.clone(), to: change.to.clone() };
            name_people(app, book, &client.origin.connection, &mut values).await?;
            changes.push(Changed {
                at: Moment::new(change.at, clock),
                diff: Diff::from(&values),
                why: why(change, &crm),
                run: change.run.map(|run| format!("/runs/{run}")),
            });
        }
        let label =
            labels.iter().find(|of| field.field.strip_prefix(PREFIX) == Some(&of.name)).map(|of| of.label.clone());
        let explanation = Explained::from(field);
        let label = label.unwrap_or_else(|| explanation.label.clone());
        explained.push(Explained { changes, label, ..explanation });
    }
    Ok(explained)
}

/// Why a value changed, as a part of a sentence.
fn why(change: &ValueChange, crm: &str) -> String {
    let by = change.by.as_deref().unwrap_or("somebody");
    let revision = change.revision.map(|revision| format!(" {revision}")).unwrap_or_default();
    match change.cause {
        Some(ChangeCause::Crm) => format!("{crm}’s record changed."),
        Some(ChangeCause::Revision) => {
            format!("The rules changed: revision{revision} reads the same record otherwise.")
        }
        Some(ChangeCause::CrmOrRevision) => {
            format!("{crm}’s record changed, and the rules did, too (revision{revision}).")
        }
        Some(ChangeCause::Day) => "The rules read the same record otherwise on that day.".to_owned(),
        Some(ChangeCause::Edit) => format!("{by} edited it here."),
        Some(ChangeCause::Override) if change.by.is_some() => format!("{crm} overrode what {by} had edited here."),
        Some(ChangeCause::Override) => format!("{crm} overrode what had been edited here."),
        None => format!("A sync brought it from {crm}."),
    }
}
