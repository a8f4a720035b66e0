//! `POST /resourceful`: up to a hundred calls in one request, each with its own code, their bodies as JSON strings.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, Refusal};
use super::route::Route;
use super::{Asker, Call, Site};
use crate::json;

/// The most calls of a batch.
const MOST: usize = 100;

/// Borrowed from the request: a batch is asked for every hundred lists of a walk.
#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    /// Answered as it came.
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default = "reading")]
    method: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    /// An object, or one as a JSON string.
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
    #[serde(default)]
    omit_results_on_success: bool,
}

fn reading() -> Cow<'static, str> {
    Cow::Borrowed("GET")
}

impl Site {
    pub(super) fn batch(&self, asker: &Asker<'_>, body: &[u8]) -> Result<Answer, Refusal> {
        let batch: Batch<'_> =
            serde_json::from_slice(body).map_err(|error| Refusal::bad(format!("not a batch: {error}")))?;
        if batch.batch.len() > MOST {
            return Err(Refusal::bad(format!("a batch holds at most {MOST} calls, not {}", batch.batch.len())));
        }
        self.stats.count_calls(batch.batch.len());
        let mut out = Vec::with_capacity(64 << 10);
        out.push(b'[');
        for (at, item) in batch.batch.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.append_item(&mut out, asker, item);
        }
        out.push(b']');
        Ok(Answer::json(out))
    }

    fn append_item(&self, out: &mut Vec<u8>, asker: &Asker<'_>, item: &Item<'_>) {
        let method = &*item.method;
        let start = out.len();
        if method == "GET"
            && !item.omit_results_on_success
            && !self.faults.strikes_calls()
            && let Some(Route::ClientList(id, list)) = Route::of(&item.url)
        {
            open(out, 200, item);
            if self.append_list(out, asker, id, list).is_ok() {
                out.extend_from_slice(br#"","headers":{}}"#);
                return;
            }
            out.truncate(start);
        }
        let answer = self.item_answer(asker, method, item);
        open(out, answer.status, item);
        if !(item.omit_results_on_success && answer.status < 300) {
            json::escaped(out, &answer.body);
        }
        out.extend_from_slice(br#"","headers":{}}"#);
    }

    fn item_answer(&self, asker: &Asker<'_>, method: &str, item: &Item<'_>) -> Answer {
        let (path, query) = item.url.split_once('?').unwrap_or((&item.url, ""));
        let body = match item.body.map(RawValue::get) {
            Some(text) if text.starts_with('"') => {
                serde_json::from_str::<String>(text).map(Cow::Owned).unwrap_or_default()
            }
            Some(text) => Cow::Borrowed(text),
            None => Cow::Borrowed(""),
        };
        if matches!(Route::of(path), Some(Route::Batch)) {
            return Refusal::bad("a batch cannot hold a batch").into();
        }
        self.call(asker, &Call { method, path, query, body: body.as_bytes() })
    }
}

/// Appends an item's answer up to the inside of its `body`.
fn open(out: &mut Vec<u8>, status: u16, item: &Item<'_>) {
    out.extend_from_slice(br#"{"code":"#);
    json::number(out, u32::from(status));
    out.extend_from_slice(br#","msg":""#);
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(br#"","name":"#);
    out.extend_from_slice(item.name.map_or("null", RawValue::get).as_bytes());
    out.extend_from_slice(br#","body":""#);
}

fn reason(status: u16) -> &'static str {
    hyper::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or("Unknown")
}
