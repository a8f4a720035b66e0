//! The overview: the state of each connection, what the book holds, and the last runs.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::components::{Badge, Clock, Tone};
use super::failure::{Failure, page};
use super::format;
use super::layout::{Layout, Section, first};
use super::progress::Progress;
use super::runs::RunRow;
use super::session::SignedIn;
use crate::app::App;
use crate::connection::Connection;
use crate::domain::access::Action;
use crate::domain::run::{Run, RunState};
use crate::domain::{ConnectionName, RecordKind, Timestamp};
use crate::notes::Gate;
use crate::ops;
use crate::ops::runs::Mode;
use crate::store::book::BookCounts;

/// Runs of the timeline.
const RUNS: usize = 10;

#[derive(Template)]
#[template(path = "overview.html")]
pub(super) struct OverviewPage {
    pub(super) layout: Layout,
    pub(super) state: String,
    pub(super) sites: Vec<Site>,
    /// Whether the person may start a run.
    pub(super) may_sync: bool,
    /// What the book holds; nothing for those who do not see all of it.
    pub(super) figures: Vec<Figure>,
    pub(super) runs: Vec<RunRow>,
}

/// One connection.
pub(super) struct Site {
    pub(super) name: String,
    pub(super) crm: String,
    pub(super) host: String,
    pub(super) pack: String,
    pub(super) revision: String,
    pub(super) schedule: String,
    pub(super) badge: Badge,
    pub(super) state: String,
    /// The sentence that says until when the site is left alone, where it asked for that or does not answer.
    pub(super) waits: Option<String>,
    /// The action that a person has to take before it works, and its path.
    pub(super) to_do: Option<(&'static str, String)>,
    pub(super) running: Option<Progress>,
}

/// The number of something, with the page that lists them.
pub(super) struct Figure {
    pub(super) number: String,
    pub(super) word: &'static str,
    pub(super) path: Option<&'static str>,
}

/// `GET /`
pub(super) async fn show(State(app): State<App>, person: SignedIn) -> Result<Response, Failure> {
    person.may(Action::ReadRuns)?;
    let clock = &person.clock;
    let mut sites = Vec::new();
    let mut newest = Vec::new();
    for connection in app.connections.all().iter() {
        let last = app.store.runs(Some(connection.name.clone()), first(1)).await?.items.pop();
        let crm = format::crm(connection.revision().crm());
        let gate = app.notes.gate(&connection.name, clock.now);
        let mut site = site(connection, crm, last.as_ref(), &gate, clock);
        if !person.can(Action::ManageConnections) {
            // What is to be done about it is somebody else's to do.
            site.to_do = site.to_do.map(|(_, path)| ("See why", path));
        }
        sites.push(site);
        newest.extend(last);
    }
    let counts = match person.can(Action::ReadWholeBook) {
        true => Some(app.store.book_counts().await?),
        false => None,
    };
    let runs = app.store.runs(None, first(RUNS)).await?;
    page(&OverviewPage {
        layout: Layout::load(&app, &person, Section::Overview).await?,
        state: sentence(&newest, &runs.items, counts.as_ref(), clock),
        sites,
        may_sync: person.may(Action::ControlRuns).is_ok(),
        figures: counts.as_ref().map(figures).unwrap_or_default(),
        runs: runs.items.iter().map(|run| RunRow::new(run, clock)).collect(),
    })
}

/// `POST /connections/{name}/sync`, from the button "Sync now".
pub(super) async fn sync_now(
    State(app): State<App>,
    person: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    const NONE: Failure = Failure::NotFound("There is no connection of this name. The overview shows those there are.");
    let name: ConnectionName = name.parse().map_err(|_| NONE)?;
    ops::runs::start(&app, person.actor(), &name, Mode::Keep).await?;
    Ok(Redirect::to("/").into_response())
}

fn site(connection: &Connection, crm: String, last: Option<&Run>, gate: &Gate, clock: &Clock) -> Site {
    let revision = connection.revision();
    let obstacle = connection.authorisation.state().in_short();
    let (badge, state) = match &obstacle {
        Some(obstacle) => {
            (Badge::new(Tone::Trouble, "Paused"), format!("No sync and no file note goes out. {obstacle}"))
        }
        None => sync_state(last, &crm, clock),
    };
    let left_alone_until = connection.connector.left_alone_until();
    let waits = waits(left_alone_until, gate, clock);
    let badge = match left_alone_until {
        Some(_) if obstacle.is_none() => Badge::new(Tone::Attention, "Left alone"),
        _ => badge,
    };
    Site {
        name: connection.name.to_string(),
        crm,
        host: connection.spec.forward_host.clone(),
        pack: revision.pack().to_owned(),
        revision: revision.id().to_string(),
        schedule: format::schedule(&connection.spec.schedule.to_string()),
        badge,
        state,
        waits,
        to_do: obstacle.map(|_| {
            let path = format!("/settings/integrations/{}", connection.name);
            (connection.authorisation.state().to_do(), path)
        }),
        running: last.and_then(|run| Progress::of(run, clock)),
    }
}

/// The sentence that says until when the site is left alone, by syncs and file notes or by file notes alone.
pub(super) fn waits(left_alone_until: Option<Timestamp>, gate: &Gate, clock: &Clock) -> Option<String> {
    let (what, until) = match (left_alone_until, gate) {
        (Some(until), _) => ("Syncs and file notes wait: the site asked to be left alone.", until),
        (None, Gate::Closed(until)) => {
            ("File notes wait: the site does not answer, or asked to be left alone.", *until)
        }
        (None, _) => return None,
    };
    let next = format::relative(until, clock.now);
    Some(format!("{what} The next try is {next}; “Sync now” asks it at once."))
}

/// The state of a connection by its newest run, in a word and in a sentence.
pub(super) fn sync_state(last: Option<&Run>, crm: &str, clock: &Clock) -> (Badge, String) {
    let Some(run) = last else {
        let message = format!("Not synced yet. “Sync now” reads the whole book from {crm}.");
        return (Badge::new(Tone::Neutral, "New"), message);
    };
    let ended = format::relative(run.finished_at.unwrap_or(run.queued_at), clock.now);
    match run.state {
        RunState::Queued => (run.state.into(), "A sync is about to begin.".to_owned()),
        RunState::Running => (run.state.into(), "A sync is under way. The book can be used meanwhile.".to_owned()),
        RunState::Done => {
            let took = format::duration(run.started_at.unwrap_or(run.queued_at), run.finished_at.unwrap_or(clock.now));
            let message = format!("The last sync read the whole book in {took}, {ended}.");
            (Badge::new(Tone::Good, "Connected"), message)
        }
        RunState::Failed => {
            let why = format::sentence(run.error.as_deref().unwrap_or("the host's log says why."));
            (Badge::new(Tone::Trouble, "Failed"), format!("The last sync failed {ended}. {why}"))
        }
        RunState::Cancelled => {
            let message = format!("The last sync was cancelled {ended}. What it had brought over stays.");
            (run.state.into(), message)
        }
    }
}

/// `Synced 12 minutes ago: 4,318 clients, 27 changed, 3 need a look.` By each connection's newest run, and by the latest
/// runs of all, newest first, in which the last one that ended well is. Without the book's counts it says when, and how
/// many changed.
pub(super) fn sentence(newest: &[Run], latest: &[Run], counts: Option<&BookCounts>, clock: &Clock) -> String {
    let Some(counts) = counts else { return without_book(newest, latest, clock) };
    let clients = format::count(counts.clients, "client", "clients");
    // Of rows that name nobody there is no record to count in the book: the newest runs say how many they met.
    let of_nobody: u64 = newest.iter().map(|run| run.counts.unreadable).sum();
    let look = match (counts.quarantined, of_nobody) {
        (0, 0) => "every record could be read".to_owned(),
        (0, rows) => format!("{} no record", format::count(rows, "row names", "rows name")),
        (n, 0) => format!("{} could not be read", format::count(n, "record", "records")),
        (n, rows) => format!(
            "{} could not be read, {} no record",
            format::count(n, "record", "records"),
            format::count(rows, "row names", "rows name")
        ),
    };
    let synced = last_synced(newest, latest);
    let synced_words = synced.map(|(run, at)| {
        let changed = format::number(run.counts.created + run.counts.changed);
        format!("Synced {}: {clients}, {changed} new or changed, {look}.", format::relative(at, clock.now))
    });
    let so_far = match counts.clients {
        0 => "Nobody has come over yet.".to_owned(),
        _ => format!("{clients} so far, {look}."),
    };
    match began(newest, synced.is_none(), clock) {
        None => "No connection has synced yet.".to_owned(),
        Some(began) => format!("{began}{}", synced_words.unwrap_or(so_far)),
    }
}

/// The same for those who do not see the whole book.
fn without_book(newest: &[Run], latest: &[Run], clock: &Clock) -> String {
    let synced = last_synced(newest, latest);
    let Some(began) = began(newest, synced.is_none(), clock) else { return "No connection has synced yet.".to_owned() };
    let synced = synced.map(|(_, at)| format!("Synced {}.", format::relative(at, clock.now)));
    format!("{began}{}", synced.unwrap_or_default()).trim_end().to_owned()
}

/// The latest run that ended well, and when.
fn last_synced<'r>(newest: &'r [Run], latest: &'r [Run]) -> Option<(&'r Run, Timestamp)> {
    let done = latest.iter().chain(newest).filter(|run| run.state == RunState::Done);
    done.max_by_key(|run| run.finished_at).and_then(|run| Some((run, run.finished_at?)))
}

