//! Extensions as a pack's rules write them, and what can be wrong with that.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_sdk::{RuleProblem, Spellings};
use xplan::{Added, Fields, Names};

use super::{ExtensionMapping, Extensions, Form, is_same_label};
use crate::checks;
use crate::listed;

/// The headings of the practice's page under which an extension may stand, and `none` for one that stands on no page.
pub(crate) const SHOWN: [&str; 6] = ["person", "contact", "address", "in_crm", "more", "none"];

/// The longest name and label, in characters.
const LONGEST: usize = 60;

/// One extension.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtensionRules {
    /// The CRM's name of its field.
    pub field: String,
    /// The name that people read.
    pub label: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub form: String,
    /// Of a choice: its words, with their spellings.
    #[serde(default)]
    pub words: Spellings,
    /// Of money: the currency of amounts that state none, ISO 4217.
    #[serde(default)]
    pub currency: Option<String>,
    /// The check that a number has to pass.
    #[serde(default)]
    pub check: Option<String>,
    /// Whether people see it only where they ask for it.
    pub sensitive: bool,
    /// The heading of the page under which it stands; the host's business.
    #[serde(default)]
    pub shown: Option<String>,
    /// The canonical field that it fills where the CRM has nothing.
    #[serde(default)]
    pub fills: Option<String>,
}

/// A kind of record that extensions are of.
pub(crate) struct Of {
    /// The place in the rules: `/client/extensions`.
    pub path: &'static str,
    /// The names that are taken.
    pub fields: &'static [&'static str],
    /// Whether records are of a person: what is sensitive, checked and fills a field is.
    pub is_person: bool,
}

impl Of {
    pub(crate) const CLIENT: Self = Self {
        path: "/client/extensions",
        is_person: true,
        fields: &[
            "external_id",
            "title",
            "first_name",
            "middle_name",
            "last_name",
            "preferred_name",
            "date_of_birth",
            "sex",
            "address_line_1",
            "address_line_2",
            "suburb",
            "state",
            "postcode",
            "country_code",
            "email",
            "email_is_placeholder",
            "mobile",
            "adviser_external_id",
            "secondary_adviser_external_id",
            "partner_external_id",
            "is_partner",
            "status",
            "extensions",
        ],
    };

    pub(crate) const GOAL: Self = Self {
        path: "/goal/extensions",
        is_person: false,
        fields: &[
            "external_id",
            "owner",
            "category",
            "name",
            "target_date",
            "estimated_cost",
            "outlook",
            "extensions",
            // The practice's own.
            "status",
            "recurrence",
        ],
    };

    pub(crate) const COVER: Self = Self {
        path: "/cover/extensions",
        is_person: false,
        fields: &[
            "external_id",
            "policy_number",
            "type",
            "type_as_given",
            "insurer",
            "plan_name",
            "sum_insured",
            "premium",
            "premium_frequency",
            "owner",
            "renewal_date",
            "end_year",
            "expired",
            "extensions",
            // Of every cover, by /cover/covers/status.
            "benefit_status",
        ],
    };
}

impl Extensions {
    /// Makes the rules ready; what is wrong with them is added to `problems`. The fields that they read are added to
    /// `names`, so that the CRM is asked for them.
    pub(crate) fn new<F: Fields>(
        rules: BTreeMap<String, ExtensionRules>,
        names: &mut Names<F>,
        of: &Of,
        problems: &mut Vec<RuleProblem>,
    ) -> Self {
        let mut each: Vec<ExtensionMapping> = Vec::with_capacity(rules.len());
        for (name, rules) in rules {
            let at = format!("{}/{name}", of.path);
            let before = problems.len();
            let mut wrong = |key: &str, message: String| {
                let path = if key.is_empty() { at.clone() } else { format!("{at}/{key}") };
                problems.push(RuleProblem { path, message });
            };
            check_name(&name, of, &mut wrong);
            check_label(&rules.label, &each, &mut wrong);
            check_uses(&rules, of, &mut wrong);
            let field = add(&rules.field, names, &each, &mut wrong);
            let check =
                rules.check.as_deref().and_then(|check| checks::named(check, &mut |message| wrong("check", message)));
            let form = form(&rules, &at, problems);
            if let (Some(field), Some(form), true) = (field, form, problems.len() == before) {
                each.push(ExtensionMapping {
                    canonical: format!("extensions.{name}"),
                    name,
                    label: rules.label,
                    field,
                    form,
                    check,
                    is_sensitive: rules.sensitive,
                    fills_date_of_birth: rules.fills.is_some(),
                });
            }
        }
        Self { path: of.path, each }
    }
}

