//! The fields that a pack adds to records, as its rules declare them: found through the pointers in `pack.toml`, because the
//! host knows none of the rules' own names. Of a declaration it reads the label, the type, what is sensitive, where it is
//! shown and whether it fills another field; the rest is the plugin's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{FieldExplanation, Verdict};
use crate::domain::declaration::{ExtensionField, ExtensionForm, Shown};
use crate::domain::extension::{PREFIX, mask};
use crate::domain::{Canonical, RecordKind};

/// Places in the rules, as JSON Pointers (RFC 6901): tables of the fields that are added to records of a kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct ExtensionPointers(BTreeMap<RecordKind, String>);

impl ExtensionPointers {
    /// These places, and of what they do not name those below.
    pub(super) fn over(self, below: Self) -> Self {
        Self(below.0.into_iter().chain(self.0).collect())
    }

    /// The places as a line of text, the same for the same places.
    pub(super) fn places(&self) -> String {
        self.0.iter().map(|(kind, place)| format!("{} {place}", kind.as_str())).collect::<Vec<_>>().join(" ")
    }
}

/// The declarations of a pack, by kind; none of a kind whose table the pack does not name.
#[derive(Clone, Default, Debug)]
pub(super) struct Declared(BTreeMap<RecordKind, Vec<ExtensionField>>);

/// One declaration, as rules write it beside what is the plugin's business.
#[derive(Deserialize)]
struct Declaration {
    label: String,
    #[serde(rename = "type")]
    form: String,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    shown: Option<String>,
    #[serde(default)]
    fills: Option<String>,
}

impl Declared {
    /// The declarations that the pointers lead to.
    ///
    /// # Errors
    /// Says which pointer leads nowhere, or which declaration cannot be read: what is sensitive would be shown.
    pub(super) fn read(pointers: Option<&ExtensionPointers>, rules: &str) -> Result<Self, String> {
        let Some(ExtensionPointers(places)) = pointers else { return Ok(Self::default()) };
        let rules: Value = serde_json::from_str(rules).map_err(|error| error.to_string())?;
        let mut declared = BTreeMap::new();
        for (&kind, pointer) in places {
            if kind != RecordKind::Client && !kind.is_listed() {
                return Err(format!("no fields are added to records of the kind `{}`", kind.as_str()));
            }
            let Some(table) = rules.pointer(pointer) else {
                // Rules may leave out goals or covers altogether, of which nothing is sensitive.
                if kind.is_listed() {
                    continue;
                }
                return Err(format!("`{pointer}` leads to nothing in its rules"));
            };
            let table: BTreeMap<String, Value> = Deserialize::deserialize(table)
                .map_err(|_| format!("`{pointer}` leads to no table of added fields"))?;
            let fields =
                table.iter().map(|(name, of)| field(name, of).map_err(|why| format!("`{pointer}/{name}`: {why}")));
            let fields: Vec<ExtensionField> = fields.collect::<Result<_, _>>()?;
            if let Some(field) = fields.iter().find(|field| field.sensitive && kind != RecordKind::Client) {
                return Err(format!("`{pointer}/{}`: only a field of clients can be sensitive", field.name));
            }
            declared.insert(kind, fields);
        }
        Ok(Self(declared))
    }

