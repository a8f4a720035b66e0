//! The quiet state: no run in progress, nothing on its way to the CRM.
//!
//! Asked for while a [`super::Host`] is dropped, where nothing can be awaited: hence plain blocking sockets.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::TOKEN;

/// Lists in which nothing may be under way, with the states that say so.
const LISTS: [(&str, &[&str]); 2] = [
    ("/api/v1/runs?limit=100", &["queued", "running"]),
    ("/api/v1/notes?limit=500", &["queued", "sending", "waiting"]),
];

/// The time within which what is stored is mapped again, which a host begins by itself when a revision comes in force, also the
/// last one of a test.
const MAPPED_AGAIN_WITHIN: Duration = Duration::from_secs(20);

/// Everything still under way, one line each.
pub(super) fn unfinished(host: SocketAddr) -> Result<Vec<String>> {
    let began = Instant::now();
    loop {
        let (found, is_mapping_alone) = under_way(host)?;
        if found.is_empty() || !is_mapping_alone || began.elapsed() > MAPPED_AGAIN_WITHIN {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What is under way, one line each, and whether all of it is what a host maps again by itself.
fn under_way(host: SocketAddr) -> Result<(Vec<String>, bool)> {
    let (mut found, mut is_mapping_alone) = (Vec::new(), true);
    for (list, states) in LISTS {
        let items = get(host, list)?["items"].take();
        for item in items.as_array().with_context(|| format!("{list} has no items"))? {
            if states.iter().any(|state| item["state"] == *state) {
                found.push(format!("{list}: {item}"));
                is_mapping_alone &= item["trigger"] == "revision";
            }
        }
    }
    Ok((found, is_mapping_alone))
}

fn get(host: SocketAddr, path: &str) -> Result<Value> {
    let mut stream = TcpStream::connect_timeout(&host, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    // HTTP/1.0: the answer is neither chunked nor kept alive.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head and a body")?;
    serde_json::from_str(body).with_context(|| format!("{path} answered {head}\n{body}"))
}
