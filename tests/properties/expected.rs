//! What a practice in Australia has to show of a book, by the rules' own words and by nothing of the product's code.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use xplan_sandbox::Client;
use xplan_sandbox::book::Address;

use super::households::{Person, households};
use super::listed::{Listed, covers, goals};
use super::written::{self, clean, day, is_email};

/// Words that begin a unit's or a level's number.
const UNIT_WORDS: [&str; 11] =
    ["unit", "level", "flat", "suite", "apartment", "apt", "shop", "villa", "townhouse", "lot", "floor"];

const STATES: [(&str, &str); 8] = [
    ("ACT", "australian capital territory"),
    ("NSW", "new south wales"),
    ("NT", "northern territory"),
    ("QLD", "queensland"),
    ("SA", "south australia"),
    ("TAS", "tasmania"),
    ("VIC", "victoria"),
    ("WA", "western australia"),
];

/// The countries of the book and of the edits, by code and by the names they go by there.
const COUNTRIES: [(&str, &[&str]); 9] = [
    ("AU", &["au", "aus", "australia", "oz"]),
    ("NZ", &["nz", "nzl", "new zealand", "aotearoa"]),
    ("GB", &["gb"]),
    ("US", &["united states"]),
    ("SG", &["sg"]),
    ("JP", &["japan"]),
    ("DE", &["deutschland"]),
    ("FJ", &["fiji"]),
    ("FR", &["france"]),
];

/// Fields of a client by their canonical names.
pub type Fields = BTreeMap<&'static str, Value>;

/// A practice as its pages and its API have to show it.
pub struct Practice {
    pub clients: BTreeMap<String, Fields>,
    /// Members by the CRM's ids, the primary client first.
    pub households: BTreeSet<Vec<String>>,
    pub goals: Listed,
    pub covers: Listed,
}

impl Practice {
    pub fn of(book: impl Iterator<Item = Client>) -> Self {
        let people: Vec<Client> = book.filter(comes_over).collect();
        let emails = emails(&people);
        let fields = |client: &Client| (client.id.to_string(), fields(client, &emails[&client.id]));
        let person =
            |client: &Client| (client.id, Person { names: client.partner_entity_id, is_partner: client.is_partner });
        Self {
            clients: people.iter().map(fields).collect(),
            households: households(&people.iter().map(person).collect()),
            goals: goals(&people),
            covers: covers(&people, jiff::Zoned::now().date()),
        }
    }
}

fn comes_over(client: &Client) -> bool {
    let is_person = ["individual", "person"].contains(&word(&client.entity_type).as_str());
    let stays_out = ["archived", "deceased"].contains(&word(&client.status).as_str());
    let names = [&client.first_name, &client.middle_name, &client.last_name, &client.preferred_name];
    is_person && !client.hidden && !stays_out && names.into_iter().any(|name| clean(name.as_deref()).is_some())
}

fn fields(client: &Client, (email, is_placeholder): &(String, bool)) -> Fields {
    let address = address(client);
    let id = |id: Option<u32>| id.map(|id| id.to_string());
    let status = match word(&client.status).as_str() {
        known @ ("prospect" | "contact") => known.to_owned(),
        "group plan member" => "group_plan_member".to_owned(),
        _ => "client".to_owned(),
    };
    BTreeMap::from([
        ("title", json!(title(client.title.as_deref()))),
        ("first_name", json!(clean(client.first_name.as_deref()))),
        ("middle_name", json!(clean(client.middle_name.as_deref()))),
        ("last_name", json!(clean(client.last_name.as_deref()))),
        ("preferred_name", json!(clean(client.preferred_name.as_deref()))),
        ("date_of_birth", json!(birth(client.dob.as_deref()))),
        ("sex", json!(sex(client.sex.as_deref()))),
        ("email", json!(email)),
        ("email_is_placeholder", json!(is_placeholder)),
        ("mobile", json!(mobile(client))),
        ("adviser_external_id", json!(id(client.client_adviser))),
        ("secondary_adviser_external_id", json!(id(client.client_adviser_secondary))),
        ("partner_external_id", json!(id(client.partner_entity_id.filter(|partner| *partner != client.id)))),
        ("is_partner", json!(client.is_partner)),
        ("status", json!(status)),
        ("address_line_1", json!(address.lines.0)),
        ("address_line_2", json!(address.lines.1)),
        ("suburb", json!(address.suburb)),
        ("state", json!(address.state)),
        ("postcode", json!(address.postcode)),
        ("country_code", json!(address.country)),
    ])
}

