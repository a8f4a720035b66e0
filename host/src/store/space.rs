//! Free space on the data folder's disk. The database latches a write that fails for want of space, for good; so that it
//! never comes to that, new things are refused in time, and a reserve is kept for what has to be stored in any case: what
//! came of file notes, and renewed tokens.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::StoreError;
use crate::config::Storage;

/// The file in the data folder that keeps space back.
pub(super) const RESERVE: &str = "reserve";
/// The free space below which nothing is written any more: the largest of what is stored in any case takes a part of
/// it.
const FLOOR: u64 = 4 << 20;

/// The level of free space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Space is so short that nothing new is taken in.
    Short,
    /// Space is so low that somebody should look.
    Low,
    /// Space is enough.
    Enough,
}

/// The disk under the store.
#[derive(Debug)]
pub struct Space {
    folder: PathBuf,
    settings: Storage,
    /// The level when it was last told.
    told: Mutex<Level>,
}

impl Space {
    pub(super) fn of(folder: &Path, settings: Storage) -> Self {
        Self { folder: folder.to_owned(), settings, told: Mutex::new(Level::Enough) }
    }

    /// Free bytes, the reserve not counted. All the space there could be where the system does not say.
    pub fn free(&self) -> u64 {
        statvfs(&self.folder).map_or(u64::MAX, |found| found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// The level of free space.
    pub fn level(&self) -> Level {
        match self.free() {
            free if free < self.settings.refuse_below => Level::Short,
            free if free < self.settings.warn_below => Level::Low,
            _ => Level::Enough,
        }
    }

    /// Lets something new be stored.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] where little is left.
    pub fn admit(&self) -> Result<(), StoreError> {
        if self.level() == Level::Short { Err(self.no_space()) } else { Ok(()) }
    }

    /// Lets what has to be stored in any case be stored, from the reserve where nothing else is left.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] where the reserve is used up too: nothing was written then, and the store goes on once
    /// there is space.
    pub(super) fn admit_in_any_case(&self) -> Result<(), StoreError> {
        let is_over = || self.free() < FLOOR.min(self.settings.refuse_below);
        if is_over() && fs::remove_file(self.folder.join(RESERVE)).is_ok() {
            tracing::warn!("the disk of the data folder is full; the reserve is given up for file notes and tokens");
        }
        if is_over() { Err(self.no_space()) } else { Ok(()) }
    }

    /// Lets a file of so many bytes be made, where as much stays free as has to.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`] where it does not.
    pub(super) fn admit_file(&self, size: u64) -> Result<(), StoreError> {
        let (free, needed) = (self.free(), size.saturating_add(self.settings.refuse_below));
        if free < needed { Err(StoreError::NoRoom { free: free >> 20, needed: needed >> 20 }) } else { Ok(()) }
    }

    fn no_space(&self) -> StoreError {
        StoreError::NoSpace { free: self.free() >> 20 }
    }

    /// Looks at the disk: tells in the log when it became short or recovered, and makes the reserve where there is space
    /// for it.
    pub fn look(&self) {
        let level = self.level();
        let before = std::mem::replace(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner), level);
        let free_mb = self.free() >> 20;
        match level {
            _ if level == before => {}
            Level::Short => {
                tracing::error!(free_mb, "the disk of the data folder is nearly full: nothing new is taken in");
            }
            Level::Low => tracing::warn!(free_mb, "little space is left on the disk of the data folder"),
            Level::Enough => tracing::info!(free_mb, "there is enough space on the disk of the data folder again"),
        }
        let reserve = self.settings.reserve;
        if reserve > 0
            && self.free() > self.settings.refuse_below.saturating_add(reserve)
            && !self.folder.join(RESERVE).exists()
            && let Err(error) = self.make_reserve(reserve)
        {
            tracing::warn!(%error, "no reserve can be kept on the disk of the data folder");
        }
    }

    fn make_reserve(&self, size: u64) -> std::io::Result<()> {
        let unfinished = self.folder.join("reserve.new");
        let file = File::create(&unfinished)?;
        let made = fallocate(&file, FallocateFlags::empty(), 0, size).map_err(std::io::Error::from);
        let kept = made.and_then(|()| fs::rename(&unfinished, self.folder.join(RESERVE)));
        kept.inspect_err(|_| drop(fs::remove_file(&unfinished)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(folder: &Path, warn_below: u64, refuse_below: u64, reserve: u64) -> Space {
        Space::of(folder, Storage { warn_below, refuse_below, reserve })
    }

    #[test]
    fn levels_follow_the_free_space() {
        let folder = tempfile::tempdir().unwrap();
        let check = |warn_below, refuse_below, expected| {
            let space = space(folder.path(), warn_below, refuse_below, 0);
            assert_eq!(space.level(), expected, "{} bytes are free", space.free());
        };
        check(0, 0, Level::Enough);
        check(u64::MAX, 0, Level::Low);
        check(u64::MAX, u64::MAX, Level::Short);
    }

    #[test]
    fn what_is_new_is_refused_where_little_is_left_and_the_rest_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let short = space(folder.path(), u64::MAX, u64::MAX, 0);
        assert!(matches!(short.admit(), Err(StoreError::NoSpace { .. })));
        assert!(short.admit_in_any_case().is_ok());
    }

    #[test]
    fn the_reserve_takes_its_space_and_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let space = space(folder.path(), 0, 0, 1 << 20);
        space.look();
        let reserve = folder.path().join(RESERVE);
        let Ok(found) = fs::metadata(&reserve) else {
            eprintln!("skipped: the disk of temporary files sets no space aside");
            return;
        };
        assert_eq!(found.len(), 1 << 20);
        space.look();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