    /// The fields that are added to records of a kind.
    pub(super) fn of(&self, kind: RecordKind) -> &[ExtensionField] {
        self.0.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// Whether what becomes of records of a kind may hang on the day because of the fields that are added to them. Of a
    /// kind whose fields the pack does not declare, it may.
    pub(super) fn may_read_as_of(&self, kind: RecordKind) -> bool {
        let is_of_lists = kind != RecordKind::Client;
        is_of_lists || self.0.get(&kind).is_none_or(|fields| fields.iter().any(|field| field.fills))
    }

    /// Notes on what a plugin made which of it is sensitive.
    pub(super) fn note(&self, verdict: &mut Verdict) {
        let Verdict::Mapped { records, .. } = verdict else { return };
        // Only a field of clients can be sensitive.
        for record in records {
            if let Canonical::Client(client) = record {
                for extension in &mut client.extensions {
                    extension.sensitive = self.is_sensitive(RecordKind::Client, &extension.name);
                }
            }
        }
    }

    /// Takes what is sensitive out of an explanation.
    pub(super) fn hide(&self, kind: RecordKind, explained: &mut [FieldExplanation]) {
        for field in explained {
            let Some(name) = field.field.strip_prefix(PREFIX) else { continue };
            if self.is_sensitive(kind, name) {
                field.value = field.value.take().map(|value| mask(&value));
                field.source_value = None;
            }
        }
    }

    /// Whether a field is sensitive, by its name in a diagnostic: `extensions.identity_number`.
    pub(super) fn is_sensitive_field(&self, field: &str) -> bool {
        field.strip_prefix(PREFIX).is_some_and(|name| self.is_sensitive(RecordKind::Client, name))
    }

    fn is_sensitive(&self, kind: RecordKind, name: &str) -> bool {
        self.of(kind).iter().any(|field| field.sensitive && field.name == name)
    }
}

fn field(name: &str, of: &Value) -> Result<ExtensionField, String> {
    let Declaration { label, form, sensitive, shown, fills } =
        Deserialize::deserialize(of).map_err(|error: serde_json::Error| error.to_string())?;
    let form = word(&ExtensionForm::ALL, &form, "type")?;
    let shown = shown.map_or(Ok(Shown::More), |shown| word(&Shown::ALL, &shown, "shown"))?;
    Ok(ExtensionField { name: name.to_owned(), label, form, sensitive, shown, fills: fills.is_some() })
}

fn word<T: Copy>(all: &[(T, &str)], word: &str, key: &str) -> Result<T, String> {
    all.iter().find(|(_, known)| *known == word).map(|(meaning, _)| *meaning).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|(_, word)| *word).collect();
        format!("`{key}` is one of {}, not `{word}`", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"{"client": {"added": {
        "segment": {"field": "seg", "label": "Segment", "type": "text", "sensitive": false, "shown": "person"},
        "id_number": {"field": "id_no", "label": "Identity number", "type": "text", "sensitive": true,
                      "fills": "date_of_birth"}
    }}, "goal": {"added": {}, "odd": {"x": {"label": "X", "type": "colour"}},
                 "secret": {"x": {"label": "X", "type": "text", "sensitive": true}}}}"#;

    fn read(pointers: &str) -> Result<Declared, String> {
        let pointers: ExtensionPointers = toml::from_str(pointers).unwrap();
        Declared::read(Some(&pointers), RULES)
    }

    #[test]
    fn declarations_are_found_by_their_pointers() {
        let declared = read("client = \"/client/added\"\ngoal = \"/goal/added\"").unwrap();
        let names: Vec<_> = declared.of(RecordKind::Client).iter().map(|field| (&*field.label, field.shown)).collect();
        assert_eq!(
            names,
            [("Identity number", Shown::More), ("Segment", Shown::Under(crate::domain::field::Section::Person))]
        );
        assert!(
            declared.is_sensitive_field("extensions.id_number") && !declared.is_sensitive_field("extensions.segment")
        );
        assert!(!declared.is_sensitive_field("id_number"));
        assert!(declared.may_read_as_of(RecordKind::Client));
    }

    #[test]
    fn a_record_hangs_on_the_day_only_where_a_field_fills_another() {
        assert!(Declared::read(None, RULES).unwrap().may_read_as_of(RecordKind::Client), "nobody knows");
        assert!(!read("client = \"/goal/added\"").unwrap().may_read_as_of(RecordKind::Client));
        assert!(read("client = \"/goal/added\"").unwrap().may_read_as_of(RecordKind::Cover));
    }

    #[test]
    fn what_cannot_be_read_is_refused_because_it_may_be_sensitive() {
        let check = |pointers: &str, expected: &str| {
            let refused = read(pointers).err().unwrap();
            assert!(refused.contains(expected), "{refused}");
        };
        check("client = \"/client/extensions\"", "`/client/extensions` leads to nothing");
        check("client = \"/client/added/segment/label\"", "no table of added fields");
        assert!(read("goal = \"/goals/added\"").unwrap().of(RecordKind::Goal).is_empty());
        check("goal = \"/goal/odd\"", "`/goal/odd/x`: `type` is one of text, date");
        check("goal = \"/goal/secret\"", "only a field of clients can be sensitive");
    }

    #[test]
    fn an_explanation_says_nothing_of_a_sensitive_value() {
        let explained = |field: &str| FieldExplanation {
            field: field.to_owned(),
            value: Some("AB654321D".to_owned()),
            source: Some("/row/fields/id_no".to_owned()),
            source_value: Some("ab 65 43 21 d".to_owned()),
            rule: None,
            diagnostics: Vec::new(),
        };
        let mut fields = [explained("extensions.id_number"), explained("extensions.segment")];
        read("client = \"/client/added\"").unwrap().hide(RecordKind::Client, &mut fields);
        assert_eq!((fields[0].value.as_deref(), &fields[0].source_value), (Some("••••••21D"), &None));
        assert_eq!(fields[1].value.as_deref(), Some("AB654321D"));
    }
}
