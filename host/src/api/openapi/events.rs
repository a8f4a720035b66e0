//! Each type of event that the packs in force take, with the shape of its data and an example, in place of one event that can
//! hold anything.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::pack::{DocumentRule, EventType};

/// The place of the schemas in the document.
const SCHEMAS: &str = "/components/schemas";

/// The parameter that names a document.
const DOCUMENT: &str = "/paths/~1api~1v1~1households~1{id}~1document/get/parameters";

/// Makes the schema `Event` a choice of one a type. Without any type it stays as it is: an event that no pack takes. A type that
/// several packs declare is one, with the data as any of them has it.
pub(super) fn spell_out<'e>(document: &mut Value, types: impl Iterator<Item = &'e EventType>) {
    let mut by_name: BTreeMap<&str, Vec<&EventType>> = BTreeMap::new();
    for event_type in types {
        by_name.entry(&event_type.name).or_default().push(event_type);
    }
    let documents = by_name.values().flatten().filter_map(|one| one.document.as_ref());
    name_documents(document, documents.map(|document| document.name.as_str()));
    let Some(schemas) = document.pointer_mut(SCHEMAS).and_then(Value::as_object_mut) else { return };
    let Some(event) = schemas.get("Event").filter(|_| !by_name.is_empty()).cloned() else { return };
    let (mut choices, mut mapping) = (Vec::new(), Map::new());
    for (event_type, declared) in by_name {
        let name = format!("Event.{event_type}");
        let reference = format!("#{SCHEMAS}/{name}");
        choices.push(json!({ "$ref": reference }));
        mapping.insert(event_type.to_owned(), reference.into());
        schemas.insert(name, of_type(&event, event_type, &declared));
    }
    let choice = json!({
        "description": event["description"],
        "oneOf": choices,
        "discriminator": { "propertyName": "type", "mapping": mapping },
    });
    schemas.insert("Event".to_owned(), choice);
}

/// The event of one type, as some packs declare it.
fn of_type(event: &Value, event_type: &str, declared: &[&EventType]) -> Value {
    let mut shapes: Vec<Value> = Vec::new();
    for one in declared {
        let shape = without_forms(&one.schema);
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    let examples = shapes.iter().flat_map(|shape| shape["examples"].as_array().cloned().unwrap_or_default());
    let examples = examples.map(|data| {
        json!({
            "type": event_type,
            "household_id": "0192f0c4-7d1e-7000-8000-000000000001",
            "occurred_at": "2026-03-02T01:30:00Z",
            "data": data,
        })
    });
    let examples: Value = examples.collect();
    let mut schema = event.clone();
    let described = shapes.first().and_then(|shape| shape["description"].as_str());
    let label = declared.first().map_or(event_type, |one| one.label.as_str());
    schema["description"] = described.map_or_else(|| format!("{label}."), str::to_owned).into();
    schema["additionalProperties"] = false.into();
    schema["required"] = json!(["type", "household_id", "occurred_at", "data"]);
    schema["properties"]["type"] = json!({ "type": "string", "const": event_type, "description": "What happened." });
    schema["properties"]["data"] = match <[Value; 1]>::try_from(shapes) {
        Ok([shape]) => shape,
        Err(shapes) => json!({ "anyOf": shapes }),
    };
    if declared.iter().all(|one| one.documents == DocumentRule::None)
        && let Some(properties) = schema["properties"].as_object_mut()
    {
        properties.remove("attachments");
    }
    schema["examples"] = examples;
    schema
}

/// A schema without what is for forms alone.
fn without_forms(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let kept = members.iter().filter(|(key, _)| *key != "x-form");
            kept.map(|(key, value)| (key.clone(), without_forms(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_forms).collect(),
        other => other.clone(),
    }
}

/// Says which names of documents there are.
fn name_documents<'e>(document: &mut Value, names: impl Iterator<Item = &'e str>) {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    let parameters = document.pointer_mut(DOCUMENT).and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten().filter(|one| one["name"] == "document") {
        if !names.is_empty() {
            parameter["schema"]["enum"] = json!(names);
        }
    }
}
