//! A day of the calendar, for every field that holds one.

use tidegate_sdk::LineageRecorder;
use xplan::{Date, DateProblem, Fields, How, InForce, Number, Value, View};

/// Nobody alive was born before, and nothing is planned for after: such a date is a slip of the pen or a default of some
/// earlier system.
const YEARS: std::ops::RangeInclusive<u16> = 1900..=2200;

/// The day under a field. What stands for "unknown" and what is no day is left out, and told.
pub(crate) fn day<F: Fields>(
    row: View<'_, '_, F>,
    field: F,
    canonical: &'static str,
    recorder: &mut LineageRecorder,
) -> Option<Date> {
    recorder.origin(canonical, || row.origin(field, None));
    let value = row.get(field);
    let number;
    let text: &str = match value {
        _ if value.is_empty() => return None,
        Value::Date(text) | Value::Text(text) => text,
        // 19640301: any other number may be an age, or seconds since some day.
        Value::Number(Number::Int(written @ 10_000_000..100_000_000)) => {
            number = written.to_string();
            &number
        }
        other => {
            row.expect_empty(field, other, "a date", canonical, recorder);
            return None;
        }
    };
    let calendar = &row.forms.calendar;
    let unknown = &row.forms.unknown;
    let read = calendar.read(text);
    if unknown.is_date(text, read.ok().map(|day| day.date)) || unknown.is_word(text.trim()) {
        let message = format!("“{text}” stands for “unknown” by the pack's rules (/unknown); it was left out.");
        recorder.warn(canonical, "stands-for-unknown", message);
        return None;
    }
    match read {
        Ok(day) if !YEARS.contains(&day.date.year) => {
            let message = format!(
                "The date is “{text}” in Xplan, which is not of the years {} to {}; it was left out. Correct it in Xplan.",
                YEARS.start(),
                YEARS.end()
            );
            recorder.warn(canonical, "impossible-date", message);
            None
        }
        Ok(day) => {
            told(text, day.date, day.how, canonical, recorder);
            if unknown.is_doubtful(day.date) {
                let message = format!(
                    "“{text}” was taken, and some systems write it where they do not know the date \
                     (/unknown/doubtful_dates in the rules). Check it in Xplan."
                );
                recorder.info(canonical, "may-stand-for-unknown", message);
            }
            Some(day.date)
        }
        Err(DateProblem::NoDay(why)) => {
            let message = format!("The date is “{text}” in Xplan, which {why}; it was left out. Correct it in Xplan.");
            recorder.warn(canonical, "impossible-date", message);
            None
        }
        Err(DateProblem::Moment(zone)) => {
            let not_midnight = zone.map_or_else(
                || "whose day depends on the site's time zone, which the rules do not name".to_owned(),
                |zone| format!("which is not midnight in {zone}, so that its day cannot be told"),
            );
            let message = format!(
                "The date is “{text}” in Xplan, a moment {not_midnight}; it was left out. Correct it in Xplan, or the \
                 site's time zone (/dates/time_zone) in the pack's rules."
            );
            recorder.warn(canonical, "moment-not-a-day", message);
            None
        }
    }
}

fn told(text: &str, date: Date, how: How<'_>, canonical: &'static str, recorder: &mut LineageRecorder) {
    match how {
        How::Plain => {}
        How::OtherForm => {
            recorder.info(
                canonical,
                "date-in-other-form",
                format!("“{text}” was read as {date} (/dates in the rules)."),
            );
        }
        How::SiteTime { zone, ahead, in_force } => {
            let rule = "the site's time zone by the rules (/dates/time_zone)";
            let sign = if ahead < 0 { '−' } else { '+' };
            let clock = format!("UTC{sign}{}:{:02}", ahead.abs() / 60, ahead.abs() % 60);
            match in_force {
                InForce::Yes => {
                    let message = format!(
                        "“{text}” is midnight in {zone}, {rule}; the day that begins there, {date}, was taken."
                    );
                    recorder.info(canonical, "date-in-site-time", message);
                }
                InForce::Perhaps => {
                    let message = format!(
                        "“{text}” is midnight by {clock}, a clock of {zone}, {rule}; the day that begins by it, {date}, \
                         was taken."
                    );
                    recorder.info(canonical, "date-in-site-time", message);
                }
                InForce::No => {
                    let message = format!(
                        "“{text}” is not midnight in {zone}, {rule}, but near it: midnight by {clock}, which \
                         was not in force there then. It was taken as {date}, because some sites mistake summer time. \
                         Check it in Xplan."
                    );
                    recorder.warn(canonical, "date-near-midnight", message);
                }
            }
        }
    }
}
