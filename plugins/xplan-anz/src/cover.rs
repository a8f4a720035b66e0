//! Covers: one record for each cover of each policy in a client's list.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use tidegate_sdk::{
    Canonical, Cover, CoverOwner, CoverType, Ctx, Extension, LineageRecorder, MapResult, Money, Origin,
    PremiumFrequency, RawRecord, RuleProblem, Severity, Spellings, Table, canonical::Choice, text,
};
use xplan::{CoverField, Forms, List, Names, PolicyField as P, Rows, View, inner_rows, list_rows};

use crate::{
    dates,
    extensions::{ExtensionRules, Extensions, Of},
    listed, record,
};

mod policy;

use policy::Policy;

/// The rules by which covers are read: a list of the clients' resource whose rows are policies.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CoverRules {
    /// The list's name in the CRM.
    pub list: String,
    /// The CRM's names of a policy's fields.
    pub fields: Names<P>,
    /// The CRM's names of the fields of a policy's covers.
    pub covers: Names<CoverField>,
    /// The currency of amounts that state none, ISO 4217.
    pub currency: String,
    /// Types of cover, with the region's words.
    pub types: Spellings,
    /// The intervals at which a premium falls due, with the CRM's words.
    pub premium_frequencies: Spellings,
    /// Owners, with their spellings; whoever is not here is another party.
    pub owners: Spellings,
    /// Fields of the site's own in the rows of covers, by the names that they get.
    #[serde(default)]
    pub extensions: BTreeMap<String, ExtensionRules>,
}

/// The mapping of covers.
pub(crate) struct CoverMapping {
    pub list: List<P>,
    pub covers: Names<CoverField>,
    /// The currency of amounts that state none.
    pub currency: String,
    pub types: Table<CoverType>,
    pub frequencies: Table<PremiumFrequency>,
    pub owners: Table<CoverOwner>,
    pub extensions: Extensions,
}

impl CoverMapping {
    /// Makes the rules ready; what is wrong with them is added to `problems`.
    pub fn new(rules: CoverRules, problems: &mut Vec<RuleProblem>) -> Self {
        listed::check_currency(&rules.currency, "/cover/currency", problems);
        let mut covers = rules.covers;
        Self {
            extensions: Extensions::new(rules.extensions, &mut covers, &Of::COVER, problems),
            types: rules.types.choices("/cover/types", problems),
            frequencies: rules.premium_frequencies.choices("/cover/premium_frequencies", problems),
            owners: rules.owners.choices("/cover/owners", problems),
            list: List { list: rules.list, fields: rules.fields },
            covers,
            currency: rules.currency,
        }
    }
}

type CoverRow<'r, 'a> = View<'r, 'a, CoverField>;

/// Maps a client's insurance.
pub(crate) fn map(
    rules: &CoverMapping,
    forms: &Forms,
    ctx: &Ctx<'_>,
    raw: &RawRecord,
    recorder: &mut LineageRecorder,
) -> MapResult {
    let list = &rules.list;
    let inner = |names| inner_rows(&raw.json, &list.list, list.fields.of(P::Covers), names);
    let (policies, covers) = match (list_rows(&raw.json, list), inner(&rules.covers)) {
        (Ok(policies), Ok(covers)) => (policies, covers),
        (Err(why), _) | (_, Err(why)) => return record::not_json(&why, recorder),
    };
    if !listed::is_list(&policies, &list.list, recorder) {
        return MapResult::Rejected;
    }
    let mut made = Vec::new();
    for (number, row) in listed::numbered(policies.views(list, "/cover/fields", forms), P::Id, recorder) {
        let index = row.place.map_or(0, |(_, index)| index);
        let Some(Rows::Read(rows)) = covers.get(index) else {
            told_without_covers(&number, row, recorder);
            continue;
        };
        if rows.is_empty() {
            told_without_covers(&number, row, recorder);
        }
        let place = row.pointer(P::Covers).trim_start_matches('/').to_owned();
        let policy = Policy { id: format!("{}/{number}", raw.id), row, covers: rows.len() };
        let mut counted = HashMap::new();
        for (at, cover) in rows.iter().enumerate() {
            recorder.enter("covers", made.len());
            let row = View::new(cover, &rules.covers, Some((&place, at)), "/cover/covers", forms);
            made.extend(self::cover(rules, ctx, &policy, row, &mut counted, recorder).map(Canonical::Cover));
        }
        recorder.leave();
    }
    MapResult::Mapped(made)
}

/// A policy without covers makes no card; somebody may look for it.
fn told_without_covers(number: &str, row: View<'_, '_, P>, recorder: &mut LineageRecorder) {
    let covers = row.get(P::Covers);
    let is_list = matches!(covers, xplan::Value::List(_));
    if covers.is_empty() || is_list {
        let message = format!("Policy {number} has no covers in Xplan, so that it makes no card.");
        recorder.whole(Severity::Info, "policy-without-covers", message);
    } else {
        let message = format!("Policy {number} has {} in Xplan where its covers belong.", covers.kind());
        recorder.whole(Severity::Error, "covers-unreadable", message);
    }
}

