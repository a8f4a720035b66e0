//! The canonical fields of a person, in the groups in which people look for them.

use super::{Names, findings_of};
use crate::domain::field::{self as domain, Record as _, Section, ValueType};
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
    if !client.extensions.is_empty() {
        let more = client.extensions.iter().map(|more| field(&more.name, more.value.clone()));
        groups.push(Group { heading: "More from the pack", fields: more.collect() });
    }
    groups
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
