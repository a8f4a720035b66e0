//! Going through the whole chain, and the index by which parts of it are found, a piece at a time, so that others are not kept
//! from reading meanwhile.

use crate::domain::audit::{Break, Chain, Checked, Head, Link};
use crate::store::audit::{
    ENTRIES, HEAD, INDEX, IndexKey, LOOKED_AT, LinkRow, entry_at, index_keys, number_of, read_head,
};
use crate::store::engine::Snapshot;
use crate::store::keys::PRACTICE;
use crate::store::rows::decode;
use crate::store::{Store, StoreError};

impl Store {
    /// Checks every entry against its hash, the one before and the head, and against a head that was printed before and
    /// kept elsewhere; and that the index by which parts of the log are found leads to each entry, and to no other. Entries that are written meanwhile are left for the next time.
    ///
    /// # Errors
    /// Returns an error if the store fails; inside, where the chain breaks.
    pub async fn verify_audit(&self, expected: Option<Head>) -> Result<Result<Checked, Break>, StoreError> {
        let (head, last) = self.read(ends).await?;
        if last > head.number {
            return Ok(Err(Break::HeadDiffers { last, head: head.number }));
        }
        let (mut chain, mut listed) = (Chain::new(head, expected), 0);
        let checked = loop {
            let (checked, is_over) = self.read(move |transaction| check(transaction, chain, head.number)).await?;
            match checked {
                Ok((checked, keys)) if is_over => {
                    listed += keys;
                    break checked.end();
                }
                Ok((checked, keys)) => {
                    listed += keys;
                    chain = checked;
                }
                Err(broken) => return Ok(Err(broken)),
            }
        };
        let Ok(checked) = checked else { return Ok(checked) };
        Ok(match self.stray(head.number, listed).await? {
            Some(number) => Err(Break::IndexDiffers { number }),
            None => Ok(checked),
        })
    }

    /// The number of an entry that the index leads to and that is not of it; none where it has as many keys of the entries up to
    /// the last as these were found to have.
    async fn stray(&self, last: u64, listed: u64) -> Result<Option<u64>, StoreError> {
        let mut keys = 0;
        let mut from = Some([0; size_of::<IndexKey>()]);
        while let Some(first) = from {
            let piece = self.read(move |transaction| index_after(transaction, first, false)).await?;
            keys += piece.numbers.iter().filter(|number| **number <= last).count() as u64;
            from = piece.next;
        }
        // Each entry has its keys: where there are no more than those, each is of an entry.
        if keys == listed {
            return Ok(None);
        }
        let mut from = Some([0; size_of::<IndexKey>()]);
        while let Some(first) = from {
            let piece = self.read(move |transaction| index_after(transaction, first, true)).await?;
            if let Some(number) = piece.numbers.into_iter().find(|number| *number <= last) {
                return Ok(Some(number));
            }
            from = piece.next;
        }
        Ok(None)
    }
}

/// A piece of the index.
struct Piece {
    numbers: Vec<u64>,
    /// The first key behind it; none at the end.
    next: Option<IndexKey>,
}

/// A piece of the index from a key on: the numbers of all its entries, or of those alone that a key leads to and is not of.
fn index_after(transaction: &Snapshot, first: IndexKey, strays: bool) -> Result<Piece, StoreError> {
    let (index, entries) = (transaction.open_table(INDEX)?, transaction.open_table(ENTRIES)?);
    let mut piece = Piece { numbers: Vec::new(), next: None };
    for (looked_at, row) in index.scan(&first..)?.enumerate() {
        let key = *row?.0.value();
        if looked_at == LOOKED_AT {
            piece.next = Some(key);
            break;
        }
        let number = number_of(&key);
        let is_its_own = || -> Result<bool, StoreError> {
            let entry = entry_at(&entries, number)?;
            Ok(entry.is_some_and(|entry| index_keys(&entry).any(|own| own == key)))
        };
        if !strays || !is_its_own()? {
            piece.numbers.push(number);
        }
    }
    Ok(piece)
}

/// The head, and the number of the last entry that is there.
fn ends(transaction: &Snapshot) -> Result<(Head, u64), StoreError> {
    let row = transaction.open_table(HEAD)?.get(PRACTICE)?;
    let last = transaction.open_table(ENTRIES)?.scan_back((PRACTICE, 0)..=(PRACTICE, u64::MAX))?.next();
    let last = last.transpose()?.map_or(0, |(key, _)| key.value().1);
    Ok((read_head(row.as_ref().map(|row| row.value())), last))
}

/// What a piece came to: the chain as far as it was checked, with the keys of the index that lead to its entries.
type Piecemeal = Result<(Chain, u64), Break>;

/// Goes on with a chain by a piece; answers whether that was the last.
fn check(transaction: &Snapshot, mut chain: Chain, last: u64) -> Result<(Piecemeal, bool), StoreError> {
    let range = (PRACTICE, chain.next())..=(PRACTICE, last);
    let index = transaction.open_table(INDEX)?;
    let (mut count, mut keys) = (0, 0);
    for row in transaction.open_table(ENTRIES)?.scan(range)?.take(LOOKED_AT) {
        let (key, row) = row?;
        let number = key.value().1;
        // What cannot be read is a break of the chain, not a failure of looking at it.
        let found = decode::<LinkRow>(row.value()).ok().map(Link::from);
        if let Err(broken) = chain.take(number, found.as_ref()) {
            return Ok((Err(broken), true));
        }
        for key in found.iter().flat_map(|link| index_keys(&link.entry)) {
            if index.get(&key)?.is_none() {
                return Ok((Err(Break::IndexDiffers { number }), true));
            }
            keys += 1;
        }
        count += 1;
    }
    Ok((Ok((chain, keys)), count < LOOKED_AT))
}
