//! The folder of exports: which files are there, opened without following links, and whether one has arrived.

use std::collections::HashMap;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::looks::Looks;
use crate::crm::CrmError;

/// The endings of exports, and the forms that they stand for.
const ENDINGS: [(&str, Form); 6] = [
    ("csv", Form::Rows),
    ("tsv", Form::Rows),
    ("txt", Form::Rows),
    ("json", Form::Objects),
    ("jsonl", Form::Objects),
    ("ndjson", Form::Objects),
];
/// Endings that programs give a file while it is being written.
const WHILE_WRITTEN: [&str; 6] = ["part", "partial", "tmp", "filepart", "crdownload", "download"];
/// The largest export, in bytes.
const LARGEST: u64 = 1 << 30;
/// Files of a folder that are looked at.
const MOST_FILES: usize = 10_000;

/// The form of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// Rows whose values stand between delimiters.
    Rows,
    /// Objects of JSON, in one of their shapes.
    Objects,
}

/// A folder of exports.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The time for which a file has to stay as it is before it is read.
    pub(super) settle: Duration,
    /// The file that is written when all others are there, where there is one.
    written_last: Option<String>,
    /// Files that are dated in the future, with the moment at which each was seen so first.
    ahead: Mutex<HashMap<String, (Stat, Instant)>>,
    /// What was seen of its exports before.
    pub(super) looks: Looks,
}

/// A file as the disk describes it: another one, or the same written anew, differs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stat {
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    inode: u64,
}

/// A file that is open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) name: String,
    pub(super) form: Form,
    pub(super) stat: Stat,
}

/// An export that is not read because it is still arriving.
#[derive(Debug)]
pub(super) struct Arriving {
    /// What is still arriving, as a sentence without its full stop.
    pub(super) message: String,
    /// The time after which it has settled, if it stays as it is; none where that does not follow from a time.
    pub(super) settles_in: Option<Duration>,
}

impl From<Arriving> for CrmError {
    fn from(Arriving { message, .. }: Arriving) -> Self {
        Self::NotReady { message: format!("{message}. Nothing was read, and the next run looks again") }
    }
}

impl Stat {
    pub(super) fn of(file: &Metadata) -> io::Result<Self> {
        Ok(Self { size: file.size(), modified: file.modified()?, inode: file.ino() })
    }
}

impl Folder {
    pub(super) fn new(path: PathBuf, settle: Duration, written_last: Option<String>) -> Self {
        Self { path, settle, written_last, ahead: Mutex::default(), looks: Looks::default() }
    }

    /// What is in the folder, as a sentence for whoever set it up.
    pub(super) fn survey(&self) -> Result<String, CrmError> {
        let mut names = self.names()?;
        names.retain(|name| form_of(name).is_some());
        names.sort();
        let path = self.path.display();
        Ok(match names.len() {
            0 => format!("the folder {path} can be read and holds no export yet"),
            1..=8 => format!("the folder {path} can be read and holds {}", names.join(", ")),
            many => {
                format!("the folder {path} can be read and holds {many} exports, {} among them", names[..8].join(", "))
            }
        })
    }

