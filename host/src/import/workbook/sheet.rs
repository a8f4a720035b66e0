//! One sheet as it is read, a row at a time: a cell that is far away costs no more than any other.

use super::super::columns::{Columns, MOST_COLUMNS, NoHeadings};
use super::super::error::{FileError, HEADING_ROWS, Take};
use super::super::row::{ListRow, RowFault};
use super::parts::{Part, Piece, Tag, damaged, damaged_by};
use super::texts::{CellText, Texts, add_bounded, decoded};
use crate::crm::kind::IdColumn;

/// The parts of a workbook that cells of all its sheets refer to.
pub(super) struct Shared {
    /// The column of the CRM's ids.
    pub id: &'static IdColumn,
    pub texts: Texts,
    /// Whether each cell format shows a date.
    pub dates: Vec<bool>,
}

/// The findings on a sheet.
#[derive(Default)]
pub(super) struct Found {
    /// Rows down to the last with anything in it.
    pub lines: u64,
    /// Rows down to the headings, with them; none without headings.
    pub above: Option<u64>,
    /// Rows with anything in them, below the headings where there are any.
    pub rows: u64,
    /// The rows of these that are hidden.
    pub hidden: u64,
    /// The row that came nearest to headings.
    pub nearest: Option<NoHeadings>,
}

/// A cell's value.
enum Value {
    Text(String),
    /// A date, a truth value or an error.
    Other(&'static str),
}

/// A sheet as it is read.
pub(super) struct Sheet<'t> {
    shared: &'t Shared,
    take: Take<'t>,
    found: Found,
    columns: Option<Columns>,
    row: Row,
}

/// The row at hand.
#[derive(Default)]
struct Row {
    /// The row's number, from 1; 0 before the first.
    number: u32,
    is_hidden: bool,
    /// Whether any cell of the row holds something.
    is_filled: bool,
    /// The next cell's column, where it does not say.
    column: usize,
    /// The row's cells, while the headings are looked for.
    heading: Vec<String>,
    list: ListRow,
}

/// The cell at hand.
#[derive(Default)]
struct Cell {
    column: usize,
    kind: String,
    shows_date: bool,
    is_formula: bool,
    /// Whether the reader is within `v`.
    is_value: bool,
    /// Whether the cell has a value, were it an empty one: formulas are kept with what they came to.
    has_value: bool,
    value: String,
    inline: CellText,
}

impl<'t> Sheet<'t> {
    pub(super) fn new(shared: &'t Shared, take: Take<'t>) -> Self {
        Self { shared, take, found: Found::default(), columns: None, row: Row::default() }
    }

    /// Reads it to its end.
    ///
    /// # Errors
    /// Returns an error if the part is damaged, or `take` fails.
    pub(super) fn read(mut self, part: &mut Part<'_, '_>) -> Result<Found, FileError> {
        let (mut is_in_rows, mut cell) = (false, None::<Cell>);
        while let Some(piece) = part.next()? {
            match (piece, &mut cell) {
                (Piece::Open(tag), _) if tag.name() == "sheetData" => is_in_rows = true,
                (Piece::Close(end), _) if end.name() == "sheetData" => return Ok(self.found),
                _ if !is_in_rows => {}
                (Piece::Open(tag), None) if tag.name() == "row" => self.begin_row(&tag)?,
                (Piece::Close(end), None) if end.name() == "row" => self.end_row()?,
                (Piece::Open(tag), None) if tag.name() == "c" => cell = Some(self.begin_cell(&tag)?),
                (Piece::Close(end), open @ Some(_)) if end.name() == "c" => {
                    if let Some(cell) = open.take() {
                        self.end_cell(cell);
                    }
                }
                (Piece::Open(tag), Some(cell)) => match tag.name() {
                    "f" => cell.is_formula = true,
                    "v" => (cell.is_value, cell.has_value) = (true, true),
                    name => cell.inline.open(name),
                },
                (Piece::Close(end), Some(cell)) => match end.name() {
                    "v" => cell.is_value = false,
                    name => cell.inline.close(name),
                },
                (Piece::Text(text), Some(cell)) if cell.is_value => add_bounded(&mut cell.value, &text),
                (Piece::Text(text), Some(cell)) => cell.inline.add(&text),
                _ => {}
            }
        }
        // Rows without an end may be some of the rows.
        if is_in_rows { Err(damaged()) } else { Ok(self.found) }
    }

    fn begin_row(&mut self, tag: &Tag<'_>) -> Result<(), FileError> {
        let number = match tag.attribute("r")? {
            Some(number) => number.parse().map_err(damaged_by)?,
            None => self.row.number.saturating_add(1),
        };
        if number <= self.row.number {
            let message = format!("Row {number} of the workbook stands after row {}. Save it again.", self.row.number);
            return Err(FileError::unreadable(message));
        }
        let heading = std::mem::take(&mut self.row.heading);
        let list = ListRow { number, ..ListRow::default() };
        self.row = Row { number, is_hidden: tag.is("hidden")?, heading, list, ..Row::default() };
        self.row.heading.clear();
        Ok(())
    }

