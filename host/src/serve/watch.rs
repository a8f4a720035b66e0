//! The times that a connection may take. A peer that goes on neither sending a request's head nor reading an answer is
//! cut off; one between two requests may be silent for longer, as proxies keep connections for later.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The times that peers may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// The time for a request's head from its first byte, and for the first one from the beginning.
    pub head: Duration,
    /// The time between two requests.
    pub idle: Duration,
    /// The time between two requests of a proxy: longer than proxies and load balancers keep a connection that nobody
    /// uses, ten minutes at most, so that none sends a request into one that is being closed.
    pub idle_proxy: Duration,
    /// The time for the next piece of a body.
    pub piece: Duration,
    /// The time for a body in all.
    pub body: Duration,
    /// The time for taking the next piece of an answer.
    pub write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            head: seconds(15),
            idle: seconds(120),
            idle_proxy: seconds(620),
            piece: seconds(20),
            body: seconds(600),
            write: seconds(30),
        }
    }
}

/// The state of a connection, watched for how long it lasts.
pub(super) struct Watch(Mutex<State>);

struct State {
    phase: Phase,
    /// The answer that is under way, and the rest of a body that nobody reads.
    busy: usize,
    /// The moment since which the peer takes nothing of an answer.
    blocked: Option<Instant>,
}

#[derive(Clone, Copy)]
enum Phase {
    /// No byte of the next request has come yet, since then.
    Idle(Instant),
    /// A request's head is coming, since then.
    Head(Instant),
    /// A request is being answered, or the rest of its body taken.
    Busy,
}

impl Watch {
    /// A connection that begins.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { phase: Phase::Head(Instant::now()), busy: 0, blocked: None })))
    }

    /// A head has come; until all that this gives is dropped, the request is being answered, or the rest of its body taken.
    pub fn busy(self: &Arc<Self>) -> impl Drop + Send + 'static {
        let mut state = self.lock();
        state.phase = Phase::Busy;
        state.busy += 1;
        drop(state);
        Busy(Arc::clone(self))
    }

    /// Waits until the peer, who may be a proxy, has used up its time.
    pub async fn overdue(&self, timeouts: &Timeouts, is_proxy: bool) {
        let idle = if is_proxy { timeouts.idle_proxy } else { timeouts.idle };
        let look = (timeouts.head.min(timeouts.write) / 8).min(Duration::from_secs(1));
        loop {
            tokio::time::sleep(look).await;
            let state = self.lock();
            let is_late = match state.phase {
                Phase::Idle(since) => since.elapsed() > idle,
                Phase::Head(since) => since.elapsed() > timeouts.head,
                Phase::Busy => false,
            };
            if is_late || state.blocked.is_some_and(|since| since.elapsed() > timeouts.write) {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Busy(Arc<Watch>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.busy -= 1;
        if state.busy == 0 {
            state.phase = Phase::Idle(Instant::now());
        }
    }
}

/// A stream that is watched.
pub(super) struct Watched<S> {
    stream: S,
    watch: Arc<Watch>,
}

impl<S> Watched<S> {
    /// Tells `watch` what goes over `stream`.
    pub fn new(stream: S, watch: Arc<Watch>) -> Self {
        Self { stream, watch }
    }

    fn wrote<T>(&self, outcome: Poll<T>) -> Poll<T> {
        let mut state = self.watch.lock();
        state.blocked = if outcome.is_pending() { state.blocked.or(Some(Instant::now())) } else { None };
        drop(state);
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            let mut state = self.watch.lock();
            if let Phase::Idle(_) = state.phase {
                state.phase = Phase::Head(Instant::now());
            }
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
