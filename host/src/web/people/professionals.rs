//! The CRM's professionals, with the account that stands for each, and, for practice managers, forms to say which.

use askama::Template;
use axum::Extension;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::person::led_back;
use super::{everybody, offered};
use crate::app::{App, full_name};
use crate::domain::access::Action;
use crate::domain::account::Account;
use crate::domain::{ConnectionName, ExternalId, UserId};
use crate::ops;
use crate::store::household_access::{LinkedBy, LinkedProfessional};
use crate::web::answers::{AnswerQuery, Answers, Checked};
use crate::web::components::{Paging, address, pair};
use crate::web::failure::{Failure, page};
use crate::web::layout::{Layout, Section};
use crate::web::listing::Asked;
use crate::web::session::SignedIn;

/// The page's address.
const PATH: &str = "/people/professionals";
/// The choices of a form that are no account.
const BY_EMAIL: &str = "email";
const NOBODY: &str = "nobody";

#[derive(Template)]
#[template(path = "professionals.html")]
pub(in crate::web) struct ProfessionalsPage {
    pub(in crate::web) layout: Layout,
    pub(in crate::web) checked: Option<Checked>,
    pub(in crate::web) form: Option<AccountForm>,
    pub(in crate::web) rows: Vec<Row>,
    pub(in crate::web) paging: Paging,
}

/// The form that says whose account stands for a professional.
pub(in crate::web) struct AccountForm {
    pub(in crate::web) name: String,
    pub(in crate::web) connection: String,
    pub(in crate::web) external_id: String,
    /// The accounts that can be chosen, and the choices that are none, each with whether it is the one.
    pub(in crate::web) choices: Vec<(String, String, bool)>,
}

/// A professional.
pub(in crate::web) struct Row {
    pub(in crate::web) name: String,
    pub(in crate::web) connection: String,
    pub(in crate::web) external_id: String,
    pub(in crate::web) email: String,
    pub(in crate::web) is_active: bool,
    /// Whose account it is, and how that is known.
    pub(in crate::web) account: Option<String>,
    pub(in crate::web) how: &'static str,
    /// The page with the form of this one.
    pub(in crate::web) change: String,
}

/// The professional whose form is shown.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::web) struct Changing {
    connection: String,
    external_id: String,
}

/// `GET /people/professionals?connection=…&external_id=…&cursor=…`
pub(in crate::web) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    asked: Asked<Changing>,
    Query(answer): Query<AnswerQuery>,
) -> Result<Response, Failure> {
    person.may(Action::ReadPeople)?;
    let key = |_, linked: &LinkedProfessional| {
        let (connection, id) = named(linked);
        format!("{connection}/{id}")
    };
    let linked = asked.page().cut("professionals", app.store.linked_professionals().await?, key)?;
    let is_changed = |linked: &&LinkedProfessional| {
        let (connection, id) = named(linked);
        (connection.as_str(), id.as_str()) == (&*asked.filter.connection, &*asked.filter.external_id)
    };
    let form = match linked.items.iter().find(is_changed).filter(|_| person.can(Action::ManageHouseholds)) {
        Some(linked) => Some(account_form(linked, &everybody(&app).await?)),
        None => None,
    };
    let here = asked.page().cursor.map(|cursor| pair("cursor", &cursor)).unwrap_or_default();
    page(&ProfessionalsPage {
        layout: Layout::load(&app, &person, Section::People).await?,
        checked: answers.of(&answer, person.user()),
        form,
        rows: linked.items.into_iter().map(|linked| row(linked, &here)).collect(),
        paging: asked.paging(PATH, "", linked.next.as_deref()),
    })
}

fn named(linked: &LinkedProfessional) -> (&ConnectionName, &ExternalId) {
    (&linked.adviser.origin.connection, &linked.adviser.adviser.external_id)
}

fn account_form(linked: &LinkedProfessional, accounts: &[Account]) -> AccountForm {
    let of = linked.account.as_ref().map(|account| account.user.id);
    let is_chosen = |user: UserId| linked.by_hand && of == Some(user);
    let mut choices = vec![
        (BY_EMAIL.to_owned(), "Matched by email".to_owned(), !linked.by_hand),
        (NOBODY.to_owned(), "No account".to_owned(), linked.by_hand && of.is_none()),
    ];
    choices.extend(offered(accounts, is_chosen).map(|account| {
        let user = &account.user;
        (user.id.to_string(), format!("{} ({}), {}", user.name, user.role, user.email), is_chosen(user.id))
    }));
    let (connection, external_id) = named(linked);
    AccountForm {
        name: full_name(&linked.adviser.adviser),
        connection: connection.to_string(),
        external_id: external_id.to_string(),
        choices,
    }
}

fn row(linked: LinkedProfessional, here: &str) -> Row {
    let (connection, external_id) = named(&linked);
    let (connection, external_id) = (connection.to_string(), external_id.as_str().to_owned());
    let LinkedProfessional { adviser, account, by_hand } = linked;
    Row {
        name: full_name(&adviser.adviser),
        email: adviser.adviser.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default(),
        is_active: adviser.adviser.active,
        how: if by_hand { "set by hand" } else { "matched by email" },
        account: account.map(|account| account.user.name),
        change: address(PATH, &[&pair("connection", &connection), &pair("external_id", &external_id), here]),
        connection,
        external_id,
    }
}

/// The account that is linked to a professional.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct LinkForm {
    connection: ConnectionName,
    external_id: String,
    /// An account's id, or one of the words.
    account: String,
}

/// `POST /people/professionals`
pub(in crate::web) async fn link(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Form(form): Form<LinkForm>,
) -> Result<Response, Failure> {
    let to = match form.account.as_str() {
        BY_EMAIL => LinkedBy::Email,
        NOBODY => LinkedBy::Nobody,
        id => LinkedBy::Hand(id.parse().map_err(|_| Failure::Unreadable)?),
    };
    let id = ExternalId::of_crm(&form.external_id);
    let linked = ops::household_access::link_professional(&app, person.actor(), form.connection, id, to).await;
    let checked = match linked {
        Ok(linked) => Checked::good(match linked.account {
            Some(account) => format!("{} is now linked to this professional.", account.user.name),
            None => "No account is linked to this professional now.".to_owned(),
        }),
        Err(refusal) if refusal.fields.is_empty() => return Err(led_back(refusal, PATH)),
        Err(refusal) => Checked::refused(refusal),
    };
    Ok(answers.lead(PATH, person.user(), checked))
}
