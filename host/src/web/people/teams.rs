//! Teams: who is in which, and, for practice managers, forms to make and change them.

use askama::Template;
use axum::Extension;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};

use super::{Names, everybody, offered, title};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::access::team::Team;
use crate::domain::account::{Account, AccountState};
use crate::domain::{TeamId, UserId};
use crate::ops::teams::WantedTeam;
use crate::ops::{self, Kind, Refusal};
use crate::web::answers::{AnswerQuery, Answers, Checked};
use crate::web::failure::{Failure, describe, page};
use crate::web::layout::{Layout, Section};
use crate::web::listing::OnlyPage;
use crate::web::session::SignedIn;

/// What is said of a member whose account is disabled.
const DISABLED: &str = "disabled";

/// The page's address.
const PATH: &str = "/people/teams";

#[derive(Template)]
#[template(path = "teams.html")]
pub(in crate::web) struct TeamsPage {
    pub(in crate::web) layout: Layout,
    pub(in crate::web) checked: Option<Checked>,
    pub(in crate::web) teams: Vec<TeamCard>,
    /// The name that was typed of a new team, which was refused.
    pub(in crate::web) typed: String,
    /// Everybody who can be in a new team.
    pub(in crate::web) everybody: Vec<Member>,
}

/// A team.
pub(in crate::web) struct TeamCard {
    pub(in crate::web) id: TeamId,
    pub(in crate::web) name: String,
    /// The version that a change follows.
    pub(in crate::web) version: String,
    /// The name as it stands in the form.
    pub(in crate::web) typed: String,
    /// Whether the form is open, because what was typed in it was refused.
    pub(in crate::web) is_open: bool,
    /// The names of its members.
    pub(in crate::web) members: Vec<String>,
    /// Everybody who is in it or can be.
    pub(in crate::web) choices: Vec<Member>,
}

/// Somebody who is in a team, or can be.
pub(in crate::web) struct Member {
    pub(in crate::web) user: UserId,
    pub(in crate::web) name: String,
    pub(in crate::web) role: String,
    pub(in crate::web) is_in: bool,
}

/// `GET /people/teams`
pub(in crate::web) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Query(answer): Query<AnswerQuery>,
    _: OnlyPage,
) -> Result<Response, Failure> {
    person.may(Action::ReadPeople)?;
    let checked = answers.of(&answer, person.user());
    page(&load(&app, &person, checked, (None, WantedTeam::default())).await?)
}

/// The teams, with what was typed in the form of one of them, or of a new one.
async fn load(
    app: &App,
    person: &SignedIn,
    checked: Option<Checked>,
    (of, typed): (Option<TeamId>, WantedTeam),
) -> Result<TeamsPage, Failure> {
    let accounts = everybody(app).await?;
    let names = Names::of(&accounts);
    let shown = |team: Team| {
        let mut card = card(team, &accounts, &names);
        if of == Some(card.id) {
            card.typed.clone_from(&typed.name);
            card.choices = choices(&typed.members, &accounts, &names);
            card.is_open = true;
        }
        card
    };
    Ok(TeamsPage {
        layout: Layout::load(app, person, Section::People).await?,
        checked,
        teams: app.store.teams().await?.into_iter().map(shown).collect(),
        everybody: choices(if of.is_none() { &typed.members } else { &[] }, &accounts, &names),
        typed: if of.is_none() { typed.name } else { String::new() },
    })
}

fn card(team: Team, accounts: &[Account], names: &Names) -> TeamCard {
    let name = |user: &UserId| {
        let account = accounts.iter().find(|account| account.user.id == *user);
        let name = names.get(*user).unwrap_or_else(|| "Somebody".to_owned());
        let is_disabled = account.is_some_and(|account| account.state == AccountState::Disabled);
        if is_disabled { format!("{name} ({DISABLED})") } else { name }
    };
    TeamCard {
        id: team.id,
        version: team.version(),
        members: team.members.iter().map(name).collect(),
        choices: choices(&team.members, accounts, names),
        typed: team.name.clone(),
        is_open: false,
        name: team.name,
    }
}

fn choices(members: &[UserId], accounts: &[Account], names: &Names) -> Vec<Member> {
    let is_in = |user: UserId| members.contains(&user);
    let offered = offered(accounts, is_in);
    offered
        .map(|account @ Account { user, .. }| Member {
            user: user.id,
            name: names.get(user.id).unwrap_or_default(),
            role: if account.state == AccountState::Disabled { DISABLED.to_owned() } else { title(user.role) },
            is_in: is_in(user.id),
        })
        .collect()
}

/// The team that a form describes: `name`, and a `member` for each who is chosen; and the `version` that was shown.
fn read(pairs: Vec<(String, String)>) -> Result<(WantedTeam, Option<Vec<String>>), Failure> {
    let (mut wanted, mut version) = (WantedTeam { name: String::new(), members: Vec::new() }, None);
    for (name, value) in pairs {
        match name.as_str() {
            "name" => wanted.name = value,
            "version" => version = Some(vec![value]),
            "member" => wanted.members.push(value.parse().map_err(|_| Failure::Unreadable)?),
            _ => return Err(Failure::Unreadable),
        }
    }
    Ok((wanted, version))
}

/// `POST /people/teams`
pub(in crate::web) async fn make(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    person.may(Action::ManageHouseholds)?;
    let (wanted, _) = read(pairs)?;
    match ops::teams::make(&app, person.actor(), wanted.clone()).await {
        Ok(team) => Ok(lead(&answers, &person, format!("The team {} was made.", team.name))),
        Err(refusal) => again(&app, &person, refusal, (None, wanted)).await,
    }
}

/// `POST /people/teams/{id}`
pub(in crate::web) async fn change(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<TeamId>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    person.may(Action::ManageHouseholds)?;
    let (wanted, version) = read(pairs)?;
    match ops::teams::change(&app, person.actor(), id, version, wanted.clone()).await {
        Ok(team) => Ok(lead(&answers, &person, format!("The team {} was changed.", team.name))),
        Err(refusal) if refusal.kind == Kind::Stale => {
            // What was typed was meant of another team than there is now.
            Ok(answers.lead(PATH, person.user(), Checked::bad(refusal.message)))
        }
        Err(refusal) => again(&app, &person, refusal, (Some(id), wanted)).await,
    }
}

/// `POST /people/teams/{id}/remove`
pub(in crate::web) async fn remove(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<TeamId>,
) -> Result<Response, Failure> {
    person.may(Action::ManageHouseholds)?;
    let removed = ops::teams::remove(&app, person.actor(), id).await;
    let checked = Checked::gone(removed, "The team was removed.", "The team was removed already.")?;
    Ok(answers.lead(PATH, person.user(), checked))
}

/// Leads back to the teams, which say what was done.
fn lead(answers: &Answers, person: &SignedIn, done: String) -> Response {
    answers.lead(PATH, person.user(), Checked::good(done))
}

/// Shows the teams again, with what was typed and what is wrong with it.
async fn again(
    app: &App,
    person: &SignedIn,
    refusal: Refusal,
    typed: (Option<TeamId>, WantedTeam),
) -> Result<Response, Failure> {
    if refusal.fields.is_empty() {
        return Err(refusal.into());
    }
    let (status, _) = describe(refusal.kind);
    let checked = Some(Checked::refused(refusal));
    Ok((status, page(&load(app, person, checked, typed).await?)?).into_response())
}
