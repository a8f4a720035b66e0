//! One export, indexed: where each of its records is, and which are those of an id. What stands in a record is read again
//! when it is asked for, so that memory holds some bytes a record whatever is in it.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read as _};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::columns;
use super::content::Text;
use super::folder::{Arriving, Folder, Form, Opened, Stat};
use super::index::Index;
use super::looks::{Now, Seen};
use super::objects::{self, Ending};
use super::record::{Cells, End, Place, hash, id_in};
use super::rows::Shape;
use super::shape;
use crate::crm::CrmError;
use crate::delimited::TextError;
use crate::domain::ExternalId;

/// Bytes at the top from which the headings are told.
const TOP: u64 = 256 << 10;
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
    /// The sentences about those, and about what else is to be seen to in the file.
    pub(super) told: Vec<String>,
    /// The last record, where the file may be cut in its last value.
    cut: Option<usize>,
    /// The number of records that cannot be used, those among them of which it is known whose they are.
    unusable: u64,
    seen: Option<Seen>,
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
            told: Vec::new(),
            cut: None,
            unusable: 0,
            seen: None,
        };
        let (end, index) = match form {
            Form::Rows => table.index_rows()?,
            Form::Objects => table.index_objects()?,
        };
        let age = SystemTime::now().duration_since(stat.modified).unwrap_or_default();
        if end == End::Cut || end == End::Open && age < TAKEN_AS_IT_IS {
            let name = &table.name;
            let minutes = age.as_secs() / 60;
            let message = match end {
                End::Open => format!(
                    "an export is still arriving: {name} ends without the end of its last line; it is taken as it is after \
                     {MINUTES} minutes"
                ),
                _ if age < TAKEN_AS_IT_IS => {
                    format!("an export is still arriving: {name} ends in the middle of a record")
                }
                _ => format!(
                    "{name} is cut: it ends in the middle of a record, and nothing was added to it for {minutes} minutes; \
                     export it again"
                ),
            };
            return Ok(Err(Arriving { message, settles_in: None }));
        }
        if !folder.is_same(&table.name, &stat) {
            let message = format!("an export is still arriving: {} changed while it was looked at", table.name);
            return Ok(Err(Arriving { message, settles_in: Some(folder.settle) }));
        }
        table.take(folder, index, end)?;
        table.sort();
        Ok(Ok(table))
    }

    /// Takes in what was found of a file that has arrived, unless too little of it can be used.
    fn take(&mut self, folder: &Folder, mut index: Index, end: End) -> Result<(), CrmError> {
        if let Some(why) = index.refusal() {
            return Err(self.not_ready(&why));
        }
        let ends = match &self.layout {
            Layout::Rows(_) => {
                Some(self.text.ends_with_a_line(self.stat.size).map_err(|error| self.failed(error.into()))?)
            }
            Layout::Objects => None,
        };
        let stem = self.stem().to_ascii_lowercase();
        let before = folder.looks.before(&stem);
        let has_grown = before.is_some_and(|before| self.text.has_grown_from(&before, self.stat.size));
        let now = Now { size: self.stat.size, digest: self.text.digest, rows: index.rows(), ends };
        let seen = folder.looks.take(&stem, &now, has_grown);
        self.seen = Some(seen);
        if end == End::Open {
            let (name, line) = (&self.name, index.last_line());
            if seen.ended_before == Some(true) {
                let is_id_last = matches!(&self.layout, Layout::Rows(shape) if shape.is_id_last());
                self.cut = index.hold_back(is_id_last);
                index.tell(format!(
                    "{name} ends without the end of its last line, line {line}, which the export before it had: its last \
                     value may be cut, so that the row is not read. Export it again."
                ));
            } else if seen.ended_before.is_none() {
                index.tell(format!(
                    "{name} ends without the end of its last line, line {line}, which was taken as it stands there. See \
                     whether it is whole."
                ));
            }
        }
        self.unusable = index.unusable();
        (self.places, self.by_id, self.lost, self.told) = (index.places, index.by_id, index.lost, index.told);
        Ok(())
    }

    /// The file's name without its ending.
    fn stem(&self) -> &str {
        self.name.split_once('.').map_or(self.name.as_str(), |(stem, _)| stem)
    }

    /// The edition that the file is, where its silence about a record says something: whose each record is can be told,
    /// most can be used, and nothing is cut from it.
    pub(super) fn edition(&self) -> Option<u128> {
        let records = self.len() as u64 + self.lost;
        let is_whole = self.cut.is_none() && self.lost == 0 && records > 0 && self.unusable * 10 <= records;
        self.seen.filter(|_| is_whole).map(|seen| seen.edition)
    }

    fn index_rows(&mut self) -> Result<(End, Index), CrmError> {
        let mut top = Vec::new();
        self.text
            .reader(self.text.begins)
            .take(TOP)
            .read_to_end(&mut top)
            .map_err(|error| self.failed(error.into()))?;
        let shape = Shape::find(&top, self.text.encoding, &self.wanted).map_err(|error| self.failed(error))?;
        let shape = shape.map_err(|why| self.not_ready(&why))?;
        let mut index = Index::new(&self.name, &self.wanted);
        let begins = self.text.begins;
        let from = self.text.reader(begins + shape.rows_begin());
        let each = shape.each(from, |place, cells, content| {
            index.take(Place { start: begins + place.start, ..place }, &cells, content)
        });
        let end = each.map_err(|error| self.failed(error))?;
        self.layout = Layout::Rows(shape);
        Ok((end, index))
    }

    fn index_objects(&mut self) -> Result<(End, Index), CrmError> {
        let mut index = Index::new(&self.name, &self.wanted);
        let begins = self.text.begins;
        let id = self.wanted.first().map_or("", String::as_str);
        let found = shape::find(self.text.reader(begins), id, self.stem());
        let shape = match found.map_err(|error| self.failed(error.into()))? {
            shape::Found::Shape(shape) => shape,
            shape::Found::Cut => return Ok((End::Cut, index)),
            shape::Found::Other(why) => return Err(self.not_ready(&why)),
        };
        let mut members = BTreeMap::new();
        let ending = objects::each(self.text.reader(begins + shape.begins.0), &shape, |place, bytes| {
            let (cells, content) = objects::read(bytes, &self.wanted, Some(&mut members));
            let taken = index.take(Place { start: begins + place.start, ..place }, &cells, content);
            taken.map_err(io::Error::other)
        });
        match ending.map_err(|error| self.failed(error.into()))? {
            Ending::Whole => {}
            // What is cut has not got all that it will have.
            Ending::Cut => return Ok((End::Cut, index)),
            Ending::More => {
                return Err(self.not_ready("holds more behind the end of its list; export one list of all records"));
            }
        }
        if let Some(total) = shape.total.filter(|total| *total != index.records()) {
            let why = format!(
                "says that there are {total} records and holds {}; export all of them into one file",
                index.records()
            );
            return Err(self.not_ready(&why));
        }
        // An empty list has no members to look among.
        if !members.is_empty() {
            columns::find_members(&members, &self.wanted).map_err(|why| self.not_ready(&why))?;
        }
        Ok((End::Whole, index))
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
        let cells = match &self.layout {
            Layout::Rows(shape) => shape.read(&bytes).map_err(|error| self.failed(error))?,
            Layout::Objects => objects::read(&bytes, &self.wanted, None).0,
        };
        Ok(self.usable(index, cells))
    }

    /// The record at an index, as it is used.
    fn usable(&self, index: usize, cells: Cells) -> Cells {
        if self.cut != Some(index) {
            return cells;
        }
        let why = "the file ends in it without the end of a line, which the export before had, so that its last value may \
                   be cut; export it again";
        Cells::Damaged { id: id_in(&cells).map(|id| id.0), why: why.to_owned() }
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

    /// The indices of the records whose id no record of another file has, in the file's order.
    pub(super) fn strangers_to(&self, other: &Self) -> Vec<usize> {
        let is_known = |hash: u64| other.by_id.binary_search_by_key(&hash, |(known, _)| *known).is_ok();
        let mut strangers: Vec<usize> =
            self.by_id.iter().filter(|(hash, _)| !is_known(*hash)).map(|(_, index)| *index as usize).collect();
        strangers.sort_unstable();
        strangers
    }

    /// A record as a JSON object: the columns' names by the rules, in their order, and what stands there.
    pub(super) fn json(&self, values: &[Value], out: &mut String) {
        out.push('{');
        for (place, (name, value)) in self.wanted.iter().zip(values).enumerate() {
            if place > 0 {
                out.push(',');
            }
            out.push_str(&Value::from(name.as_str()).to_string());
            out.push(':');
            out.push_str(&value.to_string());
        }
        out.push('}');
    }
}

/// The error of a file that is not what it was when it was opened.
pub(super) fn changed(name: &str) -> CrmError {
    let message = format!("{name} changed while it was read; nothing follows from this run, and the next looks again");
    CrmError::NotReady { message }
}
