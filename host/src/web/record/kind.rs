//! The types of events that can be recorded, and what their forms ask for.

use crate::notes::{DocumentRule, document_rule};

/// The types of events that can be recorded by hand: all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::web) enum Kind {
    Survey,
    Values,
    Preferences,
    Plan,
    PreferencesDocument,
    Note,
}

impl Kind {
    pub(in crate::web) const ALL: [Self; 6] =
        [Self::Survey, Self::Values, Self::Preferences, Self::Plan, Self::PreferencesDocument, Self::Note];

    pub(in crate::web) fn event_type(self) -> &'static str {
        match self {
            Self::Survey => "your-life-survey.completed",
            Self::Values => "values-session.completed",
            Self::Preferences => "investment-preferences.completed",
            Self::Plan => "best-life-plan.exported",
            Self::PreferencesDocument => "investment-preferences.exported",
            Self::Note => "note.written",
        }
    }

    pub(in crate::web) fn word(self) -> &'static str {
        match self {
            Self::Survey => "Your Life Survey completed",
            Self::Values => "Values session completed",
            Self::Preferences => "Investment preferences completed",
            Self::Plan => "Best Life Plan exported",
            Self::PreferencesDocument => "Investment preferences exported",
            Self::Note => "Note",
        }
    }

    pub(in crate::web) fn what(self) -> &'static str {
        match self {
            Self::Survey => "The score, the goals to be addressed and the dimensions of wellbeing go to the CRM.",
            Self::Values => "The five top values of each person and the progress scores go to the CRM.",
            Self::Preferences => "All questions with their responses go to the CRM.",
            Self::Plan => "The plan goes to the CRM with a file note: a PDF of your own, or one made here.",
            Self::PreferencesDocument => "They go to the CRM with a file note: as a PDF of your own, or one made here.",
            Self::Note => "A note in your own words goes to the CRM, with PDFs if there are any.",
        }
    }

    /// The names of its groups of rows, each with the names of a row's fields.
    pub(super) fn rows(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Self::Survey => &[("goals", &["goal"]), ("dimensions", &["dimension", "percent"])],
            Self::Preferences => &[("answers", &["question", "response"])],
            Self::Values | Self::Plan | Self::PreferencesDocument | Self::Note => &[],
        }
    }

    /// Whether its form takes documents.
    pub(in crate::web) fn takes_documents(self) -> bool {
        document_rule(self.event_type()) != DocumentRule::None
    }
}
