//! One client: taking all that is kept along, a legal hold, and the erasure with its preview.

use askama::Template;
use axum::Form;
use axum::body::Body;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use jiff::civil::Date;
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use super::PATH;
use crate::app::App;
use crate::app::client_export::file_name;
use crate::domain::access::Action;
use crate::domain::field::FieldError;
use crate::domain::privacy::{ErasureCounts, ErasureReason, HeldSubject};
use crate::domain::stored::StoredClient;
use crate::domain::text::sentence;
use crate::domain::{ClientId, RecordKind, Timestamp};
use crate::ops::privacy::AskedErasure;
use crate::ops::{self, Kind, Refusal};
use crate::web::answers::{AnswerQuery, Answers, Checked};
use crate::web::components::Moment;
use crate::web::failure::{Failure, describe, named, page};
use crate::web::format;
use crate::web::inputs::PlainInput;
use crate::web::layout::{Layout, Section};
use crate::web::session::SignedIn;

#[derive(Template)]
#[template(path = "client-privacy.html")]
pub(in crate::web) struct ClientPrivacyPage {
    pub(in crate::web) layout: Layout,
    pub(in crate::web) checked: Option<Checked>,
    pub(in crate::web) name: String,
    /// The name as it has to be typed to erase the client.
    pub(in crate::web) to_confirm: String,
    pub(in crate::web) household_path: String,
    pub(in crate::web) path: String,
    /// The hold on the client; its reason, by whom, and until when.
    pub(in crate::web) hold: Option<(String, String, Option<Moment>)>,
    /// The reason why nothing can be erased now.
    pub(in crate::web) refused: Option<String>,
    /// What goes, and what stays.
    pub(in crate::web) goes: Vec<(String, u64)>,
    pub(in crate::web) stays: Vec<(String, u64)>,
    pub(in crate::web) left_to_do: String,
    pub(in crate::web) reasons: &'static [ErasureReason],
    pub(in crate::web) typed: Typed,
    pub(in crate::web) problems: Vec<FieldError>,
}

/// What somebody has typed, which a form that is shown again keeps.
#[derive(Default)]
pub(in crate::web) struct Typed {
    hold_reason: String,
    until: String,
    reason: String,
}

impl ClientPrivacyPage {
    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
    }

    fn hold_inputs(&self) -> [PlainInput; 2] {
        let until = PlainInput::day("until", "Ends on", &self.typed.until).hint(LASTS);
        let reason = PlainInput::text("hold_reason", "Reason", &self.typed.hold_reason);
        [reason, until].map(|input| input.problems(&self.problems))
    }

    fn confirm_input(&self) -> PlainInput {
        PlainInput::text("confirm", "Client’s name", "")
            .hint("Type it as it stands above, or the client’s id.")
            .problems(&self.problems)
    }
}

const LASTS: &str = "Leave it empty, and it lasts until somebody takes it off.";
const NO_DAY: &str = "Enter a date such as 2027-06-30, or leave it empty.";
const NO_CLIENT: Failure = Failure::NotFound("There is no such client here. Look in the list of households.");

async fn find(app: &App, person: &SignedIn, action: Action, id: &str) -> Result<StoredClient, Failure> {
    let id: ClientId = id.parse().map_err(|_| NO_CLIENT)?;
    person.book(app, action).await?.client(id).await?.ok_or(NO_CLIENT)
}

/// `GET /clients/{id}/privacy`
pub(in crate::web) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Query(answer): Query<AnswerQuery>,
) -> Result<Response, Failure> {
    let client = find(&app, &person, Action::ExportClients, &id).await?;
    let checked = answers.of(&answer, person.user());
    page(&ClientPrivacyPage { checked, ..view(&app, &person, &client).await? })
}

async fn view(app: &App, person: &SignedIn, client: &StoredClient) -> Result<ClientPrivacyPage, Failure> {
    let hold = app.store.hold(HeldSubject::Client(client.id)).await?;
    // It goes through all of an erasure, in the place of a write: for whom it is shown alone.
    let (counts, refused) = if person.can(Action::EraseClients) {
        match app.store.rehearse_erasure(client.id, person.clock.now).await? {
            Ok(counts) => (counts, None),
            Err(refusal) => (ErasureCounts::default(), Some(Refusal::from(refusal).message)),
        }
    } else {
        (ErasureCounts::default(), None)
    };
    let lists = sentence(&RecordKind::LISTED.iter().map(|kind| kind.plural()).collect::<Vec<_>>().join(" and "));
    let of_any = |rows: Vec<(&str, u64)>| {
        let any = rows.into_iter().filter(|(_, count)| *count > 0);
        any.map(|(what, count)| (what.to_owned(), count)).collect()
    };
    Ok(ClientPrivacyPage {
        layout: Layout::load(app, person, Section::Households).await?,
        checked: None,
        name: format::name(&client.client.full_name()),
        to_confirm: match client.client.full_name() {
            name if name.is_empty() => client.id.to_string(),
            name => name,
        },
        household_path: format!("/households/{}", client.household_id),
        path: format!("/clients/{}", client.id),
        hold: hold.map(|hold| (hold.reason, hold.by, hold.until.map(|until| Moment::new(until, &person.clock)))),
        refused,
        goes: of_any(vec![
            ("Records copied from the CRM", counts.raw_records),
            (&lists, counts.listed),
            ("File notes of this person alone", counts.notes),
            ("of these, never sent from now on", counts.notes_not_sent),
            ("of these, perhaps in the CRM: look there", counts.notes_in_doubt),
            ("Documents", counts.documents),
            ("Rows in reports of syncs", counts.report_rows),
            ("Rows of identity lists (blanked)", counts.import_rows),
            ("Entries of the review queue", counts.reviews),
            ("Records in quarantine or left out", counts.set_aside),
            ("Households that nobody is left in", counts.households),
        ]),
        stays: of_any(vec![
            ("File notes that the CRM has, there", counts.notes_in_crm),
            ("File notes of somebody else, too, with that person", counts.shared_notes),
            ("of these, ended and never sent", counts.shared_notes_ended),
        ]),
        left_to_do: client.left_to_do(&counts),
        reasons: &ErasureReason::TO_ERASE,
        typed: Typed::default(),
        problems: Vec::new(),
    })
}

