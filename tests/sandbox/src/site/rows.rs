//! Rows of clients and users as the API writes them, from the records of the book; `lists` writes those below a client.

mod lists;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::query::Query;
pub(super) use lists::{list, list_row, needed};

use crate::book::{Client, Lists, NumberKind, Text, User};
use crate::json;

/// A field of a client that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Title,
    FirstName,
    MiddleName,
    LastName,
    PreferredName,
    Dob,
    Sex,
    EntityType,
    ClientAdviser,
    ClientAdviserSecondary,
    PartnerEntityId,
    IsPartner,
    PreferredEmail,
    PreferredPhone,
    ClientActiveDate,
    ExternalId,
    IrdNumber,
    NationalInsuranceNumber,
    IdentityNumber,
}

const FIELDS: &[(&str, Field)] = &[
    ("title", Field::Title),
    ("first_name", Field::FirstName),
    ("middle_name", Field::MiddleName),
    ("last_name", Field::LastName),
    ("preferred_name", Field::PreferredName),
    ("dob", Field::Dob),
    ("sex", Field::Sex),
    ("entity_type", Field::EntityType),
    ("client_adviser", Field::ClientAdviser),
    ("client_adviser_secondary", Field::ClientAdviserSecondary),
    ("partner_entity_id", Field::PartnerEntityId),
    ("is_partner", Field::IsPartner),
    ("preferred_email", Field::PreferredEmail),
    ("preferred_phone", Field::PreferredPhone),
    ("client_active_date", Field::ClientActiveDate),
    ("external_id", Field::ExternalId),
    ("ird_number", Field::IrdNumber),
    ("national_insurance_number", Field::NationalInsuranceNumber),
    ("identity_number", Field::IdentityNumber),
];

/// What a client row is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    fields: Vec<Field>,
    status: bool,
    flat: bool,
}

impl Form {
    /// The form that a query asks for. A field name that the site does not know is left out without a word.
    pub(super) fn of(query: Query<'_>, flat: bool) -> Result<Self, super::answer::Refusal> {
        let fields = query
            .list("fields")
            .filter_map(|name| FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field))
            .collect();
        Ok(Self { fields, status: query.switch("include_client_status")?, flat })
    }
}

impl Form {
    /// The lists that the fields are taken from.
    pub(super) fn lists(&self) -> Lists {
        let preferred = [Field::PreferredEmail, Field::PreferredPhone];
        let contacts = self.fields.iter().any(|field| preferred.contains(field));
        Lists { contacts, ..Lists::default() }
    }
}

