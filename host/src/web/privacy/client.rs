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

use super::erasure::{Asked, ErasureForm, Rehearsed, Typed as TypedErasure, refused};
use super::held::HoldOf;
use super::{PATH, released};
use crate::app::App;
use crate::app::client_export::file_name;
use crate::domain::access::Action;
use crate::domain::field::FieldError;
use crate::domain::stored::StoredClient;
use crate::domain::{ClientId, HouseholdId, Timestamp};
use crate::ops::privacy::{AskedErasure, AskedHold, Replaced};
use crate::ops::{self, Kind, Refusal};
use crate::web::answers::{AnswerQuery, Answers, Checked};
use crate::web::components::{Clock, Moment};
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
    /// What a hold can be placed on: where none is on, or what was typed would replace one.
    pub(in crate::web) free: Vec<HoldOf>,
    /// The erasure; none for whom may not ask for one, and where the page is about a hold.
    erasure: Option<ErasureForm>,
    pub(in crate::web) typed: Typed,
    pub(in crate::web) problems: Vec<FieldError>,
}

/// A hold that is on.
pub(in crate::web) struct HoldOn {
    of: HoldOf,
    /// The household's name; none where the hold is on the client alone.
    household: Option<String>,
    reason: String,
    by: String,
    /// Whether the reader of the page placed it.
    is_own: bool,
    since: Timestamp,
    until: Option<Moment>,
}

/// What somebody has typed, which a form that is shown again keeps.
#[derive(Default)]
pub(in crate::web) struct Typed {
    of: HoldOf,
    hold_reason: String,
    until: String,
    /// The hold that the form was sent with, as [`ClientPrivacyPage::seen`] has it; none of a form that was not sent.
    saw: Option<String>,
}

impl ClientPrivacyPage {
    /// The sentence that the hold that was typed would replace one, which was placed meanwhile. Where that was refused it is said at
    /// the head of the page.
    fn replaces(&self) -> Option<&'static str> {
        let saw = self.typed.saw.as_ref().filter(|_| self.checked.is_none())?;
        let is_another = |hold: &&HoldOn| hold.of == self.typed.of && hold.since.to_string() != *saw;
        self.holds.iter().find(is_another).map(|hold| Refusal::words_of_unseen_hold(hold.is_own))
    }

    fn is_on(&self, of: &HoldOf) -> bool {
        self.holds.iter().any(|hold| hold.of == *of)
    }

    /// The holds as they are shown, each by its field in the form: the moment since which one is on, empty where none is.
    fn seen(&self) -> [(&'static str, String); 2] {
        HoldOf::ALL.map(|of| {
            let on = self.holds.iter().find(|hold| hold.of == of);
            (of.words().seen, on.map(|hold| hold.since.to_string()).unwrap_or_default())
        })
    }

    fn hold_inputs(&self) -> [PlainInput; 2] {
        let until = PlainInput::day("until", "Last day", &self.typed.until).hint(LASTS);
        let reason = PlainInput::text("hold_reason", "Reason", &self.typed.hold_reason);
        [reason, until].map(|input| input.problems(&self.problems))
    }
}

const LASTS: &str = "Leave it empty, and it lasts until somebody releases it.";
const NO_DAY: &str = "Enter a date such as 2027-06-30, or leave it empty.";
const TOO_FAR: &str = "This day is too far off. Choose an earlier one, or leave it empty.";
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
    let may_erase = person.can(Action::EraseClients);
    let erasure = if may_erase { Some(rehearsed(&app, &person, &client).await?) } else { None };
    page(&ClientPrivacyPage { checked, erasure, ..view(&app, &person, &client).await? })
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
                is_own: hold.by_account == Some(person.user()),
                since: hold.since,
                until: hold.until.map(|until| Moment::ending(until, &person.clock)),
            }),
        }
    }
    Ok(ClientPrivacyPage {
        layout: Layout::load(app, person, Section::Households).await?,
        checked: None,
        name: format::name(&client.client.full_name()),
        household_path: format!("/households/{}", client.household_id),
        path: format!("/clients/{}", client.id),
        holds,
        free,
        erasure: None,
        typed: Typed::default(),
        problems: Vec::new(),
    })
}

async fn rehearsed(app: &App, person: &SignedIn, client: &StoredClient) -> Result<ErasureForm, Failure> {
    ErasureForm::rehearsed(app, person, asked(app, person, client), Rehearsed::Client(client)).await
}

fn asked(app: &App, person: &SignedIn, client: &StoredClient) -> Asked {
    Asked {
        action: format!("/clients/{}/erase", client.id),
        hidden: Vec::new(),
        heading: format!("Erase {}", format::name(&client.client.full_name())),
        path: path(client.id),
        to_confirm: match client.client.full_name() {
            name if name.is_empty() => client.id.to_string(),
            name => name,
        },
        confirm: ("Client’s name", "As it stands above, or the client’s id."),
        retention: app.retention_of(client, person.clock.now),
    }
}

