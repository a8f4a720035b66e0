//! Raw records, compressed.

use std::cell::RefCell;

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_size_prepended, get_maximum_output_size};

use super::StoreError;

/// A raw record as it is kept: its length in four bytes, then LZ4. Packed where it is mapped, so that what waits for a
/// commit is small.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PackedRaw(Box<[u8]>);

thread_local! {
    /// Working space, which costs more to make than a small record to pack.
    static SPACE: RefCell<(CompressTable, Vec<u8>)> = RefCell::default();
}

impl PackedRaw {
    /// Packs a record.
    pub fn pack(raw: &[u8]) -> Self {
        SPACE.with_borrow_mut(|(table, packed)| {
            packed.resize(4 + get_maximum_output_size(raw.len()), 0);
            let length = u32::try_from(raw.len()).expect("a record comes in an answer of much less than 4 GB");
            packed[..4].copy_from_slice(&length.to_le_bytes());
            let written =
                compress_into_with_table(raw, &mut packed[4..], table).expect("the space is of the size asked");
            Self(packed[..4 + written].into())
        })
    }

    /// The number of bytes that it has as it is kept.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// The bytes, as they are stored.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The record that was packed.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    decompress_size_prepended(packed)
        .map_err(|error| StoreError::Corrupt { what: "a raw record", source: error.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_reads_back() {
        for raw in [&b""[..], b"{}", &[b'x'; 100_000], b"{\"row\":{}}"] {
            assert_eq!(unpack(PackedRaw::pack(raw).as_bytes()).unwrap(), raw);
        }
        assert!(unpack(b"").is_err());
    }
}
