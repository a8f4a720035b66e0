//! Dates with a time of day behind them: `1961-03-14T12:00:00Z`, `3/02/1971 12:00:00 AM`.

/// A day as it is written, and the time of day behind it.
#[derive(Debug, PartialEq)]
pub(super) struct Moment<'t> {
    pub day: &'t str,
    /// Minutes since midnight; none where seconds and their fractions are not zero.
    pub minute: Option<u16>,
    /// Minutes ahead of UTC, where the text says so.
    pub offset: Option<i32>,
}

/// Takes the time of day off a date, if there is one. None where what stands there is no time of day.
pub(super) fn read(text: &str) -> Option<Moment<'_>> {
    // `1971-02-03Z` and `1971-02-03+10:00`: a day of XML, in the zone in which it was written.
    if let Some((day, zone)) = text.split_at_checked("1971-02-03".len())
        && !zone.is_empty()
        && day.as_bytes()[4] == b'-'
        && let Some(offset) = offset(zone)
    {
        return Some(Moment { day, minute: Some(0), offset: Some(offset) });
    }
    let Some(colon) = text.find(':') else {
        return Some(Moment { day: text, minute: Some(0), offset: None });
    };
    let digits = text[..colon].bytes().rev().take_while(u8::is_ascii_digit).count();
    let (day, time) = text.split_at(colon - digits);
    let day = day.strip_suffix(['T', 't', ' ', ','])?.trim_end_matches([' ', ',']);
    let (clock, zone) = match time.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.'))) {
        Some(end) => time.split_at(end),
        None => (time, ""),
    };
    let zone = zone.trim();
    let (half, zone) = match zone.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("am") => (Some(0), zone[2..].trim()),
        Some("pm") => (Some(12), zone[2..].trim()),
        _ => (None, zone),
    };
    let offset = if zone.is_empty() { None } else { Some(offset(zone)?) };
    Some(Moment { day, minute: minute(clock, half)?, offset })
}

/// The minute of the day that a clock shows: none inside where it is between two minutes, none where it is no time.
fn minute(clock: &str, half: Option<u16>) -> Option<Option<u16>> {
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next()?, 24)?, number(parts.next()?, 59)?);
    let (seconds, fraction) = parts.next().map_or(("0", "0"), |part| part.split_once('.').unwrap_or((part, "0")));
    if parts.next().is_some() || fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let is_whole = number(seconds, 60)? == 0 && fraction.bytes().all(|byte| byte == b'0');
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    // 24:00 is the day's end, and the next one's midnight: no date is meant by it.
    (hour < 24).then_some(is_whole.then_some(hour * 60 + minute))
}

/// `Z`, `UTC`, `+10:00`, `+1000`, `-05`.
fn offset(text: &str) -> Option<i32> {
    if matches!(text, "Z" | "z" | "UTC" | "GMT") {
        return Some(0);
    }
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "00"),
        4 => digits.split_at_checked(2)?,
        _ => return None,
    };
    Some(sign * i32::from(number(hours, 14)? * 60 + number(minutes, 59)?))
}

/// One or two digits, at most `most`.
fn number(digits: &str, most: u16) -> Option<u16> {
    let is_short = matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| is_short && *number <= most)
}

#[cfg(test)]
mod tests {
    use super::{Moment, read};

    #[track_caller]
    fn check(text: &str, day: &str, minute: Option<u16>, offset: Option<i32>) {
        assert_eq!(read(text), Some(Moment { day, minute, offset }), "{text}");
    }