/// The page's address.
fn path(client: ClientId) -> String {
    format!("/clients/{client}/privacy")
}

/// `GET /clients/{id}/export`
pub(in crate::web) async fn export(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let client = find(&app, &person, Action::ExportClients, &id).await?;
    let file = app.export_client(&client).await?;
    let disposition =
        format!("attachment; filename=\"{}\"", file_name(client.id, person.clock.now, &person.clock.zone));
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
    /// The moments since which the holds that the page showed are on; empty where it showed none.
    seen_client: String,
    seen_household: String,
}

impl HoldForm {
    /// The hold that this one may replace.
    fn replaces(&self) -> Replaced {
        Replaced::Seen(self.saw().parse().ok())
    }

    fn saw(&self) -> &str {
        match self.of {
            HoldOf::Client => &self.seen_client,
            HoldOf::Household => &self.seen_household,
        }
    }

    /// The moment at which the hold ends, after its last day; none where somebody has to release it.
    fn until(&self, clock: &Clock) -> Result<Option<Timestamp>, Refusal> {
        let day: Date = match self.until.trim() {
            "" => return Ok(None),
            day => day.parse().map_err(|_| Refusal::at("/until", NO_DAY))?,
        };
        let end = day.tomorrow().and_then(|end| end.to_zoned(clock.zone.clone()));
        end.map(|end| Some(end.timestamp())).map_err(|_| Refusal::at("/until", TOO_FAR))
    }
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
    let subject = form.of.subject(client.id, household_of(&app, &person, &client).await?.0);
    let held = async {
        let until = form.until(&person.clock)?;
        let asked = AskedHold { reason: &form.hold_reason, until, replaces: form.replaces() };
        ops::privacy::hold(&app, person.actor(), subject, asked, person.clock.now).await
    };
    match held.await {
        Ok(_) => {
            let placed = Checked::good(form.of.words().placed.to_owned());
            Ok(answers.lead(&path(client.id), person.user(), placed))
        }
        Err(mut refusal) => {
            for field in refusal.fields.iter_mut().filter(|field| field.pointer == "/reason") {
                "/hold_reason".clone_into(&mut field.pointer);
            }
            let checked = match refusal.kind {
                Kind::Invalid => None,
                Kind::Stale => Some(Checked::bad(refusal.message.clone())),
                _ => return Err(refusal.into()),
            };
            let saw = Some(form.saw().to_owned());
            let typed = Typed { of: form.of, hold_reason: form.hold_reason, until: form.until, saw };
            let problems = refusal.fields.iter().map(named).collect();
            let view = view(&app, &person, &client).await?;
            // The form stays, with what was typed, where somebody placed a hold meanwhile.
            let is_offered = |of: &HoldOf| *of == typed.of || view.free.contains(of);
            let free = HoldOf::ALL.into_iter().filter(is_offered).collect();
            refused(&refusal, &ClientPrivacyPage { checked, problems, typed, free, ..view })
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::web) struct ReleaseForm {
    of: HoldOf,
    /// The hold that the page showed, by the moment since which it is on.
    #[serde(default)]
    seen: Option<Timestamp>,
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
    let (household, household_name) = household_of(&app, &person, &client).await?;
    let subject = form.of.subject(client.id, household);
    let back = path(client.id);
    let whose = match form.of {
        HoldOf::Client => format::name(&client.client.full_name()),
        HoldOf::Household => format!("Household {household_name}"),
    };
    let checked = released(ops::privacy::release(&app, person.actor(), subject, form.seen).await, (&whose, &back))?;
    Ok(answers.lead(&back, person.user(), checked))
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
    let word = AskedErasure { reason: &form.reason, confirm: &form.confirm };
    let refusal = match ops::privacy::erase(&app, person.actor(), id, word, person.clock.now).await {
        Ok(erased) => return Ok(answers.lead(PATH, person.user(), Checked::good(erased.in_words()))),
        Err(refusal) if !matches!(refusal.kind, Kind::Invalid | Kind::WrongState) => return Err(refusal.into()),
        Err(refusal) => refusal,
    };
    let client = find(&app, &person, Action::EraseClients, &id.to_string()).await?;
    let problems: Vec<FieldError> = refusal.fields.iter().map(named).collect();
    let typed = TypedErasure { reason: form.reason, confirm: form.confirm };
    let (checked, erasure) = match refusal.kind {
        Kind::Invalid => (None, ErasureForm::bare(&app, asked(&app, &person, &client))),
        // What speaks against it ends the rehearsal before anything is worked out.
        _ => (Some(Checked::bad(refusal.message.clone())), rehearsed(&app, &person, &client).await?),
    };
    let erasure = Some(erasure.again(typed, &problems));
    refused(&refusal, &ClientPrivacyPage { checked, erasure, problems, ..view(&app, &person, &client).await? })
}
