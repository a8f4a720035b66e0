//! Why a person's values are what they are: for each field its value, where it was read, the rule, and what was left
//! out. Asked of the pack anew each time, from the raw record as the last sync kept it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::failure::{Failure, page};
use super::frame::{Frame, Place};
use super::household;
use super::parts::Finding;
use super::person::Person;
use super::words;
use crate::app::{App, ExplainError};
use crate::domain::ClientId;
use crate::domain::access::Action;
use crate::pack::FieldExplanation;

#[derive(Template)]
#[template(path = "explain.html")]
pub(super) struct ExplainPage {
    pub(super) frame: Frame,
    pub(super) name: String,
    pub(super) household: String,
    pub(super) household_path: String,
    pub(super) state: String,
    pub(super) fields: Vec<Explained>,
}

/// How one field came about.
pub(super) struct Explained {
    /// The canonical name, which is the place's name in the page too.
    pub(super) name: String,
    pub(super) label: String,
    pub(super) value: Option<String>,
    pub(super) source: Option<String>,
    pub(super) source_value: Option<String>,
    /// Where in the rules, and what the rule says.
    pub(super) rule: Option<(String, String)>,
    pub(super) findings: Vec<Finding>,
}

impl From<FieldExplanation> for Explained {
    fn from(field: FieldExplanation) -> Self {
        let rule = field.rule.map(|rule| match rule.split_once(' ') {
            Some((place, says)) => (place.to_owned(), says.to_owned()),
            None => (rule, String::new()),
        });
        Self {
            label: words::field(&field.field),
            name: field.field,
            value: field.value,
            source: field.source,
            source_value: field.source_value,
            rule,
            findings: field.diagnostics.iter().map(Finding::from).collect(),
        }
    }
}

/// `GET /households/{id}/clients/{client}/explain`
pub(super) async fn show(
    State(app): State<App>,
    person: Person,
    Path((household, client)): Path<(String, String)>,
) -> Result<Response, Failure> {
    person.may(Action::ReadBook)?;
    let found = household::find(&app, &household).await?;
    let client = client.parse::<ClientId>().ok();
    let client = found.people.iter().find(|stored| Some(stored.id) == client);
    let client = client.ok_or(Failure::NotFound("There is no such person in this household."))?;
    let fields = match app.explain(client, person.clock.now).await {
        Ok(fields) => fields,
        Err(ExplainError::Store(error)) => return Err(error.into()),
        Err(other) => return Err(Failure::Refused(format!("{}.", words::sentence(&other.to_string())))),
    };
    let site = app.config.connections.get(&client.origin.connection);
    let state = format!(
        "As the pack {} reads record {} of {}, as it stood at the last sync.",
        site.map_or("in force", |site| &site.pack),
        client.client.external_id,
        site.map_or("the CRM".to_owned(), |site| words::crm(&site.crm)),
    );
    let frame = Frame::load(&app, &person, Place::Households).await?;
    page(&ExplainPage {
        frame,
        name: words::name(&client.client.full_name()),
        household: words::name(&found.household.name),
        household_path: format!("/households/{}", found.household.id),
        state,
        fields: fields.into_iter().map(Explained::from).collect(),
    })
}
