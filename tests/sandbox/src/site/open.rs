//! The Open dialect, as a gateway speaks it for the site: PascalCase, each list a call of its own, nothing in batches.
//!
//! Known of the real one are `/client`, `/client/{id}/<list>`, the header `x-forwarded-host`, and a client's body.
//! Inferred, here as in the connector and the shipped rules, are the rest: pages (`PageSize`, `PageBookmark`, each row's
//! `Bookmark`), what the lists beside `contact` are called and hold, `/user`, and that notes are added at
//! `/client/{id}/note`. Faults that spoil a page or a batch concern the other dialect only.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal};
use super::notes::Note;
use super::query::{Paging, Query, bookmark};
use super::{Asker, Call, Site};
use crate::book::{Client, Cover, Goal, Money, NumberKind, Policy, Text};
use crate::lock::{locked, reading};

/// The host name that a call is for.
pub(crate) const FORWARDED_HOST: &str = "x-forwarded-host";

/// Words that have a code, by what is coded; what is not here stands for itself.
const TITLES: [&str; 6] = ["Mr", "Mrs", "Ms", "Miss", "Dr", "Prof"];
const GENDERS: [&str; 3] = ["M", "F", "X"];
const CONTACTS: [&str; 5] = ["phone", "fax", "email", "web", "mobile"];
const CLIENTS: [&str; 4] = ["individual", "company", "trust", "fund"];

impl Site {
    /// Answers one call to the gateway.
    pub(super) fn open(&self, asker: &Asker<'_>, call: &Call<'_>) -> Result<Answer, Refusal> {
        let query = Query(call.query);
        let parts: Vec<&str> = call.path.split('/').filter(|part| !part.is_empty()).collect();
        match (call.method, &parts[..]) {
            ("GET", ["client"]) => self.open_clients(asker, query),
            ("GET", ["client", id]) => Ok(Answer::of(&client(&self.open_client(asker, id)?))),
            ("GET", ["client", id, "note"]) => self.open_notes(asker, id, query),
            ("POST", ["client", id, "note"]) => self.open_note(asker, id, call.body),
            ("GET", ["client", id, list]) => {
                let found = self.open_client(asker, id)?;
                list_of(&found, list, |code| self.category(code)).map(|rows| Answer::of(&rows))
            }
            ("GET", ["user"]) => self.open_users(query),
            _ => Err(Refusal::missing()),
        }
    }

    fn open_clients(&self, asker: &Asker<'_>, query: Query<'_>) -> Result<Answer, Refusal> {
        let paging = Paging::open(query)?;
        let book = reading(&self.book);
        let from = paging.after.map_or(0, |after| book.place_after(after));
        let seen = (from..book.places()).filter(|place| asker.sees(&book, *place));
        let rows: Vec<Value> =
            seen.filter_map(|place| book.at(place)).take(paging.size).map(|found| client(&found)).collect();
        self.stats.count_rows(rows.len());
        Ok(Answer::of(&rows))
    }

    fn open_client(&self, asker: &Asker<'_>, id: &str) -> Result<Client, Refusal> {
        let id = id.parse().map_err(|_| Refusal::missing())?;
        let book = reading(&self.book);
        let place = book.place_of(id).filter(|place| asker.sees(&book, *place));
        place.and_then(|place| book.at(place)).ok_or_else(Refusal::missing)
    }

    fn open_users(&self, query: Query<'_>) -> Result<Answer, Refusal> {
        let paging = Paging::open(query)?;
        let book = reading(&self.book);
        let behind = |id: u32| paging.after.is_none_or(|after| id > after);
        let rows = book.users().iter().filter(|user| behind(user.id)).take(paging.size).map(|user| {
            json!({
                "Bookmark": bookmark(user.id),
                "Id": user.id,
                "FirstName": user.first_name,
                "Surname": user.last_name,
                "Email": user.email,
            })
        });
        Ok(Answer::of(&rows.collect::<Vec<_>>()))
    }

    fn open_notes(&self, asker: &Asker<'_>, id: &str, query: Query<'_>) -> Result<Answer, Refusal> {
        let (paging, client) = (Paging::open(query)?, self.open_client(asker, id)?);
        let notes = locked(&self.notes);
        let paging = notes.habits.page(paging);
        let is_shown = |note: &&Note| paging.after.is_none_or(|after| note.id > after) && notes.habits.list(note);
        let rows = notes.of_client(Some(client.id)).filter(is_shown).take(paging.size).map(|note| {
            let bookmark = (!notes.habits.unpaged).then(|| ("Bookmark".to_owned(), bookmark(note.id).into()));
            let mut row = Map::from_iter(bookmark);
            row.insert("Id".to_owned(), notes.habits.id(note.id));
            row.insert("Subject".to_owned(), note.subject.as_str().into());
            row.insert("ExternalReference".to_owned(), note.guid.as_deref().into());
            Value::Object(row)
        });
        Ok(notes.habits.answer(&rows.collect::<Vec<_>>()))
    }

