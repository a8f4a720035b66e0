//! Adding and changing a connection: first its CRM and the check that comes before credentials, then the form, whose fields
//! the CRM declares.

mod fields;
mod values;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;

pub(in crate::web) use self::fields::Fields;
pub(in crate::web) use self::values::Values;
use super::{find, path};
use crate::app::App;
use crate::crm::kind::CrmKind;
use crate::domain::access::Action;
use crate::domain::field::FieldError;
use crate::integrations::{Integration, IntegrationError, Origin};
use crate::ops::{self, Kind, Refusal};
use crate::web::answers::{Answers, Checked};
use crate::web::failure::{Failure, named, page};
use crate::web::inputs::problem_of;
use crate::web::integrations::answer;
use crate::web::layout::{Layout, Section};
use crate::web::session::SignedIn;

#[derive(Template)]
#[template(path = "integration-check.html")]
pub(in crate::web) struct CheckPage {
    pub(in crate::web) layout: Layout,
    /// The CRMs there are, of which the first is chosen.
    pub(in crate::web) crms: Vec<&'static CrmKind>,
    pub(in crate::web) problems: Vec<FieldError>,
}

#[derive(Template)]
#[template(path = "integration-form.html")]
pub(in crate::web) struct FormPage {
    pub(in crate::web) layout: Layout,
    /// The name of the connection that is changed; none where it is new.
    pub(in crate::web) name: Option<String>,
    pub(in crate::web) crm: &'static CrmKind,
    pub(in crate::web) values: Values,
    /// The fields that the CRM asks for.
    pub(in crate::web) fields: Fields,
    pub(in crate::web) packs: Vec<String>,
    pub(in crate::web) callback_url: String,
    /// Whether the check was confirmed when it was made.
    pub(in crate::web) is_confirmed: bool,
    pub(in crate::web) problems: Vec<FieldError>,
}

impl CheckPage {
    /// The headings of the columns of the CRMs' ids.
    fn id_heading(&self) -> String {
        self.crms.iter().map(|kind| kind.id_column.heading).collect::<Vec<_>>().join(" or ")
    }
}

impl FormPage {
    /// The problem of a field.
    fn problem(&self, field: &str) -> Option<&str> {
        problem_of(&self.problems, field)
    }

    fn action(&self) -> String {
        self.name
            .as_ref()
            .map_or("/settings/integrations".to_owned(), |name| format!("/settings/integrations/{name}/edit"))
    }
}

/// `GET /settings/integrations/new`: the type, and what has to be done before.
pub(in crate::web) async fn new(State(app): State<App>, person: SignedIn) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    person.is_fresh_for("/settings/integrations/new")?;
    let layout = Layout::load(&app, &person, Section::Settings).await?;
    page(&CheckPage { layout, crms: app.config.crms.all().collect(), problems: Vec::new() })
}

#[derive(Deserialize)]
pub(in crate::web) struct CheckForm {
    crm: Option<String>,
    confirms_preflight: Option<String>,
}

/// `POST /settings/integrations/new`: goes on to the credentials where the check is confirmed.
pub(in crate::web) async fn check(
    State(app): State<App>,
    person: SignedIn,
    Form(form): Form<CheckForm>,
) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    let layout = Layout::load(&app, &person, Section::Settings).await?;
    let crms = app.config.crms;
    let chosen = form.crm.and_then(|name| crms.find(&name)).unwrap_or(crms.usual());
    if form.confirms_preflight.is_none() {
        let message = "Confirm that this is done; the credentials come after it.";
        let problems = vec![FieldError::new("confirms_preflight", message)];
        let others = crms.all().filter(|kind| kind.name != chosen.name);
        let page = page(&CheckPage { layout, crms: std::iter::once(chosen).chain(others).collect(), problems })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    page(&form_page(&app, layout, (chosen, None), Values::new(chosen), Vec::new()))
}

