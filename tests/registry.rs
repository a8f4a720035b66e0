//! Packs in registries: from one practice to another by a real one, and everything that a registry, or who stands in its
//! place, can say wrongly.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tidegate_tests::{Host, Setup, copy_pack, without_fixtures};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::packs::edit;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const PACK: &str = "application/vnd.tidegate.pack.v1";
const LAYER: &str = "application/vnd.tidegate.pack.v1.tar";

/// A password and what a registry keeps of it.
const PASSWORD: &str = "a tide gate";
const KEPT: &str = "svc:$2b$04$nRWqiWA58/4sK/eSZRYgB.1OGnPkaT0szJGyb4iSpWSq15uqGQr1q\n";

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}

/// A real registry on this machine that asks who comes, ended when it is dropped.
struct Registry {
    host: String,
    folder: TempDir,
    _process: Child,
}

impl Registry {
    async fn start() -> Result<Self> {
        let program = env::var_os("OCI_REGISTRY").unwrap_or_else(|| "docker-registry".into());
        let folder = TempDir::with_prefix("registry-")?;
        let host = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.to_string();
        let place = folder.path().display();
        fs::write(folder.path().join("users"), KEPT)?;
        let settings = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {place}/data}}}}\n\
             http: {{addr: \"{host}\"}}\nauth: {{htpasswd: {{realm: Registry, path: {place}/users}}}}\n"
        );
        let path = folder.path().join("settings.yml");
        fs::write(&path, settings)?;
        let mut command = Command::new(program);
        command.arg("serve").arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process =
            command.kill_on_drop(true).spawn().context("docker-registry runs: `cargo xtask test` installs it")?;
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&host).await.is_err() {
            ensure!(Instant::now() < deadline, "the registry does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { host, folder, _process: process })
    }

    /// The file in which the registry keeps a blob.
    fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        let blobs = self.folder.path().join("data/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }
}

/// A host, and a changed pack of its connection's. Without its golden fixtures, which take long.
async fn host(settings: &str) -> Result<(Host, PathBuf)> {
    let mut host = Host::prepare(Setup { settings: settings.to_owned(), ..Setup::with_clients(3) }).await?;
    fs::write(host.folder().join("secrets/registry"), PASSWORD)?;
    fs::write(host.folder().join("secrets/wrong"), "another one")?;
    let pack = host.folder().join("acme");
    copy_pack("xplan-au", &pack)?;
    without_fixtures(&pack)?;
    edit(&pack, &[("\"Missus\"", "\"Missus\", \"Missis\"")])?;
    host.restart().await?;
    Ok((host, pack))
}

fn registries(host: &str, more: &str) -> String {
    format!("\n[packs]\nregistries = [{{ host = \"{host}\", insecure = true{more} }}]\n")
}

const SIGNED_IN: &str = ", username = \"svc\", password-file = \"secrets/registry\"";

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn json_of(output: &Output) -> Result<Value> {
    serde_json::from_slice(&output.stdout).with_context(|| said(output))
}

async fn pull(host: &Host, reference: &str) -> Result<Output> {
    host.run(&["pack", "pull", reference, "--connection", "main", "--json"]).await
}

/// That nothing was staged, and what is in force is.
async fn check_untouched(host: &Host, what: &str) -> Result<()> {
    let revisions = host.get("/api/v1/connections/main/revisions").await?.ok()?;
    let items = revisions["items"].as_array().context("a list")?;
    ensure!(items.len() == 1 && items[0]["state"] == "active", "{what}: {revisions}");
    ensure!(fs::read_dir(host.folder().join("data/packs"))?.count() == 1, "{what}: something is kept");
    Ok(())
}

#[tokio::test]
async fn a_pack_goes_by_a_registry_from_one_practice_to_another() -> Result<()> {
    let registry = Registry::start().await?;
    let (host, pack) = host(&registries(&registry.host, SIGNED_IN)).await?;
    let folder = pack.to_string_lossy().into_owned();
    let tagged = format!("oci://{}/team/acme-au:1.2", registry.host);

    let push = ["pack", "push", &folder, &tagged, "--json"];
    let pushed = host.run(&push).await?;
    ensure!(pushed.status.success(), "{}", said(&pushed));
    let pinned = json_of(&pushed)?["pinned"].as_str().context("a digest")?.to_owned();
    ensure!(pinned.starts_with(&format!("oci://{}/team/acme-au@sha256:", registry.host)), "{pinned}");
    let again = host.run(&push).await?;
    ensure!(json_of(&again)?["pinned"] == json!(pinned), "the same files are the same digest: {}", said(&again));

    // Each way of asking that is wrong says how, and no password.
    let path = host.folder().join("tidegate.toml");
    let own = fs::read_to_string(&path)?;
    let refused = async |settings: String, words: &str| -> Result<()> {
        fs::write(&path, format!("{}{settings}", own.split("[packs]").next().unwrap_or_default()))?;
        let output = pull(&host, &tagged).await?;
        fs::write(&path, &own)?;
        let text = said(&output);
        ensure!(!output.status.success() && text.contains(words), "{words}: {text}");
        ensure!(!text.contains(PASSWORD) && !text.contains("another one"), "{text}");
        Ok(())
    };
    refused(registries(&registry.host, ""), "the settings name no user for it").await?;
    let wrong = ", username = \"svc\", password-file = \"secrets/wrong\"";
    refused(registries(&registry.host, wrong), "does not let in `svc`").await?;
    refused("[packs]\n".to_owned(), "insecure = true").await?;
    refused(registries(&registry.host, SIGNED_IN) + "digest-only = true\n", "by their digest only").await?;
    check_untouched(&host, "what is refused").await?;
    let unknown = pull(&host, &format!("oci://{}/team/acme-au:9", registry.host)).await?;
    ensure!(said(&unknown).contains("404") && said(&unknown).contains("MANIFEST_UNKNOWN"), "{}", said(&unknown));

    // The same answer as of a pack that is staged from a file, with where it was had from.
    let pulled = pull(&host, &tagged).await?;
    let pulled_json = json_of(&pulled)?;
    ensure!(pulled.status.success() && pulled_json["state"] == "verified", "{pulled_json}");
    ensure!(pulled_json["source"] == json!(pinned), "{pulled_json}");
    let by_hand = json_of(&host.run(&["pack", "stage", &folder, "--connection", "main", "--json"]).await?)?;
    ensure!(by_hand["revision"] == pulled_json["revision"] && by_hand["gates"] == pulled_json["gates"], "{by_hand}");
    let by_digest = host.run(&["pack", "pull", &pinned, "--connection", "main"]).await?;
    ensure!(by_digest.status.success() && said(&by_digest).contains("is staged"), "{}", said(&by_digest));
    let by_tag = host.run(&["pack", "pull", &tagged, "--connection", "main"]).await?;
    ensure!(said(&by_tag).contains(&pinned), "the digest of a tag is told: {}", said(&by_tag));

    // What the registry keeps is altered, the manifest first, then the layer: every digest is held against.
    let digest = pinned.rsplit_once('@').context("a digest")?.1;
    let manifest: Value = serde_json::from_slice(&fs::read(registry.blob(digest))?)?;
    let layer = manifest["layers"][0]["digest"].as_str().context("a layer")?.to_owned();
    let mut bytes = fs::read(registry.blob(&layer))?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let altered = digest_of(&bytes);
    fs::write(registry.blob(&layer), bytes)?;
    let refused = pull(&host, &pinned).await?;
    let text = said(&refused);
    ensure!(refused.status.code() == Some(1) && text.contains(&layer) && text.contains(&altered), "{text}");
    Ok(())
}

/// A request to a registry that is none: its first line and its authorization.
#[derive(Clone, Debug)]
struct Asked {
    line: String,
    authorization: Option<String>,
}

/// The answer of such a registry: bytes as they go out, and what follows them without end.
type Answer = (Vec<u8>, bool);

/// A registry of the test's own, which answers what it is told to.
struct Odd {
    host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Odd {
    async fn start(answer: impl Fn(&Asked, &str) -> Answer + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let host = listener.local_addr()?.to_string();
        let (answer, asked) = (Arc::new(answer), Arc::new(Mutex::new(Vec::new())));
        let (own, told) = (host.clone(), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, own, told) = (Arc::clone(&answer), own.clone(), Arc::clone(&told));
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await.is_ok_and(|read| read > 0) {}
                    let header =
                        |line: &str| line.to_lowercase().starts_with("authorization:").then(|| line.to_owned());
                    let line = head.lines().next().unwrap_or_default().to_owned();
                    let asked = Asked { line, authorization: head.lines().find_map(header) };
                    told.lock().expect("nobody panics with it").push(asked.clone());
                    let (bytes, is_endless) = answer(&asked, &own);
                    let mut goes_on = stream.write_all(&bytes).await.is_ok();
                    while goes_on && is_endless {
                        goes_on = stream.write_all(&[b'x'; 64 << 10]).await.is_ok();
                    }
                    drop(stream.shutdown().await);
                });
            }
        });
        Ok(Self { host, asked })
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panics with it").clone()
    }
}

fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    ([head.as_bytes(), body].concat(), false)
}

fn endless(kind: &str) -> Answer {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
    (head.into_bytes(), true)
}

fn manifest_of(archive: &[u8]) -> Vec<u8> {
    let empty = json!({ "mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}"), "size": 2 });
    let layer = json!({ "mediaType": LAYER, "digest": digest_of(archive), "size": archive.len() });
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": PACK, "config": empty, "layers": [layer] });
    manifest.to_string().into_bytes()
}

/// What an odd registry does; each is tried by its repository's name.
fn odd_answer(asked: &Asked, own: &str, (archive, calls): (&[u8], &Mutex<u32>)) -> Answer {
    let manifest = manifest_of(archive);
    let path = asked.line.split(' ').nth(1).unwrap_or_default();
    let is_manifest = path.contains("/manifests/");
    let own_manifest = || answer("200 OK", &[("content-type", MANIFEST)], &manifest);
    let layer = || answer("200 OK", &[("content-type", "application/octet-stream")], archive);
    let whole = || if is_manifest { own_manifest() } else { layer() };
    let bearer = format!("Basic realm=\"x\", Bearer realm=\"http://{own}/token?a=1,2\",service=\"odd\",scope=\"aws\"");
    match path.split('/').nth(2).unwrap_or_default() {
        "other-manifest" if is_manifest => {
            answer("200 OK", &[("content-type", MANIFEST)], &manifest_of(b"another valid manifest"))
        }
        "altered-layer" if !is_manifest => {
            let mut altered = archive.to_vec();
            altered[700] ^= 1;
            answer("200 OK", &[], &altered)
        }
        "short-layer" if !is_manifest => answer("200 OK", &[], &archive[..archive.len() - 512]),
        "cut-layer" if !is_manifest => {
            let (mut bytes, _) = layer();
            bytes.truncate(bytes.len() / 2);
            (bytes, false)
        }
        "endless-layer" if !is_manifest => endless("application/octet-stream"),
        "endless-manifest" => endless(MANIFEST),
        "page" => answer("200 OK", &[("content-type", "text/html; charset=utf-8")], b"<html>Sign in</html>"),
        "page-refused" => answer("403 Forbidden", &[("content-type", "text/html")], b"<html>Blocked</html>"),
        "index" => {
            answer("200 OK", &[("content-type", "application/vnd.oci.image.index.v1+json")], b"{\"manifests\":[]}")
        }
        "lying-header" => {
            let digest = digest_of(b"something else");
            answer("200 OK", &[("content-type", MANIFEST), ("docker-content-digest", &digest)], &manifest)
        }
        "no-challenge" => answer("401 Unauthorized", &[], b""),
        "negotiate" => answer("401 Unauthorized", &[("www-authenticate", "Negotiate")], b""),
        "elsewhere" => {
            let realm = "Bearer realm=\"http://tokens.acme.example/token\"";
            answer("401 Unauthorized", &[("www-authenticate", realm)], b"")
        }
        "endless-token" => {
            let realm = format!("Bearer realm=\"http://{own}/v2/endless-token-itself/x\"");
            answer("401 Unauthorized", &[("www-authenticate", &realm)], b"")
        }
        "endless-token-itself" => endless("application/json"),
        "endless-error" => {
            let head = b"HTTP/1.1 500 Oops\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
            (head.to_vec(), true)
        }
        "busy" => answer("429 Too Many Requests", &[("retry-after", "3600")], b""),
        "busy-once" => {
            let mut calls = calls.lock().expect("nobody panics with it");
            *calls += 1;
            if *calls == 1 { answer("429 Too Many Requests", &[("retry-after", "1")], b"") } else { whole() }
        }
        "round" => answer("307 Temporary Redirect", &[("location", path)], b""),
        "unencrypted" => answer("307 Temporary Redirect", &[("location", "http://storage.acme.example/x")], b""),
        "signed-in" if asked.authorization.is_none() => {
            answer("401 Unauthorized", &[("www-authenticate", &bearer)], b"")
        }
        "signed-in" if !is_manifest => {
            // Storage of its own, where what lets in here is refused.
            let (_, port) = own.split_once(':').unwrap_or_default();
            answer(
                "307 Temporary Redirect",
                &[("location", &format!("http://localhost:{port}/v2/storage/blobs/x"))],
                b"",
            )
        }
        "storage" if asked.authorization.is_some() => answer("400 Bad Request", &[], b"only one way to sign in"),
        _ if path.starts_with("/token") => answer("200 OK", &[], b"{\"access_token\":\"t0ken\"}"),
        _ => whole(),
    }
}

