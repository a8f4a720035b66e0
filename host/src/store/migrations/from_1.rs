//! The step from the first format, whose rows knew no numbers, to the second. The tables and their keys stay as they
//! were.

use super::rewrite;
use super::transcribe::Shape::{
    self, Array, Byte, Bytes, Choice, ChoiceOrNone, Date, Fields, Flag, Keyed, List, Map, Maybe, Millis, Moment,
    Number, Revision, Signed, Text, Unit, Variant,
};
use super::transcribe::transcribe;
use crate::store::StoreError;
use crate::store::engine::{Table, Write};

const MAYBE_TEXT: Shape = Maybe(&Text);
const MAYBE_MONEY: Shape = Maybe(&MONEY);
const MAYBE_CHOICE: Shape = Maybe(&Choice);
const MAYBE_DATE: Shape = Maybe(&Date);
const MAYBE_MOMENT: Shape = Maybe(&Moment);
const MAYBE_UUID: Shape = Maybe(&Bytes);

const MONEY: Shape = Fields(&[Text, Text]);
const EXTENSIONS: Shape = List(&Fields(&[Text, Text]));
const DIAGNOSTICS: Shape = List(&Fields(&[Choice, MAYBE_TEXT, Text, Text]));
const EDITS: Shape = List(&Fields(&[Text, MAYBE_TEXT, MAYBE_TEXT, Text, Moment]));
const OVERRIDDEN: Shape = List(&Fields(&[Text, MAYBE_TEXT, MAYBE_TEXT, Text, Bytes, Moment]));
const UNSEEN: Shape = Fields(&[Byte, MAYBE_UUID]);

const CLIENT: Shape = Fields(&[
    Text,         // external_id
    MAYBE_CHOICE, // title
    MAYBE_TEXT,   // first_name
    MAYBE_TEXT,   // middle_name
    MAYBE_TEXT,   // last_name
    MAYBE_TEXT,   // preferred_name
    MAYBE_DATE,   // date_of_birth
    MAYBE_CHOICE, // sex
    MAYBE_TEXT,   // address_line_1
    MAYBE_TEXT,   // address_line_2
    MAYBE_TEXT,   // suburb
    MAYBE_TEXT,   // state
    MAYBE_TEXT,   // postcode
    MAYBE_TEXT,   // country_code
    MAYBE_TEXT,   // email
    Flag,         // email_is_placeholder
    MAYBE_TEXT,   // mobile
    MAYBE_TEXT,   // adviser_external_id
    MAYBE_TEXT,   // partner_external_id
    Flag,         // is_partner
    Choice,       // status
    EXTENSIONS,
]);
const CLIENT_ROW: Shape = Fields(&[Number, CLIENT, Array(6), Signed, DIAGNOSTICS, EDITS, OVERRIDDEN]);
const HOUSEHOLD: Shape = Variant(&[Fields(&[Number, List(&Fields(&[Array(16), Bytes]))]), Bytes]);
const ADVISER: Shape = Fields(&[
    Fields(&[Text, MAYBE_TEXT, MAYBE_TEXT, MAYBE_TEXT, Flag]),
    Fields(&[Text, Revision, Moment]),
    DIAGNOSTICS,
]);
const ASIDE: Shape = Fields(&[Text, Choice, Text, Flag, DIAGNOSTICS, Revision, Bytes, Moment]);
const REVIEW: Shape =
    Fields(&[Text, CLIENT, List(&Fields(&[Bytes, Choice])), Choice, MAYBE_UUID, Bytes, Moment, MAYBE_MOMENT]);

/// A list's row: its items with their values and what the practice adds to each.
macro_rules! list_of {
    ($value:expr, $own:expr) => {
        Fields(&[Array(6), List(&Fields(&[Bytes, $value, $own, Millis, Maybe(&Millis), DIAGNOSTICS])), DIAGNOSTICS])
    };
}
const GOALS: Shape = list_of!(
    Fields(&[Text, Choice, MAYBE_TEXT, MAYBE_TEXT, MAYBE_DATE, MAYBE_MONEY, ChoiceOrNone(3), EXTENSIONS]),
    Fields(&[Choice, MAYBE_CHOICE])
);
const COVERS: Shape = list_of!(
    Fields(&[
        Text,           // external_id
        MAYBE_TEXT,     // policy_number
        Choice,         // type
        MAYBE_TEXT,     // type_as_given
        MAYBE_TEXT,     // insurer
        MAYBE_TEXT,     // plan_name
        MAYBE_MONEY,    // sum_insured
        MAYBE_MONEY,    // premium
        MAYBE_CHOICE,   // premium_frequency
        Choice,         // owner
        MAYBE_DATE,     // renewal_date
        Maybe(&Number), // end_year
        Flag,           // expired
        EXTENSIONS,
    ]),
    Unit
);

