//! Making a client in the practice, and linking, unlinking and removing one.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::failure::{Failure, describe, named, page};
use super::format;
use super::household::{self, RefusedLink, Synced};
use super::inputs::Input;
use super::layout::{Layout, Section};
use super::session::SignedIn;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::field::{FieldError, Record as _};
use crate::domain::stored::StoredClient;
use crate::domain::{Client, ClientId};
use crate::ops::clients::{Link, NewClient};
use crate::ops::{self, Kind, Refusal};

/// The fields that the form asks for; the others are filled in later.
const ASKED: [&str; 5] = ["first_name", "last_name", "email", "mobile", "date_of_birth"];

#[derive(Template)]
#[template(path = "new-client.html")]
pub(super) struct NewClientPage {
    pub(super) layout: Layout,
    /// The new client's id, made with the page, so that a form sent twice is one client.
    pub(super) id: String,
    pub(super) partner_of: String,
    /// The name of the client whose partner it will be.
    pub(super) partner: Option<String>,
    pub(super) inputs: Vec<Input>,
    pub(super) problems: Vec<FieldError>,
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
    /// The client to be made. A form that lost the new client's id is one of its own.
    fn read(&self) -> Result<NewClient, Refusal> {
        let partner_of = match self.partner_of.as_str() {
            "" => None,
            id => {
                let unknown =
                    |_| Refusal::at("/partner_of", format!("There is no client {id} whose partner this could be."));
                Some(id.parse().map_err(unknown)?)
            }
        };
        let id = self.id.parse().ok().filter(|ClientId(id)| id.get_version_num() == 7);
        let values = self.values.iter().map(|(field, value)| (field.clone(), Ok(Some(value.clone())))).collect();
        Ok(NewClient { id, values, partner_of })
    }
}

/// `GET /clients/new?partner_of=…`
pub(super) async fn form(
    State(app): State<App>,
    person: SignedIn,
    Query(form): Query<NewClientForm>,
) -> Result<Response, Failure> {
    may_make(&person, &form)?;
    page(&new_client(&app, &person, form, Vec::new()).await?)
}

/// Goes on where the person may add a client, or a partner of somebody.
fn may_make(person: &SignedIn, form: &NewClientForm) -> Result<(), Failure> {
    if form.partner_of.is_empty() { person.may(Action::AddClients) } else { person.may_somewhere(Action::WriteBook) }
}

/// The form with what was typed, for another client than any before.
async fn new_client(
    app: &App,
    person: &SignedIn,
    form: NewClientForm,
    errors: Vec<FieldError>,
) -> Result<NewClientPage, Failure> {
    let partner = match form.partner_of.parse::<ClientId>() {
        Ok(id) => person
            .book(app, Action::WriteBook)
            .await?
            .client(id)
            .await?
            .map(|partner| format::name(&partner.client.full_name())),
        Err(_) => None,
    };
    let input = |field| {
        let value = form.values.get(field).cloned().unwrap_or_default();
        let input = Input::new(Client::field(field)?, value, &errors);
        Some(if field == "email" { input.hint("An identity list finds the client by it.") } else { input })
    };
    Ok(NewClientPage {
        layout: Layout::load(app, person, Section::Households).await?,
        id: Uuid::now_v7().to_string(),
        inputs: ASKED.into_iter().filter_map(input).collect(),
        partner_of: form.partner_of,
        partner,
        problems: errors,
    })
}

/// `POST /clients`
pub(super) async fn make(
    State(app): State<App>,
    person: SignedIn,
    Form(form): Form<NewClientForm>,
) -> Result<Response, Failure> {
    let refusal = match form.read() {
        Ok(new) => match ops::clients::make(&app, person.actor(), new, person.clock.now).await {
            Ok(made) => return Ok(to_household(&made.client)),
            Err(refusal) => refusal,
        },
        Err(refusal) => {
            may_make(&person, &form)?;
            refusal
        }
    };
    if refusal.fields.is_empty() {
        return Err(refusal.into());
    }
    let (status, _) = describe(refusal.kind);
    let mut errors: Vec<_> = refusal.fields.iter().map(named).collect();
    if refusal.kind == Kind::KeyReused {
        // The id, which nobody sees, is another one on the form that is shown again.
        errors.iter_mut().for_each(|error| "first_name".clone_into(&mut error.field));
    }
    let page = page(&new_client(&app, &person, form, errors).await?)?;
    Ok((status, page).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkForm {
    connection: String,
    external_id: String,
}

/// `POST /clients/{id}/link`
pub(super) async fn link(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<LinkForm>,
) -> Result<Response, Failure> {
    let to = Link { connection: &form.connection, external_id: &form.external_id };
    let id = parse(&id)?;
    let refusal = match ops::clients::link(&app, person.actor(), id, to, person.clock.now).await {
        Ok(client) => return Ok(to_household(&client)),
        Err(refusal) => refusal,
    };
    let client = person.book(&app, Action::WriteBook).await?.client(id).await?;
    let client = client.filter(|_| !refusal.fields.is_empty());
    let Some(client) = client else { return Err(refusal.into()) };
    let household = client.household_id.to_string();
    let mut view = household::load(&app, &person, &household, &Synced::default()).await?;
    let path = format!("/clients/{id}");
    let Some(shown) = view.people.iter_mut().find(|shown| shown.linking.path == path) else {
        return Err(refusal.into());
    };
    let LinkForm { connection, external_id } = form;
    let problems = refusal.fields.iter().map(named).collect();
    shown.linking.refused = Some(RefusedLink { connection, external_id, problems });
    let (status, _) = describe(refusal.kind);
    Ok((status, page(&view)?).into_response())
}

/// `POST /clients/{id}/unlink`
pub(super) async fn unlink(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    Ok(to_household(&ops::clients::unlink(&app, person.actor(), parse(&id)?, person.clock.now).await?))
}

/// `POST /clients/{id}/remove`
pub(super) async fn remove(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = parse(&id)?;
    ops::clients::remove(&app, person.actor(), id, person.clock.now).await?;
    Ok(Redirect::to(&format!("/clients/{id}/removed")).into_response())
}

#[derive(Template)]
#[template(path = "removed-client.html")]
pub(super) struct RemovedPage {
    pub(super) layout: Layout,
    pub(super) name: String,
    pub(super) restore: String,
}

/// `GET /clients/{id}/removed`
pub(super) async fn removed(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let book = person.book(&app, Action::WriteBook).await?;
    let client = book.client(parse(&id)?).await?.ok_or(NO_CLIENT)?;
    let layout = Layout::load(&app, &person, Section::Households).await?;
    let name = format::name(&client.client.full_name());
    page(&RemovedPage { layout, name, restore: format!("/clients/{}/restore", client.id) })
}

/// `POST /clients/{id}/restore`
pub(super) async fn restore(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    Ok(to_household(&ops::clients::restore(&app, person.actor(), parse(&id)?, person.clock.now).await?))
}

const NO_CLIENT: Failure = Failure::NotFound("There is no such client here. Look in the list of households.");

fn parse(id: &str) -> Result<ClientId, Failure> {
    id.parse().map_err(|_| NO_CLIENT)
}

fn to_household(client: &StoredClient) -> Response {
    Redirect::to(&format!("/households/{}", client.household_id)).into_response()
}
