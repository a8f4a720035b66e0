//! Clients and advisers: one row each.

use tidegate_sdk::read::placeholder_problem;
use tidegate_sdk::{
    Adviser, Canonical, Client, ClientStatus, Ctx, LineageRecorder, MapResult, Origin, RawRecord, RuleProblem,
    Severity, Sex, Table, Title, canonical::Choice, choice, countries,
};

use crate::contact::{self, MobileMapping};
use crate::forms::Forms;
use crate::row::{RawRow, Row};
use crate::rules::{ClientRules, Columns};
use crate::values;

/// The fields of a client that a column may be named for.
const FIELDS: &[&str] = &[
    "id",
    "record_type",
    "status",
    "title",
    "first_name",
    "middle_name",
    "last_name",
    "preferred_name",
    "date_of_birth",
    "sex",
    "email",
    "mobile",
    "address_line_1",
    "address_line_2",
    "suburb",
    "state",
    "postcode",
    "country",
    "adviser",
    "secondary_adviser",
    "partner",
    "is_partner",
];

/// The mapping of clients.
pub(crate) struct ClientMapping {
    pub resource: String,
    pub columns: Columns,
    people: Table<()>,
    titles: Table<Title>,
    sexes: Table<Sex>,
    statuses: Table<ClientStatus>,
    come_over: Vec<ClientStatus>,
    status_when_missing: ClientStatus,
    mobile: MobileMapping,
    placeholder: String,
    home_country: String,
    postcode: String,
    states: Table<String>,
    countries: Table<String>,
}

impl ClientMapping {
    /// Makes the rules ready; what is wrong with them is added to `problems`.
    pub fn new(rules: ClientRules, problems: &mut Vec<RuleProblem>) -> Self {
        let status = rules.status;
        let mut one = |word: &str, path: String| {
            choice(word).map_err(|message| problems.push(RuleProblem { path, message })).ok()
        };
        let come_over = status.come_over.iter().enumerate();
        let come_over =
            come_over.filter_map(|(at, word)| one(word, format!("/client/status/come_over/{at}"))).collect();
        let status_when_missing = one(&status.when_missing, "/client/status/when_missing".to_owned());
        if let Some(message) = placeholder_problem(&rules.email.placeholder) {
            problems.push(RuleProblem { path: "/client/email/placeholder".to_owned(), message });
        }
        let form = rules.address_form;
        if country(&form.home_country).is_err() {
            let message = format!("“{}” is no code of ISO 3166-1.", form.home_country);
            problems.push(RuleProblem { path: "/client/address_form/home_country".to_owned(), message });
        }
        Self {
            resource: rules.resource,
            columns: Columns::new(rules.fields, FIELDS, "/client/fields", problems),
            people: Table::listing(&rules.people, "/client/people"),
            titles: rules.titles.choices("/client/titles", problems),
            sexes: rules.sexes.choices("/client/sexes", problems),
            statuses: status.words.choices("/client/status/words", problems),
            come_over,
            status_when_missing: status_when_missing.unwrap_or(ClientStatus::Other),
            mobile: MobileMapping::new(rules.mobile, problems),
            placeholder: rules.email.placeholder,
            home_country: form.home_country,
            postcode: form.postcode,
            states: form.states.table("/client/address_form/states", problems, |code| Ok(code.to_owned())),
            countries: form.countries.table("/client/address_form/countries", problems, country),
        }
    }
}

fn country(code: &str) -> Result<String, String> {
    match countries::code(code) {
        Some(known) if known == code => Ok(code.to_owned()),
        _ => Err(format!("“{code}” is no code of ISO 3166-1; write two capital letters, as in AU.")),
    }
}

