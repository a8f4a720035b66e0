//! When each connection's sync runs: its cron expression in the practice's time zone, a little later by a fixed jitter, so
//! that practices that share a site do not all knock on the hour.
//!
//! A tick that passes while the host is down or a run is under way is made up for once, however many have passed. A
//! connection that was never synced waits for its first tick, or for a person.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use cron::Schedule;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::app::App;
use crate::connection::Connection;
use crate::domain::run::{Run, Trigger};
use crate::store::Store;
use crate::store::book::PageRequest;
use crate::sync::{SyncError, Syncs};

/// The longest jitter.
const MOST_JITTER_SECS: u64 = 60;
/// The clock is looked at this often, because it may be set, and machines sleep.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Sets off every connection's runs until `shutdown`; connections may come and go meanwhile.
pub async fn run(app: &App, shutdown: &CancellationToken) {
    let mut changes = app.connections.changes();
    // Whoever is dropped from here stops.
    let mut jobs: Vec<(Arc<Connection>, DropGuard)> = Vec::new();
    while !shutdown.is_cancelled() {
        let now = changes.borrow_and_update().clone();
        jobs.retain(|(connection, _)| now.iter().any(|other| Arc::ptr_eq(connection, other)));
        for connection in now.iter() {
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

/// Keeps a connection's schedule until `stop`.
async fn supervised(app: App, connection: Arc<Connection>, stop: CancellationToken) {
    let zone = &app.config.practice.time_zone;
    let work = || async {
        let job = keep(app.syncs.clone(), app.store.clone(), Arc::clone(&connection), zone.clone());
        stop.run_until_cancelled(job).await;
    };
    app.supervisor.keep(&format!("schedule of {}", connection.name), &stop, work).await;
}

async fn keep(syncs: Syncs, store: Store, connection: Arc<Connection>, zone: TimeZone) {
    let Ok(schedule) = Schedule::from_str(&connection.schedule) else {
        tracing::error!(connection = %connection.name, "the schedule cannot be read; sync runs on request only");
        return;
    };
    let mut from = last_start(&store, &connection).await.unwrap_or_else(Timestamp::now);
    while let Some(tick) = next_after(&schedule, &zone, from) {
        wait_until(tick + jitter(connection.name.as_str())).await;
        match syncs.request(&connection.name, Trigger::Schedule).await {
            Ok(run) => {
                from = Timestamp::now();
                until_over(&syncs, &run).await;
            }
            // The tick is made up for when somebody has authorised it.
            Err(SyncError::NotAuthorised { words, .. }) => {
                tracing::warn!(connection = %connection.name, words, "no run: the connection is paused");
                connection.authorisation.until_granted().await;
            }
            Err(error) => {
                from = Timestamp::now();
                tracing::error!(connection = %connection.name, %error, "a scheduled run could not be started");
            }
        }
    }
}

async fn last_start(store: &Store, connection: &Connection) -> Option<Timestamp> {
    let newest = PageRequest { cursor: None, limit: 1 };
    let runs = store.runs(Some(connection.name.clone()), newest).await;
    runs.ok()?.items.first().map(|run| run.queued_at)
}

async fn wait_until(due: Timestamp) {
    loop {
        let left = Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default();
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LOOK_EVERY)).await;
    }
}

async fn until_over(syncs: &Syncs, run: &Run) {
    if let Some(mut under_way) = syncs.watch(run.id) {
        while under_way.changed().await.is_ok() {}
    }
}

/// The first tick after `from`. The expression is read on the practice's clock; on the day when that changes, ticks keep
/// to the offset in force when they fall.
fn next_after(schedule: &Schedule, zone: &TimeZone, from: Timestamp) -> Option<Timestamp> {
    let at_offset = |offset: i32| {
        let offset = FixedOffset::east_opt(offset)?;
        let from = DateTime::from_timestamp(from.as_second(), 0)?.with_timezone(&offset);
        let tick = schedule.after(&from).next()?;
        Timestamp::from_second(tick.timestamp()).ok()
    };
    let offset = |at: Timestamp| zone.to_offset(at).seconds();
    let now_offset = offset(from);
    let tick = at_offset(now_offset)?;
    if offset(tick) == now_offset {
        return Some(tick);
    }
    at_offset(offset(tick)).filter(|other| offset(*other) == offset(tick)).or(Some(tick))
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
    fn ticks_follow_the_practice_clock() {
        let check = |expression: &str, from: &str, expected: &str| {
            let schedule = Schedule::from_str(expression).unwrap();
            let zone = TimeZone::get("Australia/Sydney").unwrap();
            let tick = next_after(&schedule, &zone, from.parse().unwrap()).unwrap();
            assert_eq!(tick, expected.parse().unwrap(), "{expression} after {from}");
        };
        check("0 0 * * * *", "2026-07-01T00:20:00Z", "2026-07-01T01:00:00Z");
        check("0 0 * * * *", "2026-07-01T01:00:00Z", "2026-07-01T02:00:00Z");
        // 02:00 in Sydney, in winter and in summer.
        check("0 0 2 * * *", "2026-07-01T00:00:00Z", "2026-07-01T16:00:00Z");
        check("0 0 2 * * *", "2026-12-01T00:00:00Z", "2026-12-01T15:00:00Z");
        // Clocks go forward on 4 October 2026 at 02:00 and back on 5 April 2026 at 03:00.
        check("0 0 6 * * *", "2026-10-03T00:00:00Z", "2026-10-03T19:00:00Z");
        check("0 0 6 * * *", "2026-04-04T00:00:00Z", "2026-04-04T20:00:00Z");
        // Hourly stays hourly through both.
        check("0 0 * * * *", "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z");
        check("0 0 * * * *", "2026-04-04T15:30:00Z", "2026-04-04T16:00:00Z");
    }

    #[test]
    fn jitter_is_steady_and_bounded() {
        for name in ["main", "north", "south"] {
            let once = jitter(name);
            assert_eq!(once, jitter(name));
            assert!(once >= SignedDuration::ZERO && once < SignedDuration::from_secs(60), "{name}: {once}");
        }
        assert_ne!(jitter("main"), jitter("north"));
    }
}
