//! Reading requests: parameters and JSON bodies, with every failure as a problem document.

mod json;
mod mismatch;

use std::any::Any;
use std::str::FromStr;

use axum::Extension;
use axum::body::Bytes;
use axum::body::HttpBody as _;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use jiff::fmt::temporal::Pieces;
use serde::de::value::{Error as ValueError, StringDeserializer};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_path_to_error::Segment;

use self::mismatch::AN_ID;
pub use self::mismatch::Mismatch;
use crate::api::problem::{FieldError, Kind, Problem};
use crate::domain::field::pointer_to;
use crate::domain::text::excerpt;
use crate::domain::{ClientId, Timestamp};
use crate::store::book::PageRequest;

const DEFAULT_LIMIT: usize = 50;
const HIGHEST_LIMIT: usize = 500;

/// The query; an unknown or unusable parameter is a malformed request. `T` denies unknown fields.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri)
            .map_err(|rejection| Problem::new(Kind::Malformed, unusable(&parts.uri, &rejection.body_text())))?;
        Ok(Self(query.0))
    }
}

/// The message about a query that cannot be read at all.
const UNREADABLE: &str = "The query cannot be read. Write it as `name=value`, joined by `&`.";

/// The message about a query that does not fit, for whoever wrote it.
fn unusable(uri: &Uri, message: &str) -> String {
    let message = message.strip_prefix("Failed to deserialize query string: ").unwrap_or(message);
    let quoted = |prefix: &str| message.strip_prefix(prefix).and_then(|rest| rest.split_once('`'));
    if let Some((name, _)) = quoted("duplicate field `") {
        return format!("`{name}` is there twice, and which value is meant cannot be told. Send it once.");
    }
    if let Some((name, _)) = quoted("missing field `") {
        return format!("`{name}` is missing.");
    }
    let Some((name, why)) = message.split_once(": ") else { return UNREADABLE.to_owned() };
    if why.starts_with("unknown field") {
        let known = why.split_once(", expected ").map_or("none", |(_, known)| known);
        return format!("There is no parameter `{name}`; known here: {known}.");
    }
    let variant = why.strip_prefix("unknown variant `").and_then(|rest| rest.split_once("`, expected "));
    if let Some((given, known)) = variant {
        return format!("`{name}` cannot be `{given}`; it can be {known}.");
    }
    if let Some(given) = no_moment(uri, name, why) {
        return match lies_beyond(&given) {
            Some(beyond) => format!("`{name}` {beyond}."),
            None => format!("`{name}` is a moment such as {MOMENT}."),
        };
    }
    let is_of_number = ["invalid digit", "cannot parse integer", "number too"].iter().any(|word| why.starts_with(word));
    let why = match why {
        _ if is_of_number => "it has to be a whole number, not too large and not below 0",
        why if why.starts_with("UUID parsing failed") => "it has to be an id as the API gives it",
        why if why.ends_with("was not `true` or `false`") => "it has to be true or false",
        // A type of the host's own names what it was given first.
        why if why.starts_with('`') => why,
        _ => "the API's document says what it can be",
    };
    format!("`{name}` cannot be used: {why}.")
}

/// The value of a parameter that was to be a moment and is none: the reason is what a moment's own type says of the value.
fn no_moment(uri: &Uri, name: &str, why: &str) -> Option<String> {
    let Query(given) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    let (_, value) = given.into_iter().find(|(known, _)| known == name)?;
    value.parse::<Timestamp>().is_err_and(|error| error.to_string() == why).then_some(value)
}

/// What is said of a text that has the form of a moment and lies where none can be kept.
fn lies_beyond(text: &str) -> Option<&'static str> {
    let pieces = Pieces::parse(text).ok()?;
    let is_whole = pieces.time().is_some() && pieces.offset().is_some() && text.parse::<Timestamp>().is_err();
    let is_future = pieces.date().year() > 0;
    is_whole.then_some(if is_future { TOO_LATE } else { "lies too far in the past" })
}

/// The query of a resource that takes no parameters.
pub struct NoParams;

impl<S: Send + Sync> FromRequestParts<S> for NoParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match parts.uri.query() {
            None | Some("") => Ok(Self),
            Some(_) => Err(Problem::new(Kind::Malformed, "This takes no query parameters. Nothing was changed.")),
        }
    }
}

/// The one parameter of the path. What cannot be a `T` names nothing.
pub struct PathParam<T>(pub T);

