//! The content of a document: the data that a template reads. Only this file and the templates know its shape; each
//! template's sample in `rules/` is an example of it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::day;
use crate::config::Practice;
use crate::domain::record::{Cover, CoverOwner, Goal, GoalOwner, GoalStatus};
use crate::domain::stored::{HouseholdRole, StoredClient};
use crate::domain::{ClientId, Date, E164, Timestamp};
use crate::pack::events::{COMPLETED_ON, DocumentData, HostDocument};
use crate::store::book::HouseholdRow;

/// The professional who answers for a household, as documents print them.
#[derive(Clone, PartialEq, Debug)]
pub struct Professional {
    /// The full name; the practice's where it is the practice itself.
    pub name: String,
    /// The professional's email.
    pub email: Option<String>,
}

/// A goal as a document shows it.
#[derive(Clone, Debug)]
pub struct ClientGoal {
    /// The client in whose list it is.
    pub client: ClientId,
    /// The CRM's values.
    pub goal: Goal,
    /// The practice's own status of it.
    pub status: GoalStatus,
}

/// All that a document is made of.
#[derive(Clone, Debug)]
pub struct Material {
    /// The household with its people.
    pub household: HouseholdRow,
    /// The professional who answers for the household.
    pub professional: Professional,
    /// The moment at which the document is exported.
    pub made_at: Timestamp,
    /// The household's goals.
    pub goals: Vec<ClientGoal>,
    /// Covers, each with the client in whose list it is.
    pub covers: Vec<(ClientId, Cover)>,
    /// The latest event of each type that documents are told of, by type: when it happened, and its data.
    pub latest: BTreeMap<String, (Timestamp, Value)>,
    /// The export's own data.
    pub event: Value,
}

/// The template's data. `logo` is the picture's path among the template's files.
pub(super) fn data(
    material: &Material,
    document: &HostDocument,
    practice: &Practice,
    logo: Option<&str>,
    made_on: Date,
) -> Value {
    let household = &material.household;
    let mut data = json!({
        "practice": { "name": practice.name, "logo": logo.map(|path| format!("/{path}")) },
        "household": {
            "name": household.household.name,
            "members": household.people.iter().map(|person| member(person, household)).collect::<Vec<_>>(),
        },
        "primary_professional": { "name": material.professional.name, "email": material.professional.email },
        "made_on": made_on,
        "goals": material.goals.iter().map(|one| goal(one, household)).collect::<Vec<_>>(),
        "covers": material.covers.iter().map(|(of, cover)| self::cover(*of, cover, household)).collect::<Vec<_>>(),
        "event": material.event,
    });
    for (name, told) in &document.data {
        data[name] = of_event(told, material, &practice.time_zone);
    }
    data
}

/// What a template is told of an event: a list of its data, or the whole with its day.
fn of_event(told: &DocumentData, material: &Material, zone: &TimeZone) -> Value {
    let latest = material.latest.get(&told.event);
    match (&told.member, latest) {
        (Some(member), latest) => {
            // The event may be of a revision whose data had no such list.
            let list = latest.and_then(|(_, data)| data.get(member)).filter(|list| list.is_array());
            list.cloned().unwrap_or_else(|| json!([]))
        }
        (None, Some((at, data))) => {
            let mut data = data.clone();
            if let Some(members) = data.as_object_mut() {
                members.insert(COMPLETED_ON.to_owned(), json!(day(*at, zone)));
            }
            data
        }
        (None, None) => Value::Null,
    }
}

fn member(person: &StoredClient, household: &HouseholdRow) -> Value {
    let client = &person.client;
    // A made-up address is nobody's.
    let email = client.email.as_ref().filter(|_| !client.email_is_placeholder);
    let placed = household.household.members.iter().find(|member| member.client_id == person.id);
    json!({
        "name": client.full_name(),
        "role": placed.map_or(HouseholdRole::NonCfo, |member| member.role),
        "date_of_birth": client.date_of_birth,
        "mobile": client.mobile.as_ref().map(spaced),
        "email": email,
    })
}

fn goal(ClientGoal { client, goal, status }: &ClientGoal, household: &HouseholdRow) -> Value {
    let owner = match goal.owner {
        GoalOwner::Client => Owner::Own,
        GoalOwner::Partner => Owner::Partner,
        GoalOwner::Joint => Owner::Both,
    };
    let mut data = json!(goal);
    data["owner_names"] = owner_names(*client, owner, household).into();
    data["status"] = json!(status);
    data
}

fn cover(of: ClientId, cover: &Cover, household: &HouseholdRow) -> Value {
    let owner = match cover.owner {
        CoverOwner::Client => Owner::Own,
        CoverOwner::Partner => Owner::Partner,
        CoverOwner::Joint => Owner::Both,
        CoverOwner::Other => Owner::Other,
    };
    let mut data = json!(cover);
    data["owner_names"] = owner_names(of, owner, household).into();
    data
}

/// The owner of a goal or cover, seen from the client in whose list it is.
#[derive(Clone, Copy)]
enum Owner {
    Own,
    Partner,
    Both,
    Other,
}

/// First names, as people call each other: `Ayda and Sam`.
fn owner_names(of: ClientId, owner: Owner, household: &HouseholdRow) -> String {
    let names = |is_meant: &dyn Fn(&StoredClient) -> bool| -> String {
        let people = household.people.iter().filter(|person| is_meant(person));
        people.map(first_name).collect::<Vec<_>>().join(" and ")
    };
    let found = match owner {
        Owner::Own => names(&|person| person.id == of),
        Owner::Partner => names(&|person| person.id != of),
        Owner::Both => names(&|_| true),
        Owner::Other => return "Other".to_owned(),
    };
    // A partner who is in no household here, or a person without a name.
    let word = match owner {
        Owner::Own => "Client",
        Owner::Partner => "Partner",
        Owner::Both | Owner::Other => "Both",
    };
    if found.is_empty() { word.to_owned() } else { found }
}

fn first_name(person: &StoredClient) -> String {
    let client = &person.client;
    let name = client.preferred_name.as_ref().or(client.first_name.as_ref()).cloned();
    name.unwrap_or_else(|| client.full_name())
}

/// A telephone number as people read it: `+61 491 570 156`.
fn spaced(number: &E164) -> String {
    match phonenumber::parse(None, number.as_str()) {
        Ok(parsed) => parsed.format().mode(phonenumber::Mode::International).to_string(),
        Err(_) => number.to_string(),
    }
}
