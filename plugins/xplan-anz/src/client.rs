//! Clients: the people whom the practice advises.

use tidegate_sdk::{Canonical, Client, ClientStatus, Ctx, Fate, Lineage, RawRecord, Severity, Trail};
use xplan::{ClientField as F, RawClient, View};

use crate::rules::ClientRules;

/// Maps a client.
pub(crate) fn map<L: Lineage>(rules: &ClientRules, _ctx: &Ctx<'_>, raw: &RawRecord, trail: &mut Trail<L>) -> Fate {
    let client = match RawClient::read(&raw.json, rules.names()) {
        Ok(client) => client,
        Err(why) => {
            trail.whole(Severity::Error, "not-json", format!("Xplan's answer is not JSON: {why}."));
            return Fate::Rejected;
        }
    };
    let row = View { row: &client.row, names: &rules.fields, place: None, rules: "/client/fields" };
    let mut text = |field, canonical| {
        trail.origin(canonical, || row.origin(field, None));
        row.text(field, canonical, trail).map(|text| text.into_owned())
    };
    Fate::Mapped(vec![Canonical::Client(Client {
        external_id: raw.id.clone(),
        title: None,
        first_name: text(F::FirstName, "first_name"),
        middle_name: text(F::MiddleName, "middle_name"),
        last_name: text(F::LastName, "last_name"),
        preferred_name: text(F::PreferredName, "preferred_name"),
        date_of_birth: None,
        sex: None,
        address_line_1: None,
        address_line_2: None,
        suburb: None,
        state: None,
        postcode: None,
        country_code: None,
        email: None,
        email_is_placeholder: false,
        mobile: None,
        adviser_external_id: None,
        partner_external_id: None,
        is_partner: false,
        status: ClientStatus::Client,
        extensions: Vec::new(),
    })])
}
