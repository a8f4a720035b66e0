//! The CRM's professionals, with the account that stands for each, and, for practice managers, forms to say which.

use std::collections::HashMap;

use askama::Template;
use axum::Extension;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::{everybody, offered};
use crate::app::{App, full_name};
use crate::domain::access::Action;
use crate::domain::account::Account;
use crate::domain::field::FieldError;
use crate::domain::{ConnectionName, ExternalId, UserId};
use crate::ops;
use crate::store::StoreError;
use crate::store::household_access::{LinkedBy, LinkedProfessional};
use crate::web::answers::{AnswerQuery, Answers, Checked};
use crate::web::components::{Paging, address, pair};
use crate::web::failure::{Failure, describe, led_back, page};
use crate::web::inputs::problem_of;
use crate::web::layout::{Layout, Section};
use crate::web::listing::Asked;
use crate::web::session::SignedIn;

/// The page's address.
const PATH: &str = "/people/professionals";
/// The choices of a form that are no account.
const BY_EMAIL: &str = "email";
const NOBODY: &str = "nobody";
/// The professionals that a note names; the others of one account are counted.
const MOST_NAMED: usize = 5;

#[derive(Template)]
#[template(path = "professionals.html")]
pub(in crate::web) struct ProfessionalsPage {
    pub(in crate::web) layout: Layout,
    pub(in crate::web) checked: Option<Checked>,
    pub(in crate::web) form: Option<AccountForm>,
    pub(in crate::web) rows: Vec<Row>,
    pub(in crate::web) paging: Paging,
    pub(in crate::web) problems: Vec<FieldError>,
}

/// The form that says whose account stands for a professional.
pub(in crate::web) struct AccountForm {
    pub(in crate::web) name: String,
    pub(in crate::web) connection: String,
    pub(in crate::web) external_id: String,
    /// The accounts that can be chosen, and the choices that are none, each with whether it is the one.
    pub(in crate::web) choices: Vec<(String, String, bool)>,
    /// The cursor of the list's page, to which the form leads back; empty on the first.
    pub(in crate::web) cursor: String,
    /// The same page of the list without the form.
    pub(in crate::web) back: String,
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
    /// What is unusual about the link, in a sentence.
    pub(in crate::web) note: Option<String>,
    /// The page with the form of this one.
    pub(in crate::web) change: String,
}

/// The professional whose form is shown, and what was chosen in it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::web) struct Changing {
    connection: String,
    external_id: String,
    account: Option<String>,
}

impl Changing {
    fn is(&self, linked: &LinkedProfessional) -> bool {
        let (connection, id) = named(linked);
        (connection.as_str(), id.as_str()) == (&*self.connection, &*self.external_id)
    }
}

/// The address of the list's page that begins at a cursor, with these pairs.
fn list_at(cursor: Option<&str>, pairs: &[&str]) -> String {
    let here = cursor.map(|cursor| pair("cursor", cursor)).unwrap_or_default();
    address(PATH, &[pairs, &[&here]].concat())
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
    let checked = answers.of(&answer, person.user());
    page(&ProfessionalsPage { checked, ..view(&app, &person, asked).await? })
}

/// The page. Where the row at which the page before it ended is gone, it is the first one: who comes back from the form is told what was
/// done on a page that is there.
async fn view(app: &App, person: &SignedIn, asked: Asked<Changing>) -> Result<ProfessionalsPage, Failure> {
    let key = |_, linked: &LinkedProfessional| {
        let (connection, id) = named(linked);
        format!("{connection}/{id}")
    };
    asked.page().key("professionals")?;
    let all = app.store.linked_professionals().await?;
    let together = Together::of(&all);
    let is_there = match asked.page().cut("professionals", all.iter().collect(), |place, linked| key(place, linked)) {
        Ok(_) => true,
        Err(StoreError::BadCursor) => false,
        Err(error) => return Err(error.into()),
    };
    let asked = if is_there { asked } else { asked.first() };
    let cursor = asked.page().cursor;
    let changed = all.iter().find(|linked| asked.filter.is(linked));
    let form = match changed.filter(|_| person.can(Action::ManageHouseholds)) {
        Some(linked) => Some(account_form(linked, &everybody(app).await?, (&asked.filter, cursor.as_deref()))),
        None => None,
    };
    let linked = asked.page().cut("professionals", all, key)?;
    Ok(ProfessionalsPage {
        layout: Layout::load(app, person, Section::People).await?,
        checked: None,
        form,
        rows: linked.items.into_iter().map(|linked| row(linked, &together, cursor.as_deref())).collect(),
        paging: asked.paging(PATH, "", linked.next.as_deref()),
        problems: Vec::new(),
    })
}

fn named(linked: &LinkedProfessional) -> (&ConnectionName, &ExternalId) {
    (&linked.adviser.origin.connection, &linked.adviser.adviser.external_id)
}

