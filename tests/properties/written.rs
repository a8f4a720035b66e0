//! What the forms mean in which sites and people write values, by the rules' own words and by nothing of the product's
//! code.

use jiff::ToSpan as _;
use jiff::civil::Date;

/// What stands for "unknown", in lower case.
const UNKNOWN_WORDS: [&str; 4] = ["n/a", "tba", "unknown", "?"];
const UNKNOWN_DAYS: [&str; 5] = ["0000-00-00", "1800-01-01", "1899-12-30", "1900-01-01", "9999-12-31"];
const UNKNOWN_EMAILS: [&str; 1] = ["none@none.com"];

/// A text with the entities that the edits write read once, without spare blanks; none where it says nothing.
pub fn clean(text: Option<&str>) -> Option<String> {
    let decoded = text?.replace("&#39;", "'").replace("&amp;", "&");
    let words: Vec<&str> = decoded.split_whitespace().collect();
    let text = words.join(" ");
    (!text.is_empty() && !UNKNOWN_WORDS.contains(&text.to_lowercase().as_str())).then_some(text)
}

pub fn day(text: &str) -> Option<Date> {
    let text = text.trim();
    // Midnight in Sydney, in winter and in summer.
    let begins_after = ["T14:00:00Z", "T13:00:00Z"].iter().find_map(|time| text.strip_suffix(time));
    let day = match begins_after {
        Some(day) => day.parse::<Date>().ok()?.checked_add(1.day()).ok()?,
        None => {
            let parts: Vec<&str> = text.split(['-', '/']).collect();
            let [first, second, third] = parts[..] else { return None };
            let (year, day) = if first.len() == 4 { (first, third) } else { (third, first) };
            if year.len() != 4 {
                return None;
            }
            Date::new(year.parse().ok()?, second.parse().ok()?, day.parse().ok()?).ok()?
        }
    };
    ((1900..=2200).contains(&day.year()) && !UNKNOWN_DAYS.contains(&day.to_string().as_str())).then_some(day)
}

pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_plain = |text: &str| !text.contains([' ', '@']) && text.split('.').all(|part| !part.is_empty());
    is_plain(local) && is_plain(domain) && domain.contains('.') && !UNKNOWN_EMAILS.contains(&text)
}

/// A mobile number that states its country, in E.164, for the countries of the book: those whose numbers for fiction
/// are numbers by the plan.
pub fn mobile(text: &str) -> Option<String> {
    let text = text.trim_start_matches("Mobile: ").replace('＋', "+");
    let text = text.trim_start_matches('(');
    let written = text.strip_prefix("0011").or_else(|| text.strip_prefix('+'))?;
    let written = written.split(" ext ").next().unwrap_or_default();
    if written.contains(|letter: char| letter.is_alphabetic()) {
        return None;
    }
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let plans: [(&str, &str, &[usize]); 3] = [("61", "4", &[9]), ("64", "2", &[8, 9, 10]), ("1", "", &[10])];
    plans.iter().find_map(|(code, first, lengths)| {
        let national = digits.strip_prefix(code)?.trim_start_matches('0');
        let fits = national.starts_with(first) && lengths.contains(&national.len());
        fits.then(|| format!("+{code}{national}"))
    })
}

/// A postcode of Australia: four digits, or three that were four in the Northern Territory.
pub fn postcode(text: &str, state: Option<&str>) -> Option<String> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.len() {
        4 if is_digits => Some(text.to_owned()),
        3 if is_digits && text.starts_with(['8', '9']) && state.is_none_or(|state| state == "NT") => {
            Some(format!("0{text}"))
        }
        _ => None,
    }
}

/// An amount with its sign; none where it cannot be read in one way only.
pub fn amount(text: &str) -> Option<f64> {
    let inside = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let number = inside.unwrap_or(text).trim_start_matches('$');
    let whole = number.split('.').next().unwrap_or_default();
    if whole.split(',').skip(1).any(|group| group.len() != 3) {
        return None;
    }
    let amount: f64 = number.replace(',', "").parse().ok()?;
    Some(if inside.is_some() { -amount } else { amount })
}

/// A type of cover without what stands in brackets or behind a dash.
pub fn without_remark(word: &str) -> &str {
    let word = word.split(" (").next().unwrap_or_default();
    word.split(" - ").next().unwrap_or_default()
}