    /// Keeps a note as the other dialect would have, also where one with the same reference is there already.
    fn open_note(&self, asker: &Asker<'_>, id: &str, body: &[u8]) -> Result<Answer, Refusal> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Sent {
            subject: String,
            body: String,
            media_type: String,
            note_type: String,
            note_subtype: Option<String>,
            client_ids: Vec<String>,
            external_reference: Option<String>,
        }
        let sent: Sent = serde_json::from_slice(body).map_err(|error| Refusal::bad(error.to_string()))?;
        self.open_client(asker, id)?;
        let clients = sent.client_ids.iter().map(|id| self.open_client(asker, id).map(|client| client.id));
        let entity_ids = clients.collect::<Result<Vec<u32>, _>>()?;
        let mut fields = Map::new();
        for (name, value) in [
            ("body", json!(sent.body)),
            ("mimetype", json!(sent.media_type)),
            ("doctype", json!(sent.note_type)),
            ("docsubtype", json!(sent.note_subtype)),
        ] {
            fields.insert(name.to_owned(), value);
        }
        let note = Note {
            id: 0,
            guid: sent.external_reference,
            subject: sent.subject,
            entity_ids,
            created_date: jiff::Timestamp::now().to_string(),
            created_by: asker.account.user_id,
            fields,
            attachments: Vec::new(),
        };
        let mut notes = locked(&self.notes);
        let id = notes.add(note);
        Ok(Answer::of(&json!({ "Id": notes.habits.id(id) })).with_status(201))
    }
}

/// The code of a word, counted from one; a word without a code as it is.
fn code(word: &str, of: &[&str]) -> String {
    let plain = word.trim().trim_end_matches('.');
    let place = of.iter().position(|known| known.eq_ignore_ascii_case(plain));
    place.map_or_else(|| word.to_owned(), |place| (place + 1).to_string())
}

fn coded(word: Option<&Text>, of: &[&str]) -> Option<String> {
    word.map(|word| code(word, of))
}

fn client(client: &Client) -> Value {
    json!({
        "Bookmark": bookmark(client.id),
        "Id": client.id,
        "ClientType": code(&client.entity_type, &CLIENTS),
        "ClientTypeDescription": client.entity_type,
        "ClientStatuses": [client.status],
        "ClientAdviser": client.client_adviser,
        "ClientAdviserSecondary": client.client_adviser_secondary,
        "PartnerId": client.partner_entity_id,
        "IsPartner": client.is_partner,
        "IndividualDetails": {
            "Title": coded(client.title.as_ref(), &TITLES),
            "TitleDescription": client.title,
            "FirstName": client.first_name,
            "MiddleName": client.middle_name,
            "Surname": client.last_name,
            "PreferredName": client.preferred_name,
            "Gender": coded(client.sex.as_ref(), &GENDERS),
            "DateOfBirth": client.dob,
            "IrdNumber": client.number(NumberKind::Ird),
            "NationalInsuranceNumber": client.number(NumberKind::NationalInsurance),
            "IdentityNumber": client.number(NumberKind::Identity),
        },
        "CommunicationPreferences": {
            "PreferredEmail": client.preferred_email,
            "PreferredPhone": client.preferred_phone,
        },
    })
}

fn list_of(client: &Client, list: &str, category: impl Fn(u32) -> Option<&'static str>) -> Result<Vec<Value>, Refusal> {
    Ok(match list {
        "contact" => {
            let rows = client.contacts.iter().map(|row| {
                json!({
                    "Id": row.index,
                    "ContactType": code(&row.kind, &CONTACTS),
                    "ContactValue": row.value,
                    "Preferred": row.preferred,
                })
            });
            rows.collect()
        }
        "address" => {
            let rows = client.addresses.iter().map(|row| {
                json!({
                    "Id": row.index,
                    "AddressType": row.kind,
                    "Street": row.street,
                    "Suburb": row.suburb,
                    "State": row.state,
                    "PostCode": row.postcode,
                    "Country": row.country,
                    "Preferred": row.preferred,
                })
            });
            rows.collect()
        }
        "goal" => client.goals.iter().map(|row| goal(row, &category)).collect(),
        "insurance" => client.policies.iter().map(policy).collect(),
        _ => return Err(Refusal::missing()),
    })
}

fn goal(row: &Goal, category: impl Fn(u32) -> Option<&'static str>) -> Value {
    let described = |code: u32| category(code).map_or_else(|| code.to_string(), str::to_owned);
    json!({
        "Id": row.index,
        "Owner": row.owner,
        "Category": row.category,
        "CategoryDescription": row.category.map(described),
        "Description": row.description,
        "TargetDate": row.target_date,
        "TargetAmount": row.target_amount.as_ref().map(money),
    })
}

fn policy(row: &Policy) -> Value {
    json!({
        "Id": row.index,
        "PolicyNumber": row.policy_number,
        "Underwriter": row.underwriter,
        "UnderwriterDescription": row.underwriter_description,
        "PlanName": row.plan_name,
        "PolicyOwners": row.policy_owners,
        "InstallmentPremium": row.installment_premium.as_ref().map(money),
        "FrequencyDescription": row.frequency_display,
        "RenewalDate": row.renewal_date,
        "PolicyTo": row.policy_to,
        "Covers": row.covers.iter().map(cover).collect::<Vec<_>>(),
    })
}

fn cover(row: &Cover) -> Value {
    json!({
        "CoverType": row.cover_type,
        "SumInsured": row.sum_insured.as_ref().map(money),
        "BenefitStatus": row.benefit_status,
    })
}

/// As the other dialect wraps it.
fn money(money: &Money) -> Value {
    json!({
        "_type": "Currency",
        "_val": { "code": money.code, "value": { "_type": "BigDecimal", "_val": money.value } },
    })
}
