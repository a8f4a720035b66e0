//! The part of a preview's page that tells how file notes and documents of the last month would be.

use similar::{ChangeTag, TextDiff};

use crate::app::App;
use crate::domain::access::Action;
use crate::ops::Refusal;
use crate::preview::{NoteChanges, NoteDifference, Preview};
use crate::store::page::PageRequest;
use crate::web::changes::Diff;
use crate::web::failure::Failure;
use crate::web::format;
use crate::web::session::SignedIn;

/// The notes that are shown; the file has all.
const SHOWN: usize = 20;
/// The lines of a text that are shown around those that differ.
const AROUND: usize = 2;

/// Notes that would read otherwise.
#[derive(Default)]
pub(in crate::web) struct NoteSection {
    /// What was found, in a sentence; none where there is nothing to tell of.
    pub(in crate::web) words: Option<String>,
    pub(in crate::web) rows: Vec<NoteRow>,
    pub(in crate::web) more: Option<String>,
}

/// A note that would read otherwise.
pub(in crate::web) struct NoteRow {
    pub(in crate::web) label: String,
    pub(in crate::web) event: String,
    pub(in crate::web) when: String,
    pub(in crate::web) household: String,
    /// The address of the note.
    pub(in crate::web) path: String,
    pub(in crate::web) failed: Option<String>,
    pub(in crate::web) mended: Option<String>,
    pub(in crate::web) fields: Vec<Diff>,
    pub(in crate::web) body: Vec<BodyLine>,
    /// The address of the document as it would be.
    pub(in crate::web) document: Option<String>,
}

/// A line of a note's text.
#[derive(PartialEq, Eq, Debug)]
pub(in crate::web) enum BodyLine {
    /// It would not be there.
    Gone(String),
    /// It would be there, and is not.
    New(String),
    /// It stays.
    Same(String),
    /// Lines that stay and are not shown.
    Between,
}

/// Tells of a preview's notes to whoever may read notes.
pub(super) async fn section(app: &App, person: &SignedIn, preview: &Preview) -> Result<NoteSection, Failure> {
    let Some(words) = in_words(&preview.notes) else { return Ok(NoteSection::default()) };
    if person.may(Action::ReadWholeBook).is_err() {
        return Ok(NoteSection { words: Some(words), ..NoteSection::default() });
    }
    let book = person.book(app, Action::ReadWholeBook).await?;
    let request = PageRequest { cursor: None, limit: SHOWN };
    let page = app.previews.notes(preview.id, request).await.map_err(Refusal::from)?;
    let mut rows = Vec::with_capacity(page.items.len());
    for one in page.items {
        let household = book.household(one.household).await?;
        let household = household.map_or_else(|| "a household of before".to_owned(), |row| row.household.name);
        let event = app.connections.event_label(&one.event_type);
        rows.push(row(preview, one, event, household, person));
    }
    let more = page.next.map(|_| "There are more in the file of all differences.".to_owned());
    Ok(NoteSection { words: Some(words), rows, more })
}

/// What was found, in a sentence; none where there were no notes.
fn in_words(notes: &NoteChanges) -> Option<String> {
    if notes.compared + notes.not_compared == 0 {
        return None;
    }
    let written = format::count(notes.compared, "note was", "notes were");
    let mut words = format!("{written} written once more, as the revision would write them");
    let counts = [
        (notes.changed, "would read otherwise"),
        (notes.newly_refused, "would not be written any more"),
        (notes.newly_accepted, "would be written, and would not be now"),
        (notes.not_compared, "could not be compared: their households are others now"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, what)| format!("{} {what}", format::number(count))).collect();
    let found = if counts.is_empty() { "all read the same".to_owned() } else { counts.join(", ") };
    words = format!("{words}: {found}.");
    let tried = notes.documents_compared + notes.documents_not_compared;
    if tried > 0 {
        let mut documents = format!(
            " Of {} that Tidegate made, {} would look otherwise",
            format::count(tried, "document", "documents"),
            format::number(notes.documents_changed)
        );
        for (count, what) in
            [(notes.documents_failed, "could not be made any more"), (notes.documents_not_compared, "were not tried")]
        {
            if count > 0 {
                documents = format!("{documents}, {} {what}", format::number(count));
            }
        }
        words = format!("{words}{documents}.");
    }
    Some(words)
}

