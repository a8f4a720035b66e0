//! Goals: the rows of an export that name a client.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;
use tidegate_sdk::{
    Canonical, Goal, GoalOwner, LineageRecorder, MapResult, Outlook, RawRecord, RuleProblem, Severity, Spellings,
    Table, canonical::Choice, text,
};

use crate::forms::Forms;
use crate::row::{Cells, Row};
use crate::rules::Columns;
use crate::values;

const FIELDS: &[&str] = &["client", "id", "owner", "category", "name", "target_date", "estimated_cost", "outlook"];

/// The rules by which goals are read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoalRules {
    /// The export's name, without its ending.
    list: String,
    fields: BTreeMap<String, String>,
    /// The currency of amounts that state none, ISO 4217.
    currency: String,
    /// Owners, with their spellings.
    owners: Spellings,
    /// What reaching a goal does to the household's money, with its spellings.
    #[serde(default)]
    outlooks: Spellings,
    /// Categories by the name that people read, with the export's words.
    #[serde(default)]
    categories: Spellings,
}

/// The mapping of goals.
pub(crate) struct GoalMapping {
    pub list: String,
    pub columns: Columns,
    currency: String,
    owners: Table<GoalOwner>,
    outlooks: Table<Outlook>,
    categories: Table<String>,
}

impl GoalMapping {
    /// Makes the rules ready; what is wrong with them is added to `problems`.
    pub fn new(rules: GoalRules, problems: &mut Vec<RuleProblem>) -> Self {
        values::check_currency(&rules.currency, "/goal/currency", problems);
        Self {
            columns: Columns::new(rules.fields, FIELDS, "/goal/fields", problems),
            owners: rules.owners.choices("/goal/owners", problems),
            outlooks: rules.outlooks.choices("/goal/outlooks", problems),
            categories: rules.categories.table("/goal/categories", problems, |name| Ok(name.to_owned())),
            list: rules.list,
            currency: rules.currency,
        }
    }
}

/// The rows of a list in a raw record.
pub(crate) fn rows<'a>(json: &'a [u8], list: &str, recorder: &mut LineageRecorder) -> Option<Vec<Cells<'a>>> {
    let lists: Result<HashMap<&str, Vec<Cells<'a>>>, _> = serde_json::from_slice(json);
    match lists.map(|mut lists| lists.remove(list)) {
        Ok(Some(rows)) => return Some(rows),
        Ok(None) => recorder.whole(Severity::Error, "no-list", format!("The record has no list {list}.")),
        Err(error) => recorder.whole(Severity::Error, "no-list", format!("The record is no list of rows: {error}.")),
    }
    None
}

/// The rows of a list, each once, with their places. None where two have one id and differ: which of them counts nobody
/// knows, so that the list is kept aside, and what was known of it stays.
pub(crate) fn distinct<'r, 'a>(
    rows: &'r [Cells<'a>],
    row_at: impl Fn(usize) -> Row<'r, 'a>,
    recorder: &mut LineageRecorder,
) -> Option<Vec<usize>> {
    let (mut seen, mut by_id) = (HashSet::new(), HashMap::new());
    let mut places = Vec::with_capacity(rows.len());
    for (index, cells) in rows.iter().enumerate() {
        let row = row_at(index);
        if !seen.insert(cells) {
            let (list, number) = (row.place.map_or("list", |(list, _)| list), index + 1);
            let message =
                format!("Row {number} of the client's {list} says the same as one before, and was read once.");
            recorder.whole(Severity::Info, "row-repeated", message);
            continue;
        }
        if let Some(id) = row.written("id")
            && let Some(other) = by_id.insert(id, index)
        {
            let (list, [one, two]) = (row.place.map_or("list", |(list, _)| list), [other + 1, index + 1]);
            let column = row.columns.of("id").unwrap_or("id");
            let message = format!(
                "Rows {one} and {two} of the client's {list} both have {id} under “{column}” and differ, so that the whole list \
                 is kept aside. Correct it in the CRM."
            );
            recorder.whole(Severity::Error, "id-twice", message);
            return None;
        }
        places.push(index);
    }
    Some(places)
}

/// What tells a row from the others of its list: its id, or what it is called, with a count where another one is called so.
pub(crate) fn key(own: Option<&str>, else_by: &str, counted: &mut HashMap<String, usize>) -> String {
    let word = own.map_or_else(
        || {
            let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
            text::normal(else_by).chars().map(plain).take(60).collect()
        },
        str::to_owned,
    );
    let count = counted.entry(word.clone()).or_default();
    *count += 1;
    if *count == 1 { word } else { format!("{word}-{count}") }
}

/// Maps a client's goals.
pub(crate) fn map(rules: &GoalMapping, forms: &Forms, raw: &RawRecord, recorder: &mut LineageRecorder) -> MapResult {
    let Some(rows) = rows(&raw.json, &rules.list, recorder) else { return MapResult::Rejected };
    let mut counted = HashMap::new();
    let mut goals = Vec::with_capacity(rows.len());
    let row_at =
        |index: usize| Row { cells: &rows[index], columns: &rules.columns, forms, place: Some((&rules.list, index)) };
    let Some(places) = distinct(&rows, row_at, recorder) else { return MapResult::Rejected };
    for (place, index) in places.into_iter().enumerate() {
        let row = row_at(index);
        recorder.enter("goals", place);
        recorder.origin("external_id", || row.origin("id", None));
        let name = row.text("name", "name", recorder);
        let key = key(row.written("id"), name.as_deref().unwrap_or("goal"), &mut counted);
        goals.push(Canonical::Goal(goal(rules, format!("{}/{key}", raw.id), name, row, recorder)));
    }
    recorder.leave();
    MapResult::Mapped(goals)
}

fn goal(
    rules: &GoalMapping,
    external_id: String,
    name: Option<String>,
    row: Row<'_, '_>,
    recorder: &mut LineageRecorder,
) -> Goal {
    let cost = values::amount(row, "estimated_cost", "estimated_cost", &rules.currency, recorder);
    let outlook = row.text("outlook", "outlook", recorder);
    let outlook = outlook.and_then(|word| rules.outlooks.read(&word, "outlook", recorder)).copied();
    let category = row.text("category", "category", recorder);
    Goal {
        external_id,
        owner: owner(rules, row, recorder),
        // A word that no table has is read by people as it is.
        category: category.map(|word| rules.categories.get(&word).cloned().unwrap_or(word)),
        name,
        target_date: values::day(row, "target_date", "target_date", recorder).map(|day| day.to_string()),
        estimated_cost: values::not_below_zero(cost, "estimated_cost", recorder),
        outlook,
        extensions: Vec::new(),
    }
}

/// The owner of the goal. One of nobody that the rules know is taken for the client's own.
fn owner(rules: &GoalMapping, row: Row<'_, '_>, recorder: &mut LineageRecorder) -> GoalOwner {
    let Some(text) = row.text("owner", "owner", recorder) else { return GoalOwner::Client };
    let known = rules.owners.read(&text, "owner", recorder).copied();
    recorder.origin("owner", || row.origin("owner", known.map(|owner| format!("/goal/owners/{}", owner.word()))));
    known.unwrap_or(GoalOwner::Client)
}
