//! What a practice holds, as somebody finds it who asks the API for all of it.

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use crate::{Host, TOKEN};

/// Everything that must survive, list by list: of each list the items by their ids, of each item what is told below.
/// Plain JSON, so that it can be kept in a file and read by people.
#[derive(Debug, PartialEq, Eq)]
pub struct Holds(Map<String, Value>);

/// A list of the API, what names its items, and what of them has to stay.
struct List {
    name: &'static str,
    path: &'static str,
    key: &'static str,
    fields: &'static [&'static str],
}

const LISTS: [List; 12] = [
    List {
        name: "clients",
        path: "/api/v1/clients",
        key: "id",
        fields: &[
            "connection",
            "external_id",
            "household_id",
            "visibility",
            "first_name",
            "last_name",
            "date_of_birth",
            "email",
            "mobile",
            "suburb",
            "postcode",
            "country_code",
            "adviser_external_id",
            "partner_external_id",
            "local_edits",
            "overridden",
        ],
    },
    List {
        name: "households",
        path: "/api/v1/households",
        key: "id",
        fields: &["name", "members", "primary_professional"],
    },
    List {
        name: "goals",
        path: "/api/v1/goals",
        key: "id",
        fields: &[
            "external_id",
            "client_id",
            "household_id",
            "name",
            "category",
            "target_date",
            "status",
            "recurrence",
            "gone_since",
        ],
    },
    List {
        name: "covers",
        path: "/api/v1/covers",
        key: "id",
        fields: &["external_id", "client_id", "household_id", "policy_number", "insurer", "sum_insured", "gone_since"],
    },
    List {
        name: "notes",
        path: "/api/v1/notes",
        key: "id",
        fields: &[
            "state",
            "stage",
            "event_type",
            "household_id",
            "client_ids",
            "subject",
            "body",
            "filed_against",
            "document_id",
            "marker",
            "attachments",
        ],
    },
    List {
        name: "imports",
        path: "/api/v1/imports",
        key: "id",
        fields: &["connection", "file_name", "by", "state", "counts", "applied_at"],
    },
    List {
        name: "review",
        path: "/api/v1/review",
        key: "id",
        fields: &["connection", "external_id", "state", "first_name", "last_name", "lookalikes"],
    },
    List {
        name: "reviewed",
        path: "/api/v1/review?state=ignored",
        key: "id",
        fields: &["connection", "external_id", "state", "first_name", "last_name", "lookalikes"],
    },
    List {
        name: "quarantine",
        path: "/api/v1/quarantine",
        key: "external_id",
        fields: &["connection", "kind", "run_id", "diagnostics"],
    },
    List {
        name: "runs",
        path: "/api/v1/runs",
        key: "id",
        fields: &["connection", "state", "trigger", "started_at", "finished_at", "error", "counts"],
    },
    List {
        name: "emergencies",
        path: "/api/v1/emergency-access",
        key: "id",
        fields: &["user_id", "household_id", "reason", "opened_at", "ended_by", "reviewed_by", "finding"],
    },
    List {
        name: "connections",
        path: "/api/v1/connections",
        key: "name",
        fields: &["title", "pack", "forward_host", "origin", "enabled", "preflight", "problem"],
    },
];

impl Holds {
    /// Asks a host for all that it holds.
    ///
    /// # Errors
    /// Where it does not answer a list, or not a document.
    pub async fn of(host: &Host) -> Result<Self> {
        let mut held = Map::new();
        for list in LISTS {
            let mut items = Map::new();
            for item in all(host, list.path).await? {
                let key = item[list.key].as_str().with_context(|| format!("no {} in {item}", list.key))?;
                let told = list.fields.iter().map(|field| ((*field).to_owned(), item[*field].clone()));
                items.insert(key.to_owned(), Value::Object(told.collect()));
            }
            held.insert(list.name.to_owned(), Value::Object(items));
        }
        held.insert("access".to_owned(), access(host, &held).await?);
        held.insert("documents".to_owned(), documents(host, &held).await?);
        held.insert("skipped".to_owned(), skipped(host).await?);
        Ok(Self(held))
    }

    /// Reads what a fixture holds.
    ///
    /// # Errors
    /// Where it is no JSON object.
    pub fn read(text: &str) -> Result<Self> {
        match serde_json::from_str(text)? {
            Value::Object(held) => Ok(Self(held)),
            _ => bail!("what a store holds is an object of lists"),
        }
    }

