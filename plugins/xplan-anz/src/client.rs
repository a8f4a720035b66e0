//! Clients: the people whom the practice advises.

use tidegate_sdk::{Canonical, Client, Ctx, LineageRecorder, MapResult, Origin, RawRecord, Severity};
use xplan::{ClientField as F, Forms, RawClient, Value, View};

use crate::{
    address, client_row::ClientRow, contact, dates, extensions::Known, mapping::ClientMapping, person, record, standing,
};

/// Maps a client.
pub(crate) fn map(
    rules: &ClientMapping,
    forms: &Forms,
    ctx: &Ctx<'_>,
    raw: &RawRecord,
    recorder: &mut LineageRecorder,
) -> MapResult {
    let client = match RawClient::read(&raw.json, rules.names()) {
        Ok(client) => client,
        Err(why) => return record::not_json(&why, recorder),
    };
    let row = View::new(&client.row, &rules.fields, None, "/client/fields", forms);
    if let Err(fate) = record::check_row(row, F::Id, &raw.id, recorder) {
        return fate;
    }
    let Some(status) = standing::status(rules, row, recorder) else {
        return MapResult::Skipped;
    };
    let names = person::names(row, recorder);
    if names.are_empty() {
        return nameless(row, recorder);
    }
    client.contacts.views(&rules.contact, "/client/contact/fields", forms).for_each(|row| row.tell_repeated(recorder));
    client.addresses.views(&rules.address, "/client/address/fields", forms).for_each(|row| row.tell_repeated(recorder));
    let address = address::map(rules, forms, &client.addresses, recorder);
    let email = contact::email(rules, row, &client.contacts, recorder);
    let email_is_placeholder = email.is_none();
    let email = email.unwrap_or_else(|| contact::placeholder(rules, ctx, &names, &raw.id, recorder));
    recorder.origin("email_is_placeholder", || Origin {
        rule: Some("/client/email/placeholder".to_owned()),
        ..Origin::default()
    });
    let couple = person::couple(row, &raw.id, recorder);
    let title = person::title(rules, row, recorder);
    let known = Known {
        date_of_birth: dates::day(row, F::DateOfBirth, "date_of_birth", recorder),
        sex: person::sex(rules, row, recorder),
    };
    let mobile = contact::mobile(rules, ctx, row, &client.contacts, recorder);
    let [adviser, secondary_adviser] =
        [(F::Adviser, "adviser_external_id"), (F::SecondaryAdviser, "secondary_adviser_external_id")]
            .map(|(field, canonical)| person::adviser(row, field, canonical, recorder));
    let added = rules.extensions.of_client(row, known, ctx, recorder);
    MapResult::Mapped(vec![Canonical::Client(Client {
        external_id: raw.id.clone(),
        title,
        date_of_birth: known.date_of_birth.or(added.date_of_birth).map(|day| day.to_string()),
        sex: known.sex,
        first_name: names.first,
        middle_name: names.middle,
        last_name: names.last,
        preferred_name: names.preferred,
        address_line_1: address.line_1,
        address_line_2: address.line_2,
        suburb: address.suburb,
        state: address.state,
        postcode: address.postcode,
        country_code: address.country_code,
        email: Some(email),
        email_is_placeholder,
        mobile,
        adviser_external_id: adviser,
        secondary_adviser_external_id: secondary_adviser,
        partner_external_id: couple.partner,
        is_partner: couple.is_partner,
        status,
        extensions: added.extensions,
    })])
}

/// A record without a name is no client. One whose names cannot be read, or that holds nothing, is one that Xplan failed
/// to send: what is known of the client stays.
fn nameless(row: ClientRow<'_, '_>, recorder: &mut LineageRecorder) -> MapResult {
    let is_unreadable = |name: F| !matches!(row.get(name), Value::Text(_)) && !row.get(name).is_empty();
    if [F::FirstName, F::MiddleName, F::LastName, F::PreferredName].into_iter().any(is_unreadable) {
        let message = "None of the record’s names can be read, so that it cannot be told who it is; what came over \
                       before stays. Correct the names in Xplan, or the fields’ names in the rules.";
        return record::reject(recorder, "unreadable-name", message.to_owned());
    }
    if row.is_empty_from(F::MEMBERS) {
        return record::empty(recorder);
    }
    recorder.whole(
        Severity::Info,
        "no-name",
        "The record has no name at all, so it is not taken for a client. Enter a name in Xplan to bring it over.",
    );
    MapResult::Skipped
}
