//! What the site answers, before it becomes bytes on a connection: alone, or inside a batch.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

/// A status, a body and the few headers that differ.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// Its `Content-Type`.
    pub(crate) kind: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// How many bytes of the body are sent before the connection is cut; all, where it is none.
    pub(crate) cut_after: Option<usize>,
}

impl Answer {
    pub(crate) fn json(body: impl Into<Bytes>) -> Self {
        Self { status: 200, body: body.into(), kind: "application/json", headers: Vec::new(), cut_after: None }
    }

    pub(crate) fn of(value: &impl Serialize) -> Self {
        Self::json(serde_json::to_vec(value).expect("plain data with text keys serialises"))
    }

    pub(crate) fn empty() -> Self {
        Self { status: 204, ..Self::json(Bytes::new()) }
    }

    pub(crate) fn bytes(body: Vec<u8>) -> Self {
        Self { kind: "application/octet-stream", ..Self::json(body) }
    }

    pub(crate) fn html(status: u16, title: &str) -> Self {
        let page =
            format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n");
        Self { status, kind: "text/html; charset=utf-8", ..Self::json(page) }
    }

    #[must_use]
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Why the site does not do what was asked, in its two voices.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: Cow<'static, str>,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn bad(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, message)
    }

    /// Missing, invisible, or an endpoint that this version does not have: the site tells them apart no further.
    pub(crate) fn missing() -> Self {
        Self::new(404, "The requested resource does not exist, is not visible, or is not part of this version.")
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        #[derive(Serialize)]
        struct Words<'a> {
            user_message: &'a str,
            api_message: &'a str,
        }
        let user_message = match refusal.status {
            400 => "The request could not be understood.",
            401 => "Please log in.",
            403 => "You do not have access to this function.",
            404 => "The item could not be found.",
            _ => "Something went wrong.",
        };
        Self::of(&Words { user_message, api_message: &refusal.message }).with_status(refusal.status)
    }
}
