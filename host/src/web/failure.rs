//! Pages for what did not work: what happened, what it means for the data, what to do.

use std::any::Any;
use std::time::Duration;

use askama::Template;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::components::pair;
use super::{assets, format};
use crate::app::client_export::ExportError;
use crate::domain::field;
use crate::intake::NotRead;
use crate::ops::{FieldError, Kind, Refusal};
use crate::queue::NotDone;
use crate::store::StoreError;

/// The address of the page where a second factor is set up.
pub(super) const SECOND_FACTOR: &str = "/account/second-factor";

/// The reason why a page cannot be shown.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing is at this address.
    NotFound(&'static str),
    /// The person's role does not allow it; the reason is `authorize`'s.
    NotAllowed(&'static str),
    /// A set-up link that was used or is too old.
    LinkIsOver,
    /// A link of an account that was used or replaced, or is too old.
    AccountLinkIsOver,
    /// The practice wants a second factor of the person, who is led to where it is set up.
    SecondFactorFirst,
    /// The person has to give their password once more, and is led back to this page.
    ConfirmFirst(String),
    /// A form that no page of this host sent.
    FromAnotherSite,
    /// An address or a form that none of the host's pages makes.
    Unreadable,
    /// The request cannot be carried out in this state; the text says why.
    Refused(String),
    /// Too many people ask for the same at once; with when to come again.
    Busy(String, Duration),
    /// A verb was not carried out.
    NotDone(Refusal),
    /// The host itself failed; the text is for the log, not for the page.
    Broken(String),
}

#[derive(Template)]
#[template(path = "failure.html")]
pub(super) struct FailurePage {
    heading: &'static str,
    message: String,
    fields: Vec<Unfit>,
    /// Whether the person can go on by giving their password once more.
    can_confirm: bool,
}

/// A field that does not fit, and what would be right.
struct Unfit {
    /// Its name in the page, from the API's.
    name: String,
    label: String,
    message: String,
}

impl Failure {
    pub(super) fn page(&self) -> (StatusCode, FailurePage) {
        let (status, heading, message) = match self {
            Self::NotFound(what) => (StatusCode::NOT_FOUND, "Not found", (*what).to_owned()),
            Self::NotAllowed(because) => (StatusCode::FORBIDDEN, "Not allowed", (*because).to_owned()),
            Self::LinkIsOver => (
                StatusCode::GONE,
                "This link is over",
                "A set-up link holds for 30 minutes and for one account. Restart tidegate for a new one, or sign in \
                 where there is an account already."
                    .to_owned(),
            ),
            Self::AccountLinkIsOver => (
                StatusCode::GONE,
                "This link has expired",
                "It was used already, a newer one took its place, or its time is over. Sign in, or ask a \
                 practice manager for another link."
                    .to_owned(),
            ),
            Self::ConfirmFirst(_) => {
                let (status, heading) = describe(Kind::NotFresh);
                (status, heading, "Give your password once more to go on.".to_owned())
            }
            Self::SecondFactorFirst => (
                StatusCode::FORBIDDEN,
                "Set up your second factor",
                "The practice wants a second factor of you. Set it up under My account; nothing else is open until then."
                    .to_owned(),
            ),
            Self::FromAnotherSite => (
                StatusCode::FORBIDDEN,
                "Not sent from this site",
                "The form did not come from a page of this host, so nothing was changed. Open the page here and send \
                 it again."
                    .to_owned(),
            ),
            Self::Unreadable => (
                StatusCode::BAD_REQUEST,
                "Not understood",
                "The address or the form asks for something in a way that no page of this host does, so nothing was \
                 changed. Begin again at the overview."
                    .to_owned(),
            ),
            Self::Refused(message) => (StatusCode::CONFLICT, "Not done", message.clone()),
            Self::Busy(message, _) => (StatusCode::TOO_MANY_REQUESTS, "Too much at once", message.clone()),
            Self::NotDone(refusal) => {
                let (status, heading) = describe(refusal.kind);
                (status, heading, format::sentence(&refusal.message))
            }
            Self::Broken(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something failed here",
                "The page could not be made. Nothing was changed. The host's log says why; load the page again, and \
                 if it fails again, show the log to whoever runs this host."
                    .to_owned(),
            ),
        };
        let fields = match self {
            Self::NotDone(refusal) => refusal.fields.iter().map(Unfit::from).collect(),
            _ => Vec::new(),
        };
        let can_confirm = matches!(self, Self::NotDone(refusal) if refusal.kind == Kind::NotFresh);
        (status, FailurePage { heading, message, fields, can_confirm })
    }
}

/// The heading and status of the page for each kind of refusal.
pub(super) fn describe(kind: Kind) -> (StatusCode, &'static str) {
    match kind {
        Kind::Malformed => (StatusCode::BAD_REQUEST, "Not understood"),
        Kind::NotAllowed => (StatusCode::FORBIDDEN, "Not allowed"),
        Kind::NotSignedIn | Kind::CodeWanted => (StatusCode::UNPROCESSABLE_ENTITY, "Not signed in"),
        Kind::NotFresh => (StatusCode::FORBIDDEN, "Confirm it’s you"),
        Kind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        Kind::KeyReused | Kind::WrongState | Kind::Stale | Kind::PreconditionRequired => {
            (StatusCode::CONFLICT, "Not done")
        }
        Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
        Kind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "Not done"),
        Kind::PluginFailed | Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Something failed here"),
        Kind::CrmFailed => (StatusCode::BAD_GATEWAY, "The CRM gave no usable answer"),
        Kind::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "Too much at once"),
        Kind::NoSpace => (StatusCode::INSUFFICIENT_STORAGE, "Not enough space"),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Not ready"),
    }
}

