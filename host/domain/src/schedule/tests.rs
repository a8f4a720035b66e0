use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Schedule;

/// The first times after a moment, on the clock of a zone, each with its offset.
#[track_caller]
fn times(line: &str, zone: &str, after: &str, expected: &[&str]) {
    let schedule: Schedule = line.parse().unwrap();
    let zone = TimeZone::get(zone).unwrap();
    let after: Timestamp = after.parse().unwrap();
    let found: Vec<String> = schedule
        .upcoming(after, &zone)
        .take(expected.len())
        .map(|time| time.to_zoned(zone.clone()).strftime("%m-%d %H:%M:%S%:z").to_string())
        .collect();
    assert_eq!(found, expected, "{line} after {after}");
}

#[track_caller]
fn refused(line: &str, message: &str) {
    let said = line.parse::<Schedule>().unwrap_err().to_string();
    assert!(said.contains(message), "{message:?} is not in {said}");
}

#[test]
fn five_six_and_seven_fields() {
    let check = |line, expected: &[&str]| times(line, "UTC", "2026-07-01T00:20:00Z", expected);
    check("0 * * * *", &["07-01 01:00:00+00:00", "07-01 02:00:00+00:00"]);
    check("0 0 * * * *", &["07-01 01:00:00+00:00", "07-01 02:00:00+00:00"]);
    check("@hourly", &["07-01 01:00:00+00:00"]);
    check("30 15 2 * * *", &["07-01 02:15:30+00:00", "07-02 02:15:30+00:00"]);
    check("0 0 2 1 1 * 2027-2030/2", &["01-01 02:00:00+00:00", "01-01 02:00:00+00:00"]);
    check("0 0 29 2 *", &["02-29 00:00:00+00:00"]);
    check("0 0 1 Aug,Jan *", &["08-01 00:00:00+00:00", "01-01 00:00:00+00:00"]);
    check("10/20 9-10 * * *", &["07-01 09:10:00+00:00", "07-01 09:30:00+00:00", "07-01 09:50:00+00:00"]);
    check("* * * * * *", &["07-01 00:20:01+00:00", "07-01 00:20:02+00:00"]);
    assert_eq!(Schedule::hourly().to_string(), "0 0 * * * *");
}

