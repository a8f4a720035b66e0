//! Teams: who is in which, and, for practice managers, forms to make and change them.

use askama::Template;
use axum::Extension;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::{everybody, name_among, offered, title};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::access::team::Team;
use crate::domain::account::{Account, AccountState};
use crate::domain::{TeamId, UserId};
use crate::ops::teams::WantedTeam;
use crate::ops::{self, Kind, Refusal};
use crate::web::answers::{AnswerQuery, Answers, Checked};
use crate::web::failure::{Failure, page};
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
    /// Everybody who can be in a new team.
    pub(in crate::web) everybody: Vec<Member>,
}

/// A team.
pub(in crate::web) struct TeamCard {
    pub(in crate::web) id: TeamId,
    pub(in crate::web) name: String,
    /// The version that a change follows.
    pub(in crate::web) version: String,
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
    let accounts = everybody(&app).await?;
    let teams = app.store.teams().await?;
    let layout = Layout::load(&app, &person, Section::People).await?;
    let checked = answers.of(&answer, person.user());
    page(&TeamsPage {
        layout,
        checked,
        teams: teams.into_iter().map(|team| card(team, &accounts)).collect(),
        everybody: choices(&[], &accounts),
    })
}

fn card(team: Team, accounts: &[Account]) -> TeamCard {
    let name = |user: &UserId| {
        let account = accounts.iter().find(|account| account.user.id == *user);
        match account {
            None => "Somebody".to_owned(),
            Some(account) if account.state == AccountState::Disabled => {
                format!("{} ({DISABLED})", name_among(account, accounts))
            }
            Some(account) => name_among(account, accounts),
        }
    };
    TeamCard {
        id: team.id,
        version: team.version(),
        members: team.members.iter().map(name).collect(),
        choices: choices(&team.members, accounts),
        name: team.name,
    }
}

fn choices(members: &[UserId], accounts: &[Account]) -> Vec<Member> {
    let is_in = |user: UserId| members.contains(&user);
    let offered = offered(accounts, is_in);
    offered
        .map(|account @ Account { user, .. }| Member {
            user: user.id,
            name: name_among(account, accounts),
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
    let made = ops::teams::make(&app, person.actor(), read(pairs)?.0).await;
    lead(&answers, &person, made, |team| format!("The team {} was made.", team.name))
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
    let changed = ops::teams::change(&app, person.actor(), id, version, wanted).await;
    lead(&answers, &person, changed, |team| format!("The team {} was changed.", team.name))
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

/// Leads back to the teams with what came of it.
fn lead<T>(
    answers: &Answers,
    person: &SignedIn,
    done: Result<T, Refusal>,
    said: impl FnOnce(T) -> String,
) -> Result<Response, Failure> {
    let checked = match done {
        Ok(done) => Checked::good(said(done)),
        Err(refusal) if refusal.fields.is_empty() && refusal.kind != Kind::Stale => return Err(refusal.into()),
        Err(refusal) => Checked::refused(refusal),
    };
    Ok(answers.lead(PATH, person.user(), checked))
}
