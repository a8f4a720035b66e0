//! Settings, integrations: the practice's connections and the state of each, which all staff see; and adding, changing,
//! authorising and removing them, for practice managers.

mod answer;
mod form;
mod incoming;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;

pub(super) use self::answer::{authorise, callback};
pub(super) use self::form::{add, change, check, edit, new};
use self::incoming::WatchedPart;
use super::answers::{AnswerQuery, Answers, Checked};
use super::components::{Badge, Clock, Tone};
use super::failure::{Failure, page};
use super::format;
use super::layout::{Layout, Section, first};
use super::listing::OnlyPage;
use super::overview::sync_state;
use super::session::SignedIn;
use crate::app::App;
use crate::connection::{AuthState, Connection};
use crate::crm::kind::Setting;
use crate::crm::spec::ConnectionSpec;
use crate::domain::ConnectionName;
use crate::domain::access::Action;
use crate::domain::run::Run;
use crate::domain::text::full_stop;
use crate::integrations::{Integration, IntegrationError, KnownRevision, Origin, RevisionState, found, held_against};
use crate::ops::connections::SiteIs;
use crate::ops::{self, Kind, Refusal};
use crate::pack::PluginLine;
use crate::store::page::PageRequest;
use crate::store::revisions::Why;

/// The most lines of a plugin that a page shows.
const LINES_SHOWN: usize = 50;

/// The most revisions of a connection that a page shows.
const REVISIONS_SHOWN: usize = 10;

#[derive(Template)]
#[template(path = "integrations.html")]
pub(super) struct IntegrationsPage {
    pub(super) layout: Layout,
    pub(super) state: String,
    pub(super) rows: Vec<Row>,
}

/// One connection of the list.
pub(super) struct Row {
    pub(super) path: String,
    pub(super) title: String,
    pub(super) crm: String,
    pub(super) host: String,
    pub(super) pack: String,
    pub(super) badge: Badge,
    pub(super) state: String,
    /// A sync is under way: what is said is fetched anew from time to time.
    pub(super) is_moving: bool,
}

#[derive(Template)]
#[template(path = "integration.html")]
pub(super) struct IntegrationPage {
    pub(super) layout: Layout,
    pub(super) row: Row,
    pub(super) name: String,
    /// The heading of the column of the CRM's ids.
    pub(super) id_heading: &'static str,
    /// The result of what was just asked or done.
    pub(super) checked: Option<Checked>,
    /// The label of the button that leads to its site; none where it signs in by name and password or is not at work.
    pub(super) authorise: Option<&'static str>,
    pub(super) facts: Vec<(&'static str, String)>,
    /// Whether it is changed here, and not in the settings file.
    pub(super) is_ours: bool,
    pub(super) hides_another: bool,
    /// Whether it runs although nobody confirmed the check that comes before a connection.
    pub(super) asks_preflight: bool,
    /// The host of the site that its clients are of, where it leads to another.
    pub(super) known_host: Option<String>,
    /// The connection that brought clients of its site already.
    pub(super) taken_by: Option<String>,
    pub(super) is_at_work: bool,
    /// Whether it reads a folder, where nobody signs in.
    pub(super) is_folder: bool,
    /// Whether a pack can be put in force for it.
    pub(super) has_pack: bool,
    /// Whether it is not at work until its pack loads, so that there is nothing to preview against.
    pub(super) needs_pack: bool,
    /// Whether another revision was in force before.
    pub(super) can_go_back: bool,
    /// What the breaker did last, where nothing else came in force since.
    pub(super) breaker: Option<String>,
    /// The revision that is in force, where one is.
    pub(super) active: Option<String>,
    /// The address where the rules of the revision in force are edited, where its files are kept.
    pub(super) edit_rules: Option<String>,
    /// The revisions that were staged or in force, the newest first.
    pub(super) revisions: Vec<RevisionRow>,
    /// The watched folder; none where none is watched.
    pub(super) watched: Option<WatchedPart>,
    /// The newest lines that the pack's plugin wrote.
    pub(super) plugin_lines: Vec<LineRow>,
}

/// A line of a plugin's log, as the page lists it.
pub(super) struct LineRow {
    pub(super) at: String,
    pub(super) level: &'static str,
    pub(super) text: String,
}

#[derive(Template)]
#[template(path = "integration-remove.html")]
pub(super) struct RemovePage {
    pub(super) layout: Layout,
    pub(super) path: String,
    pub(super) title: String,
}

/// `GET /settings/integrations`
pub(super) async fn list(State(app): State<App>, person: SignedIn, _: OnlyPage) -> Result<Response, Failure> {
    person.may(Action::ReadRuns)?;
    let mut rows = Vec::new();
    for one in app.integrations.list().await? {
        let last = newest_run(&app, one.name()).await?;
        rows.push(row(&one, last.as_ref(), &person.clock));
    }
    let layout = Layout::load(&app, &person, Section::Settings).await?;
    page(&IntegrationsPage { layout, state: sentence(rows.len()), rows })
}

/// `GET /settings/integrations/{name}`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(name): Path<String>,
    Query(answer): Query<AnswerQuery>,
) -> Result<Response, Failure> {
    person.may(Action::ReadRuns)?;
    let one = find(&app, &name).await?;
    let checked = answers.of(&answer, person.user());
    let last = newest_run(&app, one.name()).await?;
    let layout = Layout::load(&app, &person, Section::Settings).await?;
    let newest = PageRequest { cursor: None, limit: REVISIONS_SHOWN };
    let revisions = app.integrations.revisions(one.name(), newest).await?.items;
    let watched = WatchedPart::of(&app, &one, &person.clock);
    let known = Known { last: last.as_ref(), revisions: &revisions, watched };
    let mut view = view(&one, known, checked, &app.integrations.callback_url(), layout, &person.clock);
    if !person.can(Action::ReadWholeBook) {
        // They may name clients.
        view.plugin_lines.clear();
    }
    page(&view)
}

