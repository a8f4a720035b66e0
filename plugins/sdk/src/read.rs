//! Reading what sites, exports and people write: days, amounts of money, telephone numbers, email addresses, and what stands for "unknown".
//!
//! No CRM's own: a plugin reads its records with these, by what the rules say of the site.

mod amount;
mod date;
mod decimal;
mod email;
mod phone;
mod unknown;

pub use amount::{Amount, currency_code};
pub use date::{Calendar, CalendarRules, Date, DateProblem, DayRead, How, InForce};
pub use decimal::plain_decimal;
pub use email::{WrittenEmail, placeholder, placeholder_problem};
pub use phone::{Number as WrittenNumber, Problem as NoNumber, Written as WrittenPhone};
pub use unknown::{Unknown, UnknownRules};