impl<S: Send + Sync, T: FromStr<Err: Any>> FromRequestParts<S> for PathParam<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = text.map_err(|_| Problem::not_found("such address"))?;
        named(&text).map(Self)
    }
}

/// Two parameters of the path; the second is any text.
pub struct PathPair<T>(pub T, pub String);

impl<S: Send + Sync, T: FromStr<Err: Any>> FromRequestParts<S> for PathPair<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let texts = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((first, second)) = texts.map_err(|_| Problem::not_found("such address"))?;
        Ok(Self(named(&first)?, second))
    }
}

/// What a part of the path names.
fn named<T: FromStr<Err: Any>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| match (&error as &dyn Any).is::<uuid::Error>() {
        true => Problem::not_found(format_args!("`{text}`, which is no id such as {AN_ID}")),
        false => Problem::not_found(format_args!("`{text}`")),
    })
}

/// A JSON body.
pub struct Body<T>(pub T);

/// A JSON body that may be left out; without it, the request says nothing but its address.
pub struct OptionalBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        let bytes = bytes_of(request, state).await?;
        // Some senders write `null` where there is nothing to say.
        if bytes.trim_ascii() == b"null" { Ok(Self(T::default())) } else { read(&bytes).map(Self) }
    }
}

/// The largest JSON body that an operation reads.
#[derive(Clone, Copy)]
pub struct BodyLimit {
    /// The name of the body, as the first words of a sentence.
    pub what: &'static str,
    /// The limit in whole megabytes.
    pub megabytes: usize,
}

impl BodyLimit {
    /// The limit where an operation says nothing else.
    pub const USUAL: Self = Self { what: "The body", megabytes: 2 };

    /// Sets the limit, and what is said of it, for the operations below.
    pub fn layers(self) -> (DefaultBodyLimit, Extension<Self>) {
        (DefaultBodyLimit::max(self.megabytes << 20), Extension(self))
    }
}

/// The bytes of a body that says that it is JSON.
async fn bytes_of<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        let detail = "Nothing was kept. Send the body as JSON, with `Content-Type: application/json`.";
        return Err(Problem::new(Kind::WrongMediaType, detail));
    }
    let limit = request.extensions().get::<BodyLimit>().copied().unwrap_or(BodyLimit::USUAL);
    Bytes::from_request(request, state).await.map_err(|rejection| unread(&rejection, limit))
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        read(&bytes_of(request, state).await?).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn unread(rejection: &BytesRejection, limit: BodyLimit) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let BodyLimit { what, megabytes } = limit;
        Problem::new(Kind::TooLarge, format!("Nothing was kept. {what} may be {megabytes} MB at most."))
    } else {
        Problem::new(Kind::Malformed, "The body broke off before its end. Nothing was kept; send it again.")
    }
}

/// Text that is no JSON is malformed; JSON of another shape is invalid at a place.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let value = json::read(bytes).map_err(|error| match error {
        json::Error::NotJson(error) => {
            let (line, column) = (error.line(), error.column());
            let detail = format!("The body is not JSON, as line {line} column {column} shows. Nothing was kept.");
            Problem::new(Kind::Malformed, detail)
        }
        json::Error::Twice { keys } => {
            let name = keys.last().map(String::as_str).unwrap_or_default();
            let detail = format!("`{name}` is there twice, and which value is meant cannot be told. Send it once.");
            let pointer = keys.iter().map(|key| pointer_to(key)).collect();
            Problem::invalid(vec![FieldError { pointer, detail }])
        }
    })?;
    if !value.is_object() {
        // A list would else be taken for the fields in their order.
        let detail = "The body is a JSON object of named fields.".to_owned();
        return Err(Problem::invalid(vec![FieldError { pointer: String::new(), detail }]));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer: String = error.path().iter().map(step).collect();
        let Mismatch { field, detail } = Mismatch::read(&error.inner().to_string());
        // What is missing has no place yet: that is where it would be.
        let step = field.map(|name| pointer_to(&name)).filter(|step| !pointer.ends_with(step.as_str()));
        pointer.extend(step);
        Problem::invalid(vec![FieldError { pointer, detail }])
    })
}

/// A value of a body in which null and a text of blanks mean what is left out: nothing is known.
///
/// # Errors
/// Returns an error if it is none.
pub fn known<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        value => T::deserialize(value).map(Some).map_err(D::Error::custom),
    }
}

