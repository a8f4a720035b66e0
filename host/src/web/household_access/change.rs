//! Changes of a household's access, by forms: each sends the version that it was shown with.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Form};
use jiff::civil::Date;
use serde::Deserialize;

use super::{Typed, access_of, load};
use crate::app::App;
use crate::audit;
use crate::domain::access::household::HouseholdAccess;
use crate::domain::access::{Action, Role};
use crate::domain::{ExternalId, HouseholdId, UserId};
use crate::ops::household_access::{Named, Wanted, WantedStaff};
use crate::ops::{self, Refusal};
use crate::web::answers::{Answers, Checked};
use crate::web::failure::{Failure, page};
use crate::web::household;
use crate::web::session::SignedIn;

/// The version that was looked at, and the professional that was chosen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ProfessionalForm {
    version: u64,
    professional: String,
    /// What becomes of the primary professional before: `secondary`, `staff` or nothing.
    #[serde(default)]
    before: String,
}

/// `POST /households/{id}/access/primary`
pub(in crate::web) async fn make_primary(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Form(form): Form<ProfessionalForm>,
) -> Result<Response, Failure> {
    let named = named(&form.professional)?;
    change(&app, &person, &answers, &id, form.version, "The primary professional is changed.", |wanted| {
        let before = wanted.primary.take();
        wanted.primary.clone_from(&named);
        if wanted.secondary == named {
            wanted.secondary = None;
        }
        leave_staff(wanted, named.as_ref());
        match (form.before.as_str(), before) {
            ("secondary", before) => wanted.secondary = before.or(wanted.secondary.take()),
            ("staff", Some(Named::Account(user))) => {
                wanted.staff.retain(|given| given.user != user);
                wanted.staff.push(WantedStaff { user, role: Role::Adviser, expires_at: None, reason: None });
            }
            _ => {}
        }
        Ok(())
    })
    .await
}

/// `POST /households/{id}/access/secondary`
pub(in crate::web) async fn set_secondary(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Form(form): Form<ProfessionalForm>,
) -> Result<Response, Failure> {
    let named = named(&form.professional)?;
    let done = if named.is_some() {
        "The secondary professional is changed."
    } else {
        "There is no secondary professional now."
    };
    change(&app, &person, &answers, &id, form.version, done, |wanted| {
        leave_staff(wanted, named.as_ref());
        wanted.secondary = named;
        Ok(())
    })
    .await
}

/// Who becomes a professional has access by that.
fn leave_staff(wanted: &mut Wanted, named: Option<&Named>) {
    if let Some(Named::Account(user)) = named {
        wanted.staff.retain(|given| given.user != *user);
    }
}

/// The professional that a form names; none for nobody.
fn named(key: &str) -> Result<Option<Named>, Failure> {
    match key.split_once(':') {
        Some(("account", user)) => user.parse().map(|user| Some(Named::Account(user))).map_err(|_| Failure::Unreadable),
        Some(("crm", id)) => Ok(Some(Named::OfCrm(ExternalId(id.to_owned()), None))),
        _ if key == "first" => Ok(Some(Named::FirstAdviser)),
        _ if key.is_empty() => Ok(None),
        _ => Err(Failure::Unreadable),
    }
}

