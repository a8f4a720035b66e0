//! Days in the forms that sites and exports write.

use super::zone::Zone;
use super::{Calendar, CalendarRules, Date, DateProblem, How, InForce, days_in_month};

fn calendar(order: &str, zone: &str) -> Calendar {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut problems = Vec::new();
    let rules = CalendarRules { order: some(order), time_zone: some(zone), clocks: Vec::new() };
    let calendar = Calendar::new(&rules, "/dates", &mut problems);
    assert_eq!(problems, []);
    calendar
}

#[track_caller]
fn check_by(calendar: &Calendar, text: &str, expected: Result<&str, &str>) {
    let read = calendar.read(text).map(|day| day.date.to_string());
    match (read, expected) {
        (Ok(date), Ok(expected)) => assert_eq!(date, expected, "{text}"),
        (Err(DateProblem::NoDay(why)), Err(part)) => assert!(why.contains(part), "{text}: {why}"),
        (Err(DateProblem::Moment(zone)), Err(part)) => assert_eq!(zone.unwrap_or("no zone"), part, "{text}"),
        (read, _) => panic!("{text}: {read:?}"),
    }
}

#[test]
fn only_days_that_exist_are_dates() {
    let check = |text: &str, expected| check_by(&calendar("", ""), text, expected);
    check("2018-03-01", Ok("2018-03-01"));
    check(" 1964-02-29 ", Ok("1964-02-29"));
    check("2000-02-29", Ok("2000-02-29"));
    check("1900-02-29", Err("day that its month has not got"));
    check("2023-02-29", Err("day that its month has not got"));
    check("1970-04-31", Err("day that its month has not got"));
    check("1970-13-01", Err("no such month"));
    check("1970-00-10", Err("no such month"));
    check("1970-01-00", Err("day that its month has not got"));
    check("64-03-01", Err("four-digit year"));
    check("1964-03-0é", Err("YYYY-MM-DD"));
    check("", Err("YYYY-MM-DD"));
    check("soon", Err("YYYY-MM-DD"));
}

#[test]
fn other_forms_are_read_where_they_can_be_read_one_way_only() {
    let check = |text: &str, expected| check_by(&calendar("day-month-year", ""), text, expected);
    check("1971-2-3", Ok("1971-02-03"));
    check("1971/02/03", Ok("1971-02-03"));
    check("19710203", Ok("1971-02-03"));
    check("3/02/1971", Ok("1971-02-03"));
    check("03-02-1971", Ok("1971-02-03"));
    check("3.2.1971", Ok("1971-02-03"));
    check("3 Feb 1971", Ok("1971-02-03"));
    check("3rd of February 1971", Err("YYYY-MM-DD"));
    check("3rd February 1971", Ok("1971-02-03"));
    check("03-SEPT-1971", Ok("1971-09-03"));
    check("February 3, 1971", Ok("1971-02-03"));
    check("1971-Feb-03", Ok("1971-02-03"));
    // The rule says which comes first; a date that speaks against it is not turned round.
    check("02/13/1971", Err("no such month"));
    check("3/2/71", Err("four-digit year"));
    check("3/1971", Err("four-digit year"));
    check("19711302", Err("no such month"));
    check("1971020", Err("YYYY-MM-DD"));
    check("Fe 3 1971", Err("YYYY-MM-DD"));
    check_by(&calendar("month-day-year", ""), "3/02/1971", Ok("1971-03-02"));
    check_by(&calendar("", ""), "3/02/1971", Err("day or its month first"));
    let day_first = calendar("day-month-year", "");
    let how = |text: &str| day_first.read(text).map(|day| day.how);
    assert_eq!((how("3/02/1971"), how("1971-02-03T00:00:00")), (Ok(How::OtherForm), Ok(How::Plain)));
}

