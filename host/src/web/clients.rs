//! Making a client in the practice, and linking, unlinking and removing one.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::failure::{Failure, page};
use super::frame::{Frame, Place};
use super::inputs::Input;
use super::person::Person;
use super::words;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::edit;
use crate::domain::field::{FieldError, Record as _};
use crate::domain::stored::StoredClient;
use crate::domain::{Client, ClientId, ConnectionName, ExternalId};
use crate::store::commit::practice::{NewClient, Refusal};

/// The fields that the form asks for; the others are filled in later.
const ASKED: [&str; 5] = ["first_name", "last_name", "email", "mobile", "date_of_birth"];

#[derive(Template)]
#[template(path = "new-client.html")]
pub(super) struct NewClientPage {
    pub(super) frame: Frame,
    /// The new client's id, made with the page, so that a form sent twice is one client.
    pub(super) id: String,
    pub(super) partner_of: String,
    /// Whose partner it will be, for people.
    pub(super) partner: Option<String>,
    pub(super) inputs: Vec<Input>,
    pub(super) errors: Vec<FieldError>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct NewClientForm {
    partner_of: String,
    /// The new client's id, as [`NewClientPage::id`] has it.
    id: String,
    #[serde(flatten)]
    values: BTreeMap<String, String>,
}

impl NewClientForm {
    /// The new client's id; one of its own where the form lost it.
    fn id(&self) -> ClientId {
        let sent = self.id.parse().ok().filter(|ClientId(id)| id.get_version_num() == 7);
        sent.unwrap_or_else(|| ClientId(Uuid::now_v7()))
    }
}

/// `GET /clients/new?partner_of=…`
pub(super) async fn form(
    State(app): State<App>,
    person: Person,
    Query(form): Query<NewClientForm>,
) -> Result<Response, Failure> {
    person.may(Action::WriteBook)?;
    page(&new_client(&app, &person, form, Vec::new()).await?)
}

/// The form with what was typed, for another client than any before.
async fn new_client(
    app: &App,
    person: &Person,
    form: NewClientForm,
    errors: Vec<FieldError>,
) -> Result<NewClientPage, Failure> {
    let partner = match form.partner_of.parse::<ClientId>() {
        Ok(id) => app.store.client(id).await?.map(|partner| words::name(&partner.client.full_name())),
        Err(_) => None,
    };
    let input = |field| {
        let value = form.values.get(field).cloned().unwrap_or_default();
        let input = Input::new(Client::field(field)?, value, &errors);
        Some(if field == "email" { input.hint("An identity list finds the client by it.") } else { input })
    };
    Ok(NewClientPage {
        frame: Frame::load(app, person, Place::Households).await?,
        id: Uuid::now_v7().to_string(),
        inputs: ASKED.into_iter().filter_map(input).collect(),
        partner_of: form.partner_of,
        partner,
        errors,
    })
}

/// `POST /clients`
pub(super) async fn make(
    State(app): State<App>,
    person: Person,
    Form(form): Form<NewClientForm>,
) -> Result<Response, Failure> {
    person.may(Action::WriteBook)?;
    let values: Vec<_> = form.values.iter().map(|(field, value)| (field.clone(), Ok(Some(value.clone())))).collect();
    let today = person.clock.now.to_zoned(person.clock.zone.clone()).date();
    let forms = app.connections.address_forms();
    let client = match edit::make(&values, edit::Rules { today, forms: &forms }) {
        Ok(client) => client,
        Err(errors) => {
            let page = page(&new_client(&app, &person, form, errors).await?)?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    };
    let id = form.id();
    let new = NewClient { id, client: client.clone(), partner_of: form.partner_of.parse().ok() };
    match app.store.make_client(new, person.clock.now).await? {
        Ok(()) => to_household(&app, id).await,
        Err(Refusal::IsMade(_)) => made_before(&app, &person, id, &client, form).await,
        Err(refusal) => Err(refused(refusal)),
    }
}

/// A form that made a client already: that one where it is what it was, else the form once more, for another.
async fn made_before(
    app: &App,
    person: &Person,
    id: ClientId,
    client: &Client,
    form: NewClientForm,
) -> Result<Response, Failure> {
    let made = find(app, &id.to_string()).await?.client;
    if ASKED.iter().all(|field| made.text_of(field) == client.text_of(field)) {
        return to_household(app, id).await;
    }
    let name = words::name(&made.full_name());
    let message =
        format!("This form added {name} already, and was changed since. Send it again to add another client.");
    let page = page(&new_client(app, person, form, vec![FieldError::new("first_name", message)]).await?)?;
    Ok((StatusCode::CONFLICT, page).into_response())
}

#[derive(Deserialize)]
pub(super) struct LinkForm {
    connection: String,
    external_id: String,
}

/// `POST /clients/{id}/link`
pub(super) async fn link(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Form(form): Form<LinkForm>,
) -> Result<Response, Failure> {
    person.may(Action::WriteBook)?;
    let id = find(&app, &id).await?.id;
    let connection = form.connection.parse::<ConnectionName>().ok().and_then(|name| app.connections.get(&name));
    let connection = connection.ok_or(Failure::NotFound("There is no such connection to link to."))?;
    if let Some(words) = connection.unknown_site() {
        return Err(Failure::Refused(words));
    }
    let external_id = form.external_id.parse::<ExternalId>();
    let external_id = external_id.map_err(|error| Failure::Refused(format!("{error} Nothing was changed.")))?;
    match app.store.link_client(id, connection.name.clone(), external_id, person.clock.now).await? {
        Ok(()) => to_household(&app, id).await,
        Err(Refusal::IsTaken { id, client }) => {
            let name = words::name(&find(&app, &client.to_string()).await?.client.full_name());
            let words = format!("{id} is linked to another client, {name}. Unlink or remove that one first.");
            Err(Failure::Refused(format!("{words} Nothing was changed.")))
        }
        Err(refusal) => Err(refused(refusal)),
    }
}

/// `POST /clients/{id}/unlink`
pub(super) async fn unlink(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::WriteBook)?;
    let id = find(&app, &id).await?.id;
    app.store.unlink_client(id, person.clock.now).await?.map_err(refused)?;
    to_household(&app, id).await
}

/// `POST /clients/{id}/remove`
pub(super) async fn remove(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::WriteBook)?;
    let client = find(&app, &id).await?;
    app.store.remove_client(client.id, person.clock.now).await?.map_err(refused)?;
    Ok(Redirect::to(&format!("/clients/{}/removed", client.id)).into_response())
}

