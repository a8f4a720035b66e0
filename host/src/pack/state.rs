//! The state that the host keeps for a running guest, with what the guest may call: the contract's `log` and `phone`.

use super::bindings::tidegate::mapping::log::{self, Level};
use super::bindings::tidegate::mapping::phone::{self, Number, Problem};
use super::clock::Allowance;
use super::limits;
use super::log::{Lines, Log};
use super::phone::Answers;

/// The state of a running guest.
pub(super) struct State {
    pub(super) growth: limits::Growth,
    log: Log,
    phones: Answers,
    /// Calls that the guest may still make into the host.
    pub(super) host_calls_left: u32,
    pub(super) allowance: Allowance,
}

impl State {
    /// Nothing done yet; the lines of the guest, whose pack this is, are kept in `lines`.
    pub(super) fn new(pack: &str, lines: Lines) -> Self {
        Self {
            growth: limits::Growth::default(),
            log: Log::of(pack, lines),
            phones: Answers::default(),
            host_calls_left: limits::HOST_CALLS,
            allowance: Allowance::new(limits::CALL_TIME),
        }
    }

    /// Counts a call into the host; beyond the cap the guest is stopped.
    fn count_host_call(&mut self) -> wasmtime::Result<()> {
        match self.host_calls_left.checked_sub(1) {
            Some(left) => self.host_calls_left = left,
            None => return Err(wasmtime::Error::msg("it called the host too often")),
        }
        Ok(())
    }
}

impl log::Host for State {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.count_host_call()?;
        self.log.take(level, &message);
        Ok(())
    }
}

impl phone::Host for State {
    fn parse(&mut self, text: String, region: Option<String>) -> wasmtime::Result<Result<Number, Problem>> {
        self.count_host_call()?;
        Ok(self.phones.answer(text, region))
    }
}
