//! The budget of bytes of a site's answers that are held at once.
//!
//! A page takes its allotment as a whole before it is read, gives back what it did not need once it is, and the rest
//! piece by piece as its answers are dropped: so what all pages of a site hold together, read, waiting and being mapped,
//! is bounded, and nobody who holds a part waits for another part.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes that are free.
pub(super) struct Budget {
    pages: Arc<Semaphore>,
    page: u32,
    /// The room for what somebody waits for, who waits behind no walk.
    awaited: Arc<Semaphore>,
    one: u32,
}

/// The room that one page, or one record, may take.
#[derive(Debug)]
pub(super) struct Allotment {
    free: Mutex<OwnedSemaphorePermit>,
    most: usize,
    is_exceeded: AtomicBool,
}

/// The part of an allotment that one answer holds.
pub(super) struct Held(Option<OwnedSemaphorePermit>);

impl Budget {
    /// A budget for pages of `page` bytes, `pages` of them at once, and single records of `one` byte, two of them.
    pub fn new(page: u32, pages: u32, one: u32) -> Self {
        let of = |each: u32, many: u32| Arc::new(Semaphore::new(each as usize * many as usize));
        Self { pages: of(page, pages), page, awaited: of(one, 2), one }
    }

    /// Waits for the room of a page, or of one record that somebody waits for.
    pub async fn allot(&self, is_awaited: bool) -> Option<Allotment> {
        let (room, most) = if is_awaited { (&self.awaited, self.one) } else { (&self.pages, self.page) };
        // Never closed: it lives as long as the site.
        let free = Arc::clone(room).acquire_many_owned(most).await.ok()?;
        Some(Allotment { free: Mutex::new(free), most: most as usize, is_exceeded: AtomicBool::new(false) })
    }

    /// The bytes that are held or allotted.
    #[cfg(test)]
    pub fn taken(&self, pages: usize) -> usize {
        self.page as usize * pages - self.pages.available_permits()
    }
}

impl Allotment {
    /// The bytes that the allotment has in all.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Whether the answers together were more than there is room for, while none was by itself.
    pub fn is_exceeded(&self) -> bool {
        self.is_exceeded.load(Ordering::Relaxed)
    }

    /// Takes so many bytes more for an answer that holds `held`. False where there are not so many.
    pub fn take(&self, held: &mut Held, bytes: usize) -> bool {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let before = held.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        match (free.split(bytes), &mut held.0) {
            (Some(more), Some(held)) => held.merge(more),
            (Some(more), none) => *none = Some(more),
            (None, _) => {
                let of_others = self.most - before - free.num_permits();
                self.is_exceeded.fetch_or(of_others > 0, Ordering::Relaxed);
                return false;
            }
        }
        true
    }
}

impl Held {
    /// A part of an allotment that holds nothing yet.
    pub fn nothing() -> Self {
        Self(None)
    }

    /// The bytes, which give their room back with their last piece.
    pub fn by(self, bytes: Bytes) -> Bytes {
        struct Owner(Bytes, #[expect(dead_code, reason = "gives its room back when it is dropped")] Held);
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        if self.0.is_some() { Bytes::from_owner(Owner(bytes, self)) } else { bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_is_given_back_with_the_last_piece() {
        let budget = Budget::new(100, 2, 10);
        let page = budget.allot(false).await.unwrap();
        assert_eq!(budget.taken(2), 100);
        let mut held = Held::nothing();
        assert!(page.take(&mut held, 30) && page.take(&mut held, 10));
        let answer = held.by(Bytes::from_static(&[7; 40]));
        let piece = answer.slice(3..5);
        drop((page, answer));
        assert_eq!(budget.taken(2), 40, "what the page did not need is free, what a piece is left of is not");
        drop(piece);
        assert_eq!(budget.taken(2), 0);
    }

    #[tokio::test]
    async fn an_answer_too_large_is_told_from_answers_that_are_too_many() {
        let budget = Budget::new(100, 1, 10);
        let page = budget.allot(false).await.unwrap();
        let (mut first, mut second) = (Held::nothing(), Held::nothing());
        assert!(page.take(&mut first, 60) && !page.take(&mut first, 60));
        assert!(!page.is_exceeded());
        assert!(!page.take(&mut second, 60));
        assert!(page.is_exceeded());
    }

    #[tokio::test]
    async fn a_page_waits_for_room_and_who_is_awaited_does_not() {
        let budget = Budget::new(100, 1, 10);
        let page = budget.allot(false).await.unwrap();
        let mut next = Box::pin(budget.allot(false));
        assert!(futures::poll!(next.as_mut()).is_pending());
        assert!(budget.allot(true).await.is_some());
        drop(page);
        assert!(next.await.is_some());
    }
}
