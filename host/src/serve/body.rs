//! Bodies on their way in and out: a request's that stalls or trickles is given up, one that nobody reads to its end is
//! taken all the same, and an answer's end is told.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use futures::StreamExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep};

use super::watch::{Timeouts, Watch};

/// The time that a body may take which brings next to nothing.
const GRACE: Duration = Duration::from_secs(30);
/// Bytes in a second at least, once the grace is used up: a tenth of what a poor line brings.
const SLOWEST: u64 = 8 << 10;

/// The longest time for which what nobody reads of a body is taken: that of a few hundred megabytes over a fair line.
const LINGER: Duration = Duration::from_secs(120);

/// A request's body whose sender has bounded time. Only the time in which the host waits for the sender counts.
///
/// A body that is refused, as too large or unread, is taken to its end and forgotten: most senders read no answer before they have
/// sent everything, and one that is cut off sees a broken connection in place of the reason.
pub(super) struct Incoming<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static> {
    /// The body; none once it is over.
    body: Option<B>,
    /// Whether the sender waits to be asked for the body, and was not.
    is_held_back: bool,
    timeouts: Timeouts,
    /// The connection that it comes by, on which nothing else comes meanwhile.
    watch: Arc<Watch>,
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

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static> Incoming<B> {
    /// The body of a sender who waits to be asked for it, or does not.
    pub(super) fn new(body: B, is_held_back: bool, timeouts: Timeouts, watch: Arc<Watch>) -> Self {
        let body = (!body.is_end_stream()).then_some(body);
        Self { body, is_held_back, timeouts, watch, received: 0, waited: Duration::ZERO, waiting: None }
    }

    /// The time that the host may wait for this body in all, by what has come of it.
    fn allowance(&self) -> Duration {
        (GRACE.min(self.timeouts.body) + Duration::from_secs(self.received / SLOWEST)).min(self.timeouts.body)
    }
}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static> HttpBody for Incoming<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        this.is_held_back = false;
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            if let Some(waiting) = this.waiting.take() {
                this.waited += waiting.since.elapsed();
            }
            let frame = frame.map(|frame| frame.map_err(Into::into));
            let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
            this.received += data.map_or(0, |data| data.len() as u64);
            if !matches!(frame, Some(Ok(_))) {
                this.body = None;
            }
            return Poll::Ready(frame);
        }
        let longest = this.timeouts.piece.min(this.allowance().saturating_sub(this.waited));
        let waiting = this.waiting.get_or_insert_with(|| {
            let since = Instant::now();
            Waiting { since, until: Box::pin(tokio::time::sleep_until(since + longest)) }
        });
        ready!(waiting.until.as_mut().poll(cx));
        this.body = None;
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static> Drop for Incoming<B> {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|rest| !self.is_held_back && !rest.is_end_stream());
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            let mut rest = Body::new(rest).into_data_stream();
            let busy = self.watch.busy();
            let taken = async move {
                while let Some(Ok(_)) = rest.next().await {}
                drop(busy);
            };
            runtime.spawn(tokio::time::timeout(LINGER.min(self.timeouts.body), taken));
        }
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