/// One word of a choice. An object of that word, which serde would take for it, is none.
///
/// # Errors
/// Returns an error if it is no such word.
pub fn word<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(StringDeserializer::new(String::deserialize(deserializer)?))
}

/// One word of a choice, or null.
///
/// # Errors
/// Fails as [`word`] does.
pub fn word_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| T::deserialize(StringDeserializer::new(text))).transpose()
}

/// A moment, or null.
///
/// # Errors
/// Returns an error if it is no moment with its offset from UTC.
pub fn moment_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let refused = |text: &str| match (excerpt(text, 60), lies_beyond(text)) {
        (given, Some(beyond)) => format!("`{given}` {beyond}"),
        (given, None) => format!("`{given}` is no moment such as {MOMENT}"),
    };
    text.map(|text| text.parse().map_err(|_| D::Error::custom(refused(&text)))).transpose()
}

/// What is said of a moment after the last one that can be kept.
const TOO_LATE: &str = "lies too far in the future; the last moment is 9999-12-30T22:00:00Z";

/// A moment as requests have it.
const MOMENT: &str = "2027-06-30T00:00:00Z (YYYY-MM-DDTHH:MM:SSZ)";

/// A decision with the client who is meant, where the decision needs one: the body of `decision` resources.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided<W> {
    /// The decision.
    #[serde(deserialize_with = "word", bound(deserialize = "W: Deserialize<'de>"))]
    pub decision: W,
    #[serde(default, deserialize_with = "known")]
    client_id: Option<ClientId>,
}

impl<W> Decided<W> {
    /// The client whom the decision needs.
    ///
    /// # Errors
    /// Returns an error if none is named.
    pub fn client(&self) -> Result<ClientId, ValueError> {
        self.client_id.ok_or_else(|| ValueError::missing_field("client_id"))
    }

    /// Returns a decision that needs no client.
    ///
    /// # Errors
    /// Returns an error if one is named.
    pub fn alone<T>(&self, decided: T) -> Result<T, ValueError> {
        self.client_id.map_or(Ok(decided), |_| Err(ValueError::unknown_field("client_id", &["decision"])))
    }
}

fn step(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } | Segment::Enum { variant: key } => pointer_to(key),
        Segment::Unknown => "/?".to_owned(),
    }
}

/// The part of a list that is asked for.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl PageParams {
    /// The page.
    pub fn page(self) -> Result<PageRequest, Problem> {
        page(self.limit, self.cursor)
    }
}

