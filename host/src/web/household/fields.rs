//! The canonical fields of a person, in the groups in which people look for them.

use phonenumber::Mode;

use super::{Names, findings_of};
use crate::domain::record::{ClientStatus, Sex};
use crate::domain::stored::StoredClient;
use crate::domain::{E164, ExternalId};
use crate::web::parts::Finding;
use crate::web::words;

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
    /// More about the value, in a few words.
    pub(in crate::web) remark: Option<&'static str>,
    /// Who changed it here, and what the CRM had; until the next sync.
    pub(in crate::web) edited: Option<String>,
    pub(in crate::web) findings: Vec<Finding>,
}

/// All fields of a person.
pub(super) fn groups(stored: &StoredClient, names: &Names<'_>) -> Vec<Group> {
    let client = &stored.client;
    let field = |name: &str, value: Option<String>| Field {
        name: name.to_owned(),
        label: words::field(name),
        value: value.unwrap_or_default(),
        remark: None,
        edited: stored.edits.iter().find(|edit| edit.field == name).map(|edit| {
            let had = edit.from.as_deref().map_or("nothing".to_owned(), |had| words::value(name, had));
            format!("Edited here by {}; the next sync overrides it. The CRM had {had}.", edit.by)
        }),
        findings: findings_of(stored, name),
    };
    let mut email = field("email", client.email.as_ref().map(ToString::to_string));
    email.remark = client.email_is_placeholder.then_some("placeholder, made from the name; nothing is sent to it");
    let mut groups = vec![
        Group {
            heading: "Person",
            fields: vec![
                field("title", client.title.map(|title| title.as_str().to_owned())),
                field("first_name", client.first_name.clone()),
                field("middle_name", client.middle_name.clone()),
                field("last_name", client.last_name.clone()),
                field("preferred_name", client.preferred_name.clone()),
                field("date_of_birth", client.date_of_birth.map(words::date)),
                field("sex", client.sex.map(sex)),
            ],
        },
        Group {
            heading: "Contact",
            fields: vec![
                email,
                field("mobile", client.mobile.as_ref().map(mobile)),
                field("address_line_1", client.address_line_1.clone()),
                field("address_line_2", client.address_line_2.clone()),
                field("suburb", client.suburb.clone()),
                field("state", client.state.clone()),
                field("postcode", client.postcode.clone()),
                field("country_code", client.country_code.as_ref().map(ToString::to_string)),
            ],
        },
        Group {
            heading: "In the CRM",
            fields: vec![
                field("external_id", Some(words::crm_id(&client.external_id))),
                field("status", Some(status(client.status))),
                field("adviser_external_id", client.adviser_external_id.as_ref().map(|id| adviser(id, names))),
                field("partner_external_id", client.partner_external_id.as_ref().map(|id| partner(id, names))),
                field("is_partner", Some(if client.is_partner { "Yes" } else { "No" }.to_owned())),
            ],
        },
    ];
    if !client.extensions.is_empty() {
        let more = client.extensions.iter().map(|more| field(&more.name, Some(more.value.clone())));
        groups.push(Group { heading: "More from the pack", fields: more.collect() });
    }
    groups
}

fn sex(sex: Sex) -> String {
    words::sentence(sex.as_str())
}

fn status(status: ClientStatus) -> String {
    words::sentence(&status.as_str().replace('_', " "))
}

/// In the groups in which the number's country writes it: `+61 491 570 156`.
fn mobile(number: &E164) -> String {
    match phonenumber::parse(None, number.as_str()) {
        Ok(parsed) => parsed.format().mode(Mode::International).to_string(),
        Err(_) => number.to_string(),
    }
}

fn adviser(id: &ExternalId, names: &Names<'_>) -> String {
    names.adviser(id).map_or_else(|| id.to_string(), |name| format!("{name} ({id})"))
}

fn partner(id: &ExternalId, names: &Names<'_>) -> String {
    match names.people.iter().find(|person| person.client.external_id == *id) {
        Some(person) if id.in_crm().is_none() => words::name(&person.client.full_name()),
        Some(person) => format!("{} ({id})", words::name(&person.client.full_name())),
        None => format!("{}, not in this household", words::crm_id(id)),
    }
}
