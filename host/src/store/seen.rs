//! Which records a walk has seen, in little space: about two bytes an id where a CRM counts them up.
//!
//! Serves `sync`: a record that is seen twice means that the CRM's list goes round in circles. What a complete walk
//! has seen is kept, because a client that two in a row did not see is gone.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::keys::ExternalKey;
use crate::domain::ExternalId;

/// What a walk has seen of one kind of record.
#[derive(Default, Debug)]
pub struct Seen {
    chunks: Vec<Chunk>,
    /// Seen since the last chunk.
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
    /// What the chunks hold, as they were packed.
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

    /// Packs what was noted since the last chunk. False where one of these ids stands in an earlier chunk.
    pub fn pack(&mut self) -> (Vec<u8>, bool) {
        let fresh = std::mem::take(&mut self.fresh);
        let (Some(first), Some(last)) = (fresh.first().copied(), fresh.last().copied()) else {
            return (Vec::new(), true);
        };
        let overlapping = self.chunks.iter().filter(|chunk| chunk.first <= last && first <= chunk.last);
        let is_new = !overlapping.flat_map(|chunk| unpacked(&chunk.bytes)).any(|id| fresh.contains(&id));
        let bytes = packed(&fresh);
        self.chunks.push(Chunk { first, last, bytes: bytes.clone() });
        (bytes, is_new)
    }
}

fn packed(ids: &BTreeSet<u128>) -> Vec<u8> {
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

/// What chunks hold, in ascending order, without unpacking more than one id of each at a time.
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

/// Ready to be asked about what the chunks hold.
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
        let (chunk, is_new) = seen.pack();
        assert!(is_new);
        // In a later group, and after an interruption.
        for mut seen in [seen, Seen::of_chunks(vec![chunk])] {
            assert!(seen.note(&id("8")) && seen.pack().1);
            assert!(seen.note(&id("x")) && !seen.pack().1);
        }
    }
}