/// `POST /households/{id}/access/staff`: a `user` for each who is chosen, with `role-…` beside, and `until` and `reason` for
/// all of them.
pub(in crate::web) async fn give(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let chosen: Vec<UserId> =
        pairs.iter().filter(|(name, _)| name == "user").filter_map(|(_, user)| user.parse().ok()).collect();
    let values: BTreeMap<String, String> = pairs.into_iter().collect();
    let value = |name: &str| values.get(name).map(|value| value.trim()).unwrap_or_default();
    let version = value("version").parse().map_err(|_| Failure::Unreadable)?;
    let household = household::find(&app, &person, Action::ReadBook, &id).await?.household;
    let typed = Typed { chosen: chosen.iter().map(UserId::to_string).collect(), values: values.clone() };
    let again = async |checked: Checked, typed: Typed| {
        let page_again = load(&app, &person, &household, (Some(checked), typed)).await?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&page_again)?).into_response())
    };
    person.may(Action::ManageHouseholds)?;
    if chosen.is_empty() {
        let message = "Nothing was changed: choose whom to give access, in the first column.";
        audit::refused(message);
        return again(Checked::bad(message.to_owned()), typed).await;
    }
    let expires_at = match value("until") {
        "" => None,
        day => match day.parse::<Date>().and_then(|day| day.tomorrow()?.to_zoned(person.clock.zone.clone())) {
            Ok(end) => Some(end.timestamp()),
            Err(_) => {
                let message = "Nothing was changed: the last day is no day such as 2030-06-30.";
                audit::refused(message);
                return again(Checked::bad(message.to_owned()), typed).await;
            }
        },
    };
    let reason = (!value("reason").is_empty()).then(|| value("reason").to_owned());
    let staff = |user: &UserId| {
        let role = Role::from_word(value(&format!("role-{user}"))).ok_or(Failure::Unreadable)?;
        Ok(WantedStaff { user: *user, role, expires_at, reason: reason.clone() })
    };
    let given = chosen.iter().map(staff).collect::<Result<Vec<_>, Failure>>()?;
    let done = if given.len() == 1 { "Access was given." } else { "Access was given to all of them." };
    let mut wanted = Wanted::of(&access_of(&app, household.id, person.clock.now).await?);
    wanted.staff.retain(|known| given.iter().all(|new| new.user != known.user));
    wanted.staff.extend(given);
    match set(&app, &person, household.id, version, wanted).await {
        Ok(_) => Ok(answers.lead(&path(household.id), person.user(), Checked::good(done.to_owned()))),
        Err(refusal) => again(Checked::refused(refusal), typed).await,
    }
}

/// The address of the page.
fn path(household: HouseholdId) -> String {
    format!("/households/{household}/access")
}

/// The version that was looked at, with another role where one is chosen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct StaffForm {
    version: u64,
    #[serde(default)]
    role: String,
}

/// `POST /households/{id}/access/staff/{user}/role`
pub(in crate::web) async fn set_role(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path((id, user)): Path<(String, UserId)>,
    Form(form): Form<StaffForm>,
) -> Result<Response, Failure> {
    let role = Role::from_word(&form.role).ok_or(Failure::Unreadable)?;
    change(&app, &person, &answers, &id, form.version, "The role is changed.", |wanted| {
        let given = wanted.staff.iter_mut().find(|given| given.user == user).ok_or(NO_ACCESS)?;
        given.role = role;
        Ok(())
    })
    .await
}

/// `POST /households/{id}/access/staff/{user}/remove`
pub(in crate::web) async fn remove_staff(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path((id, user)): Path<(String, UserId)>,
    Form(form): Form<StaffForm>,
) -> Result<Response, Failure> {
    change(&app, &person, &answers, &id, form.version, "The access was taken away.", |wanted| {
        let place = wanted.staff.iter().position(|given| given.user == user).ok_or(NO_ACCESS)?;
        wanted.staff.remove(place);
        Ok(())
    })
    .await
}

/// What is said where somebody's access is to be changed who has none.
const NO_ACCESS: &str = "Nothing was changed: this person has no access as staff by now.";

/// Changes a part of the access, where it can be changed so, and leads back to its page, which says what came of it.
async fn change(
    app: &App,
    person: &SignedIn,
    answers: &Answers,
    id: &str,
    version: u64,
    done: &str,
    change: impl FnOnce(&mut Wanted) -> Result<(), &'static str>,
) -> Result<Response, Failure> {
    person.may(Action::ManageHouseholds)?;
    let household = household::find(app, person, Action::ReadBook, id).await?.household.id;
    let access: HouseholdAccess = access_of(app, household, person.clock.now).await?;
    let mut wanted = Wanted::of(&access);
    let answer = match change(&mut wanted) {
        Err(message) => {
            audit::refused(message);
            Checked::bad(message.to_owned())
        }
        Ok(()) => match set(app, person, household, version, wanted).await {
            Ok(_) => Checked::good(done.to_owned()),
            Err(refusal) => Checked::refused(refusal),
        },
    };
    Ok(answers.lead(&path(household), person.user(), answer))
}

async fn set(
    app: &App,
    person: &SignedIn,
    household: HouseholdId,
    version: u64,
    wanted: Wanted,
) -> Result<HouseholdAccess, Refusal> {
    ops::household_access::set(app, person.actor(), household, Some(version), wanted, person.clock.now).await
}
