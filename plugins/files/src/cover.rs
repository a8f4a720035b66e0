//! Covers: the rows of an export of policies, a row a cover.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use tidegate_sdk::{
    Canonical, Cover, CoverOwner, CoverType, Ctx, LineageRecorder, MapResult, Origin, PremiumFrequency, RawRecord,
    RuleProblem, Spellings, Table, canonical::Choice,
};

use crate::forms::Forms;
use crate::goal::{distinct, key, rows};
use crate::row::Row;
use crate::rules::Columns;
use crate::values;

const FIELDS: &[&str] = &[
    "client",
    "id",
    "policy_number",
    "type",
    "insurer",
    "plan_name",
    "sum_insured",
    "premium",
    "premium_frequency",
    "owner",
    "renewal_date",
    "end_date",
];

/// The rules by which covers are read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CoverRules {
    /// The export's name, without its ending.
    list: String,
    fields: BTreeMap<String, String>,
    /// The currency of amounts that state none, ISO 4217.
    currency: String,
    /// Types of cover, with the region's words.
    types: Spellings,
    /// The intervals at which a premium falls due, with the export's words.
    premium_frequencies: Spellings,
    /// Owners, with their spellings; whoever is not here is another party.
    owners: Spellings,
}

/// The mapping of covers.
pub(crate) struct CoverMapping {
    pub list: String,
    pub columns: Columns,
    currency: String,
    types: Table<CoverType>,
    frequencies: Table<PremiumFrequency>,
    owners: Table<CoverOwner>,
}

impl CoverMapping {
    /// Makes the rules ready; what is wrong with them is added to `problems`.
    pub fn new(rules: CoverRules, problems: &mut Vec<RuleProblem>) -> Self {
        values::check_currency(&rules.currency, "/cover/currency", problems);
        Self {
            columns: Columns::new(rules.fields, FIELDS, "/cover/fields", problems),
            types: rules.types.choices("/cover/types", problems),
            frequencies: rules.premium_frequencies.choices("/cover/premium_frequencies", problems),
            owners: rules.owners.choices("/cover/owners", problems),
            list: rules.list,
            currency: rules.currency,
        }
    }
}

/// Maps a client's insurance.
pub(crate) fn map(
    rules: &CoverMapping,
    forms: &Forms,
    ctx: &Ctx<'_>,
    raw: &RawRecord,
    recorder: &mut LineageRecorder,
) -> MapResult {
    let Some(rows) = rows(&raw.json, &rules.list, recorder) else { return MapResult::Rejected };
    let mut counted = HashMap::new();
    let mut covers = Vec::with_capacity(rows.len());
    let row_at =
        |index: usize| Row { cells: &rows[index], columns: &rules.columns, forms, place: Some((&rules.list, index)) };
    let Some(places) = distinct(&rows, row_at, recorder) else { return MapResult::Rejected };
    for (place, index) in places.into_iter().enumerate() {
        let row = row_at(index);
        recorder.enter("covers", place);
        recorder.origin("external_id", || Origin {
            rule: Some("/cover/fields/id, or the policy's number and the type".to_owned()),
            ..row.origin("id", None)
        });
        covers.push(Canonical::Cover(cover(rules, ctx, &raw.id, row, &mut counted, recorder)));
    }
    recorder.leave();
    MapResult::Mapped(covers)
}

fn cover(
    rules: &CoverMapping,
    ctx: &Ctx<'_>,
    client: &str,
    row: Row<'_, '_>,
    counted: &mut HashMap<String, usize>,
    recorder: &mut LineageRecorder,
) -> Cover {
    let (type_, type_as_given) = cover_type(rules, row, recorder);
    let policy_number = row.text("policy_number", "policy_number", recorder);
    let by_number = [policy_number.as_deref(), type_as_given.as_deref()].map(|part| part.unwrap_or("cover")).join(" ");
    let key = key(row.written("id"), &by_number, counted);
    let frequency = row.text("premium_frequency", "premium_frequency", recorder);
    let ends = values::day(row, "end_date", "end_year", recorder);
    let as_of = &ctx.context.as_of;
    recorder
        .origin("expired", || row.origin("end_date", Some(format!("{}/end_date before {as_of}", rules.columns.path))));
    let sum_insured = values::amount(row, "sum_insured", "sum_insured", &rules.currency, recorder);
    let premium = values::amount(row, "premium", "premium", &rules.currency, recorder);
    Cover {
        external_id: format!("{client}/{key}"),
        policy_number,
        type_,
        type_as_given,
        insurer: row.text("insurer", "insurer", recorder),
        plan_name: row.text("plan_name", "plan_name", recorder),
        sum_insured: values::not_below_zero(sum_insured, "sum_insured", recorder),
        premium: values::not_below_zero(premium, "premium", recorder),
        premium_frequency: frequency
            .and_then(|word| rules.frequencies.read(&word, "premium_frequency", recorder))
            .copied(),
        owner: owner(rules, row, recorder),
        renewal_date: values::day(row, "renewal_date", "renewal_date", recorder).map(|day| day.to_string()),
        end_year: ends.map(|day| day.year),
        expired: ends.is_some_and(|day| day.to_string() < *as_of),
        extensions: Vec::new(),
    }
}

/// The type, and the export's own word for it. A word that no table knows is kept as it is given.
fn cover_type(rules: &CoverMapping, row: Row<'_, '_>, recorder: &mut LineageRecorder) -> (CoverType, Option<String>) {
    recorder.origin("type_as_given", || row.origin("type", None));
    let Some(given) = row.text("type", "type", recorder) else { return (CoverType::Other, None) };
    let without_remark = || rules.types.get_without_remark(&given).map(|(known, _)| known);
    let known = rules.types.get(&given).or_else(without_remark).copied();
    recorder.origin("type", || row.origin("type", known.map(|known| format!("/cover/types/{}", known.word()))));
    if known.is_none() {
        let message = format!(
            "“{given}” is no type of cover the rules know; it is shown as the CRM writes it. If it is one of the five, add \
             the word to /cover/types in the pack's rules."
        );
        recorder.warn("type", "unknown-type", message);
    }
    (known.unwrap_or(CoverType::Other), Some(given))
}

fn owner(rules: &CoverMapping, row: Row<'_, '_>, recorder: &mut LineageRecorder) -> CoverOwner {
    let Some(text) = row.text("owner", "owner", recorder) else { return CoverOwner::Client };
    let known = rules.owners.get(&text).copied();
    if known.is_none() {
        let message = format!("“{text}” is neither the client nor the partner; the policy counts as another party's.");
        recorder.info("owner", "other-owner", message);
    }
    known.unwrap_or(CoverOwner::Other)
}
