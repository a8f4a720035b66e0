//! The records that a walk has seen, in little space: about two bytes an id where a CRM counts them up.
//!
//! Serves `sync`: records that are seen twice mean that rows moved while they were read, or that the CRM's list goes
//! round in circles. What a complete walk
//! has seen is kept, because a client that two in a row did not see is gone.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::keys::ExternalKey;
use crate::domain::ExternalId;

/// The records of one kind that a walk has seen.
#[derive(Default, Debug)]
pub struct Seen {
    chunks: Vec<Chunk>,
    /// The ids that were seen since the last chunk.
    fresh: BTreeSet<u128>,
}

/// Ids in ascending order, each as its distance from the one before, in LEB128.
#[derive(Debug)]
struct Chunk {
    first: u128,
    last: u128,
    bytes: Vec<u8>,
}

impl Seen {
    /// The records that the chunks hold, as they were packed.
    pub fn of_chunks(chunks: Vec<Vec<u8>>) -> Self {
        let chunks = chunks.into_iter().filter_map(|bytes| {
            let first = unpacked(&bytes).next()?;
            let last = unpacked(&bytes).last()?;
            Some(Chunk { first, last, bytes })
        });
        Self { chunks: chunks.collect(), fresh: BTreeSet::new() }
    }

    /// Notes an id. False where it was seen since the last chunk.
    pub fn note(&mut self, id: &ExternalId) -> bool {
        self.fresh.insert(u128::from_be_bytes(ExternalKey::from(id).0))
    }

    /// Packs what was noted since the last chunk, and tells how many of these ids stand in earlier chunks.
    pub fn pack(&mut self) -> (Vec<u8>, u64) {
        let fresh = std::mem::take(&mut self.fresh);
        let (Some(first), Some(last)) = (fresh.first().copied(), fresh.last().copied()) else {
            return (Vec::new(), 0);
        };
        let overlapping = self.chunks.iter().filter(|chunk| chunk.first <= last && first <= chunk.last);
        let again = overlapping.flat_map(|chunk| unpacked(&chunk.bytes)).filter(|id| fresh.contains(id));
        let again: BTreeSet<u128> = again.collect();
        let bytes = packed(&fresh);
        self.chunks.push(Chunk { first, last, bytes: bytes.clone() });
        (bytes, again.len() as u64)
    }
}

pub(super) fn packed(ids: &BTreeSet<u128>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ids.len() * 2);
    let mut before = 0;
    for id in ids {
        let mut distance = id - before;
        while distance >= 0x80 {
            bytes.push((distance & 0x7f) as u8 | 0x80);
            distance >>= 7;
        }
        bytes.push(distance as u8);
        before = *id;
    }
    bytes
}

fn unpacked(bytes: &[u8]) -> impl Iterator<Item = u128> {
    let mut rest = bytes.iter();
    let mut id = 0_u128;
    std::iter::from_fn(move || {
        let mut distance = 0_u128;
        for shift in (0..128).step_by(7) {
            let byte = rest.next()?;
            distance |= u128::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        id = id.wrapping_add(distance);
        Some(id)
    })
}

/// The ids that chunks hold, in ascending order, without unpacking more than one id of each at a time.
pub(super) fn ascending(chunks: &[Vec<u8>]) -> impl Iterator<Item = u128> {
    let mut rest: Vec<_> = chunks.iter().map(|bytes| unpacked(bytes)).collect();
    let mut heads = BinaryHeap::with_capacity(rest.len());
    for (index, ids) in rest.iter_mut().enumerate() {
        heads.extend(ids.next().map(|id| Reverse((id, index))));
    }
    std::iter::from_fn(move || {
        let Reverse((id, index)) = heads.pop()?;
        heads.extend(rest[index].next().map(|next| Reverse((next, index))));
        Some(id)
    })
}

/// Asks, in ascending order, whether chunks hold an id.
pub(super) struct Lookup<I: Iterator<Item = u128>>(std::iter::Peekable<I>);

/// A lookup that is ready to be asked about what the chunks hold.
pub(super) fn lookup(chunks: &[Vec<u8>]) -> Lookup<impl Iterator<Item = u128>> {
    Lookup(ascending(chunks).peekable())
}

impl<I: Iterator<Item = u128>> Lookup<I> {
    /// Whether the id is there; no id after a greater one.
    pub fn holds(&mut self, id: u128) -> bool {
        while self.0.next_if(|head| *head < id).is_some() {}
        self.0.peek() == Some(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ExternalId {
        ExternalId(text.to_owned())
    }

    #[test]
    fn what_is_packed_reads_back() {
        let ids = BTreeSet::from([0, 1, 127, 128, 300, 1 << 64, u128::MAX]);
        assert_eq!(unpacked(&packed(&ids)).collect::<BTreeSet<_>>(), ids);
        assert_eq!(packed(&(5_000..6_000).collect()).len(), 1_001);
    }

    #[test]
    fn chunks_are_gone_through_in_order_and_asked_in_order() {
        let chunks =
            [packed(&(5..9).collect()), packed(&BTreeSet::from([1, 20])), Vec::new(), packed(&(8..11).collect())];
        assert_eq!(ascending(&chunks).collect::<Vec<_>>(), [1, 5, 6, 7, 8, 8, 9, 10, 20]);
        let mut lookup = lookup(&chunks);
        let found: Vec<u128> = (0..30).filter(|id| lookup.holds(*id)).collect();
        assert_eq!(found, [1, 5, 6, 7, 8, 9, 10, 20]);
    }

    #[test]
    fn an_id_that_comes_again_is_noticed() {
        let mut seen = Seen::default();
        assert!(seen.note(&id("7")) && seen.note(&id("x")));
        assert!(!seen.note(&id("7")));
        let (chunk, again) = seen.pack();
        assert_eq!(again, 0);
        // In a later group, and after an interruption.
        for mut seen in [seen, Seen::of_chunks(vec![chunk])] {
            assert!(seen.note(&id("8")) && seen.pack().1 == 0);
            assert!(seen.note(&id("x")) && seen.note(&id("9")) && seen.pack().1 == 1);
        }
    }
}
