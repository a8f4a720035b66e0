//! What a person sees on the site: login, then consent.

use std::time::Instant;

use super::{Form, OAuthOptions, Request, encoded};
use crate::lock::{locked, reading};
use crate::site::{Answer, Site};

/// The login page.
pub(super) fn login(options: &OAuthOptions, request: &Request) -> Answer {
    if let Some(problem) = request.problem(options) {
        return page(400, "Cannot authorise", &format!("<p>{problem}</p>"));
    }
    login_form(request, "")
}

/// What the login page or the consent page sent.
pub(super) fn submitted(site: &Site, form: &Form, now: Instant) -> Answer {
    let request = Request::of(form);
    if let Some(problem) = request.problem(&site.oauth) {
        return page(400, "Cannot authorise", &format!("<p>{problem}</p>"));
    }
    let (username, password) = (form.get("username").unwrap_or_default(), form.get("password").unwrap_or_default());
    let accounts = reading(&site.accounts);
    let account = accounts.iter().position(|account| account.username == username && account.password == password);
    let Some(account) = account else {
        return login_form(&request, "<p role=\"alert\">User name or password is wrong.</p>");
    };
    match form.get("consent") {
        None => consent_form(&request, username, password),
        Some("yes") => {
            let code = locked(&site.tokens).issue_code(account, request.clone(), now + site.oauth.code_lifetime);
            let separator = if request.redirect_uri.contains('?') { '&' } else { '?' };
            let state =
                if request.state.is_empty() { String::new() } else { format!("&state={}", encoded(&request.state)) };
            let address =
                format!("{}{separator}code={}{state}&scope=resourceful", request.redirect_uri, encoded(&code));
            page(302, "Going back", "").with_header("location", address)
        }
        // Nobody is sent back.
        Some(_) => page(200, "Not authorised", "<p>The integration gets no access. You can close this page.</p>"),
    }
}

fn login_form(request: &Request, before: &str) -> Answer {
    let body = format!(
        "{before}<form method=\"post\" action=\"/oauth2/auth\">{}\
         <label>User name <input name=\"username\"></label> \
         <label>Password <input name=\"password\" type=\"password\"></label> <button>Log in</button></form>",
        hidden(request)
    );
    page(200, "Xplan login", &body)
}

/// The credentials go along in the form: a stand-in for a session that nothing depends on.
fn consent_form(request: &Request, username: &str, password: &str) -> Answer {
    let body = format!(
        "<p>{} wants to read clients and write file notes as {}.</p><form method=\"post\" action=\"/oauth2/auth\">{}\
         <input type=\"hidden\" name=\"username\" value=\"{}\"><input type=\"hidden\" name=\"password\" value=\"{}\">\
         <button name=\"consent\" value=\"yes\">Yes</button> <button name=\"consent\" value=\"no\">No</button></form>",
        escaped(&request.client_id),
        escaped(username),
        hidden(request),
        escaped(username),
        escaped(password)
    );
    page(200, "Authorise an integration", &body)
}

fn hidden(request: &Request) -> String {
    let fields = [
        ("client_id", &request.client_id),
        ("response_type", &request.response_type),
        ("redirect_uri", &request.redirect_uri),
        ("state", &request.state),
        ("code_challenge", &request.code_challenge),
        ("code_challenge_method", &request.code_challenge_method),
    ];
    let input = |(name, value): (&str, &String)| {
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value))
    };
    fields.into_iter().map(input).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

fn page(status: u16, title: &str, body: &str) -> Answer {
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
         <body><h1>{title}</h1>{body}</body></html>\n"
    );
    Answer { body: html.into(), ..Answer::html(status, title) }
}
