//! The list of households, with search.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::components::{Badge, Paging, Tone, joined, pair};
use super::failure::{Failure, page};
use super::format;
use super::layout::{Layout, Section};
use super::listing::{Asked, BACKWARDS, Sorting};
use super::session::SignedIn;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::stored::StoredClient;
use crate::domain::{Adviser, ConnectionName, Diagnostic, ExternalId, Severity};
use crate::store::book::{HouseholdFilter, HouseholdRow, NameOrder};

#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    search: String,
    /// `-name` from Z on.
    #[serde(default)]
    sort: String,
}

#[derive(Template)]
#[template(path = "households.html")]
pub(super) struct HouseholdsPage {
    pub(super) layout: Layout,
    pub(super) state: String,
    pub(super) by_name: Sorting,
    pub(super) rows: Vec<Row>,
    pub(super) paging: Paging,
}

/// One household of the list.
pub(super) struct Row {
    pub(super) path: String,
    pub(super) name: String,
    /// The people's names and their ids in the CRM.
    pub(super) people: Vec<(String, String)>,
    pub(super) suburb: String,
    pub(super) adviser: String,
    pub(super) state: Option<Badge>,
}

/// `GET /households?search=…&cursor=…`
pub(super) async fn list(State(app): State<App>, person: SignedIn, asked: Asked<Filter>) -> Result<Response, Failure> {
    let book = person.book(&app, Action::ReadBook).await?;
    let search = asked.filter.search.trim();
    let wanted = (!search.is_empty()).then(|| search.to_owned());
    let order = match asked.filter.sort.as_str() {
        "" => NameOrder::Ascending,
        BACKWARDS => NameOrder::Descending,
        _ => return Err(Failure::Unreadable),
    };
    let found =
        book.households(HouseholdFilter { search: wanted, order, ..HouseholdFilter::default() }, asked.page()).await?;
    crate::audit::counted(found.items.len());
    let mut layout = Layout::load(&app, &person, Section::Households).await?;
    layout.search = search.to_owned();
    let state = if search.is_empty() {
        let (households, clients) = book.counts().await?;
        let households = format::count(households, "household", "households");
        let clients = format::count(clients, "client", "clients");
        if book.is_whole() {
            format!("{households} with {clients}.")
        } else {
            format!("{households} with {clients} that you have access to.")
        }
    } else {
        format!("Households in which “{search}” is found in a name, an email, a mobile or a client ID.")
    };
    let filter = if search.is_empty() { String::new() } else { pair("search", search) };
    let sorted = match order {
        NameOrder::Ascending => filter.clone(),
        NameOrder::Descending => joined(&[&pair("sort", BACKWARDS), &filter]),
    };
    let paging = asked.paging("/households", &sorted, found.next.as_deref());
    let by_name = Sorting::by_name("Household", "/households", &filter, order);
    let rows = rows(&app, &found.items).await?;
    page(&HouseholdsPage { layout, state, by_name, rows, paging })
}

async fn rows(app: &App, households: &[HouseholdRow]) -> Result<Vec<Row>, Failure> {
    let mut advisers = HashMap::new();
    let mut rows = Vec::with_capacity(households.len());
    for found in households {
        let household = &found.household;
        let adviser = match &household.adviser_external_id {
            None => String::new(),
            Some(id) => {
                let key = (household.connection.clone(), id.clone());
                if !advisers.contains_key(&key) {
                    let name = adviser_name(app, &key.0, id).await?;
                    advisers.insert(key.clone(), name);
                }
                advisers[&key].clone()
            }
        };
        rows.push(Row {
            path: format!("/households/{}", household.id),
            name: format::name(&household.name),
            people: found.people.iter().map(name_and_id).collect(),
            suburb: found.people.first().and_then(|person| person.client.suburb.clone()).unwrap_or_default(),
            adviser,
            state: look_badge(&household.diagnostics, &found.people),
        });
    }
    Ok(rows)
}

/// A person's name and id, as a list shows them.
pub(super) fn name_and_id(person: &StoredClient) -> (String, String) {
    (format::name(&person.client.full_name()), format::crm_id(&person.client.external_id))
}

/// The adviser's name; `User 30590` where the CRM names an adviser who was not read.
pub(super) async fn adviser_name(app: &App, connection: &ConnectionName, id: &ExternalId) -> Result<String, Failure> {
    let found = app.store.adviser(connection.clone(), id.clone()).await?;
    let name = found.map(|found| adviser_named(&found.adviser));
    Ok(name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("User {id}")))
}

/// An adviser's names, whichever there are.
pub(super) fn adviser_named(adviser: &Adviser) -> String {
    let names = [&adviser.first_name, &adviser.last_name];
    names.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The number of things that a person should look at, of the household and of its people.
pub(super) fn look_badge(of_household: &[Diagnostic], people: &[StoredClient]) -> Option<Badge> {
    let not_visible = people.iter().filter(|person| person.not_visible_since.is_some()).count();
    if not_visible > 0 {
        let word =
            if not_visible == people.len() { "Not visible".to_owned() } else { format!("{not_visible} not visible") };
        return Some(Badge::new(Tone::Attention, word));
    }
    let all = of_household.iter().chain(people.iter().flat_map(|person| &person.diagnostics));
    let count = all.filter(|diagnostic| diagnostic.severity >= Severity::Warning).count();
    (count > 0).then(|| Badge::new(Tone::Attention, format!("{count} to look at")))
}
