//! Records that were not imported: those that could not be read, those that a rule left out, and clients who may be
//! here already.

pub(super) mod queue;

use std::fmt::Write as _;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::components::{Clock, Finding, Moment, Paging};
use super::failure::{Failure, page};
use super::format;
use super::layout::{Layout, Section};
use super::listing::{Asked, Choice};
use super::privacy;
use super::session::SignedIn;
use crate::app::App;
use crate::domain::RecordKind;
use crate::domain::access::Action;
use crate::domain::review::ReviewState;
use crate::domain::stored::{ExcludedRecord, StoredClient};
use crate::store::book::{ClientFilter, PageRequest};

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
enum Of {
    #[default]
    Unreadable,
    LeftOut,
    Lookalikes,
    NotVisible,
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
    pub(super) layout: Layout,
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
    /// The page that erases it; none of what is not somebody.
    pub(super) erase: Option<String>,
}

/// `GET /review?of=…&cursor=…`
pub(super) async fn list(State(app): State<App>, person: SignedIn, asked: Asked<Filter>) -> Result<Response, Failure> {
    person.may(Action::ReadWholeBook)?;
    if asked.filter.of == Of::Lookalikes {
        return queue::list(app, person, asked).await;
    }
    if asked.filter.of == Of::NotVisible {
        return not_visible(&app, &person, &asked).await;
    }
    let quarantined = asked.filter.of == Of::Unreadable;
    let found = app.store.set_aside(quarantined, None, asked.page()).await?;
    crate::audit::counted(found.items.len());
    let counts = app.store.book_counts().await?;
    let (state, empty, query) = if quarantined {
        let records = format::count(counts.quarantined, "record", "records");
        let of_nobody = rows_of_nobody(&app).await?;
        let mut state = format!("{records} could not be read and did not come over.");
        let mut empty = "Every record could be read.";
        if of_nobody > 0 {
            let rows = format::count(of_nobody, "row", "rows");
            let _ = write!(state, " In the newest syncs, {rows} named no record; each run’s page says which.");
            empty = "Every row that names a record could be read.";
        }
        (state, empty, "")
    } else {
        let records = format::count(counts.skipped, "record was", "records were");
        let state = format!("{records} left out on purpose by the pack's rules.");
        (state, "No rule has left a record out.", "of=left-out")
    };
    let choices = choices(asked.filter.of);
    let paging = asked.paging("/review", query, found.next.as_deref());
    page(&ReviewPage {
        layout: Layout::load(&app, &person, Section::Review).await?,
        state,
        empty,
        choices,
        rows: found.items.iter().map(|record| row(record, &person.clock)).collect(),
        paging,
    })
}

/// The rows of the connections' newest runs that name no record.
async fn rows_of_nobody(app: &App) -> Result<u64, Failure> {
    let mut rows = 0;
    for connection in app.connections.all().iter() {
        let newest = PageRequest { cursor: None, limit: 1 };
        let run = app.store.runs(Some(connection.name.clone()), newest).await?.items.pop();
        rows += run.map_or(0, |run| run.counts.unreadable);
    }
    Ok(rows)
}

fn choices(chosen: Of) -> Vec<Choice> {
    let choice = |of, word, path: &str| Choice { word, path: path.to_owned(), is_chosen: of == chosen };
    vec![
        choice(Of::Unreadable, "Could not be read", "/review"),
        choice(Of::LeftOut, "Left out by a rule", "/review?of=left-out"),
        choice(Of::Lookalikes, "Like clients from here", "/review?of=lookalikes"),
        choice(Of::NotVisible, "Not visible", "/review?of=not-visible"),
    ]
}

#[derive(Template)]
#[template(path = "not-visible.html")]
pub(super) struct NotVisiblePage {
    pub(super) layout: Layout,
    pub(super) state: String,
    pub(super) choices: Vec<Choice>,
    pub(super) rows: Vec<Unseen>,
    pub(super) paging: Paging,
}

/// A client whom the CRM no longer shows.
pub(super) struct Unseen {
    pub(super) name: String,
    pub(super) external_id: String,
    pub(super) path: String,
    pub(super) connection: String,
    pub(super) since: Option<Moment>,
}

/// The clients whom the CRM no longer shows.
async fn not_visible(app: &App, person: &SignedIn, asked: &Asked<Filter>) -> Result<Response, Failure> {
    let filter = ClientFilter { not_visible: true, ..ClientFilter::default() };
    let found = person.book(app, Action::ReadWholeBook).await?.clients(filter, asked.page()).await?;
    crate::audit::counted(found.items.len());
    let counts = app.store.book_counts().await?;
    let clients = format::count(counts.not_visible, "client is", "clients are");
    let row = |client: &StoredClient| Unseen {
        name: format::name(&client.client.full_name()),
        external_id: client.client.external_id.to_string(),
        path: format!("/households/{}", client.household_id),
        connection: client.origin.connection.to_string(),
        since: client.not_visible_since.map(|since| Moment::new(since, &person.clock)),
    };
    page(&NotVisiblePage {
        layout: Layout::load(app, person, Section::Review).await?,
        state: format!("{clients} in the book and no longer shown by the CRM. Nothing of theirs was deleted."),
        choices: choices(Of::NotVisible),
        rows: found.items.iter().map(row).collect(),
        paging: asked.paging("/review", "of=not-visible", found.next.as_deref()),
    })
}

/// One row, from values alone.
pub(super) fn row(record: &ExcludedRecord, clock: &Clock) -> Row {
    Row {
        external_id: record.external_id.to_string(),
        kind: format::sentence(record.kind.as_str()),
        connection: record.connection.to_string(),
        since: Moment::new(record.since, clock),
        run: format!("/runs/{}", record.run),
        findings: record.diagnostics.iter().map(Finding::from).collect(),
        erase: (record.kind == RecordKind::Client)
            .then(|| privacy::record::path(&record.connection, &record.external_id)),
    }
}
