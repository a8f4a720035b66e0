//! Bodies on their way in and out: a request's that stalls or trickles is given up, and an answer's end is told.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::watch::Timeouts;

/// The time that a body may take which brings next to nothing.
const GRACE: Duration = Duration::from_secs(30);
/// Bytes in a second at least, once the grace is used up: a tenth of what a poor line brings.
const SLOWEST: u64 = 8 << 10;

/// A request's body whose sender has bounded time. Only the time in which the host waits for the sender counts.
pub(super) struct Incoming<B> {
    body: B,
    timeouts: Timeouts,
    received: u64,
    waited: Duration,
    waiting: Option<Waiting>,
}

struct Waiting {
    since: Instant,
    until: Pin<Box<Sleep>>,
}

/// The error of a body that ended before its end because it came too slowly.
#[derive(Debug, thiserror::Error)]
#[error("the sender was too slow")]
struct TooSlow;

impl<B> Incoming<B> {
    pub(super) fn new(body: B, timeouts: Timeouts) -> Self {
        Self { body, timeouts, received: 0, waited: Duration::ZERO, waiting: None }
    }

    /// The time that the host may wait for this body in all, by what has come of it.
    fn allowance(&self) -> Duration {
        (GRACE.min(self.timeouts.body) + Duration::from_secs(self.received / SLOWEST)).min(self.timeouts.body)
    }
}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin> HttpBody for Incoming<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            if let Some(waiting) = this.waiting.take() {
                this.waited += waiting.since.elapsed();
            }
            let frame = frame.map(|frame| frame.map_err(Into::into));
            let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
            this.received += data.map_or(0, |data| data.len() as u64);
            return Poll::Ready(frame);
        }
        let longest = this.timeouts.piece.min(this.allowance().saturating_sub(this.waited));
        let waiting = this.waiting.get_or_insert_with(|| {
            let since = Instant::now();
            Waiting { since, until: Box::pin(tokio::time::sleep_until(since + longest)) }
        });
        ready!(waiting.until.as_mut().poll(cx));
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body that holds something until it is over.
pub(super) struct Outgoing<H> {
    pub(super) body: Body,
    pub(super) _held: H,
}

impl<H: Unpin> HttpBody for Outgoing<H> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
