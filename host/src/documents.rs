//! Documents of households: made from the pack's templates, or uploaded as PDF.
//!
//! Serves `app`, which gives them to events as attachments, and `api` and `web`, which show and take them. How a document
//! looks is the pack's; what stands in it is put together here, from the book and from what the practice reported.

mod content;
mod receive;
mod upload;

use jiff::Zoned;
use jiff::tz::TimeZone;
use serde_json::Value;
use tidegate_documents::{DocumentError, MadeAt};

pub use self::content::{ClientGoal, Material, Professional};
pub use self::receive::{Kept, NotTaken, Uploads};
pub use self::upload::{LARGEST, NotAPdf};
use crate::config::{Practice, logo};
use crate::domain::text::is_unwanted;
use crate::domain::{RevisionId, Timestamp};
use crate::pack::Revision;

/// A document that the pack made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// The file's name: `Best Life Plan – Ayda Khan & Sam Khan – 2026-03-01.pdf`.
    pub file_name: String,
    /// Characters that no font has; each appears as a replacement character. Empty where all is well.
    pub replaced: String,
}

/// The reason why a document is not made.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// The pack has no template for it.
    #[error("the pack `{pack}` makes no document for `{event_type}`; upload one")]
    NoTemplate {
        /// The pack.
        pack: String,
        /// The event's type.
        event_type: String,
    },
    /// The practice's logo cannot be used.
    #[error("the practice's logo: {0}")]
    Logo(String),
    /// The template or its typesetter failed.
    #[error(transparent)]
    Typesetting(#[from] DocumentError),
}

/// The difference between the documents that two revisions make of the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Difference {
    /// There is none.
    None,
    /// They look otherwise.
    Other,
    /// The one cannot make it, so that there is nothing to hold the other's against.
    Unknown,
}

/// Makes the document of an event by two revisions and holds one against the other. Blocks: call it off the async threads.
///
/// # Errors
/// Fails as [`NotMade`] says, where the second of the revisions cannot make it.
pub fn difference(
    (from, to): (&Revision, &Revision),
    practice: &Practice,
    event_type: &str,
    material: &Material,
) -> Result<Difference, NotMade> {
    // One identity for both: the same content then has the same bytes.
    let made = |revision| make_as(revision, practice, event_type, material, to.id());
    let after = made(to)?;
    let Ok(before) = made(from) else { return Ok(Difference::Unknown) };
    Ok(if before.pdf == after.pdf { Difference::None } else { Difference::Other })
}

/// Makes the document of an event. Blocks: call it off the async threads.
///
/// # Errors
/// Fails as [`NotMade`] says.
pub fn make(revision: &Revision, practice: &Practice, event_type: &str, material: &Material) -> Result<Made, NotMade> {
    make_as(revision, practice, event_type, material, revision.id())
}

/// The same, with the identity of a document that the revision `maker` made.
fn make_as(
    revision: &Revision,
    practice: &Practice,
    event_type: &str,
    material: &Material,
    maker: RevisionId,
) -> Result<Made, NotMade> {
    let Some(document) = revision.document_of(event_type) else {
        let (pack, event_type) = (revision.pack().to_owned(), event_type.to_owned());
        return Err(NotMade::NoTemplate { pack, event_type });
    };
    let logo = practice.logo.as_deref().map(logo::read).transpose().map_err(NotMade::Logo)?;
    let logo = logo.map(|logo| (format!("practice-logo.{}", logo.format), logo.bytes));
    let made_at = material.made_at.to_zoned(practice.time_zone.clone());
    let logo_path = logo.as_ref().map(|(path, _)| path.as_str());
    let data = content::data(material, document, practice, logo_path, made_at.date());
    let identity = identity(event_type, material, &data, maker);
    let typeset = revision.typeset(event_type, data, logo, on_the_wall(&made_at), identity)?;
    let file_name = file_name(&document.title, material, made_at.date());
    Ok(Made { pdf: typeset.pdf, file_name, replaced: typeset.replaced })
}

/// The identity of a document: the same for the same content, another for every other.
fn identity(event_type: &str, material: &Material, data: &Value, maker: RevisionId) -> String {
    let text = format!("{event_type}\n{}\n{}\n{maker}\n{data}", material.household.household.id, material.made_at);
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn on_the_wall(at: &Zoned) -> MadeAt {
    let part = |figure: i8| u8::try_from(figure).unwrap_or_default();
    MadeAt {
        year: at.year(),
        month: part(at.month()),
        day: part(at.day()),
        hour: part(at.hour()),
        minute: part(at.minute()),
        second: part(at.second()),
        offset_minutes: at.offset().seconds() / 60,
    }
}

/// The name of a document's file, on a person's disk and in the CRM.
fn file_name(title: &str, material: &Material, day: jiff::civil::Date) -> String {
    let household: String = material.household.household.name.chars().filter(|c| !is_odd_in_a_file_name(*c)).collect();
    let household: String = household.trim().chars().take(80).collect();
    let title: String = title.chars().filter(|c| !is_odd_in_a_file_name(*c)).collect();
    format!("{title} – {household} – {day}.pdf")
}

fn is_odd_in_a_file_name(letter: char) -> bool {
    is_unwanted(letter)
        || "/\\:*?\"<>|".contains(letter)
        || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{E0000}'..='\u{E007F}')
}

/// The day of a moment where the practice is.
pub fn day(at: Timestamp, zone: &TimeZone) -> jiff::civil::Date {
    at.to_zoned(zone.clone()).date()
}
