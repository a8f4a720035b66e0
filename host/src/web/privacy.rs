//! Privacy: what is kept of whom and why, who was erased, on whom a hold is, and who is due for erasure.

pub(super) mod client;
mod erasure;
mod held;
pub(super) mod record;

use askama::Template;
use axum::Form;
use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

pub(super) use self::held::HoldOf;
use self::record::RecordForm;
use super::answers::{AnswerQuery, Answers, Checked};
use super::components::{Clock, Moment, Paging, address, joined, pair};
use super::failure::{Failure, led_back, page};
use super::format;
use super::layout::{Layout, Section};
use super::listing::OnlyPage;
use super::session::SignedIn;
use crate::access::Book;
use crate::app::{App, Due};
use crate::domain::access::Action;
use crate::domain::privacy::register::{Kept, REGISTER};
use crate::domain::privacy::retention::{self, PROFILES, RetentionProfile};
use crate::domain::privacy::{Erasure, ErasureAct, ErasureReason, HeldSubject, LegalHold};
use crate::domain::{ClientId, Timestamp};
use crate::ops::{self, Refusal};
use crate::store::StoreError;
use crate::store::erasure::in_force;
use crate::store::page::{Page, PageRequest};

/// The page's address.
const PATH: &str = "/settings/privacy";
/// The people who are due, the erasures and the holds that one page shows.
const SHOWN: usize = 100;
/// The names of the lists' cursors in the address.
const ERASED: &str = "erased";
const HELD: &str = "held";

#[derive(Template)]
#[template(path = "privacy.html")]
pub(super) struct PrivacyPage {
    pub(super) layout: Layout,
    pub(super) checked: Option<Checked>,
    pub(super) register: &'static [Kept],
    pub(super) profiles: &'static [RetentionProfile],
    /// The country whose profile is chosen; empty where none is.
    pub(super) country: String,
    pub(super) years: u8,
    /// The years of the longest profile.
    pub(super) longest: u8,
    pub(super) due: Vec<DueRow>,
    /// The number of those who are due and not shown.
    pub(super) more_due: usize,
    pub(super) erasures: Vec<ErasureRow>,
    pub(super) more_erasures: Paging,
    /// The form that names a record to be erased; none where there is no connection.
    pub(super) record: Option<RecordForm>,
    pub(super) to_lift: &'static [ErasureReason],
    pub(super) holds: Vec<HoldRow>,
    pub(super) more_holds: Paging,
}

/// Somebody who is due.
pub(super) struct DueRow {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) left: Option<Moment>,
    pub(super) is_held: bool,
}

/// An erasure.
pub(super) struct ErasureRow {
    pub(super) number: u64,
    pub(super) at: Moment,
    pub(super) by: String,
    pub(super) what: String,
    /// The address that lifts it; none where it is lifted, or is a lifting.
    pub(super) lift: Option<String>,
}

/// A hold that is on.
pub(super) struct HoldRow {
    pub(super) whose: String,
    /// The page of whom it is on; none of who is gone, and of a household with nobody in it.
    pub(super) path: Option<String>,
    pub(super) reason: String,
    pub(super) by: String,
    pub(super) since: Moment,
    pub(super) until: Option<Moment>,
    /// The address that releases it, and what that means.
    pub(super) release: String,
    /// The moment since which it is on, by which the form names it.
    pub(super) seen: Timestamp,
    pub(super) then: &'static str,
}

/// What releasing a hold on who is gone means.
const OF_NOBODY: &str = "The hold is removed from the list.";

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Chosen {
    /// The country of a profile, empty for the longest; none where the practice's is meant.
    country: Option<String>,
    /// The cursor of the erasures.
    erased: Option<String>,
    /// The cursor of the holds.
    held: Option<String>,
}

