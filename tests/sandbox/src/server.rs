//! The site on a listener: HTTP/1.1 with keep-alive, and the faults of whole requests and connections.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::admin::http as admin;
use crate::faults::{Fault, Rule};
use crate::lock::locked;
use crate::oauth;
use crate::site::{Answer, Call, Credentials, FORWARDED_HOST, Query, Refusal, Site};

/// The largest request taken: an attachment of some 45 MB in base64.
const LARGEST_REQUEST: usize = 64 << 20;
/// How long open requests may go on once the site is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until `stop` is told, then lets open requests end.
pub(crate) async fn serve(listener: TcpListener, site: Arc<Site>, stop: watch::Receiver<bool>) {
    let mut stopped = stop.clone();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&site), stop.clone()));
                }
                // Out of file descriptors, say: give the open connections time to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection(stream: TcpStream, site: Arc<Site>, mut stop: watch::Receiver<bool>) {
    // Without it, small answers wait for the peer's acknowledgement; a peer that is gone shows at the next read.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| handle(Arc::clone(&site), request));
    let mut connection = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    // An error is a peer that hung up or a cut made on purpose; neither is anything to report.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn handle(site: Arc<Site>, request: Request<Incoming>) -> Result<Response<Payload>, Cut> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_REQUEST).collect().await else {
        return Ok(whole(Refusal::new(413, "The request is too large or broke off.").into()));
    };
    let order = Order { from: credentials(&head.headers), head, body: body.to_bytes(), site };
    let path = order.head.uri.path();
    if path == "/admin" || path.starts_with("/admin/") {
        return Ok(whole(admin::answer(&order.site, &order.call())));
    }
    order.site.stats.count_request();
    let address = order.head.uri.path_and_query().map_or(path, |address| address.as_str());
    let (method, rows) = (order.head.method.as_str(), || order.rows());
    let rules = order.site.faults.striking_many(method, address, rows, Fault::concerns_request);
    for rule in rules.iter().filter(|rule| rule.fault == Fault::Slow) {
        tokio::time::sleep(Duration::from_millis(rule.ms)).await;
    }
    match rules.iter().find(|rule| rule.fault != Fault::Slow) {
        None => Ok(whole(order.work())),
        Some(rule) if rule.fault == Fault::SlowWork => {
            let wait = Duration::from_millis(rule.ms);
            // A task of its own, which does not end with the connection.
            let work = tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                order.work()
            });
            work.await.map(whole).map_err(|_| Cut)
        }
        Some(rule) => struck(order, rule),
    }
}

/// A request read to its end.
struct Order {
    site: Arc<Site>,
    head: Parts,
    body: Bytes,
    from: Credentials,
}

impl Order {
    fn call(&self) -> Call<'_> {
        Call {
            method: self.head.method.as_str(),
            path: self.head.uri.path(),
            query: self.head.uri.query().unwrap_or_default(),
            body: &self.body,
        }
    }

    /// How many rows, or calls in a batch, are asked for at once.
    fn rows(&self) -> usize {
        let query = Query(self.head.uri.query().unwrap_or_default());
        let size = ["page_size", "PageSize"].iter().find_map(|name| query.raw(name)?.parse().ok());
        let calls = || self.body.windows(8).filter(|name| name == b"\"method\"").count();
        size.unwrap_or_else(calls)
    }

    /// Does what is asked and answers as a site in good health does.
    fn work(&self) -> Answer {
        let call = self.call();
        let answer = match call.path.starts_with("/oauth2/") {
            true => oauth::answer(&self.site, call.method, call.path, call.query, call.body),
            false => self.site.answer(&self.from, &call),
        };
        self.site.stats.count_bytes(answer.body.len());
        answer
    }
}

/// What a site may say in an error: a record's values, and the address that was called.
const WORDS_ABOUT_SOMEBODY: &str = "The record of Ignatia Canary, born 1961-03-14, ignatia.canary@example.com, \
    0491 570 156, is locked: /resourceful/entity/client-v4?q=Ignatia+Canary&token=canary-token-0123456789";

/// The end of a request that a fault of requests strikes.
fn struck(order: Order, rule: &Rule) -> Result<Response<Payload>, Cut> {
    match rule.fault {
        Fault::CutBefore => Err(Cut),
        Fault::CutAfter => {
            order.work();
            Err(Cut)
        }
        Fault::CutLate => {
            let wait = Duration::from_millis(rule.ms);
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                order.work();
            });
            Err(Cut)
        }
        Fault::CutBody => Ok(broken_off(order.work())),
        Fault::Truncated => {
            let answer = order.work();
            Ok(whole(Answer { body: answer.body.slice(..answer.body.len() / 2), ..answer }))
        }
        Fault::ByteOrderMark => {
            let answer = order.work();
            Ok(whole(Answer { body: ["\u{feff}".as_bytes(), &answer.body].concat().into(), ..answer }))
        }
        Fault::SessionTakeover => {
            locked(&order.site.sessions).close(&order.from);
            Ok(whole(order.work()))
        }
        _ => Ok(whole(refused(rule))),
    }
}

/// The answer of a fault that replaces the site's own.
fn refused(rule: &Rule) -> Answer {
    let refusal = match rule.fault {
        Fault::LoginPage => return Answer::html(200, "Xplan login"),
        Fault::BadGateway => return Answer::html(502, "Bad Gateway"),
        Fault::GatewayTimeout => return Answer::html(504, "Gateway Time-out"),
        Fault::Forbidden => Refusal::new(403, "The user lacks the capability for this."),
        Fault::NamesPeople => Refusal::new(500, WORDS_ABOUT_SOMEBODY),
        Fault::Conflict => Refusal::new(409, "Something else is being done with this record."),
        Fault::Locked => Refusal::new(423, "The record is open elsewhere."),
        Fault::TooEarly => Refusal::new(425, "Too early."),
        Fault::TooManyRequests => Refusal::new(429, "Too many requests."),
        _ => return Answer::html(500, "Internal Server Error"),
    };
    match rule.retry_after {
        Some(seconds) => Answer::from(refusal).with_header("retry-after", seconds.to_string()),
        None => refusal.into(),
    }
}

fn credentials(headers: &HeaderMap) -> Credentials {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Credentials {
        authorization: text("authorization"),
        cookie: text("cookie"),
        app_id: text("x-xplan-app-id"),
        forwarded_host: text(FORWARDED_HOST),
        wants_error: text("x-xplan-auth-failure-action").is_some_and(|action| action == "error"),
    }
}

/// An answer as it should arrive.
fn whole(answer: Answer) -> Response<Payload> {
    let length = answer.body.len();
    let sent = answer.cut_after.unwrap_or(length).min(length);
    let payload =
        Payload { length: length as u64, data: Some(answer.body.slice(..sent)), cut: sent < length, is_out: false };
    let mut response = Response::new(payload);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.kind));
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.append(name, value);
        }
    }
    response
}

/// An answer that announces its whole length and ends after half of it.
fn broken_off(answer: Answer) -> Response<Payload> {
    let half = answer.body.len() / 2;
    whole(Answer { cut_after: Some(half), ..answer })
}

/// The connection is cut without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut on purpose")]
struct Cut;

/// A body in one piece, which may break off before its announced end.
struct Payload {
    data: Option<Bytes>,
    length: u64,
    cut: bool,
    /// What was sent before a cut has had time to go out.
    is_out: bool,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Poll::Ready(match self.data.take() {
            Some(data) => Some(Ok(Frame::data(data))),
            None if self.cut && !self.is_out => {
                self.is_out = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            None if self.cut => Some(Err(Cut)),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