/// The page of a list that is asked for. Whether the list gave the cursor is for the list to say.
pub fn page(limit: Option<usize>, cursor: Option<String>) -> Result<PageRequest, Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if (1..=HIGHEST_LIMIT).contains(&limit) {
        Ok(PageRequest { cursor, limit })
    } else {
        Err(Problem::new(Kind::Malformed, format!("`limit` is {limit}; ask for 1 to {HIGHEST_LIMIT} items.")))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::response::IntoResponse as _;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape is read")]
    struct Shape {
        list: Vec<Item>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only its shape is read")]
    struct Item {
        #[serde(rename = "a/b")]
        number: u8,
    }

    #[test]
    fn a_query_is_refused_in_words_for_whoever_wrote_it() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Choice {
            One,
            Two,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its shape is read")]
        struct Asked {
            limit: Option<usize>,
            id: Option<uuid::Uuid>,
            is: Option<bool>,
            choice: Option<Choice>,
            since: Option<Timestamp>,
        }
        let check = |query: &str, expected: &str| {
            let uri: Uri = format!("/x?{query}").parse().unwrap();
            let rejection = Query::<Asked>::try_from_uri(&uri).unwrap_err();
            assert_eq!(unusable(&uri, &rejection.body_text()), expected, "{query}");
        };
        let number = "`limit` cannot be used: it has to be a whole number, not too large and not below 0.";
        for query in ["limit=x", "limit=-1", "limit=1e3", "limit=99999999999999999999999", "limit="] {
            check(query, number);
        }
        let twice = "`limit` is there twice, and which value is meant cannot be told. Send it once.";
        check("limit=1&limit=2", twice);
        check("id=x", "`id` cannot be used: it has to be an id as the API gives it.");
        check("is=yes", "`is` cannot be used: it has to be true or false.");
        check("choice=three", "`choice` cannot be `three`; it can be `one` or `two`.");
        check("size=1", "There is no parameter `size`; known here: one of `limit`, `id`, `is`, `choice`, `since`.");
        let moment = "`since` is a moment such as 2027-06-30T00:00:00Z (YYYY-MM-DDTHH:MM:SSZ).";
        for query in ["since=garbage", "since=2026", "since=2026-11-30", "since=2026-11-30T00:00:00", "since="] {
            check(query, moment);
        }
        check("since=9999-12-31T23:59:59Z", &format!("`since` {TOO_LATE}."));
    }

    #[test]
    fn a_path_names_what_there_can_be() {
        let check = |said: Problem, expected: &str| assert!(format!("{said:?}").contains(expected), "{said:?}");
        check(
            named::<ClientId>("1").unwrap_err(),
            "There is no `1`, which is no id such as 0198c5f2-7d3e-7a41-9b1c-2f6e8d5a9c04. Check it against the list it is from.",
        );
        check(named::<u64>("x").unwrap_err(), "There is no `x`. Check it against the list it is from.");
        assert!(named::<ClientId>(AN_ID).is_ok());
    }

    #[test]
    fn a_moment_is_asked_for_by_its_form() {
        #[derive(Debug, serde::Deserialize)]
        struct Until {
            #[serde(default, deserialize_with = "moment_or_null")]
            until: Option<Timestamp>,
        }
        let of = |text: &str| serde_json::from_str::<Until>(text);
        assert!(of(r#"{"until":"2027-06-30T00:00:00Z"}"#).unwrap().until.is_some());
        for none in [r#"{"until":null}"#, "{}"] {
            assert!(of(none).unwrap().until.is_none(), "{none}");
        }
        for wrong in ["30/06/2027", "2027-06-30", "tomorrow", ""] {
            let said = of(&serde_json::json!({"until": wrong}).to_string()).unwrap_err().to_string();
            assert!(
                said.contains(&format!("`{wrong}` is no moment such as 2027-06-30T00:00:00Z (YYYY-MM-DD")),
                "{said}"
            );
        }
    }

    #[test]
    fn a_moment_that_cannot_be_kept_is_told_apart_from_none() {
        assert_eq!(lies_beyond("9999-12-31T23:59:59Z"), Some(TOO_LATE));
        assert_eq!(lies_beyond("-009999-01-01T00:00:00Z"), Some("lies too far in the past"));
        for text in ["9999-12-30T22:00:00Z", "9999-12-31", "9999-12-31T23:59:59", "tomorrow"] {
            assert_eq!(lies_beyond(text), None, "{text}");
        }
        assert!(
            "9999-12-30T22:00:00Z".parse::<Timestamp>().is_ok() && "9999-12-30T22:00:01Z".parse::<Timestamp>().is_err()
        );
    }

    #[tokio::test]
    async fn a_body_is_refused_with_the_place_that_is_wrong() {
        async fn check(body: &str, status: u16, messages: &[&str]) {
            let response = read::<Shape>(body.as_bytes()).unwrap_err().into_response();
            assert_eq!(response.status().as_u16(), status, "{body}");
            let text = to_bytes(response.into_body(), 10_000).await.unwrap();
            let text = String::from_utf8(text.to_vec()).unwrap();
            for message in messages {
                assert!(text.contains(message), "{message:?} is not in {text}");
            }
        }
        check("{\"list\":\n [", 400, &["line 2 column 2"]).await;
        check("", 400, &["not JSON"]).await;
        check("[[]]", 422, &["a JSON object of named fields"]).await;
        check("null", 422, &["a JSON object of named fields"]).await;
        check(r#"{"list":[],"list":[]}"#, 422, &[r#""pointer":"/list""#, "`list` is there twice"]).await;
        check(r#"{"list":[{"a/b":1},{"a/b":1,"a\/b":1}]}"#, 422, &[r#""pointer":"/list/1/a~1b""#, "`a/b` is there"])
            .await;
        check(r#"{"list":[{"a/b":1},{"a/b":"x"}]}"#, 422, &[r#""pointer":"/list/1/a~1b""#, "a whole number"]).await;
        check(r#"{"list":[],"lits":1}"#, 422, &[r#""pointer":"/lits""#, "no such field. The fields are list."]).await;
        check("{}", 422, &[r#""pointer":"/list""#, "`list` is missing."]).await;
        check(r#"{"list":[{}]}"#, 422, &[r#""pointer":"/list/0/a~1b""#]).await;
    }
}
