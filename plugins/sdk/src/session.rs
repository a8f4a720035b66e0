//! A configured plugin and the contract's calls on it, the same natively and in the sandbox.

use crate::{
    Context, Ctx, Diagnostic, Event, FieldExplanation, FileNote, Host, LineageRecorder, Manifest, Outcome, Plugin,
    RawRecord, RecordKind, RuleProblem, Source, canonical::Choice, rules,
};

/// A plugin configured with its rules.
pub struct Session<P> {
    plugin: P,
}

impl<P: Plugin> Session<P> {
    /// The plugin's manifest, parsed.
    ///
    /// # Panics
    /// Panics if the plugin's manifest is not JSON of the manifest's shape, which the plugin's own tests find.
    #[must_use]
    pub fn describe() -> Manifest {
        ManifestFile::parse(P::MANIFEST)
    }

    /// Configures the plugin with rules in JSON.
    ///
    /// # Errors
    /// All that is wrong with the rules, each with its JSON Pointer.
    pub fn configure(rules: &str) -> Result<Self, Vec<RuleProblem>> {
        let plugin = P::configure(rules::read(rules)?)?;
        Ok(Self { plugin })
    }

    /// The sources that have to be read from the CRM.
    #[must_use]
    pub fn sources(&self) -> Vec<Source> {
        self.plugin.sources()
    }

    /// Maps a batch: one outcome a record, in the same order and with the same ids.
    #[must_use]
    pub fn map(&self, host: &dyn Host, context: &Context, records: Vec<RawRecord>) -> Vec<Outcome> {
        let ctx = Ctx { context, host };
        let outcome = |raw: RawRecord| {
            let mut recorder = LineageRecorder::new();
            let fate = self.plugin.map(&ctx, &raw, &mut recorder);
            Outcome { id: raw.id, verdict: recorder.end(fate) }
        };
        records.into_iter().map(outcome).collect()
    }

    /// Tells where each canonical field of one record comes from.
    #[must_use]
    pub fn explain(&self, host: &dyn Host, context: &Context, raw: &RawRecord) -> Vec<FieldExplanation> {
        let mut recorder = LineageRecorder::recording();
        let fate = self.plugin.map(&Ctx { context, host }, raw, &mut recorder);
        recorder.explain(fate)
    }

    /// Writes the file note of an event.
    ///
    /// # Errors
    /// Returns why there can be no note.
    pub fn render_note(&self, host: &dyn Host, context: &Context, event: &Event) -> Result<FileNote, Vec<Diagnostic>> {
        self.plugin.render_note(&Ctx { context, host }, event)
    }
}

/// The manifest as its file says it: the contract's record, in snake_case, with the schema as an object so that
/// people can read and edit it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestFile<'a> {
    name: String,
    version: String,
    crm: String,
    regions: Vec<String>,
    kinds: Vec<String>,
    kinds_reading_as_of: Vec<String>,
    fields_read: Vec<String>,
    fields_written: Vec<String>,
    events: Vec<String>,
    #[serde(borrow)]
    rules_schema: &'a serde_json::value::RawValue,
}

impl ManifestFile<'_> {
    fn parse(text: &str) -> Manifest {
        let file: ManifestFile<'_> =
            serde_json::from_str(text).expect("the plugin's manifest is JSON of the manifest's shape");
        Manifest {
            name: file.name,
            version: file.version,
            crm: file.crm,
            regions: file.regions,
            kinds: kinds(&file.kinds),
            kinds_reading_as_of: kinds(&file.kinds_reading_as_of),
            fields_read: file.fields_read,
            fields_written: file.fields_written,
            events: file.events,
            rules_schema: file.rules_schema.get().to_owned(),
        }
    }
}

fn kinds(words: &[String]) -> Vec<RecordKind> {
    let kind = |word: &String| RecordKind::of(word).expect("the manifest names kinds of the contract");
    words.iter().map(kind).collect()
}

#[cfg(test)]
mod tests;
