//! Household access: who answers for a household, and who else works in it.

use std::collections::HashSet;

use super::{FieldError, Kind, Refusal, audited, book, may, may_freshly};
use crate::app::App;
use crate::domain::access::household::{
    Chosen, HouseholdAccess, LONGEST_REASON, MOST_STAFF, Professional, STAFF_ROLES, StaffAccess, TOO_LATE, is_too_late,
};
use crate::domain::access::{Action, Actor, Role};
use crate::domain::account::AccountState;
use crate::domain::audit::Subject;
use crate::domain::text;
use crate::domain::{ConnectionName, ExternalId, HouseholdId, Timestamp, UserId};
use crate::store::audit::scope;
use crate::store::household_access::{
    AccessSet, HandOver, HandedOver, LinkedBy, LinkedProfessional, NewAccess, Passed,
};

/// The message where nobody is named as the primary professional.
pub const NO_PRIMARY: &str =
    "A household always has one primary professional. Name somebody with an account, or a user of the CRM.";

/// A professional as somebody names them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Named {
    /// Somebody with an account.
    Account(UserId),
    /// A user of the CRM of the household's connection, with the account that was read with them, where one was sent again.
    OfCrm(ExternalId, Option<UserId>),
    /// The first adviser of the practice.
    FirstAdviser,
}

/// A member of the staff to be given access.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WantedStaff {
    /// The person's account.
    pub user: UserId,
    /// The person's role in the household.
    pub role: Role,
    /// The moment from which on the person has no access any more.
    pub expires_at: Option<Timestamp>,
    /// The reason.
    pub reason: Option<String>,
}

/// The access to a household, as somebody wants it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The primary professional; none is refused.
    pub primary: Option<Named>,
    /// The secondary professional.
    pub secondary: Option<Named>,
    /// The staff.
    pub staff: Vec<WantedStaff>,
}

impl Wanted {
    /// What there is, for whoever changes a part of it.
    pub fn of(access: &HouseholdAccess) -> Self {
        let named = |professional: &Professional| match professional {
            Professional::Account(user) => Named::Account(*user),
            Professional::OfCrm { external_id, .. } => Named::OfCrm(external_id.clone(), None),
            Professional::FirstAdviser => Named::FirstAdviser,
        };
        let staff = |given: &StaffAccess| WantedStaff {
            user: given.user,
            role: given.role,
            expires_at: given.expires_at,
            reason: given.reason.clone(),
        };
        Self {
            primary: Some(named(&access.primary)),
            secondary: access.secondary.as_ref().map(named),
            staff: access.staff.iter().map(staff).collect(),
        }
    }
}

/// Sets the access to a household, all of it at once; answers it as it is from now on.
///
/// # Errors
/// Returns an error if there is no such household, something does not fit, or somebody changed it since the version that
/// `follows` names.
pub async fn set(
    app: &App,
    actor: &Actor,
    id: HouseholdId,
    follows: Option<u64>,
    wanted: Wanted,
    now: Timestamp,
) -> Result<HouseholdAccess, Refusal> {
    audited(app, actor, ("household_access.set", Subject::new("household", id)), async move {
        may(actor, Action::ManageHouseholds)?;
        let not_there = || Refusal::not_found(format_args!("household {id}"));
        let household = book(app, actor, Action::ReadBook).await?.household(id).await?.ok_or_else(not_there)?.household;
        let before = app.store.household_access(household.id).await?.ok_or_else(not_there)?;
        let mut errors = Errors::default();
        let Some(primary) = wanted.primary.clone() else {
            return Err(Refusal::at("/primary", NO_PRIMARY));
        };
        let of_connection = &household.connection;
        let primary =
            professional(app, &mut errors, (of_connection, "/primary"), primary, Some(&before.primary)).await?;
        let secondary = match wanted.secondary {
            Some(named) => {
                let at = (of_connection, "/secondary");
                professional(app, &mut errors, at, named, before.secondary.as_ref()).await?
            }
            None => None,
        };
        if primary.is_some() && primary == secondary {
            errors.add("/secondary", "This is the primary professional. Name somebody else, or nobody.");
        }
        let professionals = [primary.clone(), secondary.clone()];
        let staff = staff(app, actor, &mut errors, (wanted.staff, &professionals, &before), now).await?;
        let Some(primary) = primary.filter(|_| errors.0.is_empty()) else { return Err(Refusal::invalid(errors.0)) };
        scope::detail(&told(&primary, secondary.as_ref(), &staff));
        let chosen = Chosen { by: actor.name.clone(), at: now };
        let new = NewAccess { household: household.id, follows, primary, secondary, staff, chosen };
        match app.store.set_household_access(new).await? {
            AccessSet::Yes(access) => Ok(access),
            AccessSet::NoHousehold => Err(not_there()),
            AccessSet::Stale(now) => Err(stale(now)),
        }
    })
    .await
}

