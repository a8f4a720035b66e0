//! Advisers, records that are set aside, reviews, runs, questions, lists of ids and accounts.

use minicbor::Decoder;

use super::{Out, ReadError, Row, Written, read_variant, write_variant};
use crate::domain::absence::{AbsenceReview, AbsenceReviewState};
use crate::domain::access::{Role, Scope, User};
use crate::domain::account::ApiToken;
use crate::domain::import::{
    Applied, Candidate, Decision, ImportRow, ImportState, ListSource, OtherSheet, Reason, RowStatus,
};
use crate::domain::review::{Likeness, Lookalike, Review, ReviewState};
use crate::domain::run::{ListCounts, Run, RunCounts, RunState, Trigger};
use crate::domain::stored::{ExcludedRecord, Origin, StoredAdviser};
use crate::domain::{Adviser, RecordKind};
use crate::store::connections::Sealed;
use crate::store::rows::{row_choices, rows};

rows! {
    Adviser { 0: external_id, 1: first_name, 2: last_name, 3: email, 4: active }
    Origin { 0: connection, 1: revision, 2: changed_at }
    StoredAdviser { 0: adviser, 1: origin, 2: diagnostics }
    ExcludedRecord {
        0: connection,
        1: kind,
        2: external_id,
        3: quarantined,
        4: diagnostics,
        5: revision,
        6: run,
        7: since,
    }
    Lookalike { 0: client_id, 1: likeness }
    Review {
        0: connection,
        1: client,
        2: lookalikes,
        3: state,
        4: linked_to,
        5: run,
        6: since,
        7: decided_at,
    }
    AbsenceReview {
        0: connection,
        1: run,
        2: since,
        3: missing,
        4: of,
        5: limit,
        6: standing,
        7: answered,
    }
    Run {
        0: id,
        1: connection,
        2: state,
        3: trigger,
        4: queued_at,
        5: started_at,
        6: finished_at,
        7: expected,
        8: counts,
        9: error,
    }
    RunCounts {
        0: advisers,
        1: seen,
        2: unchanged,
        3: created,
        4: changed,
        5: same,
        6: skipped,
        7: newly_left_out,
        8: returned,
        9: quarantined,
        10: held,
        11: overridden,
        12: lists,
        13: repeated,
        14: unreadable,
        15: missed,
        16: unconfirmed,
        17: warnings,
        18: changed_fields,
        19: not_visible,
        20: visible_again,
        21: awaiting,
        22: doubts,
        23: listed,
        24: requests,
        25: retries,
        26: slow_downs,
        27: told,
        28: erased,
    }
    ListCounts { 0: created, 1: changed, 2: unchanged, 3: gone, 4: quarantined }
    Reason { 0: code, 1: message }
    Candidate { 0: client_id, 1: name, 2: is_same_name, 3: linked_to }
    ImportRow {
        0: number,
        1: first_name,
        2: last_name,
        3: email,
        4: external_id,
        5: status,
        6: reasons,
        7: candidates,
        8: decision,
        9: applied,
    }
    ListSource { 0: lines, 1: above, 2: blank, 3: continued, 4: hidden, 5: sheet, 6: other_sheets }
    OtherSheet { 0: name, 1: is_hidden, 2: has_headings, 3: rows }
    User { 0: id, 1: email, 2: name, 3: role }
    ApiToken {
        0: id,
        1: name,
        2: scopes,
        3: maker,
        4: maker_name,
        5: made_with,
        6: made_at,
        7: expires_at,
        8: used_at,
    }
}

row_choices! {
    ReviewState { 0: Waiting, 1: Ignored, 2: Imported, 3: Linked }
    Likeness { 0: Email, 1: NameAndDateOfBirth, 2: NameAndMobile, 3: NameAndPartner, 4: Name }
    AbsenceReviewState { 0: Waiting, 1: Confirmed, 2: Dismissed }
    RunState { 0: Queued, 1: Running, 2: Done, 3: Failed, 4: Cancelled }
    Trigger { 0: Schedule, 1: Request, 2: Resume, 3: Client, 4: Revision }
    RowStatus { 0: Ready, 1: NeedsDecision, 2: CannotBeImported }
    ImportState { 0: Reading, 1: Previewed, 2: Applied }
    Role { 0: PracticeManager, 1: Adviser, 2: Associate, 3: Paraplanner, 4: Support, 5: Compliance }
    Scope { 0: Read, 1: Events, 2: Write, 3: Sync, 4: Manage }
}

impl Row for Sealed {
    fn write(&self, out: &mut Out) -> Written {
        out.bytes(&self.0).map(drop)
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        Ok(Self(from.bytes()?.to_vec()))
    }
}

impl Row for RecordKind {
    fn write(&self, out: &mut Out) -> Written {
        out.u8(*self as u8)?;
        Ok(())
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        let number = from.u8()?;
        let known = Self::ALL.iter().copied().find(|kind| *kind as u8 == number);
        known.ok_or_else(|| ReadError::message("no such kind of record"))
    }
}

impl Row for Decision {
    fn write(&self, out: &mut Out) -> Written {
        match self {
            Self::Link(client) => write_variant(out, 0, client),
            Self::LeaveOut => write_variant(out, 1, &()),
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        match read_variant(from)? {
            0 => Row::read(from).map(Self::Link),
            1 => from.null().map(|()| Self::LeaveOut),
            _ => Err(ReadError::message("no such decision")),
        }
    }
}

impl Row for Applied {
    fn write(&self, out: &mut Out) -> Written {
        match self {
            Self::Linked(client) => write_variant(out, 0, client),
            Self::NotLinked(why) => write_variant(out, 1, why),
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        match read_variant(from)? {
            0 => Row::read(from).map(Self::Linked),
            1 => Row::read(from).map(Self::NotLinked),
            _ => Err(ReadError::message("no such outcome of a row")),
        }
    }
}
