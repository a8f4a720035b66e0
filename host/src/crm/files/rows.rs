//! Rows between delimiters: where each begins, and the values that the rules name of one.

use std::io::{Cursor, Read};

use encoding_rs::Encoding;

use super::columns;
use super::record::{Cells, Content, End, Place};
use crate::delimited::{Quotes, Record, Records, TextError};

/// Rows at the top among which the headings are looked for.
const HEADING_ROWS: usize = 10;
/// The delimiters that are tried.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// The shape of an export of rows.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    encoding: &'static Encoding,
    delimiter: char,
    /// The places of the wanted columns, that of the id first.
    places: Vec<usize>,
    /// The headings' parts of what a row says, one a column.
    headings: Vec<u64>,
    /// The wanted headings as they are compared.
    wanted: Vec<String>,
    /// The place of the first byte behind the headings, and the number of the line that begins there.
    rows_begin: (u64, u64),
}

impl Shape {
    /// The shape by which all wanted columns are found among the headings.
    ///
    /// # Errors
    /// Within, says what is missing where most were found, as the end of a sentence.
    pub(super) fn find(
        top: &[u8],
        encoding: &'static Encoding,
        wanted: &[String],
    ) -> Result<Result<Self, String>, TextError> {
        let mut nearest: Option<(usize, String)> = None;
        let said = top.strip_prefix(b"sep=").and_then(|rest| rest.first()).map(|byte| char::from(*byte));
        for delimiter in said.into_iter().chain(DELIMITERS) {
            let mut records = Records::new(Cursor::new(top), encoding, delimiter);
            for _ in 0..HEADING_ROWS {
                let Some(record) = records.next()? else { break };
                match columns::find(&record.values, wanted) {
                    Ok(places) => {
                        let last = record.lines.last();
                        let rows_begin = last.map_or((0, 1), |line| (line.end, line.number + 1));
                        let headings = record.values.iter().map(|heading| Content::heading(heading)).collect();
                        let wanted = wanted.iter().map(|name| columns::plain(name)).collect();
                        return Ok(Ok(Self { encoding, delimiter, places, headings, wanted, rows_begin }));
                    }
                    Err(why) => {
                        let plain: Vec<String> = record.values.iter().map(|value| columns::plain(value)).collect();
                        let found = wanted.iter().filter(|name| plain.contains(&columns::plain(name))).count();
                        if nearest.as_ref().is_none_or(|(most, _)| found > *most) {
                            nearest = Some((found, why));
                        }
                    }
                }
            }
        }
        Ok(Err(nearest.map_or_else(|| "holds nothing".to_owned(), |(_, why)| why)))
    }

    /// Where the rows begin, counted from the beginning of the text.
    pub(super) fn rows_begin(&self) -> u64 {
        self.rows_begin.0
    }

    /// Hands over each row with its place, counted from where the text begins, and the number of its content. Answers how
    /// the text ends.
    pub(super) fn each(
        &self,
        from: impl Read,
        mut take: impl FnMut(Place, Cells, u64) -> Result<(), TextError>,
    ) -> Result<End, TextError> {
        let (begin, first) = self.rows_begin;
        let mut records = Records::new(from, self.encoding, self.delimiter);
        let mut is = End::Whole;
        while let Some(mut record) = records.next()? {
            if self.is_swallowing(&record) {
                records.give_back(&mut record.lines);
                record.values = records.alone(&record.lines[0]);
                record.quotes = Quotes::Open;
            }
            let (Some(start), Some(end)) = (record.lines.first(), record.lines.last()) else { continue };
            if self.is_no_row(&record.values) {
                continue;
            }
            let place = Place {
                start: begin + start.start,
                length: u32::try_from(end.end - start.start).unwrap_or(u32::MAX),
                line: u32::try_from(first + start.number - 1).unwrap_or(u32::MAX),
            };
            let cells = self.cells(&record);
            is = match &cells {
                _ if end.is_ended => End::Whole,
                Cells::Whole(_) => End::Open,
                Cells::Damaged { .. } => End::Cut,
            };
            let mut content = Content::default();
            for (place, value) in record.values.iter().enumerate() {
                content.add(self.headings.get(place).copied().unwrap_or_default(), value);
            }
            take(place, cells, content.number())?;
        }
        Ok(is)
    }

    /// The values of one row, of which these are the bytes.
    pub(super) fn read(&self, bytes: &[u8]) -> Result<Cells, TextError> {
        let mut records = Records::new(Cursor::new(bytes), self.encoding, self.delimiter);
        Ok(match records.next()? {
            Some(record) => self.cells(&record),
            None => Cells::Damaged { id: None, why: "it is empty".to_owned() },
        })
    }

    /// Whether nothing stands behind the id in a row.
    pub(super) fn is_id_last(&self) -> bool {
        self.places.first().is_some_and(|id| id + 1 == self.width())
    }

    fn width(&self) -> usize {
        self.headings.len()
    }

    fn last(&self) -> usize {
        self.places.iter().copied().max().unwrap_or_default()
    }

    /// Whether nothing stands in a row, the headings once more (of files that were put one behind the other), or the line
    /// that query programs draw below the headings.
    fn is_no_row(&self, values: &[String]) -> bool {
        let mut filled = values.iter().map(|value| value.trim()).filter(|value| !value.is_empty()).peekable();
        let is_heading = || {
            let value = |place: &usize| values.get(*place).map(|value| columns::plain(value)).unwrap_or_default();
            self.places.iter().zip(&self.wanted).all(|(place, name)| value(place) == *name)
        };
        filled.peek().is_none()
            || filled.all(|value| value.len() > 1 && value.bytes().all(|byte| byte == b'-'))
            || is_heading()
    }

    /// Whether a row has taken others into one of its values, because a quotation mark is where none belongs.
    fn is_swallowing(&self, record: &Record) -> bool {
        record.lines.len() > 1 && (record.quotes == Quotes::Odd || record.values.len() != self.width())
    }

    fn cells(&self, record: &Record) -> Cells {
        let value = |place: usize| record.values.get(place).cloned().unwrap_or_default();
        // What stands in the first column stands there whatever is wrong behind it.
        let id = (self.places.first() == Some(&0)).then(|| value(0));
        let damaged = |why: &str| Cells::Damaged { id: id.clone(), why: why.to_owned() };
        let has_too_many = record.values.iter().skip(self.width()).any(|value| !value.trim().is_empty());
        if record.lines.iter().any(|line| line.is_cut) {
            return damaged("it is longer than 64 KB");
        }
        if record.quotes == Quotes::Open {
            return damaged("a quotation mark is opened in it and not closed");
        }
        if has_too_many {
            return damaged(
                "it has more values than there are headings; a value with the delimiter in it needs quotation marks",
            );
        }
        if record.values.len() <= self.last() {
            return damaged("it ends before the last of the columns that are read");
        }
        Cells::Whole(self.places.iter().map(|place| value(*place).into()).collect())
    }
}
