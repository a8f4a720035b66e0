//! The files of a preview that are read a page at a time: a JSON object a line, written as they are found, which only the
//! host's account can read.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most bytes that are written to one file; behind them only is counted.
const MOST: u64 = 256 << 20;

/// Writes one file.
pub(super) struct Writer {
    file: BufWriter<File>,
    written: u64,
    line: Vec<u8>,
}

impl Writer {
    /// Begins a file, in a folder that is made where it is missing.
    pub fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { file: BufWriter::new(file), written: 0, line: Vec::new() })
    }

    /// Writes a line; false where the file is full.
    pub fn write(&mut self, one: &impl Serialize) -> io::Result<bool> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, one)?;
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

/// Reads a page of what fits, from a place in the file on that an earlier page gave. Answers the next one's.
///
/// # Errors
/// Returns an error if there is no file, or it is not one of these.
pub(super) fn read<T: DeserializeOwned>(
    path: &Path,
    fits: impl Fn(&T) -> bool,
    (mut place, limit): (u64, usize),
) -> io::Result<(Vec<T>, Option<u64>)> {
    let mut file = File::open(path)?;
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
        let one: T = serde_json::from_str(&line)?;
        if fits(&one) {
            if found.len() == limit {
                return Ok((found, Some(place)));
            }
            found.push(one);
        }
        place += length;
    }
}