/// Goals and covers, by the numbers of their kinds.
const LISTED: &[u8] = &[2, 3];
const COUNTS: Shape = Map(&Number);
const LIST_COUNTS: Shape = Fields(&[Number, Number, Number, Number, Number]);
const RUN: Shape = Fields(&[
    Bytes,
    Text,
    Choice,
    Choice,
    Moment,
    MAYBE_MOMENT,
    MAYBE_MOMENT,
    Maybe(&Number),
    Fields(&[
        Number, // advisers
        Number, // seen
        Number, // unchanged
        Number, // created
        Number, // changed
        Number, // same
        COUNTS, // skipped
        Number, // newly_left_out
        Number, // returned
        Number, // quarantined
        Number, // held
        Number, // overridden
        Keyed(LISTED, &LIST_COUNTS),
        Number, // repeated
        Number, // unreadable
        Number, // missed
        Number, // unconfirmed
        COUNTS, // warnings
        COUNTS, // changed_fields
        Number, // not_visible
        Number, // visible_again
        Number, // awaiting
        COUNTS, // doubts
        Number, // listed
        Number, // requests
        Number, // retries
        Number, // slow_downs
    ]),
    MAYBE_TEXT,
]);
const POSITION: Shape = Fields(&[Choice, Text, MAYBE_TEXT, Number, Flag]);
const WALKS: Shape = Fields(&[Maybe(&Fields(&[Bytes, Maybe(&POSITION)])), Maybe(&Number), List(&Bytes)]);
const QUESTION: Shape = Fields(&[Text, Bytes, Moment, Number, Number, Number, Choice, Maybe(&Fields(&[Text, Moment]))]);
const REPORT: Shape = Fields(&[MAYBE_TEXT, List(&Fields(&[Text, MAYBE_TEXT, MAYBE_TEXT]))]);
const GONE: Shape = Fields(&[Signed, Bytes]);
const TALLIES: Shape = Fields(&[Number, Number, Number, Number, Number, Keyed(LISTED, &Number), Number]);

const IMPORT: Shape = Fields(&[
    Bytes,
    Text,
    Text,
    Text,
    Choice,
    Fields(&[Number, Number, Number, Number, Number, Number, Number]),
    Moment,
    MAYBE_MOMENT,
]);
const OTHER_SHEET: Shape = Fields(&[Text, Flag, Flag, Number]);
const SOURCE: Shape = Fields(&[Number, Number, Number, Number, Number, MAYBE_TEXT, List(&OTHER_SHEET)]);
const IMPORT_DETAIL: Shape = Fields(&[Number, Number, Maybe(&SOURCE)]);
const CANDIDATE: Shape = Fields(&[Bytes, Text, Flag, Maybe(&Fields(&[Text, Text]))]);
const IMPORT_ROW: Shape = Fields(&[
    Number,
    Text,
    Text,
    Text,
    Text,
    Choice,
    List(&Fields(&[Text, Text])),
    List(&CANDIDATE),
    Maybe(&Variant(&[Bytes, Unit])),
    Maybe(&Variant(&[Bytes, Text])),
]);

const USER: Shape = Fields(&[Fields(&[Bytes, Text, Text, Choice]), Text]);
const SESSION: Shape = Fields(&[Bytes, Moment, Moment]);
const PROFESSIONAL: Shape = Fields(&[Text, Text, Moment]);
const DOCUMENT: Shape = Fields(&[Text, Text, Number, Choice, Text, Signed]);
const SITE_LIST: Shape = Fields(&[Text, UNSEEN]);

/// Writes every row anew.
pub(super) fn run(write: &Write) -> Result<(), StoreError> {
    macro_rules! tables {
        ($($name:literal, $key:ty: $shape:expr);+ $(;)?) => {
            $(rewrite(write, Table::<$key, &[u8]>::new($name), $name, |row| transcribe(row, $shape))?;)+
        };
    }
    tables! {
        "clients", &[u8; 20]: CLIENT_ROW;
        "households", &[u8; 20]: HOUSEHOLD;
        "advisers", &[u8; 23]: ADVISER;
        "set-aside", &[u8; 24]: ASIDE;
        "reviews", &[u8; 23]: REVIEW;
        "goals", &[u8; 22]: GOALS;
        "covers", &[u8; 22]: COVERS;
        "unseen", &[u8; 39]: UNSEEN;
        "emptied-lists", (&[u8; 23], &str): UNSEEN;
        "tallies", u32: TALLIES;
        "runs", &[u8; 20]: RUN;
        "walks", &[u8; 6]: WALKS;
        "gone", &[u8; 23]: GONE;
        "departures", &[u8; 6]: QUESTION;
        "goal-departures", &[u8; 6]: QUESTION;
        "cover-departures", &[u8; 6]: QUESTION;
        "reports", &[u8; 54]: REPORT;
        "imports", &[u8; 20]: IMPORT;
        "import-details", &[u8; 20]: IMPORT_DETAIL;
        "users", (u32, [u8; 16]): USER;
        "sessions", (u32, [u8; 32]): SESSION;
        "professionals", (u32, [u8; 16]): PROFESSIONAL;
        "documents", (u32, [u8; 32]): DOCUMENT;
        "site-lists", (u32, u16, &str): SITE_LIST;
    }
    // The status stands before the rest of an import's row.
    rewrite(write, Table::<&[u8; 24], &[u8]>::new("import-rows"), "import-rows", |row| {
        let (status, rest) = row.split_at_checked(1).unwrap_or((&[], row));
        Ok([status, &transcribe(rest, IMPORT_ROW)?].concat())
    })
}
