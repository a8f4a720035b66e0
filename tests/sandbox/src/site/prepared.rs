//! Prepared bytes: rows and lists written once, a stretch of clients at a time, and copied into each answer after that.
//!
//! What keeps the stand-in cheaper than what is measured against it. Bounded: past the limit an answer is written anew
//! each time. Never the truth: an edit of the book forgets what was prepared from it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use super::route::List;
use super::rows::Form;
use crate::lock::{locked, reading, writing};

/// How many places are prepared together.
pub(super) const STRETCH: u32 = 64;
/// How many different forms of the client row are kept.
const FORMS: usize = 4;

/// The bytes of the places of one stretch; those of a place without a client are empty.
pub(super) struct Stretch {
    bytes: Box<[u8]>,
    ends: Vec<u32>,
}

impl Stretch {
    /// Writes each place of the stretch with `write`.
    pub(super) fn made(number: u32, places: u32, mut write: impl FnMut(&mut Vec<u8>, u32)) -> Self {
        let mut bytes = Vec::with_capacity(64 << 10);
        let from = number * STRETCH;
        let ends = (from..(from + STRETCH).min(places))
            .map(|place| {
                write(&mut bytes, place);
                bytes.len() as u32
            })
            .collect();
        Self { bytes: bytes.into_boxed_slice(), ends }
    }

    /// The bytes of `place`, which is one of this stretch.
    pub(super) fn of(&self, place: u32) -> &[u8] {
        let at = (place % STRETCH) as usize;
        let from = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[from as usize..self.ends[at] as usize]
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }
}

/// The stretches of one kind of answer.
#[derive(Default)]
pub(super) struct Shelf(RwLock<Vec<Option<Arc<Stretch>>>>);

/// Every shelf of a site.
pub(crate) struct Prepared {
    rows: Mutex<Vec<(Form, Arc<Shelf>)>>,
    lists: [Shelf; List::ALL.len()],
    used: AtomicUsize,
    limit: usize,
}

impl Prepared {
    pub(crate) fn new(limit: usize) -> Self {
        Self { rows: Mutex::default(), lists: Default::default(), used: AtomicUsize::new(0), limit }
    }

    /// The shelf of client rows of this form; the form unused for longest makes room for a new one.
    pub(super) fn rows(&self, form: &Form) -> Arc<Shelf> {
        let mut rows = locked(&self.rows);
        match rows.iter().position(|(known, _)| known == form) {
            Some(at) => rows[at..].rotate_left(1),
            None => {
                if rows.len() == FORMS {
                    let (_, dropped) = rows.remove(0);
                    self.used.fetch_sub(dropped.size(), Ordering::Relaxed);
                }
                rows.push((form.clone(), Arc::default()));
            }
        }
        Arc::clone(&rows[rows.len() - 1].1)
    }

    /// The shelf of a list, whose bytes are the array escaped for the inside of a JSON string, as a batch answers it.
    pub(super) fn list(&self, list: List) -> &Shelf {
        &self.lists[list as usize]
    }

    /// The stretch with this number, made now if it is not there.
    pub(super) fn stretch(&self, shelf: &Shelf, number: u32, make: impl FnOnce() -> Stretch) -> Arc<Stretch> {
        let at = number as usize;
        if let Some(Some(stretch)) = reading(&shelf.0).get(at) {
            return Arc::clone(stretch);
        }
        let made = Arc::new(make());
        if self.used.load(Ordering::Relaxed) + made.size() <= self.limit {
            let mut stretches = writing(&shelf.0);
            if stretches.len() <= at {
                stretches.resize(at + 1, None);
            }
            self.used.fetch_add(made.size(), Ordering::Relaxed);
            if let Some(before) = stretches[at].replace(Arc::clone(&made)) {
                self.used.fetch_sub(before.size(), Ordering::Relaxed);
            }
        }
        made
    }

    /// Forgets what was prepared about `place`.
    pub(crate) fn forget(&self, place: u32) {
        let at = (place / STRETCH) as usize;
        let rows = locked(&self.rows);
        for shelf in rows.iter().map(|(_, shelf)| &**shelf).chain(&self.lists) {
            if let Some(stretch) = writing(&shelf.0).get_mut(at).and_then(Option::take) {
                self.used.fetch_sub(stretch.size(), Ordering::Relaxed);
            }
        }
    }

    /// How many bytes are kept.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

impl Shelf {
    fn size(&self) -> usize {
        reading(&self.0).iter().flatten().map(|stretch| stretch.size()).sum()
    }
}
