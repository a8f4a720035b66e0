//! More clients gone at once than a run may mark: what was found, who is missing, and the two answers.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::failure::{Failure, page};
use super::frame::{Frame, Place};
use super::parts::{Clock, Moment};
use super::person::Person;
use super::words;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::departure::{Departures, Standing};
use crate::domain::stored::StoredClient;
use crate::domain::{ConnectionName, RunId};
use crate::store::gone::Answered;

/// Clients who are shown by name.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "departures.html")]
pub(super) struct DeparturesPage {
    pub(super) frame: Frame,
    pub(super) connection: String,
    pub(super) state: String,
    pub(super) question: Option<Question>,
    pub(super) people: Vec<(String, String, String)>,
    pub(super) more: Option<String>,
}

/// What waits for an answer.
pub(super) struct Question {
    pub(super) missing: String,
    pub(super) run: String,
    pub(super) limit: String,
    pub(super) since: Moment,
    pub(super) may_answer: bool,
}

#[derive(Deserialize)]
pub(super) struct Answer {
    run: String,
    answer: String,
}

const NONE: Failure = Failure::NotFound("There is no connection of this name. The overview shows those there are.");

/// `GET /connections/{name}/departures`
pub(super) async fn show(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::ReadBook)?;
    let name = known(&app, &name)?;
    let asked = app.store.departures(name.clone()).await?;
    let is_waiting = asked.as_ref().is_some_and(|asked| asked.standing == Standing::Waiting);
    let people = if is_waiting { app.store.missing(name.clone(), SHOWN).await? } else { Vec::new() };
    let frame = Frame::load(&app, &person, Place::Review).await?;
    let may_answer = person.may(Action::ControlRuns).is_ok();
    page(&view(&name, asked.as_ref(), &people, may_answer, frame, &person.clock))
}

/// `POST /connections/{name}/departures`
pub(super) async fn answer(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Form(form): Form<Answer>,
) -> Result<Response, Failure> {
    person.may(Action::ControlRuns)?;
    let name = known(&app, &name)?;
    let run: RunId = form.run.parse().map_err(|_| Failure::NotFound("There is no such question."))?;
    let is_confirmed = match form.answer.as_str() {
        "confirm" => true,
        "dismiss" => false,
        _ => return Err(Failure::NotFound("There is no such answer.")),
    };
    let by = person.name().to_owned();
    match app.store.answer_departures(name.clone(), run, is_confirmed, by, person.clock.now).await? {
        Answered::Done(_) => Ok(Redirect::to(&format!("/connections/{name}/departures")).into_response()),
        Answered::Stale(_) => Err(Failure::Refused(
            "The question was put anew by a later run, or somebody answered it. Nothing was changed. Open the page \
             again to see how it stands."
                .to_owned(),
        )),
    }
}

fn known(app: &App, name: &str) -> Result<ConnectionName, Failure> {
    let name: ConnectionName = name.parse().map_err(|_| NONE)?;
    app.connections.get(&name).map(|connection| connection.name.clone()).ok_or(NONE)
}

/// The page, from values alone.
pub(super) fn view(
    name: &ConnectionName,
    asked: Option<&Departures>,
    people: &[StoredClient],
    may_answer: bool,
    frame: Frame,
    clock: &Clock,
) -> DeparturesPage {
    let state = match asked {
        None => "No run asks: nobody is gone, or so few that a run marks them by itself.".to_owned(),
        Some(asked) => {
            let clients = format!("{} of {} clients", words::number(asked.missing), words::number(asked.of));
            let who = asked
                .answered
                .as_ref()
                .map_or_else(String::new, |(by, at)| format!("{by}, {}", words::relative(*at, clock.now)));
            match asked.standing {
                Standing::Waiting => format!("{clients} were not seen by two complete walks in a row."),
                Standing::Confirmed => format!("{clients} were marked as not visible by {who}."),
                Standing::Dismissed => format!(
                    "{clients} were left as they are by {who}. A run asks again if many more go, and marks few by \
                     itself again once most are back."
                ),
            }
        }
    };
    let waiting = asked.filter(|asked| asked.standing == Standing::Waiting);
    let person = |client: &StoredClient| {
        let path = format!("/households/{}", client.household_id);
        (words::name(&client.client.full_name()), client.client.external_id.to_string(), path)
    };
    let more = waiting.map(|asked| asked.missing.saturating_sub(people.len() as u64)).filter(|more| *more > 0);
    DeparturesPage {
        frame,
        connection: name.to_string(),
        state,
        question: waiting.map(|asked| Question {
            missing: words::count(asked.missing, "client", "clients"),
            run: asked.run.to_string(),
            limit: words::number(asked.limit),
            since: Moment::new(asked.since, clock),
            may_answer,
        }),
        people: people.iter().map(person).collect(),
        more: more.map(|more| format!("and {} more.", words::number(more))),
    }
}
