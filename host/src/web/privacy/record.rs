//! A record of the CRM that is no client here: its erasure with the preview.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::Form;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::PATH;
use super::erasure::{Asked, ErasureForm, Rehearsed, Typed, refused};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::field::FieldError;
use crate::domain::privacy::retention::Retention;
use crate::domain::{ConnectionName, ExternalId};
use crate::ops::privacy::AskedErasure;
use crate::ops::{self, Kind, Refusal};
use crate::web::answers::{Answers, Checked};
use crate::web::components::{address, pair};
use crate::web::failure::{Failure, named as in_page, page};
use crate::web::inputs::{PlainInput, problem_of};
use crate::web::layout::{Layout, Section};
use crate::web::session::SignedIn;

#[derive(Template)]
#[template(path = "record-privacy.html")]
pub(in crate::web) struct RecordPrivacyPage {
    layout: Layout,
    connection: String,
    external_id: String,
    /// The result of what was just asked.
    checked: Option<Checked>,
    form: ErasureForm,
    problems: Vec<FieldError>,
}

/// The page that asks which record is meant, where none is named that can be found.
#[derive(Template)]
#[template(path = "record-unknown.html")]
pub(in crate::web) struct UnknownRecordPage {
    layout: Layout,
    form: RecordForm,
    /// What the problems begin with.
    lead: &'static str,
    problems: Vec<FieldError>,
}

/// What the problems of a look-up begin with, and those of an erasure.
const NOT_FOUND: &str = "Nothing found:";
const NOT_CHANGED: &str = "Nothing was changed:";

/// The form that asks which record is to be erased.
#[derive(Template)]
#[template(path = "components/erase-record.html")]
pub(in crate::web) struct RecordForm {
    /// The connections whose records may be erased.
    connections: Vec<String>,
    connection: String,
    external_id: String,
    problems: Vec<FieldError>,
}

impl HtmlSafe for RecordForm {}

impl RecordForm {
    /// The form with nothing in it; none where there is no connection.
    pub(super) fn empty(app: &App) -> Option<Self> {
        let form = Self::filled(app, Named::default(), Vec::new());
        (!form.connections.is_empty()).then_some(form)
    }

    fn filled(app: &App, Named { connection, external_id }: Named, problems: Vec<FieldError>) -> Self {
        let connections: Vec<String> =
            app.connections.all().iter().map(|connection| connection.name.to_string()).collect();
        let connection = match connections.as_slice() {
            [only] if connection.is_empty() => only.clone(),
            _ => connection,
        };
        Self { connections, connection, external_id, problems }
    }

    fn id_input(&self) -> PlainInput {
        PlainInput::text("external_id", "CRM ID", &self.external_id).problems(&self.problems)
    }
}

/// The address of the page of a record.
pub(in crate::web) fn path(connection: &ConnectionName, id: &ExternalId) -> String {
    let named = [pair("connection", &connection.to_string()), pair("external_id", &id.to_string())];
    address(&format!("{PATH}/record"), &named.each_ref().map(String::as_str))
}

/// A record, as a form or an address names it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::web) struct Named {
    connection: String,
    external_id: String,
}

impl Named {
    fn is_empty(&self) -> bool {
        self.connection.is_empty() && self.external_id.is_empty()
    }

    fn record(&self) -> Result<Record, FieldError> {
        let connection = self.connection.parse();
        let connection = connection.map_err(|_| FieldError::new("connection", "Choose one of the connections."))?;
        if self.external_id.trim().is_empty() {
            return Err(FieldError::new("external_id", "Enter the record’s CRM ID."));
        }
        Ok((connection, ExternalId::of_crm(&self.external_id)))
    }
}

type Record = (ConnectionName, ExternalId);

fn asked((connection, id): &Record) -> Asked {
    Asked {
        action: format!("{PATH}/record"),
        hidden: vec![("connection", connection.to_string()), ("external_id", id.to_string())],
        heading: "Erase this record".to_owned(),
        path: path(connection, id),
        to_confirm: id.to_string(),
        confirm: ("CRM ID", "As it stands in the CRM."),
        retention: Retention::NoClient,
    }
}

async fn rehearsed(app: &App, person: &SignedIn, record: &Record) -> Result<ErasureForm, Failure> {
    ErasureForm::rehearsed(app, person, asked(record), Rehearsed::Record(&record.0, &record.1)).await
}

