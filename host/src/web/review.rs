//! What did not come over: records that could not be read, records that a rule left out, and clients who may be here
//! already.

pub(super) mod queue;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::failure::{Failure, page};
use super::frame::{Frame, Place};
use super::listing::{Asked, Choice};
use super::parts::{Clock, Finding, Moment, Paging};
use super::person::Person;
use super::words;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::review::ReviewState;
use crate::domain::stored::SetAside;

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
enum Of {
    #[default]
    Unreadable,
    LeftOut,
    Lookalikes,
}

#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    of: Of,
    state: Option<ReviewState>,
}

#[derive(Template)]
#[template(path = "review.html")]
pub(super) struct ReviewPage {
    pub(super) frame: Frame,
    pub(super) state: String,
    pub(super) empty: &'static str,
    pub(super) choices: Vec<Choice>,
    pub(super) rows: Vec<Row>,
    pub(super) paging: Paging,
}

/// One record that was set aside.
pub(super) struct Row {
    pub(super) external_id: String,
    pub(super) kind: String,
    pub(super) connection: String,
    pub(super) since: Moment,
    pub(super) run: String,
    pub(super) findings: Vec<Finding>,
}

/// `GET /review?of=…&cursor=…`
pub(super) async fn list(State(app): State<App>, person: Person, asked: Asked<Filter>) -> Result<Response, Failure> {
    person.may(Action::ReadBook)?;
    if asked.filter.of == Of::Lookalikes {
        return queue::list(app, person, asked).await;
    }
    let quarantined = asked.filter.of == Of::Unreadable;
    let found = app.store.set_aside(quarantined, asked.page()).await?;
    let counts = app.store.book_counts().await?;
    let (state, empty, query) = if quarantined {
        let records = words::count(counts.quarantined, "record", "records");
        (format!("{records} could not be read and did not come over."), "Every record could be read.", "")
    } else {
        let records = words::count(counts.skipped, "record was", "records were");
        let state = format!("{records} left out on purpose by the pack's rules.");
        (state, "No rule has left a record out.", "of=left-out")
    };
    let choices = choices(asked.filter.of);
    let paging = asked.paging("/review", query, found.next.as_deref());
    page(&ReviewPage {
        frame: Frame::load(&app, &person, Place::Review).await?,
        state,
        empty,
        choices,
        rows: found.items.iter().map(|record| row(record, &person.clock)).collect(),
        paging,
    })
}

fn choices(chosen: Of) -> Vec<Choice> {
    let choice = |of, word, path: &str| Choice { word, path: path.to_owned(), is_chosen: of == chosen };
    vec![
        choice(Of::Unreadable, "Could not be read", "/review"),
        choice(Of::LeftOut, "Left out by a rule", "/review?of=left-out"),
        choice(Of::Lookalikes, "Like clients from here", "/review?of=lookalikes"),
    ]
}

/// One row, from values alone.
pub(super) fn row(record: &SetAside, clock: &Clock) -> Row {
    Row {
        external_id: record.external_id.to_string(),
        kind: words::sentence(record.kind.as_str()),
        connection: record.connection.to_string(),
        since: Moment::new(record.since, clock),
        run: format!("/runs/{}", record.run),
        findings: record.diagnostics.iter().map(Finding::from).collect(),
    }
}
