//! A run as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _, stream};
use tokio::sync::watch;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::access::request::WayIn;
use crate::api::caller::is_allowed;
use crate::api::runs::RunBody;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::run::Run;

/// One event of a run's stream, for the API's document.
pub struct RunEvent;

impl PartialSchema for RunEvent {
    fn schema() -> RefOr<Schema> {
        schema::run_event().into()
    }
}

impl ToSchema for RunEvent {}

/// Often enough that no proxy takes the silence for a broken connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The run as it goes, as whoever came in so sees it at each event; ends after the event that finishes it, where they may not
/// see runs any more, or where the host shuts down.
pub fn live(
    app: &App,
    under_way: watch::Receiver<Arc<Run>>,
    way_in: WayIn,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let events = app.access.while_allowed(states(under_way), way_in, Action::ReadRuns).map(|(run, actor)| {
        let sees_book = is_allowed(&actor, Action::ReadWholeBook);
        Ok(event(super::as_seen((*run).clone(), sees_book)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// A run that is not under way, as it is stored.
pub fn once(run: Run) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::once(async { Ok(event(run)) }))
}

fn states(mut under_way: watch::Receiver<Arc<Run>>) -> impl Stream<Item = Arc<Run>> {
    under_way.mark_changed();
    stream::unfold(Some(under_way), async |under_way| {
        let mut under_way = under_way?;
        under_way.changed().await.ok()?;
        let run = Arc::clone(&under_way.borrow_and_update());
        let rest = (!run.state.is_finished()).then_some(under_way);
        Some((run, rest))
    })
}

fn event(run: Run) -> Event {
    let id = run.state.as_str();
    Event::default().event("run").id(id).json_data(RunBody::from(run)).expect("a run is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::example_run;
    use crate::domain::run::RunState;

    #[tokio::test]
    async fn the_present_state_comes_first_and_the_finished_one_last() {
        let (sender, receiver) = watch::channel(Arc::new(example_run(RunState::Running)));
        let mut states = Box::pin(states(receiver));
        assert_eq!(states.next().await.unwrap().state, RunState::Running);
        sender.send(Arc::new(example_run(RunState::Done))).unwrap();
        assert_eq!(states.next().await.unwrap().state, RunState::Done);
        assert_eq!(states.next().await, None);
    }

    #[tokio::test]
    async fn the_stream_ends_with_the_host() {
        let (sender, receiver) = watch::channel(Arc::new(example_run(RunState::Running)));
        drop(sender);
        let seen: Vec<_> = states(receiver).collect().await;
        assert_eq!(seen.len(), 1);
    }
}
