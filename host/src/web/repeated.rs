//! A form that is sent twice: by a double click, or by somebody who waits for a slow answer and presses the button again. It is
//! carried out once, and the second leads where the first one led. A browser shows the answer to the last one alone, so that people
//! would otherwise be refused what they did themselves a moment ago (it changed meanwhile, it is gone already), or do it twice.
//!
//! In memory, and of a session its last form alone: whoever sends another in between means the first one anew. What was refused is
//! asked again, and so is what is sent a moment later.
//!
//! Some forms are carried out each time: see [`is_passed_over`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::watch;

use super::failure::Failure;
use crate::access::request::session_token;

/// The sessions whose last forms are kept, the latest ones.
const KEPT: usize = 500;
/// The time after an answer in which the same form is the same click.
const SAME_CLICK: Duration = Duration::from_secs(2);
/// The bytes of the largest form that is looked at. Files and long texts are not sent by a second click unnoticed.
const LARGEST: u64 = 64 << 10;

/// The last forms of sessions. Cheap to clone.
#[derive(Clone)]
pub(super) struct Repeated {
    /// The key of the process: what is kept of a form says nothing of it to anybody without.
    key: [u8; blake3::KEY_LEN],
    sent: Arc<Mutex<VecDeque<Sent>>>,
}

/// The last form of a session.
struct Sent {
    session: blake3::Hash,
    form: blake3::Hash,
    /// None while it is carried out.
    ended: watch::Receiver<Option<Ended>>,
}

#[derive(Clone)]
struct Ended {
    /// The address that it led to; none where it was refused, or where the answer is one browser's.
    location: Option<HeaderValue>,
    /// The moment from which the same form is another one.
    until: Instant,
}

/// What becomes of a form.
enum Turn {
    First(watch::Sender<Option<Ended>>),
    Again(watch::Receiver<Option<Ended>>),
}

impl Default for Repeated {
    fn default() -> Self {
        Self { key: rand::random(), sent: Arc::default() }
    }
}

impl Repeated {
    /// What is kept of these parts instead of them.
    fn digest(&self, parts: &[&[u8]]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        hasher.finalize()
    }

    fn begin(&self, session: blake3::Hash, form: blake3::Hash, now: Instant) -> Turn {
        let mut kept = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kept.iter().position(|sent| sent.session == session)
            && let Some(before) = kept.remove(place)
            && before.form == form
            && before.is_same_click(now)
        {
            let ended = before.ended.clone();
            kept.push_back(before);
            return Turn::Again(ended);
        }
        let (sender, ended) = watch::channel(None);
        kept.push_back(Sent { session, form, ended });
        while kept.len() > KEPT {
            kept.pop_front();
        }
        Turn::First(sender)
    }
}

impl Sent {
    fn is_same_click(&self, now: Instant) -> bool {
        match &*self.ended.borrow() {
            Some(ended) => now < ended.until,
            // Nobody carries it out any more.
            None => self.ended.has_changed().is_ok(),
        }
    }
}

impl Ended {
    fn of(response: &Response, now: Instant) -> Self {
        let leads = response.status() == StatusCode::SEE_OTHER && !response.headers().contains_key(SET_COOKIE);
        let location = response.headers().get(LOCATION).filter(|_| leads);
        Self { location: location.cloned(), until: now + SAME_CLICK }
    }
}

/// Carries a form out, or leads where the same one led that the session sent just before.
pub(super) async fn once(Extension(repeated): Extension<Repeated>, request: Request, next: Next) -> Response {
    if is_passed_over(request.uri().path()) {
        return next.run(request).await;
    }
    let session = session_token(request.headers()).map(|token| repeated.digest(&[token.as_bytes()]));
    let is_small = request.body().size_hint().upper().is_some_and(|size| size <= LARGEST);
    let Some(session) = session.filter(|_| is_small && is_form(&request)) else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST as usize).await else { return Failure::Unreadable.into_response() };
    let form = repeated.digest(&[parts.uri.to_string().as_bytes(), &bytes]);
    let request = Request::from_parts(parts, Body::from(bytes));
    match repeated.begin(session, form, Instant::now()) {
        Turn::First(ended) => {
            let response = next.run(request).await;
            ended.send_replace(Some(Ended::of(&response, Instant::now())));
            response
        }
        Turn::Again(mut before) => {
            let ended = before.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
            match ended.and_then(|ended| ended.location) {
                Some(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
                None => next.run(request).await,
            }
        }
    }
}