/// What goes on now, or how the last run ended where that was not well, with a blank behind it; none where nothing ever
/// ran.
fn began(newest: &[Run], is_first: bool, clock: &Clock) -> Option<String> {
    let last = newest.iter().max_by_key(|run| run.finished_at.unwrap_or(run.queued_at));
    Some(match newest.iter().find(|run| !run.state.is_finished()).or(last) {
        None => return None,
        Some(run) => match run.state {
            RunState::Done => String::new(),
            RunState::Queued => "A sync is about to begin. ".to_owned(),
            RunState::Running if is_first && run.expected.is_none() => "The first sync is under way. ".to_owned(),
            RunState::Running => "A sync is under way. ".to_owned(),
            RunState::Failed | RunState::Cancelled => {
                let how = if run.state == RunState::Failed { "failed" } else { "was cancelled" };
                let ended = format::relative(run.finished_at.unwrap_or(run.queued_at), clock.now);
                format!("The last sync {how} {ended}. ")
            }
        },
    })
}

fn figures(counts: &BookCounts) -> Vec<Figure> {
    let figure = |n, word, path| Figure { number: format::number(n), word, path };
    let of_list = |kind: &RecordKind| figure(counts.lists.get(kind).copied().unwrap_or_default(), kind.plural(), None);
    let mut figures =
        vec![figure(counts.households, "households", Some("/households")), figure(counts.clients, "clients", None)];
    figures.extend(RecordKind::LISTED.iter().map(of_list));
    figures.extend([
        figure(counts.advisers, "advisers", None),
        figure(counts.not_visible, "not visible", Some("/review?of=not-visible")),
        figure(counts.quarantined, "could not be read", Some("/review")),
        figure(counts.skipped, "left out by rules", Some("/review?of=left-out")),
    ]);
    figures
}
