//! Why a value that was found is not taken.

use std::borrow::Cow;

/// The reason why a candidate cannot be used.
pub(crate) struct Refusal {
    pub code: &'static str,
    /// The reason, which fits behind the candidate's text: "has no country code".
    pub reason: Cow<'static, str>,
}
