//! The names of backups, and which of them are thrown away.

use std::fs;
use std::io;
use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The beginning and the end of the names of backups.
pub(super) const NAME: (&str, &str) = ("tidegate-", ".backup.age");
/// The form of the moment in their names.
pub(super) const MOMENT: &str = "%Y-%m-%dT%H%M%S.%3fZ";
/// The time by which a backup may be made later than now, as its name says, before a clock was wrong.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Removes the oldest of a store's backups beyond those that are kept, and never the one of this name. Those whose names say that
/// they are of days to come, which a wrong clock made, keep nobody else's place and are left to a person.
pub(super) fn thin_out(folder: &Path, keep: usize, (prefix, newest): (&str, &str), now: Timestamp) -> Vec<String> {
    let mut names = names_in(folder).unwrap_or_default();
    names.retain(|name| {
        name.starts_with(prefix) && name != newest && moment_of(name).is_some_and(|at| at <= now + AHEAD)
    });
    let beyond = names.len().saturating_sub(keep.saturating_sub(1));
    let mut removed = Vec::new();
    for name in names.drain(..beyond) {
        match fs::remove_file(folder.join(&name)) {
            Ok(()) => removed.push(name),
            Err(error) => tracing::warn!(%error, name, "an old backup could not be removed"),
        }
    }
    removed
}

/// The moment in the name of a backup; none where it is no such name.
fn moment_of(name: &str) -> Option<Timestamp> {
    let (mark, moment) = name.strip_prefix(NAME.0)?.strip_suffix(NAME.1)?.split_at_checked(9)?;
    let is_mark = mark.ends_with('-') && mark[..8].bytes().all(|byte| byte.is_ascii_hexdigit());
    is_mark.then(|| DateTime::strptime(MOMENT, moment).ok()?.to_zoned(TimeZone::UTC).ok())?.map(|at| at.timestamp())
}

/// The names of the backups in a folder, the oldest first; none where it is not there.
///
/// # Errors
/// Returns an error if the folder cannot be read.
pub fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        if moment_of(&name).is_some() && entry.file_type()?.is_file() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wrong_clock_or_a_person_named_keeps_no_backups_place() {
        let folder = tempfile::tempdir().unwrap();
        let day = |day: u32| format!("tidegate-4f1d9a02-2026-03-{day:02}T020000.123Z.backup.age");
        let ahead = "tidegate-4f1d9a02-2099-01-01T020000.123Z.backup.age".to_owned();
        let strangers = ["tidegate-4f1d9a02-notes.backup.age", "tidegate-other000-2026-03-01T020000.123Z.backup.age"];
        let of_another = "tidegate-00000000-2026-03-01T020000.123Z.backup.age".to_owned();
        for name in
            [day(1), day(2), day(3), ahead.clone(), of_another.clone()].iter().map(String::as_str).chain(strangers)
        {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join(day(4))).unwrap();
        assert_eq!(names_in(folder.path()).unwrap(), [of_another, day(1), day(2), day(3), ahead]);
        let now = "2026-03-03T02:00:01Z".parse().unwrap();
        assert_eq!(thin_out(folder.path(), 2, ("tidegate-4f1d9a02-", &day(3)), now), [day(1)]);
    }
}