#[test]
fn midnight_at_the_site_is_the_day_that_begins_there() {
    let auckland = calendar("", "Pacific/Auckland");
    let sydney = calendar("", "Australia/Sydney");
    let check = check_by;
    check(&auckland, "1961-03-14T12:00:00Z", Ok("1961-03-15"));
    check(&auckland, "1999-12-31T11:00:00Z", Ok("2000-01-01"));
    check(&auckland, "1936-02-28T12:30:00.000+00:00", Ok("1936-02-29"));
    check(&sydney, "1990-06-30T14:00:00Z", Ok("1990-07-01"));
    check(&sydney, "1990-12-31T13:00:00Z", Ok("1991-01-01"));
    check(&sydney, "1990-06-30T23:30:00+09:30", Ok("1990-07-01"));
    check(&sydney, "1990-06-30T10:00:00-04:00", Ok("1990-07-01"));
    // Midnight as it is written is the day that is written, wherever it was written.
    check(&auckland, "1961-03-14T00:00:00Z", Ok("1961-03-14"));
    check(&sydney, "1975-06-30T00:00:00+10:00", Ok("1975-06-30"));
    check(&calendar("", ""), "1975-06-30T00:00:00+10:00", Ok("1975-06-30"));
    check(&sydney, "1975-06-30 09:15", Ok("1975-06-30"));
    check(&sydney, "1975-06-30T09:15:00+11:00", Ok("1975-06-30"));
    // Without a zone it is the site's time or UTC: noon in Sydney is of the same day in both, noon in Auckland is not.
    check(&sydney, "1973-10-31 12:00:00", Ok("1973-10-31"));
    check(&auckland, "1973-10-31 12:00:00", Err("Pacific/Auckland"));
    check(&sydney, "1990-06-30 14:00", Err("Australia/Sydney"));
    check(&calendar("", ""), "1975-06-30 09:15", Err("no zone"));
    // Any other moment may be of either day.
    check(&sydney, "1961-03-14T12:00:00Z", Err("Australia/Sydney"));
    check(&auckland, "1961-03-14T12:00:01Z", Err("Pacific/Auckland"));
    check(&calendar("", ""), "1961-03-14T12:00:00Z", Err("no zone"));
    check(&sydney, "1961-02-29T13:00:00Z", Err("day that its month has not got"));
}

#[test]
fn which_clock_showed_midnight_is_known() {
    #[track_caller]
    fn check(zone: &str, text: &str, expected: InForce) {
        match calendar("", zone).read(text).unwrap().how {
            How::SiteTime { in_force, .. } => assert_eq!(in_force, expected, "{zone} {text}"),
            other => panic!("{zone} {text}: {other:?}"),
        }
    }
    let (sydney, auckland) = ("Australia/Sydney", "Pacific/Auckland");
    check(sydney, "1995-07-05T14:00:00Z", InForce::Yes);
    check(sydney, "1995-01-05T13:00:00Z", InForce::Yes);
    check(sydney, "1965-01-05T14:00:00Z", InForce::Yes);
    // Eleven in the evening in winter, and one at night in summer.
    check(sydney, "1995-07-05T13:00:00Z", InForce::No);
    check(sydney, "1995-01-05T14:00:00Z", InForce::No);
    check(sydney, "1965-01-05T13:00:00Z", InForce::No);
    check(sydney, "1995-10-15T13:00:00Z", InForce::Perhaps);
    check(sydney, "1943-01-05T13:00:00Z", InForce::Perhaps);
    check("Australia/Brisbane", "1990-01-05T13:00:00Z", InForce::Perhaps);
    check("Australia/Brisbane", "1990-06-05T13:00:00Z", InForce::No);
    check(auckland, "1961-03-14T12:00:00Z", InForce::Yes);
    check(sydney, "2000-09-05T13:00:00Z", InForce::Perhaps);
    check(auckland, "1970-12-21T11:00:00Z", InForce::No);
    check(auckland, "1970-12-21T12:00:00Z", InForce::Yes);
    check(auckland, "1999-12-31T11:00:00Z", InForce::Yes);
    check(auckland, "1999-12-31T12:30:00Z", InForce::No);
    check(auckland, "1936-02-28T12:30:00Z", InForce::Perhaps);
}

