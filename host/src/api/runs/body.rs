//! A run as it is answered.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::api::schema;
use crate::domain::run::{ListCounts, Run, RunCounts, RunState, Trigger};
use crate::domain::{ConnectionName, RecordKind, RunId, Timestamp};

/// One run of a connection's sync.
#[derive(Serialize, ToSchema)]
#[schema(as = Run)]
pub struct RunBody {
    /// The run's id.
    #[schema(value_type = String, format = Uuid)]
    id: RunId,
    /// The connection that the run syncs.
    #[schema(value_type = String)]
    connection: ConnectionName,
    /// The state of the run. `running` is also a run that was interrupted and is about to be taken up again.
    #[schema(schema_with = schema::run_state)]
    state: RunState,
    /// The trigger that set it off.
    #[schema(schema_with = schema::trigger)]
    trigger: Trigger,
    /// The moment at which it was asked for.
    #[schema(value_type = String, format = DateTime)]
    queued_at: Timestamp,
    /// The moment at which the run began.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// The moment at which the run ended.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// Clients that the walk before it saw: what progress is measured against; null on a first walk.
    #[schema(required)]
    expected: Option<u64>,
    /// The counts of the run so far.
    counts: RunCountsBody,
    /// The reason why it failed.
    #[schema(required)]
    error: Option<String>,
}

/// The counts of a run, of clients unless said otherwise.
#[derive(Serialize)]
pub struct RunCountsBody {
    #[serde(flatten)]
    of_clients: ClientCountsBody,
    /// The counts of the items in the clients' lists, by kind.
    #[serde(flatten)]
    lists: BTreeMap<&'static str, ListCountsBody>,
}

impl PartialSchema for RunCountsBody {
    fn schema() -> RefOr<Schema> {
        let mut schema = ClientCountsBody::schema();
        let RefOr::T(Schema::Object(object)) = &mut schema else { return schema };
        for kind in RecordKind::LISTED {
            let counts = Ref::from_schema_name(ListCountsBody::name());
            object.properties.insert(kind.plural().to_owned(), RefOr::Ref(counts));
            object.required.push(kind.plural().to_owned());
        }
        schema
    }
}

impl ToSchema for RunCountsBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("RunCounts")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ClientCountsBody::schemas(schemas);
        schemas.push((ListCountsBody::name().into_owned(), ListCountsBody::schema()));
    }
}

/// The counts of a run, of clients unless said otherwise.
#[derive(Serialize, ToSchema)]
struct ClientCountsBody {
    /// The number of advisers read.
    advisers: u64,
    /// The number of clients read from the CRM, of whatever outcome.
    seen: u64,
    /// The number with the same raw record and revision as last time: not mapped again.
    unchanged: u64,
    /// The number that are new in the practice.
    created: u64,
    /// The number of which at least one stored field changed.
    changed: u64,
    /// The number that were mapped again to the same values.
    same: u64,
    /// The number left out by a rule, by reason.
    skipped: BTreeMap<String, u64>,
    /// The number of those left out by rules who were in the book until then.
    newly_left_out: u64,
    /// The number left out by a rule before, and in the book again; among `changed` or `same` too.
    returned: u64,
    /// The number that cannot be used and are kept in quarantine.
    quarantined: u64,
    /// The number that look like a client of the practice who is not linked: in the review queue.
    held: u64,
    /// The number that were erased here and are kept away: nothing of them was stored.
    erased: u64,
    /// The number of local edits that the CRM overrode.
    overridden: u64,
    /// Rows that came again within the walk, because rows moved while they were read; each was taken once.
    repeated: u64,
    /// Rows that name no record, so that nothing could be kept of them.
    unreadable: u64,
    /// Clients whom the walk did not see, because rows moved while they were read, and whom the CRM shows when it is
    /// asked by id: they were imported so.
    missed: u64,
    /// Clients whom the walk did not see, and the CRM failed when it was asked by id.
    unconfirmed: u64,
    /// Warnings about imported records, and errors by which a part of one was left out (a row of a list), by code.
    warnings: BTreeMap<String, u64>,
    /// Stored fields that changed, by canonical field; those of goals and covers as `goal.name` and `cover.premium`.
    changed_fields: BTreeMap<String, u64>,
    /// The number marked as not visible: two complete walks in a row did not see them.
    not_visible: u64,
    /// The number that were not visible before, and are seen again.
    visible_again: u64,
    /// The number that are gone as well, but too many at once: somebody has to confirm that they are gone
    /// (`/connections/{name}/departures`).
    awaiting: u64,
    /// The data-quality warnings about the whole book after a complete walk, by code: links of couples, by household,
    /// addresses that several clients have, by client, and goals and covers that their lists do not show: those that
    /// one complete walk missed, and those of which somebody has to confirm that they are gone.
    doubts: BTreeMap<String, u64>,
    /// The number of rows of `/runs/{id}/changes`.
    listed: u64,
    /// The number of HTTP requests made to the CRM.
    requests: u64,
    /// The number of requests that were repeated after a fault.
    retries: u64,
    /// The number of times that the CRM was asked less at once, because it slowed down or said so.
    slow_downs: u64,
    /// What is to be seen to in what was read, a sentence each, where the CRM's connector can name it: rows that were not
    /// used, with their file and line, the first 50.
    told: Vec<String>,
}

