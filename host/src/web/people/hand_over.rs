//! Handing over the households of somebody who leaves: what becomes of each is shown before it is done. And who answers for
//! households for which nobody was named.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::{Extension, Form};
use serde::Deserialize;

use super::person::NOBODY;
use super::{Names, everybody, title};
use crate::app::App;
use crate::audit;
use crate::domain::UserId;
use crate::domain::access::Action;
use crate::domain::account::{Account, AccountState};
use crate::ops;
use crate::ops::household_access::HandOverRequest;
use crate::store::household_access::{HandOver, Part, Passed};
use crate::web::answers::{AnswerQuery, Answers, Checked};
use crate::web::failure::{Failure, led_back, page};
use crate::web::format;
use crate::web::layout::{Layout, Section};
use crate::web::listing::OnlyPage;
use crate::web::session::SignedIn;

/// The most households that the page names; the others are counted.
const MOST_SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "hand-over.html")]
pub(in crate::web) struct HandOverPage {
    pub(in crate::web) layout: Layout,
    pub(in crate::web) path: String,
    pub(in crate::web) name: String,
    pub(in crate::web) checked: Option<Checked>,
    /// What would become of the households, in a sentence.
    pub(in crate::web) sentence: String,
    /// The households that a hand-over leaves as they are, in a sentence: those for which nobody was named.
    pub(in crate::web) unnamed: Option<String>,
    pub(in crate::web) rows: Vec<Row>,
    /// What ends of what the person has open in an emergency, in a sentence.
    pub(in crate::web) emergencies: Option<String>,
    /// The number of households that are not named.
    pub(in crate::web) more: usize,
    /// The version of what is shown.
    pub(in crate::web) version: String,
    pub(in crate::web) choices: Vec<(UserId, String)>,
}

/// A household.
pub(in crate::web) struct Row {
    pub(in crate::web) path: String,
    pub(in crate::web) name: String,
    /// The part that the person has in it.
    pub(in crate::web) part: String,
    /// What becomes of it.
    pub(in crate::web) then: &'static str,
}

/// `GET /people/{id}/hand-over`
pub(in crate::web) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Query(answer): Query<AnswerQuery>,
    _: OnlyPage,
) -> Result<Response, Failure> {
    person.may(Action::ManageHouseholds)?;
    let id: UserId = id.parse().map_err(|_| NOBODY)?;
    let account = app.store.account(id).await?.ok_or(NOBODY)?;
    person.is_fresh_for(&format!("/people/{id}/hand-over"))?;
    let checked = answers.of(&answer, person.user());
    let parts = app.store.parts_of(id).await?;
    let book = person.book(&app, Action::ReadBook).await?;
    let mut rows = Vec::with_capacity(parts.len().min(MOST_SHOWN));
    for of in parts.iter().take(MOST_SHOWN) {
        if let Some(found) = book.household(of.household).await? {
            rows.push(row(of, &format::name(&found.household.name)));
        }
    }
    audit::counted(rows.len());
    let accounts = everybody(&app).await?;
    let layout = Layout::load(&app, &person, Section::People).await?;
    page(&HandOverPage {
        layout,
        path: format!("/people/{id}"),
        sentence: sentence(&account, &parts),
        unnamed: unnamed(&app, &account).await?,
        name: account.user.name,
        checked,
        more: parts.len().saturating_sub(MOST_SHOWN),
        emergencies: emergencies(app.store.emergencies_open_to(id, person.clock.now).await?.len()),
        rows,
        version: HandOver::version_of(&parts),
        choices: answering(&accounts, |account| account.state != AccountState::Disabled && account.user.id != id),
    })
}

fn row(of: &HandOver, name: &str) -> Row {
    let (part, then) = match of.part {
        Part::Primary => ("Primary professional".to_owned(), "passes on"),
        Part::Secondary => ("Secondary professional".to_owned(), "passes on"),
        Part::Staff(role) => (title(role), "ends"),
    };
    Row { path: format!("/households/{}/access", of.household), name: name.to_owned(), part, then }
}

fn sentence(account: &Account, parts: &[HandOver]) -> String {
    let name = &account.user.name;
    let count = |is: fn(&Part) -> bool| parts.iter().filter(|of| is(&of.part)).count() as u64;
    let professional = count(|part| !matches!(part, Part::Staff(_)));
    let staff = count(|part| matches!(part, Part::Staff(_)));
    if parts.is_empty() {
        return format!("{name} has a part in no household.");
    }
    let households = |count| format::count(count, "household", "households");
    match (professional, staff) {
        (0, staff) => format!("{name} works in {} as staff.", households(staff)),
        (professional, 0) => format!("{name} is a professional of {}.", households(professional)),
        (professional, staff) => {
            format!(
                "{name} is a professional of {}, and works in {} as staff.",
                households(professional),
                households(staff)
            )
        }
    }
}

