//! Reading rules, with the place of what is wrong.

use serde::de::DeserializeOwned;

use crate::RuleProblem;

mod locate;

/// Reads rules from JSON. The first thing that does not fit is told with its JSON Pointer.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Vec<RuleProblem>> {
    serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let message = said.split(" at line ").next().unwrap_or(&said).to_owned();
        let path = locate::pointer(text, error.line(), error.column());
        vec![RuleProblem { path, message }]
    })
}