/// `POST /settings/integrations/{name}/check`, from the button "Check the sign-in".
pub(super) async fn check_sign_in(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let checked = match ops::connections::check(&app, person.actor(), &parse(&name)?).await {
        Ok(user) => Ok(user),
        Err(refusal) if refusal.kind == Kind::CrmFailed => Err(format::sentence(&refusal.message)),
        Err(refusal) => return Err(refusal.into()),
    };
    let one = find(&app, &name).await?;
    let checked = match checked {
        Ok(user) => Checked::of(Ok(&user), &one.spec),
        Err(message) => Checked::bad(message),
    };
    Ok(answers.lead(&path(one.name()), person.user(), checked))
}

/// The revision that the page showed as in force.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RollBackForm {
    from: Option<String>,
}

/// `POST /settings/integrations/{name}/rollback`, from the button "Go back to the revision before".
pub(super) async fn roll_back(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(name): Path<String>,
    Form(RollBackForm { from }): Form<RollBackForm>,
) -> Result<Response, Failure> {
    let (one, before) = ops::connections::roll_back(&app, person.actor(), &parse(&name)?, from.as_deref()).await?;
    let now = one.connection.as_ref().map_or(before, |connection| connection.revision().id());
    let message = format!(
        "Revision {now} is in force again, in place of {before}. Everybody’s stored record is read by it in the background; \
         a run shows how far."
    );
    Ok(answers.lead(&path(one.name()), person.user(), Checked::good(message)))
}

/// `POST /settings/integrations/{name}/preflight`, from the question on a connection's page.
pub(super) async fn confirm_preflight(
    State(app): State<App>,
    person: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let one = ops::connections::confirm_preflight(&app, person.actor(), &parse(&name)?).await?;
    Ok(Redirect::to(&path(one.name())).into_response())
}

/// The host that the question named.
#[derive(Deserialize)]
pub(super) struct SiteForm {
    forward_host: String,
}

/// `POST /settings/integrations/{name}/same-site`, from the question on a connection's page.
pub(super) async fn confirm_same_site(
    State(app): State<App>,
    person: SignedIn,
    Path(name): Path<String>,
    Form(form): Form<SiteForm>,
) -> Result<Response, Failure> {
    let said = (&*form.forward_host, SiteIs::TheSame);
    let one = ops::connections::say_of_site(&app, person.actor(), &parse(&name)?, said).await?;
    Ok(Redirect::to(&path(one.name())).into_response())
}