/// The page with what does not fit in what was sent.
async fn again(
    app: &App,
    person: &SignedIn,
    client: &StoredClient,
    typed: Typed,
    refusal: Refusal,
) -> Result<Response, Failure> {
    if refusal.kind != Kind::Invalid || refusal.fields.is_empty() {
        return Err(refusal.into());
    }
    let (status, _): (StatusCode, _) = describe(refusal.kind);
    let problems = refusal.fields.iter().map(named).collect();
    let page = page(&ClientPrivacyPage { problems, typed, ..view(app, person, client).await? })?;
    Ok((status, page).into_response())
}

/// `GET /clients/{id}/export`
pub(in crate::web) async fn export(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let client = find(&app, &person, Action::ExportClients, &id).await?;
    let file = app.export_client(&client).await?;
    let disposition = format!("attachment; filename=\"{}\"", file_name(&client, person.clock.now));
    let headers = [(CONTENT_TYPE, "application/zip".to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)).boxed())).into_response())
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub(in crate::web) struct HoldForm {
    hold_reason: String,
    until: String,
}

/// `POST /clients/{id}/hold`
pub(in crate::web) async fn hold(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Form(form): Form<HoldForm>,
) -> Result<Response, Failure> {
    let client = find(&app, &person, Action::EraseClients, &id).await?;
    let ends = |day: Date| Some(day.to_zoned(person.clock.zone.clone()).ok()?.timestamp());
    let until = match form.until.trim() {
        "" => Ok(None),
        day => day.parse().ok().and_then(ends).map(Some).ok_or_else(|| Refusal::at("/until", NO_DAY)),
    };
    let subject = HeldSubject::Client(client.id);
    let held = async {
        let (reason, until): (_, Option<Timestamp>) = (&form.hold_reason, until?);
        ops::privacy::hold(&app, person.actor(), subject, (reason, until), person.clock.now).await
    };
    match held.await {
        Ok(_) => {
            let message = "The legal hold is on: nothing of this client is erased while it lasts.".to_owned();
            Ok(answers.lead(&format!("/clients/{}/privacy", client.id), person.user(), Checked::good(message)))
        }
        Err(mut refusal) => {
            for field in refusal.fields.iter_mut().filter(|field| field.pointer == "/reason") {
                "/hold_reason".clone_into(&mut field.pointer);
            }
            let typed = Typed { hold_reason: form.hold_reason, until: form.until, ..Typed::default() };
            again(&app, &person, &client, typed, refusal).await
        }
    }
}

/// `POST /clients/{id}/release`
pub(in crate::web) async fn release(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let client = find(&app, &person, Action::EraseClients, &id).await?;
    ops::privacy::release(&app, person.actor(), HeldSubject::Client(client.id)).await?;
    let message = "The legal hold is off.".to_owned();
    Ok(answers.lead(&format!("/clients/{}/privacy", client.id), person.user(), Checked::good(message)))
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::web) struct EraseForm {
    reason: String,
    confirm: String,
}

/// `POST /clients/{id}/erase`
pub(in crate::web) async fn erase(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Form(form): Form<EraseForm>,
) -> Result<Response, Failure> {
    let id: ClientId = id.parse().map_err(|_| NO_CLIENT)?;
    let asked = AskedErasure { reason: &form.reason, confirm: &form.confirm };
    match ops::privacy::erase(&app, person.actor(), id, asked, person.clock.now).await {
        Ok(erased) => {
            let message = format!("Erased, as erasure {}. {}", erased.erasure.number, erased.left_to_do);
            Ok(answers.lead(PATH, person.user(), Checked::good(message)))
        }
        Err(refusal) if refusal.kind == Kind::Invalid => {
            let client = find(&app, &person, Action::EraseClients, &id.to_string()).await?;
            again(&app, &person, &client, Typed { reason: form.reason, ..Typed::default() }, refusal).await
        }
        Err(refusal) => Err(refusal.into()),
    }
}
