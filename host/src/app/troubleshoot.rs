//! Troubleshooting: why somebody is not here, or a value of theirs is missing. It follows a record from the CRM to the
//! page, step by step, to where it ends.
//!
//! Serves `api` and `web` alike. Asks the store only, so that looking costs the CRM nothing.

use crate::app::App;
use crate::connection::AuthState;
use crate::domain::review::ReviewState;
use crate::domain::run::{Run, RunState};
use crate::domain::stored::StoredClient;
use crate::domain::{ConnectionName, Diagnostic, ExternalId, RecordKind, Severity, with_listed};
use crate::store::StoreError;
use crate::store::book::{ClientFilter, PageRequest, Whose};
use crate::store::client_lookup::{ClientLookup, Visibility};

/// People who are traced for one search.
const PEOPLE: usize = 10;

/// Goals, and covers, of a client that are looked at.
const LISTED: usize = 500;

/// A stage that every record passes, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The connection signs in and its runs end well.
    Credentials,
    /// The CRM shows the record to the user who signs in.
    Visibility,
    /// No rule leaves the record out, and it can be read.
    Status,
    /// Nobody of the practice looks so much like it that a person has to decide.
    Review,
    /// The links to a partner agree.
    Partner,
    /// Every value could be used.
    Mapping,
    /// The values that the CRM supplied are the ones that are kept here.
    Merge,
}

impl Stage {
    /// All stages, in their order.
    pub const ALL: &[Self] =
        &[Self::Credentials, Self::Visibility, Self::Status, Self::Review, Self::Partner, Self::Mapping, Self::Merge];

    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Visibility => "visibility",
            Self::Status => "status",
            Self::Review => "review",
            Self::Partner => "partner",
            Self::Mapping => "mapping",
            Self::Merge => "merge",
        }
    }
}

/// The result of a stage for a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StageResult {
    /// The record passes.
    Passed,
    /// The record passes, and something is in doubt or was left out.
    Attention,
    /// The record ends at this stage.
    Stopped,
    /// The record does not come so far.
    NotReached,
}

impl StageResult {
    /// All results.
    pub const ALL: &[Self] = &[Self::Passed, Self::Attention, Self::Stopped, Self::NotReached];

    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Attention => "attention",
            Self::Stopped => "stopped",
            Self::NotReached => "not_reached",
        }
    }
}

/// One stage of a trace.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The stage.
    pub stage: Stage,
    /// The outcome of the stage for the record.
    pub outcome: StageResult,
    /// The message: what is known, in a sentence.
    pub message: String,
    /// The advice: what would fix it.
    pub advice: Option<String>,
    /// The diagnostics that were found at the stage.
    pub findings: Vec<Diagnostic>,
}

/// The way of one person's record, as far as it goes.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// The connection it would come by.
    pub connection: ConnectionName,
    /// The id in the CRM; none where nobody is known by what was searched for.
    pub external_id: Option<ExternalId>,
    /// The client, if it was ever in the book.
    pub client: Option<StoredClient>,
    /// All stages.
    pub steps: Vec<Step>,
}

impl Trace {
    /// The stage at which the record ends; none where it comes through.
    pub fn stops_at(&self) -> Option<Stage> {
        self.steps.iter().find(|step| step.outcome == StageResult::Stopped).map(|step| step.stage)
    }
}

