//! One person: role, state, sessions, and the links by which they come in.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::{NO_ROLE, SessionRow, badge, title};
use crate::access::Made;
use crate::app::App;
use crate::domain::access::provider::GroupsNote;
use crate::domain::access::{Action, Role};
use crate::domain::account::{Account, AccountState, LinkedIdentity};
use crate::domain::{SessionId, UserId};
use crate::ops::{self, Kind, Refusal};
use crate::store::access::UserChange;
use crate::web::answers::{AnswerQuery, Answers, Checked};
use crate::web::components::{Badge, Clock, Moment};
use crate::web::failure::{Failure, describe, led_back, page};
use crate::web::format;
use crate::web::layout::{Layout, Section};
use crate::web::once::{Once, OnceQuery, Shown};
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
    /// Whether the person comes in by the identity provider alone, so that no link for a password is offered.
    pub(in crate::web) is_by_provider: bool,
    pub(in crate::web) is_disabled: bool,
    pub(in crate::web) is_invited: bool,
    pub(in crate::web) signed_in: Option<Moment>,
    pub(in crate::web) link_ends: Option<Moment>,
    /// Whether there is a password that is taken.
    pub(in crate::web) has_password: bool,
    /// The account of the identity provider that the account is linked to.
    pub(in crate::web) identity: Option<IdentityLine>,
    /// The result of what was just done.
    pub(in crate::web) checked: Option<Checked>,
    /// The link that was just made, which is shown once.
    pub(in crate::web) link: Option<Shown>,
    /// The number of API tokens of the account.
    pub(in crate::web) tokens: usize,
    /// What is wrong with the role that was sent.
    pub(in crate::web) role_problem: Option<String>,
    pub(in crate::web) sessions: Vec<SessionRow>,
    /// Whether signing in asks for a code, and whether the practice wants that.
    pub(in crate::web) has_second_factor: bool,
    pub(in crate::web) wants_second_factor: bool,
    /// Whether it is the account of the person who looks.
    pub(in crate::web) is_self: bool,
}

/// The account of the identity provider with which somebody signs in.
pub(in crate::web) struct IdentityLine {
    /// The provider's address.
    pub(in crate::web) issuer: String,
    pub(in crate::web) linked: Moment,
    /// What is to be looked at about the groups.
    pub(in crate::web) note: Option<&'static str>,
    /// The moment at which the groups ended the account.
    pub(in crate::web) ended: Option<Moment>,
}

impl IdentityLine {
    pub(in crate::web) fn new(identity: LinkedIdentity, clock: &Clock) -> Self {
        let LinkedIdentity { issuer, linked_at, note, ended_at, is_retired } = identity;
        Self {
            issuer,
            linked: Moment::new(linked_at, clock),
            note: if is_retired { Some(RETIRED) } else { note.map(GroupsNote::reason) },
            ended: ended_at.map(|at| Moment::new(at, clock)),
        }
    }
}

/// The note on a link to a provider that is gone from the settings.
const RETIRED: &str = "The settings no longer name this identity provider, so nobody signs in with it. Unlink it, then make a \
                       link below to choose a password.";

/// How an account stands, of whose person a password is taken or not.
fn sentence(state: AccountState, is_linked: bool, takes_password: bool) -> &'static str {
    match (state, takes_password) {
        (AccountState::Disabled, _) => "Cannot sign in.",
        (AccountState::Invited, true) => "Invited, and has not chosen a password yet.",
        (AccountState::Active, true) => "Can sign in.",
        (AccountState::Invited, false) => "Invited: signs in by the identity provider, with this email.",
        (AccountState::Active, false) if is_linked => "Can sign in, by the identity provider.",
        (AccountState::Active, false) => {
            "Signs in by the identity provider, with this email. Passwords are for practice managers here."
        }
    }
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
    (Extension(answers), Extension(once)): (Extension<Answers>, Extension<Once>),
    Path(id): Path<String>,
    (Query(answer), Query(made)): (Query<AnswerQuery>, Query<OnceQuery>),
) -> Result<Response, Failure> {
    person.may(Action::ReadPeople)?;
    let account = app.store.account(read(&id)?).await?.ok_or(NOBODY)?;
    let checked = answers.of(&answer, person.user());
    let link = once.take(&made, &person);
    page(&PersonPage { checked, link, ..view(&app, &person, account).await? })
}

pub(super) const NOBODY: Failure =
    Failure::NotFound("There is nobody at this address. The list of people leads to those there are.");

fn read(id: &str) -> Result<UserId, Failure> {
    id.parse().map_err(|_| NOBODY)
}

/// Leads to the page of somebody for whom a link was just made, which shows it.
pub(super) fn show_link(app: &App, person: &SignedIn, once: &Once, made: &Made) -> Response {
    let path = format!("/people/{}", made.account.user.id);
    match made.address(&app.config.server.base_url()) {
        Some(link) => once.lead(&path, "link", person, link.url.into()),
        None => Redirect::to(&path).into_response(),
    }
}

