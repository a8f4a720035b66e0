//! One rule of a fault plan, and how it is written on a command line.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The user's session is taken over by a login elsewhere: 401.
    SessionTakeover,
    /// The login page as HTML with status 200.
    LoginPage,
    /// 429, with `Retry-After` when `retry_after` is set.
    TooManyRequests,
    /// 500 as an HTML page; nothing was done.
    ServerError,
    /// 502 as an HTML page; nothing was done.
    BadGateway,
    /// 403: the user may not; nothing was done.
    Forbidden,
    /// 500 as JSON whose words name a person; nothing was done.
    NamesPeople,
    /// 409: something else is in the way just now; nothing was done.
    Conflict,
    /// 423: somebody else has the record open; nothing was done.
    Locked,
    /// 425: the site does not take the request yet; nothing was done.
    TooEarly,
    /// The answer comes `ms` later.
    Slow,
    /// The work takes `ms` longer, and is done to its end also where the caller has hung up.
    SlowWork,
    /// The connection is cut; nothing was done.
    CutBefore,
    /// The work is done, then the connection is cut without an answer.
    CutAfter,
    /// The connection is cut at once; the work is done `ms` later.
    CutLate,
    /// The work is done and half of the answer sent, then the connection is cut.
    CutBody,
    /// One call, alone or within a batch, answers 500 as JSON; nothing was done.
    CallError,
    /// Storing an attachment answers 500 as JSON, after its note was made.
    AttachmentError,
    /// The bookmarks of a page lead back to the page itself.
    BookmarkLoop,
    /// A page holds half of its rows; the rest follows by its bookmark.
    ShortPage,
    /// The first row of a page holds values of other types than they should be.
    WrongTypes,
    /// The first row of a page holds null in place of each value.
    NullValues,
    /// The first row of a page lacks its fields and holds others that nobody asked for.
    OtherFields,
    /// The first row of a page names no record.
    NoId,
    /// The first row of a page holds a text of two megabytes.
    HugeRow,
    /// The first row of a page comes again at its end, as where rows move while pages are read.
    RepeatedRow,
    /// One call, alone or within a batch, answers an object where a list should be.
    NotAList,
    /// One list of a client or of the site, alone or within a batch, is answered as an empty one, with status 200.
    EmptyList,
    /// The answers of a batch come in the opposite order.
    BatchReversed,
    /// The last answer of a batch is missing.
    BatchShort,
    /// 504 as an HTML page; nothing was done.
    GatewayTimeout,
    /// The work is done and half of the answer sent as if it were all of it.
    Truncated,
    /// A byte order mark comes before the answer.
    ByteOrderMark,
    /// The first text of an answer holds a byte that is not UTF-8.
    BadByte,
    /// The first text of an answer holds half a surrogate pair as an escape.
    HalfSurrogate,
    /// The first text of an answer holds NUL as it is.
    ControlCharacter,
    /// The first text of an answer comes twice, under the same name.
    DoubleKey,
    /// The first text of an answer is `NaN`, as some languages write it, and no JSON.
    NotANumber,
    /// The first text of an answer is a bare word, which is no JSON.
    BareWord,
    /// A comma stands behind the last member of the object that holds the first text of an answer, which is no JSON.
    TrailingComma,
    /// The first text of an answer has two megabytes.
    HugeText,
}

impl Fault {
    /// Every fault with the word it goes by.
    pub const ALL: &[(&str, Self)] = &[
        ("session_takeover", Self::SessionTakeover),
        ("login_page", Self::LoginPage),
        ("too_many_requests", Self::TooManyRequests),
        ("server_error", Self::ServerError),
        ("bad_gateway", Self::BadGateway),
        ("forbidden", Self::Forbidden),
        ("names_people", Self::NamesPeople),
        ("conflict", Self::Conflict),
        ("locked", Self::Locked),
        ("too_early", Self::TooEarly),
        ("slow", Self::Slow),
        ("slow_work", Self::SlowWork),
        ("cut_before", Self::CutBefore),
        ("cut_after", Self::CutAfter),
        ("cut_late", Self::CutLate),
        ("cut_body", Self::CutBody),
        ("call_error", Self::CallError),
        ("attachment_error", Self::AttachmentError),
        ("bookmark_loop", Self::BookmarkLoop),
        ("short_page", Self::ShortPage),
        ("wrong_types", Self::WrongTypes),
        ("null_values", Self::NullValues),
        ("other_fields", Self::OtherFields),
        ("no_id", Self::NoId),
        ("huge_row", Self::HugeRow),
        ("repeated_row", Self::RepeatedRow),
        ("not_a_list", Self::NotAList),
        ("empty_list", Self::EmptyList),
        ("batch_reversed", Self::BatchReversed),
        ("batch_short", Self::BatchShort),
        ("gateway_timeout", Self::GatewayTimeout),
        ("truncated", Self::Truncated),
        ("byte_order_mark", Self::ByteOrderMark),
        ("bad_byte", Self::BadByte),
        ("half_surrogate", Self::HalfSurrogate),
        ("control_character", Self::ControlCharacter),
        ("double_key", Self::DoubleKey),
        ("not_a_number", Self::NotANumber),
        ("bare_word", Self::BareWord),
        ("trailing_comma", Self::TrailingComma),
        ("huge_text", Self::HugeText),
    ];