#[test]
fn summer_time_is_known_from_day_to_day() {
    #[track_caller]
    fn check(zone: &str, offset: i16, day: &str, expected: InForce) {
        let day = Date::iso(day).unwrap().unwrap();
        assert_eq!(Zone::named(zone).unwrap().in_force(offset, day), expected, "{zone} {offset} {day}");
    }
    // Which of the year's days are told, where every summer has summer time.
    let sydney = |day: &str, standard: InForce, summer: InForce| {
        check("Australia/Sydney", 600, day, standard);
        check("Australia/Sydney", 660, day, summer);
    };
    for day in ["1995-04-08", "1995-04-30", "1995-05-01", "1995-07-31", "1995-08-01", "1995-08-27"] {
        sydney(day, InForce::Yes, InForce::No);
    }
    for day in ["1995-11-05", "1995-11-30", "1995-12-01", "1995-01-31", "1995-02-01", "1995-02-20"] {
        sydney(day, InForce::No, InForce::Yes);
    }
    for day in ["1995-02-21", "1995-03-15", "1995-04-07", "1995-08-28", "1995-09-30", "1995-10-15", "1995-11-04"] {
        sydney(day, InForce::Perhaps, InForce::Perhaps);
    }
    // Before the first summer with summer time there was none, and nothing is known before times were settled.
    sydney("1970-12-31", InForce::Yes, InForce::No);
    sydney("1970-10-15", InForce::Yes, InForce::No);
    sydney("1971-01-15", InForce::Yes, InForce::No);
    sydney("1971-10-15", InForce::Perhaps, InForce::Perhaps);
    sydney("1971-11-05", InForce::No, InForce::Yes);
    sydney("1972-01-15", InForce::No, InForce::Yes);
    sydney("1945-01-15", InForce::Yes, InForce::No);
    sydney("1944-12-31", InForce::Perhaps, InForce::Perhaps);
    // Where summer time never came to stay, its days are not told.
    let brisbane = |day: &str, standard: InForce| check("Australia/Brisbane", 600, day, standard);
    brisbane("1990-01-15", InForce::Perhaps);
    brisbane("1960-01-15", InForce::Perhaps);
    brisbane("1990-06-15", InForce::Yes);
    check("Australia/Lord_Howe", 690, "1995-06-15", InForce::No);
    assert!(Zone::named("Mars").unwrap_err().contains("Australia/Adelaide, Australia/Brisbane"));
}

#[test]
fn every_month_has_its_last_day() {
    let lasts = (0..=13).map(|month| days_in_month(2023, month)).collect::<Vec<_>>();
    let expected =
        [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0].map(|last| Some(last).filter(|last| *last > 0));
    assert_eq!(lasts, expected);
    let of = |years: [u16; 6]| years.map(|year| days_in_month(year, 2).unwrap());
    assert_eq!(of([2024, 2000, 2400, 1900, 2100, 2022]), [29, 29, 29, 28, 28, 28]);
    // One day after the other, for a year and a leap year.
    let first = Date::iso("1999-01-01").unwrap().unwrap();
    let days: Vec<String> =
        std::iter::successors(Some(first), |day| Some(day.next())).take(732).map(|day| day.to_string()).collect();
    assert_eq!(days[731], "2001-01-01");
    assert_eq!((days[364].as_str(), days[365].as_str()), ("1999-12-31", "2000-01-01"));
    assert_eq!((days[424].as_str(), days[425].as_str()), ("2000-02-29", "2000-03-01"));
}

