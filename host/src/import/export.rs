//! The outcome of a list, as CSV for a spreadsheet program.

use futures::{Stream, stream};

use crate::domain::ImportId;
use crate::domain::import::{Applied, ImportRow, RowOutcome, RowStatus};
use crate::store::book::PageRequest;
use crate::store::{Store, StoreError};

/// Rows that are written at once.
const ROWS: usize = 500;

/// Pieces of the CSV of a list's rows, headings first; the ids stand below `id_heading`.
pub fn lines(
    store: Store,
    id: ImportId,
    status: Option<RowStatus>,
    id_heading: String,
) -> impl Stream<Item = Result<Vec<u8>, StoreError>> {
    // Where the next piece begins; the headings go with the first.
    let start = Some((None, true));
    stream::try_unfold(start, move |from| {
        let (store, id_heading) = (store.clone(), id_heading.clone());
        async move {
            let Some((cursor, is_first)) = from else { return Ok(None) };
            let page = store.import_rows(id, status, PageRequest { cursor, limit: ROWS }).await?;
            let mut piece = ::csv::Writer::from_writer(Vec::new());
            let failed = |error: ::csv::Error| StoreError::Unwritable { what: "a row of a list", source: error.into() };
            if is_first {
                let names = ["Row", "First Name", "Last Name", "Email", &id_heading];
                let names = names.into_iter().chain(["Status", "Reasons", "Client in the practice"]);
                piece.write_record(names).map_err(failed)?;
            }
            for row in &page.items {
                piece.write_record(record(row)).map_err(failed)?;
            }
            let bytes = piece.into_inner().map_err(|error| failed(error.into_error().into()))?;
            Ok(Some((bytes, page.next.map(|next| (Some(next), false)))))
        }
    })
}

/// A row as a line of CSV. What a spreadsheet program would take for a formula begins with an apostrophe, which makes
/// it text.
fn record(row: &ImportRow) -> [String; 8] {
    let status = match (row.outcome(), &row.applied) {
        (RowOutcome::NotLinked, Some(Applied::NotLinked(message))) => format!("not linked: {message}"),
        (RowOutcome::NotLinked, _) => "not linked".to_owned(),
        (RowOutcome::Linked, _) => "linked".to_owned(),
        (RowOutcome::LeftOut, _) => "left out".to_owned(),
        (RowOutcome::ToLink, _) if row.decision.is_some() => "decided".to_owned(),
        (RowOutcome::ToLink, _) => "ready".to_owned(),
        (RowOutcome::Undecided, _) => "needs a decision".to_owned(),
        (RowOutcome::CannotBeImported, _) => "cannot be imported".to_owned(),
    };
    let reasons: Vec<&str> = row.reasons.iter().map(|reason| reason.message.as_str()).collect();
    let meant = row.links().and_then(|id| row.candidates.iter().find(|candidate| candidate.client_id == id));
    [
        row.number.to_string(),
        row.first_name.clone(),
        row.last_name.clone(),
        row.email.clone(),
        row.external_id.clone(),
        status,
        reasons.join(" "),
        meant.map(|candidate| candidate.name.clone()).unwrap_or_default(),
    ]
    .map(harmless)
}

/// A text of which no spreadsheet program makes a formula: an apostrophe before it makes it text.
pub fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text() {
        for text in ["=1+1", "+61", "-1", "@SUM(A1)", "\tx", "\rx", "＝1"] {
            assert_eq!(harmless(text.to_owned()), format!("'{text}"));
        }
        assert_eq!(harmless("O'Brien = x".to_owned()), "O'Brien = x");
    }
}
