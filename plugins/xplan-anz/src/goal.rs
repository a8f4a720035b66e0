//! Goals: what a client wants to reach.
//!
//! Xplan's frequency and capture date are never read: they are not available to every integration. How far a goal is
//! and how often it comes again are the practice's own.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_sdk::{
    Canonical, Goal, GoalOwner, LineageRecorder, MapResult, Money, Origin, Outlook, RawRecord, RuleProblem, Spellings,
    Table, canonical::Choice,
};
use xplan::{ChoiceField, Forms, GoalField as F, List, Names, Rows, View, list_rows};

use crate::{
    dates,
    extensions::{ExtensionRules, Extensions, Of},
    listed::{self, Sum},
    record,
};

/// The rules by which goals are read: a list of the clients' resource.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoalRules {
    /// The list's name in the CRM.
    pub list: String,
    /// The CRM's names of its rows' fields.
    pub fields: Names<F>,
    /// The currency of amounts that state none, ISO 4217.
    pub currency: String,
    /// Owners, with their spellings.
    pub owners: Spellings,
    /// The site's list of the categories' choices; where it has none, the table below stands alone.
    #[serde(default)]
    pub choices: Option<List<ChoiceField>>,
    /// Categories by name, with their codes, for what the site's choices do not tell.
    pub categories: Spellings,
    /// Fields of the site's own, by the names that they get.
    #[serde(default)]
    pub extensions: BTreeMap<String, ExtensionRules>,
}

/// The mapping of goals.
pub(crate) struct GoalMapping {
    pub list: List<F>,
    /// The currency of amounts that state none.
    pub currency: String,
    pub owners: Table<GoalOwner>,
    pub choices: Option<List<ChoiceField>>,
    pub categories: Table<String>,
    pub extensions: Extensions,
}

impl GoalMapping {
    /// Makes the rules ready; what is wrong with them is added to `problems`.
    pub fn new(rules: GoalRules, problems: &mut Vec<RuleProblem>) -> Self {
        listed::check_currency(&rules.currency, "/goal/currency", problems);
        let mut fields = rules.fields;
        Self {
            extensions: Extensions::new(rules.extensions, &mut fields, &Of::GOAL, problems),
            owners: rules.owners.choices("/goal/owners", problems),
            categories: rules.categories.table("/goal/categories", problems, |name| Ok(name.to_owned())),
            list: List { list: rules.list, fields },
            choices: rules.choices,
            currency: rules.currency,
        }
    }

    /// The lists that belong to a raw record of goals.
    pub fn lists(&self) -> Vec<&str> {
        [self.list.list.as_str()]
            .into_iter()
            .chain(self.choices.as_ref().map(|choices| choices.list.as_str()))
            .collect()
    }
}

type GoalRow<'r, 'a> = View<'r, 'a, F>;
type Choices<'a> = Rows<'a, ChoiceField>;

/// Maps a client's goals.
pub(crate) fn map(rules: &GoalMapping, forms: &Forms, raw: &RawRecord, recorder: &mut LineageRecorder) -> MapResult {
    let choices = rules.choices.as_ref().map(|choices| list_rows(&raw.json, choices)).transpose();
    let (rows, choices) = match (list_rows(&raw.json, &rules.list), choices) {
        (Ok(rows), Ok(choices)) => (rows, choices.unwrap_or_default()),
        (Err(why), _) | (_, Err(why)) => return record::not_json(&why, recorder),
    };
    if !listed::is_list(&rows, &rules.list.list, recorder) {
        return MapResult::Rejected;
    }
    let rows = listed::numbered(rows.views(&rules.list, "/goal/fields", forms), F::Id, recorder);
    let mut goals = Vec::with_capacity(rows.len());
    for (index, (number, row)) in rows.into_iter().enumerate() {
        recorder.enter("goals", index);
        recorder.origin("external_id", || row.origin(F::Id, None));
        goals.push(Canonical::Goal(goal(rules, &choices, format!("{}/{number}", raw.id), row, recorder)));
    }
    recorder.leave();
    MapResult::Mapped(goals)
}