impl App {
    /// Traces everybody who is known by a name, an email, a mobile or an id in the CRM; where nobody is, how far a
    /// record of that kind comes in each connection.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn troubleshoot(&self, search: &str) -> Result<Vec<Trace>, StoreError> {
        let search = search.trim();
        let mut people: Vec<(ConnectionName, ExternalId)> = Vec::new();
        let filter = ClientFilter { search: Some(search.to_owned()), ..ClientFilter::default() };
        let page = PageRequest { cursor: None, limit: PEOPLE };
        if !search.is_empty() {
            let found = self.store.clients(filter, page).await?.items;
            people.extend(found.into_iter().map(|found| (found.origin.connection, found.client.external_id)));
        }
        let id = ExternalId::sought(search);
        for connection in self.connections.all().iter() {
            let known = self.store.client_lookup(connection.name.clone(), id.clone()).await?;
            if known.client.is_some()
                || known.set_aside.is_some()
                || known.review.is_some()
                || known.sight == Visibility::Seen
            {
                people.push((connection.name.clone(), id.clone()));
            }
        }
        if !search.is_empty() && people.len() < PEOPLE {
            people.extend(self.store.set_aside_with(search.to_owned(), PEOPLE - people.len()).await?);
        }
        if !search.is_empty() && people.len() < PEOPLE {
            people.extend(self.store.held_with(search.to_owned(), PEOPLE - people.len()).await?);
        }
        let mut traces: Vec<Trace> = Vec::new();
        for (connection, id) in people {
            let is_known = |trace: &Trace| trace.connection == connection && trace.external_id.as_ref() == Some(&id);
            if !traces.iter().any(is_known) {
                traces.push(self.trace(connection, Some(id)).await?);
            }
        }
        if traces.is_empty() && !search.is_empty() {
            for connection in self.connections.all().iter() {
                traces.push(self.trace(connection.name.clone(), None).await?);
            }
        }
        Ok(traces)
    }

    /// Traces one record.
    async fn trace(&self, connection: ConnectionName, id: Option<ExternalId>) -> Result<Trace, StoreError> {
        let known = match &id {
            Some(id) => Some(self.store.client_lookup(connection.clone(), id.clone()).await?),
            None => None,
        };
        let newest = PageRequest { cursor: None, limit: 1 };
        let newest = self.store.runs(Some(connection.clone()), newest).await?.items.pop();
        let mut steps = vec![self.credentials(&connection).await?, visibility(known.as_ref(), newest.as_ref())];
        steps.extend([status(known.as_ref()), review(known.as_ref())]);
        let client = known.as_ref().and_then(|known| known.client.clone());
        let lists_aside = known.as_ref().map(|known| known.lists_aside.clone()).unwrap_or_default();
        let in_book = client.as_ref().filter(|_| known.as_ref().is_some_and(|known| known.is_in_book));
        match in_book {
            Some(client) => {
                let household = self.store.household(client.household_id).await?;
                steps.push(partner(household.map(|row| row.household.diagnostics).unwrap_or_default()));
                let unread = lists_aside.into_iter().flat_map(|list| named(list.kind, list.diagnostics));
                let of_lists = unread.chain(self.findings_of_lists(client).await?).collect();
                steps.push(mapping(client, of_lists));
                steps.push(merge(client));
            }
            None => steps.extend([Stage::Partner, Stage::Mapping, Stage::Merge].map(not_reached)),
        }
        // What lies behind the stage where a record ends is not reached, whatever is known from before.
        let stop = steps.iter().position(|step| step.outcome == StageResult::Stopped);
        if let Some(stop) = stop.filter(|_| in_book.is_none()) {
            for step in &mut steps[stop + 1..] {
                *step = not_reached(step.stage);
            }
        }
        Ok(Trace { connection, external_id: id, client, steps })
    }

    /// The diagnostics about the client's goals and covers that still stand in the CRM's lists, each once.
    async fn findings_of_lists(&self, client: &StoredClient) -> Result<Vec<Diagnostic>, StoreError> {
        let mut said = Vec::new();
        for kind in RecordKind::LISTED {
            let page = PageRequest { cursor: None, limit: LISTED };
            with_listed!(*kind, Item => {
                let items = self.store.items::<Item>(Whose::Client(client.id), page).await?.items;
                let listed = items.into_iter().map(|item| item.listed).filter(|item| item.gone_since.is_none());
                said.extend(listed.flat_map(|item| named(*kind, item.diagnostics)));
            });
        }
        let mut findings: Vec<Diagnostic> = Vec::new();
        for finding in said {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        Ok(findings)
    }

    async fn credentials(&self, connection: &ConnectionName) -> Result<Step, StoreError> {
        if connection.is_practice() {
            let message = "Made in the practice and not linked to the CRM, so that nothing comes over.";
            let advice = "Link the client to the CRM on the household’s page.";
            return Ok(step(Stage::Credentials, StageResult::Attention, message, Some(advice)));
        }
        let newest = PageRequest { cursor: None, limit: 1 };
        let run = self.store.runs(Some(connection.clone()), newest).await?.items.pop();
        if let Some((message, advice)) = self.obstacle(connection) {
            // What was imported before stays, so that only who never could come ends here.
            let outcome = if run.is_some() { StageResult::Attention } else { StageResult::Stopped };
            return Ok(step(Stage::Credentials, outcome, message, Some(advice)));
        }
        let (outcome, message, advice) = match run {
            None => (
                StageResult::Stopped,
                "This connection has not synced yet.".to_owned(),
                Some("Start a sync: “Sync now” on the overview.".to_owned()),
            ),
            Some(run) if run.state == RunState::Failed => (
                StageResult::Attention,
                format!("The last sync failed: {}", run.error.unwrap_or_else(|| "the host's log says why.".to_owned())),
                Some("What had come over before stays; mend this first, or nothing new comes.".to_owned()),
            ),
            Some(run) if !run.state.is_finished() => {
                (StageResult::Attention, "A sync is under way; what it brings may not be here yet.".to_owned(), None)
            }
            Some(run) if run.state == RunState::Cancelled => (
                StageResult::Attention,
                "The last sync was cancelled before it had read the whole book.".to_owned(),
                Some("What it had brought over stays; the next sync reads the rest.".to_owned()),
            ),
            Some(_) => (StageResult::Passed, "The connection signs in, and its last sync ended well.".to_owned(), None),
        };
        Ok(Step { stage: Stage::Credentials, outcome, message, advice, findings: Vec::new() })
    }

    /// The obstacle in the connection's way now, whatever its runs did before, and what would remove it.
    fn obstacle(&self, connection: &ConnectionName) -> Option<(String, &'static str)> {
        let Some(at_work) = self.connections.get(connection) else {
            let message = "The connection is disabled, removed or has a problem, so that nothing new comes.".to_owned();
            return Some((message, "Look at it under Settings, Integrations."));
        };
        let auth = at_work.authorisation.state();
        let message = auth.obstacle()?;
        let (state, advice) = match auth {
            AuthState::AnotherSite { .. } | AuthState::TakenSite { .. } => {
                ("The connection is paused", "Say which site it is under Settings, Integrations.")
            }
            AuthState::Refused { .. } => ("The connection is paused", "Authorise it under Settings, Integrations."),
            _ => ("The connection waits to be authorised", "Authorise it under Settings, Integrations."),
        };
        Some((format!("{state}. {message}"), advice))
    }
}

