//! The CRMs that this host can be connected to: a connector is known everywhere by standing in this list.

use super::driver::CrmDriver;
use super::kind::CrmKind;
/// The stand-in site of the CRM that the demo shows.
pub use super::xplan::stand_in;
use super::{files, xplan};

#[cfg(test)]
pub mod tests;

/// CRMs with their drivers. Parts that have to know which there are get one handed, so that tests can hand them others.
#[derive(Clone, Copy, Debug)]
pub struct Registry(&'static [&'static CrmDriver]);

impl Registry {
    /// The CRMs of this program.
    pub const BUILT_IN: Self = Self(&[&xplan::DRIVER, &files::DRIVER]);

    /// All CRMs of the registry.
    pub fn all(self) -> impl Iterator<Item = &'static CrmKind> {
        self.0.iter().map(|driver| driver.kind)
    }

    /// The one that is meant where nobody says which.
    pub fn usual(self) -> &'static CrmKind {
        self.0.first().expect("a registry has at least one CRM").kind
    }

    /// The one of this name.
    pub fn find(self, name: &str) -> Option<&'static CrmKind> {
        self.all().find(|kind| kind.name == name)
    }

    /// The driver of a CRM of the registry.
    pub fn driver(self, kind: &CrmKind) -> &'static CrmDriver {
        let mut drivers = self.0.iter();
        drivers.find(|driver| driver.kind.name == kind.name).expect("a connection is of a CRM that it was parsed with")
    }

    /// The label of the CRM of this name; the name itself where it is none of these.
    pub fn label(self, name: &str) -> &str {
        self.find(name).map_or(name, |kind| kind.label)
    }
}