async fn view(
    app: &App,
    person: &SignedIn,
    (connection, id): &Record,
    form: ErasureForm,
) -> Result<RecordPrivacyPage, Failure> {
    Ok(RecordPrivacyPage {
        layout: Layout::load(app, person, Section::Settings).await?,
        connection: connection.to_string(),
        external_id: id.to_string(),
        checked: None,
        form,
        problems: Vec::new(),
    })
}

/// Asks which record is meant, with what does not fit in what was said.
async fn ask_again(
    app: &App,
    person: &SignedIn,
    named: Named,
    (lead, status, problems): (&'static str, StatusCode, Vec<FieldError>),
) -> Result<Response, Failure> {
    let layout = Layout::load(app, person, Section::Settings).await?;
    let form = RecordForm::filled(app, named, problems.clone());
    Ok((status, page(&UnknownRecordPage { layout, form, lead, problems })?).into_response())
}

/// The page that asks again where no such record came: the refusal says so, unless the list of connections does not have the one that
/// was named.
async fn not_here(
    app: &App,
    person: &SignedIn,
    named: Named,
    (lead, refusal): (&'static str, &Refusal),
) -> Result<Response, Failure> {
    let is_listed = app.connections.all().iter().any(|connection| connection.name.as_str() == named.connection);
    let problem = match is_listed {
        true => FieldError::new("external_id", refusal.message.clone()),
        false => {
            let message = format!("There is no connection “{}”. Choose one from the list.", named.connection);
            FieldError::new("connection", message)
        }
    };
    ask_again(app, person, named, (lead, StatusCode::NOT_FOUND, vec![problem])).await
}

/// `GET /settings/privacy/record?connection=…&external_id=…`
pub(in crate::web) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Query(named): Query<Named>,
) -> Result<Response, Failure> {
    person.may(Action::EraseClients)?;
    let record = match named.record() {
        Ok(record) => record,
        Err(_) if named.is_empty() => {
            return ask_again(&app, &person, named, (NOT_FOUND, StatusCode::OK, Vec::new())).await;
        }
        Err(problem) => {
            let problems = vec![problem];
            return ask_again(&app, &person, named, (NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY, problems)).await;
        }
    };
    match rehearsed(&app, &person, &record).await {
        Ok(form) => page(&view(&app, &person, &record, form).await?),
        Err(Failure::NotDone(refusal)) if refusal.kind == Kind::NotFound => {
            not_here(&app, &person, named, (NOT_FOUND, &refusal)).await
        }
        Err(failure) => Err(failure),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct EraseForm {
    connection: String,
    external_id: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    confirm: String,
}

/// `POST /settings/privacy/record`
pub(in crate::web) async fn erase(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Form(form): Form<EraseForm>,
) -> Result<Response, Failure> {
    let EraseForm { connection, external_id, reason, confirm } = form;
    let named = Named { connection, external_id };
    let record = match named.record() {
        Ok(record) => record,
        Err(problem) => {
            person.may(Action::EraseClients)?;
            let problems = vec![problem];
            return ask_again(&app, &person, named, (NOT_CHANGED, StatusCode::UNPROCESSABLE_ENTITY, problems)).await;
        }
    };
    let word = AskedErasure { reason: &reason, confirm: &confirm };
    let refusal = match ops::privacy::erase_record(&app, person.actor(), record.clone(), word, person.clock.now).await {
        Ok(erased) => return Ok(answers.lead(PATH, person.user(), Checked::good(erased.in_words()))),
        Err(refusal) => refusal,
    };
    let (form, checked) = match refusal.kind {
        Kind::Invalid => (Ok(ErasureForm::bare(&app, asked(&record))), None),
        // What speaks against it ends the rehearsal before anything is worked out.
        Kind::WrongState => (rehearsed(&app, &person, &record).await, Some(Checked::bad(refusal.message.clone()))),
        Kind::NotFound => return not_here(&app, &person, named, (NOT_CHANGED, &refusal)).await,
        _ => return Err(refusal.into()),
    };
    match form {
        Ok(form) => {
            let problems: Vec<FieldError> = refusal.fields.iter().map(in_page).collect();
            let form = form.again(Typed { reason, confirm }, &problems);
            let view = view(&app, &person, &record, form).await?;
            refused(&refusal, &RecordPrivacyPage { checked, problems, ..view })
        }
        Err(Failure::NotDone(unknown)) if unknown.kind == Kind::NotFound => {
            not_here(&app, &person, named, (NOT_CHANGED, &unknown)).await
        }
        Err(failure) => Err(failure),
    }
}