/// The diagnostics with fields told from the client's own: `cover.type`, as in reports of runs.
fn named(kind: RecordKind, diagnostics: Vec<Diagnostic>) -> impl Iterator<Item = Diagnostic> {
    diagnostics.into_iter().map(move |found| {
        let field = found.field.map(|field| format!("{}.{field}", kind.as_str()));
        Diagnostic { field, ..found }
    })
}

fn step(stage: Stage, outcome: StageResult, message: impl Into<String>, advice: Option<&str>) -> Step {
    Step { stage, outcome, message: message.into(), advice: advice.map(str::to_owned), findings: Vec::new() }
}

fn not_reached(stage: Stage) -> Step {
    step(stage, StageResult::NotReached, "The record does not come so far.", None)
}

const LET_IT_SEE: &str = "In the CRM, look whether this person exists and whether the user whom the connection signs in \
                          as sees the group that the person is in. Once it does, the next sync brings the person.";

/// Whether a run read the whole book, or is not over.
fn is_whole(run: &Run) -> bool {
    !run.state.is_finished() || run.state == RunState::Done && run.counts.is_whole()
}

fn visibility(known: Option<&ClientLookup>, newest: Option<&Run>) -> Step {
    let Some(known) = known else {
        let message = "Nobody known by this came over, and no record that was left out has it.";
        return step(Stage::Visibility, StageResult::Stopped, message, Some(LET_IT_SEE));
    };
    let since = known.client.as_ref().and_then(|client| client.not_visible_since);
    match (known.sight, since) {
        (_, Some(since)) => {
            let message = format!(
                "The CRM no longer shows this person; two complete walks in a row did not see them, the second on \
                 {since:.0}. What had come over is kept."
            );
            step(Stage::Visibility, StageResult::Stopped, message, Some(LET_IT_SEE))
        }
        (Visibility::Seen, None) if newest.is_some_and(|run| !is_whole(run)) => {
            let message = "A walk before the last sync saw the record. The last sync could not use all that it read, so that \
                           nothing follows from whom it did not see.";
            step(Stage::Visibility, StageResult::Attention, message, Some("Look at the page of the last run."))
        }
        (Visibility::Seen, None) => {
            step(Stage::Visibility, StageResult::Passed, "The last complete walk saw the record.", None)
        }
        (Visibility::NotSeen, None) if known.is_in_book => {
            let message = "The last complete walk did not see the record; a second one in a row will mark it as not \
                         visible.";
            step(Stage::Visibility, StageResult::Attention, message, Some(LET_IT_SEE))
        }
        (Visibility::NotSeen, None) => {
            let message = "The last complete walk did not see a record of this id.";
            step(Stage::Visibility, StageResult::Stopped, message, Some(LET_IT_SEE))
        }
        (Visibility::NoWalk, None) if known.is_in_book || known.set_aside.is_some() || known.review.is_some() => {
            step(Stage::Visibility, StageResult::Passed, "A walk that was not complete saw the record.", None)
        }
        (Visibility::NoWalk, None) => {
            let message = "No walk has gone through the whole book yet.";
            step(Stage::Visibility, StageResult::Stopped, message, Some("Let a sync end, then look again."))
        }
    }
}

