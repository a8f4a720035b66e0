//! How often a connection may walk its book.

use std::str::FromStr as _;

/// How many ticks of a schedule are looked at for two that are too close: two days and a bit of an hourly one.
const TICKS_LOOKED_AT: usize = 200;

/// A schedule that can be read and, unless it is allowed, knocks at most once an hour.
///
/// # Errors
/// In a sentence that says what would be right.
pub fn check_schedule(schedule: &str, allow_frequent: bool) -> Result<(), String> {
    let ticks = cron::Schedule::from_str(schedule)
        .map_err(|error| format!("`{schedule}` is no cron expression with seconds such as \"0 0 * * * *\": {error}"))?;
    // Whatever repeats within the hour shows at its first ticks of a day.
    let from = chrono::DateTime::UNIX_EPOCH;
    let ticks: Vec<_> = ticks.after(&from).take(TICKS_LOOKED_AT).collect();
    let closest = ticks.windows(2).map(|pair| pair[1] - pair[0]).min();
    match closest.filter(|closest| *closest < chrono::TimeDelta::hours(1) && !allow_frequent) {
        None => Ok(()),
        Some(closest) => Err(format!(
            "`{schedule}` walks the whole book again after {} minutes; the CRM is its users' first of all, so once an \
             hour is the most (\"0 0 * * * *\"), and one client can be synced at any time. Where the CRM's vendor \
             agrees to more, set allow-frequent = true for it in the settings file",
            closest.num_minutes()
        )),
    }
}