fn account_form(
    linked: &LinkedProfessional,
    accounts: &[Account],
    (asked, cursor): (&Changing, Option<&str>),
) -> AccountForm {
    // An account that a person linked, or has just chosen, stays a choice, whatever became of it.
    let now = match &linked.said {
        Some(account) => account.user.id.to_string(),
        None if linked.by_hand => NOBODY.to_owned(),
        None => BY_EMAIL.to_owned(),
    };
    let chosen = asked.account.as_ref().unwrap_or(&now);
    let choice = |value: String, label: String| {
        let is_chosen = value == *chosen;
        (value, label, is_chosen)
    };
    let mut choices = vec![
        choice(BY_EMAIL.to_owned(), "Matched by email".to_owned()),
        choice(NOBODY.to_owned(), "No account".to_owned()),
    ];
    let is_kept = |user: UserId| {
        linked.said.as_ref().is_some_and(|account| account.user.id == user) || user.to_string() == *chosen
    };
    let fits = |account: &&Account| account.user.role.can_be_primary() || is_kept(account.user.id);
    choices.extend(offered(accounts, is_kept).filter(fits).map(|account| {
        let user = &account.user;
        choice(user.id.to_string(), format!("{} ({}), {}", user.name, user.role, user.email))
    }));
    let (connection, external_id) = named(linked);
    AccountForm {
        name: full_name(&linked.adviser.adviser),
        connection: connection.to_string(),
        external_id: external_id.to_string(),
        choices,
        cursor: cursor.unwrap_or_default().to_owned(),
        back: list_at(cursor, &[]),
    }
}

/// The professionals of each account. That one account has several can be meant, as where two connections know the same adviser;
/// where it is not, somebody sees the households of a colleague.
struct Together(HashMap<UserId, Vec<String>>);

impl Together {
    fn of(all: &[LinkedProfessional]) -> Self {
        let mut together: HashMap<_, Vec<_>> = HashMap::new();
        for linked in all {
            if let Some(account) = &linked.account {
                together.entry(account.user.id).or_default().push(label(linked));
            }
        }
        Self(together)
    }

    /// The sentence about the others of a professional's account; none where there are none.
    fn note(&self, linked: &LinkedProfessional) -> Option<String> {
        let all = self.0.get(&linked.account.as_ref()?.user.id)?;
        let own = label(linked);
        let others: Vec<&str> = all.iter().map(String::as_str).filter(|other| *other != own).collect();
        let more = match others.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = others.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
        (!others.is_empty()).then(|| format!("The same account is linked to {named}{more}."))
    }
}

/// A professional's name with what tells them from everybody else.
fn label(linked: &LinkedProfessional) -> String {
    let (connection, id) = named(linked);
    format!("{} ({connection} {id})", full_name(&linked.adviser.adviser))
}

fn row(linked: LinkedProfessional, together: &Together, cursor: Option<&str>) -> Row {
    let note = match &linked.said {
        Some(said) if linked.account.is_none() => Some(format!(
            "Linked by hand to {} ({}), whose role can’t answer for a household.",
            said.user.name, said.user.role
        )),
        _ => together.note(&linked),
    };
    let (connection, external_id) = named(&linked);
    let (connection, external_id) = (connection.to_string(), external_id.as_str().to_owned());
    let LinkedProfessional { adviser, account, by_hand, said: _ } = linked;
    Row {
        name: full_name(&adviser.adviser),
        email: adviser.adviser.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default(),
        is_active: adviser.adviser.active,
        how: if by_hand { "set by hand" } else { "matched by email" },
        account: account.map(|account| account.user.name),
        note,
        change: list_at(cursor, &[&pair("connection", &connection), &pair("external_id", &external_id)]),
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
    /// The page of the list that the form was on; empty on the first.
    #[serde(default)]
    cursor: String,
}

/// `POST /people/professionals`
pub(in crate::web) async fn link(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Form(form): Form<LinkForm>,
) -> Result<Response, Failure> {
    let LinkForm { connection, external_id, account, cursor } = form;
    let to = match account.as_str() {
        BY_EMAIL => LinkedBy::Email,
        NOBODY => LinkedBy::Nobody,
        id => LinkedBy::Hand(id.parse().map_err(|_| Failure::Unreadable)?),
    };
    let cursor = Some(cursor).filter(|cursor| !cursor.is_empty());
    let id = ExternalId::of_crm(&external_id);
    let refusal = match ops::household_access::link_professional(&app, person.actor(), connection.clone(), id, to).await
    {
        Ok(linked) => {
            let checked = Checked::good(match linked.account {
                Some(account) => format!("{} is now linked to this professional.", account.user.name),
                None => "No account is linked to this professional now.".to_owned(),
            });
            return Ok(answers.lead(&list_at(cursor.as_deref(), &[]), person.user(), checked));
        }
        Err(refusal) => refusal,
    };
    if refusal.fields.is_empty() {
        let pairs = [("connection", connection.as_str()), ("external_id", &external_id), ("account", &account)];
        let pairs = pairs.map(|(name, value)| pair(name, value));
        let form = list_at(cursor.as_deref(), &pairs.each_ref().map(String::as_str));
        return Err(led_back(refusal, &form));
    }
    let problems = refusal.fields.iter().map(|error| FieldError::new("account", error.message.clone())).collect();
    let changing = Changing { connection: connection.to_string(), external_id, account: Some(account) };
    let view = view(&app, &person, Asked::at(changing, cursor)).await?;
    let (status, _) = describe(refusal.kind);
    Ok((status, page(&ProfessionalsPage { problems, ..view })?).into_response())
}
