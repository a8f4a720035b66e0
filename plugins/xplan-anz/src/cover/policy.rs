//! The values that the covers of a policy share.

use tidegate_sdk::{CoverOwner, LineageRecorder, PremiumFrequency, canonical::Choice};
use xplan::{Date, PolicyField as P, Value, View};

use super::CoverMapping;
use crate::dates;

/// A policy of a client's list.
pub(super) struct Policy<'r, 'a> {
    /// The client's number and the policy's.
    pub id: String,
    pub row: View<'r, 'a, P>,
    /// The number of covers that it has.
    pub covers: usize,
}

impl Policy<'_, '_> {
    pub fn number(&self, recorder: &mut LineageRecorder) -> Option<String> {
        const FIELD: &str = "policy_number";
        recorder.origin(FIELD, || self.row.origin(P::PolicyNumber, None));
        match self.row.get(P::PolicyNumber) {
            Value::Number(number) => Some(number.to_string()),
            _ => self.row.text(P::PolicyNumber, FIELD, recorder).map(Into::into),
        }
    }

    /// The insurer's name, else its short name.
    pub fn insurer(&self, recorder: &mut LineageRecorder) -> Option<String> {
        const FIELD: &str = "insurer";
        for field in [P::Insurer, P::InsurerCode] {
            recorder.origin(FIELD, || self.row.origin(field, None));
            if let Some(name) = self.row.text(field, FIELD, recorder) {
                return Some(name.into_owned());
            }
        }
        None
    }

    pub fn plan_name(&self, recorder: &mut LineageRecorder) -> Option<String> {
        recorder.origin("plan_name", || self.row.origin(P::PlanName, None));
        self.row.text(P::PlanName, "plan_name", recorder).map(Into::into)
    }

    /// The last day of the policy; the practice knows its year.
    pub fn ends(&self, recorder: &mut LineageRecorder) -> Option<Date> {
        dates::day(self.row, P::PolicyTo, "end_year", recorder)
    }

    pub fn frequency(&self, rules: &CoverMapping, recorder: &mut LineageRecorder) -> Option<PremiumFrequency> {
        const FIELD: &str = "premium_frequency";
        let word = self.row.text(P::PremiumFrequency, FIELD, recorder);
        let known = word.and_then(|word| {
            if rules.frequencies.get(&word).is_none()
                && let Some((known, plain)) = rules.frequencies.get_without_remark(&word)
            {
                let message = format!("“{word}” was read as “{plain}”; the rest counts as a remark.");
                recorder.info(FIELD, "read-without-remark", message);
                return Some(*known);
            }
            rules.frequencies.read(&word, FIELD, recorder).copied()
        });
        let rule = known.map(|known| format!("/cover/premium_frequencies/{}", known.word()));
        recorder.origin(FIELD, || self.row.origin(P::PremiumFrequency, rule));
        known
    }

    /// The owner of the policy: both where it names the client and the partner; anybody whom the rules do not know is
    /// another party. Nobody named is the client.
    pub fn owner(&self, rules: &CoverMapping, recorder: &mut LineageRecorder) -> CoverOwner {
        const FIELD: &str = "owner";
        let value = self.row.get(P::Owners);
        let named = match value {
            Value::List(words) => words.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut owners = Vec::with_capacity(named.len());
        for word in named {
            match word {
                Value::Text(word) if !word.trim().is_empty() => match rules.owners.get(word) {
                    Some(owner) => owners.push(*owner),
                    None => {
                        recorder.info(
                            FIELD,
                            "other-owner",
                            format!(
                                "“{}” is neither the client nor the partner; the policy counts as another party's.",
                                word.trim()
                            ),
                        );
                        owners.push(CoverOwner::Other);
                    }
                },
                other => self.row.expect_empty(P::Owners, other, "a list of texts", FIELD, recorder),
            }
        }
        let has = |owner| owners.contains(&owner);
        let owner = if has(CoverOwner::Other) {
            CoverOwner::Other
        } else if has(CoverOwner::Joint) || has(CoverOwner::Client) && has(CoverOwner::Partner) {
            CoverOwner::Joint
        } else if has(CoverOwner::Partner) {
            CoverOwner::Partner
        } else {
            CoverOwner::Client
        };
        if owners.is_empty() {
            recorder.info(
                FIELD,
                "owner-assumed",
                "Xplan names no owner; the client in whose list the policy stands was taken.",
            );
        }
        recorder.origin(FIELD, || self.row.origin(P::Owners, Some(format!("/cover/owners/{}", owner.word()))));
        owner
    }
}
