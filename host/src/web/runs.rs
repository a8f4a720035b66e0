//! The list of runs, and one run's report.

use std::borrow::Cow;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::components::{Badge, Clock, Moment, Paging};
use super::failure::{Failure, page};
use super::layout::{Layout, Section};
use super::listing::{Asked, Everything};
use super::progress::Progress;
use super::session::SignedIn;
use super::{findings, format};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::run::{
    CHOICES_EMPTY, CHOICES_NOT_READ, LISTS_EMPTY, ListCounts, Run, RunCounts, RunState, Trigger, awaiting_code,
    missed_code,
};
use crate::domain::{RecordKind, RunId};
use crate::store::data_quality::{SHARED_AT_HOME, SHARED_ELSEWHERE};

#[derive(Template)]
#[template(path = "runs.html")]
pub(super) struct RunsPage {
    pub(super) layout: Layout,
    pub(super) rows: Vec<RunRow>,
    pub(super) paging: Paging,
}

/// One run of a list.
pub(super) struct RunRow {
    pub(super) id: String,
    pub(super) path: String,
    /// It is not over: its row is fetched anew from time to time.
    pub(super) is_moving: bool,
    pub(super) connection: String,
    pub(super) began: Moment,
    pub(super) badge: Badge,
    pub(super) took: String,
    pub(super) trigger: &'static str,
    pub(super) seen: String,
    pub(super) created: String,
    pub(super) changed: String,
    pub(super) quarantined: String,
}

impl RunRow {
    pub(super) fn new(run: &Run, clock: &Clock) -> Self {
        let began = run.started_at.unwrap_or(run.queued_at);
        Self {
            id: run.id.to_string(),
            path: format!("/runs/{}", run.id),
            is_moving: !run.state.is_finished(),
            connection: run.connection.to_string(),
            began: Moment::new(began, clock),
            badge: run.state.into(),
            took: format::duration(began, run.finished_at.unwrap_or(clock.now)),
            trigger: trigger(run.trigger),
            seen: format::number(run.counts.seen),
            created: format::number(run.counts.created),
            changed: format::number(run.counts.changed),
            quarantined: format::number(run.counts.quarantined),
        }
    }
}

fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Schedule => "By schedule",
        Trigger::Request => "Asked for",
        Trigger::Resume => "Resumed after a restart",
        Trigger::Client => "One client, on request",
        Trigger::Revision => "Mapped again by another revision",
    }
}

#[derive(Template)]
#[template(path = "run.html")]
pub(super) struct RunPage {
    pub(super) layout: Layout,
    pub(super) run: RunRow,
    pub(super) state: String,
    pub(super) error: Option<String>,
    pub(super) progress: Option<Progress>,
    pub(super) ended: Option<Moment>,
    /// The address of the page that lists what changed, record by record.
    pub(super) changes: Option<String>,
    /// What is to be seen to in what was read, a sentence each.
    pub(super) told: Vec<String>,
    pub(super) tables: Vec<Table>,
}

/// Counts under one heading.
pub(super) struct Table {
    pub(super) heading: Cow<'static, str>,
    /// The unit that the counts are of.
    pub(super) unit: Cow<'static, str>,
    pub(super) empty: &'static str,
    pub(super) rows: Vec<Counted>,
}

/// One count.
pub(super) struct Counted {
    pub(super) word: String,
    pub(super) number: String,
    /// The address of the page that lists whose records are counted.
    pub(super) path: Option<String>,
}

impl Counted {
    fn new(word: impl Into<String>, number: u64) -> Self {
        Self { word: word.into(), number: format::number(number), path: None }
    }

    /// Diagnostics with this code, which are listed by client.
    fn told(code: &str, number: u64) -> Self {
        Self { path: Some(findings::path(code)), ..Self::new(format::code(code), number) }
    }
}

/// `GET /runs?cursor=…`
pub(super) async fn list(
    State(app): State<App>,
    person: SignedIn,
    asked: Asked<Everything>,
) -> Result<Response, Failure> {
    person.may(Action::ReadRuns)?;
    let found = app.store.runs(None, asked.page()).await?;
    page(&RunsPage {
        layout: Layout::load(&app, &person, Section::Runs).await?,
        rows: found.items.iter().map(|run| RunRow::new(run, &person.clock)).collect(),
        paging: asked.paging("/runs", "", found.next.as_deref()),
    })
}

/// `GET /runs/{id}`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::ReadRuns)?;
    let found = match id.parse::<RunId>() {
        Ok(id) => app.store.run(id).await?,
        Err(_) => None,
    };
    let run = found.ok_or(Failure::NotFound("There is no run here. The list of runs shows those there were."))?;
    let run = if person.can(Action::ReadWholeBook) { run } else { run.without_findings() };
    let layout = Layout::load(&app, &person, Section::Runs).await?;
    let mut view = view(&run, layout, &person.clock);
    if !person.can(Action::ReadWholeBook) {
        view.changes = None;
        view.tables.iter_mut().flat_map(|table| &mut table.rows).for_each(|row| row.path = None);
    }
    page(&view)
}

