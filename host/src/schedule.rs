//! Starting each connection's sync on schedule: by its crontab line on the practice's clock, a little later by a fixed
//! jitter, so that practices that share a site do not all knock on the hour.
//!
//! A tick that passes while the host is down, a run is under way or the store takes none is made up for once, however
//! many have passed. A connection that was never synced waits for its first tick, or for a person.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::app::App;
use crate::connection::Connection;
use crate::domain::run::{Run, Trigger};
use crate::domain::schedule::Schedule;
use crate::store::book::PageRequest;
use crate::store::{Store, StoreError};
use crate::sync::{SyncError, Syncs};
use crate::telemetry;

/// The longest jitter.
const MOST_JITTER_SECS: u64 = 60;
/// The clock is looked at this often, because it may be set, and machines sleep.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Sets off every connection's runs until `shutdown`, or those of the one of this name alone; connections may come and go
/// meanwhile.
pub async fn run(app: &App, only: Option<&str>, shutdown: &CancellationToken) {
    let mut changes = app.connections.changes();
    // Whoever is dropped from here stops.
    let mut jobs: Vec<(Arc<Connection>, DropGuard)> = Vec::new();
    while !shutdown.is_cancelled() {
        let now = changes.borrow_and_update().clone();
        jobs.retain(|(connection, _)| now.iter().any(|other| Arc::ptr_eq(connection, other)));
        for connection in now.iter().filter(|one| only.is_none_or(|only| one.name.as_str() == only)) {
            if !jobs.iter().any(|(other, _)| Arc::ptr_eq(connection, other)) {
                let stop = shutdown.child_token();
                tokio::spawn(supervised(app.clone(), Arc::clone(connection), stop.clone()));
                jobs.push((Arc::clone(connection), stop.drop_guard()));
            }
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = shutdown.cancelled() => {}
        }
    }
}

/// Keeps a connection's schedule until `stop`. Begun again after an error, it goes on where it was, because what is due
/// follows from the runs there were.
async fn supervised(app: App, connection: Arc<Connection>, stop: CancellationToken) {
    let zone = &app.config.practice.time_zone;
    let work = || async {
        let job = keep(app.syncs.clone(), app.store.clone(), Arc::clone(&connection), zone.clone());
        if let Some(Err(error)) = stop.run_until_cancelled(job).await {
            tracing::error!(connection = %connection.name, %error, "when it is to run next cannot be told");
        }
    };
    app.supervisor.keep(&format!("schedule of {}", connection.name), &stop, work).await;
}

/// Sets off a connection's runs for ever.
async fn keep(
    syncs: Syncs,
    store: Store,
    connection: Arc<Connection>,
    zone: TimeZone,
) -> Result<Infallible, StoreError> {
    let mut from = last_start(&store, &connection).await?.unwrap_or_else(Timestamp::now);
    let jitter = jitter(connection.name.as_str());
    let mut is_failing = false;
    loop {
        let Some(left) = left(&connection.spec.schedule, &zone, jitter, &mut from, Timestamp::now()) else {
            tracing::error!(connection = %connection.name, "its schedule is over; sync runs on request only");
            return std::future::pending().await;
        };
        if !left.is_zero() {
            tokio::time::sleep(left.min(LOOK_EVERY)).await;
            continue;
        }
        match syncs.request(&connection.name, Trigger::Schedule).await {
            Ok(run) => {
                (from, is_failing) = (Timestamp::now(), false);
                until_over(&syncs, &run).await;
            }
            // The tick is made up for when somebody has authorised it.
            Err(SyncError::NotAuthorised { message, .. }) => {
                let reason = telemetry::length(&message);
                tracing::warn!(connection = %connection.name, reason, "no run: the connection is paused");
                connection.authorisation.until_granted().await;
            }
            // The tick is made up for when the store takes runs again; the log is told once.
            Err(error) => {
                if !std::mem::replace(&mut is_failing, true) {
                    tracing::error!(connection = %connection.name, %error, "a scheduled run could not be started");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

/// The time from `now` until the next run, where everything up to `from` was run; nothing where it is due, none where
/// the schedule is over. A clock that was ahead and is set right has not used up what comes in between, so that `from`
/// is set back with it.
fn left(
    schedule: &Schedule,
    zone: &TimeZone,
    jitter: SignedDuration,
    from: &mut Timestamp,
    now: Timestamp,
) -> Option<Duration> {
    *from = (*from).min(now);
    let tick = schedule.next_after(*from, zone)?;
    Some(Duration::try_from((tick + jitter).duration_since(now)).unwrap_or_default())
}

async fn last_start(store: &Store, connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let newest = PageRequest { cursor: None, limit: 1 };
    let runs = store.runs(Some(connection.name.clone()), newest).await?;
    Ok(runs.items.first().map(|run| run.queued_at))
}

async fn until_over(syncs: &Syncs, run: &Run) {
    if let Some(mut under_way) = syncs.watch(run.id) {
        while under_way.changed().await.is_ok() {}
    }
}

/// The same for the same name, so that ticks stay an interval apart.
fn jitter(name: &str) -> SignedDuration {
    let spread = xxhash_rust::xxh3::xxh3_64(name.as_bytes()) % (MOST_JITTER_SECS * 1000);
    SignedDuration::from_millis(spread as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_steady_and_bounded() {
        for name in ["main", "north", "south"] {
            let once = jitter(name);
            assert_eq!(once, jitter(name));
            assert!(once >= SignedDuration::ZERO && once < SignedDuration::from_secs(60), "{name}: {once}");
        }
        assert_ne!(jitter("main"), jitter("north"));
    }

    #[test]
    fn a_clock_that_is_set_back_waits_for_the_next_tick_and_not_for_the_time_that_it_showed() {
        let schedule: Schedule = "0 * * * *".parse().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let minutes = |minutes: u64| Some(Duration::from_secs(60 * minutes));
        // A run began while the clock stood a year ahead.
        let mut from = at("2027-03-01T09:10:00Z");
        let mut look = |now: &str| left(&schedule, &TimeZone::UTC, SignedDuration::from_mins(1), &mut from, at(now));
        assert_eq!(look("2026-03-01T10:10:00Z"), minutes(51));
        assert_eq!(look("2026-03-01T10:50:00Z"), minutes(11));
        // Set back a little more, and once more over the tick.
        assert_eq!(look("2026-03-01T10:30:00Z"), minutes(31));
        assert_eq!(look("2026-03-01T09:50:00Z"), minutes(11));
        // A clock that springs ahead, as that of a machine that slept, finds the tick due.
        assert_eq!(look("2026-03-01T17:00:00Z"), minutes(0));
    }
}