/// A word for comparison: without case, full stops and spare blanks.
pub fn word(text: &str) -> String {
    clean(Some(&text.replace('.', ""))).unwrap_or_default().to_lowercase()
}

fn title(text: Option<&str>) -> Option<&'static str> {
    Some(match word(text?).as_str() {
        "mr" | "mister" => "Mr",
        "mrs" | "missus" => "Mrs",
        "ms" => "Ms",
        "miss" => "Miss",
        "dr" | "doctor" => "Dr",
        "prof" | "professor" => "Prof",
        _ => return None,
    })
}

fn sex(text: Option<&str>) -> Option<&'static str> {
    Some(match word(text?).as_str() {
        "f" | "female" | "woman" => "female",
        "m" | "male" | "man" => "male",
        "x" | "other" => "other",
        _ => return None,
    })
}

fn birth(text: Option<&str>) -> Option<String> {
    let day = day(text?)?;
    // A day behind or ahead makes no difference: no book has births of this week.
    (day <= jiff::Zoned::now().date()).then(|| day.to_string())
}

struct Home {
    lines: (Option<String>, Option<String>),
    suburb: Option<String>,
    state: Option<String>,
    postcode: Option<String>,
    country: Option<&'static str>,
}

fn address(client: &Client) -> Home {
    let parts = |row: &Address| {
        [&row.street, &row.suburb, &row.state, &row.postcode].iter().any(|part| !part.trim().is_empty())
            || row.country.as_deref().is_some_and(|country| !country.trim().is_empty())
    };
    let rows: Vec<&Address> = client.addresses.iter().filter(|row| parts(row)).collect();
    let residential =
        |row: &&&Address| ["residential", "home", "residence", "street"].contains(&word(&row.kind).as_str());
    let chosen = rows.iter().find(|row| row.preferred).or_else(|| rows.iter().find(residential)).or(rows.first());
    let Some(row) = chosen else {
        return Home { lines: (None, None), suburb: None, state: None, postcode: None, country: None };
    };
    let country = match clean(row.country.as_deref()) {
        None => Some("AU"),
        Some(name) => COUNTRIES.iter().find(|(_, names)| names.contains(&word(&name).as_str())).map(|(code, _)| *code),
    };
    let is_home = country == Some("AU");
    let (state, postcode) = (clean(Some(&row.state)), clean(Some(&row.postcode)));
    let home_state = |text: String| {
        let text = word(&text);
        let found = STATES.iter().find(|(code, name)| text == code.to_lowercase() || text == *name);
        found.map(|(code, _)| (*code).to_owned())
    };
    let state = if is_home { state.and_then(home_state) } else { state };
    Home {
        lines: lines(&row.street),
        suburb: clean(Some(&row.suburb)),
        postcode: if is_home { postcode.and_then(|text| written::postcode(&text, state.as_deref())) } else { postcode },
        state,
        country,
    }
}

/// The first line, and what follows it; on one line, a unit and what follows it.
fn lines(street: &str) -> (Option<String>, Option<String>) {
    let mut lines = street.lines().filter_map(|line| clean(Some(line)));
    let Some(first) = lines.next() else { return (None, None) };
    let rest: Vec<String> = lines.collect();
    if !rest.is_empty() {
        return (Some(first.trim_end_matches(',').to_owned()), Some(rest.join(", ")));
    }
    let (kind, number_and_street) = first.split_once(' ').unwrap_or((&first, ""));
    let end = number_and_street.find([' ', ',', '/']).unwrap_or(0);
    let (number, street) = number_and_street.split_at(end);
    let is_unit = UNIT_WORDS.contains(&word(kind).as_str()) && number.bytes().any(|byte| byte.is_ascii_digit());
    let street = street.trim_start_matches([' ', ',', '/', '-']);
    if is_unit && !street.is_empty() {
        return (Some(format!("{kind} {number}")), Some(street.to_owned()));
    }
    (Some(first), None)
}

