//! The parts of the OpenAPI document that are taken from the CRMs' declarations: their settings, their ways to sign in,
//! and what doc comments leave open in braces.

use serde_json::{Map, Value, json};

use crate::crm::kind::{CrmKind, Setting, SignInMode};
use crate::crm::registry::Registry;

/// Completes the document.
pub fn complete(document: &mut Value, crms: Registry) {
    let schemas = &mut document["components"]["schemas"];
    for setting in own_settings(crms) {
        let property = |description: &str| json!({ "description": description, "type": ["string", "null"] });
        schemas["ConnectionDraft"]["properties"][setting.name] = property(setting.description);
        let answered = &mut schemas["Connection"];
        answered["properties"][setting.name] = property(setting.answer);
        // A setting that only some CRMs have is in answers about their connections alone.
        let is_of_all = crms.all().all(|kind| kind.setting(setting.name).is_some());
        if let (true, Some(required)) = (is_of_all, answered["required"].as_array_mut()) {
            let after = required.iter().position(|name| name == "forward_host").map_or(0, |at| at + 1);
            required.insert(after, setting.name.into());
        }
    }
    schemas["ConnectionDraft"]["additionalProperties"] = false.into();
    let what = "How to sign in. A secret is kept sealed and never answered; one that is left out stays as it is.";
    schemas["ConnectionAuthDraft"] = ways_to_sign_in(crms, what, |_| true);
    let what = "How a connection signs in, without its secrets.";
    schemas["ConnectionAuth"] = ways_to_sign_in(crms, what, |value| !value.kind.is_secret());
    fill_in(document, crms);
}

/// The settings that programs give and are answered, each name once.
fn own_settings(crms: Registry) -> Vec<&'static Setting> {
    let mut settings: Vec<&Setting> = Vec::new();
    for setting in crms.all().flat_map(|kind| kind.settings).filter(|setting| !setting.is_for_file_only()) {
        if !settings.iter().any(|known| known.name == setting.name) {
            settings.push(setting);
        }
    }
    settings
}

fn ways_to_sign_in(crms: Registry, description: &str, shown: impl Fn(&Setting) -> bool) -> Value {
    let modes = crms.all().flat_map(|kind| kind.sign_ins);
    json!({ "description": description, "oneOf": modes.map(|mode| way_to_sign_in(mode, &shown)).collect::<Vec<_>>() })
}

fn way_to_sign_in(mode: &SignInMode, shown: impl Fn(&Setting) -> bool) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for value in mode.values.iter().filter(|value| shown(value)) {
        let mut schema = json!({ "description": value.description, "type": "string" });
        if value.kind.is_secret() {
            schema["type"] = json!(["string", "null"]);
            schema["format"] = "password".into();
            schema["writeOnly"] = true.into();
        } else {
            required.push(value.name);
        }
        properties.insert(value.name.to_owned(), schema);
    }
    properties.insert("mode".to_owned(), json!({ "type": "string", "enum": [mode.name] }));
    required.push("mode");
    json!({ "description": mode.description, "type": "object", "properties": properties, "required": required })
}

/// Puts the CRMs' own words where doc comments have `{crm}` and the like.
fn fill_in(value: &mut Value, crms: Registry) {
    match value {
        Value::String(text) if text.contains('{') => {
            let labels: Vec<&str> = crms.all().map(|kind| kind.label).collect();
            let headings: Vec<&str> = crms.all().map(|kind| kind.id_column.heading).collect();
            let CrmKind { name, example_pack, site, .. } = crms.usual();
            let placeholders = [
                ("{crm}", labels.join(" or ")),
                ("{id-heading}", headings.join(" or ")),
                ("{crm-name}", (*name).to_owned()),
                ("{dialect}", crms.usual().usual_dialect().to_owned()),
                ("{pack}", (*example_pack).to_owned()),
                ("{site}", site.example.to_owned()),
            ];
            *text = placeholders.iter().fold(std::mem::take(text), |text, (open, word)| text.replace(open, word));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in(item, crms)),
        Value::Object(members) => members.values_mut().for_each(|member| fill_in(member, crms)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::registry::tests::WITH_LEDGER;

    /// A CRM's settings and ways to sign in are in the document because it declares them.
    #[test]
    fn the_document_has_what_crms_declare() {
        let mut document = json!({ "components": { "schemas": {
            "Connection": { "properties": {}, "required": ["forward_host", "schedule"] },
            "ConnectionDraft": { "properties": {}, "description": "Of {crm}, as {crm-name}." },
        } } });
        complete(&mut document, WITH_LEDGER);
        let schemas = &document["components"]["schemas"];
        let draft = &schemas["ConnectionDraft"];
        assert_eq!(draft["properties"]["organisation_id"]["description"], "The organisation.");
        assert_eq!(draft["properties"]["gateway_host"]["type"], json!(["string", "null"]));
        assert_eq!(draft["properties"]["api_version"], Value::Null, "only the settings file has it");
        assert_eq!(draft["description"], "Of Xplan or Ledger, as xplan.");
        assert_eq!(schemas["Connection"]["required"], json!(["forward_host", "schedule"]));
        let modes = |schema: &str| -> Vec<String> {
            let modes = schemas[schema]["oneOf"].as_array().unwrap().iter();
            modes.map(|mode| mode["properties"]["mode"]["enum"][0].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(modes("ConnectionAuth"), ["basic", "oauth", "key"]);
        assert_eq!(modes("ConnectionAuthDraft"), ["basic", "oauth", "key"]);
        let key = &schemas["ConnectionAuthDraft"]["oneOf"][2];
        assert_eq!(key["properties"]["api_key"]["writeOnly"], true);
        assert_eq!(key["required"], json!(["owner", "mode"]));
        assert_eq!(schemas["ConnectionAuth"]["oneOf"][2]["properties"]["api_key"], Value::Null, "a secret is answered");
    }
}
