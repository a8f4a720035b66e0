//! "Sync now" for the people of one household.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::failure::Failure;
use super::super::session::SignedIn;
use super::NO_HOUSEHOLD;
use crate::app::App;
use crate::domain::HouseholdId;
use crate::domain::access::Action;
use crate::ops;
use crate::sync::ClientSyncOutcome;

/// The button, and what came of it a moment ago.
pub(in crate::web) struct SyncForm {
    pub(in crate::web) action: String,
    pub(in crate::web) said: Vec<&'static str>,
}

/// The result of a sync, as the redirect behind the button says it.
#[derive(Deserialize, Default)]
pub(in crate::web) struct Synced {
    synced: Option<String>,
}

impl SyncForm {
    /// The button and the message; none for people who may not sync.
    pub(super) fn new(id: HouseholdId, synced: &Synced, person: &SignedIn) -> Option<Self> {
        person.may(Action::ControlRuns).ok()?;
        let message = synced.synced.as_deref().unwrap_or_default().split('.');
        let outcomes =
            message.filter_map(|word| ClientSyncOutcome::ALL.iter().find(|outcome| outcome.as_str() == word));
        Some(Self { action: format!("/households/{id}/sync"), said: outcomes.map(|outcome| said(*outcome)).collect() })
    }
}

/// `POST /households/{id}/sync`: each of its people, one after the other, and back to the page with what came of it.
pub(in crate::web) async fn sync(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: HouseholdId = id.parse().map_err(|_| NO_HOUSEHOLD)?;
    let outcomes = ops::households::sync(&app, person.actor(), id).await?;
    // Each outcome once, whoever it was of.
    let outcomes: BTreeSet<&str> = outcomes.into_iter().map(ClientSyncOutcome::as_str).collect();
    let outcomes: Vec<&str> = outcomes.into_iter().collect();
    Ok(Redirect::to(&format!("/households/{id}?synced={}", outcomes.join("."))).into_response())
}

fn said(outcome: ClientSyncOutcome) -> &'static str {
    match outcome {
        ClientSyncOutcome::Created | ClientSyncOutcome::Changed => {
            "Read from the CRM just now; what had changed came over."
        }
        ClientSyncOutcome::Unchanged => "Read from the CRM just now; nothing had changed.",
        ClientSyncOutcome::LeftOut => "Read from the CRM just now; a rule of the pack leaves the person out.",
        ClientSyncOutcome::Quarantined => {
            "Read from the CRM just now, but the record cannot be used; the page for review says why. What was here \
             stays."
        }
        ClientSyncOutcome::NotVisible => {
            "The CRM does not show this person to the connection’s user: deleted there, or outside the groups shared \
             with that user. Nothing was changed here."
        }
    }
}
