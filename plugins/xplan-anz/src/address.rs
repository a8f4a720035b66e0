//! The address of a client: one of the client's addresses, taken apart.

use tidegate_sdk::{LineageRecorder, countries};
use xplan::{AddressField as F, Forms, Rows, Value, View};

use crate::mapping::{AddressMapping, ClientMapping};

mod lines;
mod postcode;

type AddressRow<'r, 'a> = View<'r, 'a, F>;

/// A canonical address; each part may be missing.
#[derive(Default)]
pub(crate) struct Address {
    pub line_1: Option<String>,
    pub line_2: Option<String>,
    pub suburb: Option<String>,
    pub state: Option<String>,
    pub postcode: Option<String>,
    pub country_code: Option<String>,
}

/// Maps the preferred address, else the first residential one, else the first.
pub(crate) fn map(
    rules: &ClientMapping,
    forms: &Forms,
    addresses: &Rows<'_, F>,
    recorder: &mut LineageRecorder,
) -> Address {
    let form = &rules.address_form;
    let Some(row) = pick(rules, forms, addresses, recorder) else {
        return Address::default();
    };
    let country_code = country(form, row, recorder);
    let at_home = country_code.as_deref() == Some(&form.home_country);
    let (line_1, line_2) = lines::map(form, row, recorder);
    recorder.origin("suburb", || row.origin(F::Suburb, None));
    let suburb = row.text(F::Suburb, "suburb", recorder).map(std::borrow::Cow::into_owned);
    let state = state(form, row, at_home, recorder);
    let place = postcode::Whereabouts { country: country_code.as_deref(), state: state.as_deref() };
    let postcode = postcode::map(form, row, place, recorder);
    Address { line_1, line_2, suburb, state, postcode, country_code }
}

/// The row that counts; rows with nothing in them do not.
fn pick<'r, 'a>(
    rules: &'r ClientMapping,
    forms: &'r Forms,
    addresses: &'r Rows<'a, F>,
    recorder: &mut LineageRecorder,
) -> Option<AddressRow<'r, 'a>> {
    const PARTS: [F; 5] = [F::Street, F::Suburb, F::State, F::Postcode, F::Country];
    let is_filled = |row: &AddressRow<'_, '_>| PARTS.iter().any(|part| !row.get(*part).is_empty());
    let mut rows = addresses.views(&rules.address, "/client/address/fields", forms).filter(is_filled);
    let mut is_preferred =
        |row: &AddressRow<'r, 'a>| row.flag(F::Preferred, "address_line_1", recorder).unwrap_or(false);
    if let Some(preferred) = rows.clone().find(&mut is_preferred) {
        return Some(preferred);
    }
    let residential = rows.clone().find(|row| {
        let of_type = row.text(F::Type, "address_line_1", recorder);
        of_type.is_some_and(|word| rules.address_form.residential.get(&word).is_some())
    });
    if rows.clone().count() > 1 {
        let taken = if residential.is_some() { "the first residential one" } else { "the first one" };
        recorder.info(
            "address_line_1",
            "no-preference",
            format!("No address is marked as preferred in Xplan; {taken} was taken."),
        );
    }
    residential.or_else(|| rows.next())
}

/// The country's code. An address without a country is taken for one of the home country.
fn country(form: &AddressMapping, row: AddressRow<'_, '_>, recorder: &mut LineageRecorder) -> Option<String> {
    const FIELD: &str = "country_code";
    recorder.origin(FIELD, || row.origin(F::Country, None));
    let text = match row.text(F::Country, FIELD, recorder) {
        Some(text) => text,
        // A text that stands for "unknown" is as good as none.
        None if !row.get(F::Country).is_empty() && !matches!(row.get(F::Country), Value::Text(_)) => return None,
        None => {
            let home = &form.home_country;
            recorder
                .origin(FIELD, || row.origin(F::Country, Some(format!("/client/address_form/home_country {home}"))));
            recorder.info(FIELD, "country-assumed", format!("The address states no country; {home} was assumed."));
            return Some(home.clone());
        }
    };
    let known = form.countries.get(&text).map(String::as_str).or_else(|| countries::code(&text));
    if known.is_none() {
        recorder.warn(
            FIELD,
            "unknown-country",
            format!("“{text}” is no country's name or code; it was left out. Correct it in Xplan, or add it to /client/address_form/countries in the pack's rules."),
        );
    }
    known.map(str::to_owned)
}

/// The state: at home a code of the rules' table, abroad as it is written.
fn state(
    form: &AddressMapping,
    row: AddressRow<'_, '_>,
    at_home: bool,
    recorder: &mut LineageRecorder,
) -> Option<String> {
    const FIELD: &str = "state";
    recorder.origin(FIELD, || row.origin(F::State, None));
    let text = row.text(F::State, FIELD, recorder)?;
    if !at_home || form.any_state {
        return Some(text.into_owned());
    }
    let Some(states) = &form.states else {
        let home = &form.home_country;
        recorder.info(FIELD, "no-states", format!("“{text}” was left out: addresses of {home} have no state."));
        return None;
    };
    let code = states.read(&text, FIELD, recorder)?;
    recorder.origin(FIELD, || row.origin(F::State, Some(format!("/client/address_form/states/{code}"))));
    Some(code.clone())
}
