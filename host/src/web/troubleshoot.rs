//! Troubleshooting: why somebody is not here, or a value is empty. The way of a record from the CRM to the page as
//! steps, with the one where it ends.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::components::{Badge, Finding, Tone};
use super::failure::{Failure, page};
use super::format;
use super::layout::{Layout, Section};
use super::listing::{Asked, OnlyPage};
use super::session::SignedIn;
use crate::app::App;
use crate::app::troubleshoot::{Stage, StageResult, Trace};
use crate::domain::access::Action;

#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    search: String,
}

#[derive(Template)]
#[template(path = "troubleshoot.html")]
pub(super) struct TroubleshootPage {
    pub(super) layout: Layout,
    pub(super) search: String,
    pub(super) state: String,
    pub(super) traces: Vec<Way>,
    /// The stages as they are, where nobody was searched for.
    pub(super) stages: Vec<(&'static str, &'static str)>,
}

/// One person's way.
pub(super) struct Way {
    pub(super) name: String,
    pub(super) connection: String,
    pub(super) household: Option<String>,
    pub(super) explain: Option<String>,
    pub(super) badge: Badge,
    pub(super) steps: Vec<Step>,
}

/// One stage of it.
pub(super) struct Step {
    pub(super) class: &'static str,
    pub(super) heading: &'static str,
    pub(super) badge: Badge,
    pub(super) message: String,
    pub(super) advice: Option<String>,
    pub(super) findings: Vec<Finding>,
}

/// `GET /troubleshoot?search=…`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    asked: Asked<Filter>,
    _: OnlyPage,
) -> Result<Response, Failure> {
    person.may(Action::ReadWholeBook)?;
    let traces = app.troubleshoot(&asked.filter.search).await?;
    let layout = Layout::load(&app, &person, Section::Review).await?;
    page(&view(&asked.filter.search, &traces, layout))
}

/// The page, from values alone.
pub(super) fn view(search: &str, traces: &[Trace], layout: Layout) -> TroubleshootPage {
    let search = search.trim();
    let known = traces.iter().filter(|trace| trace.external_id.is_some()).count() as u64;
    let state = match (search.is_empty(), known) {
        (true, _) => "Each record passes these steps on its way from the CRM to this page. Look for somebody to see \
                      where theirs ends."
            .to_owned(),
        (false, 0) => format!("Nobody is known by “{search}”, neither here nor among what was left out."),
        (false, n) => format!("{} known by “{search}”.", format::count(n, "person is", "people are")),
    };
    TroubleshootPage {
        layout,
        search: search.to_owned(),
        state,
        traces: traces.iter().map(way).collect(),
        stages: Stage::ALL.iter().map(|stage| (heading(*stage), purpose(*stage))).collect(),
    }
}

fn way(trace: &Trace) -> Way {
    let client = trace.client.as_ref();
    let name = match (client, &trace.external_id) {
        (Some(client), Some(id)) => format!("{} ({id})", format::name(&client.client.full_name())),
        (_, Some(id)) => format!("Record {id}"),
        _ => "Nobody".to_owned(),
    };
    let badge = match trace.stops_at() {
        Some(stage) => Badge::new(Tone::Trouble, format!("Ends at: {}", heading(stage))),
        None if trace.steps.iter().any(|step| step.outcome == StageResult::Attention) => {
            Badge::new(Tone::Attention, "Comes through, with something to look at")
        }
        None => Badge::new(Tone::Good, "Comes through"),
    };
    let household = client.map(|client| format!("/households/{}", client.household_id));
    Way {
        name,
        connection: trace.connection.to_string(),
        explain: client.zip(household.as_ref()).map(|(client, path)| format!("{path}/clients/{}/explain", client.id)),
        household,
        badge,
        steps: trace.steps.iter().map(step).collect(),
    }
}

fn step(step: &crate::app::troubleshoot::Step) -> Step {
    let (class, badge) = match step.outcome {
        StageResult::Passed => ("good", Badge::new(Tone::Good, "Passes")),
        StageResult::Attention => ("attention", Badge::new(Tone::Attention, "Look")),
        StageResult::Stopped => ("trouble", Badge::new(Tone::Trouble, "Ends here")),
        StageResult::NotReached => ("neutral", Badge::new(Tone::Neutral, "Not reached")),
    };
    Step {
        class,
        heading: heading(step.stage),
        badge,
        message: step.message.clone(),
        advice: step.advice.clone(),
        findings: step.findings.iter().map(Finding::from).collect(),
    }
}

fn heading(stage: Stage) -> &'static str {
    match stage {
        Stage::Credentials => "The connection signs in",
        Stage::Visibility => "The CRM shows the record",
        Stage::Status => "No rule leaves it out",
        Stage::Review => "Nobody has to decide who it is",
        Stage::Partner => "The partner link agrees",
        Stage::Mapping => "The values can be used",
        Stage::Merge => "The CRM’s value stands here",
    }
}

fn purpose(stage: Stage) -> &'static str {
    match stage {
        Stage::Credentials => "With a user and password, or an authorisation, that the CRM accepts.",
        Stage::Visibility => "The user sees the groups whose clients are to come over; the filter is the CRM’s.",
        Stage::Status => {
            "Archived and deceased clients, records without a name and records that are no people stay out."
        }
        Stage::Review => "Who looks like a client of the practice who is not linked waits for a person’s decision.",
        Stage::Partner => "Two who link each other share a household; a link of one side is followed with a warning.",
        Stage::Mapping => "A value that cannot be used, such as a landline as mobile, is left out with the reason.",
        Stage::Merge => "A value edited here stands until the next sync that brings the record.",
    }
}
