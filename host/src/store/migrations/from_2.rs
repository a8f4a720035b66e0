//! The step from the second format, in which no household had a row of its access, to the third. The professionals whom
//! people had chosen become their households' primaries; for all others the CRM proposes them, as it does for a new
//! household. The rows follow from the book as names do, so that today's code makes them.

use minicbor::Decoder;
use uuid::Uuid;

use crate::domain::access::household::Chosen;
use crate::domain::{ExternalId, HouseholdId, Timestamp};
use crate::store::StoreError;
use crate::store::engine::{Readable as _, Table, Write};
use crate::store::household_access::{ChosenBefore, fill};
use crate::store::rows::{ReadError, Row as _, places};

/// The professional whom a person chose, by household: `[id in the CRM, who chose, when]`.
const PROFESSIONALS: Table<(u32, [u8; 16]), &[u8]> = Table::new("professionals");

pub(super) fn run(write: &Write) -> Result<(), StoreError> {
    let mut chosen = ChosenBefore::new();
    if write.has_table(PROFESSIONALS)? {
        let mut table = write.open_table(PROFESSIONALS)?;
        for entry in table.scan(..)? {
            let (key, row) = entry?;
            let read =
                read(row.value()).map_err(|error| StoreError::Corrupt { what: "a row", source: error.into() })?;
            chosen.insert(HouseholdId(Uuid::from_bytes(key.value().1)), read);
        }
        table.delete_range(..)?;
    }
    fill(write, &chosen)
}

fn read(row: &[u8]) -> Result<(ExternalId, Chosen), ReadError> {
    let from = &mut Decoder::new(row);
    if places(from)? < 3 {
        return Err(ReadError::message("a chosen professional has three places"));
    }
    let id = ExternalId::read(from)?;
    Ok((id, Chosen { by: String::read(from)?, at: Timestamp::read(from)? }))
}
