//! One fresh instance of a component, for one batch or one call. After any error the store is thrown away with all
//! that the guest did; nothing outlives the batch.

use std::time::Duration;

use wasmtime::{Store, Trap, UpdateDeadline};

use super::bindings::exports::tidegate::mapping::mapper::{
    Context, Event, FieldExplanation, FileNote, Guest, Manifest, Outcome, RawRecord, RuleProblem, Source,
};
use super::bindings::{Mapping, MappingPre, exports::tidegate::mapping::mapper::Diagnostic};
use super::clock::Allowance;
use super::engine::{Sandbox, Seat};
use super::limits;
use super::state::State;
use super::usage::Usage;
use super::{PackError, PluginFailure};

/// A component, ready to be instantiated. Cheap to clone.
#[derive(Clone)]
pub(super) struct Program {
    pub(super) pre: MappingPre<State>,
    /// The pack's name, for log lines.
    pub(super) pack: String,
}

/// A running component. Dropping it frees everything it used.
pub(super) struct Instance<'a> {
    // Before the seat: the store gives its place in the pool back first.
    store: Store<State>,
    mapping: Mapping,
    _seat: Seat<'a>,
}

impl From<PluginFailure> for PackError {
    fn from(failure: PluginFailure) -> Self {
        Self::Failed(failure)
    }
}

/// The result of a call into the component, or why the call failed.
type CallResult<T> = Result<T, PluginFailure>;

impl<'a> Instance<'a> {
    /// A fresh instance. Waits until the pool has a place.
    pub(super) fn new(sandbox: &'a Sandbox, program: &Program) -> CallResult<Self> {
        let seat = sandbox.take_seat();
        let state = State::new(&program.pack, sandbox.lines.clone());
        let mut store = Store::new(&sandbox.engine, state);
        store.limiter(|state| &mut state.growth);
        store.set_hostcall_fuel(limits::HANDED_OVER);
        store.epoch_deadline_callback(|store| match store.data().allowance.left() {
            Some(left) => Ok(UpdateDeadline::Continue(ticks(left))),
            None => Err(Trap::Interrupt.into()),
        });
        if sandbox.counts {
            store.set_fuel(limits::FUEL).map_err(failure)?;
        }
        allow(&mut store, limits::CALL_TIME);
        let mapping = program.pre.instantiate(&mut store).map_err(failure)?;
        Ok(Self { store, mapping, _seat: seat })
    }

    /// The manifest that the component describes itself by.
    pub(super) fn describe(&mut self) -> CallResult<Manifest> {
        self.call(limits::CALL_TIME, |guest, store| guest.call_describe(store))
    }

    /// Hands the rules over; the answer is what to read, or what is wrong with them.
    pub(super) fn configure(&mut self, rules: &str) -> CallResult<Result<Vec<Source>, Vec<RuleProblem>>> {
        self.call(limits::CALL_TIME, |guest, store| guest.call_configure(store, rules))
    }

    /// Maps a batch.
    pub(super) fn map(&mut self, context: Context<'_>, records: &[RawRecord<'_>]) -> CallResult<Vec<Outcome>> {
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        self.store.data_mut().host_calls_left =
            limits::HOST_CALLS.saturating_add(limits::HOST_CALLS_A_RECORD.saturating_mul(count));
        self.call(limits::batch_time(records.len()), |guest, store| guest.call_map(store, context, records))
    }

    /// Explains one record.
    pub(super) fn explain(&mut self, context: Context<'_>, record: RawRecord<'_>) -> CallResult<Vec<FieldExplanation>> {
        self.call(limits::CALL_TIME, |guest, store| guest.call_explain(store, context, record))
    }

    /// Renders a note.
    pub(super) fn render_note(
        &mut self,
        context: Context<'_>,
        event: Event<'_>,
    ) -> CallResult<Result<FileNote, Vec<Diagnostic>>> {
        self.call(limits::CALL_TIME, |guest, store| guest.call_render_note(store, context, event))
    }

    /// The instructions and the memory that it has taken so far.
    pub(super) fn usage(&self) -> Usage {
        let fuel = self.store.get_fuel().map_or(0, |left| limits::FUEL - left);
        Usage { fuel, configure_fuel: 0, memory: self.store.data().growth.memory }
    }

    fn call<T>(
        &mut self,
        time: Duration,
        call: impl FnOnce(&Guest, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> CallResult<T> {
        allow(&mut self.store, time);
        call(self.mapping.tidegate_mapping_mapper(), &mut self.store).map_err(failure)
    }
}

/// Gives the guest `time` of the CPU from now on.
fn allow(store: &mut Store<State>, time: Duration) {
    store.data_mut().allowance = Allowance::new(time);
    store.set_epoch_deadline(ticks(time));
}

/// One more than fits, because the running tick may be about to end.
fn ticks(time: Duration) -> u64 {
    let ticks = time.as_millis().div_ceil(limits::TICK.as_millis());
    u64::try_from(ticks).unwrap_or(u64::MAX - 1) + 1
}

/// The failure, in words for a person: wasmtime's own name code addresses, which help nobody here.
fn failure(error: wasmtime::Error) -> PluginFailure {
    let what = match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => return PluginFailure::TookTooLong,
        Some(Trap::StackOverflow) => return PluginFailure::TooDeep,
        Some(Trap::UnreachableCodeReached) => "it gave up (a panic in its code)".to_owned(),
        Some(Trap::MemoryOutOfBounds) => "it reached beyond its memory".to_owned(),
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    PluginFailure::Trapped(what, error.into())
}
