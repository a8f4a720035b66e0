//! The plugin, and the host as a plugin may ask it.

use serde::de::DeserializeOwned;

use crate::{
    Canonical, Context, Diagnostic, Event, FileNote, LineageRecorder, LogLevel, PhoneNumber, PhoneProblem, RawRecord,
    RuleProblem, Source,
};

/// A mapping of one CRM's records for one or more regions.
///
/// Everything here is pure: the same rules, context and record give the same answer, always. A plugin keeps no
/// state between calls beyond the rules it was configured with.
pub trait Plugin: Sized + 'static {
    /// The manifest as JSON, usually `include_str!("../manifest.json")`. These bytes are both the component's
    /// custom section `tidegate:manifest` and what `describe` answers with, so that the two cannot differ.
    const MANIFEST: &'static str;

    /// The rules' shape. Derive `Deserialize` with `deny_unknown_fields`: a misspelt key is then an error with
    /// its place instead of a rule that silently does nothing.
    type Rules: DeserializeOwned;

    /// Makes the plugin from its rules, or tells all that is wrong with them. Called once for each batch, so it
    /// should cost tens of microseconds.
    ///
    /// # Errors
    /// The rules that cannot be used, each with its JSON Pointer.
    fn configure(rules: Self::Rules) -> Result<Self, Vec<RuleProblem>>;

    /// The sources that have to be read from the CRM under the rules.
    fn sources(&self) -> Vec<Source>;

    /// Maps one raw record and tells the recorder what a person should know of it. What is wrong with a field is
    /// a diagnostic beside the record, never a lost record.
    ///
    /// The kit runs this one function both to map and to explain, so that an explanation cannot differ from what
    /// was mapped: tell the recorder the origin of each field.
    fn map(&self, ctx: &Ctx<'_>, raw: &RawRecord, recorder: &mut LineageRecorder) -> MapResult;

    /// Writes the file note of an event.
    ///
    /// # Errors
    /// Returns why there can be no note: an unknown event type, or data that do not fit.
    fn render_note(&self, ctx: &Ctx<'_>, event: &Event) -> Result<FileNote, Vec<Diagnostic>>;
}

/// The result of mapping a raw record.
#[derive(Debug, Clone, PartialEq)]
pub enum MapResult {
    /// The record was understood: one adviser or client, or a client's goals or covers.
    Mapped(Vec<Canonical>),
    /// The record is left out on purpose, for the recorded reason.
    Skipped,
    /// The record cannot be used, for the recorded reason.
    Rejected,
}

/// The host, as a plugin may ask it. In the sandbox these are the contract's two imports; natively the caller brings
/// its own, such as the harness.
pub trait Host {
    /// Parses a telephone number; see `wit/v1/phone.wit`. The host has to be asked: do so only about what may be of use.
    ///
    /// # Errors
    /// Returns why the text is not a number.
    fn parse_phone(&self, text: &str, region: Option<&str>) -> Result<PhoneNumber, PhoneProblem>;

    /// Writes a line for the operator. Nothing about a person belongs in it.
    fn log(&self, level: LogLevel, message: &str);
}

/// The context of a whole batch: the contract's context, and the host.
#[derive(Clone, Copy)]
pub struct Ctx<'a> {
    /// Region, dialect, connection, placeholder domain and as-of date.
    pub context: &'a Context,
    /// The host's services.
    pub host: &'a dyn Host,
}
