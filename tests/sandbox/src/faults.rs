//! What goes wrong on purpose: a plan of rules, each struck by chance or every so often, the same for the same seed.
//!
//! A rule counts the requests that it looks at; whether it strikes depends on that count, the rule's place in the plan
//! and the plan's seed alone. With requests in a fixed order, faults fall in the same places on every run.

mod rule;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use serde::{Deserialize, Serialize};

pub use rule::{Fault, Rule, RuleError};

use crate::book::dice::{Dice, Purpose};
use crate::lock::{reading, writing};

/// Every rule, and the seed that chance is drawn from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// The same seed lets the same requests fail.
    #[serde(default)]
    pub seed: u64,
    /// Looked at in order; the first that strikes decides, slowness adds up.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// How often a rule looked at something, and how often it struck.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tally {
    /// The rule.
    pub rule: Rule,
    /// Requests (or calls of a batch) that the rule applied to.
    pub seen: u64,
    /// Those that it let fail.
    pub struck: u64,
}

/// The plan in force with its counts.
#[derive(Default)]
pub(crate) struct Faults(RwLock<Arc<InForce>>);

#[derive(Default)]
struct InForce {
    plan: FaultPlan,
    counts: Vec<(AtomicU64, AtomicU64)>,
}

impl Faults {
    pub(crate) fn new(plan: FaultPlan) -> Self {
        let faults = Self::default();
        faults.set(plan);
        faults
    }

    /// Puts a plan in force; counting begins anew.
    pub(crate) fn set(&self, plan: FaultPlan) {
        let counts = plan.rules.iter().map(|_| Default::default()).collect();
        *writing(&self.0) = Arc::new(InForce { plan, counts });
    }

    pub(crate) fn plan(&self) -> FaultPlan {
        reading(&self.0).plan.clone()
    }

    pub(crate) fn tallies(&self) -> Vec<Tally> {
        let now = reading(&self.0);
        let rules = now.plan.rules.iter().zip(&now.counts);
        rules
            .map(|(rule, (seen, struck))| Tally {
                rule: rule.clone(),
                seen: seen.load(Ordering::Relaxed),
                struck: struck.load(Ordering::Relaxed),
            })
            .collect()
    }

    /// Whether any rule concerns single calls, so that a batch need not ask for each of its own.
    pub(crate) fn strikes_calls(&self) -> bool {
        reading(&self.0).plan.rules.iter().any(|rule| rule.fault.concerns_call() || rule.fault.concerns_text())
    }

    /// The rules for which `concerns` holds that strike this request, by method and address.
    pub(crate) fn striking(&self, method: &str, address: &str, concerns: impl Fn(Fault) -> bool) -> Vec<Rule> {
        self.striking_many(method, address, || 0, concerns)
    }

    /// The same for a request for `rows` at once.
    pub(crate) fn striking_many(
        &self,
        method: &str,
        address: &str,
        rows: impl Fn() -> usize,
        concerns: impl Fn(Fault) -> bool,
    ) -> Vec<Rule> {
        let now = Arc::clone(&reading(&self.0));
        let rules = now.plan.rules.iter().enumerate();
        rules
            .filter(|(at, rule)| {
                concerns(rule.fault)
                    && rule.applies(method, address)
                    && rule.rows.is_none_or(|most| rows() > most)
                    && now.strikes(*at)
            })
            .map(|(_, rule)| rule.clone())
            .collect()
    }
}

impl InForce {
    fn strikes(&self, at: usize) -> bool {
        let (rule, (seen, struck)) = (&self.plan.rules[at], &self.counts[at]);
        let turn = seen.fetch_add(1, Ordering::Relaxed);
        let Some(turn) = turn.checked_sub(rule.skip) else {
            return false;
        };
        let hit = match (rule.every, rule.chance) {
            (Some(every), _) => (turn + 1) % every == 0,
            (None, Some(chance)) => {
                Dice::new(self.plan.seed.wrapping_add(at as u64), turn, Purpose::Fault).share() < chance
            }
            (None, None) => true,
        };
        let within = |count: u64| (count < rule.times.unwrap_or(u64::MAX)).then_some(count + 1);
        hit && struck.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(seed: u64, rule: &str, turns: usize) -> String {
        let faults = Faults::new(FaultPlan { seed, rules: vec![rule.parse().unwrap()] });
        let strikes = |_| faults.striking("GET", "/resourceful/x", |_| true).len();
        (0..turns).map(strikes).map(|count| if count > 0 { 'x' } else { '.' }).collect()
    }

    #[test]
    fn rules_strike_when_they_say() {
        let check = |rule, expected: &str| assert_eq!(pattern(1, rule, expected.len()), expected, "{rule}");
        check("server_error", "xxxx");
        check("server_error:every=3", "..x..x.");
        check("server_error:every=3,times=1", "..x.....");
        check("server_error:skip=2,times=2", "..xx...");
        check("server_error:method=POST", "....");
        check("server_error:on=docnote", "....");
        check("server_error:off=docnote", "xxxx");
        check("server_error:off=/x", "....");
        check("server_error:on=/x", "xxxx");
    }

    #[test]
    fn chance_is_the_same_for_the_same_seed() {
        let drawn = pattern(7, "server_error:chance=0.3", 400);
        assert_eq!(drawn, pattern(7, "server_error:chance=0.3", 400));
        assert_ne!(drawn, pattern(8, "server_error:chance=0.3", 400));
        let hits = drawn.matches('x').count();
        assert!((80..160).contains(&hits), "{hits} of 400");
    }
}