/// Maps a client.
pub(crate) fn map(
    rules: &ClientMapping,
    forms: &Forms,
    ctx: &Ctx<'_>,
    raw: &RawRecord,
    recorder: &mut LineageRecorder,
) -> MapResult {
    let record: RawRow<'_> = match serde_json::from_slice(&raw.json) {
        Ok(record) => record,
        Err(error) => return no_row(&error, recorder),
    };
    let row = Row { cells: &record.row, columns: &rules.columns, forms, place: None };
    recorder.origin("external_id", || row.origin("id", None));
    let Some(status) = status(rules, row, recorder) else { return MapResult::Skipped };
    let [first_name, middle_name, last_name, preferred_name] =
        ["first_name", "middle_name", "last_name", "preferred_name"].map(|name| row.text(name, name, recorder));
    if [&first_name, &middle_name, &last_name, &preferred_name].iter().all(|name| name.is_none()) {
        let message =
            "The record has no name at all, so it is not taken for a client. Enter a name in the CRM to bring it over.";
        recorder.whole(Severity::Info, "no-name", message);
        return MapResult::Skipped;
    }
    let address = address(rules, row, recorder);
    let email = contact::email(row, recorder);
    let email_is_placeholder = email.is_none();
    recorder.origin("email_is_placeholder", || Origin {
        rule: Some("/client/email/placeholder".to_owned()),
        ..Origin::default()
    });
    let names = [first_name.as_ref().or(preferred_name.as_ref()), last_name.as_ref()];
    let email = email.unwrap_or_else(|| contact::placeholder(&rules.placeholder, ctx, names, &raw.id, recorder));
    let (partner_external_id, is_partner) = couple(row, &raw.id, recorder);
    MapResult::Mapped(vec![Canonical::Client(Client {
        external_id: raw.id.clone(),
        title: word(&rules.titles, row, "title", "/client/titles", recorder),
        sex: word(&rules.sexes, row, "sex", "/client/sexes", recorder),
        date_of_birth: values::day(row, "date_of_birth", "date_of_birth", recorder).map(|day| day.to_string()),
        first_name,
        middle_name,
        last_name,
        preferred_name,
        address_line_1: address.line_1,
        address_line_2: address.line_2,
        suburb: address.suburb,
        state: address.state,
        postcode: address.postcode,
        country_code: address.country_code,
        email: Some(email),
        email_is_placeholder,
        mobile: contact::mobile(&rules.mobile, ctx, row, recorder),
        adviser_external_id: row.text("adviser", "adviser_external_id", recorder),
        secondary_adviser_external_id: row.text("secondary_adviser", "secondary_adviser_external_id", recorder),
        partner_external_id,
        is_partner,
        status,
        extensions: Vec::new(),
    })])
}

/// Maps an adviser.
pub(crate) fn adviser(columns: &Columns, forms: &Forms, raw: &RawRecord, recorder: &mut LineageRecorder) -> MapResult {
    let record: RawRow<'_> = match serde_json::from_slice(&raw.json) {
        Ok(record) => record,
        Err(error) => return no_row(&error, recorder),
    };
    let row = Row { cells: &record.row, columns, forms, place: None };
    recorder.origin("external_id", || row.origin("id", None));
    recorder.origin("active", || Origin { rule: Some("/adviser/resource".to_owned()), ..Origin::default() });
    MapResult::Mapped(vec![Canonical::Adviser(Adviser {
        external_id: raw.id.clone(),
        first_name: row.text("first_name", "first_name", recorder),
        last_name: row.text("last_name", "last_name", recorder),
        email: contact::email(row, recorder),
        active: true,
    })])
}

fn no_row(error: &serde_json::Error, recorder: &mut LineageRecorder) -> MapResult {
    recorder.whole(Severity::Error, "no-row", format!("The record is no row of texts: {error}."));
    MapResult::Rejected
}

/// The choice that the word in a field's column means.
fn word<T: Choice>(
    table: &Table<T>,
    row: Row<'_, '_>,
    field: &'static str,
    path: &str,
    recorder: &mut LineageRecorder,
) -> Option<T> {
    let text = row.text(field, field, recorder)?;
    let known = table.read(&text, field, recorder).copied();
    recorder.origin(field, || row.origin(field, known.map(|known| format!("{path}/{}", known.word()))));
    known
}

/// The client's status, or none where the record stays out; the recorder says why.
fn status(rules: &ClientMapping, row: Row<'_, '_>, recorder: &mut LineageRecorder) -> Option<ClientStatus> {
    if !rules.people.is_empty()
        && let Some(kind) = row.text("record_type", "record", recorder)
        && rules.people.get(&kind).is_none()
    {
        recorder.origin("record", || row.origin("record_type", Some("/client/people".to_owned())));
        let message = format!("The record is a {kind} in the CRM, not a person; what is no person does not come over.");
        recorder.whole(Severity::Info, "not-a-person", message);
        return None;
    }
    let known = word(&rules.statuses, row, "status", "/client/status/words", recorder);
    let status = known.unwrap_or_else(|| {
        let word = rules.status_when_missing.word();
        let message = format!("The CRM states no status that the rules know; the client counts as {word}.");
        recorder.info("status", "status-assumed", message);
        recorder.origin("status", || row.origin("status", Some(format!("/client/status/when_missing {word}"))));
        rules.status_when_missing
    });
    if rules.come_over.contains(&status) {
        return Some(status);
    }
    let word = status.word();
    recorder.origin("record", || row.origin("status", Some(format!("/client/status/come_over without {word}"))));
    let message = format!("The record is {word} in the CRM, and the pack's rules let no {word} records come over.");
    recorder.whole(Severity::Info, "status-stays-out", message);
    None
}