fn goal(
    rules: &GoalMapping,
    choices: &Choices<'_>,
    external_id: String,
    row: GoalRow<'_, '_>,
    recorder: &mut LineageRecorder,
) -> Goal {
    recorder.origin("name", || row.origin(F::Name, None));
    let cost = listed::amount(row, F::EstimatedCost, "estimated_cost", &rules.currency, recorder);
    let outlook = outlook(&cost, row, recorder);
    let absolute = |cost: Money| Money { amount: cost.amount.trim_start_matches('-').to_owned(), ..cost };
    Goal {
        external_id,
        owner: owner(rules, row, recorder),
        category: category(rules, choices, row, recorder),
        name: row.text(F::Name, "name", recorder).map(Into::into),
        target_date: dates::day(row, F::TargetDate, "target_date", recorder).map(|day| day.to_string()),
        estimated_cost: cost.known().map(absolute),
        outlook,
        extensions: rules.extensions.of_item(row, recorder),
    }
}

/// The effect of reaching the goal on the household's money. That it is not about money is a statement, which an amount
/// that cannot be read does not make.
fn outlook(cost: &Sum, row: GoalRow<'_, '_>, recorder: &mut LineageRecorder) -> Option<Outlook> {
    const FIELD: &str = "outlook";
    let says = "below zero: less money; above: more; zero or none: not financial; unreadable: not known";
    recorder.origin(FIELD, || row.origin(F::EstimatedCost, Some(format!("/goal/fields/estimated_cost {says}"))));
    let cost = match cost {
        Sum::Known(cost) => listed::sign(&cost.amount),
        Sum::Empty => Ordering::Equal,
        Sum::Unreadable => {
            let message = "The goal's amount cannot be read, so that it is not known what reaching it does to the \
                           household's money. Correct the amount in Xplan.";
            recorder.warn(FIELD, "outlook-unknown", message);
            return None;
        }
    };
    Some(match cost {
        Ordering::Less => Outlook::WillHaveLessMoney,
        Ordering::Equal => Outlook::NonFinancial,
        Ordering::Greater => Outlook::WillHaveMoreMoney,
    })
}

/// The owner of the goal. The goal of nobody that the rules know is taken for the client's own.
fn owner(rules: &GoalMapping, row: GoalRow<'_, '_>, recorder: &mut LineageRecorder) -> GoalOwner {
    let text = row.text(F::Owner, "owner", recorder);
    let known = text.as_ref().and_then(|text| rules.owners.get(text)).copied();
    let owner = known.unwrap_or(GoalOwner::Client);
    let rule = known.map(|owner| format!("/goal/owners/{}", owner.word()));
    recorder.origin("owner", || row.origin(F::Owner, rule));
    if known.is_none() {
        let message = match text {
            Some(text) => format!(
                "“{text}” is no owner the rules know; the client was taken. Add it to /goal/owners in the pack's rules, or correct it in Xplan."
            ),
            None => "Xplan states no owner; the client in whose list the goal stands was taken.".to_owned(),
        };
        recorder.warn("owner", "owner-assumed", message);
    }
    owner
}

/// The category's name: by the site's own choices, else by the rules' table. One that is written out stands for itself.
fn category(
    rules: &GoalMapping,
    choices: &Choices<'_>,
    row: GoalRow<'_, '_>,
    recorder: &mut LineageRecorder,
) -> Option<String> {
    const FIELD: &str = "category";
    recorder.origin(FIELD, || row.origin(F::Category, None));
    let Some(code) = listed::word(row, F::Category) else {
        row.expect_empty(F::Category, row.get(F::Category), "a category's code", FIELD, recorder);
        return None;
    };
    if let Some(choices_rules) = &rules.choices {
        let choice = choices
            .views(choices_rules, "/goal/choices/fields", row.forms)
            .find(|choice| listed::word(*choice, ChoiceField::Code).as_deref() == Some(&*code));
        if let Some(name) = choice.and_then(|choice| listed::word(choice, ChoiceField::Text)) {
            let rule = || Some(format!("/goal/choices the site's own choice {code}: {name}"));
            recorder.origin(FIELD, || Origin { rule: rule(), ..row.origin(F::Category, None) });
            return Some(name);
        }
    }
    if !code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && rules.categories.get(&code).is_none() {
        return Some(code);
    }
    let name = rules.categories.read(&code, FIELD, recorder)?.clone();
    recorder
        .origin(FIELD, || Origin { rule: Some(format!("/goal/categories/{name}")), ..row.origin(F::Category, None) });
    Some(name)
}
