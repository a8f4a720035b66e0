//! Each type of event with the shape of its data and an example, in place of one event that can hold anything.

use serde_json::{Map, Value, json};

use crate::notes::{DocumentRule, document_rule, event_schemas};

/// The place of the schemas in the document.
const SCHEMAS: &str = "/components/schemas";

/// Makes the schema `Event` a choice of one a type.
pub(super) fn spell_out(document: &mut Value) {
    let Some(schemas) = document.pointer_mut(SCHEMAS).and_then(Value::as_object_mut) else { return };
    let Some(event) = schemas.remove("Event") else { return };
    let (mut choices, mut mapping) = (Vec::new(), Map::new());
    for (event_type, data) in event_schemas() {
        let name = format!("Event.{event_type}");
        let reference = format!("#{SCHEMAS}/{name}");
        choices.push(json!({ "$ref": reference }));
        mapping.insert(event_type.clone(), reference.into());
        schemas.insert(name, of_type(&event, event_type, data));
    }
    let choice = json!({
        "description": event["description"],
        "oneOf": choices,
        "discriminator": { "propertyName": "type", "mapping": mapping },
    });
    schemas.insert("Event".to_owned(), choice);
}

/// The event of one type.
fn of_type(event: &Value, event_type: &str, data: &Value) -> Value {
    let mut schema = event.clone();
    schema["description"] = data["description"].clone();
    schema["additionalProperties"] = false.into();
    schema["required"] = json!(["type", "household_id", "occurred_at", "data"]);
    schema["properties"]["type"] = json!({ "type": "string", "const": event_type, "description": "What happened." });
    schema["properties"]["data"] = data.clone();
    if document_rule(event_type) == DocumentRule::None
        && let Some(properties) = schema["properties"].as_object_mut()
    {
        properties.remove("attachments");
    }
    let examples = data["examples"].as_array().into_iter().flatten().map(|data| {
        json!({
            "type": event_type,
            "household_id": "0192f0c4-7d1e-7000-8000-000000000001",
            "occurred_at": "2026-03-02T01:30:00Z",
            "data": data,
        })
    });
    schema["examples"] = examples.collect();
    schema
}
