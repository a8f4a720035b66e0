//! One export, indexed: where each of its records is, and which are those of an id. What stands in a record is read again
//! when it is asked for, so that memory holds some bytes a record whatever is in it.

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Read as _};
use std::time::{Duration, SystemTime};

use xxhash_rust::xxh3::xxh3_64;

use super::columns;
use super::content::Text;
use super::folder::{Arriving, Folder, Form, Opened, Stat};
use super::objects;
use super::record::{Cells, End, Place};
use super::rows::Shape;
use crate::crm::CrmError;
use crate::delimited::TextError;
use crate::domain::ExternalId;

/// The most records of one export.
const MOST_RECORDS: usize = 2_000_000;
/// Bytes at the top from which the headings are told.
const TOP: u64 = 256 << 10;
/// The longest id.
const LONGEST_ID: usize = 100;
/// The age from which a file whose last row has no end is taken as it is: programs that leave that out are many, and a
/// transfer that stands still for longer is none.
const TAKEN_AS_IT_IS: Duration = Duration::from_mins(MINUTES);
const MINUTES: u64 = 10;

/// How records stand in a file.
#[derive(Debug)]
enum Layout {
    Rows(Shape),
    Objects,
}

/// One export.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) stat: Stat,
    pub(super) text: Text,
    layout: Layout,
    /// The columns' names by the rules, that of the id first.
    wanted: Vec<String>,
    places: Vec<Place>,
    /// Hashes of ids, sorted, each with its record's index.
    by_id: Vec<(u64, u32)>,
    /// The records whose id another one has, too.
    repeated: HashSet<u32>,
    /// The number of records of which nobody knows whose they are.
    pub(super) lost: u64,
}

/// The id that a text stands for; none where it is no id.
pub(super) fn id_of(text: &str) -> Option<ExternalId> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let is_one = !text.is_empty() && text.len() <= LONGEST_ID && !text.chars().any(char::is_control);
    is_one.then(|| ExternalId::of_crm(text))
}

fn hash(id: &ExternalId) -> u64 {
    xxh3_64(id.as_str().as_bytes())
}

impl Table {
    /// Indexes a file.
    ///
    /// # Errors
    /// Returns an error if it cannot be read, is too large or lacks a column; within, where it is still arriving.
    pub(super) fn open(
        folder: &Folder,
        mut opened: Opened,
        wanted: &[String],
    ) -> Result<Result<Self, Arriving>, CrmError> {
        let text = Text::of(&mut opened)?;
        let Opened { name, form, stat, .. } = opened;
        let mut table = Self {
            name,
            stat,
            text,
            layout: Layout::Objects,
            wanted: wanted.to_vec(),
            places: Vec::new(),
            by_id: Vec::new(),
            repeated: HashSet::new(),
            lost: 0,
        };
        let end = match form {
            Form::Rows => table.index_rows()?,
            Form::Objects | Form::Lines => table.index_objects(form)?,
        };
        let age = SystemTime::now().duration_since(stat.modified).unwrap_or_default();
        if end == End::Cut || end == End::Open && age < TAKEN_AS_IT_IS {
            let name = &table.name;
            let how = match end {
                End::Open => format!("without the end of its last line; it is taken as it is after {MINUTES} minutes"),
                _ => "in the middle of a record".to_owned(),
            };
            let message = format!("an export is still arriving: {name} ends {how}");
            return Ok(Err(Arriving { message, settles_in: None }));
        }
        if !folder.is_same(&table.name, &stat) {
            let message = format!("an export is still arriving: {} changed while it was looked at", table.name);
            return Ok(Err(Arriving { message, settles_in: Some(folder.settle) }));
        }
        table.sort();
        Ok(Ok(table))
    }

    fn index_rows(&mut self) -> Result<End, CrmError> {
        let mut top = Vec::new();
        self.text
            .reader(self.text.begins)
            .take(TOP)
            .read_to_end(&mut top)
            .map_err(|error| self.failed(error.into()))?;
        let shape = Shape::find(&top, self.text.encoding, &self.wanted).map_err(|error| self.failed(error))?;
        let shape = shape.map_err(|why| self.not_ready(&why))?;
        let mut index = Index::default();
        let begins = self.text.begins;
        let from = self.text.reader(begins + shape.rows_begin());
        let each = shape.each(from, |place, cells| index.take(Place { start: begins + place.start, ..place }, &cells));
        let end = each.map_err(|error| self.failed(error))?;
        self.layout = Layout::Rows(shape);
        self.take(index);
        Ok(end)
    }

    fn index_objects(&mut self, form: Form) -> Result<End, CrmError> {
        let mut index = Index::default();
        let mut members = BTreeSet::new();
        let begins = self.text.begins;
        let is_whole = objects::each(self.text.reader(begins), form, |place, bytes| {
            let cells = objects::read(bytes, &self.wanted, Some(&mut members));
            let taken = index.take(Place { start: begins + place.start, ..place }, &cells);
            taken.map_err(io::Error::other)
        });
        // What is cut has not got all that it will have.
        if !is_whole.map_err(|error| self.failed(error.into()))? {
            return Ok(End::Cut);
        }
        // An empty list has no members to look among.
        if !index.places.is_empty() {
            columns::find_members(&members, &self.wanted).map_err(|why| self.not_ready(&why))?;
        }
        self.take(index);
        Ok(End::Whole)
    }

