//! The conformance battery: what the contract asks of every mapping component, whatever CRM and language it is for, tried in
//! the sandbox and with the limits of a host.
//!
//! The gates of a pack hold it to what its author wrote down; the battery holds it to what no author writes down: that the
//! same record gives the same answer in any batch, that rubbish costs itself alone, that an explanation tells of what was
//! mapped. Serves `tidegate pack conform`.

mod answers;
mod rubbish;
mod rules;

use std::cell::OnceCell;

use serde::Serialize;

use super::fixtures;
use super::{Context, PLUGIN_AT_FAULT, PackError, RawInput, Revision, Verdict, convert};
use crate::domain::{ExternalId, RecordKind};

/// The problems that are told of one demand.
const MOST_TOLD: usize = 5;

/// What became of one demand of the contract.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// The demand, by a name that stays.
    pub demand: &'static str,
    /// What the contract asks.
    pub says: &'static str,
    /// Whether it is met.
    pub ok: bool,
    /// The ways in which it is not: the record, and what happened.
    pub problems: Vec<String>,
}

/// Tries one demand: answers what is wrong, a line each.
type Try = fn(&Subject<'_>) -> Vec<String>;

/// All demands, in the order in which they are tried.
const DEMANDS: [(&str, &str, Try); 17] = [
    (
        "refuses-text-that-is-no-rules",
        "rules that are no JSON, or no object, are refused and not fallen over",
        rules::no_rules,
    ),
    ("refuses-unknown-rules", "a rule that it does not know is refused, with its place", rules::unknown),
    ("names-the-wrong-rule", "a rule of the wrong type is refused, with its place or one in it", rules::of_wrong_type),
    ("configures-alike", "the same rules ask for the same sources", rules::alike),
    ("answers-each", "as many outcomes as records, in their order, with their ids", answers::each),
    ("answers-none", "no records, no outcomes", answers::none),
    ("answers-alike", "the same record gives the same outcome, whatever stands beside it", answers::alike),
    ("keeps-nothing", "nothing that an earlier call brought shows in a later one", answers::nothing_kept),
    ("reads-the-day-where-it-says", "the day changes only kinds that the manifest says read it", answers::day),
    ("writes-what-it-says", "only fields that the manifest names are filled", answers::fields_written),
    ("explains-what-it-maps", "an explanation has the values of the outcome", answers::explains),
    (
        "works-within-its-time",
        "500 records in one batch stay within the time and the calls of a host",
        answers::whole_batch,
    ),
    ("rejects-what-is-no-record", "what is no UTF-8 JSON is rejected with a reason", rubbish::no_json),
    ("takes-empty-records", "a record without a row, or with one of another form, costs itself alone", rubbish::empty),
    ("takes-anything-for-a-value", "a value of another type, or of 64 kB, is never a failure", rubbish::other_values),
    ("rejects-other-kinds", "a record of a kind that it does not map is rejected with a reason", rubbish::other_kinds),
    ("refuses-unknown-events", "an event that it does not know is refused with a reason", rubbish::unknown_event),
];

/// What is tried.
struct Subject<'a> {
    revision: &'a Revision,
    context: Context,
    /// The raw records of its fixtures.
    records: Vec<RawInput>,
    /// Whether there are fixtures of records in another dialect: then none are needed in this one.
    is_tried_in_another: bool,
    /// What becomes of each by itself.
    alone: OnceCell<Vec<Result<Verdict, String>>>,
}

/// Tries all demands on a loaded pack in a dialect, with the records of the fixtures.
///
/// # Errors
/// Names the fixture that cannot be read.
pub fn conform(revision: &Revision, folder: &std::path::Path, dialect: &str) -> Result<Vec<Finding>, PackError> {
    let context = fixtures::context(revision.region(), dialect);
    let records = fixtures::records(folder, dialect)?;
    let has_records = |other: String| fixtures::records(folder, &other).is_ok_and(|records| !records.is_empty());
    let is_tried_in_another = records.is_empty() && super::dialects(folder).into_iter().any(has_records);
    let subject = Subject { revision, context, records, is_tried_in_another, alone: OnceCell::new() };
    let finding = |&(demand, says, attempt): &(&'static str, &'static str, Try)| {
        let mut problems = attempt(&subject);
        let more = problems.len().saturating_sub(MOST_TOLD);
        problems.truncate(MOST_TOLD);
        if more > 0 {
            problems.push(format!("and {more} more"));
        }
        Finding { demand, says, ok: problems.is_empty(), problems }
    };
    Ok(DEMANDS.iter().map(finding).collect())
}

impl Subject<'_> {
    /// The verdicts on a batch in one fresh instance, not halved: what fails, fails.
    fn map(&self, context: &Context, records: &[RawInput]) -> Result<Vec<Verdict>, String> {
        let as_of = context.as_of.to_string();
        let pieces: Vec<_> = records.iter().map(|record| convert::raw_record(record, &record.json)).collect();
        let mut instance = self.revision.ready().map_err(|failure| failure.to_string())?;
        let answered =
            instance.map(convert::context(context, &as_of), &pieces).map_err(|failure| failure.to_string())?;
        let verdicts = convert::verdicts(context, &pieces, answered)?;
        match verdicts.iter().find_map(unusable) {
            Some(why) => Err(why.to_owned()),
            None => Ok(verdicts),
        }
    }

    /// The verdict on one record by itself.
    fn map_one(&self, record: &RawInput) -> Result<Verdict, String> {
        let mut verdicts = self.map(&self.context, std::slice::from_ref(record))?;
        verdicts.pop().ok_or_else(|| "no outcome".to_owned())
    }

    /// What becomes of each record by itself.
    fn alone(&self) -> &[Result<Verdict, String>] {
        self.alone.get_or_init(|| self.records.iter().map(|record| self.map_one(record)).collect())
    }

    /// The kinds that it says it maps.
    fn kinds(&self) -> &[RecordKind] {
        &self.revision.manifest.kinds
    }
}

/// The reason why the host could not use an answer, where it could not.
fn unusable(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Rejected(said) => {
            let own = said.iter().find(|one| PLUGIN_AT_FAULT.contains(&one.code.as_str()));
            own.map(|one| one.message.as_str())
        }
        _ => None,
    }
}

/// A record as problems name it: never by what stands in it.
fn named(record: &RawInput) -> String {
    format!("{} {}", record.kind.as_str(), record.id.as_str().escape_debug())
}

/// A made-up record.
fn made_up(kind: RecordKind, json: &[u8]) -> RawInput {
    RawInput { kind, id: ExternalId("conformance-1".to_owned()), json: json.to_vec() }
}