impl Chosen {
    /// The page with the same choices but that of `without`.
    fn query(&self, without: &str) -> String {
        let choices = [("country", &self.country), (ERASED, &self.erased), (HELD, &self.held)];
        let kept = choices.into_iter().filter(|(name, _)| *name != without);
        let kept: Vec<String> =
            kept.filter_map(|(name, value)| value.as_ref().map(|value| pair(name, value))).collect();
        joined(&kept.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The page with all of the choices, to which its forms lead back.
    fn here(&self) -> String {
        self.with(PATH)
    }

    /// An address below the page's, with the choices.
    fn with(&self, path: &str) -> String {
        address(path, &[&self.query("")])
    }

    /// The page of the list whose cursor this is, and the links to its others.
    fn page<T>(
        &self,
        (name, cursor): (&str, &Option<String>),
        cut: impl FnOnce(PageRequest) -> Result<Page<T>, StoreError>,
    ) -> Result<(Vec<T>, Paging), Failure> {
        let Page { items, next } = cut(PageRequest { cursor: cursor.clone(), limit: SHOWN })?;
        Ok((items, Paging::of(name, PATH, &self.query(name), (cursor.as_deref(), next.as_deref()))))
    }
}

/// `GET /settings/privacy?country=AU`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Query(chosen): Query<Chosen>,
    Query(answer): Query<AnswerQuery>,
    _: OnlyPage,
) -> Result<Response, Failure> {
    person.may(Action::ExportClients)?;
    let practice = &app.config.practice;
    let profile = match chosen.country.as_deref() {
        None => practice.retention,
        Some("") => None,
        Some(country) => Some(retention::profile(country).ok_or(Failure::Unreadable)?),
    };
    let years = profile.map_or(retention::LONGEST, |profile| profile.years);
    let mut due = app.due_for_erasure(years, person.clock.now).await?;
    let more_due = due.len().saturating_sub(SHOWN);
    due.truncate(SHOWN);
    let all = app.store.erasures().await?;
    let kept: Vec<u64> = in_force(&all).map(|erasure| erasure.number).collect();
    let row = |erasure: &Erasure| {
        let path = format!("{PATH}/erasures/{}/lift", erasure.number);
        let lift = kept.contains(&erasure.number).then(|| chosen.with(&path));
        erasure_row(erasure, lift, &person.clock)
    };
    let number = |_, erasure: &Erasure| erasure.number.to_string();
    let (erasures, more_erasures) = chosen.page((ERASED, &chosen.erased), |page| page.cut("erasures", all, number))?;
    let mut holds = app.store.holds().await?;
    holds.retain(|hold| hold.is_on(person.clock.now));
    let of = |hold: &LegalHold| hold.subject.id().to_string();
    let mut held = chosen.page((HELD, &chosen.held), |page| page.cut_in_order("legal holds", holds.clone(), of))?;
    if held.0.is_empty() {
        // All that this page had was released, and the pages before it have the others.
        held = chosen.page((HELD, &None), |page| page.cut_in_order("legal holds", holds, of))?;
    }
    let (held, more_holds) = held;
    crate::audit::counted(due.len() + held.len());
    let (book, mut holds) = (person.book(&app, Action::ExportClients).await?, Vec::with_capacity(held.len()));
    for hold in held {
        holds.push(hold_row(&book, hold, (&chosen, &person.clock)).await?);
    }
    page(&PrivacyPage {
        layout: Layout::load(&app, &person, Section::Settings).await?,
        checked: answers.of(&answer, person.user()),
        register: REGISTER,
        profiles: &PROFILES,
        country: profile.map(|profile| profile.country.to_owned()).unwrap_or_default(),
        years,
        longest: retention::LONGEST,
        due: due.into_iter().map(|due| due_row(&due, &person.clock)).collect(),
        more_due,
        erasures: erasures.iter().map(row).collect(),
        more_erasures,
        record: RecordForm::empty(&app),
        to_lift: &ErasureReason::TO_LIFT,
        holds,
        more_holds,
    })
}

fn due_row(due: &Due, clock: &Clock) -> DueRow {
    DueRow {
        name: format::name(&due.client.client.full_name()),
        path: format!("/clients/{}/privacy", due.client.id),
        left: due.client.not_visible_since.map(|left| Moment::new(left, clock)),
        is_held: due.is_held,
    }
}

fn erasure_row(erasure: &Erasure, lift: Option<String>, clock: &Clock) -> ErasureRow {
    let what = match &erasure.act {
        ErasureAct::Erased { .. } => format!("Erased: {}", erasure.reason.label()),
        ErasureAct::Lifted { erasure: lifted } => format!("Erasure {lifted} lifted: {}", erasure.reason.label()),
    };
    ErasureRow { number: erasure.number, at: Moment::new(erasure.at, clock), by: erasure.by.clone(), what, lift }
}

/// The one on whom a hold is.
struct Whose {
    name: String,
    /// The page of whom it is on; none of who is gone, and of a household with nobody in it.
    path: Option<String>,
    is_gone: bool,
}

async fn whose(book: &Book, subject: HeldSubject) -> Result<Whose, Failure> {
    let of = |name: String, client: Option<ClientId>| Whose {
        name,
        path: client.map(|client| format!("/clients/{client}/privacy")),
        is_gone: false,
    };
    let gone = |name: &str| Whose { name: name.to_owned(), path: None, is_gone: true };
    Ok(match subject {
        HeldSubject::Client(id) => match book.client(id).await? {
            None => gone("A client who is gone"),
            Some(client) => of(format::name(&client.client.full_name()), Some(id)),
        },
        HeldSubject::Household(id) => match book.household(id).await? {
            None => gone("A household that is gone"),
            Some(row) => {
                let name = format!("Household {}", format::name(&row.household.name));
                // The page of anybody who is in it; its row still names those who went elsewhere last.
                match row.people.iter().find(|client| client.household_id == row.household.id) {
                    Some(client) => of(name, Some(client.id)),
                    None => of(format!("{name}, with nobody in it"), None),
                }
            }
        },
    })
}

async fn hold_row(book: &Book, hold: LegalHold, (chosen, clock): (&Chosen, &Clock)) -> Result<HoldRow, Failure> {
    let Whose { name, path, is_gone } = whose(book, hold.subject).await?;
    let words = HoldOf::of(hold.subject).words();
    Ok(HoldRow {
        release: chosen.with(&format!("{PATH}/{}/{}/release", words.place, hold.subject.id())),
        seen: hold.since,
        then: if is_gone { OF_NOBODY } else { words.released },
        whose: name,
        path,
        reason: hold.reason,
        by: hold.by,
        since: Moment::new(hold.since, clock),
        until: hold.until.map(|until| Moment::ending(until, clock)),
    })
}

/// What is said of a hold that was to be released. Where none is on any more, what was wanted is so.
fn released(done: Result<(), Refusal>, (whose, back): (&str, &str)) -> Result<Checked, Failure> {
    let now = format!("Legal hold released: {whose}.");
    let before = format!("The legal hold was released already: {whose}.");
    Checked::gone(done, &now, &before).map_err(|refusal| led_back(refusal, back))
}

/// The hold that the page showed, by the moment since which it is on.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReleaseForm {
    seen: Option<Timestamp>,
}