/// Whether the forms of an address are carried out each time. Those that sign in or out change the browser's cookie, whatever session
/// it names; an editor's check only answers.
fn is_passed_over(path: &str) -> bool {
    matches!(
        path.split('/').skip(1).collect::<Vec<_>>()[..],
        ["sign-in" | "sign-out" | "join" | "set-up", ..] | ["settings", "integrations", _, "revisions", _, "check"]
    )
}

fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    request.method() == Method::POST && kind.is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(to: &'static str, at: Instant) -> Ended {
        Ended::of(&(StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response(), at)
    }

    #[test]
    fn the_last_form_of_a_session_is_the_same_for_a_moment() {
        let (repeated, now, [one, other, form, another]) = (
            Repeated::default(),
            Instant::now(),
            ["one", "other", "form", "another"].map(|text| blake3::hash(text.as_bytes())),
        );
        let is_first = |session, form, at| matches!(repeated.begin(session, form, at), Turn::First(_));
        let Turn::First(sender) = repeated.begin(one, form, now) else { panic!("nothing was sent before") };
        assert!(!is_first(one, form, now), "it is carried out at this moment");
        assert!(is_first(other, form, now), "another session's is its own");
        sender.send_replace(Some(led("/people", now)));
        assert!(!is_first(one, form, now + SAME_CLICK / 2));
        assert!(is_first(one, form, now + SAME_CLICK), "somebody means it again");
        let Turn::First(sender) = repeated.begin(one, form, now) else { panic!("the one before came to nothing") };
        sender.send_replace(Some(led("/people", now)));
        assert!(is_first(one, another, now) && is_first(one, form, now), "what came between may have undone it");
        for number in 0..KEPT {
            is_first(blake3::hash(&number.to_le_bytes()), form, now);
        }
        assert_eq!(repeated.sent.lock().unwrap().len(), KEPT);
    }

    #[test]
    fn an_answer_with_a_cookie_is_no_other_clicks() {
        let response = (StatusCode::SEE_OTHER, [(LOCATION, "/"), (SET_COOKIE, "a=b")]).into_response();
        assert_eq!(Ended::of(&response, Instant::now()).location, None);
        assert_eq!(led("/people", Instant::now()).location, Some(HeaderValue::from_static("/people")));
    }

    #[test]
    fn what_is_kept_says_nothing_without_the_key() {
        let repeated = Repeated::default();
        let again = repeated.digest(&[b"/people", b"a=b"]);
        assert_eq!(repeated.digest(&[b"/people", b"a=b"]), again);
        assert_ne!(repeated.digest(&[b"/people", b"a=b"]), repeated.digest(&[b"/peoplea", b"=b"]));
        assert_ne!(repeated.digest(&[b"/people"]), Repeated::default().digest(&[b"/people"]));
    }

    #[test]
    fn forms_that_sign_in_are_carried_out_each_time() {
        let check = |paths: &[&str], expected| {
            for path in paths {
                assert_eq!(is_passed_over(path), expected, "{path}");
            }
        };
        check(&["/sign-in", "/sign-in/code", "/sign-out", "/join/a", "/set-up/a"], true);
        check(&["/account/tokens", "/account/second-factor/codes", "/people/invite", "/people/7/reset"], false);
        check(&["/settings/integrations/main/revisions/1/check"], true);
        check(&["/", "/clients", "/people/teams", "/people/7/role", "/people/7/reset-second-factor"], false);
        check(&["/settings/integrations/main/check", "/settings/integrations/main/revisions/1/rules/check"], false);
    }
}
