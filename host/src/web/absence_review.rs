//! More clients, goals or covers gone at once than a run may mark: what was found, what is missing, and the two answers.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::absence_wording::Wording;
use super::components::{Clock, Moment};
use super::failure::{Failure, page};
use super::format;
use super::layout::{Layout, Section};
use super::session::SignedIn;
use crate::access::Book;
use crate::app::App;
use crate::domain::absence::{AbsenceReview, AbsenceReviewState};
use crate::domain::access::Action;
use crate::domain::record::ListItem;
use crate::domain::stored::{StoredClient, StoredListed};
use crate::domain::{ConnectionName, RecordKind, RunId, with_listed};
use crate::ops;
use crate::store::StoreError;

/// The most of what is missing that is shown by name.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "absence_review.html")]
pub(super) struct DeparturesPage {
    pub(super) layout: Layout,
    pub(super) connection: String,
    pub(super) wording: Wording,
    pub(super) state: String,
    pub(super) question: Option<Question>,
    pub(super) missing: Vec<Missing>,
    pub(super) more: Option<String>,
}

/// One of what is missing, with its household's page.
pub(super) struct Missing {
    pub(super) name: String,
    /// The client's id in the CRM, or what stands in whose list.
    pub(super) note: String,
    pub(super) path: String,
}

/// The question that waits for an answer.
pub(super) struct Question {
    pub(super) missing: String,
    pub(super) run: String,
    pub(super) limit: String,
    pub(super) since: Moment,
    pub(super) may_answer: bool,
}

#[derive(Deserialize)]
pub(super) struct About {
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    #[serde(default)]
    kind: String,
    run: String,
    answer: String,
}

/// The kind that an address or form names; clients where it names none.
fn kind(word: &str) -> Result<RecordKind, Failure> {
    let known = RecordKind::of_clients().find(|kind| kind.as_str() == word || word.is_empty());
    known.ok_or(Failure::NotFound(
        "There is no such question. It is about clients, or about what stands in their lists.",
    ))
}

const NONE: Failure = Failure::NotFound("There is no connection of this name. The overview shows those there are.");

/// `GET /connections/{name}/departures?kind=…`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Path(name): Path<String>,
    Query(about): Query<About>,
) -> Result<Response, Failure> {
    person.may(Action::ReadWholeBook)?;
    let (name, kind) = (known(&app, &name)?, kind(&about.kind)?);
    let asked = app.store.absence_review(name.clone(), kind).await?;
    let is_waiting = asked.as_ref().is_some_and(|asked| asked.standing == AbsenceReviewState::Waiting);
    let missing = if is_waiting {
        missing(&app, &person.book(&app, Action::ReadWholeBook).await?, name.clone(), kind).await?
    } else {
        Vec::new()
    };
    let layout = Layout::load(&app, &person, Section::Review).await?;
    let may_answer = person.may(Action::ControlRuns).is_ok();
    page(&view((&name, kind), asked.as_ref(), missing, may_answer, layout, &person.clock))
}

/// `POST /connections/{name}/departures`
pub(super) async fn answer(
    State(app): State<App>,
    person: SignedIn,
    Path(name): Path<String>,
    Form(form): Form<Answer>,
) -> Result<Response, Failure> {
    let (name, kind) = (name.parse::<ConnectionName>().map_err(|_| NONE)?, kind(&form.kind)?);
    let run: RunId = form.run.parse().map_err(|_| Failure::NotFound("There is no such question."))?;
    let is_confirmed = match form.answer.as_str() {
        "confirm" => true,
        "dismiss" => false,
        _ => return Err(Failure::NotFound("There is no such answer.")),
    };
    let answer = ops::absence_review::Answer { connection: name.clone(), kind, run, is_confirmed };
    ops::absence_review::answer(&app, person.actor(), answer, person.clock.now).await?;
    Ok(Redirect::to(&Wording::of(kind).path(&name)).into_response())
}

async fn missing(app: &App, book: &Book, name: ConnectionName, kind: RecordKind) -> Result<Vec<Missing>, StoreError> {
    let listed = with_listed!(kind, Item => {
        listed(book, &app.store.missing_items::<Item>(name.clone(), SHOWN).await?).await?
    });
    match listed {
        Some(listed) => Ok(listed),
        None => Ok(app.store.missing(name, SHOWN).await?.iter().map(Missing::from).collect()),
    }
}

async fn listed<T: ListItem>(book: &Book, missing: &[StoredListed<T>]) -> Result<Vec<Missing>, StoreError> {
    let mut found = Vec::new();
    for item in missing {
        let client = book.client(item.client_id).await?;
        found.push(Missing {
            name: item.listed.value.label().unwrap_or_else(|| "Without a name".to_owned()),
            note: client.map(|client| format::name(&client.client.full_name())).unwrap_or_default(),
            path: format!("/households/{}", item.household_id),
        });
    }
    Ok(found)
}

impl From<&StoredClient> for Missing {
    fn from(client: &StoredClient) -> Self {
        Self {
            name: format::name(&client.client.full_name()),
            note: client.client.external_id.to_string(),
            path: format!("/households/{}", client.household_id),
        }
    }
}

fn known(app: &App, name: &str) -> Result<ConnectionName, Failure> {
    let name: ConnectionName = name.parse().map_err(|_| NONE)?;
    app.connections.get(&name).map(|connection| connection.name.clone()).ok_or(NONE)
}

/// The page, from values alone.
pub(super) fn view(
    (name, kind): (&ConnectionName, RecordKind),
    asked: Option<&AbsenceReview>,
    missing: Vec<Missing>,
    may_answer: bool,
    layout: Layout,
    clock: &Clock,
) -> DeparturesPage {
    let wording = Wording::of(kind);
    let state = match asked {
        None => "No run asks: nothing is gone, or so little that a run marks it by itself.".to_owned(),
        Some(asked) => {
            let some =
                format!("{} of {}", format::number(asked.missing), format::count(asked.of, wording.one, wording.many));
            let who = asked
                .answered
                .as_ref()
                .map_or_else(String::new, |(by, at)| format!("{by}, {}", format::relative(*at, clock.now)));
            match asked.standing {
                AbsenceReviewState::Waiting => format!("{some} were not seen by two complete walks in a row."),
                AbsenceReviewState::Confirmed => format!("{some} were marked as {} by {who}.", wording.marked),
                AbsenceReviewState::Dismissed => format!(
                    "{some} were left as they are by {who}. A run asks again if many more go, and marks few by itself \
                     again once most are back."
                ),
            }
        }
    };
    let waiting = asked.filter(|asked| asked.standing == AbsenceReviewState::Waiting);
    let question = waiting.map(|asked| Question {
        missing: format::count(asked.missing, wording.one, wording.many),
        run: asked.run.to_string(),
        limit: format::number(asked.limit),
        since: Moment::new(asked.since, clock),
        may_answer,
    });
    let more = waiting.map(|asked| asked.missing.saturating_sub(missing.len() as u64)).filter(|more| *more > 0);
    DeparturesPage {
        layout,
        connection: name.to_string(),
        wording,
        state,
        question,
        missing,
        more: more.map(|more| format!("and {} more.", format::number(more))),
    }
}