fn cover(
    rules: &CoverMapping,
    ctx: &Ctx<'_>,
    policy: &Policy<'_, '_>,
    row: CoverRow<'_, '_>,
    counted: &mut HashMap<String, usize>,
    recorder: &mut LineageRecorder,
) -> Option<Cover> {
    if row.is_broken() {
        let message = format!("A cover of policy {} is no object; it was left out.", policy.id);
        recorder.whole(Severity::Error, "cover-unreadable", message);
        return None;
    }
    row.tell_repeated(recorder);
    let (cover_type, type_as_given) = cover_type(rules, row, recorder);
    let key = key(row, type_as_given.as_deref(), counted);
    recorder.origin("external_id", || Origin {
        rule: Some("/cover/covers/id, or the type and its number".to_owned()),
        ..row.origin(CoverField::Id, None)
    });
    let ends = policy.ends(recorder);
    let as_of = &ctx.context.as_of;
    let expired = ends.is_some_and(|day| day.to_string() < *as_of);
    recorder.origin("expired", || Origin {
        rule: Some(format!("/cover/fields/policy_to before {as_of}")),
        ..policy.row.origin(P::PolicyTo, None)
    });
    let status = row.text(CoverField::Status, "type", recorder);
    recorder.origin("extensions.benefit_status", || row.origin(CoverField::Status, None));
    Some(Cover {
        external_id: format!("{}/{key}", policy.id),
        policy_number: policy.number(recorder),
        type_: cover_type,
        type_as_given,
        insurer: policy.insurer(recorder),
        plan_name: policy.plan_name(recorder),
        sum_insured: sum_insured(rules, row, recorder),
        premium: premium(rules, policy, row, recorder),
        premium_frequency: policy.frequency(rules, recorder),
        owner: policy.owner(rules, recorder),
        renewal_date: dates::day(policy.row, P::RenewalDate, "renewal_date", recorder).map(|day| day.to_string()),
        end_year: ends.map(|day| day.year),
        expired,
        extensions: status
            .map(|status| Extension { name: "benefit_status".to_owned(), value: status.into_owned() })
            .into_iter()
            .chain(rules.extensions.of_item(row, recorder))
            .collect(),
    })
}

/// The type, and the site's own word for it. A word that no table knows is kept as it is given.
fn cover_type(
    rules: &CoverMapping,
    row: CoverRow<'_, '_>,
    recorder: &mut LineageRecorder,
) -> (CoverType, Option<String>) {
    let given = row.text(CoverField::Type, "type", recorder);
    let as_it_stands = given.as_ref().and_then(|word| rules.types.get(word)).copied();
    let shortened = given.as_ref().filter(|_| as_it_stands.is_none());
    let without_remark = shortened.and_then(|word| rules.types.get_without_remark(word));
    if let (Some(word), Some((_, plain))) = (&given, &without_remark) {
        recorder.info(
            "type",
            "read-without-remark",
            format!("“{word}” was read as “{plain}”; the rest counts as a remark."),
        );
    }
    let known = as_it_stands.or(without_remark.map(|(known, _)| *known));
    recorder
        .origin("type", || row.origin(CoverField::Type, known.map(|known| format!("/cover/types/{}", known.word()))));
    recorder.origin("type_as_given", || row.origin(CoverField::Type, None));
    if known.is_none() {
        let message = match &given {
            Some(word) => format!(
                "“{word}” is no type of cover the rules know; it is shown as Xplan writes it. If it is one of the five, add the word to /cover/types in the pack's rules."
            ),
            None => "Xplan states no type of cover.".to_owned(),
        };
        recorder.warn("type", "unknown-type", message);
    }
    (known.unwrap_or(CoverType::Other), given.map(Into::into))
}

/// The sum insured. One below zero says nothing that an insurer would: it may be a claim, a correction or a slip.
fn sum_insured(rules: &CoverMapping, row: CoverRow<'_, '_>, recorder: &mut LineageRecorder) -> Option<Money> {
    const FIELD: &str = "sum_insured";
    let sum = listed::amount(row, CoverField::SumInsured, FIELD, &rules.currency, recorder).known()?;
    if listed::sign(&sum.amount).is_lt() {
        let Money { amount, currency } = sum;
        let message = format!(
            "The sum insured is {currency} {amount} in Xplan, below zero, which no cover pays; it was left out. Correct \
             it in Xplan."
        );
        recorder.warn(FIELD, "sum-insured-below-zero", message);
        return None;
    }
    Some(sum)
}

/// The key that tells a cover from the others of its policy: its number, or its type with a count, so that covers may
/// change their order without becoming others.
fn key(row: CoverRow<'_, '_>, given: Option<&str>, counted: &mut HashMap<String, usize>) -> String {
    let word = match listed::word(row, CoverField::Id) {
        Some(number) => number,
        None => {
            let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
            text::normal(given.unwrap_or("cover")).chars().map(plain).take(60).collect()
        }
    };
    let count = counted.entry(word.clone()).or_default();
    *count += 1;
    if *count == 1 { word } else { format!("{word}-{count}") }
}

/// The cover's own premium, else that of the policy.
fn premium(
    rules: &CoverMapping,
    policy: &Policy<'_, '_>,
    row: CoverRow<'_, '_>,
    recorder: &mut LineageRecorder,
) -> Option<Money> {
    const FIELD: &str = "premium";
    let own = listed::amount(row, CoverField::Premium, FIELD, &rules.currency, recorder).known();
    let is_own = own.is_some();
    let premium = match own {
        Some(own) => own,
        None => listed::amount(policy.row, P::Premium, FIELD, &rules.currency, recorder).known()?,
    };
    if listed::sign(&premium.amount).is_lt() {
        let Money { amount, currency } = premium;
        let message =
            format!("The premium is {currency} {amount} in Xplan, below zero; it was left out. Correct it in Xplan.");
        recorder.warn(FIELD, "premium-below-zero", message);
        return None;
    }
    if !is_own && policy.covers > 1 {
        recorder.info(FIELD, "premium-of-policy", "This is the premium of the whole policy, which has several covers.");
    }
    Some(premium)
}