/// A refusal; where the person has to confirm who they are, the page after that is the one that they come from. For forms that say all
/// by their button, or whose page takes the rest from its address: what was typed in another would be lost on the way.
pub(super) fn led_back(refusal: Refusal, path: &str) -> Failure {
    if refusal.kind == Kind::NotFresh { Failure::ConfirmFirst(path.to_owned()) } else { refusal.into() }
}

/// A field by the name that it has on pages, with what would be right, as a sentence.
pub(super) fn named(error: &FieldError) -> field::FieldError {
    field::FieldError::new(&error.name().replace('/', "-"), format::sentence(&error.message))
}

impl From<&FieldError> for Unfit {
    fn from(error: &FieldError) -> Self {
        let field::FieldError { field: name, message } = named(error);
        Self { label: format::field(&error.name().replace('/', " ")), name, message }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::NotDone(refusal)
    }
}

impl From<NotRead> for Failure {
    fn from(error: NotRead) -> Self {
        Refusal::from(error).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Self::Broken(message) = &self {
            tracing::error!(error = %message, "a page could not be made");
        }
        if let Self::SecondFactorFirst = &self {
            return Redirect::to(SECOND_FACTOR).into_response();
        }
        if let Self::ConfirmFirst(back) = &self {
            return Redirect::to(&format!("/account/confirm?{}", pair("to", back))).into_response();
        }
        let (status, page) = self.page();
        let mut response = match page.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(_) => (status, page.message).into_response(),
        };
        if let Self::Busy(_, after) | Self::NotDone(Refusal { kind: Kind::TooMany(after), .. }) = self {
            response.headers_mut().insert(RETRY_AFTER, seconds(after));
        }
        response
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::BadCursor => {
                Self::NotFound("This page of the list is not there any more. Begin again at its first page.")
            }
            StoreError::NoSpace { .. } | StoreError::AccessEnded => Refusal::from(error).into(),
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<NotDone> for Failure {
    fn from(error: NotDone) -> Self {
        Refusal::from(error).into()
    }
}

/// A delay as `Retry-After` has it.
pub(super) fn seconds(delay: Duration) -> HeaderValue {
    HeaderValue::from(delay.as_millis().div_ceil(1000) as u64)
}

/// The answer where the host's own code fails in the middle: a page, and not a connection that breaks off.
pub(super) fn panicked(_words: Box<dyn Any + Send>) -> Response {
    Failure::Broken(NotDone::Fault.to_string()).into_response()
}

/// A page as an answer.
pub(super) fn page(template: &impl Template) -> Result<Response, Failure> {
    let html = template.render().map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(Html(html).into_response())
}

/// The answer to a path that no route has.
pub(super) async fn no_page() -> Failure {
    Failure::NotFound("There is no page at this address. The overview leads to those there are.")
}