    /// The names of the files in the folder, which is where its path says and not where a link on it leads.
    fn names(&self) -> Result<Vec<String>, CrmError> {
        is_itself(&self.path)?;
        let entries = fs::read_dir(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        let name = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
        Ok(entries.take(MOST_FILES).filter_map(name).collect())
    }

    /// The file of a resource; none where there is none.
    ///
    /// # Errors
    /// Returns an error if there are several, it is larger than is read, or it cannot be opened; within, where it is still
    /// arriving.
    pub(super) fn open(&self, resource: &str) -> Result<Result<Option<Opened>, Arriving>, CrmError> {
        let names = self.names()?;
        let of_resource = |name: &&String| {
            let (stem, rest) = name.split_once('.').unwrap_or((name, ""));
            stem.eq_ignore_ascii_case(resource) && !rest.is_empty()
        };
        let of_resource: Vec<&String> = names.iter().filter(of_resource).collect();
        let is_being_written = |name: &&&String| {
            let ending = name.rsplit('.').next().unwrap_or_default();
            WHILE_WRITTEN.iter().any(|known| ending.eq_ignore_ascii_case(known))
        };
        if let Some(name) = of_resource.iter().find(is_being_written) {
            let message = format!("an export is still arriving: {name} is being written");
            return Ok(Err(Arriving { message, settles_in: None }));
        }
        let found: Vec<(&String, Form)> =
            of_resource.into_iter().filter_map(|name| Some((name, form_of(name)?))).collect();
        let (name, form) = match found.as_slice() {
            [] => return Ok(Ok(None)),
            [(name, form)] => ((*name).clone(), *form),
            [(one, _), (other, _), ..] => {
                let message = format!(
                    "both {one} and {other} are in the folder {}, and only one can be the export that counts; remove the \
                     other",
                    self.path.display()
                );
                return Err(CrmError::NotReady { message });
            }
        };
        let path = self.path.join(&name);
        let (file, stat) = open_file(&path).map_err(|error| unreadable(&path, &error))?;
        if stat.size > LARGEST {
            let message = format!("{name} has {} MB, and an export may have {}", stat.size >> 20, LARGEST >> 20);
            return Err(CrmError::TooLarge { message });
        }
        let opened = Opened { file, name, form, stat };
        Ok(self.has_arrived(&opened)?.map(|()| Some(opened)))
    }

    /// Whether a file has stayed as it is for long enough, and the one that is written last is there.
    fn has_arrived(&self, Opened { name, stat, .. }: &Opened) -> Result<Result<(), Arriving>, CrmError> {
        if let Some(last) = &self.written_last {
            let path = self.path.join(last);
            let written = match fs::symlink_metadata(&path).and_then(|found| found.modified()) {
                Ok(written) => Some(written),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(unreadable(&path, &error)),
            };
            if written.is_none_or(|written| written < stat.modified) {
                let message = format!("an export is still arriving: {last} is not there yet, or older than {name}");
                return Ok(Err(Arriving { message, settles_in: None }));
            }
        }
        if stat.size == 0 {
            let message = format!("{name} is empty");
            return Ok(Err(Arriving { message, settles_in: None }));
        }
        let left = match SystemTime::now().duration_since(stat.modified) {
            Ok(age) => self.settle.saturating_sub(age),
            Err(_) => self.settle.saturating_sub(self.seen_ahead(name, *stat)),
        };
        if left.is_zero() {
            return Ok(Ok(()));
        }
        let message = format!(
            "an export is still arriving: {name} was written within the last {} seconds",
            self.settle.as_secs()
        );
        Ok(Err(Arriving { message, settles_in: Some(left) }))
    }

    /// The time for which a file that is dated in the future was seen as it is. The clocks of two machines differ by a little,
    /// and a date that is made up by years: neither says when it was written, so that it is looked at twice.
    fn seen_ahead(&self, name: &str, stat: Stat) -> Duration {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        match ahead.get(name) {
            Some((known, since)) if *known == stat => since.elapsed(),
            _ => {
                ahead.insert(name.to_owned(), (stat, Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// Whether a file is the one that was opened, unchanged.
    pub(super) fn is_same(&self, name: &str, stat: &Stat) -> bool {
        let now = fs::symlink_metadata(self.path.join(name)).and_then(|found| Stat::of(&found));
        now.is_ok_and(|now| now == *stat)
    }
}

fn form_of(name: &str) -> Option<Form> {
    let (_, ending) = name.split_once('.')?;
    ENDINGS.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known)).map(|(_, form)| *form)
}

/// Opens a file that is one and no link: neither a device, nor what waits for a writer.
pub(super) fn open_file(path: &Path) -> io::Result<(File, Stat)> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    Ok((file, Stat::of(&found)?))
}

/// Refuses a folder that is reached by a link: what it leads to may be none that is allowed, and two paths of one folder
/// would be two sites.
pub(super) fn is_itself(path: &Path) -> Result<(), CrmError> {
    let real = path.canonicalize().map_err(|error| unreadable(path, &error))?;
    if real == path {
        return Ok(());
    }
    let message = format!(
        "the folder {} is a link, or stands below one, to {}; name that folder itself, if it may be read",
        path.display(),
        real.display()
    );
    Err(CrmError::NotReady { message })
}

/// The error of a folder or file that cannot be read. None of them is the CRM's answer: they say what is wrong with what.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> CrmError {
    let path = path.display();
    if error.raw_os_error() == Some(libc::ELOOP) {
        let message = format!("{path} is a link, which is not followed; put the file itself there");
        return CrmError::NotReady { message };
    }
    let message = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("{path} may not be read by this host; give the user that it runs as the right to read it")
        }
        io::ErrorKind::NotFound => {
            let message =
                format!("{path} is not there; see whether its disk is mounted, and the setting names the folder");
            return CrmError::Unreachable { message };
        }
        io::ErrorKind::NotADirectory => format!("{path} is no folder; name the folder in which the exports stand"),
        io::ErrorKind::InvalidInput => format!("{path} is no plain file; put the export itself there"),
        _ => return CrmError::Unreachable { message: format!("{path} cannot be read: {error}") },
    };
    CrmError::NotReady { message }
}
