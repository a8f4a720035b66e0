//! The JSON form of what goes into a plugin and comes out of it, as `rules/README.md` describes it.

use serde_json::{Map, Value, json};

use crate::{
    Canonical, Context, Diagnostic, Event, Extension, FileNote, HouseholdRole, Member, Money, RawRecord, RecordKind,
    Verdict, canonical::Choice,
};

/// What became of a raw record.
#[must_use]
pub fn verdict_to_json(verdict: &Verdict) -> Value {
    let diagnostics = |list: &[Diagnostic]| list.iter().map(diagnostic).collect::<Value>();
    match verdict {
        Verdict::Mapped(mapped) => json!({
            "verdict": "mapped",
            "records": mapped.records.iter().map(record).collect::<Value>(),
            "diagnostics": diagnostics(&mapped.diagnostics),
        }),
        Verdict::Skipped(list) => json!({"verdict": "skipped", "diagnostics": diagnostics(list)}),
        Verdict::Rejected(list) => json!({"verdict": "rejected", "diagnostics": diagnostics(list)}),
    }
}

/// A file note.
#[must_use]
pub fn note_to_json(note: &Result<FileNote, Vec<Diagnostic>>) -> Value {
    match note {
        Ok(note) => json!({
            "note_type": note.note_type,
            "note_subtype": note.note_subtype,
            "subject": note.subject,
            "body": note.body,
            "media_type": note.media_type,
            "filed_against": note.filed_against,
            "attachments": note.attachments,
        }),
        Err(diagnostics) => json!({"diagnostics": diagnostics.iter().map(diagnostic).collect::<Value>()}),
    }
}

fn diagnostic(diagnostic: &Diagnostic) -> Value {
    json!({
        "severity": diagnostic.severity.word(),
        "field": diagnostic.field,
        "code": diagnostic.code,
        "message": diagnostic.message,
    })
}

fn record(record: &Canonical) -> Value {
    match record {
        Canonical::Adviser(adviser) => json!({
            "kind": "adviser",
            "external_id": adviser.external_id,
            "first_name": adviser.first_name,
            "last_name": adviser.last_name,
            "email": adviser.email,
            "active": adviser.active,
        }),
        Canonical::Client(client) => json!({
            "kind": "client",
            "external_id": client.external_id,
            "title": client.title.map(Choice::word),
            "first_name": client.first_name,
            "middle_name": client.middle_name,
            "last_name": client.last_name,
            "preferred_name": client.preferred_name,
            "date_of_birth": client.date_of_birth,
            "sex": client.sex.map(Choice::word),
            "address_line_1": client.address_line_1,
            "address_line_2": client.address_line_2,
            "suburb": client.suburb,
            "state": client.state,
            "postcode": client.postcode,
            "country_code": client.country_code,
            "email": client.email,
            "email_is_placeholder": client.email_is_placeholder,
            "mobile": client.mobile,
            "adviser_external_id": client.adviser_external_id,
            "partner_external_id": client.partner_external_id,
            "is_partner": client.is_partner,
            "status": client.status.word(),
            "extensions": extensions(&client.extensions),
        }),
        Canonical::Goal(goal) => json!({
            "kind": "goal",
            "external_id": goal.external_id,
            "owner": goal.owner.word(),
            "category": goal.category,
            "name": goal.name,
            "target_date": goal.target_date,
            "estimated_cost": goal.estimated_cost.as_ref().map(money),
            "outlook": goal.outlook.map(Choice::word),
            "extensions": extensions(&goal.extensions),
        }),
        Canonical::Cover(cover) => json!({
            "kind": "cover",
            "external_id": cover.external_id,
            "policy_number": cover.policy_number,
            "type": cover.cover_type.word(),
            "type_as_given": cover.type_as_given,
            "insurer": cover.insurer,
            "plan_name": cover.plan_name,
            "sum_insured": cover.sum_insured.as_ref().map(money),
            "premium": cover.premium.as_ref().map(money),
            "premium_frequency": cover.premium_frequency.map(Choice::word),
            "owner": cover.owner.word(),
            "renewal_date": cover.renewal_date,
            "end_year": cover.end_year,
            "expired": cover.expired,
            "extensions": extensions(&cover.extensions),
        }),
    }
}

fn extensions(extensions: &[Extension]) -> Value {
    extensions.iter().map(|extension| json!({"name": extension.name, "value": extension.value})).collect()
}

fn money(money: &Money) -> Value {
    json!({"amount": money.amount, "currency": money.currency})
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
/// What the event lacks.
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
