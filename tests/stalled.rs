//! Whoever stalls does not hold up the end of the real host, and a host that stalls holds up no command for long.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tidegate_tests::{Host, Setup, TOKEN};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

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

async fn signal(host: &Host, name: &str) -> Result<()> {
    let process = host.process_id().context("the host runs")?.to_string();
    ensure!(Command::new("kill").args([name, &process]).status().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_say_that_the_host_is_frozen() -> Result<()> {
    let mut setup = Setup::with_clients(300);
    setup.site.faults.rules.push("slow:ms=20000,method=GET,skip=3".parse().map_err(anyhow::Error::msg)?);
    let mut host = Host::start(setup).await?;
    host.leave_unquiet();
    let run = async |arguments: &[&str]| -> Result<(Option<i32>, String, Duration)> {
        let begun = Instant::now();
        let mut command = host.command(arguments)?;
        let ended = tokio::time::timeout(Duration::from_secs(100), command.kill_on_drop(true).output()).await;
        let output = ended.with_context(|| format!("{arguments:?} goes on and on"))??;
        Ok((output.status.code(), String::from_utf8(output.stderr)?, begun.elapsed()))
    };
    let frozen = async {
        // The sync is at work by then.
        tokio::time::sleep(Duration::from_secs(4)).await;
        signal(&host, "-STOP").await?;
        let said = tokio::join!(
            run(&["healthcheck"]),
            run(&["healthcheck", "--timeout", "1"]),
            run(&["note", "list"]),
            run(&["config", "check", "--connect"]),
            run(&["sync", "nope"]),
        );
        Ok(<[_; 5]>::from(said))
    };
    let (following, frozen) = tokio::join!(run(&["sync", "main", "--once"]), frozen);
    signal(&host, "-CONT").await?;
    let frozen: [Result<_>; 5] = frozen.map_err(|error: anyhow::Error| error)?;
    for (answer, words) in std::iter::once(following).chain(frozen).zip([
        "within 20 seconds",
        "within 5 seconds",
        "within a second",
        "within 20 seconds",
        "within 20 seconds",
        "within 20 seconds",
    ]) {
        let (code, said, took) = answer?;
        ensure!(code == Some(1) && said.contains(words) && said.contains("stopped or stuck"), "{code:?} {said}");
        ensure!(took < Duration::from_secs(60), "{said} after {took:?}");
    }
    let (code, said, _) = run(&["healthcheck"]).await?;
    ensure!(code == Some(0), "{said}");
    Ok(())
}

/// What is wrong with a command is what it says, not that a host runs, or runs not.
#[tokio::test]
async fn a_connection_that_is_not_there_is_said_whether_a_host_runs_or_not() -> Result<()> {
    let mut host = Host::prepare(Setup::with_clients(1)).await?;
    let commands: [&[&str]; 4] = [
        &["sync", "nope"],
        &["sync", "nope", "--once"],
        &["sync", "nope", "--dry-run"],
        &["sync", "nope", "--client", "1"],
    ];
    host.restart().await?;
    let output = host.run(&["sync"]).await?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(1) && said.contains("keeps the schedule already"), "{said}");
    for runs in [true, false] {
        if !runs {
            host.stop().await?;
        }
        for command in commands {
            let output = host.run(command).await?;
            let said = String::from_utf8(output.stderr)?;
            let is_said = said.contains("there is no connection `nope` that is enabled; there are: main");
            ensure!(output.status.code() == Some(2) && is_said, "{command:?}, a host: {runs}: {said}");
        }
    }
    Ok(())
}