/// The page, from values alone.
pub(super) fn view(run: &Run, layout: Layout, clock: &Clock) -> RunPage {
    RunPage {
        layout,
        run: RunRow::new(run, clock),
        state: state(run),
        error: run.error.clone(),
        progress: Progress::of(run, clock),
        ended: run.finished_at.map(|at| Moment::new(at, clock)),
        changes: (run.counts.listed > 0).then(|| format!("/runs/{}/changes", run.id)),
        told: run.counts.told.clone(),
        tables: tables(&run.counts),
    }
}

/// A sentence about what the run has done, which does not say more than is known by now.
fn state(run: &Run) -> String {
    let changed = format::what_changed(&run.counts);
    match run.state {
        RunState::Queued => "Waiting to begin.".to_owned(),
        RunState::Running => format!("So far: {changed}."),
        RunState::Done => format!("{changed}."),
        RunState::Failed => format!("Until it failed: {changed}."),
        RunState::Cancelled => format!("Until it was cancelled: {changed}."),
    }
}

fn listed(kind: RecordKind, counts: ListCounts) -> Table {
    let one = Counted::new;
    let heading: Cow<'static, str> = Cow::Owned(format::sentence(kind.plural()));
    Table {
        unit: heading.clone(),
        heading,
        empty: "",
        rows: vec![
            one("New in the practice", counts.created),
            one("Changed", counts.changed),
            one("Unchanged", counts.unchanged),
            one("Gone from their list", counts.gone),
            one("Lists that could not be read", counts.quarantined),
        ],
    }
}

/// Doubts about addresses are said of clients; those about links of couples and about lists stand with their households.
fn doubt(code: &str, number: u64) -> Counted {
    for kind in RecordKind::LISTED {
        let many = format::sentence(kind.plural());
        if code == missed_code(*kind) {
            let message = format!("{many} not in their list; gone if the next sync does not find them");
            return Counted::new(message, number);
        }
        if code == awaiting_code(*kind) {
            return Counted::new(format!("{many} gone, waiting for somebody to confirm it"), number);
        }
    }
    match code {
        LISTS_EMPTY => Counted::new(
            "Clients with a list that held entries and is empty for too many at once to be believed; see whether the \
             integration's user may read it",
            number,
        ),
        CHOICES_EMPTY => {
            Counted::new("Lists of the site that came empty; taken so if the next sync finds them empty too", number)
        }
        CHOICES_NOT_READ => Counted::new("Lists of the site that could not be read; those of before were used", number),
        SHARED_AT_HOME | SHARED_ELSEWHERE => Counted::told(code, number),
        _ => Counted::new(format::code(code), number),
    }
}

fn tables(counts: &RunCounts) -> Vec<Table> {
    let one = Counted::new;
    let each = |counts: &std::collections::BTreeMap<String, u64>, row: fn(&str, u64) -> Counted| {
        let mut rows: Vec<_> = counts.iter().collect();
        rows.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
        rows.into_iter().map(|(word, n)| row(word, *n)).collect::<Vec<_>>()
    };
    let mut tables = vec![Table {
        heading: "Clients".into(),
        unit: "Clients".into(),
        empty: "",
        rows: vec![
            one("Read from the CRM", counts.seen),
            one("Unchanged since the last sync", counts.unchanged),
            one("New in the practice", counts.created),
            one("Changed", counts.changed),
            one("Mapped again to the same values", counts.same),
            one("Left out by a rule", counts.skipped_total()),
            one("Of them, in the book until now", counts.newly_left_out),
            one("Left out before, and back in the book", counts.returned),
            one("Could not be read", counts.quarantined),
            one("Like a client of the practice, and in review", counts.held),
            one("Erased here, and kept away", counts.erased),
            one("Local edits overridden by the CRM", counts.overridden),
            one("Rows that came twice, because rows moved while they were read", counts.repeated),
            one("Rows that name no record", counts.unreadable),
            one("Missed by the walk because rows moved, and read by themselves", counts.missed),
            one("Not seen, and not known whether the CRM shows them", counts.unconfirmed),
            one("No longer visible", counts.not_visible),
            one("Visible again", counts.visible_again),
            one("Gone, waiting for somebody to confirm it", counts.awaiting),
        ],
    }];
    tables.extend(RecordKind::LISTED.iter().map(|kind| listed(*kind, counts.list(*kind))));
    tables.extend([
        Table {
            heading: "Warnings".into(),
            unit: "Values".into(),
            empty: "Nothing to look at in the records that this run mapped.",
            rows: each(&counts.warnings, Counted::told),
        },
        Table {
            heading: "In doubt in the whole book".into(),
            unit: "Number".into(),
            empty: "No partner link, no address and no list stands in doubt.",
            rows: each(&counts.doubts, doubt),
        },
        Table {
            heading: "Changed fields".into(),
            unit: "Records".into(),
            empty: "No stored value changed.",
            rows: each(&counts.changed_fields, |field, n| Counted::new(format::field(field), n)),
        },
        Table {
            heading: "Left out by a rule".into(),
            unit: "Records".into(),
            empty: "No record was left out.",
            rows: each(&counts.skipped, |code, n| Counted::new(format::code(code), n)),
        },
        Table {
            heading: "Traffic".into(),
            unit: "Number".into(),
            empty: "",
            rows: vec![
                one("Advisers read", counts.advisers),
                one("Requests to the CRM", counts.requests),
                one("Requests repeated after a fault", counts.retries),
                one("Times the CRM was asked less at once, because it slowed down", counts.slow_downs),
            ],
        },
    ]);
    tables
}
