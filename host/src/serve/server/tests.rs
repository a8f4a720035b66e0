//! Peers that stall, over real sockets.

use axum::body::Bytes;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// A host with short timeouts.
struct Rig {
    address: std::net::SocketAddr,
    server: Arc<Server>,
    shutdown: CancellationToken,
}

fn timeouts() -> Timeouts {
    let millis = Duration::from_millis;
    Timeouts {
        head: millis(400),
        idle: millis(1200),
        idle_proxy: millis(3000),
        piece: millis(400),
        body: millis(1500),
        write: millis(400),
    }
}

async fn rig(most: usize) -> Rig {
    let live = || async {
        let events = futures::stream::pending::<Result<Bytes, Infallible>>();
        ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events))
    };
    let routes = Router::new()
        .route("/", get(async || "hello"))
        .route("/length", post(async |body: Result<Bytes, _>| body.map_or(0, |body: Bytes| body.len()).to_string()))
        .route("/large", get(async || vec![b'x'; 64 << 20]))
        .route("/never", get(async || std::future::pending::<()>().await))
        .route("/live", get(live));
    let shutdown = CancellationToken::new();
    let server =
        Server::with_limits(routes, Vec::new(), shutdown.clone(), timeouts(), ConnectionLimit::new(most, most));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taking = Arc::clone(&server);
    tokio::spawn(async move { taking.take_network(&listener).await });
    Rig { address, server, shutdown }
}

impl Rig {
    async fn send(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }
}

/// The text that comes until the host hangs up, and the time after which it does.
async fn until_closed(stream: &mut TcpStream) -> (String, Duration) {
    let begun = Instant::now();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    drop(closed.expect("the host hangs up"));
    (String::from_utf8(answer).unwrap(), begun.elapsed())
}

fn is_about(took: Duration, millis: u64) {
    let (least, most) = (Duration::from_millis(millis / 2), Duration::from_millis(millis * 2 + 1000));
    assert!((least..most).contains(&took), "{took:?} instead of about {millis} ms");
}

#[tokio::test]
async fn silent_connections_and_slow_heads_are_cut_off() {
    let rig = rig(10).await;
    let (mut silent, mut slow) = (rig.send("").await, rig.send("GET /").await);
    let dripping = async {
        let begun = Instant::now();
        while slow.write_all(b"X").await.is_ok() && begun.elapsed() < Duration::from_secs(10) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        begun.elapsed()
    };
    let ((answer, took), dripped) = tokio::join!(until_closed(&mut silent), dripping);
    assert_eq!(answer, "");
    is_about(took, 400);
    is_about(dripped, 400);
}

#[tokio::test]
async fn a_connection_between_two_requests_may_be_silent_for_longer() {
    let rig = rig(10).await;
    let mut stream = rig.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let (answers, took) = until_closed(&mut stream).await;
    assert_eq!(answers.matches("hello").count(), 2, "{answers}");
    is_about(took, 1200);
}

#[tokio::test]
async fn bodies_that_stall_or_trickle_are_given_up() {
    let rig = rig(10).await;
    let head = "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    let mut stalled = rig.send(&format!("{head}abc")).await;
    let (answer, took) = until_closed(&mut stalled).await;
    assert!(answer.ends_with("\r\n\r\n0"), "{answer}");
    is_about(took, 400);

    let (mut reader, mut writer) = rig.send(head).await.into_split();
    let trickling = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let begun = Instant::now();
    let mut answer = String::new();
    drop(tokio::time::timeout(Duration::from_secs(10), reader.read_to_string(&mut answer)).await.unwrap());
    is_about(begun.elapsed(), 1500);
    trickling.abort();
}

#[tokio::test]
async fn who_sends_too_much_reads_why() {
    let rig = rig(8).await;
    // Most of them read nothing before all is sent; the address without a route does not look at the body at all.
    for (path, status) in [("/length", "200 OK"), ("/nowhere", "404 Not Found")] {
        let mut stream =
            rig.send(&format!("POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: 16777216\r\n\r\n")).await;
        for _ in 0..16 {
            stream.write_all(&[b'x'; 1 << 20]).await.unwrap();
        }
        stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        let (answers, _) = until_closed(&mut stream).await;
        assert!(answers.starts_with(&format!("HTTP/1.1 {status}")), "{answers}");
        assert!(answers.ends_with("hello"), "the connection is good for the next request: {answers}");
    }
    // One who asks first is not asked for what nobody reads.
    let head = "POST /nowhere HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
    let (answer, _) = until_closed(&mut rig.send(head).await).await;
    assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("100 Continue"), "{answer}");
}

#[tokio::test]
async fn what_nobody_reads_of_a_body_may_take_longer_than_a_head() {
    let rig = rig(8).await;
    let mut stream = rig.send("POST /nowhere HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\n").await;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(&[b'x'; 100]).await.unwrap();
    }
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    let (answers, _) = until_closed(&mut stream).await;
    assert!(answers.starts_with("HTTP/1.1 404") && answers.ends_with("hello"), "{answers}");
    // Whoever never ends it is cut off all the same.
    let mut stream = rig.send("POST /nowhere HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\n").await;
    let (answer, took) = until_closed(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    is_about(took, 1500 + 1200);
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_cut_off_and_a_slow_answer_is_not() {
    let rig = rig(10).await;
    let deaf = rig.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let waiting = rig.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let begun = Instant::now();
    while lock(&rig.server.connections).len() > 1 {
        while lock(&rig.server.connections).try_join_next().is_some() {}
        assert!(begun.elapsed() < Duration::from_secs(10), "both are still open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    is_about(begun.elapsed(), 400);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(lock(&rig.server.connections).len(), 1, "the host's own slowness is nobody's fault");
    drop((deaf, waiting));
}

#[tokio::test]
async fn only_so_many_are_connected_and_a_place_is_free_again_afterwards() {
    let rig = rig(3).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(rig.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await);
    }
    let mut greeted = [0; 12];
    for stream in &mut open {
        stream.read_exact(&mut greeted).await.unwrap();
    }
    let (answer, took) = until_closed(&mut rig.send("").await).await;
    assert_eq!(answer, "");
    assert!(took < Duration::from_millis(300), "it is refused at once: {took:?}");
    open.clear();
    let begun = Instant::now();
    loop {
        let mut stream = rig.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        if until_closed(&mut stream).await.0.ends_with("hello") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "no permit is free again");
    }
}

#[tokio::test]
async fn the_end_is_not_held_up() {
    let rig = rig(10).await;
    let head = "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    let mut open = Vec::new();
    for bytes in ["", "GET / HT", head, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n"] {
        open.push(rig.send(bytes).await);
    }
    let mut live = rig.send("GET /live HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut greeted = [0; 12];
    live.read_exact(&mut greeted).await.unwrap();
    rig.shutdown.cancel();
    let (_, took) = until_closed(&mut live).await;
    assert!(took < Duration::from_millis(500), "live events end at once: {took:?}");
    let begun = Instant::now();
    rig.server.close(Duration::from_millis(200)).await;
    assert!(begun.elapsed() < Duration::from_millis(600), "{:?}", begun.elapsed());
    for stream in &mut open {
        until_closed(stream).await;
    }
}
