//! The CRMs that this host can be connected to: a connector is known everywhere by standing in this list.

use super::kind::CrmKind;
use super::xplan;
/// The stand-in site of the CRM that the demo shows.
pub use super::xplan::stand_in;

#[cfg(test)]
pub mod tests;

/// Kinds of CRMs. Parts that have to know which there are get one handed, so that tests can hand them others.
#[derive(Clone, Copy, Debug)]
pub struct Registry(&'static [&'static CrmKind]);

impl Registry {
    /// The CRMs of this program.
    pub const BUILT_IN: Self = Self(&[&xplan::KIND]);

    /// All CRMs of the registry.
    pub fn all(self) -> impl Iterator<Item = &'static CrmKind> {
        self.0.iter().copied()
    }

    /// The one that is meant where nobody says which.
    pub fn usual(self) -> &'static CrmKind {
        self.0.first().expect("a registry has at least one kind")
    }

    /// The one of this name.
    pub fn find(self, name: &str) -> Option<&'static CrmKind> {
        self.all().find(|kind| kind.name == name)
    }

    /// The label of the CRM of this name; the name itself where it is none of these.
    pub fn label(self, name: &str) -> &str {
        self.find(name).map_or(name, |kind| kind.label)
    }
}
