//! The rules of goals and covers made ready.

use tidegate_sdk::{CoverOwner, CoverType, GoalOwner, PremiumFrequency, RuleProblem, Table};
use xplan::{ChoiceField, CoverField, GoalField, List, Names, PolicyField};

use crate::rules::{CoverRules, GoalRules};

/// How goals are mapped.
pub(crate) struct GoalMapping {
    pub list: List<GoalField>,
    /// Of amounts that state none.
    pub currency: String,
    pub owners: Table<GoalOwner>,
    pub choices: Option<List<ChoiceField>>,
    pub categories: Table<String>,
}

impl GoalMapping {
    /// Makes the rules ready; what is wrong with them is added to `problems`.
    pub fn new(rules: GoalRules, problems: &mut Vec<RuleProblem>) -> Self {
        check_currency(&rules.currency, "/goal/currency", problems);
        Self {
            owners: rules.owners.choices("/goal/owners", problems),
            categories: rules.categories.table("/goal/categories", problems, |name| Ok(name.to_owned())),
            list: List { list: rules.list, fields: rules.fields },
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

/// How covers are mapped.
pub(crate) struct CoverMapping {
    pub list: List<PolicyField>,
    pub covers: Names<CoverField>,
    /// Of amounts that state none.
    pub currency: String,
    pub types: Table<CoverType>,
    pub frequencies: Table<PremiumFrequency>,
    pub owners: Table<CoverOwner>,
}

impl CoverMapping {
    /// Makes the rules ready; what is wrong with them is added to `problems`.
    pub fn new(rules: CoverRules, problems: &mut Vec<RuleProblem>) -> Self {
        check_currency(&rules.currency, "/cover/currency", problems);
        Self {
            types: rules.types.choices("/cover/types", problems),
            frequencies: rules.premium_frequencies.choices("/cover/premium_frequencies", problems),
            owners: rules.owners.choices("/cover/owners", problems),
            list: List { list: rules.list, fields: rules.fields },
            covers: rules.covers,
            currency: rules.currency,
        }
    }
}

fn check_currency(code: &str, path: &str, problems: &mut Vec<RuleProblem>) {
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let message = format!("“{code}” is no code of ISO 4217; write three capital letters, as in AUD.");
        problems.push(RuleProblem { path: path.to_owned(), message });
    }
}