    /// Whether it concerns a page of rows.
    pub(crate) fn concerns_page(self) -> bool {
        matches!(
            self,
            Self::BookmarkLoop
                | Self::ShortPage
                | Self::WrongTypes
                | Self::NullValues
                | Self::OtherFields
                | Self::NoId
                | Self::HugeRow
                | Self::RepeatedRow
        )
    }

    /// Whether it concerns one call, of which a batch has many.
    pub(crate) fn concerns_call(self) -> bool {
        matches!(self, Self::CallError | Self::AttachmentError | Self::NotAList | Self::EmptyList)
    }

    /// Whether it concerns the answers of a batch together.
    pub(crate) fn concerns_batch(self) -> bool {
        matches!(self, Self::BatchReversed | Self::BatchShort)
    }

    /// Whether it concerns the text of an answer to one call, alone or within a batch.
    pub fn concerns_text(self) -> bool {
        matches!(
            self,
            Self::BadByte
                | Self::HalfSurrogate
                | Self::ControlCharacter
                | Self::DoubleKey
                | Self::NotANumber
                | Self::BareWord
                | Self::TrailingComma
                | Self::HugeText
        )
    }

    /// Whether it concerns a request as a whole.
    pub fn concerns_request(self) -> bool {
        !self.concerns_text() && !self.concerns_page() && !self.concerns_call() && !self.concerns_batch()
    }
}

/// A fault and when it strikes: always, unless `every` or `chance` says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// How likely, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// Every so many requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Not before so many requests went by.
    #[serde(default)]
    pub skip: u64,
    /// At most so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Only where the address (path and query) holds this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Only where the address does not hold this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<String>,
    /// Only for this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only where more than so many rows, or calls in a batch, are asked for at once; for faults of requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Milliseconds, for `slow`, `slow_work` and `cut_late`.
    #[serde(default)]
    pub ms: u64,
    /// Seconds, for `too_many_requests`, `conflict`, `locked` and `too_early`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Rule {
    /// A rule that strikes always.
    pub fn always(fault: Fault) -> Self {
        Self {
            fault,
            chance: None,
            every: None,
            skip: 0,
            times: None,
            on: None,
            off: None,
            method: None,
            rows: None,
            ms: 0,
            retry_after: None,
        }
    }

    pub(super) fn applies(&self, method: &str, address: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.on.as_ref().is_none_or(|part| address.contains(part.as_str()))
            && self.off.as_ref().is_none_or(|part| !address.contains(part.as_str()))
            && match self.fault {
                Fault::AttachmentError => method == "POST" && address.contains("/attachment-v3"),
                Fault::EmptyList => method == "GET" && (is_list_of_client(address) || address.ends_with("/choice")),
                _ => true,
            }
    }

    /// What is wrong with the rule, if anything is.
    pub(crate) fn check(&self) -> Result<(), RuleError> {
        if self.chance.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
            return Err(RuleError::Value { key: "chance".into(), wanted: "a number from 0 to 1" });
        }
        if self.every == Some(0) {
            return Err(RuleError::Value { key: "every".into(), wanted: "a whole number above 0" });
        }
        if matches!(self.fault, Fault::Slow | Fault::SlowWork | Fault::CutLate) && self.ms == 0 {
            return Err(RuleError::Value {
                key: "ms".into(),
                wanted: "given, above 0, for slow, slow_work and cut_late",
            });
        }
        if self.every.is_some() && self.chance.is_some() {
            return Err(RuleError::EveryAndChance);
        }
        Ok(())
    }
}