fn row(preview: &Preview, one: NoteDifference, event: String, household: String, person: &SignedIn) -> NoteRow {
    let document = format!("/api/v1/previews/{}/notes/{}/document", preview.id, one.note);
    let (mut fields, mut body) = (Vec::new(), Vec::new());
    for field in one.fields {
        match (field.field.as_str(), &field.from, &field.to) {
            ("body", Some(from), Some(to)) => {
                body = lines(from, to);
                if body.is_empty() {
                    body = vec![BodyLine::Same("Only the ends of its lines would be others.".to_owned())];
                }
            }
            _ => fields.push(Diff::new(&field.field, field.from.as_deref(), field.to.as_deref())),
        }
    }
    let failed = match (&one.was_refused, one.refused, one.document_failed) {
        (None, Some(reason), _) => Some(format!("It would not be written any more: {reason}.")),
        (_, _, Some(reason)) => Some(format!("Its document could not be made any more: {reason}.")),
        _ => None,
    };
    NoteRow {
        label: format!("{event}, {household}"),
        event,
        when: format::time(one.occurred_at, &person.clock.zone),
        household,
        path: format!("/notes/{}", one.note),
        mended: one
            .was_refused
            .filter(|_| failed.is_none())
            .map(|_| "It would be written; now it would not.".to_owned()),
        failed,
        fields,
        body,
        document: one.has_other_document.then_some(document),
    }
}

/// The lines of a text that differ, with a few around them.
fn lines(from: &str, to: &str) -> Vec<BodyLine> {
    // Whether the last line has an end is no difference to whoever reads it.
    let [from, to] = [from, to].map(|text| text.lines().collect::<Vec<_>>());
    let diff = TextDiff::from_slices(&from, &to);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(AROUND) {
        if !lines.is_empty() {
            lines.push(BodyLine::Between);
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = change.value().to_owned();
            lines.push(match change.tag() {
                ChangeTag::Delete => BodyLine::Gone(text),
                ChangeTag::Insert => BodyLine::New(text),
                ChangeTag::Equal => BodyLine::Same(text),
            });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_only_what_differs_is_shown_with_what_stands_around_it() {
        let text = |third: &str| format!("a\nb\n{third}\nd\ne\nf\ng\nh\ni\nj\nk\n");
        let shown = lines(&text("c"), &text("C"));
        let same = |text: &str| BodyLine::Same(text.to_owned());
        let expected =
            [same("a"), same("b"), BodyLine::Gone("c".to_owned()), BodyLine::New("C".to_owned()), same("d"), same("e")];
        assert_eq!(shown, expected);
        assert_eq!(lines("a\nb", "a\nb\nc\n"), [same("a"), same("b"), BodyLine::New("c".to_owned())]);
        assert_eq!(lines("a\r\nb", "a\nb"), []);
        let two = lines(&text("c"), &text("C").replace("\nj\n", "\n"));
        assert!(two.contains(&BodyLine::Between) && two.contains(&BodyLine::Gone("j".to_owned())), "{two:?}");
    }

    #[test]
    fn what_was_found_is_told_in_a_sentence() {
        assert_eq!(in_words(&NoteChanges::default()), None);
        let same = NoteChanges { compared: 2, ..NoteChanges::default() };
        assert_eq!(
            in_words(&same).unwrap(),
            "2 notes were written once more, as the revision would write them: all read the same."
        );
        let changed = NoteChanges {
            compared: 3,
            changed: 1,
            newly_refused: 1,
            documents_compared: 2,
            documents_changed: 1,
            documents_failed: 1,
            ..NoteChanges::default()
        };
        assert_eq!(
            in_words(&changed).unwrap(),
            "3 notes were written once more, as the revision would write them: 1 would read otherwise, 1 would not be \
             written any more. Of 2 documents that Tidegate made, 1 would look otherwise, 1 could not be made any more."
        );
    }
}
