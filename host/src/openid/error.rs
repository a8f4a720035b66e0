//! Why nobody is signed in by the identity provider, in words for the person who tried.

use std::time::Duration;

/// The reason why a sign-in by the identity provider did not come to its end. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenIdError {
    /// The provider gave no answer in time, or one that says that it is in trouble.
    #[error(
        "the identity provider does not answer ({why}); try again in a moment, or sign in with a password where you have one"
    )]
    Unreachable {
        /// The reason, for whoever signs in.
        why: String,
        /// The system's own words, for whoever runs the host; none where it has none.
        cause: Option<String>,
    },
    /// What the provider says of itself cannot be used.
    #[error("the identity provider cannot be used: {0}; whoever runs this host checks its settings")]
    Unusable(String),
    /// The answer belongs to no sign-in of this browser.
    #[error(
        "this sign-in was begun in another browser, is older than 10 minutes, or was used already; start again with the \
         button below"
    )]
    NotBegun,
    /// The provider says no.
    #[error("the identity provider refused the sign-in: {0}; start again, or ask whoever looks after it")]
    Denied(String),
    /// Another provider answered.
    #[error(
        "the answer is from another identity provider ({0}), and nothing of it was used; start again with the button below"
    )]
    AnotherIssuer(String),
    /// The ID token does not hold.
    #[error(
        "the identity provider’s token does not hold: {0}; start again, and tell whoever looks after it where that happens twice"
    )]
    BadToken(&'static str),
    /// The person was to sign in there anew, and it does not say that they did.
    #[error(
        "the identity provider does not say that you signed in there just now (it sent no `auth_time`, or an old one); \
         start again, and sign in there when it asks. If this keeps happening, ask a practice manager: the identity provider has \
         to send `auth_time`"
    )]
    NotFresh,
    /// The network has too many sign-ins under way, or too many of them came to nothing.
    #[error(
        "too many sign-ins by the identity provider were begun from your network; try again in {} seconds, or sign in with a \
         password where you have one",
        .0.as_secs().max(1)
    )]
    TooMany(Duration),
}

impl OpenIdError {
    /// The provider gave no answer, of which the system has no words of its own.
    pub fn unreachable(why: String) -> Self {
        Self::Unreachable { why, cause: None }
    }

    /// The message for whoever runs the host, who tries no sign-in.
    pub fn for_operator(&self) -> String {
        match self {
            Self::Unreachable { why, cause } => {
                let cause = cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
                format!("the identity provider does not answer: {why}{cause}")
            }
            Self::Unusable(why) => format!("the identity provider cannot be used: {why}"),
            other => other.to_string(),
        }
    }

    /// Whether the provider is what is in trouble, and not the answer.
    pub fn is_of_provider(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Unusable(_))
    }
}
