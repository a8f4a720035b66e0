//! Raw records that an author keeps in a file, a line each, or as a folder of fixtures.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::pack::{RawInput, record_of};

/// The most bytes of one line.
const LINE: u64 = 16 << 20;

/// The most records that are read.
const MOST: usize = 1_000_000;

/// The records of a file of lines `{"kind": "client", "id": "7", "json": {…}}`, or of the fixtures in a folder.
///
/// # Errors
/// Names the line or the file that holds no record, and says what is wrong with it.
pub fn read(path: &Path) -> Result<Vec<RawInput>> {
    let records = if path.is_dir() { of_folder(path)? } else { of_lines(path)? };
    if records.is_empty() {
        bail!("{}: there is no record in it", path.display());
    }
    Ok(records)
}

fn of_lines(path: &Path) -> Result<Vec<RawInput>> {
    let named = || path.display().to_string();
    let mut reader = BufReader::new(File::open(path).with_context(named)?);
    let (mut records, mut number) = (Vec::new(), 0_usize);
    loop {
        let mut line = Vec::new();
        let read = reader.by_ref().take(LINE + 1).read_until(b'\n', &mut line).with_context(named)?;
        number += 1;
        if read == 0 {
            return Ok(records);
        }
        if read as u64 > LINE {
            bail!("{}: line {number} has more than {} MB", path.display(), LINE >> 20);
        }
        let line = std::str::from_utf8(&line)
            .ok()
            .with_context(|| format!("{}: line {number} is no UTF-8", path.display()))?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        let record = record_of(line).map_err(|why| {
            // The place that it tells is one within the line.
            let why = why.replace(" at line 1 column ", ", at letter ");
            anyhow::anyhow!(
                "{}: line {number}: {why}. Each line is a record, {{\"kind\": …, \"id\": …, \"json\": …}}; fixtures are read as a folder",
                path.display()
            )
        })?;
        records.push(record);
        if records.len() > MOST {
            bail!("{}: it holds more than {MOST} records; take a part of them", path.display());
        }
    }
}

/// The part of a fixture that is looked at.
#[derive(Deserialize)]
struct Fixture<'a> {
    #[serde(borrow)]
    raw: Option<&'a RawValue>,
}

fn of_folder(folder: &Path) -> Result<Vec<RawInput>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut records = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let fixture: Fixture<'_> = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        if let Some(raw) = fixture.raw {
            records.push(record_of(raw.get()).map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))?);
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_stand_a_line_each() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.jsonl");
        let check = |text: &[u8], expected: std::result::Result<usize, &str>| {
            fs::write(&path, text).unwrap();
            match (read(&path), expected) {
                (Ok(records), Ok(number)) => assert_eq!(records.len(), number),
                (Err(error), Err(words)) => assert!(format!("{error:#}").contains(words), "{error:#}"),
                (found, _) => panic!("{found:?}"),
            }
        };
        let one = "{\"kind\": \"client\", \"id\": \"7\", \"json\": {\"row\": {}}}";
        check(format!("\u{feff}{one}\r\n\n{one}").as_bytes(), Ok(2));
        check(b"", Err("there is no record in it"));
        check(format!("{one}\n{{\"kind\": \"client\"").as_bytes(), Err("line 2"));
        check(b"{\"kind\": \"fund\", \"id\": \"7\", \"json\": {}}", Err("line 1"));
        check(b"\xff\n", Err("line 1 is no UTF-8"));
    }

    #[test]
    fn fixtures_are_records_too() {
        let folder = tempfile::tempdir().unwrap();
        let raw = r#"{"name": "x", "raw": {"kind": "client", "id": "7", "json": {"a": 1.50}}, "outcome": null}"#;
        fs::write(folder.path().join("a.json"), raw).unwrap();
        fs::write(folder.path().join("note.json"), r#"{"name": "x", "event": {}, "note": {}}"#).unwrap();
        let records = read(folder.path()).unwrap();
        assert_eq!((records.len(), records[0].json.as_slice()), (1, &b"{\"a\": 1.50}"[..]));
    }
}