/// The staff whom somebody wants to give access, each of whom can have it.
async fn staff(
    app: &App,
    actor: &Actor,
    errors: &mut Errors,
    (wanted, professionals, before): (Vec<WantedStaff>, &[Option<Professional>], &HouseholdAccess),
    now: Timestamp,
) -> Result<Vec<StaffAccess>, Refusal> {
    if wanted.len() > MOST_STAFF {
        errors.add("/staff", format!("A household has at most {MOST_STAFF} staff."));
    }
    let mut known = HashSet::new();
    let mut staff = Vec::with_capacity(wanted.len().min(MOST_STAFF));
    for (place, WantedStaff { user, role, expires_at, reason }) in wanted.into_iter().take(MOST_STAFF).enumerate() {
        let at = |field: &str| format!("/staff/{place}/{field}");
        if !known.insert(user) {
            let message = "The same person stands in the list before. One person has one role in a household.";
            errors.add(at("user_id"), message);
        }
        if professionals.contains(&Some(Professional::Account(user))) {
            errors.add(at("user_id"), "This person is a professional of the household, and has access by that.");
        }
        let is_kept = before.staff.iter().any(|given| given.user == user);
        match app.store.account(user).await? {
            None => errors.add(at("user_id"), format!("There is no account {user}.")),
            // Who has access already may keep it.
            Some(account) if account.state == AccountState::Disabled && !is_kept => {
                errors.add(at("user_id"), format!("The account of {} is disabled.", account.user.name));
            }
            Some(account) if !account.user.role.can_be_staff() && !is_kept => {
                let message = format!(
                    "{} is {} in the practice, and works in no household. Name somebody else.",
                    account.user.name, account.user.role
                );
                errors.add(at("user_id"), message);
            }
            Some(_) => {}
        }
        if !STAFF_ROLES.contains(&role) {
            let roles = STAFF_ROLES.map(|role| format!("`{}`", role.as_str())).join(", ");
            errors.add(at("role"), format!("In a household somebody is one of {roles}."));
        }
        let reason = reason.map(|reason| text::one_line(&reason)).filter(|reason| !reason.is_empty());
        // What is over stays as it was, or is given anew.
        let is_as_it_was = |given: &StaffAccess| {
            (given.user, given.role, given.expires_at) == (user, role, expires_at) && given.reason == reason
        };
        if expires_at.is_some_and(|end| end <= now) && !before.staff.iter().any(is_as_it_was) {
            errors.add(at("expires_at"), "This is over already. Choose a day to come, or none.");
        }
        if expires_at.is_some_and(is_too_late) {
            errors.add(at("expires_at"), TOO_LATE);
        }
        if reason.as_ref().is_some_and(|reason| !text::fits_on_one_line(reason, LONGEST_REASON)) {
            errors.add(at("reason"), format!("A reason is at most {LONGEST_REASON} characters on one line."));
        }
        staff.push(StaffAccess { user, role, expires_at, reason, given_by: actor.name.clone(), given_at: now });
    }
    Ok(staff)
}

/// What the audit log has of an access: ids, roles and ends.
fn told(primary: &Professional, secondary: Option<&Professional>, staff: &[StaffAccess]) -> String {
    let id = |professional: &Professional| match professional {
        Professional::Account(user) => format!("account {user}"),
        Professional::OfCrm { external_id, .. } => format!("user {external_id} of the CRM"),
        Professional::FirstAdviser => "the first adviser".to_owned(),
    };
    let mut told = format!("primary {}", id(primary));
    told.extend(secondary.map(|secondary| format!("; secondary {}", id(secondary))));
    for StaffAccess { user, role, expires_at, .. } in staff {
        let until = expires_at.map(|end| format!(" until {end}")).unwrap_or_default();
        told.push_str(&format!("; account {user} as {}{until}", role.as_str()));
    }
    told
}

