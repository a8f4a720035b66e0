//! Advisers: the CRM's users.

use tidegate_sdk::{Adviser, Canonical, Fate, Lineage, RawRecord, Severity, Trail};
use xplan::{RawUser, UserField as F, View};

use crate::rules::AdviserRules;

/// Maps a user.
pub(crate) fn map<L: Lineage>(rules: &AdviserRules, raw: &RawRecord, trail: &mut Trail<L>) -> Fate {
    let user = match RawUser::read(&raw.json, &rules.fields) {
        Ok(user) => user,
        Err(why) => {
            trail.whole(Severity::Error, "not-json", format!("Xplan's answer is not JSON: {why}."));
            return Fate::Rejected;
        }
    };
    let row = View { row: &user.row, names: &rules.fields, place: None, rules: "/adviser/fields" };
    let mut text = |field, canonical| {
        trail.origin(canonical, || row.origin(field, None));
        row.text(field, canonical, trail).map(|text| text.into_owned())
    };
    Fate::Mapped(vec![Canonical::Adviser(Adviser {
        external_id: raw.id.clone(),
        first_name: text(F::FirstName, "first_name"),
        last_name: text(F::LastName, "last_name"),
        email: text(F::Email, "email"),
        active: true,
    })])
}
