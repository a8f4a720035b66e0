//! Emergency access: a household opened for a time by somebody who has no access to it, and looked at afterwards.

use jiff::SignedDuration;
use uuid::Uuid;

use super::{Kind, Refusal, audited, may, may_freshly};
use crate::app::App;
use crate::domain::access::emergency::{EmergencyAccess, LONGEST_FINDING, MOST_OPEN, SHORTEST_REASON};
use crate::domain::access::household::{Chosen, LONGEST_REASON};
use crate::domain::access::{Action, Actor, Decision, Who, authorize};
use crate::domain::audit::Subject;
use crate::domain::text;
use crate::domain::{EmergencyId, HouseholdId, Timestamp, UserId};
use crate::store::audit::scope;
use crate::store::book::{HouseholdFilter, PageRequest};
use crate::store::household_access::{Ended, Lookups, Opened, Reviewed};

/// The look-ups that an account has in an hour: nobody walks through the book by them, and who mistypes an email in an
/// emergency can look again.
const MOST_LOOKUPS: Lookups = Lookups { opened: 10, misses: 30 };

/// Opens a household, named by its id or by the whole email or CRM id of one of its people: a part of a name would tell who
/// is a client.
///
/// # Errors
/// Returns an error if the practice does not allow it, no household or several are of that, the reason tells nothing, or the
/// person has too many open.
pub async fn open(
    app: &App,
    actor: &Actor,
    of: &str,
    reason: &str,
    now: Timestamp,
) -> Result<EmergencyAccess, Refusal> {
    audited(app, actor, ("emergency.open", Subject::of_kind("household")), async move {
        may_freshly(actor, Action::OpenInEmergency)?;
        let user = in_person(actor)?;
        let lasts = app.config.emergency_lasts;
        if lasts <= SignedDuration::ZERO {
            let message = "Nothing was opened: emergency access is turned off here. Ask a practice manager.";
            return Err(Refusal::new(Kind::NotAllowed, message));
        }
        let reason = text::one_line(reason);
        let letters = reason.chars().filter(|letter| letter.is_alphanumeric()).count();
        if letters < SHORTEST_REASON || !text::fits_on_one_line(&reason, LONGEST_REASON) {
            let message = format!(
                "Say in {SHORTEST_REASON} letters at least, and {LONGEST_REASON} at most, on one line, why you need it now. A \
                 practice manager reads it."
            );
            return Err(Refusal::at("/reason", message));
        }
        // Asked before anything is looked for: whether something is found is told to nobody who cannot open it.
        if app.store.emergencies_open_to(user, now).await?.len() >= MOST_OPEN {
            return Err(too_many_open());
        }
        // What is counted is no part of what is asked for, and has no entry of its own.
        if !scope::apart(app.store.look_up_in_emergency(user, MOST_LOOKUPS, now)).await? {
            return Err(Refusal::new(Kind::TooMany(until_next_hour(now)), TOO_MANY_LOOKUPS));
        }
        let household = find(app, of).await?;
        scope::about(household);
        scope::in_household(household);
        if !app.store.access_reasons(user, household, now).await?.is_empty() || sees_all(actor) {
            let message = "Nothing was opened: you have access to this household. Look for it in the list of households.";
            return Err(Refusal::new(Kind::WrongState, message));
        }
        let ends_at = now + lasts;
        scope::detail(&format!("until {ends_at}"));
        let access = EmergencyAccess {
            id: EmergencyId(Uuid::now_v7()),
            user,
            household,
            reason,
            opened_at: now,
            ends_at,
            ended: None,
            reviewed: None,
            finding: None,
        };
        match app.store.open_in_emergency(access, MOST_OPEN).await? {
            Opened::Yes(access) | Opened::Already(access) => Ok(access),
            Opened::TooMany => Err(too_many_open()),
            Opened::NoHousehold => Err(nobody()),
        }
    })
    .await
}

/// Ends one before its time: one's own, or, for practice managers, anybody's.
///
/// # Errors
/// Returns an error if there is no such access, it is somebody else's, or it is over already.
pub async fn end(app: &App, actor: &Actor, id: EmergencyId, now: Timestamp) -> Result<EmergencyAccess, Refusal> {
    audited(app, actor, ("emergency.end", Subject::of_kind("household")), async move {
        may(actor, Action::OpenInEmergency)?;
        let known = app.store.emergency(id).await?.ok_or_else(|| not_there(id))?;
        if actor.account() != Some(known.user) && may(actor, Action::ManageHouseholds).is_err() {
            return Err(not_there(id));
        }
        scope::about(known.household);
        scope::in_household(known.household);
        let by = Chosen { by: actor.name.clone(), at: now };
        match app.store.end_emergency(id, by).await? {
            Ended::Yes(access) => Ok(access),
            Ended::Already(_) => Err(Refusal::new(Kind::WrongState, "Nothing was changed: it is over already.")),
            Ended::NotThere => Err(not_there(id)),
        }
    })
    .await
}

