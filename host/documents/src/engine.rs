//! The way from a job to a PDF: compile, look for characters that no font has, export as PDF/UA-1.

use std::collections::BTreeSet;
use std::path::PathBuf;

use typst::diag::{SourceDiagnostic, SourceResult, Warned};
use typst::foundations::{Bytes, Datetime, Output, Smart};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::fonts::Fonts;
use crate::job::{Job, MadeAt, Typeset};
use crate::missing;
use crate::problem::{DocumentError, Problem};
use crate::world::{Desk, Sources};

/// The most pages of a document: one with more is a template gone wrong.
const MOST_PAGES: usize = 500;

/// The number of further jobs for which results of typesetting are remembered.
const REMEMBERED: usize = 4;

/// Typst with its fonts and what it remembers. Not bounded in time or memory: see [`crate::Typesetter`].
pub(crate) struct Engine {
    library: LazyHash<Library>,
    fonts: Fonts,
    sources: Sources,
}

/// The outcome of one round of typesetting.
enum Round {
    Done(Typeset),
    Missing(BTreeSet<char>),
    /// It is set, and is no PDF/UA: some text in it cannot be read back.
    NotExported(Vec<Problem>),
}

impl Engine {
    /// An engine with the fonts in the binary, and a folder of fonts for when these do not do.
    pub(crate) fn new(font_folder: Option<PathBuf>) -> Self {
        let library = LazyHash::new(Library::default());
        Self { library, fonts: Fonts::bundled(font_folder), sources: Sources::default() }
    }

    /// Makes the document.
    pub(crate) fn typeset(&mut self, mut job: Job) -> Result<Typeset, DocumentError> {
        missing::clean(&mut job.data);
        let mut replaced = BTreeSet::new();
        let outcome = loop {
            match self.round(&job, &replaced) {
                Ok(Round::Done(typeset)) => break Ok(typeset),
                Ok(Round::Missing(_)) if self.fonts.take_up_folder() => {}
                Ok(Round::Missing(letters)) => {
                    let found = missing::replace(&mut job.data, &letters);
                    if found.is_empty() {
                        let letters: String = letters.into_iter().collect();
                        let message = format!("the template's own text has characters that no font has: {letters}");
                        break Err(DocumentError::Template(vec![Problem::whole(&job.template, message)]));
                    }
                    replaced.extend(found);
                }
                Ok(Round::NotExported(problems)) => match missing::reduce(&mut job.data) {
                    Some(found) => replaced.extend(found),
                    None => break Err(DocumentError::Template(problems)),
                },
                Err(problems) => break Err(DocumentError::Template(problems)),
            }
        };
        typst::comemo::evict(REMEMBERED);
        outcome
    }

    fn round(&self, job: &Job, replaced: &BTreeSet<char>) -> Result<Round, Vec<Problem>> {
        let desk = self.desk(job)?;
        let told = |found: &[SourceDiagnostic]| -> Vec<Problem> {
            found.iter().map(|one| Problem::from_typst(&desk, one)).collect()
        };
        let options = options(job)?;
        let Warned { output, warnings } = compile_for(&desk, typst_pdf::pdf);
        let document = output.map_err(|errors| told(&errors))?;
        if document.pages().len() > MOST_PAGES {
            let message = format!("it has {} pages, more than {MOST_PAGES}", document.pages().len());
            return Err(vec![Problem::whole(&job.template, message)]);
        }
        let mut letters = BTreeSet::new();
        let mut pages = Vec::new();
        for page in document.pages() {
            missing::collect(&page.frame, &mut letters);
            pages.push(missing::text_of(&page.frame));
        }
        if !letters.is_empty() {
            return Ok(Round::Missing(letters));
        }
        let pdf = match typst_pdf::pdf(&document, &options) {
            Ok(pdf) => pdf,
            Err(errors) => return Ok(Round::NotExported(told(&errors))),
        };
        let replaced = replaced.iter().collect();
        Ok(Round::Done(Typeset { pdf, pages, replaced, warnings: told(&warnings) }))
    }

    fn desk<'a>(&'a self, job: &'a Job) -> Result<Desk<'a>, Vec<Problem>> {
        let data = serde_json::to_vec(&job.data).unwrap_or_default();
        let main = Desk::id(&job.template)
            .ok_or_else(|| vec![Problem::whole(&job.template, "this is no path of a template")])?;
        let (library, fonts, sources) = (&self.library, &self.fonts, &self.sources);
        Ok(Desk { library, fonts, sources, job, data: Bytes::new(data), main })
    }
}

/// Compiles to the kind of document that `_export` takes; its type has no name in the crates used here.
fn compile_for<D: Output>(
    desk: &Desk<'_>,
    _export: fn(&D, &PdfOptions) -> SourceResult<Vec<u8>>,
) -> Warned<SourceResult<D>> {
    typst::compile(desk)
}

fn options(job: &Job) -> Result<PdfOptions, Vec<Problem>> {
    let wrong = |message: &str| vec![Problem::whole(&job.template, message)];
    let standards = PdfStandards::new(&[PdfStandard::Ua_1]).map_err(|why| wrong(why.message()))?;
    let timestamp = timestamp(job.made_at).ok_or_else(|| wrong("the document's date is no date"))?;
    Ok(PdfOptions {
        ident: Smart::Custom(job.identity.clone()),
        creator: Smart::Custom(Some("Tidegate".to_owned())),
        timestamp: Some(timestamp),
        standards,
        ..PdfOptions::default()
    })
}

fn timestamp(at: MadeAt) -> Option<Timestamp> {
    let clock = Datetime::from_ymd_hms(at.year.into(), at.month, at.day, at.hour, at.minute, at.second)?;
    Timestamp::new_local(clock, at.offset_minutes)
}
