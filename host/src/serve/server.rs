//! One listener with its connections: HTTP/1.1 with bounds on who connects, how slowly they may speak, and how long they
//! hold up the end.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, EXPECT};
use axum::http::{Request, Response};
use futures::StreamExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::body::{Incoming, Outgoing};
use super::connection_limit::{ConnectionLimit, ConnectionPermit};
use super::watch::{Timeouts, Watch, Watched};
use crate::access::source::{FORWARDED_FOR, Source};
use crate::config::Network;

/// Connections of one listener at once.
const MOST: usize = 512;
/// Connections of one source at once: more than browsers of a whole office open.
const MOST_OF_ONE: usize = 64;
/// The pause before the next connection is taken after the system refused one: out of file descriptors, say.
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// The least time between two lines of the log about connections that are refused.
const REPORT_EVERY: Duration = Duration::from_secs(60);

/// Serves routes to whoever connects.
pub(super) struct Server {
    routes: Router,
    proxies: Vec<Network>,
    timeouts: Timeouts,
    limit: Arc<ConnectionLimit>,
    shutdown: CancellationToken,
    connections: Mutex<JoinSet<()>>,
    refusal_reported: Mutex<Option<Instant>>,
    is_proxy_reported: AtomicBool,
}

impl Server {
    /// Serves `routes` until `shutdown`; `proxies` are believed when they say for whom they ask.
    pub fn new(routes: Router, proxies: Vec<Network>, shutdown: CancellationToken) -> Arc<Self> {
        Self::with_limits(routes, proxies, shutdown, Timeouts::default(), ConnectionLimit::new(MOST, MOST_OF_ONE))
    }

    /// The same with bounds of its own.
    pub fn with_limits(
        routes: Router,
        proxies: Vec<Network>,
        shutdown: CancellationToken,
        timeouts: Timeouts,
        limit: Arc<ConnectionLimit>,
    ) -> Arc<Self> {
        let (connections, refusal_reported, is_proxy_reported) = Default::default();
        Arc::new(Self { routes, proxies, timeouts, limit, shutdown, connections, refusal_reported, is_proxy_reported })
    }

    /// Takes connections of the network until shut down.
    pub async fn take_network(self: &Arc<Self>, listener: &TcpListener) {
        while let Some(taken) = self.shutdown.run_until_cancelled(listener.accept()).await {
            match taken {
                Ok((stream, peer)) => {
                    let peer = peer.ip().to_canonical();
                    let is_counted = !peer.is_loopback() && !self.is_proxy(peer);
                    if let Some(permit) = self.permit(is_counted.then_some(peer)) {
                        // Without it, small answers wait for the peer's acknowledgement.
                        drop(stream.set_nodelay(true));
                        self.spawn(stream, peer, permit);
                    }
                }
                // A peer that hung up at once.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => after_failure(&error).await,
            }
        }
    }

    fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|proxy| proxy.contains(peer))
    }

    /// Takes a connection of the machine itself.
    pub async fn take_local(self: &Arc<Self>, listener: &UnixListener) {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Some(permit) = self.permit(None) {
                    self.spawn(stream, Ipv4Addr::LOCALHOST.into(), permit);
                }
            }
            Err(error) => after_failure(&error).await,
        }
    }

    /// Lets open requests end, for so long at most; what is still open then is cut off.
    pub async fn close(&self, within: Duration) {
        let mut connections = std::mem::take(&mut *lock(&self.connections));
        let all_end = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(within, all_end).await.is_err() {
            tracing::warn!(open = connections.len(), "connections that did not end are cut off");
        }
    }

    fn permit(&self, peer: Option<IpAddr>) -> Option<ConnectionPermit> {
        let permit = self.limit.take(peer);
        let mut refusal_reported = lock(&self.refusal_reported);
        if permit.is_none() && refusal_reported.is_none_or(|at| at.elapsed() > REPORT_EVERY) {
            *refusal_reported = Some(Instant::now());
            tracing::warn!("connections are refused: too many are open, in all or of one source");
        }
        permit
    }

    /// Everybody behind a proxy that is not believed is one source, whose slips slow all of them down.
    fn report_unknown_proxy(&self, peer: IpAddr) {
        if !self.is_proxy_reported.swap(true, Ordering::Relaxed) {
            tracing::warn!(%peer, "a proxy that is not among server.trusted-proxies says for whom it asks; it is not believed");
        }
    }

    fn spawn<S>(self: &Arc<Self>, stream: S, peer: IpAddr, permit: ConnectionPermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let server = Arc::clone(self);
        let mut connections = lock(&self.connections);
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            server.connection(stream, peer).await;
            drop(permit);
        });
    }

    async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: S, peer: IpAddr) {
        let (watch, is_proxy) = (Watch::new(), self.is_proxy(peer));
        let stream = TokioIo::new(Watched::new(stream, Arc::clone(&watch)));
        let service = service_fn(|request| self.answer(request, peer, &watch));
        let mut connection = pin!(http1::Builder::new().serve_connection(stream, service));
        // An error is a peer that hung up, which is nothing to report.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = watch.overdue(&self.timeouts, is_proxy) => return,
            () = self.shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            _ = connection => {}
            () = watch.overdue(&self.timeouts, is_proxy) => {}
        }
    }

    async fn answer(
        &self,
        request: Request<hyper::body::Incoming>,
        peer: IpAddr,
        watch: &Arc<Watch>,
    ) -> Result<Response<Outgoing<impl Drop + Unpin + Send + 'static>>, Infallible> {
        let held = watch.busy();
        let is_held_back = request.headers().contains_key(EXPECT);
        let incoming = |body| Incoming::new(body, is_held_back, self.timeouts, Arc::clone(watch));
        let mut request = request.map(|body| Body::new(incoming(body)));
        let source = Source::of(peer, request.headers(), &self.proxies);
        if !self.is_proxy(peer) && request.headers().contains_key(FORWARDED_FOR) {
            self.report_unknown_proxy(peer);
        }
        request.extensions_mut().insert(source);
        let response = self.routes.clone().oneshot(request).await?;
        let is_stream = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        Ok(response.map(|body| {
            // Live events go on for as long as a run does, and never hold up the end of the host.
            let body = match is_stream {
                true => Body::from_stream(body.into_data_stream().take_until(self.shutdown.clone().cancelled_owned())),
                false => body,
            };
            Outgoing { body, _held: held }
        }))
    }
}

async fn after_failure(error: &io::Error) {
    tracing::error!(%error, "no connection can be taken");
    tokio::time::sleep(AFTER_FAILURE).await;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