    fn take(&mut self, Index { places, by_id, lost }: Index) {
        (self.places, self.by_id, self.lost) = (places, by_id, lost);
    }

    fn sort(&mut self) {
        self.by_id.sort_unstable();
        for two in self.by_id.windows(2).filter(|two| two[0].0 == two[1].0) {
            self.repeated.extend([two[0].1, two[1].1]);
        }
    }

    fn not_ready(&self, why: &str) -> CrmError {
        CrmError::NotReady { message: format!("{} {why}", self.name) }
    }

    fn failed(&self, error: TextError) -> CrmError {
        match error {
            TextError::NoText(why) => CrmError::NotReady { message: format!("{} cannot be read: {why}", self.name) },
            TextError::Disk(error) if error.kind() == io::ErrorKind::Other => {
                CrmError::TooLarge { message: format!("{}: {error}", self.name) }
            }
            TextError::Disk(error) => {
                CrmError::Unreachable { message: format!("{} cannot be read: {error}", self.name) }
            }
        }
    }

    /// The number of records.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The bytes that a record takes in the file.
    pub(super) fn size(&self, index: usize) -> usize {
        self.places.get(index).map_or(0, |place| place.length as usize)
    }

    /// The record at an index, as it stands there now.
    ///
    /// # Errors
    /// Returns an error if the file is not what it was.
    pub(super) fn read(&self, index: usize) -> Result<Cells, CrmError> {
        let place = self.places[index];
        let bytes = self.text.bytes(place.start, place.length as usize);
        let bytes = bytes.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => changed(&self.name),
            _ => self.failed(error.into()),
        })?;
        match &self.layout {
            Layout::Rows(shape) => shape.read(&bytes).map_err(|error| self.failed(error)),
            Layout::Objects => Ok(objects::read(&bytes, &self.wanted, None)),
        }
    }

    /// The indices of the records of an id, in the file's order.
    pub(super) fn of_id(&self, id: &ExternalId) -> Result<Vec<usize>, CrmError> {
        let sought = hash(id);
        let from = self.by_id.partition_point(|(hash, _)| *hash < sought);
        let same_hash = self.by_id[from..].iter().take_while(|(hash, _)| *hash == sought);
        let mut found = Vec::new();
        for (_, index) in same_hash {
            let index = *index as usize;
            if self.id(&self.read(index)?).as_ref() == Some(id) {
                found.push(index);
            }
        }
        Ok(found)
    }

    /// Whether another record has the same id.
    pub(super) fn is_repeated(&self, index: usize) -> bool {
        u32::try_from(index).is_ok_and(|index| self.repeated.contains(&index))
    }

    /// The id of a record.
    pub(super) fn id(&self, cells: &Cells) -> Option<ExternalId> {
        id_in(cells)
    }

    /// The line on which a record begins.
    pub(super) fn line(&self, index: usize) -> u32 {
        self.places.get(index).map_or(0, |place| place.line)
    }

    /// A record as a JSON object: the columns' names by the rules, in their order, and texts.
    pub(super) fn json(&self, values: &[String], out: &mut String) {
        out.push('{');
        for (place, (name, value)) in self.wanted.iter().zip(values).enumerate() {
            if place > 0 {
                out.push(',');
            }
            out.push_str(&serde_json::Value::from(name.as_str()).to_string());
            out.push(':');
            out.push_str(&serde_json::Value::from(value.as_str()).to_string());
        }
        out.push('}');
    }
}

/// The error of a file that is not what it was when it was opened.
pub(super) fn changed(name: &str) -> CrmError {
    let message = format!("{name} changed while it was read; nothing follows from this run, and the next looks again");
    CrmError::NotReady { message }
}

fn id_in(cells: &Cells) -> Option<ExternalId> {
    match cells {
        Cells::Whole(values) => values.first().and_then(|text| id_of(text)),
        Cells::Damaged { id, .. } => id.as_deref().and_then(id_of),
    }
}

/// An index while it is made.
#[derive(Default)]
struct Index {
    places: Vec<Place>,
    by_id: Vec<(u64, u32)>,
    lost: u64,
}

impl Index {
    fn take(&mut self, place: Place, cells: &Cells) -> Result<(), TextError> {
        let Some(id) = id_in(cells) else {
            self.lost += 1;
            return Ok(());
        };
        if self.places.len() >= MOST_RECORDS {
            let message = format!("it has more than {MOST_RECORDS} records, and an export may have so many");
            return Err(TextError::Disk(io::Error::other(message)));
        }
        let index = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.by_id.push((hash(&id), index));
        self.places.push(place);
        Ok(())
    }
}