/// `POST /settings/integrations/{name}/apart`, from the question on a connection's page.
pub(super) async fn confirm_apart(
    State(app): State<App>,
    person: SignedIn,
    Path(name): Path<String>,
    Form(form): Form<SiteForm>,
) -> Result<Response, Failure> {
    let said = (&*form.forward_host, SiteIs::Apart);
    let one = ops::connections::say_of_site(&app, person.actor(), &parse(&name)?, said).await?;
    Ok(Redirect::to(&path(one.name())).into_response())
}

/// `GET /settings/integrations/{name}/remove`
pub(super) async fn ask_to_remove(
    State(app): State<App>,
    person: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    let one = find(&app, &name).await?;
    let layout = Layout::load(&app, &person, Section::Settings).await?;
    page(&RemovePage { layout, path: path(one.name()), title: one.title })
}

/// `POST /settings/integrations/{name}/remove`
pub(super) async fn remove(
    State(app): State<App>,
    person: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    ops::connections::remove(&app, person.actor(), &parse(&name)?).await?;
    Ok(Redirect::to("/settings/integrations").into_response())
}

/// What is known of a connection beside its specification.
#[derive(Default)]
pub(super) struct Known<'a> {
    /// Its newest run.
    pub last: Option<&'a Run>,
    /// The revisions that it had staged or in force, the newest first.
    pub revisions: &'a [KnownRevision],
    /// The watched folder.
    pub watched: Option<WatchedPart>,
}

/// A revision that was staged or in force, as the page shows it.
pub(super) struct RevisionRow {
    id: String,
    version: String,
    why: &'static str,
    /// How the revision stands now; where it stands several times, on its newest line.
    badge: Option<Badge>,
    by: String,
    at: String,
    /// Whether it can be previewed and put in force.
    can_preview: bool,
    /// The address where its rules are edited; none where it is no longer kept, or stands further up.
    edit: Option<String>,
}

impl RevisionRow {
    fn new(known: &KnownRevision, is_newest: bool, path: &str, clock: &Clock) -> Self {
        let KnownRevision { entry, state, is_kept } = known;
        let why = match entry.why {
            Why::First => "First",
            Why::Activated => "Put in force",
            Why::RolledBack => "Gone back to",
            Why::Staged => "Brought",
            Why::Breaker => "Gone back to by the breaker",
        };
        let badge = match state {
            RevisionState::Active => Badge::new(Tone::Good, "In force"),
            RevisionState::TakenBack => Badge::new(Tone::Trouble, "Taken back"),
            RevisionState::Verified => Badge::new(Tone::Attention, "Staged"),
            RevisionState::Retired if *is_kept => Badge::new(Tone::Neutral, "Retired"),
            RevisionState::Retired => Badge::new(Tone::Neutral, "Retired, no longer kept"),
        };
        Self {
            id: entry.digest.short().to_string(),
            version: entry.version.clone(),
            why,
            badge: is_newest.then_some(badge),
            by: entry.by.who.clone(),
            at: format::time(entry.by.at, &clock.zone),
            can_preview: is_newest && *is_kept && *state != RevisionState::Active,
            edit: (is_newest && *is_kept).then(|| format!("{path}/revisions/{}/rules", entry.digest.short())),
        }
    }
}

