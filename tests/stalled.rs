//! Whoever stalls does not hold up the end of the real host.

use std::time::{Duration, Instant};

use anyhow::Result;
use tidegate_tests::{Host, Setup, TOKEN};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The host is given ten seconds by containers before it is killed.
const WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn the_host_ends_in_time_whoever_is_connected() -> Result<()> {
    let mut setup = Setup::with_clients(300);
    setup.site.faults.rules.push("slow:ms=20000,method=GET,skip=3".parse().map_err(anyhow::Error::msg)?);
    let mut host = Host::start(setup).await?;
    let address = host.url("").trim_start_matches("http://").to_owned();
    let run = host.sync().await?;
    let upload = format!(
        "POST /api/v1/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/pdf\r\n\
         Content-Length: 1000\r\n\r\n%PDF"
    );
    let events = format!(
        "GET /api/v1/runs/{}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n",
        run["id"].as_str().unwrap_or_default()
    );
    let idle = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut open = Vec::new();
    for bytes in ["", "GET /healthz HT", &upload, &events, idle] {
        let mut stream = TcpStream::connect(&address).await?;
        stream.write_all(bytes.as_bytes()).await?;
        open.push(stream);
    }
    for stream in &mut open[3..] {
        stream.read_exact(&mut [0; 12]).await?;
    }
    let begun = Instant::now();
    assert_eq!(host.stop().await?, Some(0), "{}", host.log_tail());
    assert!(begun.elapsed() < WITHIN, "it took {:?}", begun.elapsed());
    Ok(())
}