/// The partner, and whether the client is the partner of the couple.
fn couple(row: Row<'_, '_>, id: &str, recorder: &mut LineageRecorder) -> (Option<String>, bool) {
    let mut partner = row.text("partner", "partner_external_id", recorder);
    if partner.as_deref() == Some(id) {
        partner = None;
        let message = "The CRM names the client as their own partner; the link was left out. Correct it in the CRM.";
        recorder.warn("partner_external_id", "own-partner", message);
    }
    (partner, row.flag("is_partner", "is_partner", recorder).unwrap_or(false))
}

/// A canonical address; each part may be missing.
#[derive(Default)]
struct Address {
    line_1: Option<String>,
    line_2: Option<String>,
    suburb: Option<String>,
    state: Option<String>,
    postcode: Option<String>,
    country_code: Option<String>,
}

fn address(rules: &ClientMapping, row: Row<'_, '_>, recorder: &mut LineageRecorder) -> Address {
    const PARTS: [&str; 6] = ["address_line_1", "address_line_2", "suburb", "state", "postcode", "country"];
    if PARTS.iter().all(|part| !row.is_filled(part)) {
        return Address::default();
    }
    let country_code = country_code(rules, row, recorder);
    let at_home = country_code.as_deref() == Some(&rules.home_country);
    Address {
        line_1: row.text("address_line_1", "address_line_1", recorder),
        line_2: row.text("address_line_2", "address_line_2", recorder),
        suburb: row.text("suburb", "suburb", recorder),
        state: state(rules, row, at_home, recorder),
        postcode: postcode(rules, row, at_home, recorder),
        country_code,
    }
}

/// The country's code. An address without a country is taken for one of the home country.
fn country_code(rules: &ClientMapping, row: Row<'_, '_>, recorder: &mut LineageRecorder) -> Option<String> {
    const FIELD: &str = "country_code";
    let Some(text) = row.text("country", FIELD, recorder) else {
        let home = &rules.home_country;
        recorder.origin(FIELD, || row.origin("country", Some(format!("/client/address_form/home_country {home}"))));
        return Some(home.clone());
    };
    let known = rules.countries.get(&text).map(String::as_str).or_else(|| countries::code(&text));
    if known.is_none() {
        let message = format!(
            "“{text}” is no country's name or code; it was left out. Correct it in the CRM, or add it to \
             /client/address_form/countries in the pack's rules."
        );
        recorder.warn(FIELD, "unknown-country", message);
    }
    known.map(str::to_owned)
}

/// The state: at home a code of the rules' table, where there is one; abroad as it is written.
fn state(rules: &ClientMapping, row: Row<'_, '_>, at_home: bool, recorder: &mut LineageRecorder) -> Option<String> {
    let text = row.text("state", "state", recorder)?;
    if !at_home {
        return Some(text);
    }
    if rules.states.is_empty() {
        let message = format!("“{text}” was left out: addresses of {} have no state.", rules.home_country);
        recorder.info("state", "no-states", message);
        return None;
    }
    let code = rules.states.read(&text, "state", recorder)?;
    recorder.origin("state", || row.origin("state", Some(format!("/client/address_form/states/{code}"))));
    Some(code.clone())
}

/// The postcode. One of digits alone that lacks its first may have lost a zero to a spreadsheet program.
fn postcode(rules: &ClientMapping, row: Row<'_, '_>, at_home: bool, recorder: &mut LineageRecorder) -> Option<String> {
    const FIELD: &str = "postcode";
    let text = row.text(FIELD, FIELD, recorder)?;
    let is_of_digits = rules.postcode.bytes().all(|byte| byte == b'9');
    if at_home
        && is_of_digits
        && text.len() + 1 == rules.postcode.len()
        && text.bytes().all(|byte| byte.is_ascii_digit())
    {
        let message = format!("“{text}” lacks a digit of a postcode; the zero before it was put back.");
        recorder.info(FIELD, "leading-zero-restored", message);
        return Some(format!("0{text}"));
    }
    Some(text)
}