/// `POST /settings/integrations`, from the form of a new one.
pub(in crate::web) async fn add(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Form(given): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let crms = app.config.crms;
    let chosen = given.iter().find(|(name, _)| name == "crm").and_then(|(_, name)| crms.find(name));
    let kind = chosen.unwrap_or(crms.usual());
    let values = Values::read(given, kind);
    match ops::connections::add(&app, person.actor(), values.draft(kind)).await {
        Ok(one) => kept(&app, &person, &answers, one).await,
        Err(refusal) => again(&app, &person, (kind, None), values, refusal).await,
    }
}

/// `GET /settings/integrations/{name}/edit`
pub(in crate::web) async fn edit(
    State(app): State<App>,
    person: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    let one = find(&app, &name).await?;
    if one.origin == Origin::File {
        return Err(IntegrationError::InFile(one.name().clone()).into());
    }
    person.is_fresh_for(&format!("{}/edit", path(one.name())))?;
    let layout = Layout::load(&app, &person, Section::Settings).await?;
    page(&form_page(&app, layout, (one.spec.crm, Some(&one)), Values::of(&one), Vec::new()))
}

/// `POST /settings/integrations/{name}/edit`
pub(in crate::web) async fn change(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(name): Path<String>,
    Form(given): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    let before = find(&app, &name).await?;
    let kind = before.spec.crm;
    let values = Values::read(given, kind);
    match ops::connections::change(&app, person.actor(), before.name(), values.draft(kind)).await {
        Ok(one) => kept(&app, &person, &answers, one).await,
        Err(refusal) => again(&app, &person, (kind, Some(&before)), values, refusal).await,
    }
}

/// The answer after a connection was kept: on to the site, or what the site says to how it signs in.
async fn kept(app: &App, person: &SignedIn, answers: &Answers, one: Integration) -> Result<Response, Failure> {
    match (&one.connection, one.spec.sign_in.mode.needs_person) {
        (Some(_), true) if one.auth_state().obstacle().is_some() => {
            match answer::begin(app, person, one.clone()).await {
                // It is kept, whatever is in the way of authorising it.
                Err(Failure::NotDone(refusal)) if refusal.kind == Kind::WrongState => {
                    let checked = Checked::bad(refusal.message);
                    Ok(answers.lead(&path(one.name()), person.user(), checked))
                }
                begun => begun,
            }
        }
        (Some(connection), false) => {
            let checked = Checked::of(connection.connector.whoami().await.as_deref(), &one.spec);
            Ok(answers.lead(&path(one.name()), person.user(), checked))
        }
        _ => Ok(Redirect::to(&path(one.name())).into_response()),
    }
}

/// The form once more, with what is wrong.
async fn again(
    app: &App,
    person: &SignedIn,
    what: (&'static CrmKind, Option<&Integration>),
    values: Values,
    refusal: Refusal,
) -> Result<Response, Failure> {
    if refusal.kind != Kind::Invalid {
        return Err(refusal.into());
    }
    let layout = Layout::load(app, person, Section::Settings).await?;
    let problems = refusal.fields.iter().map(in_form).collect();
    let page = page(&form_page(app, layout, what, values, problems))?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// A problem beside the field that the form has for it.
fn in_form(error: &ops::FieldError) -> FieldError {
    let problem = named(error);
    let field = match problem.field.as_str() {
        // How it signs in is one choice.
        "auth-mode" => "auth",
        // The name in addresses follows from the name that people read.
        "name" => "title",
        "insecure_http" => "forward_host",
        field => return FieldError { field: field.to_owned(), ..problem },
    };
    FieldError { field: field.to_owned(), ..problem }
}

fn form_page(
    app: &App,
    layout: Layout,
    (crm, one): (&'static CrmKind, Option<&Integration>),
    values: Values,
    problems: Vec<FieldError>,
) -> FormPage {
    FormPage {
        layout,
        name: one.map(|one| one.name().to_string()),
        crm,
        fields: Fields::of(crm, &values, &problems),
        values,
        packs: app.integrations.packs_of(crm),
        callback_url: app.integrations.callback_url(),
        is_confirmed: one.is_some_and(|one| one.preflight.is_some()),
        problems,
    }
}
