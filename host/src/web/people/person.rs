//! One person: role, state, sessions, and the links by which they come in.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::{Extension, Form};
use serde::Deserialize;

use super::{SessionRow, badge, read_role, title};
use crate::access::Made;
use crate::app::App;
use crate::domain::access::{Action, Role};
use crate::domain::account::{Account, AccountState};
use crate::domain::{SessionId, UserId};
use crate::ops::{self, Kind, Refusal};
use crate::store::access::UserChange;
use crate::web::answers::{AnswerQuery, Answers, Checked};
use crate::web::components::{Badge, Moment};
use crate::web::failure::{Failure, page};
use crate::web::layout::{Layout, Section};
use crate::web::session::SignedIn;

#[derive(Template)]
#[template(path = "person.html")]
pub(in crate::web) struct PersonPage {
    pub(in crate::web) layout: Layout,
    pub(in crate::web) path: String,
    pub(in crate::web) name: String,
    pub(in crate::web) email: String,
    pub(in crate::web) role: Role,
    pub(in crate::web) state: Badge,
    /// How the account stands.
    pub(in crate::web) sentence: &'static str,
    pub(in crate::web) is_disabled: bool,
    pub(in crate::web) is_invited: bool,
    pub(in crate::web) signed_in: Option<Moment>,
    pub(in crate::web) link_ends: Option<Moment>,
    /// The result of what was just done.
    pub(in crate::web) checked: Option<Checked>,
    /// The link that was just made, which is shown this once.
    pub(in crate::web) link: Option<ShownLink>,
    pub(in crate::web) sessions: Vec<SessionRow>,
}

/// A link to hand on.
pub(in crate::web) struct ShownLink {
    pub(in crate::web) url: String,
    pub(in crate::web) ends: Moment,
    pub(in crate::web) invites: bool,
}

impl PersonPage {
    fn title(&self, role: &Role) -> String {
        title(*role)
    }
}

/// `GET /people/{id}`
pub(in crate::web) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Query(answer): Query<AnswerQuery>,
) -> Result<Response, Failure> {
    person.may(Action::ManagePeople)?;
    let account = app.store.account(read(&id)?).await?.ok_or(NOBODY)?;
    let checked = answers.of(&answer, person.user());
    page(&view(&app, &person, account, checked, None).await?)
}

const NOBODY: Failure =
    Failure::NotFound("There is nobody at this address. The list of people leads to those there are.");

fn read(id: &str) -> Result<UserId, Failure> {
    id.parse().map_err(|_| NOBODY)
}

/// The page of somebody for whom a link was just made.
pub(super) async fn show_link(app: &App, person: &SignedIn, made: Made) -> Result<Response, Failure> {
    let link = made.address(&app.config.server.base_url()).map(|link| ShownLink {
        url: link.url,
        ends: Moment::new(link.ends_at, &person.clock),
        invites: link.invites,
    });
    page(&view(app, person, made.account, None, link).await?)
}

async fn view(
    app: &App,
    person: &SignedIn,
    account: Account,
    checked: Option<Checked>,
    link: Option<ShownLink>,
) -> Result<PersonPage, Failure> {
    let Account { user, state, signed_in_at, link_ends_at } = account;
    let path = format!("/people/{}", user.id);
    let sessions = app.access.sessions(Some(user.id), person.clock.now).await?;
    let row = |open| SessionRow::new(open, &path, person.session(), &person.clock);
    Ok(PersonPage {
        layout: Layout::load(app, person, Section::People).await?,
        name: user.name,
        email: user.email.as_str().to_owned(),
        role: user.role,
        state: badge(state),
        sentence: match state {
            AccountState::Invited => "Invited, and has not chosen a password yet.",
            AccountState::Active => "Can sign in.",
            AccountState::Disabled => "Cannot sign in.",
        },
        is_disabled: state == AccountState::Disabled,
        is_invited: state == AccountState::Invited,
        signed_in: signed_in_at.map(|at| Moment::new(at, &person.clock)),
        link_ends: link_ends_at.map(|at| Moment::new(at, &person.clock)),
        checked,
        link,
        sessions: sessions.into_iter().map(row).collect(),
        path,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct RoleForm {
    role: String,
}

/// `POST /people/{id}/role`
pub(in crate::web) async fn change_role(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Form(form): Form<RoleForm>,
) -> Result<Response, Failure> {
    person.may(Action::ManagePeople)?;
    let role = read_role(&form.role)?;
    change(&app, &person, &answers, &id, UserChange { role: Some(role), disabled: None }).await
}

/// `POST /people/{id}/disable`
pub(in crate::web) async fn disable(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    change(&app, &person, &answers, &id, UserChange { role: None, disabled: Some(true) }).await
}

/// `POST /people/{id}/enable`
pub(in crate::web) async fn enable(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    change(&app, &person, &answers, &id, UserChange { role: None, disabled: Some(false) }).await
}

async fn change(
    app: &App,
    person: &SignedIn,
    answers: &Answers,
    id: &str,
    change: UserChange,
) -> Result<Response, Failure> {
    let back = format!("/people/{id}");
    let id = read(id)?;
    let changed = ops::people::change(app, person.actor(), id, change, person.clock.now).await;
    let account = changed.map_err(|refusal| led_back(refusal, &back))?;
    let name = &account.user.name;
    let message = match change {
        UserChange { role: Some(role), .. } => format!("{name} is in the role {role} from now on."),
        UserChange { disabled: Some(true), .. } => {
            format!("{name} is disabled: signed out everywhere, and every token ended.")
        }
        _ => format!("{name} can sign in again."),
    };
    Ok(answers.lead(&back, person.user(), Checked::good(message)))
}

/// `POST /people/{id}/reset`
pub(in crate::web) async fn reset(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let made = ops::people::reset(&app, person.actor(), read(&id)?, person.clock.now).await;
    let made = made.map_err(|refusal| led_back(refusal, &format!("/people/{id}")))?;
    show_link(&app, &person, made).await
}

/// `POST /people/{id}/sessions/{session}/end`
pub(in crate::web) async fn end_session(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path((id, session)): Path<(String, String)>,
) -> Result<Response, Failure> {
    person.may(Action::ManagePeople)?;
    let session: SessionId = session.parse().map_err(|_| NOBODY)?;
    ops::account::end_session(&app, person.actor(), session).await?;
    let message = "The session has ended.".to_owned();
    Ok(answers.lead(&format!("/people/{}", read(&id)?), person.user(), Checked::good(message)))
}

/// A refusal; where the person has to confirm who they are, the page after that is the one that they come from.
pub(in crate::web) fn led_back(refusal: Refusal, path: &str) -> Failure {
    if refusal.kind == Kind::NotFresh { Failure::ConfirmFirst(path.to_owned()) } else { refusal.into() }
}
