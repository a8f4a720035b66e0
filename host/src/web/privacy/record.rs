//! A record of the CRM that is no client here: its erasure with the preview.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::Form;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::PATH;
use super::erasure::{Asked, ErasureForm, refused};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::field::FieldError;
use crate::domain::privacy::{ErasureOf, left_to_do_of_record};
use crate::domain::{ConnectionName, ExternalId};
use crate::ops::privacy::AskedErasure;
use crate::ops::{self, Kind, Refusal};
use crate::web::answers::{Answers, Checked};
use crate::web::components::{address, pair};
use crate::web::failure::{Failure, describe, named as in_page, page};
use crate::web::inputs::PlainInput;
use crate::web::layout::{Layout, Section};
use crate::web::session::SignedIn;

#[derive(Template)]
#[template(path = "record-privacy.html")]
pub(in crate::web) struct RecordPrivacyPage {
    layout: Layout,
    connection: String,
    external_id: String,
    form: ErasureForm,
    problems: Vec<FieldError>,
}

/// The page that asks which record is meant, where none is named that can be found.
#[derive(Template)]
#[template(path = "record-unknown.html")]
pub(in crate::web) struct UnknownRecordPage {
    layout: Layout,
    form: RecordForm,
    problems: Vec<FieldError>,
}

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
        let connections = app.connections.all().iter().map(|connection| connection.name.to_string()).collect();
        Self { connections, connection, external_id, problems }
    }

    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
    }

    fn id_input(&self) -> PlainInput {
        PlainInput::text("external_id", "Record’s id", &self.external_id).problems(&self.problems)
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
    fn record(&self) -> Result<(ConnectionName, ExternalId), FieldError> {
        let connection = self.connection.parse();
        let connection = connection.map_err(|_| FieldError::new("connection", "Choose one of the connections."))?;
        if self.external_id.trim().is_empty() {
            return Err(FieldError::new("external_id", "Enter the record’s id in the CRM."));
        }
        Ok((connection, ExternalId::of_crm(&self.external_id)))
    }
}

async fn view(
    app: &App,
    person: &SignedIn,
    (connection, id): &(ConnectionName, ExternalId),
) -> Result<RecordPrivacyPage, Failure> {
    let asked = Asked {
        of: ErasureOf::Record(connection.clone(), id.clone()),
        action: format!("{PATH}/record"),
        hidden: vec![("connection", connection.to_string()), ("external_id", id.to_string())],
        heading: "What an erasure does".to_owned(),
        to_confirm: id.to_string(),
        confirm: ("Record’s id", "As it stands in the CRM."),
    };
    let left_to_do = left_to_do_of_record(connection, id);
    Ok(RecordPrivacyPage {
        layout: Layout::load(app, person, Section::Settings).await?,
        connection: connection.to_string(),
        external_id: id.to_string(),
        form: ErasureForm::rehearsed(app, asked, |_| left_to_do, &person.clock).await?,
        problems: Vec::new(),
    })
}

/// Asks which record is meant, with what does not fit in what was said.
async fn ask_again(
    app: &App,
    person: &SignedIn,
    named: Named,
    (status, problems): (StatusCode, Vec<FieldError>),
) -> Result<Response, Failure> {
    let layout = Layout::load(app, person, Section::Settings).await?;
    let form = RecordForm::filled(app, named, problems.clone());
    Ok((status, page(&UnknownRecordPage { layout, form, problems })?).into_response())
}

/// What does not fit where no such record came; the refusal says so.
fn not_here(refusal: &Refusal) -> FieldError {
    FieldError::new("external_id", refusal.message.clone())
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
        Err(problem) => {
            return ask_again(&app, &person, named, (StatusCode::UNPROCESSABLE_ENTITY, vec![problem])).await;
        }
    };
    match view(&app, &person, &record).await {
        Ok(view) => page(&view),
        Err(Failure::NotDone(refusal)) if refusal.kind == Kind::NotFound => {
            ask_again(&app, &person, named, (StatusCode::NOT_FOUND, vec![not_here(&refusal)])).await
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
            return ask_again(&app, &person, named, (StatusCode::UNPROCESSABLE_ENTITY, vec![problem])).await;
        }
    };
    let asked = AskedErasure { reason: &reason, confirm: &confirm };
    let refusal = match ops::privacy::erase_record(&app, person.actor(), record.clone(), asked, person.clock.now).await
    {
        Ok(erased) => return Ok(answers.lead(PATH, person.user(), Checked::good(erased.in_words()))),
        Err(refusal) => refusal,
    };
    let (status, _) = describe(refusal.kind);
    match refusal.kind {
        Kind::NotFound => ask_again(&app, &person, named, (status, vec![not_here(&refusal)])).await,
        Kind::Invalid => {
            let mut problems: Vec<FieldError> = refusal.fields.iter().map(in_page).collect();
            match view(&app, &person, &record).await {
                Ok(view) => {
                    refused(&refusal, &RecordPrivacyPage { form: view.form.again(reason, &problems), problems, ..view })
                }
                Err(Failure::NotDone(unknown)) if unknown.kind == Kind::NotFound => {
                    problems.push(not_here(&unknown));
                    ask_again(&app, &person, named, (status, problems)).await
                }
                Err(failure) => Err(failure),
            }
        }
        _ => Err(refusal.into()),
    }
}