async fn view(app: &App, person: &SignedIn, account: Account) -> Result<PersonPage, Failure> {
    let Account { user, state, signed_in_at, link_ends_at, has_password, identity, has_second_factor } = account;
    let path = format!("/people/{}", user.id);
    // When and where colleagues were here is for those who manage accounts.
    let sessions = match person.can(Action::ManagePeople) {
        true => app.access.sessions(Some(user.id), person.clock.now).await?,
        false => Vec::new(),
    };
    let tokens = app.store.tokens(Some(user.id)).await?.len();
    let takes_password = app.access.takes_password_of(&user);
    let row = |open| SessionRow::new(open, &path, person.session(), &person.clock);
    Ok(PersonPage {
        layout: Layout::load(app, person, Section::People).await?,
        name: user.name,
        email: user.email.as_str().to_owned(),
        role: user.role,
        state: badge(state),
        sentence: sentence(state, identity.is_some(), takes_password),
        is_by_provider: state != AccountState::Disabled && !takes_password,
        is_disabled: state == AccountState::Disabled,
        is_invited: state == AccountState::Invited,
        signed_in: signed_in_at.map(|at| Moment::new(at, &person.clock)),
        link_ends: link_ends_at.map(|at| Moment::new(at, &person.clock)),
        has_password: has_password && takes_password,
        identity: identity.map(|identity| IdentityLine::new(identity, &person.clock)),
        checked: None,
        link: None,
        tokens,
        role_problem: None,
        sessions: sessions.into_iter().map(row).collect(),
        has_second_factor,
        wants_second_factor: app.access.wants_second_factor(user.role),
        is_self: user.id == person.user(),
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
    let Some(role) = Role::from_word(&form.role) else {
        let account = app.store.account(read(&id)?).await?.ok_or(NOBODY)?;
        let role_problem = Some(NO_ROLE.to_owned());
        let page = page(&PersonPage { role_problem, ..view(&app, &person, account).await? })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
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

/// The person's page, with what stands in the way of what was asked.
async fn not_changed(app: &App, person: &SignedIn, id: UserId, refusal: &Refusal) -> Result<Response, Failure> {
    let account = app.store.account(id).await?.ok_or(NOBODY)?;
    let checked = Some(Checked::bad(format::sentence(&refusal.message)));
    let (status, _) = describe(refusal.kind);
    let page = page(&PersonPage { checked, ..view(app, person, account).await? })?;
    Ok((status, page).into_response())
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
    let account = match changed {
        Ok(account) => account,
        // What stands in the way is said on the page from which it was asked.
        Err(refusal) if refusal.kind == Kind::WrongState => return not_changed(app, person, id, &refusal).await,
        Err(refusal) => return Err(led_back(refusal, &back)),
    };
    let name = &account.user.name;
    let message = match change {
        UserChange { role: Some(role), .. } => format!("{name} is in the role {role} from now on."),
        UserChange { disabled: Some(true), .. } => {
            format!("{name} is disabled: signed out everywhere, and every token ended.")
        }
        _ if !app.access.takes_password_of(&account.user) => {
            format!("{name} can sign in again, by the identity provider.")
        }
        _ if account.state == AccountState::Invited => {
            format!("{name} is enabled and has no password yet. Make a link below, by which they choose one.")
        }
        _ => format!("{name} can sign in again."),
    };
    Ok(answers.lead(&back, person.user(), Checked::good(message)))
}

/// `POST /people/{id}/unlink`
pub(in crate::web) async fn unlink(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let back = format!("/people/{id}");
    let id = read(&id)?;
    let account = match ops::people::unlink(&app, person.actor(), id).await {
        Ok(account) => account,
        Err(refusal) if refusal.kind == Kind::WrongState => return not_changed(&app, &person, id, &refusal).await,
        Err(refusal) => return Err(led_back(refusal, &back)),
    };
    let name = &account.user.name;
    let message = match account.has_password {
        _ if !app.access.takes_password_of(&account.user) => format!(
            "{name} is unlinked and signed out everywhere. The email of the account links it again at their next sign-in by \
             the identity provider, where they have not changed it themselves."
        ),
        true => format!("{name} is unlinked and signed out everywhere. They sign in with their password."),
        false => format!(
            "{name} is unlinked, signed out everywhere, and has no password. Make a link below, by which they choose one."
        ),
    };
    Ok(answers.lead(&back, person.user(), Checked::good(message)))
}

/// What ends with the password of before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ResetForm {
    /// There where it is ticked.
    revoke_tokens: Option<String>,
}

/// `POST /people/{id}/reset`
pub(in crate::web) async fn reset(
    State(app): State<App>,
    person: SignedIn,
    Extension(once): Extension<Once>,
    Path(id): Path<String>,
    Form(form): Form<ResetForm>,
) -> Result<Response, Failure> {
    let ends_tokens = form.revoke_tokens.is_some();
    let made = ops::people::reset(&app, person.actor(), read(&id)?, ends_tokens, person.clock.now).await;
    let made = made.map_err(|refusal| led_back(refusal, &format!("/people/{id}")))?;
    Ok(show_link(&app, &person, &once, &made))
}

/// `POST /people/{id}/reset-second-factor`
pub(in crate::web) async fn reset_second_factor(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let back = format!("/people/{id}");
    let done = ops::people::reset_second_factor(&app, person.actor(), read(&id)?, person.clock.now).await;
    let account = done.map_err(|refusal| led_back(refusal, &back))?;
    let message = format!("The second factor of {} is gone, and they are signed out everywhere.", account.user.name);
    Ok(answers.lead(&back, person.user(), Checked::good(message)))
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
    let ended = ops::account::end_session(&app, person.actor(), session).await;
    let checked = Checked::gone(ended, "The session has ended.", "The session had ended already.")?;
    Ok(answers.lead(&format!("/people/{}", read(&id)?), person.user(), checked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_whom_no_password_is_taken_the_page_says_how_they_come_in() {
        let check = |state, is_linked, expected| {
            assert!(sentence(state, is_linked, false).contains(expected), "{state:?}");
            assert!(!sentence(state, is_linked, true).contains("identity provider"), "{state:?}");
        };
        check(AccountState::Invited, false, "Invited: signs in by the identity provider");
        check(AccountState::Active, false, "Passwords are for practice managers");
        check(AccountState::Active, true, "Can sign in, by the identity provider");
        check(AccountState::Disabled, true, "Cannot sign in");
    }
}
