//! Teams: colleagues who look after one another's households.

use uuid::Uuid;

use super::{FieldError, Kind, Refusal, audited, may};
use crate::app::App;
use crate::domain::access::team::{LONGEST_NAME, MOST_MEMBERS, MOST_TEAMS, Team};
use crate::domain::access::{Action, Actor};
use crate::domain::account::AccountState;
use crate::domain::audit::Subject;
use crate::domain::text;
use crate::domain::{TeamId, UserId};
use crate::store::audit::scope;
use crate::store::household_access::TeamOutcome;

/// A team as somebody wants it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct WantedTeam {
    /// The name.
    pub name: String,
    /// The accounts of its members.
    pub members: Vec<UserId>,
}

/// Makes a team.
///
/// # Errors
/// Returns an error if the name or a member does not fit, or there are as many teams as there may be.
pub async fn make(app: &App, actor: &Actor, wanted: WantedTeam) -> Result<Team, Refusal> {
    audited(app, actor, ("teams.make", Subject::of_kind("team")), async move {
        may(actor, Action::ManageHouseholds)?;
        let id = TeamId(Uuid::now_v7());
        scope::about(id);
        keep(app, id, wanted, None).await
    })
    .await
}

/// Changes a team's name and members, all of it at once, where it is still of one of the versions that `follows` names; none follows
/// whatever there is.
///
/// # Errors
/// Returns an error if there is no such team, the name or a member does not fit, or somebody changed it meanwhile.
pub async fn change(
    app: &App,
    actor: &Actor,
    id: TeamId,
    follows: Option<Vec<String>>,
    wanted: WantedTeam,
) -> Result<Team, Refusal> {
    audited(app, actor, ("teams.change", Subject::new("team", id)), async move {
        may(actor, Action::ManageHouseholds)?;
        let teams = app.store.teams().await?;
        let before = teams.into_iter().find(|team| team.id == id).ok_or_else(|| not_there(id))?;
        if follows.as_ref().is_some_and(|versions| !versions.contains(&before.version())) {
            return Err(stale());
        }
        keep(app, id, wanted, Some((before, follows.is_some()))).await
    })
    .await
}

/// Takes a team away. What its members have access to by other reasons stays.
///
/// # Errors
/// Returns an error if there is no such team.
pub async fn remove(app: &App, actor: &Actor, id: TeamId) -> Result<(), Refusal> {
    audited(app, actor, ("teams.remove", Subject::new("team", id)), async move {
        may(actor, Action::ManageHouseholds)?;
        if app.store.remove_team(id).await? { Ok(()) } else { Err(not_there(id)) }
    })
    .await
}

fn not_there(id: TeamId) -> Refusal {
    Refusal::not_found(format_args!("team {id}"))
}

fn stale() -> Refusal {
    let message =
        "Nothing was changed: somebody changed this team meanwhile. Look at it as it is now, then change it again.";
    Refusal::new(Kind::Stale, message)
}

/// Keeps a team in place of the one before, where there is one: with that goes whether it has to be that one still.
async fn keep(app: &App, id: TeamId, wanted: WantedTeam, before: Option<(Team, bool)>) -> Result<Team, Refusal> {
    let members_before = before.as_ref().map(|(team, _)| team.members.as_slice()).unwrap_or_default();
    let mut errors = Vec::new();
    let mut error = |pointer: String, message: String| errors.push(FieldError { pointer, message });
    // Names that read alike are one: a full-width letter makes no other team.
    let name = text::one_line(&text::by_its_letters(&wanted.name));
    if name.is_empty() || !text::fits_on_one_line(&name, LONGEST_NAME) {
        error("/name".to_owned(), format!("Enter a name of at most {LONGEST_NAME} characters on one line."));
    } else if !name.chars().any(|c| c.is_alphanumeric() && text::is_visible(c)) {
        error("/name".to_owned(), "Enter a name with at least one letter or digit.".to_owned());
    }
    if wanted.members.len() > MOST_MEMBERS {
        error("/members".to_owned(), format!("A team has at most {MOST_MEMBERS} members."));
    }
    let mut members: Vec<UserId> = Vec::with_capacity(wanted.members.len().min(MOST_MEMBERS));
    for (place, user) in wanted.members.into_iter().take(MOST_MEMBERS).enumerate() {
        let at = format!("/members/{place}");
        if members.contains(&user) {
            error(at, "The same person stands in the list before.".to_owned());
            continue;
        }
        members.push(user);
        match app.store.account(user).await? {
            None => error(at, format!("There is no account {user}.")),
            // Who is in the team already stays until somebody takes them out: their households are looked after by it.
            Some(account) if account.state == AccountState::Disabled && !members_before.contains(&user) => {
                error(at, format!("The account of {} is disabled.", account.user.name));
            }
            Some(_) => {}
        }
    }
    if !errors.is_empty() {
        return Err(Refusal::invalid(errors));
    }
    let accounts: Vec<String> = members.iter().map(|user| format!("account {user}")).collect();
    scope::detail(&if accounts.is_empty() { "nobody".to_owned() } else { accounts.join("; ") });
    let is_new = before.is_none();
    let seen = before.and_then(|(team, has_to_be)| has_to_be.then_some(team));
    match app.store.keep_team(Team { id, name, members }, is_new, seen).await? {
        TeamOutcome::Saved(team) => Ok(team),
        TeamOutcome::NameTaken => Err(Refusal::at("/name", "Another team has this name.")),
        TeamOutcome::TooMany => {
            let message = format!(
                "Nothing was kept: there are {MOST_TEAMS} teams, the most that there can be. Remove one first."
            );
            Err(Refusal::new(Kind::WrongState, message))
        }
        TeamOutcome::NotFound => Err(not_there(id)),
        TeamOutcome::Stale => Err(stale()),
    }
}
