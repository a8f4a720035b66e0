//! The gates that a pack goes through before it may be put in force, each with what became of it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ComponentError, PackError};

/// A gate. Their order is that in which they are told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// The folder's files can be read, and `pack.toml` is one.
    Folder,
    /// The pack is signed by a key of the settings, or does not have to be.
    Signature,
    /// No file is larger than may be, nor is there more code.
    Size,
    /// The component is one, and whole: no bare module.
    Component,
    /// The component asks for nothing that no plugin has.
    Imports,
    /// The component is of this contract, and of a version that this host has.
    Contract,
    /// The component says of itself what its manifest and `pack.toml` say.
    Manifest,
    /// The pack is for the connection's CRM, and has its name.
    Connection,
    /// The component can be compiled within the time and memory that there are.
    Resources,
    /// The rules fit the plugin's schema, and the plugin takes them.
    Rules,
    /// The events are declared as the host can ask for them and check them, and their notes can be written.
    Events,
    /// The examples in the rules come out as they say.
    Examples,
    /// The golden fixtures of the pack come out as they say.
    Fixtures,
    /// The templates of notes and documents set with their samples.
    Templates,
    /// The operator's own cases come out as they say.
    Cases,
}

impl Gate {
    /// All gates, in their order.
    pub const ALL: [Self; 15] = [
        Self::Folder,
        Self::Signature,
        Self::Size,
        Self::Component,
        Self::Imports,
        Self::Contract,
        Self::Manifest,
        Self::Connection,
        Self::Resources,
        Self::Rules,
        Self::Events,
        Self::Examples,
        Self::Fixtures,
        Self::Templates,
        Self::Cases,
    ];

    /// The gate that an error belongs to, where the error itself says; else the one that was being tried.
    fn of(error: &PackError, tried: Self) -> Self {
        match error {
            PackError::Component { why, .. } => match why {
                ComponentError::Missing(_) => Self::Folder,
                ComponentError::NotAComponent(..) => Self::Component,
                ComponentError::OfAnotherContract(_) => Self::Contract,
                ComponentError::AsksForMore(_) => Self::Imports,
                ComponentError::TooLarge(_) => Self::Size,
                ComponentError::NotAsItSays(_) => Self::Manifest,
                ComponentError::NotCompiled(..) => Self::Resources,
            },
            PackError::Rules(_) => Self::Rules,
            PackError::Examples(_) => Self::Examples,
            _ => tried,
        }
    }
}

/// What became of a gate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GateOutcome {
    /// The gate.
    pub gate: Gate,
    /// Whether the pack went through it.
    pub ok: bool,
    /// The reason why it did not, a line each; of a gate that it went through, what is to be known all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Notes which gates a pack went through. Those behind one that it fails may not be tried.
#[derive(Default)]
pub struct Gates {
    tried: Vec<Gate>,
    failed: Vec<(Gate, String)>,
    remarks: Vec<(Gate, &'static str)>,
}

impl Gates {
    /// Begins to try a gate.
    pub(super) fn begin(&mut self, gate: Gate) {
        self.tried.push(gate);
    }

    /// Notes an error at the gate that is being tried, or at the one that the error belongs to. Paths are told from the
    /// pack's folder on.
    pub fn fail(&mut self, folder: &Path, error: &PackError) {
        let tried = self.tried.last().copied().unwrap_or(Gate::Folder);
        let parts = match error {
            PackError::Several(parts) => parts.as_slice(),
            _ => std::slice::from_ref(error),
        };
        for part in parts {
            let folder = folder.display().to_string();
            let told = part.to_string().replace(&format!("{folder}/"), "").replace(&folder, "the pack's folder");
            self.failed.push((Gate::of(part, tried), told));
        }
    }

    /// Notes that a pack does not belong to the connection.
    pub fn refuse(&mut self, gate: Gate, reason: String) {
        self.tried.push(gate);
        self.failed.push((gate, reason));
    }

    /// Notes what is to be known of a gate, though it was passed.
    pub fn remark(&mut self, gate: Gate, remark: Option<&'static str>) {
        self.remarks.extend(remark.map(|remark| (gate, remark)));
    }

    /// Notes a gate that was passed.
    pub fn pass(&mut self, gate: Gate) {
        self.tried.push(gate);
    }

    /// What became of each gate that was tried.
    pub fn outcomes(&self) -> Vec<GateOutcome> {
        let outcome = |gate: Gate| {
            let reasons: Vec<&str> =
                self.failed.iter().filter(|(of, _)| *of == gate).map(|(_, reason)| reason.as_str()).collect();
            let was_tried = self.tried.contains(&gate) || !reasons.is_empty();
            let reason = (!reasons.is_empty()).then(|| reasons.join("\n"));
            let ok = reason.is_none();
            let remark = || self.remarks.iter().find(|(of, _)| *of == gate).map(|(_, remark)| (*remark).to_owned());
            was_tried.then(|| GateOutcome { gate, ok, reason: reason.or_else(remark) })
        };
        Gate::ALL.into_iter().filter_map(outcome).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_stands_at_its_own_gate_and_those_behind_are_not_told() {
        let mut gates = Gates::default();
        gates.begin(Gate::Folder);
        gates.begin(Gate::Rules);
        gates.fail(
            Path::new("/a/pack"),
            &PackError::Several(vec![
                PackError::Rules(vec!["no `x`".to_owned()]),
                PackError::Refused { path: "/a/pack/rules.toml".into(), why: "it is cut".to_owned() },
                PackError::Examples(vec!["Sir is Mr".to_owned()]),
            ]),
        );
        let told: Vec<_> = gates.outcomes().into_iter().map(|one| (one.gate, one.ok, one.reason)).collect();
        let rules = "the rules cannot be used:\nno `x`\nrules.toml: it is cut".to_owned();
        let examples = "the examples in the rules do not hold:\nSir is Mr".to_owned();
        let expected =
            [(Gate::Folder, true, None), (Gate::Rules, false, Some(rules)), (Gate::Examples, false, Some(examples))];
        assert_eq!(told, expected);
    }
}
