//! Durations and sizes that a site says, in whatever form they come, held between a floor and a ceiling.
//!
//! Serves the connector and the token manager. The one place where a number from outside becomes a time to wait or
//! space to set aside: behind it nothing overflows, sleeps for years, or is taken up on a stranger's word.

use std::time::Duration;

use serde_json::Value;

use crate::domain::Timestamp;

/// The longest that a site is left alone for the asking. A person who asks for something asks the site at once.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The lifetime of a token where the site says nothing that can be used.
const ASSUMED_LIFETIME: Duration = Duration::from_hours(1);
/// The longest that a token is taken to hold: a pair that is renewed once a day does not grow old unnoticed.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);
/// The shortest: less would be over before the token is used.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(1);

/// The most bytes that are set aside for an answer before any of it has come.
const MOST_SET_ASIDE: u64 = 256 << 10;

/// Numbers from here on are no seconds to wait but seconds since 1970 …
const FIRST_EPOCH: f64 = 1e9;
/// … and from here on milliseconds.
const FIRST_EPOCH_MILLIS: f64 = 1e11;

/// The pause that `Retry-After` asks for, at most [`LONGEST_WAIT`]: seconds or an HTTP date (RFC 9110, 10.2.3), or what
/// sites send in their place: fractions, a unit behind the number, a moment in ISO 8601 or in seconds or milliseconds
/// since 1970. None where it is nothing of these, or less than nothing.
pub fn wait(said: &str, now: Timestamp) -> Option<Duration> {
    let said = said.trim().trim_matches('"').trim();
    let number = said.strip_suffix(['s', 'S']).unwrap_or(said).trim_end();
    let asked = match number.parse::<f64>() {
        Ok(number) if number.is_nan() || number < 0.0 => return None,
        Ok(number) if number < FIRST_EPOCH => Duration::from_secs_f64(number),
        Ok(number) => {
            let seconds = if number < FIRST_EPOCH_MILLIS { number } else { number / 1e3 };
            // A float becomes the nearest whole number that there is.
            Timestamp::from_second(seconds as i64).map_or(LONGEST_WAIT, |moment| until(moment, now))
        }
        // Two headers, or one that was put together of two.
        Err(_) if said.contains(',') && said.split(',').all(|one| one.trim().parse::<f64>().is_ok()) => {
            return said.split(',').filter_map(|one| wait(one, now)).max();
        }
        Err(_) => moment(said, now)?,
    };
    Some(asked.min(LONGEST_WAIT))
}

/// The time until a moment that is written as a date: in the form of HTTP or in its two old ones, or in ISO 8601. The day of
/// the week says nothing that the date does not, and may be wrong.
fn moment(said: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(moment) = said.parse() {
        return Some(until(moment, now));
    }
    let date = match said.split_once(',') {
        Some((_, date)) => date.trim(),
        None => said.trim_start_matches(char::is_alphabetic).trim(),
    };
    if let Ok(moment) = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date) {
        return Some(until(moment, now));
    }
    let date = date.trim_end_matches(char::is_alphabetic).trim();
    let forms = ["%d %b %Y %H:%M:%S", "%d-%b-%y %H:%M:%S", "%b %e %H:%M:%S %Y"];
    let read = |form: &&str| jiff::civil::DateTime::strptime(form, date).ok();
    let utc = forms.iter().find_map(read)?.to_zoned(jiff::tz::TimeZone::UTC);
    // The last day of the year 9999 is behind what a moment can be.
    Some(utc.map_or(LONGEST_WAIT, |moment| until(moment.timestamp(), now)))
}

fn until(moment: Timestamp, now: Timestamp) -> Duration {
    moment.duration_since(now).try_into().unwrap_or_default()
}

/// The lifetime of a token by its `expires_in`: a number or a text of one, between [`SHORTEST_LIFETIME`] and
/// [`LONGEST_LIFETIME`]. What is absent, nothing or below is taken for an hour.
pub fn lifetime(expires_in: Option<&Value>) -> Duration {
    let seconds = match expires_in {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let held = |seconds: f64| seconds.clamp(SHORTEST_LIFETIME.as_secs_f64(), LONGEST_LIFETIME.as_secs_f64());
    let seconds = seconds.filter(|seconds| *seconds > 0.0);
    seconds.map_or(ASSUMED_LIFETIME, |seconds| Duration::from_secs_f64(held(seconds)))
}

/// The bytes that are set aside for an answer that announces `length`.
pub fn set_aside(length: Option<u64>) -> usize {
    length.unwrap_or_default().min(MOST_SET_ASIDE) as usize
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wait_is_read_in_every_form_and_held() {
        let now: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let check = |said: &str, expected: Option<u64>| {
            assert_eq!(wait(said, now), expected.map(Duration::from_secs), "{said}");
        };
        let most = Some(LONGEST_WAIT.as_secs());
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("\"120\"", Some(120));
        check("1.0", Some(1));
        check("30s", Some(30));
        check("30 S", Some(30));
        check("86400", most);
        check("86401", most);
        check("Sun, 01 Mar 2026 10:00:30 GMT", Some(30));
        check("Sun, 01 Mar 2026 09:00:00 GMT", Some(0));
        check("Thu, 31 Dec 9998 23:59:59 GMT", most);
        check("2026-03-01T10:00:30Z", Some(30));
        // The wrong day of the week, and the forms of before.
        check("Mon, 01 Mar 2026 10:00:30 GMT", Some(30));
        check("Sunday, 01-Mar-26 10:00:30 GMT", Some(30));
        check("Sun Mar  1 10:00:30 2026", Some(30));
        check("Fri, 31 Dec 9999 23:59:59 GMT", most);
        check("Sun, 01 Mar 2026 21:00:30 +1100", Some(30));
        check("500, 600", Some(600));
        check("Sun, 32 Mar 2026 10:00:30 GMT", None);
        // Seconds and milliseconds since 1970.
        check("1772359230", Some(30));
        check("1772359230000", Some(30));
        check("1772359000", Some(0));
        check("1893456000", most);
        check("260000000000", Some(0));
        check("18446744073709551615", most);
        check("99999999999999999999999999999999999999999", most);
        check("1e400", most);
        check("inf", most);
        for said in ["soon", "-5", "-0.1", "nan", "", "0x10", "12 parsecs"] {
            check(said, None);
        }
    }

    #[test]
    fn a_lifetime_is_read_in_every_form_and_held() {
        let check = |said: Option<Value>, expected: u64| {
            assert_eq!(lifetime(said.as_ref()), Duration::from_secs(expected), "{said:?}");
        };
        check(Some(json!(1800)), 1800);
        check(Some(json!("1800")), 1800);
        check(Some(json!(" 1800 ")), 1800);
        check(Some(json!(1800.0)), 1800);
        check(Some(json!("1800.0")), 1800);
        check(Some(json!(0.001)), 1);
        check(Some(json!(86_400_000)), 86_400);
        check(Some(json!(u64::MAX)), 86_400);
        check(Some(json!("1e300")), 86_400);
        for said in [None, Some(json!(null)), Some(json!(0)), Some(json!(-1)), Some(json!("soon")), Some(json!([1800]))]
        {
            check(said, 3_600);
        }
    }

    #[test]
    fn little_is_set_aside_on_a_sites_word() {
        let check = |length, expected| assert_eq!(set_aside(length), expected, "{length:?}");
        check(None, 0);
        check(Some(1_000), 1_000);
        check(Some(u64::MAX), 256 << 10);
    }
}
