//! Every failure of the API, as a problem document (RFC 9457). The one place where errors become answers.
//!
//! `detail` says what happened, what it means for the data and what to do. What went wrong inside (paths, the store's
//! and the plugin's words) goes to the log, never into an answer.

use std::time::Duration;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::ExplainError;
use crate::app::client_export::ExportError;
use crate::connection::Connections;
use crate::domain::text::sentence;
use crate::import::ImportError;
use crate::intake::NotRead;
use crate::integrations::IntegrationError;
use crate::ops::{self, Refusal};
use crate::pack::PackError;
use crate::queue::NotDone;
use crate::store::StoreError;

/// The kind of a failure; programs match on its `type`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The request cannot be read.
    Malformed,
    /// Nobody, or somebody unknown, asks.
    Unauthenticated,
    /// The password is right, and the code of the second factor is wanted, or was not accepted.
    CodeWanted,
    /// The practice wants a second factor of the person who asks, who has none yet.
    SecondFactorNeeded,
    /// The one who asks may not.
    Forbidden,
    /// The person who asks has to give their password once more.
    NotFresh,
    /// There is no such thing.
    NotFound,
    /// The resource has no such method.
    MethodNotAllowed,
    /// The idempotency key belongs to another event.
    KeyReused,
    /// Somebody changed the thing since it was looked at.
    Stale,
    /// The request needs `If-Match`, with the version that was looked at.
    PreconditionRequired,
    /// The thing's state does not allow it.
    WrongState,
    /// The body is too large.
    TooLarge,
    /// The body is not JSON by its media type.
    WrongMediaType,
    /// The body can be read and does not fit.
    Invalid,
    /// The plugin failed.
    PluginFailed,
    /// The CRM failed.
    CrmFailed,
    /// A document cannot be made.
    DocumentFailed,
    /// A failure inside the host.
    Internal,
    /// Too much is asked at once; `Retry-After` says when to come again.
    TooMany,
    /// Too little space is left on the disk for anything new.
    NoSpace,
    /// The host cannot serve now.
    Unavailable,
}

impl Kind {
    fn describe(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "malformed-request", "The request cannot be read"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "Sign-in is needed"),
            Self::CodeWanted => (StatusCode::UNAUTHORIZED, "code-wanted", "The code of the second factor is wanted"),
            Self::SecondFactorNeeded => {
                (StatusCode::FORBIDDEN, "second-factor-needed", "A second factor has to be set up")
            }
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::NotFresh => (StatusCode::FORBIDDEN, "fresh-sign-in-needed", "A fresh sign-in is needed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The resource has no such method")
            }
            Self::KeyReused => (StatusCode::CONFLICT, "idempotency-key-reused", "The idempotency key is taken"),
            Self::WrongState => (StatusCode::CONFLICT, "wrong-state", "Its state does not allow that"),
            Self::Stale => (StatusCode::PRECONDITION_FAILED, "stale", "It was changed meanwhile"),
            Self::PreconditionRequired => {
                (StatusCode::PRECONDITION_REQUIRED, "precondition-required", "`If-Match` is needed")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::WrongMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not declared as JSON")
            }
            Self::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The body does not fit"),
            Self::PluginFailed => (StatusCode::INTERNAL_SERVER_ERROR, "plugin-failed", "The pack's plugin failed"),
            Self::CrmFailed => (StatusCode::BAD_GATEWAY, "crm-failed", "The CRM gave no usable answer"),
            Self::DocumentFailed => {
                (StatusCode::INTERNAL_SERVER_ERROR, "document-failed", "The document cannot be made")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something failed inside"),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too-many", "Too much is asked at once"),
            Self::NoSpace => (StatusCode::INSUFFICIENT_STORAGE, "insufficient-storage", "Little space is left"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not ready"),
        }
    }
}

/// A failure on its way to becoming an answer.
#[derive(Debug)]
pub struct Problem {
    kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
}

/// A problem document.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// The type of the problem: `urn:tidegate:problem:not-found`. Stable.
    #[serde(rename = "type")]
    #[schema(example = "urn:tidegate:problem:not-found")]
    problem_type: String,
    /// The type in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The message: what happened, what it means for the data, and what to do.
    detail: String,
    /// The errors in the body, where that can be said field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// An error at one place of a body.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body.
    #[schema(example = "/data/score")]
    pub pointer: String,
    /// The message: what would be right.
    pub detail: String,
}

impl Problem {
    /// A failure with nothing more to say.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// Too much is asked at once; it may be asked again after so long.
    pub fn too_many(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(Kind::TooMany, detail) }
    }

    /// There is no `what`.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(Kind::NotFound, format!("There is no {what}. Check it against the list it is from."))
    }

    /// A body that can be read and does not fit.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Refusal::invalid(Vec::new()).into() }
    }

    /// Something failed inside, and is in the log.
    pub fn internal() -> Self {
        Self::new(Kind::Internal, "The request was not carried out. The cause is in the host's log; try again later.")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, slug, title) = self.kind.describe();
        let body = ProblemBody {
            problem_type: format!("urn:tidegate:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"tidegate\""));
        }
        if let Some(after) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(after.as_millis().div_ceil(1000) as u64));
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.kind {
            ops::Kind::Malformed => Kind::Malformed,
            ops::Kind::NotAllowed => Kind::Forbidden,
            ops::Kind::NotSignedIn => Kind::Unauthenticated,
            ops::Kind::CodeWanted => Kind::CodeWanted,
            ops::Kind::NotFresh => Kind::NotFresh,
            ops::Kind::NotFound => Kind::NotFound,
            ops::Kind::KeyReused => Kind::KeyReused,
            ops::Kind::WrongState => Kind::WrongState,
            ops::Kind::Stale => Kind::Stale,
            ops::Kind::PreconditionRequired => Kind::PreconditionRequired,
            ops::Kind::TooLarge => Kind::TooLarge,
            ops::Kind::Invalid => Kind::Invalid,
            ops::Kind::PluginFailed => Kind::PluginFailed,
            ops::Kind::CrmFailed => Kind::CrmFailed,
            ops::Kind::Internal => Kind::Internal,
            ops::Kind::TooMany(_) => Kind::TooMany,
            ops::Kind::NoSpace => Kind::NoSpace,
            ops::Kind::Unavailable => Kind::Unavailable,
        };
        let retry_after = match refusal.kind {
            ops::Kind::TooMany(retry_after) => Some(retry_after),
            _ => None,
        };
        let errors = refusal.fields.into_iter().map(FieldError::from).collect();
        Self { kind, detail: refusal.message, errors, retry_after }
    }
}

