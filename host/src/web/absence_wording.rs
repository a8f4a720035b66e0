//! The words for many of a kind that are gone at once, on the page that asks about them and in the notice that leads there.

use crate::domain::{ConnectionName, RecordKind};

/// The wording of the page about what is gone, for a kind of record.
pub(super) struct Wording {
    pub(super) kind: RecordKind,
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    /// The usual cause that looks like this and is no departure.
    pub(super) usually: String,
    /// The mark that they are given.
    pub(super) marked: &'static str,
    pub(super) kept: &'static str,
}

impl Wording {
    /// The page's words for clients, goals or covers.
    pub(super) fn of(kind: RecordKind) -> Self {
        let (one, many) = (kind.as_str(), kind.plural());
        if kind.is_listed() {
            let usually = format!(
                "the user whom the connection signs in as no longer sees {many} in the CRM, not that they were deleted"
            );
            let kept = "They stay on their households’ pages with the date, and out of exported plans. What is listed \
                        again loses the mark at the next sync.";
            return Self { kind, one, many, usually, marked: "gone", kept };
        }
        let usually = "the user whom the connection signs in as sees fewer groups in the CRM than before, not that \
                       people have left";
        let kept = "They keep their households, what stands in their lists, and notes, and carry a mark with the date. \
                    Whoever is seen again loses it at the next sync.";
        Self { kind, one, many, usually: usually.to_owned(), marked: "not visible", kept }
    }

    /// The page's address.
    pub(super) fn path(&self, connection: &ConnectionName) -> String {
        let query = if self.kind.is_listed() { format!("?kind={}", self.one) } else { String::new() };
        format!("/connections/{connection}/departures{query}")
    }
}