#[derive(Template)]
#[template(path = "removed-client.html")]
pub(super) struct RemovedPage {
    pub(super) frame: Frame,
    pub(super) name: String,
    pub(super) restore: String,
}

/// `GET /clients/{id}/removed`
pub(super) async fn removed(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::WriteBook)?;
    let client = find(&app, &id).await?;
    let frame = Frame::load(&app, &person, Place::Households).await?;
    let name = words::name(&client.client.full_name());
    page(&RemovedPage { frame, name, restore: format!("/clients/{}/restore", client.id) })
}

/// `POST /clients/{id}/restore`
pub(super) async fn restore(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::WriteBook)?;
    let id = find(&app, &id).await?.id;
    app.store.restore_client(id, person.clock.now).await?.map_err(refused)?;
    to_household(&app, id).await
}

const NO_CLIENT: Failure = Failure::NotFound("There is no such client here. Look in the list of households.");

async fn find(app: &App, id: &str) -> Result<StoredClient, Failure> {
    let id = id.parse().map_err(|_| NO_CLIENT)?;
    app.store.client(id).await?.ok_or(NO_CLIENT)
}

async fn to_household(app: &App, id: ClientId) -> Result<Response, Failure> {
    let client = app.store.client(id).await?.ok_or(NO_CLIENT)?;
    Ok(Redirect::to(&format!("/households/{}", client.household_id)).into_response())
}

pub(super) fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Unknown(_) => NO_CLIENT,
        other => Failure::Refused(format!("{}. Nothing was changed.", words::sentence(&other.to_string()))),
    }
}
