//! The components that pages are made of. Each renders itself, escaped, wherever a template names it.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::tz::TimeZone;

use super::format;
use crate::domain::access::household::end_in_words;
use crate::domain::run::RunState;
use crate::domain::{Diagnostic, Severity, Timestamp};

/// The meaning of a state for the person who looks; never shown by colour alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    Good,
    Attention,
    Trouble,
    Neutral,
}

impl Tone {
    /// The tone's class in the stylesheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Attention => "attention",
            Self::Trouble => "trouble",
            Self::Neutral => "neutral",
        }
    }
}

/// A state in a word.
#[derive(Template, Clone, Debug)]
#[template(ext = "html", source = r#"<span class="badge {{ tone.class() }}">{{ word }}</span>"#)]
pub(super) struct Badge {
    pub(super) tone: Tone,
    pub(super) word: String,
}

impl HtmlSafe for Badge {}

impl Badge {
    pub(super) fn new(tone: Tone, word: impl Into<String>) -> Self {
        Self { tone, word: word.into() }
    }
}

impl From<RunState> for Badge {
    fn from(state: RunState) -> Self {
        match state {
            RunState::Queued => Self::new(Tone::Neutral, "Queued"),
            RunState::Running => Self::new(Tone::Neutral, "Running"),
            RunState::Done => Self::new(Tone::Good, "Done"),
            RunState::Failed => Self::new(Tone::Trouble, "Failed"),
            RunState::Cancelled => Self::new(Tone::Attention, "Cancelled"),
        }
    }
}

/// A moment in the practice's zone, with its distance from now beside it.
#[derive(Template, Clone, Debug)]
#[template(
    ext = "html",
    source = r#"<time datetime="{{ iso }}">{{ text }}</time> <span class="quiet">({{ relative }})</span>"#
)]
pub(super) struct Moment {
    iso: String,
    text: String,
    relative: String,
}

impl HtmlSafe for Moment {}

impl Moment {
    pub(super) fn new(at: Timestamp, clock: &Clock) -> Self {
        Self { iso: at.to_string(), text: format::time(at, &clock.zone), relative: format::relative(at, clock.now) }
    }

    /// The moment at which something ends: a whole last day by its date.
    pub(super) fn ending(at: Timestamp, clock: &Clock) -> Self {
        Self { text: end_in_words(at, &clock.zone), ..Self::new(at, clock) }
    }
}

/// The present moment and the zone in which the practice reads it.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    pub(super) now: Timestamp,
    pub(super) zone: TimeZone,
}

/// Something found out about a record, in plain words.
#[derive(Template, Clone, Debug)]
#[template(
    ext = "html",
    source = r#"<p class="finding {{ tone.class() }}"><span class="word">{{ word }}</span> {{ message }}</p>"#
)]
pub(super) struct Finding {
    tone: Tone,
    word: &'static str,
    message: String,
}

impl HtmlSafe for Finding {}

impl From<&Diagnostic> for Finding {
    fn from(diagnostic: &Diagnostic) -> Self {
        let (tone, word) = match diagnostic.severity {
            Severity::Info => (Tone::Neutral, "Note:"),
            Severity::Warning => (Tone::Attention, "Warning:"),
            Severity::Error => (Tone::Trouble, "Set aside:"),
        };
        Self { tone, word, message: diagnostic.message.clone() }
    }
}

/// Links to the first and the next page of a list.
#[derive(Template, Clone, Debug)]
#[template(path = "components/paging.html")]
pub(super) struct Paging {
    first: Option<String>,
    next: Option<String>,
}

impl HtmlSafe for Paging {}

impl Paging {
    /// The paging of a list at `path` with its other filters in `query` (empty, or encoded pairs): `cursor` began this
    /// page, `next` begins the next.
    pub(super) fn new(path: &str, query: &str, cursor: Option<&str>, next: Option<&str>) -> Self {
        Self::of("cursor", path, query, (cursor, next))
    }

    /// The same of a list that is not the only one of its page: its place stands in the address under this name.
    pub(super) fn of(name: &str, path: &str, query: &str, (cursor, next): (Option<&str>, Option<&str>)) -> Self {
        Self {
            first: cursor.map(|_| address(path, &[query])),
            next: next.map(|next| address(path, &[query, &pair(name, next)])),
        }
    }

    /// Whether pages come before this one.
    pub(super) fn is_later(&self) -> bool {
        self.first.is_some()
    }
}

/// The address of a page with these pairs, or joined pairs; empty ones are left out.
pub(super) fn address(path: &str, pairs: &[&str]) -> String {
    let query = joined(pairs);
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Pairs, or joined pairs, joined; empty ones are left out.
pub(super) fn joined(pairs: &[&str]) -> String {
    pairs.iter().copied().filter(|pairs| !pairs.is_empty()).collect::<Vec<_>>().join("&")
}

/// A name and a value as they stand in an address.
pub(super) fn pair(name: &str, value: &str) -> String {
    format!("{name}={}", escaped(value))
}

/// A text as a part of an address.
pub(super) fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_escape_what_they_are_given() {
        let diagnostic = Diagnostic::warning("mobile", "not-a-mobile", "`<b>` was left out".to_owned());
        assert!(Finding::from(&diagnostic).to_string().contains("&#60;b&#62;"));
        assert!(Badge::new(Tone::Good, "<i>").to_string().contains("&#60;i&#62;"));
    }

    #[test]
    fn pages_of_a_list_keep_its_filters() {
        let paging = Paging::new("/households", &pair("search", "o'neil & co"), Some("a"), Some("b="));
        assert_eq!(paging.first.as_deref(), Some("/households?search=o%27neil%20%26%20co"));
        assert_eq!(paging.next.as_deref(), Some("/households?search=o%27neil%20%26%20co&cursor=b%3D"));
        assert_eq!(joined(&["sort=-name", ""]), "sort=-name");
        assert_eq!(
            (address("/runs", &["", ""]), address("/runs", &["a=1", "", "b=2"])),
            ("/runs".into(), "/runs?a=1&b=2".into())
        );
        let only = Paging::new("/runs", "", None, None);
        assert_eq!((only.first, only.next), (None, None));
    }
}
