//! One client: taking all that is kept along, a legal hold, and the erasure with its preview.

use askama::Template;
use axum::Form;
use axum::body::Body;
use axum::extract::{Extension, Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use jiff::civil::Date;
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use super::PATH;
use super::erasure::{Asked, ErasureForm, refused};
use crate::app::App;
use crate::app::client_export::file_name;
use crate::domain::access::Action;
use crate::domain::field::FieldError;
use crate::domain::privacy::HeldSubject;
use crate::domain::stored::StoredClient;
use crate::domain::{ClientId, HouseholdId, Timestamp};
use crate::ops::privacy::AskedErasure;
use crate::ops::{self, Kind, Refusal};
use crate::web::answers::{AnswerQuery, Answers, Checked};
use crate::web::components::Moment;
use crate::web::failure::{Failure, named, page};
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
    pub(in crate::web) household_path: String,
    pub(in crate::web) path: String,
    /// The holds that keep the client: the client's own, and the household's.
    pub(in crate::web) holds: Vec<HoldOn>,
    /// What no hold is on, and one can be put on.
    pub(in crate::web) free: Vec<HoldOf>,
    /// The erasure, for whom may ask for one.
    erasure: Option<ErasureForm>,
    pub(in crate::web) typed: Typed,
    pub(in crate::web) problems: Vec<FieldError>,
}

/// What a hold is on.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
pub(in crate::web) enum HoldOf {
    #[default]
    Client,
    Household,
}

impl HoldOf {
    const ALL: [Self; 2] = [Self::Client, Self::Household];

    fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Household => "household",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Client => "This client",
            Self::Household => "The whole household",
        }
    }

    fn subject(self, client: ClientId, household: HouseholdId) -> HeldSubject {
        match self {
            Self::Client => HeldSubject::Client(client),
            Self::Household => HeldSubject::Household(household),
        }
    }
}

/// A hold that is on.
pub(in crate::web) struct HoldOn {
    of: HoldOf,
    /// The household's name; none where the hold is on the client alone.
    household: Option<String>,
    reason: String,
    by: String,
    until: Option<Moment>,
}

/// What somebody has typed, which a form that is shown again keeps.
#[derive(Default)]
pub(in crate::web) struct Typed {
    of: HoldOf,
    hold_reason: String,
    until: String,
}

impl ClientPrivacyPage {
    fn hold_inputs(&self) -> [PlainInput; 2] {
        let until = PlainInput::day("until", "Ends on", &self.typed.until).hint(LASTS);
        let reason = PlainInput::text("hold_reason", "Reason", &self.typed.hold_reason);
        [reason, until].map(|input| input.problems(&self.problems))
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

/// The household that a client is in now, and its name. A household that was joined to another is that one.
async fn household_of(app: &App, person: &SignedIn, client: &StoredClient) -> Result<(HouseholdId, String), Failure> {
    let row = person.book(app, Action::ExportClients).await?.household(client.household_id).await?;
    let named = row.map(|row| (row.household.id, format::name(&row.household.name)));
    Ok(named.unwrap_or_else(|| (client.household_id, format::name(&client.client.full_name()))))
}

async fn view(app: &App, person: &SignedIn, client: &StoredClient) -> Result<ClientPrivacyPage, Failure> {
    let (household, household_name) = household_of(app, person, client).await?;
    let (mut holds, mut free) = (Vec::new(), Vec::new());
    for of in HoldOf::ALL {
        let hold = app.store.hold(of.subject(client.id, household)).await?;
        match hold.filter(|hold| hold.is_on(person.clock.now)) {
            None => free.push(of),
            Some(hold) => holds.push(HoldOn {
                of,
                household: (of == HoldOf::Household).then(|| household_name.clone()),
                reason: hold.reason,
                by: hold.by,
                until: hold.until.map(|until| Moment::new(until, &person.clock)),
            }),
        }
    }
    let erasure = if person.can(Action::EraseClients) { Some(erasure(app, person, client).await?) } else { None };
    Ok(ClientPrivacyPage {
        layout: Layout::load(app, person, Section::Households).await?,
        checked: None,
        name: format::name(&client.client.full_name()),
        household_path: format!("/households/{}", client.household_id),
        path: format!("/clients/{}", client.id),
        holds,
        free,
        erasure,
        typed: Typed::default(),
        problems: Vec::new(),
    })
}

async fn erasure(app: &App, person: &SignedIn, client: &StoredClient) -> Result<ErasureForm, Failure> {
    let asked = Asked {
        of: client.id.into(),
        action: format!("/clients/{}/erase", client.id),
        hidden: Vec::new(),
        heading: format!("Erase {}", format::name(&client.client.full_name())),
        to_confirm: match client.client.full_name() {
            name if name.is_empty() => client.id.to_string(),
            name => name,
        },
        confirm: ("Client’s name", "As it stands above, or the client’s id."),
    };
    ErasureForm::rehearsed(app, asked, |counts| client.left_to_do(counts), &person.clock).await
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
    of: HoldOf,
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
    let subject = form.of.subject(client.id, household_of(&app, &person, &client).await?.0);
    let held = async {
        let (reason, until): (_, Option<Timestamp>) = (&form.hold_reason, until?);
        ops::privacy::hold(&app, person.actor(), subject, (reason, until), person.clock.now).await
    };
    match held.await {
        Ok(_) => {
            let message = match form.of {
                HoldOf::Client => "The legal hold is on: nothing of this client is erased while it lasts.",
                HoldOf::Household => "The legal hold is on: nobody in this household is erased while it lasts.",
            };
            let checked = Checked::good(message.to_owned());
            Ok(answers.lead(&format!("/clients/{}/privacy", client.id), person.user(), checked))
        }
        Err(mut refusal) => {
            for field in refusal.fields.iter_mut().filter(|field| field.pointer == "/reason") {
                "/hold_reason".clone_into(&mut field.pointer);
            }
            if refusal.kind != Kind::Invalid || refusal.fields.is_empty() {
                return Err(refusal.into());
            }
            let typed = Typed { of: form.of, hold_reason: form.hold_reason, until: form.until };
            let problems = refusal.fields.iter().map(named).collect();
            refused(&refusal, &ClientPrivacyPage { problems, typed, ..view(&app, &person, &client).await? })
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::web) struct ReleaseForm {
    of: HoldOf,
}

/// `POST /clients/{id}/release`
pub(in crate::web) async fn release(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Form(form): Form<ReleaseForm>,
) -> Result<Response, Failure> {
    let client = find(&app, &person, Action::EraseClients, &id).await?;
    let subject = form.of.subject(client.id, household_of(&app, &person, &client).await?.0);
    ops::privacy::release(&app, person.actor(), subject).await?;
    let message = match form.of {
        HoldOf::Client => "The legal hold is off.".to_owned(),
        HoldOf::Household => "The legal hold on the household is off.".to_owned(),
    };
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
        Ok(erased) => Ok(answers.lead(PATH, person.user(), Checked::good(erased.in_words()))),
        Err(refusal) if refusal.kind == Kind::Invalid => {
            let client = find(&app, &person, Action::EraseClients, &id.to_string()).await?;
            let problems: Vec<FieldError> = refusal.fields.iter().map(named).collect();
            let view = view(&app, &person, &client).await?;
            let erasure = view.erasure.map(|erasure| erasure.again(form.reason, &problems));
            refused(&refusal, &ClientPrivacyPage { erasure, problems, ..view })
        }
        Err(refusal) => Err(refusal.into()),
    }
}