/// Tells of the households that are the account's because nobody else was named.
async fn unnamed(app: &App, account: &Account) -> Result<Option<String>, Failure> {
    let is_default = app.store.default_primary().await?.is_some_and(|(default, _)| default.user.id == account.user.id);
    let count = if is_default { app.store.households_of_nobody().await? } else { 0 };
    Ok((count > 0).then(|| {
        let households = format::count(count as u64, "household", "households");
        format!("{} answers for {households} for which nobody was named.", account.user.name)
    }))
}

fn emergencies(count: usize) -> Option<String> {
    let households = format::count(count as u64, "household", "households");
    (count > 0).then(|| format!("A hand-over also ends emergency access, which is open to {households}."))
}

/// Those of the accounts who can be a primary professional.
fn answering(accounts: &[Account], is_offered: impl Fn(&Account) -> bool) -> Vec<(UserId, String)> {
    let names = Names::of(accounts);
    let name = |account: &Account| names.get(account.user.id).unwrap_or_default();
    let can = accounts.iter().filter(|account| account.user.role.can_be_primary() && is_offered(account));
    can.map(|account| (account.user.id, format!("{} ({})", name(account), account.user.role))).collect()
}

/// The households that were shown, and who is to have them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct HandOverForm {
    #[serde(default)]
    version: String,
    to: String,
}

/// `POST /people/{id}/hand-over`
pub(in crate::web) async fn send(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Form(form): Form<HandOverForm>,
) -> Result<Response, Failure> {
    person.may(Action::ManageHouseholds)?;
    let id: UserId = id.parse().map_err(|_| NOBODY)?;
    let back = format!("/people/{id}/hand-over");
    let Ok(to) = form.to.parse() else {
        let message = "Nothing was changed: choose who has the households from now on.";
        audit::refused(message);
        let checked = Checked::bad(message.to_owned());
        return Ok(answers.lead(&back, person.user(), checked));
    };
    let of = HandOverRequest { user: id, to };
    let done =
        ops::household_access::hand_over(&app, person.actor(), of, Some(vec![form.version]), person.clock.now).await;
    match done {
        Ok(Passed { households, emergencies }) => {
            let handed = format::count(households as u64, "household is handed over.", "households are handed over.");
            let ended = format::count(emergencies as u64, "emergency access has", "emergency accesses have");
            let ended = if emergencies > 0 { format!(" {ended} ended.") } else { String::new() };
            Ok(answers.lead(&format!("/people/{id}"), person.user(), Checked::good(handed + &ended)))
        }
        Err(refusal) if !refusal.fields.is_empty() => Ok(answers.lead(&back, person.user(), Checked::refused(refusal))),
        Err(refusal) => Err(led_back(refusal, &back)),
    }
}

/// Who is to answer for households for which nobody is named; empty: the first adviser.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct DefaultForm {
    user: String,
}

/// `POST /people/default-primary`
pub(in crate::web) async fn set_default(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Form(form): Form<DefaultForm>,
) -> Result<Response, Failure> {
    let user = match form.user.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| Failure::Unreadable)?),
    };
    let checked = match ops::household_access::set_default_primary(&app, person.actor(), user).await {
        Ok(()) => Checked::good("Saved. It holds for every household for which nobody is named.".to_owned()),
        Err(refusal) if refusal.fields.is_empty() => return Err(refusal.into()),
        Err(refusal) => Checked::refused(refusal),
    };
    Ok(answers.lead("/people", person.user(), checked))
}

/// The form by which that is said.
pub(in crate::web) struct DefaultPrimary {
    /// Who it is, in a sentence.
    pub(in crate::web) sentence: String,
    /// The account, where the practice said so.
    pub(in crate::web) chosen: Option<UserId>,
    pub(in crate::web) choices: Vec<(UserId, String)>,
}

impl DefaultPrimary {
    /// The form as it stands.
    pub(in crate::web) async fn load(app: &App) -> Result<Self, Failure> {
        let accounts = everybody(app).await?;
        let found = app.store.default_primary().await?;
        let sentence = match &found {
            Some((account, true)) => format!("{} is, as the practice said.", account.user.name),
            Some((account, false)) => format!("{} is, the first adviser of the practice.", account.user.name),
            None => "Nobody can be yet: no adviser has an account.".to_owned(),
        };
        let chosen = found.filter(|(_, said)| *said).map(|(account, _)| account.user.id);
        let choices = answering(&accounts, |account| account.state == AccountState::Active);
        Ok(Self { sentence, chosen, choices })
    }

    /// Whether this account is the one that the practice named.
    pub(in crate::web) fn is_chosen(&self, user: &UserId) -> bool {
        self.chosen == Some(*user)
    }
}