/// Somebody changed the access since it was looked at.
pub(super) fn stale(now: HouseholdAccess) -> Refusal {
    let who = now.chosen.map_or("the CRM".to_owned(), |chosen| chosen.by);
    let message = format!(
        "Nothing was changed: {who} changed the access to this household meanwhile. Look at it as it is now, then change it \
         again."
    );
    Refusal::new(Kind::Stale, message)
}

/// The errors of what was sent.
#[derive(Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.into(), message: message.into() });
    }
}

/// The professional whom somebody named, where that one can answer for a household. Who does it already stays, whatever
/// became of their account: the rest of the access can be changed before they are followed by somebody.
async fn professional(
    app: &App,
    errors: &mut Errors,
    (connection, pointer): (&ConnectionName, &str),
    named: Named,
    before: Option<&Professional>,
) -> Result<Option<Professional>, Refusal> {
    match named {
        Named::Account(user) if before == Some(&Professional::Account(user)) => Ok(before.cloned()),
        Named::FirstAdviser if before == Some(&Professional::FirstAdviser) => Ok(Some(Professional::FirstAdviser)),
        Named::FirstAdviser => {
            errors.add(pointer, "Name somebody with an account, or a user of the CRM.");
            Ok(None)
        }
        Named::OfCrm(external_id, account) => {
            if app.store.adviser(connection.clone(), external_id.clone()).await?.is_none() {
                let message = format!(
                    "The connection `{connection}` has no adviser `{external_id}`; the CRM's users come over with each sync."
                );
                errors.add(format!("{pointer}/external_id"), message);
                return Ok(None);
            }
            let professional = Professional::OfCrm { connection: connection.clone(), external_id };
            if let Some(user) = account
                && app.store.account_of(professional.clone()).await?.is_none_or(|linked| linked.user.id != user)
            {
                let message = "It is not the account of this user of the CRM. Send one of the two.";
                errors.add(format!("{pointer}/user_id"), message);
                return Ok(None);
            }
            Ok(Some(professional))
        }
        Named::Account(user) => {
            let can_be = if pointer == "/primary" { Role::can_be_primary } else { Role::can_be_secondary };
            let fits = can_answer(app, errors, format!("{pointer}/user_id"), (user, can_be)).await?;
            Ok(fits.then_some(Professional::Account(user)))
        }
    }
}

/// Whether an account can answer for households in a part that its role allows; else an error says why not.
async fn can_answer(
    app: &App,
    errors: &mut Errors,
    at: String,
    (user, can_be): (UserId, fn(Role) -> bool),
) -> Result<bool, Refusal> {
    let problem = match app.store.account(user).await? {
        None => format!("There is no account {user}."),
        Some(account) if account.state == AccountState::Disabled => {
            format!("The account of {} is disabled. Name somebody who can sign in.", account.user.name)
        }
        Some(account) if !can_be(account.user.role) => format!(
            "{} is {} in the practice. An adviser or a practice manager answers for a household.",
            account.user.name, account.user.role
        ),
        Some(_) => return Ok(true),
    };
    errors.add(at, problem);
    Ok(false)
}

/// Somebody whose households are handed over, and who has them from then on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HandOverRequest {
    /// The account of who leaves.
    pub user: UserId,
    /// The account of who answers for the households.
    pub to: UserId,
}

const NOT_AS_SHOWN: &str = "Nothing was changed: the households are not those that were shown any more. Look at them as \
                            they are now, then hand them over.";

const NOT_SHOWN: &str = "Nothing was changed: say which households you mean. Read `GET /users/{id}/households`, and send its \
                         `ETag` as `If-Match`.";

