//! Households: who answers for one, and syncing its people now.

use super::household_access::stale;
use super::{Kind, Refusal, audited, may, runs};
use crate::app::App;
use crate::domain::access::household::{Chosen, Professional};
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;
use crate::domain::{ExternalId, HouseholdId, Timestamp};
use crate::store::book::HouseholdRow;
use crate::store::household_access::{AccessSet, NewAccess};
use crate::sync::{ClientSyncError, ClientSyncOutcome};

/// Sets who answers for a household; with none, the CRM's adviser does again.
///
/// # Errors
/// Returns an error if there is no such household, or its connection has no such adviser.
pub async fn choose_professional(
    app: &App,
    actor: &Actor,
    id: HouseholdId,
    adviser: Option<ExternalId>,
    now: Timestamp,
) -> Result<(), Refusal> {
    audited(app, actor, ("households.choose_professional", Subject::new("household", id)), async move {
    may(actor, Action::ManageHouseholds)?;
    let household = find(app, id).await?.household;
    let connection = household.connection;
    let primary = match adviser {
        Some(external_id) => {
            if app.store.adviser(connection.clone(), external_id.clone()).await?.is_none() {
                let message = format!(
                    "the connection `{connection}` has no adviser `{external_id}`; the CRM's users come over with each sync"
                );
                return Err(Refusal::at("/primary_professional/external_id", message));
            }
            Professional::OfCrm { connection, external_id }
        }
        None => match household.adviser_external_id {
            Some(external_id) => Professional::OfCrm { connection, external_id },
            None => Professional::FirstAdviser,
        },
    };
    let Some(access) = app.store.household_access(household.id).await? else { return Err(no_household(id)) };
    let secondary = access.secondary.filter(|secondary| *secondary != primary);
    let chosen = Chosen { by: actor.name.clone(), at: now };
    let (household, staff) = (access.household, access.staff);
    let follows = Some(access.version);
    let new = NewAccess { household, follows, primary, secondary, staff, chosen };
    match app.store.set_household_access(new).await? {
        AccessSet::Yes(_) => Ok(()),
        AccessSet::NoHousehold => Err(no_household(id)),
        AccessSet::Stale(now) => Err(stale(now)),
    }
    })
    .await
}

/// Reads the people of a household from the CRM, one after the other; answers what came of each.
///
/// # Errors
/// Returns an error if there is no such household, nobody in it is linked, their connection does not run, or the CRM
/// fails. What had been imported before stays.
pub async fn sync(app: &App, actor: &Actor, id: HouseholdId) -> Result<Vec<ClientSyncOutcome>, Refusal> {
    audited(app, actor, ("households.sync", Subject::new("household", id)), async move {
        may(actor, Action::ControlRuns)?;
        let people = find(app, id).await?.people;
        // Somebody whom the practice has made has nothing in the CRM to be read; the partner may have.
        let linked: Vec<_> = people.iter().filter(|person| person.crm_id().is_some()).collect();
        if linked.is_empty() {
            return Err(Refusal::new(Kind::WrongState, ClientSyncError::NotLinked.to_string()));
        }
        let mut outcomes = Vec::with_capacity(linked.len());
        for person in linked {
            outcomes.push(runs::one(app, &person.origin.connection, &person.client.external_id).await?.outcome);
        }
        Ok(outcomes)
    })
    .await
}

async fn find(app: &App, id: HouseholdId) -> Result<HouseholdRow, Refusal> {
    app.store.household(id).await?.ok_or_else(|| no_household(id))
}

fn no_household(id: HouseholdId) -> Refusal {
    Refusal::not_found(format_args!("household {id}"))
}
