//! Words that sites and people write where they do not know: `N/A`, `1900-01-01`, `none@none.com`.
//!
//! Taken at its word it would be somebody's birthday, address or number; so it is left out, and told.

use super::{Calendar, Date};
use crate::{Table, text};
use serde::Deserialize;

/// A site's stand-ins for "unknown", as the rules list them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnknownRules {
    /// Words, in any field of text.
    pub words: Vec<String>,
    /// Email addresses; one that begins with `@` stands for every address of its domain.
    pub emails: Vec<String>,
    /// Telephone numbers, of which the digits count.
    pub phones: Vec<String>,
    /// Dates, as the site writes them: some that no calendar has are among them.
    pub dates: Vec<String>,
    /// Dates that some write where they do not know and that are somebody's birthday, too: they are taken, and told.
    pub doubtful_dates: Vec<String>,
}

/// The rules made ready.
#[derive(Debug)]
pub struct Unknown {
    words: Table<()>,
    /// The bytes with which a word may begin, a bit each: nearly every value is told by its first.
    first_bytes: [u64; 4],
    longest: usize,
    emails: Table<()>,
    phones: Vec<String>,
    days: Vec<Date>,
    /// The dates that no calendar has.
    no_days: Vec<String>,
    doubtful: Vec<Date>,
}

impl Unknown {
    /// Makes the rules ready.
    #[must_use]
    pub fn new(rules: UnknownRules) -> Self {
        let mut first_bytes = [0; 4];
        for word in &rules.words {
            let lower = text::normal(word).bytes().next();
            for byte in [lower, lower.map(|byte| byte.to_ascii_uppercase())].into_iter().flatten().chain([b'.']) {
                first_bytes[usize::from(byte / 64)] |= 1 << (byte % 64);
            }
        }
        let day = |date: &String| Calendar::default().read(date).ok().map(|day| day.date);
        let digits = |number: &String| number.chars().filter(char::is_ascii_digit).collect();
        Self {
            // A word may be written with full stops and blanks that do not count.
            longest: rules.words.iter().map(|word| 2 * word.len() + 2).max().unwrap_or(0),
            words: Table::listing(&rules.words, "/unknown/words"),
            first_bytes,
            emails: Table::listing(&rules.emails, "/unknown/emails"),
            phones: rules.phones.iter().map(digits).collect(),
            days: rules.dates.iter().filter_map(day).collect(),
            doubtful: rules.doubtful_dates.iter().filter_map(day).collect(),
            no_days: rules.dates.into_iter().filter(|date| day(date).is_none()).collect(),
        }
    }

    /// Whether a text, cleaned, says that nothing is known.
    #[must_use]
    pub fn is_word(&self, text: &str) -> bool {
        let begins = |byte: &u8| self.first_bytes[usize::from(byte / 64)] & (1 << (byte % 64)) != 0;
        text.len() <= self.longest && text.as_bytes().first().is_some_and(begins) && self.words.get(text).is_some()
    }

    /// Whether an email address is nobody's.
    #[must_use]
    pub fn is_email(&self, address: &str) -> bool {
        let domain = address.rfind('@').map(|at| &address[at..]);
        self.emails.get(address).is_some() || domain.is_some_and(|domain| self.emails.get(domain).is_some())
    }

    /// Whether a telephone number is nobody's.
    #[must_use]
    pub fn is_phone(&self, text: &str) -> bool {
        let is_it = |known: &String| text.bytes().filter(u8::is_ascii_digit).eq(known.bytes());
        self.phones.iter().any(is_it)
    }

    /// Whether a date, as written or as it was read, is no day that is meant.
    #[must_use]
    pub fn is_date(&self, text: &str, read: Option<Date>) -> bool {
        match read {
            Some(date) => self.days.contains(&date),
            // Midnight may stand behind it.
            None => self.no_days.iter().any(|known| text.trim().starts_with(known.as_str())),
        }
    }

    /// Whether a date may be a day that is meant or not.
    #[must_use]
    pub fn is_doubtful(&self, date: Date) -> bool {
        self.doubtful.contains(&date)
    }
}

#[cfg(test)]
mod tests {
    use super::{Unknown, UnknownRules};

    #[test]
    fn stand_ins_are_known_however_they_are_written() {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let unknown = Unknown::new(UnknownRules {
            words: list(&["N/A", "Not known", "?", "."]),
            emails: list(&["none@none.com", "@nomail.example"]),
            phones: list(&["0000 000 000"]),
            dates: list(&["1900-01-01", "0000-00-00"]),
            doubtful_dates: list(&["1970-01-01"]),
        });
        for word in ["N/A", "n/a", "n./a.", "NOT  KNOWN", "?", ".", "...", "Not known."] {
            assert!(unknown.is_word(word), "{word}");
        }
        for word in ["N", "Na", "Nan", "Notknown", "Māia", "??", "a", "Not known to us"] {
            assert!(!unknown.is_word(word), "{word}");
        }
        let emails = ["None@None.com", "none@none.org", "pat@nomail.example", "pat@mynomail.example"];
        assert_eq!(emails.map(|email| unknown.is_email(email)), [true, false, true, false]);
        let phones = ["(0000) 000-000", "0000 000 00", "0000 000 0001", "none"];
        assert_eq!(phones.map(|phone| unknown.is_phone(phone)), [true, false, false, false]);
        let read = |text: &str| super::super::Calendar::default().read(text).ok().map(|day| day.date);
        let dates = ["1900-01-01", "1900-01-01T00:00:00", "0000-00-00", "0000-00-00T00:00:00", "1900-01-02", "soon"];
        let is_date = dates.map(|date| unknown.is_date(date, read(date)));
        assert_eq!(is_date, [true, true, true, true, false, false]);
        let dates = ["1970-01-01", "1970-01-01T00:00:00Z", "1970-01-02", "1900-01-01"];
        assert_eq!(dates.map(|date| unknown.is_doubtful(read(date).unwrap())), [true, true, false, false]);
        // A word is as long as its full stops and blanks may make it; each begins with a letter of its own.
        assert!(unknown.is_word("n.o.t.  k.n.o.w.n...") && !unknown.is_word("n.o.t.  k.n.o.w.n...."));
        assert_eq!(
            ["@nomail.example", "nomail.example", "none@none.com.au"].map(|text| unknown.is_email(text)),
            [true, false, false]
        );
        let letters = Unknown::new(UnknownRules { words: list(&["Äbc", "zero", "7"]), ..UnknownRules::default() });
        let words = ["äbc", "ÄBC", "Zero", "zero", "7", "77", "@", "", ".7"];
        assert_eq!(words.map(|word| letters.is_word(word)), [true, true, true, true, true, false, false, false, true]);
        let nothing = Unknown::new(UnknownRules::default());
        assert!(!nothing.is_word("N/A") && !nothing.is_email("none@none.com") && !nothing.is_phone(""));
    }
}