/// What the row itself prefers, then the contacts of these kinds, the preferred first.
fn contacts<'c>(client: &'c Client, preferred: Option<&'c str>, kinds: &[&str]) -> Vec<String> {
    let mut rows: Vec<_> = client.contacts.iter().collect();
    let rank = |kind: &str| kinds.iter().position(|known| *known == word(kind));
    rows.retain(|row| rank(&row.kind).is_some());
    rows.sort_by_key(|row| (!row.preferred, rank(&row.kind)));
    let rows = rows.into_iter().map(|row| row.value.as_ref());
    preferred.into_iter().chain(rows).filter_map(|text| clean(Some(text))).collect()
}

/// Everybody's email, and whether it was made up.
fn emails(people: &[Client]) -> BTreeMap<u32, (String, bool)> {
    let real = |client: &Client| {
        let mut known = contacts(client, client.preferred_email.as_deref(), &["email", "e-mail", "email address"]);
        known.retain(|text| is_email(text));
        known.into_iter().next()
    };
    let real: BTreeMap<u32, String> = people.iter().filter_map(|client| Some((client.id, real(client)?))).collect();
    let taken: BTreeSet<String> = real.values().map(|email| email.to_lowercase()).collect();
    let mut proposed = BTreeSet::new();
    let mut emails = BTreeMap::new();
    for client in people {
        let email = real.get(&client.id).map(|email| (email.clone(), false));
        emails.insert(
            client.id,
            email.unwrap_or_else(|| {
                let name = local_part(client);
                // People come in the order of their ids: the first to propose an address has it.
                let is_first = proposed.insert(name.to_lowercase());
                let is_free = is_first && !taken.contains(&format!("{name}@acme.example").to_lowercase());
                let suffix = if is_free { String::new() } else { format!(".{}", client.id) };
                let kept = name.len().min(64 - suffix.len());
                (format!("{}{suffix}@acme.example", name[..kept].trim_end_matches('.')), true)
            }),
        );
    }
    emails
}

fn local_part(client: &Client) -> String {
    let given = Some(ascii(clean(client.first_name.as_deref()).as_deref())).filter(|name| !name.is_empty());
    let given = given.unwrap_or_else(|| ascii(clean(client.preferred_name.as_deref()).as_deref()));
    let name = format!("{given}.{}", ascii(clean(client.last_name.as_deref()).as_deref()));
    let name = name.trim_matches(['.', '-', '_']);
    if name.is_empty() { format!("Client.{}", client.id) } else { name.to_owned() }
}

/// Letters without their marks; what has no Latin letter at its bottom is left out.
fn ascii(text: Option<&str>) -> String {
    const PLAIN: [(char, &str); 15] = [
        ('A', "ÁĀĂẠẦ"),
        ('C', "Ç"),
        ('D', "Đ"),
        ('E', "ÉÊËĒỄỆ"),
        ('I', "ĪỊ"),
        ('O', "ÓØŌ"),
        ('U', "ÙÜŪỨ"),
        ('Y', "Ỳ"),
        ('a', "áāăạầ"),
        ('c', "ç"),
        ('e', "éêëēễệ"),
        ('i', "īị"),
        ('o', "óøō"),
        ('u', "ùüūứ"),
        ('y', "ỳ"),
    ];
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => Some(letter),
        _ => PLAIN.iter().find(|(_, marked)| marked.contains(letter)).map(|(plain, _)| *plain),
    };
    text.unwrap_or_default().chars().filter_map(plain).collect::<String>().trim_matches('-').to_owned()
}

fn mobile(client: &Client) -> Option<String> {
    let kinds = ["mobile", "phone"];
    contacts(client, client.preferred_phone.as_deref(), &kinds).iter().find_map(|text| written::mobile(text))
}