/// Hands the households of somebody over to somebody else, who answers for them from then on in the same part; what the one
/// before had access to as staff ends, and what they have open in an emergency. Answers the numbers of these.
///
/// # Errors
/// Returns an error if there is no such account, the other one cannot answer for households, or the households are others
/// than those of the versions that were shown, any of which will do ([`HandOver::version_of`]), or nobody says what was.
pub async fn hand_over(
    app: &App,
    actor: &Actor,
    HandOverRequest { user: from, to }: HandOverRequest,
    shown: Option<Vec<String>>,
    now: Timestamp,
) -> Result<Passed, Refusal> {
    audited(app, actor, ("household_access.hand_over", Subject::new("account", from)), async move {
        may_freshly(actor, Action::ManageHouseholds)?;
        let parts = app.store.parts_of(from).await?;
        scope::detail(&format!("{} households to account {to}", parts.len()));
        if app.store.account(from).await?.is_none() {
            return Err(Refusal::not_found(format_args!("account {from}")));
        }
        let mut errors = Errors::default();
        if to == from {
            errors.add("/to", "Choose somebody else than the one whose households they are.");
        } else {
            can_answer(app, &mut errors, "/to".to_owned(), (to, Role::can_be_primary)).await?;
        }
        if !errors.0.is_empty() {
            return Err(Refusal::invalid(errors.0));
        }
        let Some(shown) = shown else { return Err(Refusal::new(Kind::PreconditionRequired, NOT_SHOWN)) };
        if !shown.contains(&HandOver::version_of(&parts)) {
            return Err(Refusal::new(Kind::Stale, NOT_AS_SHOWN));
        }
        if parts.is_empty() && app.store.emergencies_open_to(from, now).await?.is_empty() {
            return Err(Refusal::new(
                Kind::WrongState,
                "There is nothing to hand over: this account has no household.",
            ));
        }
        let chosen = Chosen { by: actor.name.clone(), at: now };
        match app.store.hand_over(from, Professional::Account(to), parts, chosen).await? {
            HandedOver::Yes(passed) => Ok(passed),
            HandedOver::Stale => Err(Refusal::new(Kind::Stale, NOT_AS_SHOWN)),
        }
    })
    .await
}

/// Says who answers for households for which nobody is named, such as those that support staff make; none: the first
/// adviser of the practice.
///
/// # Errors
/// Returns an error if there is no such account, or it cannot answer for a household.
pub async fn set_default_primary(app: &App, actor: &Actor, user: Option<UserId>) -> Result<(), Refusal> {
    audited(app, actor, ("household_access.set_default_primary", Subject::of_kind("account")), async move {
        may(actor, Action::ManageHouseholds)?;
        scope::about(user.map_or("the first adviser".to_owned(), |user| user.to_string()));
        if let Some(user) = user {
            match app.store.account(user).await? {
                None => return Err(Refusal::at("/user_id", format!("There is no account {user}."))),
                Some(account) if account.state != AccountState::Active || !account.user.role.can_be_primary() => {
                    let message = format!(
                        "{} cannot be it: choose an adviser or a practice manager who can sign in.",
                        account.user.name
                    );
                    return Err(Refusal::at("/user_id", message));
                }
                Some(_) => {}
            }
        }
        Ok(app.store.set_default_primary(user).await?)
    })
    .await
}

/// Says which account stands for a user of the CRM: one, none, or the one with the email of theirs.
///
/// # Errors
/// Returns an error if the CRM shows no such user, or there is no such account.
pub async fn link_professional(
    app: &App,
    actor: &Actor,
    connection: ConnectionName,
    id: ExternalId,
    to: LinkedBy,
) -> Result<LinkedProfessional, Refusal> {
    audited(app, actor, ("household_access.link_professional", Subject::new("connection", &connection)), async move {
        may_freshly(actor, Action::ManageHouseholds)?;
        let not_there = || Refusal::not_found(format_args!("user `{id}` of the CRM in the connection `{connection}`"));
        if app.store.linked_professional(connection.clone(), id.clone()).await?.is_none() {
            return Err(not_there());
        }
        // An id that names nobody may be anything, a client's name too.
        scope::detail(&match to {
            LinkedBy::Email => format!("user {id} by email"),
            LinkedBy::Hand(user) => format!("user {id} is account {user}"),
            LinkedBy::Nobody => format!("user {id} is nobody"),
        });
        if let LinkedBy::Hand(user) = to {
            let mut errors = Errors::default();
            can_answer(app, &mut errors, "/user_id".to_owned(), (user, Role::can_be_primary)).await?;
            if !errors.0.is_empty() {
                return Err(Refusal::invalid(errors.0));
            }
        }
        app.store.link_professional(connection.clone(), id.clone(), to).await?;
        app.store.linked_professional(connection.clone(), id.clone()).await?.ok_or_else(not_there)
    })
    .await
}
