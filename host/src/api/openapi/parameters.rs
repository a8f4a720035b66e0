//! Rules for parameters of a name wherever they are used: given once here, and refused alike by every operation.

use serde_json::{Value, json};

use crate::domain::IdempotencyKey;

/// Completes the schema of every parameter.
pub(super) fn complete(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let operations = paths.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut());
    let parameters = operations.filter_map(|operation| operation.get_mut("parameters")?.as_array_mut());
    for parameter in parameters.flatten() {
        let is_query = parameter["in"] == "query";
        let shape = shape(parameter["name"].as_str().unwrap_or_default());
        let Some(schema) = parameter.get_mut("schema").and_then(Value::as_object_mut) else { continue };
        if is_query {
            // A query has no null: what is not wanted is left out.
            without_null(schema);
        }
        for (key, value) in shape.as_object().into_iter().flatten() {
            schema.insert(key.clone(), value.clone());
        }
    }
}

/// The part of the schema that all parameters of this name share.
fn shape(name: &str) -> Value {
    match name {
        "connection" | "name" => json!({ "pattern": CONNECTION_NAME }),
        "cursor" => json!({ "pattern": "^[A-Za-z0-9_-]+$", "maxLength": LONGEST_CURSOR }),
        "external_id" => json!({ "pattern": EXTERNAL_ID }),
        "document_id" => json!({ "minLength": 1, "maxLength": 100 }),
        "diagnostic" => json!({ "pattern": r"\S" }),
        "Idempotency-Key" => json!({ "pattern": IdempotencyKey::PATTERN, "maxLength": IdempotencyKey::LONGEST }),
        _ => json!({}),
    }
}

/// The longest cursor, in characters: twice what any list gives out.
const LONGEST_CURSOR: usize = 200;

/// The form of a connection's name; `ConnectionName` says it in words.
pub const CONNECTION_NAME: &str = "^[a-z][a-z0-9-]{0,39}$";

/// The CRM's spelling of an id; `ExternalId` reads others that are the same number beyond doubt.
const EXTERNAL_ID: &str = "^[1-9][0-9]{0,17}$";

fn without_null(schema: &mut serde_json::Map<String, Value>) {
    let types = schema.get("type").and_then(Value::as_array).cloned().unwrap_or_default();
    if let [one, other] = &*types
        && let Some(kind) = [one, other].into_iter().find(|kind| *kind != "null")
    {
        schema.insert("type".to_owned(), kind.clone());
    }
    if let Some(message) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        message.retain(|word| !word.is_null());
    }
}
