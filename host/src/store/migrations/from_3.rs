//! The step from the third format, in which the reasons of staff access and of emergencies stood in the rows of these, to the fourth,
//! in which each is a row of its own; and with which notes each document went is known of all of them. The rows that it writes are
//! today's, as the step before writes them: a reason stands at another number than before, so that either is read.

use crate::store::StoreError;
use crate::store::emergency_rows::part_texts;
use crate::store::engine::Write;
use crate::store::household_access::part_reasons;
use crate::store::outbox::know_documents;

pub(super) fn run(write: &Write) -> Result<(), StoreError> {
    part_reasons(write)?;
    part_texts(write)?;
    know_documents(write)
}
