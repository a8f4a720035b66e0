//! Going through the whole chain, a piece at a time, so that others are not kept from reading meanwhile.

use crate::domain::audit::{Break, Chain, Checked, Head, Link};
use crate::store::audit::{ENTRIES, HEAD, LOOKED_AT, LinkRow, read_head};
use crate::store::engine::Snapshot;
use crate::store::keys::PRACTICE;
use crate::store::rows::decode;
use crate::store::{Store, StoreError};

impl Store {
    /// Checks every entry against its hash, the one before and the head, and against a head that was printed before and
    /// kept elsewhere. Entries that are written meanwhile are left for the next time.
    ///
    /// # Errors
    /// Returns an error if the store fails; inside, where the chain breaks.
    pub async fn verify_audit(&self, expected: Option<Head>) -> Result<Result<Checked, Break>, StoreError> {
        let (head, last) = self.read(ends).await?;
        if last > head.number {
            return Ok(Err(Break::HeadDiffers { last, head: head.number }));
        }
        let mut chain = Chain::new(head, expected);
        loop {
            let (checked, is_over) = self.read(move |transaction| check(transaction, chain, head.number)).await?;
            match checked {
                Ok(checked) if is_over => return Ok(checked.end()),
                Ok(checked) => chain = checked,
                Err(broken) => return Ok(Err(broken)),
            }
        }
    }
}

/// The head, and the number of the last entry that is there.
fn ends(transaction: &Snapshot) -> Result<(Head, u64), StoreError> {
    let row = transaction.open_table(HEAD)?.get(PRACTICE)?;
    let last = transaction.open_table(ENTRIES)?.scan_back((PRACTICE, 0)..=(PRACTICE, u64::MAX))?.next();
    let last = last.transpose()?.map_or(0, |(key, _)| key.value().1);
    Ok((read_head(row.as_ref().map(|row| row.value())), last))
}

/// Goes on with a chain by a piece; answers whether that was the last.
fn check(transaction: &Snapshot, mut chain: Chain, last: u64) -> Result<(Result<Chain, Break>, bool), StoreError> {
    let range = (PRACTICE, chain.next())..=(PRACTICE, last);
    let mut count = 0;
    for row in transaction.open_table(ENTRIES)?.scan(range)?.take(LOOKED_AT) {
        let (key, row) = row?;
        // What cannot be read is a break of the chain, not a failure of looking at it.
        let found = decode::<LinkRow>(row.value()).ok().map(Link::from);
        if let Err(broken) = chain.take(key.value().1, found.as_ref()) {
            return Ok((Err(broken), true));
        }
        count += 1;
    }
    Ok((Ok(chain), count < LOOKED_AT))
}
