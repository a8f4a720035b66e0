//! The canonical fields of a person, in the groups in which people look for them.

use super::{Names, findings_of};
use crate::domain::declaration::{ExtensionField, Shown};
use crate::domain::extension::{PREFIX, mask};
use crate::domain::field::{self as domain, Record as _, Section, ValueType};
use crate::domain::record::Extension;
use crate::domain::stored::StoredClient;
use crate::domain::{Client, ExternalId, RecordKind};
use crate::web::components::Finding;
use crate::web::format;

/// Fields that belong together.
pub(in crate::web) struct Group {
    pub(in crate::web) heading: &'static str,
    pub(in crate::web) fields: Vec<Field>,
}

/// One field: what it is called, what stands in it, what was found about it.
pub(in crate::web) struct Field {
    /// The canonical name, by which the explanation is found.
    pub(in crate::web) name: String,
    pub(in crate::web) label: String,
    /// Empty where the field is.
    pub(in crate::web) value: String,
    /// A remark about the value, in a few words.
    pub(in crate::web) remark: Option<&'static str>,
    /// The edit that a person made here, with what the CRM had; until the next sync.
    pub(in crate::web) edited: Option<String>,
    pub(in crate::web) findings: Vec<Finding>,
    /// Whether the value is masked, and shown to who asks for it.
    pub(in crate::web) is_masked: bool,
}

/// All fields of a person.
pub(super) fn groups(stored: &StoredClient, names: &Names<'_>) -> Vec<Group> {
    let client = &stored.client;
    let field = |name: &str, value: String| Field {
        name: name.to_owned(),
        label: format::field(name),
        value,
        remark: None,
        edited: stored.edits.iter().find(|edit| edit.field == name).map(|edit| {
            let had = edit.from.as_deref().map_or("nothing".to_owned(), |had| format::value(name, had));
            format!("Edited here by {}; the next sync overrides it. The CRM had {had}.", edit.by)
        }),
        findings: findings_of(stored, name),
        is_masked: false,
    };
    let known = |known: &domain::Field| {
        let shown = |text: String| shown(known, &text, names);
        let mut field = field(known.name, client.text_of(known.name).map(shown).unwrap_or_default());
        if known.value == ValueType::Email && client.email_is_placeholder {
            field.remark = Some("placeholder, made from the name; nothing is sent to it");
        }
        field
    };
    let of_section = |section: Section| Group {
        heading: section.heading(),
        fields: Client::FIELDS.iter().filter(|known| known.section == Some(section)).map(known).collect(),
    };
    let mut groups: Vec<Group> = Section::ALL.map(of_section).into();
    let is_revealed = names.revealed == Some(stored.id);
    let mut more = Vec::new();
    for (shown, added) in added(&client.extensions, names.added) {
        let Added { name, label, value, sensitive } = added;
        let is_masked = sensitive && !is_revealed && !value.is_empty();
        let value = if is_masked { mask(&value) } else { value };
        let field = Field { label, is_masked, ..field(&format!("{PREFIX}{name}"), value) };
        match shown {
            Shown::Under(section) => {
                let at = Section::ALL.iter().position(|known| *known == section).unwrap_or_default();
                groups[at].fields.push(field);
            }
            Shown::More => more.push(field),
            Shown::Nowhere => {}
        }
    }
    if !more.is_empty() {
        groups.push(Group { heading: "More from the pack", fields: more });
    }
    groups
}

/// A field that a pack adds, as people read it.
pub(in crate::web) struct Added {
    name: String,
    pub(in crate::web) label: String,
    /// Empty where the record has none.
    pub(in crate::web) value: String,
    sensitive: bool,
}

/// The fields that a pack adds to a record, each with its place on the page: those that the pack in force declares, and
/// those that are stored and that it does not declare any more, by their names.
pub(in crate::web) fn added(stored: &[Extension], declared: &[ExtensionField]) -> Vec<(Shown, Added)> {
    let of_declared = |field: &ExtensionField| {
        let value = stored.iter().find(|one| one.name == field.name);
        let added = Added {
            name: field.name.clone(),
            label: field.label.clone(),
            value: value.map(|one| format::added(field.form, &one.value)).unwrap_or_default(),
            sensitive: field.sensitive || value.is_some_and(|one| one.sensitive),
        };
        (field.shown, added)
    };
    let is_undeclared = |one: &&Extension| declared.iter().all(|field| field.name != one.name);
    let of_stored = |one: &Extension| {
        let label = format::field(&one.name);
        let added = Added { name: one.name.clone(), label, value: one.value.clone(), sensitive: one.sensitive };
        (Shown::More, added)
    };
    declared.iter().map(of_declared).chain(stored.iter().filter(is_undeclared).map(of_stored)).collect()
}

/// A value for people, with the names of those whom an id in the CRM means.
fn shown(field: &domain::Field, text: &str, names: &Names<'_>) -> String {
    let id = || ExternalId(text.to_owned());
    match field.value {
        ValueType::OwnId => format::crm_id(&id()),
        ValueType::Id(RecordKind::Adviser) => {
            names.adviser(&id()).map_or_else(|| text.to_owned(), |name| format!("{name} ({text})"))
        }
        ValueType::Id(_) => partner(&id(), names),
        _ => format::value(field.name, text),
    }
}

fn partner(id: &ExternalId, names: &Names<'_>) -> String {
    match names.people.iter().find(|person| person.client.external_id == *id) {
        Some(person) if id.in_crm().is_none() => format::name(&person.client.full_name()),
        Some(person) => format!("{} ({id})", format::name(&person.client.full_name())),
        None => format!("{}, not in this household", format::crm_id(id)),
    }
}