/// Keeps that a practice manager looked at one that is over, and what they found.
///
/// # Errors
/// Returns an error if there is no such access, it is open or one's own, or somebody looked at it before.
pub async fn review(
    app: &App,
    actor: &Actor,
    id: EmergencyId,
    finding: Option<String>,
    now: Timestamp,
) -> Result<EmergencyAccess, Refusal> {
    audited(app, actor, ("emergency.review", Subject::of_kind("household")), async move {
        may(actor, Action::ManageHouseholds)?;
        let finding = finding.map(|finding| text::one_line(&finding)).filter(|finding| !finding.is_empty());
        if finding.as_ref().is_some_and(|finding| !text::fits_on_one_line(finding, LONGEST_FINDING)) {
            return Err(Refusal::at("/finding", format!("At most {LONGEST_FINDING} characters on one line.")));
        }
        let known = app.store.emergency(id).await?.ok_or_else(|| not_there(id))?;
        scope::about(known.household);
        scope::in_household(known.household);
        if actor.account() == Some(known.user) {
            let message = "Nothing was kept: another practice manager reviews what you opened yourself.";
            return Err(Refusal::new(Kind::NotAllowed, message));
        }
        if known.is_open(now) {
            let message = "Nothing was kept: it is open still. End it first, or wait until it is over.";
            return Err(Refusal::new(Kind::WrongState, message));
        }
        let by = Chosen { by: actor.name.clone(), at: now };
        match app.store.review_emergency(id, by, finding).await? {
            Reviewed::Yes(access) => Ok(access),
            Reviewed::Already(access) => {
                let who = access.reviewed.map_or_else(|| "Somebody".to_owned(), |reviewed| reviewed.by);
                Err(Refusal::new(Kind::WrongState, format!("Nothing was kept: {who} reviewed it before.")))
            }
            Reviewed::NotThere => Err(not_there(id)),
        }
    })
    .await
}

/// The account of a person who signed in: no program has an emergency.
fn in_person(actor: &Actor) -> Result<UserId, Refusal> {
    match actor.who {
        Who::Person { user, .. } => Ok(user),
        Who::Token { .. } | Who::BootstrapToken | Who::Operator | Who::Host => {
            let message = "Nothing was opened: this is for a person who signed in. A program works in the households of \
                           whose token it has.";
            Err(Refusal::new(Kind::NotAllowed, message))
        }
    }
}

fn sees_all(actor: &Actor) -> bool {
    matches!(authorize(actor, Action::ReadBook, None), Decision::Allow { .. })
}

/// The one household that something names as a whole.
async fn find(app: &App, of: &str) -> Result<HouseholdId, Refusal> {
    let of = of.trim();
    if let Ok(id) = of.parse::<HouseholdId>() {
        return app.store.resolved_household(id).await?.ok_or_else(nobody);
    }
    if of.is_empty() || of.chars().count() > 320 {
        return Err(Refusal::at("/of", WHOLE));
    }
    let first = PageRequest { cursor: None, limit: 50 };
    let found = app.store.households(HouseholdFilter::search(of.to_owned()), first).await?.items;
    // A search finds by parts of names, too.
    let is_whole = |row: &crate::store::book::HouseholdRow| {
        row.people.iter().any(|client| {
            let email = client.client.email.as_ref().is_some_and(|email| email.as_str().eq_ignore_ascii_case(of));
            email || client.client.external_id.as_str() == of
        })
    };
    let mut named = found.iter().filter(|row| is_whole(row));
    match (named.next(), named.next()) {
        (Some(row), None) => Ok(row.household.id),
        (Some(_), Some(_)) => Err(Refusal::at(
            "/of",
            "Several households have this. Name the client’s id in the CRM, or ask a practice manager for access.",
        )),
        (None, _) => Err(nobody()),
    }
}

/// The seconds until the hour is over by which look-ups are counted.
fn until_next_hour(now: Timestamp) -> std::time::Duration {
    std::time::Duration::from_secs(3600 - u64::try_from(now.as_second()).unwrap_or_default() % 3600)
}

const TOO_MANY_LOOKUPS: &str = "Nothing was opened: you have opened ten households in this hour, or looked thirty times without opening one. Ask a \
     practice manager for access.";

const WHOLE: &str =
    "Name the household by its address here, or by the whole email or CRM id of one of its people, not by a name.";

fn too_many_open() -> Refusal {
    let message = format!(
        "Nothing was opened: you have {MOST_OPEN} households open in an emergency, the most at once. End one first."
    );
    Refusal::new(Kind::WrongState, message)
}

fn nobody() -> Refusal {
    Refusal::at("/of", format!("No household is found by this. {WHOLE}"))
}

fn not_there(id: EmergencyId) -> Refusal {
    Refusal::not_found(format_args!("emergency access {id}"))
}