#[test]
fn weekdays_are_those_of_crontab() {
    // 1 July 2026 is a Wednesday.
    let check = |weekdays: &str, expected: &[&str]| {
        let expected: Vec<String> = expected.iter().map(|day| format!("07-{day} 12:00:00+00:00")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        times(&format!("0 12 * * {weekdays}"), "UTC", "2026-07-01T00:00:00Z", &expected);
    };
    for all in ["1-5", "Mon-Fri", "mon,tue,wed,thu,fri", "Monday-Friday", "1-5/1"] {
        check(all, &["01", "02", "03", "06", "07"]);
    }
    for sunday in ["0", "7", "Sun", "SUN"] {
        check(sunday, &["05", "12"]);
    }
    check("6-7", &["04", "05", "11"]);
    check("Sat-Sun", &["04", "05", "11"]);
    check("5-0", &["03", "04", "05", "10"]);
    check("0-6", &["01", "02"]);
    check("*/2", &["02", "04", "05", "07"]);
    check("0-0", &["05", "12"]);
    check("5-5", &["03", "10"]);
}

#[test]
fn a_day_and_a_weekday_are_either() {
    times(
        "0 0 13 * 5",
        "UTC",
        "2026-07-01T00:00:00Z",
        &["07-03 00:00:00+00:00", "07-10 00:00:00+00:00", "07-13 00:00:00+00:00"],
    );
    times("0 0 13 * *", "UTC", "2026-07-01T00:00:00Z", &["07-13 00:00:00+00:00", "08-13 00:00:00+00:00"]);
}

/// Lines that other readers of crontabs are known to have read otherwise.
#[test]
fn lines_that_others_read_otherwise() {
    // A day that February does not have, or a weekday that it has.
    times("0 0 31 2 1-5", "UTC", "2026-01-31T00:00:00Z", &["02-02 00:00:00+00:00", "02-03 00:00:00+00:00"]);
    // No day of the week is left out around a holiday.
    times("0 5 0 ? * TUE-SAT", "America/New_York", "2017-07-04T01:04:22Z", &["07-04 00:05:00-04:00"]);
    times("*/2 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", &["02-29 00:00:00+00:00", "02-29 00:02:00+00:00"]);
    // A quarter of an hour stays one while the clocks go back.
    times(
        "*/15 * * * *",
        "Europe/London",
        "2026-10-25T00:40:00Z",
        &["10-25 01:45:00+01:00", "10-25 01:00:00+00:00", "10-25 01:15:00+00:00"],
    );
}

#[test]
fn what_never_comes_round_or_cannot_be_read_is_refused_with_the_cure() {
    refused("0 0 2 31 4 *", "never comes round");
    refused("0 0 30 2 *", "never comes round");
    refused("0 0 31 4,6,9,11 *", "no month in it has a day 31");
    refused("hourly", "crontab line of five fields");
    refused("* * * *", "five fields");
    refused("0 0 2 * * * 2026 7", "five fields");
    refused("0 0 24 * * *", "`24` is no hour: write a number from 0 to 23");
    refused("0 0 2 * * 8", "no weekday: write a number from 0 to 7, or a name (Sun to Sat)");
    refused("0 0 2 Juli *", "no month");
    refused("0 0 2 L * *", "`L` is no day");
    refused("0 22-2 * * *", "write `22-23,0-2`");
    refused("0 0 * * Sat-Mon", "write `6-6,0-1`");
    refused("*/90 * * * *", "from 1 to 59");
    refused("*/0 * * * *", "from 1 to 59");
    refused("0 */24 * * *", "from 1 to 23");
    refused("0 0 2 * * * 20260", "no year");
    refused("0 0 2 * * * 1969", "`1969` is no year: write a number from 1970 to 2199");
    refused("0 8-18/11 * * *", "from 1 to 10");
    refused("5-5/1 * * * *", "a step needs a range before it");
    refused("? * * * *", "no minute");
    refused("+5 * * * *", "no minute");
    refused("1, * * * *", "no minute");
}

#[test]
fn the_shortest_gap_is_that_of_a_clock_that_nobody_changes() {
    let check = |line: &str, minutes: Option<i64>| {
        let gap = line.parse::<Schedule>().unwrap().shortest_gap();
        assert_eq!(gap.map(|gap| gap.as_secs() / 60), minutes, "{line}");
    };
    check("0 * * * *", Some(60));
    check("*/15 * * * *", Some(15));
    check("0,50 9 * * *", Some(50));
    check("0 2 * * 1-5", Some(24 * 60));
    check("0 0 2 1 1 * 2027", None);
}

/// Sydney, Auckland, London and Lord Howe in the nights of 2026 in which their clocks change.
#[test]
fn a_time_of_the_night_comes_once_when_the_clocks_change() {
    let check = |zone, after, expected: &[&str]| times("30 2 * * *", zone, after, expected);
    // Back: 03:00 becomes 02:00.
    check("Australia/Sydney", "2026-04-04T00:00:00Z", &["04-05 02:30:00+11:00", "04-06 02:30:00+10:00"]);
    check("Pacific/Auckland", "2026-04-03T23:00:00Z", &["04-05 02:30:00+13:00", "04-06 02:30:00+12:00"]);
    // Forward: 02:00 becomes 03:00.
    check("Australia/Sydney", "2026-10-03T00:00:00Z", &["10-04 03:00:00+11:00", "10-05 02:30:00+11:00"]);
    check("Pacific/Auckland", "2026-09-26T00:00:00Z", &["09-27 03:00:00+13:00", "09-28 02:30:00+13:00"]);
    // London: at 01:00 and at 02:00.
    let check = |after, expected: &[&str]| times("30 1 * * *", "Europe/London", after, expected);
    check("2026-03-28T12:00:00Z", &["03-29 02:00:00+01:00", "03-30 01:30:00+01:00"]);
    check("2026-10-24T12:00:00Z", &["10-25 01:30:00+01:00", "10-26 01:30:00+00:00"]);
    // Lord Howe: by half an hour at 02:00.
    let check = |line, after, expected: &[&str]| times(line, "Australia/Lord_Howe", after, expected);
    check("45 1 * * *", "2026-04-04T00:00:00Z", &["04-05 01:45:00+11:00", "04-06 01:45:00+10:30"]);
    check("15 2 * * *", "2026-10-03T00:00:00Z", &["10-04 02:30:00+11:00", "10-05 02:15:00+11:00"]);
    check("45 2 * * *", "2026-10-03T00:00:00Z", &["10-04 02:45:00+11:00", "10-05 02:45:00+11:00"]);
    // Where it is at midnight, and where a whole day is jumped over.
    times("0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", &["09-06 01:00:00-03:00", "09-07 00:00:00-03:00"]);
    times("30 2 * * *", "Pacific/Apia", "2011-12-29T13:00:00Z", &["12-31 00:00:00+14:00", "12-31 02:30:00+14:00"]);
}

#[test]
fn the_end_of_an_hour_that_comes_again_comes_once() {
    times("0 3 * * *", "Australia/Sydney", "2026-04-04T00:00:00Z", &["04-05 03:00:00+10:00", "04-06 03:00:00+10:00"]);
    times("0 2 * * *", "Australia/Sydney", "2026-04-04T00:00:00Z", &["04-05 02:00:00+11:00", "04-06 02:00:00+10:00"]);
    // Asked within the hour that comes again.
    times("30 2 * * *", "Australia/Sydney", "2026-04-04T16:10:00Z", &["04-06 02:30:00+10:00"]);
    times(
        "0 */2 * * *",
        "Australia/Sydney",
        "2026-10-03T13:00:00Z",
        &["10-04 00:00:00+10:00", "10-04 03:00:00+11:00", "10-04 04:00:00+11:00"],
    );
}

#[test]
fn hourly_stays_hourly() {
    let sydney = |after, expected: &[&str]| times("0 0 * * * *", "Australia/Sydney", after, expected);
    sydney("2026-04-04T14:30:00Z", &["04-05 02:00:00+11:00", "04-05 02:00:00+10:00", "04-05 03:00:00+10:00"]);
    sydney("2026-10-03T14:30:00Z", &["10-04 01:00:00+10:00", "10-04 03:00:00+11:00", "10-04 04:00:00+11:00"]);
    // Half past: nothing is made up for, because an hour has passed as always.
    times("30 * * * *", "Australia/Sydney", "2026-10-03T15:00:00Z", &["10-04 01:30:00+10:00", "10-04 03:30:00+11:00"]);
    // Lord Howe's half hour: never twice within the hour.
    let lord_howe = |line, after, expected: &[&str]| times(line, "Australia/Lord_Howe", after, expected);
    lord_howe("45 * * * *", "2026-04-04T14:00:00Z", &["04-05 01:45:00+11:00", "04-05 02:45:00+10:30"]);
    lord_howe("15 * * * *", "2026-10-03T14:30:00Z", &["10-04 01:15:00+10:30", "10-04 03:15:00+11:00"]);
}

#[test]
fn people_are_shown_the_next_three() {
    let now = "2026-07-01T00:20:00Z".parse().unwrap();
    let shown: Vec<String> =
        Schedule::hourly().next_runs(now, &TimeZone::UTC).iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["2026-07-01T01:00:00Z", "2026-07-01T02:00:00Z", "2026-07-01T03:00:00Z"]);
}