#[tokio::test]
async fn what_a_registry_says_wrongly_is_refused_before_anything_is_staged() -> Result<()> {
    let archive: Arc<Mutex<Vec<u8>>> = Arc::default();
    let (shared, calls) = (Arc::clone(&archive), Mutex::new(0));
    let odd = Odd::start(move |asked, own| odd_answer(asked, own, (&shared.lock().unwrap(), &calls))).await?;
    let (host, pack) = host(&registries(&odd.host, SIGNED_IN)).await?;
    let file = host.folder().join("acme.tar");
    let saved = host.run(&["pack", "save", &pack.to_string_lossy(), &file.to_string_lossy()]).await?;
    ensure!(saved.status.success(), "{saved:?}");
    *archive.lock().unwrap() = fs::read(&file)?;
    let manifest = digest_of(&manifest_of(&fs::read(&file)?));
    let layer = digest_of(&fs::read(&file)?);

    let check = async |name: &str, words: &[&str]| -> Result<()> {
        let begun = Instant::now();
        let output = pull(&host, &format!("oci://{}/{name}@{manifest}", odd.host)).await?;
        let text = said(&output);
        ensure!(output.status.code() == Some(1) && words.iter().all(|word| text.contains(word)), "{name}: {text}");
        ensure!(!text.contains(PASSWORD) && !text.contains("t0ken"), "{name}: {text}");
        ensure!(begun.elapsed() < Duration::from_secs(20), "{name} takes {:?}", begun.elapsed());
        check_untouched(&host, name).await
    };
    let other = digest_of(&manifest_of(b"another valid manifest"));
    check("other-manifest", &[&manifest, &other, &odd.host, MANIFEST]).await?;
    check("altered-layer", &[&layer, &odd.host, "expected"]).await?;
    check("short-layer", &[&odd.host, "bytes, got"]).await?;
    check("cut-layer", &["does not answer"]).await?;
    check("endless-layer", &["is larger than", &odd.host]).await?;
    check("endless-manifest", &["is larger than", &odd.host]).await?;
    check("endless-token", &["the token", "is larger than", &odd.host]).await?;
    check("endless-error", &["with 500", &odd.host]).await?;
    check("page", &["text/html", MANIFEST, &odd.host, "the page of a proxy"]).await?;
    check("page-refused", &["403", "text/html", &odd.host]).await?;
    check("index", &["application/vnd.oci.image.index.v1+json", MANIFEST]).await?;
    check("lying-header", &[&digest_of(b"something else"), &manifest]).await?;
    check("no-challenge", &["401", "does not say how to sign in"]).await?;
    check("negotiate", &["negotiate"]).await?;
    check("elsewhere", &["tokens.acme.example", "not encrypted"]).await?;
    check("busy", &["come again in 3600 seconds"]).await?;
    check("round", &["sent on too often"]).await?;
    check("unencrypted", &["storage.acme.example", "not encrypted"]).await?;
    ensure!(odd.asked().iter().all(|asked| !asked.line.starts_with("PUT") && !asked.line.starts_with("POST")));

    // Busy for a moment; and a token from where the challenge says, which storage elsewhere never sees.
    for name in ["busy-once", "signed-in"] {
        let output = pull(&host, &format!("oci://{}/{name}@{manifest}", odd.host)).await?;
        ensure!(output.status.success() && json_of(&output)?["state"] == "verified", "{name}: {}", said(&output));
    }
    let asked = odd.asked();
    let token = asked.iter().rev().find(|asked| asked.line.contains("/token")).context("a token is asked for")?;
    ensure!(token.line.contains("a=1,2&service=odd&scope=repository%3Asigned-in%3Apull"), "{token:?}");
    ensure!(token.authorization.as_ref().is_some_and(|sent| sent.contains("Basic ")), "{token:?}");
    let storage = asked.iter().find(|asked| asked.line.contains("/v2/storage/")).context("storage is asked")?;
    ensure!(storage.authorization.is_none(), "{storage:?}");
    let first = asked.iter().find(|asked| asked.line.contains("/signed-in/manifests")).context("it is asked")?;
    ensure!(first.authorization.is_none(), "nothing is sent before it is asked for: {first:?}");
    Ok(())
}

/// A registry that is not on this machine is asked by the company's proxy, encrypted, and the proxy learns its name alone.
#[tokio::test]
async fn a_registry_is_asked_by_the_proxy_of_the_company() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = listener.local_addr()?;
    let mut host = Host::start(Setup::with_clients(1)).await?;
    host.stop().await?;
    let asked = tokio::spawn(async move {
        let mut line = String::new();
        let (stream, _) = listener.accept().await?;
        let mut stream = BufReader::new(stream);
        stream.read_line(&mut line).await?;
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await?;
        anyhow::Ok(line)
    });
    let mut command =
        host.command(&["pack", "pull", "oci://registry.acme.example/team/acme-au:1", "--connection", "main"])?;
    command.env("HTTPS_PROXY", format!("http://{proxy}")).env_remove("NO_PROXY").env_remove("no_proxy");
    let output = command.output().await?;
    ensure!(output.status.code() == Some(1) && said(&output).contains("registry.acme.example"), "{}", said(&output));
    ensure!(asked.await??.starts_with("CONNECT registry.acme.example:443 "), "{}", said(&output));
    Ok(())
}
