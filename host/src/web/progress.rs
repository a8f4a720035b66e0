//! A run as it goes: a part of a page, made anew for each change and sent over server-sent events. A page without
//! the script shows the same part, as it stood when the page was made.

use std::convert::Infallible;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::WatchStream;

use super::components::Clock;
use super::failure::Failure;
use super::format;
use super::session::SignedIn;
use crate::access::request::WayIn;
use crate::app::App;
use crate::domain::RunId;
use crate::domain::access::Action;
use crate::domain::run::{Run, RunState};

/// The progress of a run under way.
#[derive(Template, Clone, Debug)]
#[template(path = "components/progress.html")]
pub(super) struct Progress {
    /// The path of the run's events.
    pub(super) events: String,
    pub(super) report: String,
    message: String,
    since: String,
    /// Clients read, and how many are expected; none on a first walk.
    measure: Option<(u64, u64)>,
}

impl HtmlSafe for Progress {}

impl Progress {
    /// The progress of a run; none where the run is over.
    pub(super) fn of(run: &Run, clock: &Clock) -> Option<Self> {
        let is_open = matches!(run.state, RunState::Queued | RunState::Running);
        is_open.then(|| {
            let seen = format::count(run.counts.seen, "client", "clients");
            let of = run.expected.map(|expected| format!(" of about {}", format::number(expected)));
            Self {
                events: format!("/runs/{}/progress", run.id),
                report: format!("/runs/{}", run.id),
                message: match run.state {
                    RunState::Queued => "Waiting to begin".to_owned(),
                    _ => format!("{seen}{} read", of.unwrap_or_default()),
                },
                since: match run.started_at {
                    Some(at) => format!("begun {}", format::relative(at, clock.now)),
                    None => format!("asked for {}", format::relative(run.queued_at, clock.now)),
                },
                measure: run.expected.filter(|expected| *expected > 0).map(|all| (run.counts.seen.min(all), all)),
            }
        })
    }
}

/// `GET /runs/{id}/progress`: an event `progress` with the part for each change, and `finished` at the end, also where
/// the run came to it before this was asked. 204, which tells a browser not to ask again, where nobody goes on with it.
pub(super) async fn events(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::ReadRuns)?;
    let Ok(id) = id.parse::<RunId>() else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    // A short run may end between its page and the page's question.
    let end = tokio_stream::once(finished());
    let Some(changes) = app.syncs.watch(id) else {
        let is_over = app.store.run(id).await?.is_some_and(|run| run.state.is_finished());
        let end = end.map(Ok::<_, Infallible>);
        return Ok(if is_over { Sse::new(end).into_response() } else { StatusCode::NO_CONTENT.into_response() });
    };
    let way_in = WayIn::Session(person.session().clone());
    let zone = person.clock.zone;
    let events = WatchStream::new(changes).map(move |run| {
        // Each event is an edge of its own: it is read when it is sent, not when the stream was asked for.
        let clock = Clock { now: crate::domain::Timestamp::now(), zone: zone.clone() };
        event(&run, &clock)
    });
    // The end of the watch is the end of the run, whether or not its last value was seen. Who may not see runs any more is
    // not told of it.
    let events = app.access.while_allowed(events.chain(end), way_in, Action::ReadRuns);
    let events = events.map(|(event, _)| Ok::<_, Infallible>(event));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

fn event(run: &Run, clock: &Clock) -> Event {
    match Progress::of(run, clock) {
        Some(progress) => Event::default().event("progress").data(progress.to_string()),
        None => finished(),
    }
}

/// Browsers drop an event without data.
fn finished() -> Event {
    Event::default().event("finished").data("over")
}