    /// As a file for people.
    pub fn written(&self) -> String {
        format!("{:#}\n", Value::Object(self.0.clone()))
    }

    /// A list's items by their ids.
    pub fn list(&self, name: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.0.get(name).and_then(Value::as_object).into_iter().flatten()
    }

    /// What is held otherwise in `now` than here, an item a line; what came to it since is no difference.
    pub fn lost_in(&self, now: &Self) -> Vec<String> {
        let mut lost = Vec::new();
        for name in self.0.keys() {
            for (key, before) in self.list(name) {
                match now.list(name).find(|(other, _)| *other == key) {
                    Some((_, found)) if is_kept(before, found) => {}
                    Some((_, found)) => lost.push(format!("{name} {key}: {before} became {found}")),
                    None => lost.push(format!("{name} {key} is lost: {before}")),
                }
            }
        }
        lost
    }
}

/// Whether all that was told of an item is told now. A note that was on its way may have come further.
fn is_kept(before: &Value, now: &Value) -> bool {
    let is_under_way = ["queued", "sending", "waiting"].iter().any(|state| before["state"] == *state);
    let is_on_its_way = before["stage"].is_string() && is_under_way && before["stage"] != "waiting_for_link";
    let moves = |field: &str| is_on_its_way && ["state", "stage", "document_id", "attachments"].contains(&field);
    let fields = before.as_object().into_iter().flatten();
    fields.into_iter().all(|(field, value)| moves(field) || is_in(value, &now[field]))
}

/// Whether all of a value is in another, which may have members that it has not.
fn is_in(value: &Value, now: &Value) -> bool {
    match (value, now) {
        (Value::Object(fields), Value::Object(now)) => {
            fields.iter().all(|(field, value)| now.get(field).is_some_and(|now| is_in(value, now)))
        }
        (Value::Array(items), Value::Array(now)) => {
            items.len() == now.len() && items.iter().zip(now).all(|(item, now)| is_in(item, now))
        }
        (value, now) => value == now,
    }
}

/// Every item of a list, over all its pages.
async fn all(host: &Host, path: &str) -> Result<Vec<Value>> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = host.get(&format!("{path}{sign}limit=500{cursor}")).await?.ok()?;
        items.extend(page["items"].as_array().with_context(|| format!("{path} is a list"))?.iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(items),
        }
    }
}

/// The access to each household: who answers for it, and the staff with their reasons.
async fn access(host: &Host, held: &Map<String, Value>) -> Result<Value> {
    let mut access = Map::new();
    for household in held["households"].as_object().into_iter().flatten().map(|(id, _)| id) {
        let found = host.get(&format!("/api/v1/households/{household}/access")).await?.ok()?;
        let told = ["primary", "secondary", "staff"].map(|field| (field.to_owned(), found[field].clone()));
        access.insert(household.clone(), Value::Object(told.into_iter().collect()));
    }
    Ok(Value::Object(access))
}

/// The documents of the notes, each downloaded: its length and a digest of it.
async fn documents(host: &Host, held: &Map<String, Value>) -> Result<Value> {
    let mut documents = Map::new();
    let notes = held["notes"].as_object().into_iter().flatten();
    for attachment in notes.flat_map(|(_, note)| note["attachments"].as_array().into_iter().flatten()) {
        let id = attachment["document"].as_str().context("an attachment is a document")?;
        let download = host.http().get(host.url(&format!("/api/v1/documents/{id}"))).bearer_auth(TOKEN);
        let answer = download.send().await?.error_for_status()?;
        let kind = answer.headers()["content-type"].to_str()?.to_owned();
        let bytes = answer.bytes().await?;
        let digest = blake3::hash(&bytes).to_hex();
        documents.insert(id.to_owned(), json!({ "media_type": kind, "bytes": bytes.len(), "blake3": digest.as_str() }));
    }
    Ok(Value::Object(documents))
}

/// The clients of the book whom a rule leaves out, with where their traces end.
async fn skipped(host: &Host) -> Result<Value> {
    let mut skipped = Map::new();
    let records: Vec<u32> = host.crm().book(|book| book.clients().map(|client| client.id).collect());
    for id in records {
        let traces = host.get(&format!("/api/v1/troubleshoot?search={id}")).await?.ok()?;
        let trace = &traces["items"][0];
        if trace["client_id"].is_null() && trace["stops_at"].is_string() {
            skipped.insert(id.to_string(), json!({ "stops_at": trace["stops_at"] }));
        }
    }
    Ok(Value::Object(skipped))
}
