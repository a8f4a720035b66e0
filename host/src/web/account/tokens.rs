//! The API tokens of the person who looks: made, shown once, revoked.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Form};
use jiff::civil::Date;
use serde::Deserialize;

use super::{PATH, Typed, again};
use crate::access::{AccountError, FieldProblem, NewToken};
use crate::app::App;
use crate::domain::TokenId;
use crate::domain::access::Scope;
use crate::domain::account::ApiToken;
use crate::ops::{self, Refusal};
use crate::web::answers::{Answers, Checked};
use crate::web::components::{Clock, Moment};
use crate::web::failure::Failure;
use crate::web::inputs::PlainInput;
use crate::web::once::Once;
use crate::web::session::SignedIn;

/// A token of the list.
pub(in crate::web) struct TokenRow {
    pub(in crate::web) name: String,
    pub(in crate::web) scopes: String,
    pub(in crate::web) ends: Option<Moment>,
    pub(in crate::web) is_over: bool,
    pub(in crate::web) used: Option<Moment>,
    pub(in crate::web) revoke: String,
}

impl TokenRow {
    pub(in crate::web) fn new(token: ApiToken, clock: &Clock) -> Self {
        Self {
            scopes: token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", "),
            ends: token.expires_at.map(|at| Moment::ending(at, clock)),
            is_over: token.is_expired(clock.now),
            used: token.used_at.map(|at| Moment::new(at, clock)),
            revoke: format!("/account/tokens/{}/revoke", token.id),
            name: token.name,
        }
    }
}

/// A scope that the person can give.
pub(in crate::web) struct ScopeChoice {
    pub(in crate::web) word: &'static str,
    pub(in crate::web) purpose: &'static str,
    pub(in crate::web) is_chosen: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::web) struct TokenForm {
    name: String,
    expires_at: String,
    /// `scope-read`, and so on, of those that are ticked.
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

impl TokenForm {
    pub(super) fn name_input(&self) -> PlainInput {
        PlainInput::text("name", "What it is for", &self.name).id("token-name")
    }

    pub(super) fn ends_input(&self) -> PlainInput {
        let hint = "The last day on which it works; leave it empty for a token that works until it is revoked.";
        PlainInput::day("expires_at", "Ends after", &self.expires_at).id("token-expires_at").hint(hint)
    }

    /// The scopes that the person has.
    pub(super) fn choices(&self, person: &SignedIn) -> Vec<ScopeChoice> {
        let own = Scope::ALL.into_iter().filter(|scope| person.actor().has(*scope));
        let choice = |scope: Scope| ScopeChoice {
            word: scope.as_str(),
            purpose: scope.purpose(),
            is_chosen: self.is_ticked(scope),
        };
        own.map(choice).collect()
    }

    fn is_ticked(&self, scope: Scope) -> bool {
        self.others.contains_key(&format!("scope-{}", scope.as_str()))
    }

    /// The token that is asked for; where its day does not fit, with everything else that does not.
    fn read(&self, clock: &Clock) -> Result<NewToken, Refusal> {
        let scopes = Scope::ALL.into_iter().filter(|scope| self.is_ticked(*scope)).collect();
        let new = NewToken { name: self.name.clone(), scopes, expires_at: None };
        let unfit = |message: &str| -> Refusal {
            let mut problems = new.problems(clock.now);
            problems.push(FieldProblem::new("expires_at", message));
            AccountError::Invalid(problems).into()
        };
        let day = match self.expires_at.trim() {
            "" => return Ok(new),
            day => day.parse::<Date>().map_err(|_| unfit("This is no day such as 2030-06-30."))?,
        };
        let end = day.tomorrow().and_then(|end| end.to_zoned(clock.zone.clone()));
        let end = end.map_err(|_| unfit("This day is too far off. Choose an earlier one, or none."))?;
        Ok(NewToken { expires_at: Some(end.timestamp()), ..new })
    }
}

/// `POST /account/tokens`
pub(in crate::web) async fn make(
    State(app): State<App>,
    person: SignedIn,
    Extension(once): Extension<Once>,
    Form(form): Form<TokenForm>,
) -> Result<Response, Failure> {
    let made = match form.read(&person.clock) {
        Ok(new) => ops::tokens::make(&app, person.actor(), new, person.clock.now).await,
        Err(refusal) => Err(refusal),
    };
    match made {
        Ok((_, token)) => Ok(once.lead(PATH, "token", &person, token)),
        Err(refusal) => again(&app, &person, refusal, "token-", Typed { token: form, ..Typed::default() }).await,
    }
}

/// `POST /account/tokens/{id}/revoke`
pub(in crate::web) async fn revoke(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let unknown = |_| Failure::NotFound("There is no such token. Your account lists those there are.");
    let id: TokenId = id.parse().map_err(unknown)?;
    let revoked = ops::tokens::revoke(&app, person.actor(), id).await;
    let checked = Checked::gone(revoked, "The token is revoked.", "The token was revoked already.")?;
    Ok(answers.lead(PATH, person.user(), checked))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn a_token_works_on_its_last_day_in_the_practices_zone() {
        let clock =
            Clock { now: "2026-11-22T00:26:00Z".parse().unwrap(), zone: TimeZone::get("Australia/Sydney").unwrap() };
        let check = |day: &str, expected: Option<&str>| {
            let form = TokenForm { expires_at: day.to_owned(), ..TokenForm::default() };
            let ends = form.read(&clock).ok().map(|new| new.expires_at.map_or("never".to_owned(), |at| at.to_string()));
            assert_eq!(ends.as_deref(), expected, "{day}");
        };
        check("2026-12-31", Some("2026-12-31T13:00:00Z"));
        check(" ", Some("never"));
        check("31/12/2026", None);
        check("9999-12-31", None);
        let far = TokenForm { expires_at: "9999-12-31".to_owned(), ..TokenForm::default() };
        let refusal = far.read(&clock).unwrap_err();
        let fields: Vec<&str> = refusal.fields.iter().map(|error| error.name()).collect();
        assert_eq!(fields, ["name", "scopes", "expires_at"], "all at once");
        assert!(refusal.fields[2].message.contains("too far off"), "{refusal:?}");
    }
}