type Wrong<'p> = dyn FnMut(&str, String) + 'p;

fn check_name(name: &str, of: &Of, wrong: &mut Wrong<'_>) {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins = name.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    if !begins || !name.bytes().all(is_plain) || name.len() > LONGEST {
        let message = format!(
            "“{name}” is no name of an added field: write small letters, digits and _, beginning with a letter, at most \
             {LONGEST} of them."
        );
        wrong("", message);
    } else if of.fields.contains(&name) {
        wrong("", format!("“{name}” is a field that every record has; give the added one another name."));
    }
}

fn check_label(label: &str, others: &[ExtensionMapping], wrong: &mut Wrong<'_>) {
    if label.trim().is_empty() || label.chars().any(char::is_control) || label.chars().count() > LONGEST {
        wrong("label", format!("A label is one line of 1 to {LONGEST} characters."));
    } else if let Some(other) = others.iter().find(|other| is_same_label(&other.label, label)) {
        wrong("label", format!("“{label}” is the label of {} too; nobody could tell the two apart.", other.name));
    }
}

/// What holds of some types or kinds only.
fn check_uses(rules: &ExtensionRules, of: &Of, wrong: &mut Wrong<'_>) {
    let is_text = rules.form == "text";
    if rules.check.is_some() && !is_text {
        wrong("check", "A check is for the type text.".to_owned());
    }
    if let Some(shown) = rules.shown.as_deref().filter(|shown| !SHOWN.contains(shown)) {
        wrong("shown", format!("There is no “{shown}”; the choices are {}.", SHOWN.join(", ")));
    }
    if rules.currency.is_some() && rules.form != "money" {
        wrong("currency", "A currency is for the type money.".to_owned());
    }
    if !rules.words.is_empty() && rules.form != "choice" {
        wrong("words", "Words are for the type choice.".to_owned());
    }
    let fills = rules.fills.as_deref();
    if fills.is_some_and(|fills| fills != "date_of_birth")
        || fills.is_some() && rules.check.as_deref().is_none_or(|check| !checks::holds_birth(check))
    {
        let message = "Only date_of_birth can be filled, from a number that holds it (check za-identity-number).";
        wrong("fills", message.to_owned());
    }
    for (key, is_there) in
        [("check", rules.check.is_some()), ("sensitive", rules.sensitive), ("fills", fills.is_some())]
    {
        if is_there && !of.is_person {
            wrong(key, format!("`{key}` is for fields of clients (/client/extensions)."));
        }
    }
}

/// Adds the field to those that are asked for.
fn add<F: Fields>(
    field: &str,
    names: &mut Names<F>,
    others: &[ExtensionMapping],
    wrong: &mut Wrong<'_>,
) -> Option<Added> {
    let mut parts = field.split('.');
    let is_name = parts.clone().all(|part| !part.trim().is_empty()) && parts.by_ref().count() <= 2;
    if !is_name {
        wrong("field", format!("“{field}” is no name of a field: write one, or one inside another (Details.Number)."));
        return None;
    }
    let Some(added) = names.add(field) else {
        wrong("field", "The record has too many fields; take one away.".to_owned());
        return None;
    };
    match others.iter().find(|other| other.field == added) {
        Some(other) => {
            wrong("field", format!("{} reads the field {field} already.", other.name));
            None
        }
        None => Some(added),
    }
}

fn form(rules: &ExtensionRules, at: &str, problems: &mut Vec<RuleProblem>) -> Option<Form> {
    Some(match rules.form.as_str() {
        "text" => Form::Text,
        "date" => Form::Date,
        "number" => Form::Number,
        "flag" => Form::Flag,
        "money" => {
            let path = format!("{at}/currency");
            let Some(currency) = rules.currency.clone() else {
                let message =
                    "Amounts need the currency of those that state none: write `currency = \"…\"`.".to_owned();
                problems.push(RuleProblem { path, message });
                return None;
            };
            listed::check_currency(&currency, &path, problems);
            Form::Money(currency)
        }
        "choice" => {
            let path = format!("{at}/words");
            if rules.words.is_empty() {
                let message =
                    "A choice needs a table of its words: `words = { balanced = [\"Balanced\"] }`.".to_owned();
                problems.push(RuleProblem { path, message });
                return None;
            }
            Form::Choice(rules.words.table(path, problems, |word| Ok(word.to_owned())))
        }
        other => {
            let message = format!("There is no type “{other}”; the choices are {}.", Form::WORDS.join(", "));
            problems.push(RuleProblem { path: format!("{at}/type"), message });
            return None;
        }
    })
}
