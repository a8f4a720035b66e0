//! The files of a preview: its differences, a JSON object a line, written as they are found and read a page at a time;
//! and its summary beside them.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Preview, PreviewError};
use crate::domain::made::{Difference, MadeState};
use crate::domain::{ClientId, ExternalId, PreviewId, RecordKind};

/// The most bytes of differences that are written; behind them only is counted.
const MOST: u64 = 256 << 20;

/// The difference that the change would make to one record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordDifference {
    /// The kind of record.
    pub kind: RecordKind,
    /// The client in the practice; none where nobody was made of it.
    pub id: Option<ClientId>,
    /// The record's id in the CRM; that of the client, where it is a list.
    pub external_id: ExternalId,
    /// The difference.
    #[serde(flatten)]
    pub difference: Difference,
}

/// The differences that are wanted: those that fit all that is given.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Filter {
    /// The kind of record.
    pub kind: Option<RecordKind>,
    /// A field that differs.
    pub field: Option<String>,
    /// The code of a diagnostic that appears or disappears.
    pub code: Option<String>,
    /// The state that the record comes to, where it was in another.
    pub becomes: Option<MadeState>,
}

impl Filter {
    fn fits(&self, one: &RecordDifference) -> bool {
        let Difference { was, becomes, fields, appearing, disappearing } = &one.difference;
        let has_code = |code: &str| appearing.iter().chain(disappearing).any(|diagnostic| diagnostic.code == code);
        self.kind.is_none_or(|kind| kind == one.kind)
            && self.field.as_deref().is_none_or(|field| fields.iter().any(|other| other.field == field))
            && self.code.as_deref().is_none_or(has_code)
            && self.becomes.is_none_or(|wanted| wanted == *becomes && was != becomes)
    }
}

/// The file of a preview's differences.
pub(super) fn path(folder: &Path, id: PreviewId) -> PathBuf {
    folder.join(format!("{id}.jsonl"))
}

fn summary_path(folder: &Path, id: PreviewId) -> PathBuf {
    folder.join(format!("{id}.json"))
}

/// Writes the differences of one preview.
pub(super) struct Writer {
    file: BufWriter<File>,
    written: u64,
    line: Vec<u8>,
}

impl Writer {
    /// Begins a file that only the host's account can read.
    pub fn create(folder: &Path, id: PreviewId) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path(folder, id))?;
        Ok(Self { file: BufWriter::new(file), written: 0, line: Vec::new() })
    }

    /// Writes a difference; false where the file is full.
    pub fn write(&mut self, difference: &RecordDifference) -> io::Result<bool> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, difference)?;
        self.line.push(b'\n');
        if self.written + self.line.len() as u64 > MOST {
            return Ok(false);
        }
        self.written += self.line.len() as u64;
        self.file.write_all(&self.line)?;
        Ok(true)
    }

    /// Writes what is left.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Reads a page of differences, from a place in the file on that an earlier page gave. Answers the next one's.
pub(super) fn read(
    folder: &Path,
    id: PreviewId,
    filter: &Filter,
    (mut place, limit): (u64, usize),
) -> Result<(Vec<RecordDifference>, Option<u64>), PreviewError> {
    let mut file = File::open(path(folder, id)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => PreviewError::Unknown(id),
        _ => error.into(),
    })?;
    file.seek(SeekFrom::Start(place))?;
    let mut lines = BufReader::new(file);
    let (mut found, mut line) = (Vec::new(), String::new());
    loop {
        line.clear();
        let length = lines.read_line(&mut line)? as u64;
        // The last line of one that is at work may be half written.
        if !line.ends_with('\n') {
            return Ok((found, None));
        }
        let one: RecordDifference = serde_json::from_str(&line).map_err(io::Error::from)?;
        if filter.fits(&one) {
            if found.len() == limit {
                return Ok((found, Some(place)));
            }
            found.push(one);
        }
        place += length;
    }
}

/// Keeps the summary of a preview, whole or not at all.
pub(super) fn keep_summary(folder: &Path, preview: &Preview) -> io::Result<()> {
    let path = summary_path(folder, preview.id);
    let unfinished = path.with_extension("unfinished");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    let written = file.write_all(&serde_json::to_vec(preview)?).and_then(|()| fs::rename(&unfinished, path));
    written.inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

/// The summary of a preview that is done.
pub(super) fn summary(folder: &Path, id: PreviewId) -> io::Result<Preview> {
    Ok(serde_json::from_slice(&fs::read(summary_path(folder, id))?)?)
}

/// Removes the files of all other previews.
pub(super) fn retain(folder: &Path, kept: &[PreviewId]) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let id = path.file_stem().and_then(|stem| stem.to_str()?.parse::<PreviewId>().ok());
        if id.is_none_or(|id| !kept.contains(&id)) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}
