//! Lists in .xlsx workbooks. Parts are unpacked as they are read, within bounds, and nothing is held but the texts that
//! cells share.

mod book;
mod parts;
mod sheet;
mod styles;
mod texts;

use std::fs::File;

use self::book::{Book, Tab};
use self::parts::{Parts, damaged};
use self::sheet::{Found, Shared, Sheet};
use self::texts::Texts;
use super::columns::NoHeadings;
use super::error::{FileError, Take};
use crate::crm::kind::IdColumn;
use crate::domain::import::{ListSource, OtherSheet};

/// Reads the sheet of this name; without a name, the first that is shown and has the headings with rows under them.
pub(super) fn read(
    file: &File,
    wanted: Option<&str>,
    id: &'static IdColumn,
    take: Take<'_>,
) -> Result<ListSource, FileError> {
    let mut parts = Parts::open(file)?;
    let book = Book::read(&mut parts)?;
    let texts = match &book.texts {
        Some(name) => Texts::read(&mut parts, name)?,
        None => Texts::default(),
    };
    let dates = match &book.styles {
        Some(name) => styles::dates(&mut parts, name)?,
        None => Vec::new(),
    };
    let shared = Shared { texts, dates, id };
    let mut list: Option<(&Tab, Found)> = None;
    let (mut others, mut nearest) = (Vec::new(), None::<NoHeadings>);
    for tab in &book.sheets {
        let is_wanted = match wanted {
            Some(name) => is_called(tab, name),
            None => !tab.is_hidden,
        };
        let is_list = is_wanted && list.as_ref().is_none_or(|(_, found)| found.rows == 0);
        let mut pass = |_| Ok(());
        let sheet = if is_list { Sheet::new(&shared, &mut *take) } else { Sheet::new(&shared, &mut pass) };
        let mut part = parts.read(&tab.part)?.ok_or_else(damaged)?;
        let found = sheet.read(&mut part)?;
        if is_list && found.above.is_some() {
            others.extend(list.replace((tab, found)).map(other));
        } else {
            let missing = found.nearest.as_ref().filter(|_| is_wanted);
            if missing.is_some_and(|missing| nearest.as_ref().is_none_or(|known| known.found < missing.found)) {
                nearest = missing.cloned();
            }
            others.push(other((tab, found)));
        }
    }
    let Some((tab, found)) = list else {
        return Err(not_found(&book, &others, wanted, FileError::no_headings(nearest, id)));
    };
    let Found { lines, rows, hidden, above, .. } = found;
    let above = above.unwrap_or_default();
    others.retain(|sheet| sheet.rows > 0);
    Ok(ListSource {
        lines,
        above,
        blank: lines - above - rows,
        continued: 0,
        hidden,
        sheet: Some(tab.name.clone()),
        other_sheets: others,
    })
}

/// Names of sheets differ in more than their case.
fn is_called(tab: &Tab, name: &str) -> bool {
    tab.name.trim().to_lowercase() == name.trim().to_lowercase()
}

fn other((tab, found): (&Tab, Found)) -> OtherSheet {
    OtherSheet {
        name: tab.name.clone(),
        is_hidden: tab.is_hidden,
        has_headings: found.above.is_some(),
        rows: found.rows,
    }
}

/// The message that none of the sheets is the list; `no_headings` where nothing else is to be said.
fn not_found(book: &Book, others: &[OtherSheet], wanted: Option<&str>, no_headings: FileError) -> FileError {
    let is_there = |name: &str| book.sheets.iter().any(|tab| is_called(tab, name));
    match (wanted, others.iter().find(|sheet| sheet.has_headings && sheet.is_hidden)) {
        (Some(name), _) if !is_there(name) => {
            let names: Vec<String> = book.sheets.iter().take(20).map(|tab| format!("“{}”", tab.name)).collect();
            FileError::NoSheet(format!("The workbook has no sheet “{name}”. Its sheets are {}.", names.join(", ")))
        }
        (None, Some(hidden)) => FileError::NoSheet(format!(
            "The list is on the sheet “{}”, which is hidden in the workbook. Show the sheet and save the workbook, or name \
             the sheet where the list is read.",
            hidden.name
        )),
        _ => no_headings,
    }
}