/// The counts of a run for the goals, or the covers, in the lists that it read.
#[derive(Serialize, ToSchema)]
#[schema(as = ListCounts)]
pub struct ListCountsBody {
    /// The number that are new in the practice.
    created: u64,
    /// The number of which at least one value changed, or which are in their list again.
    changed: u64,
    /// The number that stayed as they were.
    unchanged: u64,
    /// The number marked as gone: two complete walks in a row did not find them in their list.
    gone: u64,
    /// The number of clients whose list cannot be used and is kept in quarantine.
    quarantined: u64,
}

impl From<ListCounts> for ListCountsBody {
    fn from(counts: ListCounts) -> Self {
        let ListCounts { created, changed, unchanged, gone, quarantined } = counts;
        Self { created, changed, unchanged, gone, quarantined }
    }
}

impl From<Run> for RunBody {
    fn from(run: Run) -> Self {
        let Run { id, connection, state, trigger, queued_at, started_at, finished_at, expected, counts, error } = run;
        let counts = counts.into();
        Self { id, connection, state, trigger, queued_at, started_at, finished_at, expected, counts, error }
    }
}

impl From<RunCounts> for RunCountsBody {
    fn from(counts: RunCounts) -> Self {
        let of_list = |kind: &RecordKind| (kind.plural(), counts.list(*kind).into());
        let lists = RecordKind::LISTED.iter().map(of_list).collect();
        let of_clients = ClientCountsBody {
            advisers: counts.advisers,
            seen: counts.seen,
            unchanged: counts.unchanged,
            created: counts.created,
            changed: counts.changed,
            same: counts.same,
            skipped: counts.skipped,
            newly_left_out: counts.newly_left_out,
            returned: counts.returned,
            quarantined: counts.quarantined,
            held: counts.held,
            erased: counts.erased,
            overridden: counts.overridden,
            repeated: counts.repeated,
            unreadable: counts.unreadable,
            missed: counts.missed,
            unconfirmed: counts.unconfirmed,
            warnings: counts.warnings,
            changed_fields: counts.changed_fields,
            not_visible: counts.not_visible,
            visible_again: counts.visible_again,
            awaiting: counts.awaiting,
            doubts: counts.doubts,
            listed: counts.listed,
            requests: counts.requests,
            retries: counts.retries,
            slow_downs: counts.slow_downs,
            told: counts.told,
        };
        Self { of_clients, lists }
    }
}