    #[test]
    fn times_of_day_are_taken_off() {
        check("1961-03-14", "1961-03-14", Some(0), None);
        check("3 Feb 1971", "3 Feb 1971", Some(0), None);
        check("1961-03-14T12:00:00Z", "1961-03-14", Some(720), Some(0));
        check("1961-03-14T12:00:00.000Z", "1961-03-14", Some(720), Some(0));
        check("1961-03-14 12:30", "1961-03-14", Some(750), None);
        check("1961-03-14T00:00:00+10:00", "1961-03-14", Some(0), Some(600));
        check("1961-03-14T00:00:00 -0330", "1961-03-14", Some(0), Some(-210));
        check("1961-03-14T12:00:01Z", "1961-03-14", None, Some(0));
        check("1961-03-14T12:00:00.5+12", "1961-03-14", None, Some(720));
        check("3/02/1971 12:00:00 AM", "3/02/1971", Some(0), None);
        check("3/02/1971, 1:05 pm", "3/02/1971", Some(785), None);
        check("1961-03-14Z", "1961-03-14", Some(0), Some(0));
        check("1961-03-14+11:00", "1961-03-14", Some(0), Some(660));
        check("1961-03-14-03", "1961-03-14", Some(0), Some(-180));
        check("1961-03-14 UTC", "1961-03-14 UTC", Some(0), None);
        // Ten characters of another form, and a zone that is none.
        check("3 Feb 1971Z", "3 Feb 1971Z", Some(0), None);
        check("1961-03-14X", "1961-03-14X", Some(0), None);
        check("03/02/1971+10", "03/02/1971+10", Some(0), None);
    }

    #[test]
    fn clocks_are_read_to_their_ends() {
        let clock = |time: &str, minute: Option<u16>| check(&format!("1961-03-14 {time}"), "1961-03-14", minute, None);
        clock("0:00", Some(0));
        clock("23:59", Some(23 * 60 + 59));
        clock("23:59:59", None);
        clock("23:59:60", None);
        clock("09:08:00.000", Some(548));
        clock("09:08:00.001", None);
        clock("09:08:07", None);
        clock("12:00 AM", Some(0));
        clock("12:30am", Some(30));
        clock("1:00 am", Some(60));
        clock("11:59 Am", Some(719));
        clock("12:00 PM", Some(720));
        clock("12:59pm", Some(779));
        clock("1:00 PM", Some(780));
        clock("11:59 pm", Some(1439));
        check("1961-03-14T09:08 GMT", "1961-03-14", Some(548), Some(0));
        check("1961-03-14t09:08z", "1961-03-14", Some(548), Some(0));
        check("1961-03-14 , 09:08 pm +10", "1961-03-14", Some(1268), Some(600));
    }

    #[test]
    fn zones_are_read_as_far_as_there_are_any() {
        let read_with = |zone: &str, offset: i32| {
            check(&format!("1961-03-14T12:00{zone}"), "1961-03-14", Some(720), Some(offset));
        };
        for (zone, offset) in [("Z", 0), ("z", 0), ("UTC", 0), ("GMT", 0), ("+00:00", 0), ("-00:01", -1)] {
            read_with(zone, offset);
        }
        for (zone, offset) in [("+14:59", 899), ("-1459", -899), ("+0930", 570), ("-05", -300), (" +10:00", 600)] {
            read_with(zone, offset);
        }
        for zone in ["+15:00", "+10:60", "+100", "+1", "+", "-", "10:00", "+1a", "+10:0", "+100000", "utc", "É"] {
            assert_eq!(read(&format!("1961-03-14T12:00{zone}")), None, "{zone}");
        }
    }

    #[test]
    fn what_is_no_time_of_day_is_none() {
        for text in [
            "1961-03-14T25:00:00Z",
            "1961-03-14T24:00:00Z",
            "1961-03-14T12:60Z",
            "1961-03-14T12:00:00X",
            "12:00",
            ":",
            "T:",
            "1961-03-14T1:00:00:00",
            "1961-03-14 13:00 PM",
            "1961-03-14T12:00:00+99:00",
            "1961-03-14T12:00:00.Z",
            "1961-03-14T12:00:00.a",
            "1961-03-14T12:00:61",
            "1961-03-14T12:00:00.0a",
            "1961-03-14T:00",
            "1961-03-14T12:",
            "1961-03-14T123:00",
            "1961-03-14T12:000",
            "1961-03-14 0:30 AM",
            "1961-03-14X12:00",
            "1961-03-14T24:00 AM",
            "1961-03-14T12:00 É",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
