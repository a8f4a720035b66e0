//! Changing a person's values here, until the next sync overrides them.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::failure::{Failure, named, page};
use super::format;
use super::household;
use super::inputs::Input;
use super::layout::{Layout, Section};
use super::session::SignedIn;
use crate::app::App;
use crate::domain::ClientId;
use crate::domain::access::Action;
use crate::domain::edit::editable;
use crate::domain::field::{Field, FieldError, Record as _, ValueType};
use crate::domain::stored::StoredClient;
use crate::ops;
use crate::store::book::HouseholdRow;

#[derive(Template)]
#[template(path = "edit.html")]
pub(super) struct EditPage {
    pub(super) layout: Layout,
    pub(super) name: String,
    pub(super) household: String,
    pub(super) household_path: String,
    pub(super) action: String,
    /// The CRM that is the master of the values; none where the client is in no CRM.
    pub(super) crm: Option<String>,
    pub(super) inputs: Vec<Input>,
    pub(super) problems: Vec<FieldError>,
}

/// `GET /households/{id}/clients/{client}/edit`
pub(super) async fn form(
    State(app): State<App>,
    person: SignedIn,
    Path((household, client)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (row, client) = find(&app, &person, &household, &client).await?;
    let layout = Layout::load(&app, &person, Section::Households).await?;
    page(&view(&app, &row, &client, &[], Vec::new(), layout))
}

/// `POST /households/{id}/clients/{client}/edit`
pub(super) async fn save(
    State(app): State<App>,
    person: SignedIn,
    Path((household, client)): Path<(String, String)>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (row, client) = find(&app, &person, &household, &client).await?;
    // What was not touched is not an edit: a made-up address stays one.
    let touched = |(field, value): &&(String, String)| client.client.text_of(field).unwrap_or_default() != value.trim();
    let changes: Vec<_> =
        form.iter().filter(touched).map(|(field, value)| (field.clone(), Ok(Some(value.clone())))).collect();
    if changes.is_empty() {
        return Ok(Redirect::to(&format!("/households/{}", row.household.id)).into_response());
    }
    match ops::clients::edit(&app, person.actor(), client.id, changes, person.clock.now).await {
        Ok(_) => Ok(Redirect::to(&format!("/households/{}", row.household.id)).into_response()),
        // A field that the form has not is told of on a page of its own.
        Err(refusal) if editable().any(|field| refusal.fields.iter().any(|error| error.name() == field.name)) => {
            let problems = refusal.fields.iter().map(named).collect();
            let layout = Layout::load(&app, &person, Section::Households).await?;
            let answer = page(&view(&app, &row, &client, &form, problems, layout))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, answer).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

async fn find(
    app: &App,
    person: &SignedIn,
    household: &str,
    client: &str,
) -> Result<(HouseholdRow, StoredClient), Failure> {
    let row = household::find(app, person, Action::EditClients, household).await?;
    let id = client.parse::<ClientId>().ok();
    let client = row.people.iter().find(|stored| Some(stored.id) == id).cloned();
    let client = client.ok_or(Failure::NotFound("There is no such person in this household."))?;
    Ok((row, client))
}

fn view(
    app: &App,
    row: &HouseholdRow,
    client: &StoredClient,
    typed: &[(String, String)],
    problems: Vec<FieldError>,
    layout: Layout,
) -> EditPage {
    let site = app.connections.get(&client.origin.connection);
    let path = format!("/households/{}", row.household.id);
    EditPage {
        layout,
        name: format::name(&client.client.full_name()),
        household: format::name(&row.household.name),
        action: format!("{path}/clients/{}/edit", client.id),
        household_path: path,
        crm: client.crm_id().map(|_| site.map_or("The CRM".to_owned(), |site| format::crm(site.revision().crm()))),
        inputs: editable().map(|field| input(field, client, typed, &problems)).collect(),
        problems,
    }
}

fn input(field: &'static Field, client: &StoredClient, typed: &[(String, String)], problems: &[FieldError]) -> Input {
    let typed = typed.iter().find(|(name, _)| name == field.name).map(|(_, value)| value.clone());
    let value = typed.unwrap_or_else(|| client.client.text_of(field.name).unwrap_or_default());
    let input = Input::new(field, value, problems);
    let is_placeholder = field.value == ValueType::Email && client.client.email_is_placeholder;
    if is_placeholder { input.hint("This one is a placeholder.") } else { input }
}
