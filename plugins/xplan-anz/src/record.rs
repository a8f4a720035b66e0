//! Rules for records of every kind before their fields are looked at.

use tidegate_sdk::{LineageRecorder, MapResult, Severity};
use xplan::{Fields, View};

/// Rejects a record whose JSON cannot be read.
pub(crate) fn not_json(why: &str, recorder: &mut LineageRecorder) -> MapResult {
    reject(recorder, "not-json", format!("Xplan's answer is not JSON: {why}."))
}

/// The row has to be there and to be that of the record asked for: else a person would get another's data.
pub(crate) fn check_row<F: Fields>(
    row: View<'_, '_, F>,
    id_field: F,
    id: &str,
    recorder: &mut LineageRecorder,
) -> Result<(), MapResult> {
    if row.is_broken() {
        return Err(reject(recorder, "no-row", "Xplan sent no row for the record.".to_owned()));
    }
    let found = row.get(id_field);
    if !found.is_empty() && !found.is_id(id) {
        let found = found.display().unwrap_or_default();
        let message = format!("Xplan sent the row of record {found} where {id} was asked for; it was not used.");
        return Err(reject(recorder, "other-record", message));
    }
    recorder.origin("external_id", || row.origin(id_field, None));
    row.tell_repeated(recorder);
    Ok(())
}

/// Rejects a record of which Xplan failed to send anything: what is known of it stays.
pub(crate) fn empty(recorder: &mut LineageRecorder) -> MapResult {
    let message = "Xplan sent the record with nothing in the fields that were asked for; what came over before stays. \
                   See in Xplan whether the integration’s user may read the record’s fields.";
    reject(recorder, "empty-record", message.to_owned())
}

/// Rejects the record and says why: nothing of what is known of it changes.
pub(crate) fn reject(recorder: &mut LineageRecorder, code: &str, message: String) -> MapResult {
    recorder.whole(Severity::Error, code, message);
    MapResult::Rejected
}
