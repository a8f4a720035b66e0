//! Reading Xplan's own JSON.
//!
//! Parts for the plugins of every region: the wrapped types, rows in both of the shapes in which they occur, and a
//! client with its lists. What the CRM calls a field comes from the rules; what a field *means* is the plugin's
//! business, not this crate's. Reading never rejects a record for a field of the wrong type: only a text that is not
//! JSON is an error.

mod fields;
mod forms;
mod lenient;
mod names;
mod record;
mod row;
mod value;

pub use fields::*;
pub use forms::Forms;
pub use names::{Fields, Names};
pub use record::{ClientNames, List, RawClient, RawUser, Rows, inner_rows, list_rows};
pub use row::{Row, View};
pub use tidegate_sdk::read::{
    Amount, Calendar, CalendarRules, Date, DateProblem, DayRead, How, InForce, Unknown, UnknownRules, currency_code,
    plain_decimal,
};
pub use value::{Number, Value};