/// The page, from values alone.
pub(super) fn view(
    one: &Integration,
    Known { last, revisions, watched }: Known<'_>,
    checked: Option<Checked>,
    callback_url: &str,
    layout: Layout,
    clock: &Clock,
) -> IntegrationPage {
    let spec = &one.spec;
    let mut facts = vec![
        ("Integration type", spec.crm.name.to_uppercase()),
        (spec.crm.place_label(), spec.forward_host.clone()),
        ("Pack", spec.pack.clone()),
    ];
    if spec.crm.dialects.len() > 1 {
        facts.push(("Dialect", spec.dialect.clone()));
    }
    facts.extend(one.connection.iter().map(|at_work| ("Revision", at_work.revision().digest().to_string())));
    if let Some(before) = one.connection.as_deref().and_then(held_against) {
        let until = "until what is stored was mapped again and a first sync is over";
        facts.push(("On trial", format!("against revision {before}, {until}")));
    }
    let is_place = |setting: &&Setting| spec.crm.folder_setting() == Some(setting.name);
    let own = spec.crm.settings.iter().filter(|setting| !setting.is_for_file_only() && !is_place(setting));
    facts.extend(own.filter_map(|setting| Some((setting.label, spec.setting(setting.name)?.to_owned()))));
    facts.push(("Syncs", format::schedule(&spec.schedule.to_string())));
    if spec.enabled {
        facts.push(("Next syncs", next_runs(one, clock)));
    }
    let mode = spec.sign_in.mode;
    let [before, after] = mode.shown;
    let first = mode.values.iter().find_map(|value| spec.sign_in.values.get(value.name));
    facts.push(("Signs in", format!("{before}{}{after}", first.map_or("", String::as_str))));
    if mode.needs_person {
        facts.push(("Redirect address", callback_url.to_owned()));
    }
    if let AuthState::Granted { by, at } = one.auth_state() {
        facts.push(("Authorised", format!("by {by}, {}", format::relative(at, clock.now))));
    }
    if let Some(by) = &one.preflight {
        facts.push(("Check confirmed", format!("by {}, {}", by.who, format::time(by.at, &clock.zone))));
    }
    if let Some((before, by)) = &one.same_site {
        let said = format!("{before}, says {}, {}", by.who, format::time(by.at, &clock.zone));
        facts.push(("The same site as", said));
    }
    if let Some(by) = &one.apart {
        let said = format!("of other connections of its site, says {}, {}", by.who, format::time(by.at, &clock.zone));
        facts.push(("Apart", said));
    }
    let authorise = match (&one.connection, one.auth_state()) {
        (None, _) | (_, AuthState::NotNeeded | AuthState::AnotherSite { .. } | AuthState::TakenSite { .. }) => None,
        (_, AuthState::Needed) => Some("Proceed to authorise"),
        (_, AuthState::Granted { .. } | AuthState::Refused { .. }) => Some("Authorise again"),
    };
    let active = revisions.iter().find(|known| known.state == RevisionState::Active);
    IntegrationPage {
        layout,
        row: row(one, last, clock),
        name: one.name().to_string(),
        id_heading: spec.crm.id_column.heading,
        is_folder: spec.crm.folder_setting().is_some(),
        checked,
        authorise,
        facts,
        is_ours: one.origin == Origin::Page,
        hides_another: one.hides_another,
        asks_preflight: asks_preflight(one),
        known_host: match one.auth_state() {
            AuthState::AnotherSite { known, .. } => Some(known),
            _ => None,
        },
        taken_by: match one.auth_state() {
            AuthState::TakenSite { by, .. } => Some(by.to_string()),
            _ => None,
        },
        is_at_work: one.connection.is_some() && one.auth_state().obstacle().is_none(),
        has_pack: spec.enabled,
        needs_pack: spec.enabled && one.connection.is_none(),
        can_go_back: spec.enabled && revisions.iter().any(|known| known.state == RevisionState::Retired),
        breaker: revisions.iter().find(|known| known.entry.why != Why::Staged).and_then(|known| found(&known.entry)),
        active: active.map(|known| known.entry.digest.short().to_string()),
        edit_rules: active
            .filter(|known| known.is_kept)
            .map(|known| format!("{}/revisions/{}/rules", path(one.name()), known.entry.digest.short())),
        revisions: revisions
            .iter()
            .enumerate()
            .map(|(place, known)| {
                let is_newest = !revisions[..place].iter().any(|newer| newer.entry.digest == known.entry.digest);
                RevisionRow::new(known, is_newest, &path(one.name()), clock)
            })
            .collect(),
        watched,
        plugin_lines: one.connection.iter().flat_map(|connection| plugin_lines(connection, clock)).collect(),
    }
}

/// The newest lines of the plugin that maps a connection.
fn plugin_lines(connection: &Connection, clock: &Clock) -> Vec<LineRow> {
    let lines = connection.revision().plugin_lines().into_iter().take(LINES_SHOWN);
    let row = |line: PluginLine| LineRow { at: format::time(line.at, &clock.zone), level: line.level, text: line.text };
    lines.map(row).collect()
}

