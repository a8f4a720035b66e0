//! Privacy: what is kept of whom and why, who was erased, on whom a hold is, and who is due for erasure.

pub(super) mod client;
mod erasure;
pub(super) mod record;

use askama::Template;
use axum::Form;
use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use self::record::RecordForm;
use super::answers::{AnswerQuery, Answers, Checked};
use super::components::{Clock, Moment, Paging, joined, pair};
use super::failure::{Failure, page};
use super::format;
use super::layout::{Layout, Section};
use super::session::SignedIn;
use crate::access::Book;
use crate::app::{App, Due};
use crate::domain::access::Action;
use crate::domain::privacy::register::{Kept, REGISTER};
use crate::domain::privacy::retention::{self, PROFILES, RetentionProfile};
use crate::domain::privacy::{Erasure, ErasureAct, ErasureReason, HeldSubject, LegalHold};
use crate::ops;
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
    pub(super) in_force: bool,
}

/// A hold.
pub(super) struct HoldRow {
    pub(super) whose: String,
    pub(super) path: String,
    pub(super) reason: String,
    pub(super) by: String,
    pub(super) since: Moment,
    pub(super) until: Option<Moment>,
}

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
) -> Result<Response, Failure> {
    person.may(Action::ExportClients)?;
    let practice = &app.config.practice;
    let profile = match &chosen.country {
        None => practice.retention,
        Some(country) => retention::profile(country),
    };
    let years = profile.map_or(retention::LONGEST, |profile| profile.years);
    let mut due = app.due_for_erasure(years, person.clock.now).await?;
    let more_due = due.len().saturating_sub(SHOWN);
    due.truncate(SHOWN);
    let all = app.store.erasures().await?;
    let kept: Vec<u64> = in_force(&all).map(|erasure| erasure.number).collect();
    let row = |erasure: &Erasure| erasure_row(erasure, kept.contains(&erasure.number), &person.clock);
    let number = |_, erasure: &Erasure| erasure.number.to_string();
    let (erasures, more_erasures) = chosen.page((ERASED, &chosen.erased), |page| page.cut("erasures", all, number))?;
    let holds = app.store.holds().await?;
    let of = |hold: &LegalHold| hold.subject.id().to_string();
    let (held, more_holds) = chosen.page((HELD, &chosen.held), |page| page.cut_in_order("legal holds", holds, of))?;
    crate::audit::counted(due.len() + held.len());
    let (book, mut holds) = (person.book(&app, Action::ExportClients).await?, Vec::with_capacity(held.len()));
    for hold in held {
        holds.push(hold_row(&book, hold, &person.clock).await?);
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

fn erasure_row(erasure: &Erasure, in_force: bool, clock: &Clock) -> ErasureRow {
    let what = match &erasure.act {
        ErasureAct::Erased { .. } => format!("Erased: {}", erasure.reason.label()),
        ErasureAct::Lifted { erasure: lifted } => format!("Erasure {lifted} lifted: {}", erasure.reason.label()),
    };
    ErasureRow { number: erasure.number, at: Moment::new(erasure.at, clock), by: erasure.by.clone(), what, in_force }
}

async fn hold_row(book: &Book, hold: LegalHold, clock: &Clock) -> Result<HoldRow, Failure> {
    let (whose, path) = match hold.subject {
        HeldSubject::Client(id) => {
            let name = book.client(id).await?.map(|client| format::name(&client.client.full_name()));
            (name.unwrap_or_else(|| "A client who is gone".to_owned()), format!("/clients/{id}/privacy"))
        }
        HeldSubject::Household(id) => {
            let row = book.household(id).await?;
            // It is taken off on the page of anybody who is in it.
            let member = row.as_ref().and_then(|row| row.people.first());
            let path =
                member.map_or_else(|| format!("/households/{id}"), |client| format!("/clients/{}/privacy", client.id));
            let name = row.map(|row| format!("Household {}", format::name(&row.household.name)));
            (name.unwrap_or_else(|| "A household that is gone".to_owned()), path)
        }
    };
    Ok(HoldRow {
        whose,
        path,
        reason: hold.reason,
        by: hold.by,
        since: Moment::new(hold.since, clock),
        until: hold.until.map(|until| Moment::new(until, clock)),
    })
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
    Form(form): Form<LiftForm>,
) -> Result<Response, Failure> {
    let number =
        number.parse().map_err(|_| Failure::NotFound("There is no such erasure. The page of privacy lists them."))?;
    ops::privacy::lift(&app, person.actor(), number, &form.reason, person.clock.now).await?;
    let message = format!("Erasure {number} is lifted: the person comes again with the next sync, or by hand.");
    Ok(answers.lead(PATH, person.user(), Checked::good(message)))
}