/// Appends a client's row.
pub(super) fn client(out: &mut Vec<u8>, client: &Client, form: &Form) {
    out.extend_from_slice(br#"{"bookmark":""#);
    bookmark(out, client.id);
    out.extend_from_slice(br#"","id":"#);
    json::number(out, client.id);
    out.extend_from_slice(br#","entity_name":"#);
    entity_name(out, client);
    if form.status {
        out.extend_from_slice(br#","client_status":["#);
        json::text(out, &client.status);
        out.push(b']');
    }
    if !form.flat {
        out.extend_from_slice(br#","fields":{"#);
    }
    for (at, &field) in form.fields.iter().enumerate() {
        if at > 0 || form.flat {
            out.push(b',');
        }
        let name = FIELDS[field as usize].0;
        json::text(out, name);
        out.push(b':');
        value(out, client, field);
    }
    out.extend_from_slice(if form.flat { b"}" } else { b"}}" });
}

fn bookmark(out: &mut Vec<u8>, id: u32) {
    let mut mark = [0; 24];
    let mut plain = Vec::with_capacity(17);
    plain.extend_from_slice(br#"{"id":"#);
    json::number(&mut plain, id);
    plain.push(b'}');
    let length =
        STANDARD.encode_slice(&plain, &mut mark).expect("an object with one 32-bit number fits into 24 characters");
    out.extend_from_slice(&mark[..length]);
}

fn entity_name(out: &mut Vec<u8>, client: &Client) {
    out.push(b'"');
    let last = client.last_name.as_deref().unwrap_or_default();
    json::escaped(out, last.as_bytes());
    if let Some(first) = &client.first_name {
        out.extend_from_slice(b", ");
        json::escaped(out, first.as_bytes());
    }
    out.push(b'"');
}

fn value(out: &mut Vec<u8>, client: &Client, field: Field) {
    match field {
        Field::Title => words(out, &client.title),
        Field::FirstName => words(out, &client.first_name),
        Field::MiddleName => words(out, &client.middle_name),
        Field::LastName => words(out, &client.last_name),
        Field::PreferredName => words(out, &client.preferred_name),
        Field::Dob => day(out, &client.dob),
        Field::Sex => words(out, &client.sex),
        Field::EntityType => json::text(out, &client.entity_type),
        Field::ClientAdviser => json::maybe(out, client.client_adviser, json::number),
        Field::ClientAdviserSecondary => json::maybe(out, client.client_adviser_secondary, json::number),
        Field::PartnerEntityId => json::maybe(out, client.partner_entity_id, json::number),
        Field::IsPartner => json::boolean(out, client.is_partner),
        Field::PreferredEmail => words(out, &client.preferred_email),
        Field::PreferredPhone => words(out, &client.preferred_phone),
        Field::ClientActiveDate => day(out, &client.client_active_date),
        Field::ExternalId => words(out, &client.external_id),
        Field::IrdNumber => number(out, client, NumberKind::Ird),
        Field::NationalInsuranceNumber => number(out, client, NumberKind::NationalInsurance),
        Field::IdentityNumber => number(out, client, NumberKind::Identity),
    }
}

fn number(out: &mut Vec<u8>, client: &Client, kind: NumberKind) {
    json::maybe(out, client.number(kind), json::text);
}

fn words(out: &mut Vec<u8>, value: &Option<Text>) {
    json::maybe(out, value.as_deref(), json::text);
}

fn day(out: &mut Vec<u8>, value: &Option<Text>) {
    json::maybe(out, value.as_deref(), json::date);
}

/// Appends a user's row with those of `first_name`, `last_name`, `email` that are asked for.
pub(super) fn user(out: &mut Vec<u8>, user: &User, query: Query<'_>) {
    out.extend_from_slice(br#"{"bookmark":""#);
    bookmark(out, user.id);
    out.extend_from_slice(br#"","id":"#);
    json::number(out, user.id);
    out.extend_from_slice(br#","entity_name":"#);
    json::text(out, &format!("{}, {}", user.last_name, user.first_name));
    out.extend_from_slice(br#","fields":{"#);
    let mut separator: &[u8] = b"";
    for name in query.list("fields") {
        let value = match name.as_ref() {
            "first_name" => Some(&user.first_name),
            "last_name" => Some(&user.last_name),
            "email" => user.email.as_ref(),
            _ => continue,
        };
        out.extend_from_slice(separator);
        json::text(out, &name);
        out.push(b':');
        json::maybe(out, value.map(AsRef::as_ref), json::text);
        separator = b",";
    }
    out.extend_from_slice(b"}}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Book;
    use crate::options::Region;
    use crate::site::route::List;

    #[test]
    fn fields_stand_in_the_order_of_their_table() {
        for (at, (name, field)) in FIELDS.iter().enumerate() {
            assert_eq!(at, *field as usize, "{name}");
        }
    }

    #[test]
    fn rows_are_json_with_the_fields_asked_for() {
        let book = Book::new(3, 300, Region::Mix);
        let form = Form::of(Query("fields.0=dob&fields.1=lastname&fields.2=last_name&include_client_status=1"), false)
            .unwrap();
        for record in book.clients() {
            let mut out = Vec::new();
            client(&mut out, &record, &form);
            let row: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(row["id"], record.id);
            assert_eq!(row["client_status"][0], *record.status);
            assert_eq!(row["fields"].as_object().unwrap().len(), 2, "the misspelt field is absent");
            assert_eq!(row["fields"]["last_name"].as_str(), record.last_name.as_deref());
            assert_eq!(row["fields"]["dob"]["_val"].as_str(), record.dob.as_deref());
            for kind in List::ALL {
                out.clear();
                list(&mut out, &record, kind);
                let _: serde_json::Value = serde_json::from_slice(&out).unwrap();
            }
        }
    }
}
