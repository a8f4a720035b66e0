//! A company's proxy between the host and a site.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use tidegate_tests::{Host, Setup};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// What came to a proxy: the head of a request, and what went through the tunnel first.
struct Tunnelled {
    head: String,
    first: Vec<u8>,
}

/// A proxy that opens every tunnel and cuts it once the other side has said something.
async fn proxy() -> Result<(String, mpsc::UnboundedReceiver<Tunnelled>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let (told, asked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await.is_ok_and(|read| read > 0) {}
            let mut first = vec![0; 16 << 10];
            let opened = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
            let read = if opened.is_ok() { stream.read(&mut first).await.unwrap_or_default() } else { 0 };
            first.truncate(read);
            if told.send(Tunnelled { head, first }).is_err() {
                return;
            }
        }
    });
    Ok((address, asked))
}

#[tokio::test]
async fn a_site_is_asked_through_a_tunnel_and_the_proxy_learns_its_name_alone() -> Result<()> {
    let host = Host::prepare(Setup::with_clients(1)).await?;
    let settings = host.folder().join("tidegate.toml");
    let far = "\n[connections.far]\ncrm = \"xplan\"\npack = \"xplan-au\"\nforward-host = \"acme.xplan.iress.com.au\"\n\
               schedule = \"0 * * * *\"\n\
               auth = { mode = \"basic\", username = \"canary\", password-file = \"secrets/xplan\" }\n";
    let with_far = fs::read_to_string(&settings)? + far;
    let (address, mut asked) = proxy().await?;
    // As the environment has it, with a password, and as the settings have it.
    let by_variable = format!("http://pat:proxy-canary@{address}");
    let cases = [
        (with_far.clone(), by_variable.as_str(), Some("Basic cGF0OnByb3h5LWNhbmFyeQ==")),
        (format!("{with_far}\n[network]\nproxy = \"http://{address}\"\n"), "http://nobody.invalid:1", None),
    ];
    for (text, variable, credentials) in cases {
        fs::write(&settings, text)?;
        let mut command = host.command(&["config", "check", "--connect"])?;
        let output =
            command.env("HTTPS_PROXY", variable).env_remove("NO_PROXY").env_remove("no_proxy").output().await?;
        let said = String::from_utf8([output.stdout, output.stderr].concat())?;
        let tunnelled = asked.try_recv().context(said.clone())?;
        let head = tunnelled.head.to_lowercase();
        ensure!(tunnelled.head.starts_with("CONNECT acme.xplan.iress.com.au:443 HTTP/1.1\r\n"), "{head}");
        let authorization = head.lines().find(|line| line.contains("authorization"));
        let expected = credentials.map(|text| format!("proxy-authorization: {}", text.to_lowercase()));
        ensure!(authorization == expected.as_deref(), "{head}");
        // A handshake of TLS (22) with the site by its name, and nothing of the call itself.
        let hello = String::from_utf8_lossy(&tunnelled.first);
        ensure!(tunnelled.first.first() == Some(&22) && hello.contains("acme.xplan.iress.com.au"), "{hello}");
        ensure!(!hello.to_lowercase().contains("authorization") && !hello.contains("canary"), "{hello}");
        // The stand-in site on this machine is reached without it, and what failed is told without passwords.
        ensure!(output.status.code() == Some(1) && said.contains("main: signed in as svc"), "{said}");
        ensure!(said.contains("far") && !said.contains("proxy-canary"), "{said}");
        while let Ok(again) = asked.try_recv() {
            ensure!(again.head.starts_with("CONNECT acme.xplan.iress.com.au:443 "), "{}", again.head);
        }
    }
    Ok(())
}
