//! The JSON form of what goes into a plugin and comes out of it, as `rules/README.md` describes it.

use serde_json::{Map, Value, json};

use crate::canonical::{Choice as _, json_fields};
use crate::{Canonical, Context, Diagnostic, Event, FileNote, HouseholdRole, Member, RawRecord, RecordKind, Verdict};

/// The verdict on a raw record, in the JSON form.
#[must_use]
pub fn verdict_to_json(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Mapped(mapped) => json!({
            "verdict": "mapped",
            "records": mapped.records.iter().map(record).collect::<Value>(),
            "diagnostics": mapped.diagnostics,
        }),
        Verdict::Skipped(list) => json!({"verdict": "skipped", "diagnostics": list}),
        Verdict::Rejected(list) => json!({"verdict": "rejected", "diagnostics": list}),
    }
}

/// A file note.
#[must_use]
pub fn note_to_json(note: &Result<FileNote, Vec<Diagnostic>>) -> Value {
    match note {
        Ok(note) => json!(note),
        Err(diagnostics) => json!({"diagnostics": diagnostics}),
    }
}

fn record(record: &Canonical) -> Value {
    let (kind, fields) = json_fields(record);
    std::iter::once(("kind".to_owned(), json!(kind))).chain(fields).collect()
}

/// A fixture's context; what it leaves out is as in [`context`](super::context).
pub(super) fn context_from_json(given: &Value, region: &str) -> Context {
    let defaults = super::context(region);
    let text = |key: &str, default: String| given[key].as_str().map_or(default, str::to_owned);
    Context {
        region: text("region", defaults.region),
        dialect: text("dialect", defaults.dialect),
        connection: text("connection", defaults.connection),
        placeholder_email_domain: text("placeholder_email_domain", defaults.placeholder_email_domain),
        as_of: text("as_of", defaults.as_of),
    }
}

/// A raw record: its JSON stands as such under `json`, or, where it is not to be JSON, as text under `text`.
pub(super) fn raw_from_json(given: &Value) -> Result<RawRecord, String> {
    let kind = given["kind"].as_str().and_then(RecordKind::of).ok_or("the raw record has no kind")?;
    let id = given["id"].as_str().ok_or("the raw record has no id")?.to_owned();
    let json = match (&given["json"], given["text"].as_str()) {
        (Value::Null, Some(text)) => text.to_owned(),
        (json, _) => json.to_string(),
    };
    Ok(RawRecord { kind, id, json: json.into_bytes() })
}

/// An event as the API takes it, with the household's part of it.
///
/// # Errors
/// Returns what the event lacks.
pub fn event_from_json(given: &Value) -> Result<Event, String> {
    let text = |of: &Value, key: &str| of[key].as_str().map(str::to_owned);
    let needed = |key: &str| text(given, key).ok_or_else(|| format!("the event has no {key}"));
    let member = |of: &Value| {
        Ok(Member {
            external_id: text(of, "external_id").ok_or("a member has no external_id")?,
            first_name: text(of, "first_name"),
            last_name: text(of, "last_name"),
            preferred_name: text(of, "preferred_name"),
            role: match of["role"].as_str() {
                Some("cfo") => HouseholdRole::Cfo,
                Some("non_cfo") => HouseholdRole::NonCfo,
                _ => return Err("a member's role is cfo or non_cfo".to_owned()),
            },
        })
    };
    let list = |key: &str| given[key].as_array().map_or(&[][..], Vec::as_slice);
    Ok(Event {
        event_type: needed("type")?,
        occurred_at: needed("occurred_at")?,
        practice_name: needed("practice_name")?,
        household_name: needed("household_name")?,
        members: list("members").iter().map(member).collect::<Result<_, String>>()?,
        about: text(given, "about"),
        data: given.get("data").map_or_else(|| Value::Object(Map::new()).to_string(), Value::to_string),
        attachments: list("attachments").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}