impl From<ops::FieldError> for FieldError {
    fn from(ops::FieldError { pointer, message }: ops::FieldError) -> Self {
        Self { pointer, detail: message }
    }
}

/// Errors of the parts that handlers read from, in the words that a verb has for them.
macro_rules! as_refusals {
    ($($error:ty),*) => {
        $(impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Refusal::from(error).into()
            }
        })*
    };
}

as_refusals!(StoreError, NotDone, NotRead, ImportError, IntegrationError, PackError);

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            other => {
                tracing::error!(error = %other, "a client could not be exported");
                Self::internal()
            }
        }
    }
}

impl From<ExplainError> for Problem {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::NoConnection(name) => Self::new(
                Kind::WrongState,
                format!("{}, so that its pack cannot be asked.", sentence(&Connections::not_at_work(&name))),
            ),
            ExplainError::NoRecord(kind) if kind.is_listed() => {
                let detail = format!("The client's list of {} was empty at the last sync.", kind.plural());
                Self::new(Kind::NotFound, detail)
            }
            ExplainError::NoRecord(_) => {
                Self::new(Kind::NotFound, "The CRM's record of this client is not kept here. The next sync brings it.")
            }
            ExplainError::Pack(error) => error.into(),
            ExplainError::Store(error) => error.into(),
            ExplainError::NotDone(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::Value;

    use super::*;
    use crate::domain::RecordKind;
    use crate::domain::{ConnectionName, Diagnostic, HouseholdId, NoteId, field};
    use crate::notes::NotesError;
    use crate::pack::PluginFailure;
    use crate::sync::{ClientSyncError, SyncError};

    fn refusal(error: impl Into<Refusal>) -> Refusal {
        error.into()
    }

    async fn check(problem: impl Into<Problem>, status: u16, slug: &str, message: &str) {
        let response = problem.into().into_response();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["type"], format!("urn:tidegate:problem:{slug}"));
        assert_eq!(body["status"], status);
        assert!(body.to_string().contains(message), "{message:?} is not in {body}");
        assert!(!body.to_string().contains("s3cret"), "inner words are in {body}");
    }

    #[tokio::test]
    async fn errors_of_the_store() {
        let secret = || "s3cret/path".to_owned();
        check(StoreError::BadCursor, 422, "invalid", "Take `next` from the list's answer before").await;
        check(StoreError::Locked, 503, "unavailable", "try again").await;
        check(StoreError::TooNew { found: 2, known: 1 }, 503, "unavailable", "try again").await;
        check(StoreError::NoSpace { free: 7 }, 507, "insufficient-storage", "Nothing was kept").await;
        check(StoreError::Broken(secret().into()), 500, "internal", "log").await;
        check(StoreError::Fault(secret().into()), 500, "internal", "log").await;
        check(PackError::from(PluginFailure::BrokeContract(secret())), 500, "plugin-failed", "log").await;
        check(refusal(NotesError::Plugin(PluginFailure::BrokeContract(secret()).into())), 500, "plugin-failed", "log")
            .await;
        check(refusal(SyncError::Store(StoreError::Fault(secret().into()))), 500, "internal", "log").await;
    }

    #[tokio::test]
    async fn errors_of_runs_and_notes() {
        let id = uuid::Uuid::nil();
        let name: ConnectionName = "main".parse().unwrap();
        let wrong = |field: &str| NotesError::Invalid(vec![field::FieldError::new(field, "not 0 to 100")]);
        let odd = Diagnostic::warning("data/goals", "no-goals", "there are no goals".to_owned());
        check(ExplainError::NoConnection(name.clone()), 409, "wrong-state", "`main`").await;
        check(ExplainError::NoRecord(RecordKind::Client), 404, "not-found", "next sync").await;
        check(refusal(SyncError::UnknownConnection(name)), 404, "not-found", "main").await;
        check(refusal(ClientSyncError::TooSlow), 502, "crm-failed", "stays as it was").await;
        check(refusal(NotesError::UnknownNote(NoteId(id))), 404, "not-found", "no note").await;
        check(refusal(NotesError::UnknownHousehold(HouseholdId(id))), 422, "invalid", "/household_id").await;
        check(refusal(wrong("/data/score")), 422, "invalid", r#""pointer":"/data/score""#).await;
        check(refusal(NotesError::NotRendered(vec![odd])), 422, "invalid", r#""pointer":"/data/goals""#).await;
        let (event_type, household) = ("note.written".to_owned(), HouseholdId(id));
        check(
            refusal(NotesError::KeyReused { note: NoteId(id), event_type, household }),
            409,
            "idempotency-key-reused",
            "key of its own",
        )
        .await;
        check(refusal(NotesError::WrongState("the note is done".to_owned())), 409, "wrong-state", "The note is done")
            .await;
    }
}
