//! Demands on `configure`.

use serde_json::{Value, json};

use super::Subject;
use crate::domain::field::pointer_to;
use crate::pack::examples::EXAMPLES;
use crate::pack::instance::Instance;

/// The name of a rule that no plugin has.
const NO_RULE: &str = "no-plugin-has-this-rule";

/// The answer to rules: the sources, or the problems with their places.
type Answer = Result<Vec<String>, Vec<(String, String)>>;

impl Subject<'_> {
    /// Configures a fresh instance.
    fn configure(&self, rules: &str) -> Result<Answer, String> {
        let revision = self.revision;
        let configured =
            Instance::new(&revision.sandbox, &revision.program).and_then(|mut instance| instance.configure(rules));
        Ok(match configured.map_err(|failure| failure.to_string())? {
            Ok(sources) => Ok(sources.iter().map(|source| format!("{source:?}")).collect()),
            Err(problems) => Err(problems.into_iter().map(|problem| (problem.path, problem.message)).collect()),
        })
    }

    fn rules(&self) -> Value {
        serde_json::from_str(&self.revision.rules).unwrap_or_default()
    }
}

/// What is no set of rules at all.
pub(super) fn no_rules(subject: &Subject<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    for text in ["", "{", "[]", "null", "7", "\"rules\"", "{\"a\":1}{\"b\":2}"] {
        match subject.configure(text) {
            Err(failure) => problems.push(format!("`{text}`: {failure}")),
            Ok(Ok(_)) => problems.push(format!("`{text}` is taken for rules")),
            Ok(Err(told)) if told.is_empty() => problems.push(format!("`{text}` is refused without a reason")),
            Ok(Err(_)) => {}
        }
    }
    problems
}

/// A rule that is not known.
pub(super) fn unknown(subject: &Subject<'_>) -> Vec<String> {
    let mut rules = subject.rules();
    rules[NO_RULE] = json!(1);
    match subject.configure(&rules.to_string()) {
        Err(failure) => vec![failure],
        Ok(Ok(_)) => vec![format!("it takes rules with `{NO_RULE}`: a misspelt rule would do nothing, unnoticed")],
        Ok(Err(told)) if told.iter().any(|(path, message)| path.contains(NO_RULE) || message.contains(NO_RULE)) => {
            Vec::new()
        }
        Ok(Err(told)) => vec![format!("it refuses `{NO_RULE}` without naming it: {told:?}")],
    }
}

/// Whether a place is another, or one in it.
fn is_in(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Rules of which one has a value of another type.
pub(super) fn of_wrong_type(subject: &Subject<'_>) -> Vec<String> {
    let rules = subject.rules();
    let mut problems = Vec::new();
    for key in rules.as_object().into_iter().flat_map(|rules| rules.keys()).filter(|key| *key != EXAMPLES) {
        let mut wrong = rules.clone();
        wrong[key] = match &rules[key] {
            Value::String(_) => json!({ "no": "text" }),
            _ => json!("of another type"),
        };
        let place = pointer_to(key);
        match subject.configure(&wrong.to_string()) {
            Err(failure) => problems.push(format!("{place}: {failure}")),
            Ok(Ok(_)) => problems.push(format!("{place}: a value of another type is taken")),
            Ok(Err(told)) if told.iter().any(|(path, _)| is_in(path, &place)) => {}
            Ok(Err(told)) => {
                let paths: Vec<&str> = told.iter().map(|(path, _)| path.as_str()).collect();
                problems.push(format!("{place}: it is refused, and the places that are told are {paths:?}"));
            }
        }
    }
    problems
}

/// The same rules, three times.
pub(super) fn alike(subject: &Subject<'_>) -> Vec<String> {
    let answers: Vec<_> = (0..3).map(|_| subject.configure(&subject.revision.rules)).collect();
    let is_alike = answers.windows(2).all(|pair| pair[0] == pair[1]);
    if is_alike { Vec::new() } else { vec!["its sources differ from one call to the next".to_owned()] }
}
