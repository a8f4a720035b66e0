//! Lists in .xlsx workbooks, cell by cell: a cell that stands far away costs no more than any other.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader as _, Xlsx};

use super::columns::{Columns, MOST_COLUMNS, NoHeadings};
use super::file::{FileError, HEADING_ROWS, Take};
use super::row::{ListRow, RowFault};

/// Reads the first sheet that has the headings.
pub(super) fn read(file: File, take: Take<'_>) -> Result<(), FileError> {
    // The library panics over some damaged workbooks; that ends this file, not the host.
    let read = AssertUnwindSafe(|| read_workbook(file, take));
    catch_unwind(read).unwrap_or_else(|_| Err(FileError::refused(DAMAGED)))
}

const DAMAGED: &str = "The workbook is damaged and cannot be read. Save it again, or save the list as CSV.";

fn read_workbook(file: File, take: Take<'_>) -> Result<(), FileError> {
    let mut workbook = Xlsx::new(BufReader::new(file)).map_err(|_| FileError::refused(DAMAGED))?;
    let mut nearest: Option<NoHeadings> = None;
    for name in workbook.sheet_names() {
        // A chart is a sheet without cells.
        let Ok(cells) = workbook.worksheet_cells_reader(&name) else { continue };
        match Sheet::new(take).read(cells)? {
            Ok(()) => return Ok(()),
            Err(missing) if nearest.as_ref().is_none_or(|known| known.found < missing.found) => nearest = Some(missing),
            Err(_) => {}
        }
    }
    Err(no_headings(nearest))
}

/// The headings were not found; says what is missing where they nearly were.
pub(super) fn no_headings(nearest: Option<NoHeadings>) -> FileError {
    let words = nearest.map_or_else(|| "nothing stands there".to_owned(), |nearest| nearest.words);
    FileError::refused(format!(
        "The headings First Name, Last Name, Email and Xplan ID are not in the first {HEADING_ROWS} rows: {words}."
    ))
}

/// A sheet as it is read, one row at a time.
struct Sheet<'t> {
    take: Take<'t>,
    columns: Option<Columns>,
    nearest: Option<NoHeadings>,
    /// The row's number from 0, and its cells while the headings are looked for.
    row: Option<u32>,
    heading: Vec<String>,
    list: ListRow,
}

impl<'t> Sheet<'t> {
    fn new(take: Take<'t>) -> Self {
        Self { take, columns: None, nearest: None, row: None, heading: Vec::new(), list: ListRow::default() }
    }

    fn read(
        mut self,
        mut cells: calamine::XlsxCellReader<'_, BufReader<File>>,
    ) -> Result<Result<(), NoHeadings>, FileError> {
        loop {
            let cell = cells.next_cell_with_formula_metadata().map_err(|error| {
                let row = self.row.map_or(1, |row| row + 1);
                FileError::refused(format!(
                    "The workbook cannot be read after row {row} ({error}). Save it again, or save the list as CSV."
                ))
            })?;
            let Some(cell) = cell else { break };
            let (row, column) = cell.pos;
            if self.row != Some(row) {
                if self.row.is_some_and(|before| before > row) {
                    let words = format!("Row {} of the workbook stands after row {}. Save it again.", row + 1, row + 2);
                    return Err(FileError::Refused(words));
                }
                if self.end_row()? {
                    break;
                }
                self.row = Some(row);
                self.list = ListRow { number: row.saturating_add(1), ..ListRow::default() };
            }
            self.cell(column as usize, &cell.value, cell.formula.is_some());
        }
        self.end_row()?;
        match (self.columns, self.nearest) {
            (Some(_), _) => Ok(Ok(())),
            (None, Some(missing)) => Ok(Err(missing)),
            (None, None) => Ok(Err(NoHeadings { found: 0, words: "the sheets are empty".to_owned() })),
        }
    }

    /// Hands a row on. True where no headings will come any more.
    fn end_row(&mut self) -> Result<bool, FileError> {
        let Some(row) = self.row else { return Ok(false) };
        if self.columns.is_some() {
            let mut list = std::mem::take(&mut self.list);
            list.finish();
            if !list.is_blank() {
                (self.take)(list)?;
            }
            return Ok(false);
        }
        let heading = std::mem::take(&mut self.heading);
        match Columns::find(heading.iter().map(String::as_str)) {
            Ok(columns) => self.columns = Some(columns),
            Err(missing) if self.nearest.as_ref().is_none_or(|known| known.found < missing.found) => {
                self.nearest = Some(missing);
            }
            Err(_) => {}
        }
        Ok(self.columns.is_none() && row as usize + 1 >= HEADING_ROWS)
    }

    fn cell(&mut self, column: usize, value: &DataRef<'_>, is_formula: bool) {
        if matches!(value, DataRef::Empty) && !is_formula {
            return;
        }
        let Some(columns) = self.columns else {
            if column < MOST_COLUMNS && (self.row.unwrap_or_default() as usize) < HEADING_ROWS {
                self.heading.resize(self.heading.len().max(column + 1), String::new());
                self.heading[column] = text(value).unwrap_or_default();
            }
            return;
        };
        if column > MOST_COLUMNS {
            let message = format!("A cell of this row stands far from the list, in column {}.", letters(column));
            self.list.add_fault(RowFault::new("far-cell", message));
            return;
        }
        let field = match column {
            column if column == columns.first_name => &mut self.list.first_name,
            column if column == columns.last_name => &mut self.list.last_name,
            column if column == columns.email => &mut self.list.email,
            column if column == columns.id => &mut self.list.id,
            _ => return,
        };
        match text(value) {
            _ if is_formula => {
                let message = format!("Column {} holds a formula, and its value is not taken.", letters(column));
                self.list.add_fault(RowFault::new("formula", message));
            }
            Some(text) => *field = text,
            None => {
                let message = format!("Column {} holds a date or an error in place of text.", letters(column));
                self.list.add_fault(RowFault::new("not-text", message));
            }
        }
    }
}

/// A cell as text; numbers as they are written, not as they are shown.
fn text(value: &DataRef<'_>) -> Option<String> {
    match value {
        DataRef::Empty => Some(String::new()),
        DataRef::String(text) => Some(text.clone()),
        DataRef::SharedString(text) => Some((*text).to_owned()),
        DataRef::Int(number) => Some(number.to_string()),
        // Whole numbers are exact in a float up to 2^53.
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(format!("{number:.0}")),
        DataRef::Float(number) => Some(number.to_string()),
        DataRef::Bool(_) | DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => None,
        DataRef::Error(_) => None,
    }
}

/// A column as spreadsheets call it: 0 is A, 27 is AB.
fn letters(mut column: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'A' + u8::try_from(column % 26).unwrap_or_default());
        match column / 26 {
            0 => break,
            rest => column = rest - 1,
        }
    }
    letters.reverse();
    String::from_utf8(letters).unwrap_or_default()
}