#[test]
fn each_form_is_read_digit_by_digit() {
    let check = |text: &str, expected| check_by(&calendar("day-month-year", "Australia/Sydney"), text, expected);
    check("20001231", Ok("2000-12-31"));
    check("19991001", Ok("1999-10-01"));
    check("+1971020", Err("YYYY-MM-DD"));
    check("1st Jan 2000", Ok("2000-01-01"));
    check("2nd Dec 2000", Ok("2000-12-02"));
    check("4th august 2000", Ok("2000-08-04"));
    check("th Jan 2000", Err("YYYY-MM-DD"));
    check("123th Jan 2000", Err("YYYY-MM-DD"));
    check("1 Ja 2000", Err("YYYY-MM-DD"));
    check("1 Januaryy 2000", Err("YYYY-MM-DD"));
    check("1 2 20000", Err("YYYY-MM-DD"));
    check("1 2 200", Err("YYYY-MM-DD"));
    check("001/2/2000", Err("YYYY-MM-DD"));
    check("1/2/2000/3", Err("YYYY-MM-DD"));
    check("1, 2, 2000", Ok("2000-02-01"));
    for (at, month) in
        (1_u16..).zip(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
    {
        check_by(&calendar("", ""), &format!("5 {month} 2000"), Ok(&format!("2000-{at:02}-05")));
    }
    // A time of day without a zone names a day where no clock there is on another by then.
    check("1990-06-30 12:59", Ok("1990-06-30"));
    check("1990-06-30 13:00", Err("Australia/Sydney"));
    check("1990-06-30 00:00:01", Err("Australia/Sydney"));
    // Midnight there, from either side of the day.
    check("1990-06-30T02:00:00+12:00", Ok("1990-06-30"));
    check("1990-06-30T01:00:00+12:00", Ok("1990-06-30"));
    check("1990-07-01T01:30:00+11:30", Ok("1990-07-01"));
    check("1990-07-01T14:00:30Z", Err("Australia/Sydney"));
    check("1990-06-30T00:30:00-13:30", Ok("1990-07-01"));
    check("1990-06-30T00:30:00-14:00", Err("Australia/Sydney"));
}

#[test]
fn midnight_there_is_written_on_the_day_itself_or_the_one_before() {
    // No clock of these zones is so far behind another that it shows the day before midnight's.
    let perth = calendar("", "Australia/Perth");
    check_by(&perth, "1990-07-01T06:00:00+14:00", Ok("1990-07-01"));
    check_by(&perth, "1990-07-01T05:00:00+13:00", Ok("1990-07-01"));
    check_by(&perth, "1990-06-30T16:00:00Z", Ok("1990-07-01"));
}

#[test]
fn the_next_day_is_known() {
    for (day, next) in [("1999-12-31", "2000-01-01"), ("2000-02-28", "2000-02-29"), ("2001-02-28", "2001-03-01")] {
        let [day, next] = [day, next].map(|text| Date::iso(text).unwrap().unwrap());
        assert_eq!(day.next(), next);
    }
}

#[test]
fn wrong_rules_are_told() {
    let rules = CalendarRules { order: Some("ymd".to_owned()), time_zone: Some("Mars".to_owned()), clocks: Vec::new() };
    let mut problems = Vec::new();
    Calendar::new(&rules, "/dates", &mut problems);
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["/dates/order", "/dates/time_zone"]);
    assert!(problems[1].message.contains("Pacific/Auckland") && problems[1].message.contains("write its clocks too"));
    let check = |zone: Option<&str>, clocks: &[&str], expected: &str| {
        let clocks = clocks.iter().map(|clock| (*clock).to_owned()).collect();
        let rules = CalendarRules { order: None, time_zone: zone.map(ToOwned::to_owned), clocks };
        let mut problems = Vec::new();
        Calendar::new(&rules, "/dates", &mut problems);
        assert_eq!((problems.len(), problems[0].path.as_str()), (1, "/dates/clocks"), "{problems:?}");
        assert!(problems[0].message.contains(expected), "{problems:?}");
    };
    check(None, &["+12:00"], "no time zone");
    for clock in ["noon", "+15:00", "12", "+12:60", "+-2:00", "+12:000", ""] {
        check(Some("Pacific/Fiji"), &["+12:00", clock], &format!("“{clock}” is no clock"));
    }
}

#[test]
fn a_zone_that_is_not_known_is_read_by_its_clocks() {
    let by = |zone: &str, clocks: &[&str]| {
        let clocks = clocks.iter().map(|clock| (*clock).to_owned()).collect();
        let mut problems = Vec::new();
        let rules = CalendarRules { order: None, time_zone: Some(zone.to_owned()), clocks };
        let calendar = Calendar::new(&rules, "/dates", &mut problems);
        assert_eq!(problems, []);
        calendar
    };
    let fiji = by("Pacific/Fiji", &["+12:00", "+13:00"]);
    check_by(&fiji, "1990-06-30T12:00:00Z", Ok("1990-07-01"));
    check_by(&fiji, "1990-12-31T11:00:00Z", Ok("1991-01-01"));
    check_by(&fiji, "1990-12-31T10:00:00Z", Err("Pacific/Fiji"));
    let how = fiji.read("1990-06-30T12:00:00Z").unwrap().how;
    assert_eq!(how, How::SiteTime { zone: "Pacific/Fiji", ahead: 720, in_force: InForce::Perhaps });
    // Behind UTC its midnight is a later hour of the same day.
    let newfoundland = by("America/St_Johns", &["-03:30", "-02:30"]);
    check_by(&newfoundland, "1990-12-31T03:30:00Z", Ok("1990-12-31"));
    check_by(&newfoundland, "1990-06-30 02:00", Err("America/St_Johns"));
    check_by(&newfoundland, "1990-06-30 12:00", Ok("1990-06-30"));
}