    /// Hands on a row that holds something.
    fn end_row(&mut self) -> Result<(), FileError> {
        if !self.row.is_filled {
            return Ok(());
        }
        self.found.lines = self.row.number.into();
        if self.columns.is_none() && self.row.number as usize <= HEADING_ROWS {
            match Columns::find(self.row.heading.iter().map(String::as_str), self.shared.id) {
                Ok(columns) => {
                    self.columns = Some(columns);
                    self.found.above = Some(self.row.number.into());
                    self.found.rows = 0;
                    return Ok(());
                }
                Err(missing) if self.found.nearest.as_ref().is_none_or(|known| known.found < missing.found) => {
                    self.found.nearest = Some(missing);
                }
                Err(_) => {}
            }
        }
        self.found.rows += 1;
        let Some(columns) = self.columns else { return Ok(()) };
        let mut list = std::mem::take(&mut self.row.list);
        if self.row.is_hidden {
            self.found.hidden += 1;
            let message = "The row is hidden in the workbook, by a filter or by hand. Decide it here, or show all rows, \
                         save the workbook and read it again.";
            list.doubt = Some(RowFault::new("hidden-row", message));
        }
        list.finish(columns.id_heading, columns.id_form);
        (self.take)(list)
    }

    fn begin_cell(&mut self, tag: &Tag<'_>) -> Result<Cell, FileError> {
        let column = match tag.attribute("r")? {
            Some(place) => column_of(&place, self.row.number).ok_or_else(damaged)?,
            None => self.row.column,
        };
        self.row.column = column + 1;
        let style = tag.attribute("s")?.and_then(|style| style.parse::<usize>().ok()).unwrap_or(0);
        let shows_date = self.shared.dates.get(style).copied().unwrap_or(false);
        Ok(Cell { column, kind: tag.attribute("t")?.unwrap_or_default(), shows_date, ..Cell::default() })
    }

    fn end_cell(&mut self, mut cell: Cell) {
        let value = self.value(&mut cell);
        let is_unknown = cell.is_formula && !cell.has_value;
        if !is_unknown && matches!(&value, Value::Text(text) if text.trim().is_empty()) {
            return;
        }
        self.row.is_filled = true;
        let column = cell.column;
        let Some(columns) = self.columns else {
            if let Value::Text(text) = value
                && column < MOST_COLUMNS
            {
                self.row.heading.resize(self.row.heading.len().max(column + 1), String::new());
                self.row.heading[column] = text;
            }
            return;
        };
        let list = &mut self.row.list;
        if column >= MOST_COLUMNS {
            let message = format!("A cell of this row stands far from the list, in column {}.", letters(column));
            list.add_fault(RowFault::new("far-cell", message));
            return;
        }
        let field = match column {
            column if column == columns.first_name => &mut list.first_name,
            column if column == columns.last_name => &mut list.last_name,
            column if column == columns.email => &mut list.email,
            column if column == columns.id => &mut list.id,
            _ => return,
        };
        let column = letters(column);
        match value {
            _ if cell.is_formula => {
                let message = format!(
                    "Column {column} holds a formula, and what it shows is not read. Copy the column, paste it as values, \
                     and save the list again."
                );
                list.add_fault(RowFault::new("formula", message));
            }
            Value::Text(text) => *field = text,
            Value::Other(what) => {
                let message = format!("Column {column} holds {what} in place of text. Correct the cell.");
                list.add_fault(RowFault::new("not-text", message));
            }
        }
    }

    fn value(&self, cell: &mut Cell) -> Value {
        let value = std::mem::take(&mut cell.value);
        match cell.kind.as_str() {
            "s" => match value.trim().parse().ok().and_then(|number| self.shared.texts.get(number)) {
                Some(text) => Value::Text(text.to_owned()),
                None => Value::Other("a text that the workbook does not have"),
            },
            "inlineStr" => Value::Text(cell.inline.take()),
            "str" => Value::Text(decoded(&value)),
            "b" => Value::Other("TRUE or FALSE"),
            "e" => Value::Other("an error"),
            "d" => Value::Other("a date"),
            _ if cell.shows_date && !value.trim().is_empty() => Value::Other("a date"),
            _ => Value::Text(number(value)),
        }
    }
}

/// A number as it is written, not as it is shown. Whole ones are exact in a float up to 2^53.
fn number(value: String) -> String {
    match value.trim().parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < 9e15 => format!("{number:.0}"),
        _ => value,
    }
}

/// The column of a cell such as `D2`, from 0, where it is of this row.
fn column_of(place: &str, row: u32) -> Option<usize> {
    let digits = place.find(|letter: char| letter.is_ascii_digit())?;
    let (letters, number) = place.split_at(digits);
    if letters.is_empty() || letters.len() > 3 || number.parse() != Ok(row) {
        return None;
    }
    let column = letters.bytes().try_fold(0, |column, letter| {
        letter.is_ascii_alphabetic().then(|| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1)
    })?;
    Some(column - 1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_by_their_letters() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")] {
            assert_eq!(letters(column), name);
            assert_eq!(column_of(&format!("{name}12"), 12), Some(column));
        }
        for place in ["12", "A", "A13", "AAAA12", "Ā12", "A12x", ""] {
            assert_eq!(column_of(place, 12), None, "{place}");
        }
    }
}
