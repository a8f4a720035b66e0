//! The page that the address of a form belongs to. After a refusal the address of the form stands in the browser, and whoever opens
//! it (by the address bar, a bookmark, or the way back after signing in) asks for a page that there is not: they are led to the one
//! that has the form.

use axum::extract::{MatchedPath, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};

use super::failure::Failure;
use super::session::SignedIn;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::record::Goal;
use crate::domain::{ClientId, HouseholdId, ItemId};

/// Pages with forms, by their patterns. The addresses of their forms are below them; of several, the longest is meant.
const PAGES: [&str; 17] = [
    "/",
    "/account",
    "/emergency-access",
    "/households/{id}",
    "/households/{id}/access",
    "/imports/{id}",
    "/notes",
    "/notes/{id}",
    "/people",
    "/people/teams",
    "/people/{id}",
    "/review",
    "/settings/integrations/{name}",
    "/settings/integrations/{name}/previews/{id}",
    "/settings/integrations/{name}/revisions/{revision}/rules",
    "/settings/privacy",
    "/sign-in",
];

/// Forms that do not stand on the page above their address, by their patterns, each with the pattern of its page.
const ELSEWHERE: [(&str, &str); 5] = [
    ("/clients/{id}/erase", "/clients/{id}/privacy"),
    ("/clients/{id}/hold", "/clients/{id}/privacy"),
    ("/clients/{id}/release", "/clients/{id}/privacy"),
    ("/clients/{id}/restore", "/clients/{id}/removed"),
    (
        "/settings/integrations/{name}/revisions/{revision}/check",
        "/settings/integrations/{name}/revisions/{revision}/rules",
    ),
];

/// The answer where an address takes forms alone, or shows something alone.
pub(super) async fn led_to(
    State(app): State<App>,
    method: Method,
    pattern: MatchedPath,
    uri: Uri,
    person: Result<SignedIn, Response>,
) -> Result<Response, Response> {
    if !method.is_safe() {
        return Ok(nothing_to_send());
    }
    let page = match pattern.as_str() {
        "/clients/{id}/link" | "/clients/{id}/remove" | "/clients/{id}/unlink" => {
            of_client(&app, &person?, &uri).await.map_err(IntoResponse::into_response)?
        }
        "/goals/{id}" => of_goal(&app, &person?, &uri).await.map_err(IntoResponse::into_response)?,
        pattern => with_choices(filled(page_of(pattern), pattern, uri.path()), uri.query()),
    };
    Ok(Redirect::to(&page).into_response())
}

/// The refusal of a form whose address is a page's.
fn nothing_to_send() -> Response {
    let mut response = Failure::Unreadable.into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

/// The pattern of the page that has the form of this pattern.
fn page_of(pattern: &str) -> &'static str {
    let is_below = |page: &str| pattern.strip_prefix(page).is_some_and(|rest| rest.starts_with('/'));
    let elsewhere = ELSEWHERE.iter().find(|(form, _)| *form == pattern).map(|(_, page)| *page);
    let above = || PAGES.into_iter().filter(|page| is_below(page)).max_by_key(|page| page.len());
    elsewhere.or_else(above).unwrap_or("/")
}

/// The address of a page, whose places have what stands in those of the form's address.
fn filled(page: &str, pattern: &str, path: &str) -> String {
    let places: Vec<(&str, &str)> = pattern.split('/').zip(path.split('/')).collect();
    let part = |part: &str| match places.iter().find(|(place, _)| *place == part) {
        Some((_, text)) if part.starts_with('{') => (*text).to_owned(),
        _ => part.to_owned(),
    };
    page.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// The address of a page; the query of the form's is the page's own where its forms carry what was chosen there.
fn with_choices(page: String, query: Option<&str>) -> String {
    match query.filter(|_| page == "/settings/privacy") {
        Some(query) => format!("{page}?{query}"),
        None => page,
    }
}

async fn of_client(app: &App, person: &SignedIn, uri: &Uri) -> Result<String, Failure> {
    const NONE: Failure = Failure::NotFound("There is no such client here. Look in the list of households.");
    let id: ClientId = named(uri).ok_or(NONE)?;
    let client = person.book(app, Action::ReadBook).await?.client(id).await?.ok_or(NONE)?;
    Ok(page_of_household(client.household_id))
}

async fn of_goal(app: &App, person: &SignedIn, uri: &Uri) -> Result<String, Failure> {
    const NONE: Failure = Failure::NotFound("There is no goal here. The page of its household shows those there are.");
    let id: ItemId = named(uri).ok_or(NONE)?;
    let goal = person.book(app, Action::ReadBook).await?.item::<Goal>(id).await?.ok_or(NONE)?;
    Ok(format!("{}#goal-{id}", page_of_household(goal.household_id)))
}

/// The id that stands first in an address.
fn named<T: std::str::FromStr>(uri: &Uri) -> Option<T> {
    uri.path().split('/').nth(2)?.parse().ok()
}

fn page_of_household(id: HouseholdId) -> String {
    format!("/households/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forms_address_leads_to_its_page() {
        let check = |pattern: &str, path: &str, page: &str| assert_eq!(filled(page_of(pattern), pattern, path), page);
        check("/households/{id}/access/staff/{user}/role", "/households/7/access/staff/8/role", "/households/7/access");
        check("/households/{id}/sync", "/households/7/sync", "/households/7");
        check("/clients/{id}/hold", "/clients/7/hold", "/clients/7/privacy");
        check("/notes/retry", "/notes/retry", "/notes");
        check("/notes/{id}/retry", "/notes/7/retry", "/notes/7");
        check("/people/teams/{id}", "/people/teams/7", "/people/teams");
        check(
            "/settings/integrations/{name}/check",
            "/settings/integrations/a%20b/check",
            "/settings/integrations/a%20b",
        );
        check("/sign-in/code", "/sign-in/code", "/sign-in");
        check("/sign-out", "/sign-out", "/");
        let with = |page: &str, query| with_choices(page.to_owned(), query);
        assert_eq!(with("/settings/privacy", Some("country=NZ")), "/settings/privacy?country=NZ");
        assert_eq!(with("/settings/privacy", None), "/settings/privacy");
        assert_eq!(with("/notes", Some("state=done")), "/notes");
    }
}