/// Whether an address ends in a record's number and the name of a list: `…/1259/goals`.
fn is_list_of_client(address: &str) -> bool {
    let mut parts = address.rsplit('/');
    let is_name = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    parts.next().is_some_and(is_name) && parts.next().is_some_and(|id| id.parse::<u32>().is_ok())
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No fault of this name.
    #[error("there is no fault \"{0}\"; there are: {words}", words = words())]
    Fault(String),
    /// Not a setting of a rule.
    #[error(
        "\"{0}\" is no setting of a fault; there are: chance, every, skip, times, on, off, method, rows, ms, retry_after"
    )]
    Key(String),
    /// A setting whose value does not fit.
    #[error("{key} must be {wanted}")]
    Value {
        /// The setting.
        key: String,
        /// What it takes.
        wanted: &'static str,
    },
    /// Both ways of counting at once.
    #[error("a fault strikes either every so often or by chance: give one of the two")]
    EveryAndChance,
}

fn words() -> String {
    Fault::ALL.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}

impl FromStr for Rule {
    type Err = RuleError;

    /// Reads `fault` or `fault:key=value,key=value`.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        let (word, settings) = text.split_once(':').unwrap_or((text, ""));
        let known = Fault::ALL.iter().find(|(known, _)| *known == word.replace('-', "_"));
        let (_, fault) = known.ok_or_else(|| RuleError::Fault(word.to_owned()))?;
        let mut rule = Self::always(*fault);
        for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
            let (key, value) = setting.split_once('=').ok_or_else(|| RuleError::Key(setting.to_owned()))?;
            match key {
                "chance" => rule.chance = Some(parsed(key, value, "a number from 0 to 1")?),
                "every" => rule.every = Some(parsed(key, value, "a whole number above 0")?),
                "skip" => rule.skip = parsed(key, value, "a whole number")?,
                "times" => rule.times = Some(parsed(key, value, "a whole number")?),
                "rows" => rule.rows = Some(parsed(key, value, "a whole number")?),
                "ms" => rule.ms = parsed(key, value, "a number of milliseconds")?,
                "retry_after" => {
                    rule.retry_after = Some(parsed(key, value, "a number of seconds")?);
                }
                "on" => rule.on = Some(value.to_owned()),
                "off" => rule.off = Some(value.to_owned()),
                "method" => rule.method = Some(value.to_owned()),
                other => return Err(RuleError::Key(other.to_owned())),
            }
        }
        rule.check()?;
        Ok(rule)
    }
}

fn parsed<T: FromStr>(key: &str, value: &str, wanted: &'static str) -> Result<T, RuleError> {
    value.parse().map_err(|_| RuleError::Value { key: key.to_owned(), wanted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rules() {
        let rule: Rule = "too-many-requests:every=10,retry_after=2,on=docnote,method=POST".parse().unwrap();
        let expected = Rule {
            every: Some(10),
            retry_after: Some(2),
            on: Some("docnote".into()),
            method: Some("POST".into()),
            ..Rule::always(Fault::TooManyRequests)
        };
        assert_eq!(rule, expected);
    }

    #[test]
    fn says_what_is_wrong_with_a_rule() {
        let check = |text: &str, part: &str| {
            let error = text.parse::<Rule>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("sunspots", "cut_before");
        check("slow:often=1", "often");
        check("slow:chance=2", "0 to 1");
        check("server_error:every=0", "above 0");
        check("server_error:every=2,chance=0.5", "one of the two");
        check("slow:every=2", "ms must be given");
        check("slow:ms=soon", "milliseconds");
    }

    #[test]
    fn lists_of_clients_are_told_by_their_address() {
        let check = |address, expected| assert_eq!(is_list_of_client(address), expected, "{address}");
        check("/resourceful/entity/client-v4/1259/goals", true);
        check("/resourceful/entity/client-v4/1259/insurance_group", true);
        check("/resourceful/entity/client-v4/1259", false);
        check("/resourceful/entity/client-v4?page_size=500", false);
        check("/resourceful/docnote-v2/9001/attachment-v3", false);
    }

    #[test]
    fn words_are_those_of_the_json() {
        for (word, fault) in Fault::ALL {
            assert_eq!(serde_json::to_value(fault).unwrap(), *word);
        }
    }
}
