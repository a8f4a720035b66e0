//! What a call into a plugin costs, wherever it runs: for whoever measures one.

/// The machine-independent cost of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Instructions of the mapping, in the engine's unit; 0 where the engine does not count ([`super::Packs::counting`]).
    pub fuel: u64,
    /// The same of instantiating and configuring, which each batch costs once.
    pub configure_fuel: u64,
    /// Linear memory that the instance has at the end, bytes.
    pub memory: usize,
}
