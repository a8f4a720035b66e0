//! Figures for Prometheus. They count runs, clients, notes and requests by connection, and name nobody.
//!
//! Events are counted where they happen; states are set when somebody asks for the figures.

use std::sync::OnceLock;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::domain::ConnectionName;
use crate::domain::note::{Note, NoteState};
use crate::domain::run::{Run, RunState};

/// Bounds of the delivery times, in seconds.
const DELIVERY: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0, 86_400.0];

static FIGURES: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Begins to count, once a process; before, counting costs nothing and is lost.
pub fn start() {
    FIGURES.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DELIVERY).ok()?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        describe();
        Some(handle)
    });
}

/// The figures in Prometheus' text form; empty where nobody counts.
pub fn text() -> String {
    let Some(handle) = FIGURES.get().and_then(Option::as_ref) else { return String::new() };
    handle.run_upkeep();
    handle.render()
}

fn describe() {
    describe_counter!("tidegate_runs_total", "Runs that came to an end, by how");
    describe_counter!("tidegate_clients_seen_total", "Clients that finished runs read");
    describe_counter!("tidegate_clients_changed_total", "Clients that finished runs made or changed");
    describe_counter!("tidegate_notes_done_total", "File notes delivered to the CRM");
    describe_counter!("tidegate_crm_requests_total", "Requests to the CRM");
    describe_counter!("tidegate_crm_retries_total", "Requests to the CRM made again after a fault");
    describe_counter!("tidegate_crm_slow_downs_total", "Times that the CRM was given fewer requests at once");
    describe_histogram!("tidegate_note_delivery_seconds", "From accepting an event to its note in the CRM");
    describe_gauge!("tidegate_notes", "File notes that are not in the CRM, by state");
    describe_gauge!(
        "tidegate_connection_authorised",
        "1 where the site lets the host in, 0 where somebody has to authorise it"
    );
    describe_gauge!("tidegate_last_run_ended_seconds", "When the newest complete run ended, in seconds since 1970");
    describe_gauge!("tidegate_clients", "Clients in the practice");
    describe_counter!("tidegate_task_deaths_total", "Tasks of the host that died and were begun again, by task");
    describe_counter!("tidegate_revisions_taken_back_total", "Revisions of packs that the breaker took back");
    describe_gauge!("tidegate_disk_free_bytes", "Free space on the disk of the data folder");
    describe_gauge!("tidegate_tasks_down", "Tasks of the host that are down now");
}

/// A run came to its end.
pub fn run_ended(run: &Run) {
    let connection = run.connection.to_string();
    let state = match run.state {
        RunState::Done => "done",
        RunState::Cancelled => "cancelled",
        RunState::Failed | RunState::Queued | RunState::Running => "failed",
    };
    counter!("tidegate_runs_total", "connection" => connection.clone(), "state" => state).increment(1);
    counter!("tidegate_clients_seen_total", "connection" => connection.clone()).increment(run.counts.seen);
    let changed = run.counts.created + run.counts.changed;
    counter!("tidegate_clients_changed_total", "connection" => connection).increment(changed);
}

/// A note is in the CRM.
pub fn note_delivered(note: &Note) {
    let connection = note.connection.to_string();
    counter!("tidegate_notes_done_total", "connection" => connection.clone()).increment(1);
    if let Some(done_at) = note.done_at {
        let took = done_at.duration_since(note.accepted_at).as_secs_f64();
        histogram!("tidegate_note_delivery_seconds", "connection" => connection).record(took);
    }
}

/// Sets the number of notes in a state.
pub fn notes_in(state: NoteState, count: u64) {
    let state = match state {
        NoteState::Queued => "queued",
        NoteState::Sending => "sending",
        NoteState::Waiting => "waiting",
        NoteState::Done => "done",
        NoteState::Dead => "dead",
    };
    gauge!("tidegate_notes", "state" => state).set(count as f64);
}

/// Sets the state of a connection: whether its site lets the host in, its requests and repeats, and when its newest
/// complete run ended.
pub fn connection(
    name: &ConnectionName,
    is_authorised: bool,
    [requests, retries, slow_downs]: [u64; 3],
    ended: Option<i64>,
) {
    let name = name.to_string();
    gauge!("tidegate_connection_authorised", "connection" => name.clone()).set(f64::from(u8::from(is_authorised)));
    counter!("tidegate_crm_requests_total", "connection" => name.clone()).absolute(requests);
    counter!("tidegate_crm_retries_total", "connection" => name.clone()).absolute(retries);
    counter!("tidegate_crm_slow_downs_total", "connection" => name.clone()).absolute(slow_downs);
    if let Some(ended) = ended {
        gauge!("tidegate_last_run_ended_seconds", "connection" => name).set(ended as f64);
    }
}

/// The breaker took back the revision of a connection.
pub fn taken_back(connection: &ConnectionName) {
    counter!("tidegate_revisions_taken_back_total", "connection" => connection.to_string()).increment(1);
}

/// A task of the host died.
pub fn task_died(task: &str) {
    counter!("tidegate_task_deaths_total", "task" => task.to_owned()).increment(1);
}

/// Sets the number of the host's tasks that are down.
pub fn tasks_down(count: usize) {
    gauge!("tidegate_tasks_down").set(count as f64);
}

/// Sets the space that is left on the data folder's disk, in bytes.
pub fn free_space(bytes: u64) {
    gauge!("tidegate_disk_free_bytes").set(bytes as f64);
}

/// Sets the number of clients that the practice has.
pub fn clients(count: u64) {
    gauge!("tidegate_clients").set(count as f64);
}
