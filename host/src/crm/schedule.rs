//! The limits of how often a connection may walk its book.

use crate::domain::Timestamp;
use crate::domain::schedule::Schedule;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

/// A schedule that can be read, comes round from `now` on and, unless it is allowed, knocks at most once an hour.
///
/// # Errors
/// Returns a sentence that says what would be right.
pub fn check_schedule(text: &str, allow_frequent: bool, now: Timestamp, zone: &TimeZone) -> Result<Schedule, String> {
    let schedule: Schedule =
        text.parse().map_err(|error: crate::domain::schedule::InvalidSchedule| error.to_string())?;
    if schedule.next_after(now, zone).is_none() {
        return Err(format!("`{schedule}` does not come round any more: its years are over; leave the year out"));
    }
    let closest = schedule.shortest_gap().filter(|gap| *gap < SignedDuration::from_hours(1) && !allow_frequent);
    match closest {
        None => Ok(schedule),
        Some(closest) => Err(format!(
            "`{schedule}` walks the whole book again after {}; the CRM is its users' first of all, so once an \
             hour is the most (\"0 * * * *\"), and one client can be synced at any time. Where the CRM's vendor agrees \
             to more, set allow-frequent = true for it in the settings file",
            in_words(closest)
        )),
    }
}

/// A time of less than an hour, in whole minutes where it is one at least.
fn in_words(time: SignedDuration) -> String {
    match (time.as_mins(), time.as_secs()) {
        (0, 1) => "1 second".to_owned(),
        (0, seconds) => format!("{seconds} seconds"),
        (1, _) => "1 minute".to_owned(),
        (minutes, _) => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_soon_it_walks_again_is_told_in_words() {
        let check = |text: &str, expected: &str| {
            let refused = check_schedule(text, false, Timestamp::UNIX_EPOCH, &TimeZone::UTC).unwrap_err();
            assert!(refused.contains(&format!("again after {expected};")), "{refused}");
        };
        check("* * * * *", "1 minute");
        check("*/15 * * * *", "15 minutes");
        check("*/30 * * * * *", "30 seconds");
        check("* * * * * *", "1 second");
    }
}
