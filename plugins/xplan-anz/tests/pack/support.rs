//! What the tests share: packs, sessions, and records in Xplan's shape.

use serde_json::{Value, json};
use tidegate_sdk::{
    RawRecord, RecordKind, Session, Verdict,
    harness::{NativeHost, Pack, context, verdict_to_json},
};
use xplan_anz::XplanAnz;

pub const AU: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/xplan-au");
pub const NZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/xplan-nz");
pub const UK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/xplan-uk");
pub const ZA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/xplan-za");
pub const PACKS: [&str; 4] = [AU, NZ, UK, ZA];

pub fn pack(folder: &str) -> Pack {
    Pack::load(folder).unwrap_or_else(|error| panic!("{error}"))
}

pub fn session(pack: &Pack) -> Session<XplanAnz> {
    Session::configure(&pack.rules).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// A client's raw record from the row's fields and the lists' rows.
pub fn client(fields: &Value, contact: &Value, address: &Value) -> RawRecord {
    let rows = |rows: &Value| -> Value {
        let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
        rows.iter().enumerate().map(|(index, fields)| json!({"index": index, "fields": fields})).collect()
    };
    let json = json!({
        "row": {"id": 1, "entity_name": "", "client_status": ["Client"], "fields": fields},
        "contact": rows(contact),
        "address": rows(address),
    });
    RawRecord { kind: RecordKind::Client, id: "1".to_owned(), json: json.to_string().into_bytes() }
}

/// A raw record that is one list of one row, of number 7.
pub fn list(kind: RecordKind, name: &str, fields: &Value) -> RawRecord {
    let json = json!({name: [{"index": 7, "fields": fields}]});
    RawRecord { kind, id: "1".to_owned(), json: json.to_string().into_bytes() }
}

pub fn map(folder: &str, raw: RawRecord) -> Verdict {
    let pack = pack(folder);
    let outcomes = session(&pack).map(&NativeHost, &context(&pack.region), vec![raw]);
    assert_eq!(outcomes.len(), 1);
    outcomes.into_iter().next().unwrap().verdict
}

/// What becomes of a record, in the fixtures' JSON form.
pub fn mapped(folder: &str, raw: RawRecord) -> Value {
    verdict_to_json(&map(folder, raw))
}

/// The diagnostics' codes.
pub fn codes(verdict: &Value) -> Vec<String> {
    let diagnostics = verdict["diagnostics"].as_array().unwrap();
    diagnostics.iter().map(|diagnostic| diagnostic["code"].as_str().unwrap().to_owned()).collect()
}
