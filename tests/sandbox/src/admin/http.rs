//! The admin endpoint: [`Admin`] as JSON under `/admin`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Admin;
use crate::book::Client;
use crate::faults::FaultPlan;
use crate::site::{Answer, Call, Query, Refusal, Site};

/// What can be asked of the endpoint, as `--help` shows it.
pub const HELP: &str = "\
GET    /admin/stats        requests, rows, logins, CPU seconds, faults struck
GET    /admin/faults       the fault plan; PUT a new one, DELETE clears it
                           {\"seed\":1,\"rules\":[{\"fault\":\"slow\",\"every\":3,\"ms\":500}]}
GET    /admin/notes        file notes received; DELETE forgets them
GET    /admin/notes/habits how notes are kept and listed otherwise than sent; PUT others
                           {\"lag_ms\":60000,\"escapes_subjects\":true}
GET    /admin/notes/ID/attachments/ID
                           the bytes of an attachment
GET    /admin/clients      records (?from=PLACE&limit=N); POST adds a client
GET    /admin/clients/ID   one; PATCH merges JSON into it, DELETE removes it
PUT    /admin/accounts/NAME/groups
                           groups an account sees, as [11,13]; null is all
PUT    /admin/lists/NAME/hidden
                           true: that list of every client is answered empty
DELETE /admin/sessions     ends every session, as logins elsewhere would
DELETE /admin/tokens       takes back what integrations were authorised to do
DELETE /admin/tokens/access
                           ends the access tokens; integrations can renew them";

/// Answers a request under `/admin`.
pub(crate) fn answer(site: &Arc<Site>, call: &Call<'_>) -> Answer {
    routed(&Admin(Arc::clone(site)), call).unwrap_or_else(Answer::from)
}

fn routed(admin: &Admin, call: &Call<'_>) -> Result<Answer, Refusal> {
    let parts: Vec<&str> = call.path.split('/').filter(|part| !part.is_empty()).skip(1).collect();
    match (call.method, parts.as_slice()) {
        ("GET", ["stats"]) => Ok(Answer::of(&admin.stats())),
        ("GET", ["faults"]) => Ok(Answer::of(&admin.faults())),
        ("PUT", ["faults"]) => set_faults(admin, call.body),
        ("DELETE", ["faults"]) => Ok(done(|| admin.set_faults(FaultPlan::default()))),
        ("GET", ["notes"]) => Ok(Answer::of(&admin.notes())),
        ("DELETE", ["notes"]) => Ok(done(|| admin.clear_notes())),
        ("GET", ["notes", "habits"]) => Ok(Answer::of(&admin.note_habits())),
        ("PUT", ["notes", "habits"]) => {
            let habits = parsed(call.body)?;
            Ok(done(|| admin.set_note_habits(habits)))
        }
        ("GET", ["notes", note, "attachments", id]) => attachment(admin, number(note)?, number(id)?),
        ("GET", ["clients"]) => clients(admin, Query(call.query)),
        ("POST", ["clients"]) => add(admin, call.body),
        ("GET", ["clients", id]) => {
            admin.client(number(id)?).map(|client| Answer::of(&client)).ok_or_else(Refusal::missing)
        }
        ("PATCH", ["clients", id]) => patch(admin, number(id)?, call.body),
        ("DELETE", ["clients", id]) if admin.remove(number(id)?) => Ok(Answer::empty()),
        ("PUT", ["accounts", name, "groups"]) if admin.set_groups(name, parsed(call.body)?) => Ok(Answer::empty()),
        ("PUT", ["lists", name, "hidden"]) if admin.hide_list(name, parsed(call.body)?) => Ok(Answer::empty()),
        ("DELETE", ["tokens"]) => Ok(done(|| admin.revoke_tokens())),
        ("DELETE", ["tokens", "access"]) => Ok(done(|| admin.expire_tokens())),
        ("DELETE", ["sessions"]) => Ok(done(|| admin.end_sessions())),
        _ => Err(Refusal::new(404, format!("No such thing. There are:\n{HELP}"))),
    }
}

fn done(deed: impl FnOnce()) -> Answer {
    deed();
    Answer::empty()
}

fn number(part: &str) -> Result<u32, Refusal> {
    part.parse().map_err(|_| Refusal::bad(format!("\"{part}\" is not a number")))
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad(error.to_string()))
}

fn set_faults(admin: &Admin, body: &[u8]) -> Result<Answer, Refusal> {
    let plan: FaultPlan = parsed(body)?;
    for rule in &plan.rules {
        rule.check().map_err(|error| Refusal::bad(error.to_string()))?;
    }
    admin.set_faults(plan);
    Ok(Answer::empty())
}

fn attachment(admin: &Admin, note: u32, id: u32) -> Result<Answer, Refusal> {
    let notes = admin.notes();
    let note = notes.into_iter().find(|kept| kept.id == note).ok_or_else(Refusal::missing)?;
    let kept = note.attachments.into_iter().find(|kept| kept.id == id).ok_or_else(Refusal::missing)?;
    Ok(Answer::bytes(kept.content))
}

fn clients(admin: &Admin, query: Query<'_>) -> Result<Answer, Refusal> {
    let setting = |name, default| query.raw(name).map_or(Ok(default), number);
    let (from, limit) = (setting("from", 0)?, setting("limit", 100)?);
    let page: Vec<Client> = admin.book(|book| book.clients_from(from).take(limit as usize).collect());
    Ok(Answer::of(&page))
}

/// Adds the book's next newcomer with what was sent merged into it.
fn add(admin: &Admin, body: &[u8]) -> Result<Answer, Refusal> {
    let changes = if body.is_empty() { json!({}) } else { parsed(body)? };
    let client = merged(&admin.book(crate::book::Book::newcomer), changes)?;
    let id = admin.add(client);
    Ok(Answer::of(&json!({ "id": id })).with_status(201))
}

fn patch(admin: &Admin, id: u32, body: &[u8]) -> Result<Answer, Refusal> {
    let client = merged(&admin.client(id).ok_or_else(Refusal::missing)?, parsed(body)?)?;
    admin.edit(id, |kept| *kept = client);
    admin.client(id).map(|client| Answer::of(&client)).ok_or_else(Refusal::missing)
}

/// A record with JSON laid over it: members given replace those of the record, lists as a whole.
fn merged(client: &Client, changes: Value) -> Result<Client, Refusal> {
    let Value::Object(changes) = changes else {
        return Err(Refusal::bad("a JSON object is required"));
    };
    let mut record = serde_json::to_value(client).expect("a record is plain data");
    for (name, value) in changes {
        if record.get(&name).is_none() {
            return Err(Refusal::bad(format!("a client has no \"{name}\"")));
        }
        record[name] = value;
    }
    serde_json::from_value(record).map_err(|error| Refusal::bad(error.to_string()))
}