/// The next times of its schedule.
fn next_runs(one: &Integration, clock: &Clock) -> String {
    let times = one.next_runs(clock.now, &clock.zone);
    let times: Vec<String> = times.into_iter().map(|at| format::time(at, &clock.zone)).collect();
    if times.is_empty() { "none: its schedule is over".to_owned() } else { times.join(", ") }
}

/// A connection of the settings file runs without the check, because nobody may be there to be asked.
fn asks_preflight(one: &Integration) -> bool {
    one.origin == Origin::File && one.spec.enabled && one.preflight.is_none()
}

pub(super) fn row(one: &Integration, last: Option<&Run>, clock: &Clock) -> Row {
    let crm = one.spec.crm.label;
    let (badge, state) = match (&one.problem, one.spec.enabled, one.auth_state()) {
        (Some(problem), ..) => (Badge::new(Tone::Trouble, "Not at work"), full_stop(&format::sentence(problem))),
        (None, false, _) => {
            (Badge::new(Tone::Neutral, "Disabled"), "It does not sync, and its file notes wait.".to_owned())
        }
        (None, true, auth @ AuthState::Needed) => {
            (Badge::new(Tone::Attention, "To be authorised"), auth.obstacle().unwrap_or_default())
        }
        (
            None,
            true,
            auth @ (AuthState::Refused { .. } | AuthState::AnotherSite { .. } | AuthState::TakenSite { .. }),
        ) => {
            let message = auth.in_short().unwrap_or_default();
            (Badge::new(Tone::Trouble, "Paused"), format!("No sync starts and file notes wait. {message}"))
        }
        (None, true, AuthState::NotNeeded | AuthState::Granted { .. }) => sync_state(last, crm, clock),
    };
    let asked = if asks_preflight(one) { " One question is open: do clients exist on both sites already?" } else { "" };
    let state = format!("{state}{asked}");
    Row {
        path: path(one.name()),
        title: one.title.clone(),
        crm: crm.to_owned(),
        host: one.spec.forward_host.clone(),
        pack: one.spec.pack.clone(),
        badge,
        state,
        is_moving: last.is_some_and(|run| !run.state.is_finished()),
    }
}

impl Checked {
    /// The result of asking a connection's site who this host is; of one that is reached by a folder, what is there.
    pub(super) fn of(whoami: Result<&str, &crate::crm::CrmError>, spec: &ConnectionSpec) -> Self {
        let has_folder = spec.crm.folder_setting().is_some();
        match whoami {
            Ok(found) if has_folder => Self::good(full_stop(&format::sentence(found))),
            Ok(user) => Self::good(format!("{} knows this host as {user}.", spec.forward_host)),
            Err(error) => {
                let check =
                    if has_folder { "Check the folder." } else { "Check the forward host and how it signs in." };
                Self::bad(format!("{} {check}", full_stop(&format::sentence(&error.to_string()))))
            }
        }
    }
}

fn sentence(connections: usize) -> String {
    match connections {
        0 => "No CRM is connected yet.".to_owned(),
        n => format!("{} to the practice’s CRM.", format::count(n as u64, "connection", "connections")),
    }
}

pub(super) fn path(name: &ConnectionName) -> String {
    format!("/settings/integrations/{name}")
}

const NO_CONNECTION: Failure =
    Failure::NotFound("There is no connection of this name. The list of integrations shows those there are.");

pub(super) fn parse(name: &str) -> Result<ConnectionName, Failure> {
    name.parse().map_err(|_| NO_CONNECTION)
}

pub(super) async fn find(app: &App, name: &str) -> Result<Integration, Failure> {
    Ok(app.integrations.one(&parse(name)?).await?)
}

async fn newest_run(app: &App, name: &ConnectionName) -> Result<Option<Run>, Failure> {
    Ok(app.store.runs(Some(name.clone()), first(1)).await?.items.pop())
}

impl From<IntegrationError> for Failure {
    fn from(error: IntegrationError) -> Self {
        Refusal::from(error).into()
    }
}
