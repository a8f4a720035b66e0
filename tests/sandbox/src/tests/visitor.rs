//! A bare HTTP client: one connection a request, everything as it came, a cut connection as an error.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{Admin, Options, Sandbox};

/// A site with somebody who visits it.
pub(super) struct Visitor {
    pub(super) sandbox: Sandbox,
    pub(super) cookie: Option<String>,
    pub(super) headers: Vec<(&'static str, String)>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Reply {
    /// The body, which has to be JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

impl Visitor {
    /// Starts a site and signs in.
    pub(super) async fn to(options: Options) -> Self {
        let sandbox = Sandbox::start(options).await.unwrap();
        let mut visitor = Self { sandbox, cookie: None, headers: Vec::new() };
        assert_eq!(visitor.sign_in("svc:sandbox").await.status, 200);
        visitor
    }

    pub(super) fn admin(&self) -> Admin {
        self.sandbox.admin()
    }

    /// Signs in with the basic form and keeps the cookie.
    pub(super) async fn sign_in(&mut self, plain: &str) -> Reply {
        let mut basic = format!("authorization: Basic {}\r\n", STANDARD.encode(plain));
        basic.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        let reply = self.send("GET", "/resourceful/session/user", &basic, "").await.unwrap();
        if let Some(cookie) = reply.header("set-cookie") {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        reply
    }

    pub(super) async fn get(&self, address: &str) -> Reply {
        self.call("GET", address, "").await.unwrap()
    }

    pub(super) async fn post(&self, address: &str, body: &Value) -> Reply {
        self.call("POST", address, &body.to_string()).await.unwrap()
    }

    /// Calls with the session's cookie.
    pub(super) async fn call(&self, method: &str, address: &str, body: &str) -> std::io::Result<Reply> {
        let mut more: String = self.cookie.iter().map(|cookie| format!("cookie: {cookie}\r\n")).collect();
        more.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        self.send(method, address, &more, body).await
    }

    async fn send(&self, method: &str, address: &str, headers: &str, body: &str) -> std::io::Result<Reply> {
        let mut stream = TcpStream::connect(self.sandbox.addr()).await?;
        let length = body.len();
        let request = format!(
            "{method} {address} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let cut = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let end = answer.windows(4).position(|part| part == b"\r\n\r\n").ok_or_else(cut)?;
        let came = answer.len() - end - 4;
        let [head, body] = [&answer[..end], &answer[end + 4..]].map(String::from_utf8_lossy);
        let status = head.get(9..12).and_then(|code| code.parse().ok()).ok_or_else(cut)?;
        let reply = Reply { status, head: head.into_owned(), body: body.into_owned() };
        match reply.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
            Some(length) if length != came => Err(cut()),
            _ => Ok(reply),
        }
    }

    /// Walks the whole list by its bookmarks and answers the numbers in order.
    pub(super) async fn walk(&self, query: &str) -> Vec<u64> {
        let (mut ids, mut mark) = (Vec::new(), String::new());
        loop {
            let address = format!("/resourceful/entity/client-v4?{query}&page_bookmark={mark}");
            let rows = self.get(&address).await.json();
            let rows = rows.as_array().unwrap();
            let Some(last) = rows.last() else { return ids };
            ids.extend(rows.iter().map(|row| row["id"].as_u64().unwrap()));
            mark = last["bookmark"].as_str().unwrap().to_owned();
        }
    }
}
