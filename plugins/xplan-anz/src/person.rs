//! The person that a client is: names, title, sex, and whose partner and client.

use tidegate_sdk::{LineageRecorder, Sex, Title, canonical::Choice};
use xplan::ClientField as F;

use crate::{client_row::ClientRow, mapping::ClientMapping};

/// A person's names, as their owner writes them.
pub(crate) struct PersonNames {
    pub first: Option<String>,
    pub middle: Option<String>,
    pub last: Option<String>,
    pub preferred: Option<String>,
}

impl PersonNames {
    pub fn are_empty(&self) -> bool {
        let names = [&self.first, &self.middle, &self.last, &self.preferred];
        names.iter().all(|name| name.is_none())
    }
}

pub(crate) fn names(row: ClientRow<'_, '_>, recorder: &mut LineageRecorder) -> PersonNames {
    let mut name = |field, canonical| {
        recorder.origin(canonical, || row.origin(field, None));
        row.text(field, canonical, recorder).map(std::borrow::Cow::into_owned)
    };
    PersonNames {
        first: name(F::FirstName, "first_name"),
        middle: name(F::MiddleName, "middle_name"),
        last: name(F::LastName, "last_name"),
        preferred: name(F::PreferredName, "preferred_name"),
    }
}

pub(crate) fn title(rules: &ClientMapping, row: ClientRow<'_, '_>, recorder: &mut LineageRecorder) -> Option<Title> {
    let text = row.text(F::Title, "title", recorder);
    let title = text.and_then(|text| rules.titles.read(&text, "title", recorder)).copied();
    recorder.origin("title", || row.origin(F::Title, title.map(|title| format!("/client/titles/{}", title.word()))));
    title
}

pub(crate) fn sex(rules: &ClientMapping, row: ClientRow<'_, '_>, recorder: &mut LineageRecorder) -> Option<Sex> {
    let text = row.text(F::Sex, "sex", recorder);
    let sex = text.and_then(|text| rules.sexes.read(&text, "sex", recorder)).copied();
    recorder.origin("sex", || row.origin(F::Sex, sex.map(|sex| format!("/client/sexes/{}", sex.word()))));
    sex
}

/// An adviser whom the row names.
pub(crate) fn adviser(
    row: ClientRow<'_, '_>,
    field: F,
    canonical: &str,
    recorder: &mut LineageRecorder,
) -> Option<String> {
    recorder.origin(canonical, || row.origin(field, None));
    row.reference(field, canonical, recorder)
}

/// A client's place in a couple.
pub(crate) struct Couple {
    pub partner: Option<String>,
    pub is_partner: bool,
}

pub(crate) fn couple(row: ClientRow<'_, '_>, id: &str, recorder: &mut LineageRecorder) -> Couple {
    const PARTNER: &str = "partner_external_id";
    recorder.origin(PARTNER, || row.origin(F::Partner, None));
    recorder.origin("is_partner", || row.origin(F::IsPartner, None));
    let mut partner = row.reference(F::Partner, PARTNER, recorder);
    if partner.as_deref() == Some(id) {
        partner = None;
        recorder.warn(
            PARTNER,
            "own-partner",
            "Xplan names the client as their own partner; the link was left out. Correct it in Xplan.",
        );
    }
    let is_partner = row.flag(F::IsPartner, "is_partner", recorder).unwrap_or(false);
    if is_partner && partner.is_none() {
        recorder.warn("is_partner", "partner-without-link", "Xplan marks the client as a partner but links nobody. If they belong to a couple, link both records in Xplan.");
    }
    Couple { partner, is_partner }
}
