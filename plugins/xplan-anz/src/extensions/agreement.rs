//! What a number tells of its person, held against what the CRM's other fields tell.
//!
//! A number with a year of two digits says nothing of the century. The CRM's own date of birth decides; without one a
//! century counts only where no other is possible on the day of the mapping.

use tidegate_sdk::{LineageRecorder, Origin};
use xplan::Date;

use super::{ExtensionMapping, Known};
use crate::checks::{Birth, Checked};
use crate::refusal::Refusal;

/// Nobody is known to be older, in years.
const OLDEST: u16 = 120;

const DATE_OF_BIRTH: &str = "date_of_birth";

/// A person while their extensions are read.
pub(super) struct Person<'c> {
    pub known: Known,
    /// The day of the mapping, `YYYY-MM-DD`.
    pub as_of: &'c str,
    /// The date of birth that was taken out of a number.
    pub date_of_birth: Option<Date>,
}

impl Person<'_> {
    /// Tells where the number disagrees with the record, and takes the date of birth from it where the rules say so and
    /// the CRM has none.
    pub fn agree(
        &mut self,
        of: &ExtensionMapping,
        checked: &Checked,
        source: impl FnOnce() -> Origin,
        recorder: &mut LineageRecorder,
    ) -> Result<(), Refusal> {
        let label = &of.label;
        if let (Some(sex), Some(known)) = (checked.sex, self.known.sex)
            && sex != known
            && known != tidegate_sdk::Sex::Other
        {
            let message = format!(
                "{label}: the number is that of a person of another sex than Xplan has. Both were kept; correct the one \
                 that is wrong in Xplan."
            );
            recorder.warn(&of.canonical, "differs-from-sex", message);
        }
        let Some(birth) = checked.birth else { return Ok(()) };
        let days: Vec<Date> = [1900, 2000].into_iter().filter_map(|century| birth.day(century)).collect();
        if days.is_empty() {
            let reason = "begins with a day that no calendar has".into();
            return Err(Refusal { code: "impossible-date", reason });
        }
        match self.known.date_of_birth {
            Some(known) if days.contains(&known) => {}
            Some(_) => {
                let message = format!(
                    "{label}: the number holds another date of birth than Xplan has. Both were kept; correct the one that \
                     is wrong in Xplan."
                );
                recorder.warn(&of.canonical, "differs-from-date-of-birth", message);
            }
            None if of.fills_date_of_birth => self.fill(of, &days, source, recorder),
            None => {}
        }
        Ok(())
    }

    fn fill(
        &mut self,
        of: &ExtensionMapping,
        days: &[Date],
        source: impl FnOnce() -> Origin,
        recorder: &mut LineageRecorder,
    ) {
        let Some(Ok(as_of)) = Date::iso(self.as_of) else { return };
        let is_possible = |day: &&Date| **day <= as_of && as_of.year - day.year <= OLDEST;
        let mut possible = days.iter().filter(is_possible);
        let label = &of.label;
        if let (Some(day), None) = (possible.next(), possible.next()) {
            self.date_of_birth = Some(*day);
            let message = format!("Xplan has no date of birth that can be used; the one in the {label} was taken.");
            recorder.info(DATE_OF_BIRTH, "date-of-birth-from-number", message);
            recorder.origin(DATE_OF_BIRTH, || Origin { rule: Some(format!("the date in the {label}")), ..source() });
        } else {
            let message = format!(
                "The {label} holds the last two digits of the year of birth, which may be of two centuries, so that no \
                 date was taken from it. Enter the date of birth in Xplan."
            );
            recorder.warn(DATE_OF_BIRTH, "century-not-known", message);
        }
    }
}

impl Birth {
    /// The day in a century: 1900 or 2000.
    fn day(self, century: u16) -> Option<Date> {
        Date::new(century + self.year, self.month, self.day).ok()
    }
}
