//! Values as a site sends them that keeps postcodes as numbers, writes names for web pages, dates as moments and amounts
//! for accountants. What the values mean is what the book says.

use crate::book::{Address, Client, Money, Text};

/// The client as such a site sends it. It is in Sydney.
pub(super) fn of(mut client: Client) -> Client {
    for name in [&mut client.first_name, &mut client.middle_name, &mut client.last_name, &mut client.preferred_name] {
        for_web_page(name);
    }
    at_midnight(&mut client.dob);
    for number in client.contacts.iter_mut().map(|row| &mut row.value).chain(client.preferred_phone.as_mut()) {
        with_label(number);
    }
    client.addresses.iter_mut().for_each(without_zero);
    for goal in &mut client.goals {
        for_web_page(&mut goal.description);
        at_midnight(&mut goal.target_date);
        goal.target_amount.iter_mut().for_each(for_accountants);
    }
    for policy in &mut client.policies {
        at_midnight(&mut policy.renewal_date);
        day_first(&mut policy.policy_to);
        policy.installment_premium.iter_mut().for_each(for_accountants);
        policy.covers.iter_mut().filter_map(|cover| cover.sum_insured.as_mut()).for_each(for_accountants);
    }
    client
}

/// Escapes what HTML does, but for a text that has escapes already: twice would be another text.
fn for_web_page(text: &mut Option<Text>) {
    let Some(text) = text.as_mut().filter(|text| !text.contains("&#") && !text.contains("&amp;")) else { return };
    *text = text.replace('&', "&amp;").replace('\'', "&#39;").replace('"', "&quot;").into();
}

/// Year, month and day of a date that some calendar has.
fn parts(date: &str) -> Option<(u32, u32, u32)> {
    let mut parts = date.split('-').map(|part| part.parse().ok());
    let (Some(Some(year)), Some(Some(month)), Some(Some(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    (date.len() == 10 && (1..=12).contains(&month) && (1..=28).contains(&day)).then_some((year, month, day))
}

/// The day as its midnight in Sydney, told in UTC; days of which the day before is of another month stay.
fn at_midnight(date: &mut Option<Text>) {
    let Some((year, month, day)) = date.as_deref().and_then(parts).filter(|(_, _, day)| *day > 1) else { return };
    // By the months alone, as servers do that know no history of summer time.
    let time = if matches!(month, 5..=9) { "14:00:00" } else { "13:00:00" };
    *date = Some(format!("{year:04}-{month:02}-{:02}T{time}Z", day - 1).into());
}

fn day_first(date: &mut Option<Text>) {
    if let Some((year, month, day)) = date.as_deref().and_then(parts) {
        *date = Some(format!("{day}/{month:02}/{year:04}").into());
    }
}

fn with_label(number: &mut Text) {
    if let Some(national) = number.strip_prefix("+61 4") {
        *number = format!("Mobile: (+61) 4{national}").into();
    }
}

fn without_zero(row: &mut Address) {
    if row.state == "NT"
        && let Some(rest) = row.postcode.strip_prefix('0').filter(|rest| rest.len() == 3)
    {
        row.postcode = rest.to_owned().into();
    }
}

/// Thousands apart, and what is below zero in brackets.
fn for_accountants(money: &mut Money) {
    let (is_negative, number) = match money.value.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, &*money.value),
    };
    let (whole, fraction) = number.split_once('.').map_or((number, ""), |(whole, fraction)| (whole, fraction));
    if whole.is_empty() || ![whole, fraction].concat().bytes().all(|byte| byte.is_ascii_digit()) {
        return;
    }
    let mut written = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written.push_str(&number[whole.len()..]);
    money.value = if is_negative { format!("(${written})") } else { format!("${written}") }.into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_meaning() {
        let text = |text: &'static str, write: fn(&mut Option<Text>)| {
            let mut written = Some(Text::from(text));
            write(&mut written);
            written.unwrap_or_default().into_owned()
        };
        assert_eq!(text("O'Neil & Lee", for_web_page), "O&#39;Neil &amp; Lee");
        assert_eq!(text("O&#39;Neil", for_web_page), "O&#39;Neil");
        assert_eq!(text("1990-07-02", at_midnight), "1990-07-01T14:00:00Z");
        assert_eq!(text("1991-01-02", at_midnight), "1991-01-01T13:00:00Z");
        assert_eq!(text("1991-01-01", at_midnight), "1991-01-01");
        assert_eq!(text("1975-02-30", at_midnight), "1975-02-30");
        assert_eq!(text("2031-02-03", day_first), "3/02/2031");
        let amount = |value: &'static str| {
            let mut money = Money { code: "AUD".into(), value: value.into() };
            for_accountants(&mut money);
            money.value.into_owned()
        };
        assert_eq!(
            ["0", "-1250.50", "1234567", "1.5e3", "12,5"].map(amount),
            ["$0", "($1,250.50)", "$1,234,567", "1.5e3", "12,5"]
        );
    }
}