fn status(known: Option<&ClientLookup>) -> Step {
    let Some(known) = known else { return not_reached(Stage::Status) };
    match &known.set_aside {
        Some(aside) => {
            let (message, advice) = if aside.quarantined {
                (
                    "The record cannot be read, so it does not come over; what had come over before stays.",
                    "Mend in the CRM what the finding names, or the pack that reads it.",
                )
            } else {
                (
                    "A rule of the pack leaves the record out.",
                    "If the person belongs here, change what the finding names in the CRM.",
                )
            };
            let outcome = if known.is_in_book { StageResult::Attention } else { StageResult::Stopped };
            Step { findings: aside.diagnostics.clone(), ..step(Stage::Status, outcome, message, Some(advice)) }
        }
        None if known.is_in_book || known.review.is_some() => {
            step(Stage::Status, StageResult::Passed, "No rule leaves the record out, and it can be read.", None)
        }
        None => not_reached(Stage::Status),
    }
}

fn review(known: Option<&ClientLookup>) -> Step {
    let Some(known) = known else { return not_reached(Stage::Review) };
    let state = known.review.as_ref().map(|review| review.state);
    let (outcome, message, advice) = match state {
        Some(ReviewState::Ignored) => (
            StageResult::Stopped,
            "Somebody decided in the review queue that this person stays out of the book.",
            Some("Take the decision back under Review, and the next sync brings the person."),
        ),
        // What was imported comes with the next sync, what is linked is in the book.
        Some(ReviewState::Imported) => (
            StageResult::Stopped,
            "Somebody decided in the review queue that this is a new client; the next sync brings the person.",
            Some("“Sync now” on the overview brings the person at once."),
        ),
        Some(_) if !known.is_in_book => (
            StageResult::Stopped,
            "The person looks like a client of the practice who is not linked to the CRM, and waits in the review queue.",
            Some("Decide there whether it is the same person: Import, Ignore or Link."),
        ),
        _ if known.is_in_book => (
            StageResult::Passed,
            "Nobody of the practice who is not linked looks like this person, or it was decided.",
            None,
        ),
        _ => return not_reached(Stage::Review),
    };
    step(Stage::Review, outcome, message, advice)
}

fn partner(findings: Vec<Diagnostic>) -> Step {
    if findings.is_empty() {
        return step(Stage::Partner, StageResult::Passed, "The links between partners agree.", None);
    }
    let advice = "Link the two to each other in the CRM, or neither.";
    let message = "The household's links stand in doubt.";
    Step { findings, ..step(Stage::Partner, StageResult::Attention, message, Some(advice)) }
}

fn mapping(client: &StoredClient, of_lists: Vec<Diagnostic>) -> Step {
    let found = client.diagnostics.iter().cloned().chain(of_lists);
    let findings: Vec<Diagnostic> = found.filter(|found| found.severity >= Severity::Warning).collect();
    if findings.is_empty() {
        let message = "Every value that the CRM has could be used. A field that is empty here is empty there.";
        return step(Stage::Mapping, StageResult::Passed, message, None);
    }
    let advice = "“Why these values?” shows for each field where it was read and what was left out.";
    let message = "Some values could not be used, so that fields are empty or in doubt.";
    Step { findings, ..step(Stage::Mapping, StageResult::Attention, message, Some(advice)) }
}

fn merge(client: &StoredClient) -> Step {
    if client.edits.is_empty() {
        return step(Stage::Merge, StageResult::Passed, "What stands here is what the CRM supplied last.", None);
    }
    let fields: Vec<&str> = client.edits.iter().map(|edit| edit.field.as_str()).collect();
    let message = format!("Edited here, until the next sync overrides it: {}.", fields.join(", "));
    step(Stage::Merge, StageResult::Attention, message, Some("Change it in the CRM to keep it."))
}
