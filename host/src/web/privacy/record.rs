//! A record of the CRM that is no client here: its erasure with the preview.

use askama::Template;
use axum::Form;
use axum::extract::{Extension, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::PATH;
use super::erasure::{Asked, ErasureForm, refused};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::field::FieldError;
use crate::domain::privacy::{ErasureOf, left_to_do_of_record};
use crate::domain::{ConnectionName, ExternalId};
use crate::ops::privacy::AskedErasure;
use crate::ops::{self, Kind};
use crate::web::answers::{Answers, Checked};
use crate::web::components::{address, pair};
use crate::web::failure::{Failure, named, page};
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

/// The address of the page of a record.
pub(in crate::web) fn path(connection: &ConnectionName, id: &ExternalId) -> String {
    let named = [pair("connection", &connection.to_string()), pair("external_id", &id.to_string())];
    address(&format!("{PATH}/record"), &named.each_ref().map(String::as_str))
}

/// A record, as a form or an address names it.
#[derive(Deserialize)]
pub(in crate::web) struct Named {
    connection: String,
    external_id: String,
}

impl Named {
    fn record(&self) -> Result<(ConnectionName, ExternalId), Failure> {
        let message = "There is no such connection. Choose one on the page of privacy.";
        let connection = self.connection.parse().map_err(|_| Failure::NotFound(message))?;
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
        form: ErasureForm::rehearsed(app, asked, |_| left_to_do, person.clock.now).await?,
        problems: Vec::new(),
    })
}

/// `GET /settings/privacy/record?connection=…&external_id=…`
pub(in crate::web) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Query(named): Query<Named>,
) -> Result<Response, Failure> {
    person.may(Action::EraseClients)?;
    page(&view(&app, &person, &named.record()?).await?)
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
    let record = Named { connection, external_id }.record()?;
    let asked = AskedErasure { reason: &reason, confirm: &confirm };
    match ops::privacy::erase_record(&app, person.actor(), record.clone(), asked, person.clock.now).await {
        Ok(erased) => Ok(answers.lead(PATH, person.user(), Checked::good(erased.in_words()))),
        Err(refusal) if refusal.kind == Kind::Invalid => {
            let problems: Vec<FieldError> = refusal.fields.iter().map(named).collect();
            let view = view(&app, &person, &record).await?;
            refused(&refusal, &RecordPrivacyPage { form: view.form.again(reason, &problems), problems, ..view })
        }
        Err(refusal) => Err(refusal.into()),
    }
}
