//! The people of the practice: who can sign in, in which role, and what each role may do. All staff know their colleagues;
//! practice managers see when they were here, too, and look after their accounts.

pub(super) mod hand_over;
pub(super) mod invite;
pub(super) mod person;
pub(super) mod professionals;
pub(super) mod roles;
pub(super) mod teams;

use std::collections::{BTreeSet, HashMap};

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;

use self::hand_over::DefaultPrimary;
use super::answers::{AnswerQuery, Answers, Checked};
use super::components::{Badge, Clock, Moment, Paging, Tone};
use super::failure::{Failure, page};
use super::format;
use super::layout::{Layout, Section};
use super::listing::{Asked, Everything};
use super::session::SignedIn;
use crate::access::Session;
use crate::app::App;
use crate::domain::UserId;
use crate::domain::access::{Action, Role, User};
use crate::domain::account::{Account, AccountState, OpenSession};
use crate::domain::text::{as_it_looks, sentence};
use crate::store::book::PageRequest;

#[derive(Template)]
#[template(path = "people.html")]
pub(super) struct PeoplePage {
    pub(super) layout: Layout,
    pub(super) checked: Option<Checked>,
    pub(super) rows: Vec<Row>,
    pub(super) paging: Paging,
    /// Those who are named as a professional of households and can answer for none.
    pub(super) left: Vec<Left>,
    /// Who answers for households for which nobody is named, where whoever looks can say so.
    pub(super) default_primary: Option<DefaultPrimary>,
}

/// Somebody who is named as a professional of households and can answer for none.
pub(super) struct Left {
    pub(super) message: String,
    pub(super) path: String,
}

/// Somebody of the list.
pub(super) struct Row {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) role: String,
    pub(super) state: Badge,
    pub(super) signed_in: Option<Moment>,
    /// Whether it is the person who looks.
    pub(super) is_self: bool,
}

/// `GET /people`
pub(super) async fn list(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Query(answer): Query<AnswerQuery>,
    asked: Asked<Everything>,
) -> Result<Response, Failure> {
    person.may(Action::ReadPeople)?;
    let found = app.store.accounts(asked.page()).await?;
    let rows = found.items.iter().map(|account| row(account, &person)).collect();
    let layout = Layout::load(&app, &person, Section::People).await?;
    let manages = person.can(Action::ManageHouseholds);
    let left = if manages { app.store.left_with_households().await? } else { Vec::new() };
    let names = if left.is_empty() { Names::of(&[]) } else { Names::of(&everybody(&app).await?) };
    page(&PeoplePage {
        layout,
        checked: answers.of(&answer, person.user()),
        rows,
        paging: asked.paging("/people", "", found.next.as_deref()),
        left: left.into_iter().map(|(account, count)| self::left(&account, &names, count)).collect(),
        default_primary: if manages { Some(DefaultPrimary::load(&app).await?) } else { None },
    })
}

/// Every account, in the order in which they were made: who was missing in a form would be taken for left out.
pub(super) async fn everybody(app: &App) -> Result<Vec<Account>, Failure> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = app.store.accounts(PageRequest { cursor, limit: 500 }).await?;
        found.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

/// The names of accounts that one chooses from: with the email where several look alike, so that nobody chooses the wrong person.
pub(super) struct Names(HashMap<UserId, String>);

impl Names {
    /// The names of all of these.
    pub(super) fn of(accounts: &[Account]) -> Self {
        let mut alike: HashMap<String, BTreeSet<UserId>> = HashMap::with_capacity(2 * accounts.len());
        for account in accounts {
            for looks in as_it_looks(&account.user.name) {
                alike.entry(looks).or_default().insert(account.user.id);
            }
        }
        let is_alike = |name: &str| as_it_looks(name).iter().any(|looks| alike[looks].len() > 1);
        let name = |account: &Account| {
            let User { id, name, email, .. } = &account.user;
            (*id, if is_alike(name) { format!("{name}, {email}") } else { name.clone() })
        };
        Self(accounts.iter().map(name).collect())
    }

    /// The name of one of them; none of another.
    pub(super) fn get(&self, user: UserId) -> Option<String> {
        self.0.get(&user).cloned()
    }
}

/// The accounts that can be chosen: all that are not disabled, and those that are chosen already.
pub(super) fn offered(accounts: &[Account], is_chosen: impl Fn(UserId) -> bool) -> impl Iterator<Item = &Account> {
    accounts.iter().filter(move |account| account.state != AccountState::Disabled || is_chosen(account.user.id))
}

fn left(account: &Account, names: &Names, count: usize) -> Left {
    let households = format::count(count as u64, "household", "households");
    let why = match account.state {
        AccountState::Disabled => "is disabled".to_owned(),
        AccountState::Active | AccountState::Invited => format!("is {} by now", account.user.role),
    };
    let message = format!(
        "{} {why}, and is named as a professional of {households}.",
        names.get(account.user.id).unwrap_or_default()
    );
    Left { message, path: format!("/people/{}/hand-over", account.user.id) }
}

fn row(account: &Account, person: &SignedIn) -> Row {
    let user = &account.user;
    Row {
        path: format!("/people/{}", user.id),
        name: user.name.clone(),
        email: user.email.as_str().to_owned(),
        role: title(user.role),
        state: badge(account.state),
        signed_in: account.signed_in_at.map(|at| Moment::new(at, &person.clock)),
        is_self: user.id == person.user(),
    }
}

/// A role as it begins a line.
pub(super) fn title(role: Role) -> String {
    sentence(&role.to_string())
}

/// The message about a role that is none.
const NO_ROLE: &str = "Choose what the person may do.";

pub(super) fn badge(state: AccountState) -> Badge {
    match state {
        AccountState::Invited => Badge::new(Tone::Attention, "Invited"),
        AccountState::Active => Badge::new(Tone::Good, "Active"),
        AccountState::Disabled => Badge::new(Tone::Neutral, "Disabled"),
    }
}

/// A session of a list, with where it is ended.
pub(super) struct SessionRow {
    pub(super) device: String,
    pub(super) address: String,
    pub(super) opened: Moment,
    pub(super) used: Moment,
    pub(super) is_current: bool,
    pub(super) end: String,
}

impl SessionRow {
    /// The row of a session that is ended below `path`; `current` is the one that looks.
    pub(super) fn new(open: OpenSession, path: &str, current: &Session, clock: &Clock) -> Self {
        Self {
            device: open.device.unwrap_or_else(|| "Unknown device".to_owned()),
            address: open.address.unwrap_or_else(|| "–".to_owned()),
            opened: Moment::new(open.opened_at, clock),
            used: Moment::new(open.used_at, clock),
            is_current: open.id == current.id(),
            end: format!("{path}/sessions/{}/end", open.id),
        }
    }
}
