//! A disk that loses power: what was synced is kept, and of what was not, each write whole, in part or not at all.

use std::io;
use std::sync::{Arc, Mutex};

use ::redb::StorageBackend;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The bytes that a disk writes at once.
const SECTOR: usize = 512;

/// A disk, and the file that is on it.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// The file as whoever has it open reads it.
    live: Vec<u8>,
    /// The file as it was synced last.
    synced: Vec<u8>,
    /// The changes since it was synced.
    unsynced: Vec<Change>,
    /// The number of changes and syncs after which the power is cut.
    left: Option<u32>,
    random: StdRng,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Length(length) => file.resize(*length, 0),
            Self::Write(at, bytes) => {
                file.resize(file.len().max(at + bytes.len()), 0);
                file[*at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

impl Disk {
    /// A disk with an empty file. Seeds tell what is lost.
    pub fn new(seed: u64) -> Self {
        Self::of(Vec::new(), StdRng::seed_from_u64(seed))
    }

    fn of(file: Vec<u8>, random: StdRng) -> Self {
        let (synced, unsynced) = (file.clone(), Vec::new());
        Self(Arc::new(Mutex::new(State { live: file, synced, unsynced, left: None, random })))
    }

    /// Cuts the power after so many changes and syncs: all that come later fail.
    pub fn cut_after(&self, changes: u32) {
        self.0.lock().unwrap().left = Some(changes);
    }

    /// The disk with the power back, and what is left of the file.
    pub fn after_the_cut(&self) -> Self {
        let mut state = self.0.lock().unwrap();
        let mut file = state.synced.clone();
        let unsynced = std::mem::take(&mut state.unsynced);
        let random = &mut state.random;
        // Any of them may have been written before any other: some disks, some days.
        let kept = if random.random() { 0.5 } else { 0.95 };
        for change in unsynced {
            match change {
                Change::Write(at, bytes) => {
                    let sectors = bytes.chunks(SECTOR).zip((at..).step_by(SECTOR));
                    let is_torn = random.random_bool(0.2);
                    let is_kept = random.random_bool(kept);
                    for (sector, at) in sectors {
                        if if is_torn { random.random() } else { is_kept } {
                            Change::Write(at, sector.to_vec()).apply(&mut file);
                        }
                    }
                }
                length @ Change::Length(_) if random.random_bool(kept) => length.apply(&mut file),
                Change::Length(_) => {}
            }
        }
        let seed = random.random();
        Self::of(file, StdRng::seed_from_u64(seed))
    }
}

impl State {
    /// One more change or sync; an error where the power is cut.
    fn power(&mut self) -> io::Result<()> {
        match &mut self.left {
            Some(0) => Err(io::Error::other("the power is cut")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        self.power()?;
        change.apply(&mut self.live);
        self.unsynced.push(change);
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock().unwrap();
        let at = offset as usize;
        let found = state.live.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.lock().unwrap().change(Change::Length(length as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.power()?;
        state.synced = state.live.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().change(Change::Write(offset as usize, bytes.to_vec()))
    }
}
