//! Rows of a CSV text with the lines they stand on. A quotation mark that is opened by mistake takes the lines after it
//! into one value: the lines are kept with each row, so that they can be given back and read by themselves.

use std::collections::VecDeque;
use std::io::Read;

use encoding_rs::Encoding;

use super::TextError;
use super::decode::{LONGEST_LINE, Line, Lines};

/// One row of a text.
pub struct Record {
    /// The lines that it is on; one at least.
    pub lines: Vec<Line>,
    /// The record's values.
    pub values: Vec<String>,
    /// The character between values.
    pub delimiter: char,
    /// The state of the record's quotation marks.
    pub quotes: Quotes,
}

/// The state of a record's quotation marks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quotes {
    /// Each quotation mark is around a value or within one.
    Paired,
    /// Text follows a quotation mark that ends a value.
    Odd,
    /// A quotation mark is opened and never closed: the row is its first line, read without it.
    Open,
}

/// The rows of a text.
pub struct Records<R> {
    lines: Lines<R>,
    delimiter: char,
    /// Lines that were read ahead.
    ahead: VecDeque<Line>,
}

impl<R: Read> Records<R> {
    /// The rows of what is in this encoding; UTF-16 is decoded before.
    pub fn new(from: R, encoding: &'static Encoding, delimiter: char) -> Self {
        Self { lines: Lines::new(from, encoding), delimiter, ahead: VecDeque::new() }
    }

    /// The next row.
    ///
    /// # Errors
    /// Returns an error if the text cannot be read.
    pub fn next(&mut self) -> Result<Option<Record>, TextError> {
        let Some(first) = self.next_line()? else { return Ok(None) };
        let mut splitter = Splitter::new(self.delimiter);
        splitter.push(&first.text);
        let mut size = first.text.len();
        let mut lines = vec![first];
        // A value with line breaks in it ends soon, or its quotation mark was none.
        while splitter.is_open() && size <= LONGEST_LINE {
            let Some(line) = self.next_line()? else { break };
            splitter.push(&line.text);
            size += line.text.len() + 1;
            lines.push(line);
        }
        if splitter.is_open() {
            self.give_back(&mut lines);
            let values = self.plain(&lines[0]);
            return Ok(Some(Record { lines, values, delimiter: self.delimiter, quotes: Quotes::Open }));
        }
        let quotes = if splitter.is_odd { Quotes::Odd } else { Quotes::Paired };
        Ok(Some(Record { lines, values: splitter.finish(), delimiter: self.delimiter, quotes }))
    }

    /// Gives all lines but the first back, to be read as rows of their own.
    pub fn give_back(&mut self, lines: &mut Vec<Line>) {
        for line in lines.drain(1..).rev() {
            self.ahead.push_front(line);
        }
    }

    /// The values of one line by itself: without its quotation marks where they do not fit.
    pub fn alone(&self, line: &Line) -> Vec<String> {
        let mut splitter = Splitter::new(self.delimiter);
        splitter.push(&line.text);
        let is_paired = line.text.matches('"').count().is_multiple_of(2);
        if splitter.is_odd || !is_paired { self.plain(line) } else { splitter.finish() }
    }

    /// The values of a line, its quotation marks left out.
    pub fn plain(&self, line: &Line) -> Vec<String> {
        line.text.split(self.delimiter).map(|value| value.replace('"', "")).collect()
    }

    /// Lines that rows were made of so far.
    pub fn read_lines(&self) -> u64 {
        self.lines.count() - self.ahead.len() as u64
    }

    fn next_line(&mut self) -> Result<Option<Line>, TextError> {
        match self.ahead.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next(),
        }
    }
}

/// Splits a row into its values, line by line (RFC 4180).
struct Splitter {
    delimiter: char,
    values: Vec<String>,
    value: String,
    state: State,
    is_odd: bool,
}

/// The splitter's place in a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The beginning of a value, where blanks may stand.
    Start,
    /// The inside of a value without quotation marks around it.
    Plain,
    /// The inside of a value with quotation marks around it.
    Quoted,
    /// The place behind a quotation mark in such a value: its end, or the first of two that stand for one.
    Closed,
}

impl Splitter {
    fn new(delimiter: char) -> Self {
        Self { delimiter, values: Vec::new(), value: String::new(), state: State::Start, is_odd: false }
    }

    /// Whether a value goes on behind the line.
    fn is_open(&self) -> bool {
        self.state == State::Quoted
    }

    fn push(&mut self, line: &str) {
        if self.is_open() {
            self.value.push('\n');
        }
        for letter in line.chars() {
            self.state = match (self.state, letter) {
                (State::Quoted, '"') => State::Closed,
                (State::Quoted, letter) => {
                    self.value.push(letter);
                    State::Quoted
                }
                (State::Closed, '"') => {
                    self.value.push('"');
                    State::Quoted
                }
                (_, letter) if letter == self.delimiter => {
                    self.values.push(std::mem::take(&mut self.value));
                    State::Start
                }
                (State::Start, '"') => {
                    self.value.clear();
                    State::Quoted
                }
                (State::Start | State::Closed, ' ') => {
                    if self.state == State::Start {
                        self.value.push(' ');
                    }
                    self.state
                }
                (before, letter) => {
                    self.is_odd |= before == State::Closed;
                    self.value.push(letter);
                    State::Plain
                }
            };
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.values.push(self.value);
        self.values
    }
}
