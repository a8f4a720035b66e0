//! Advisers: the CRM's users.

use tidegate_sdk::{Adviser, Canonical, LineageRecorder, MapResult, Origin, RawRecord};
use xplan::{Forms, RawUser, UserField as F, View};

use crate::{contact, record, rules::AdviserRules};

/// Maps a user.
pub(crate) fn map(rules: &AdviserRules, forms: &Forms, raw: &RawRecord, recorder: &mut LineageRecorder) -> MapResult {
    let user = match RawUser::read(&raw.json, &rules.fields) {
        Ok(user) => user,
        Err(why) => return record::not_json(&why, recorder),
    };
    let row = View::new(&user.row, &rules.fields, None, "/adviser/fields", forms);
    if let Err(fate) = record::check_row(row, F::Id, &raw.id, recorder) {
        return fate;
    }
    if row.is_empty_from(F::MEMBERS) {
        return record::empty(recorder);
    }
    let mut text = |field, canonical| {
        recorder.origin(canonical, || row.origin(field, None));
        row.text(field, canonical, recorder).map(std::borrow::Cow::into_owned)
    };
    let (first_name, last_name) = (text(F::FirstName, "first_name"), text(F::LastName, "last_name"));
    let email = text(F::Email, "email").and_then(|text| match contact::accept_email(&forms.unknown, &text, recorder) {
        Ok(email) => Some(email),
        Err(refusal) => {
            recorder.warn("email", refusal.code, format!("“{text}” {}; it was left out.", refusal.reason));
            None
        }
    });
    // Xplan lists the users who can sign in, and says nothing more of it.
    recorder.origin("active", || Origin { rule: Some("/adviser/resource".to_owned()), ..Origin::default() });
    MapResult::Mapped(vec![Canonical::Adviser(Adviser {
        external_id: raw.id.clone(),
        first_name,
        last_name,
        email,
        active: true,
    })])
}
