//! Runs: starting and cancelling them.

use super::{Kind, Refusal, audited, may};
use crate::app::App;
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;
use crate::domain::run::{Run, Trigger};
use crate::domain::{ConnectionName, ExternalId, RunId};
use crate::sync::SyncedClient;

/// The way in which to sync.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The sync keeps what comes.
    Keep,
    /// The sync counts what it would change, and keeps nothing.
    Rehearse,
}

/// Starts a run in the background, or answers the one that is under way.
///
/// # Errors
/// Returns an error if there is no such connection, or it does not run.
pub async fn start(app: &App, actor: &Actor, connection: &ConnectionName, mode: Mode) -> Result<Run, Refusal> {
    audited(app, actor, ("runs.start", Subject::new("connection", connection)), async move {
        may(actor, Action::ControlRuns)?;
        at_work(app, connection).await?;
        Ok(match mode {
            Mode::Keep => app.syncs.request(connection, Trigger::Request).await?,
            Mode::Rehearse => app.syncs.rehearse(connection)?,
        })
    })
    .await
}

/// Ends a run at its next commit; what it committed stays. Answers the run as it stands.
///
/// # Errors
/// Returns an error if there is no such run, or it is over.
pub async fn cancel(app: &App, actor: &Actor, id: RunId) -> Result<Run, Refusal> {
    audited(app, actor, ("runs.cancel", Subject::new("run", id)), async move {
        may(actor, Action::ControlRuns)?;
        let is_told = app.syncs.cancel(id);
        // Looked for afterwards: a run that ends in between is found in the store as it ended.
        let run = match app.syncs.watch(id) {
            Some(under_way) => Run::clone(&under_way.borrow()),
            None => app.store.run(id).await?.ok_or_else(|| Refusal::not_found(format_args!("run {id}")))?,
        };
        if is_told {
            return Ok(run);
        }
        let message = format!("This run is {} and not under way. Nothing was changed.", run.state.as_str());
        Err(Refusal::new(Kind::WrongState, message))
    })
    .await
}

/// Reads one client of a connection from the CRM.
pub(super) async fn one(app: &App, connection: &ConnectionName, id: &ExternalId) -> Result<SyncedClient, Refusal> {
    if id.in_crm().is_some() {
        at_work(app, connection).await?;
    }
    if app.store.is_erased(connection.clone(), id.clone()).await? {
        let message = format!(
            "{id} is of somebody who was erased here, and was not asked for. A practice manager can lift the erasure, under \
             Settings, Privacy."
        );
        return Err(Refusal::new(Kind::WrongState, message));
    }
    Ok(app.syncs.one(connection, id).await?)
}

/// Refuses where a connection is not there, or is there and does not run.
async fn at_work(app: &App, name: &ConnectionName) -> Result<(), Refusal> {
    if app.connections.get(name).is_some() {
        return Ok(());
    }
    match app.integrations.one(name).await?.idle() {
        Some(why) => Err(Refusal::new(Kind::WrongState, format!("{why} Nothing was started."))),
        None => Ok(()),
    }
}