/// `POST /settings/privacy/clients/{id}/release`, and of a household, also of one with nobody in it: the route says of which.
pub(super) async fn release(
    State(app): State<App>,
    person: SignedIn,
    (Extension(answers), Extension(of)): (Extension<Answers>, Extension<HoldOf>),
    Path(id): Path<String>,
    Query(chosen): Query<Chosen>,
    Form(form): Form<ReleaseForm>,
) -> Result<Response, Failure> {
    person.may(Action::EraseClients)?;
    let subject = of
        .with_id(&id)
        .ok_or(Failure::NotFound("There is no such legal hold. The Privacy page lists those that are on."))?;
    let whose = whose(&person.book(&app, Action::EraseClients).await?, subject).await?.name;
    let back = chosen.here();
    let checked = released(ops::privacy::release(&app, person.actor(), subject, form.seen).await, (&whose, &back))?;
    Ok(answers.lead(&back, person.user(), checked))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LiftForm {
    reason: String,
}

/// `POST /settings/privacy/erasures/{number}/lift`
pub(super) async fn lift(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(number): Path<String>,
    Query(chosen): Query<Chosen>,
    Form(form): Form<LiftForm>,
) -> Result<Response, Failure> {
    person.may(Action::EraseClients)?;
    let number = number
        .parse()
        .map_err(|_| Failure::NotFound("There is no such erasure. The Privacy page lists those there are."))?;
    let lifted = ops::privacy::lift(&app, person.actor(), number, &form.reason, person.clock.now).await;
    let is_known = app.store.erasures().await?.iter().any(|erasure| erasure.number == number);
    let now = format!("Erasure {number} is lifted: the person comes again with the next sync, or by hand.");
    let checked = match lifted {
        Err(refusal) if !is_known => return Err(refusal.into()),
        lifted => Checked::gone(lifted, &now, &format!("Erasure {number} was lifted already."))?,
    };
    Ok(answers.lead(&chosen.here(), person.user(), checked))
}
