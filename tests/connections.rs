//! Connections made while the host runs: several sites, changes, and what stays when one goes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tidegate_tests::{Answer, Host, Setup, TOKEN};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use xplan_sandbox::{Options, Region, Sandbox};

/// A host that lets connections lead to stand-in sites.
pub fn setup(clients: u32) -> Setup {
    let settings = "\n[crm]\nstand-in-sites = true\n".to_owned();
    Setup { settings, ..Setup::with_clients(clients) }
}

pub async fn send(host: &Host, method: Method, path: &str, body: &Value) -> Result<Answer> {
    let request = host.http().request(method, host.url(path)).bearer_auth(TOKEN);
    host.send(if body.is_null() { request } else { request.json(body) }).await
}

/// What makes a connection to `site` by name and password.
pub fn draft(name: &str, site: &Sandbox, pack: &str) -> Value {
    json!({
        "name": name, "title": format!("Site {name}"), "pack": pack, "forward_host": site.addr().to_string(),
        "insecure_http": true, "schedule": "0 0 0 1 1 *", "confirms_preflight": true,
        "auth": {"mode": "basic", "username": "svc", "password": "sandbox"},
    })
}

pub async fn sync(host: &Host, name: &str) -> Result<Value> {
    let run = host.post(&format!("/api/v1/connections/{name}/sync"), &Value::Null).await?.ok()?;
    host.wait_for_run(run["id"].as_str().context("a run has an id")?).await
}

#[tokio::test]
async fn two_sites_fill_one_practice() -> Result<()> {
    let host = Host::start(setup(40)).await?;
    let nz = Sandbox::start(Options { clients: 30, region: Region::Nz, ..Options::default() }).await?;
    let added = host.post("/api/v1/connections", &draft("south", &nz, "xplan-nz")).await?;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    let added = added.json()?;
    assert_eq!((&added["region"], &added["origin"]), (&json!("NZ"), &json!("page")), "{added}");
    assert!(added["preflight"]["who"].is_string() && !added.to_string().contains("sandbox\""), "{added}");

    let (au, nz_run) = tokio::join!(sync(&host, "main"), sync(&host, "south"));
    let (au, nz_run) = (au?, nz_run?);
    assert_eq!((&au["state"], &nz_run["state"]), (&json!("done"), &json!("done")), "{au} {nz_run}");

    // Both books begin with the same numbers: the same id on two sites is two people.
    let clients = host.get("/api/v1/clients?limit=500").await?.ok()?;
    let ids = |connection: &str| -> Vec<String> {
        let items = clients["items"].as_array().into_iter().flatten();
        let of = items.filter(|client| client["connection"] == connection);
        of.filter_map(|client| client["external_id"].as_str().map(str::to_owned)).collect()
    };
    let (north, south) = (ids("main"), ids("south"));
    let shared = north.iter().find(|id| south.contains(id)).context("both sites have a client of one id")?;
    let found = host.get(&format!("/api/v1/clients?external_id={shared}&connection=south")).await?.ok()?;
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found["items"][0]["country_code"].as_str().unwrap_or("NZ"), "NZ", "{found}");
    assert_eq!(host.get(&format!("/api/v1/clients?external_id={shared}")).await?.status, StatusCode::BAD_REQUEST);

    // The one of the settings file syncs without the check; somebody confirms it, once.
    assert!(host.get("/api/v1/connections/main").await?.ok()?["preflight"].is_null());
    let confirmed = host.post("/api/v1/connections/main/preflight", &Value::Null).await?.ok()?["preflight"].clone();
    assert!(confirmed["who"].is_string(), "{confirmed}");
    host.post("/api/v1/connections/main/preflight", &Value::Null).await?.ok()?;
    assert_eq!(host.get("/api/v1/connections/main").await?.ok()?["preflight"], confirmed);

    // Kept over a restart, with its secret.
    let mut host = host;
    host.stop().await?;
    host.restart().await?;
    assert_eq!(sync(&host, "south").await?["counts"]["changed"], 0);
    assert_eq!(host.get("/api/v1/connections/main").await?.ok()?["preflight"], confirmed);

    // Gone, and its clients stay.
    assert_eq!(send(&host, Method::DELETE, "/api/v1/connections/south", &Value::Null).await?.status, 204);
    assert_eq!(host.get("/api/v1/connections/south").await?.status, StatusCode::NOT_FOUND);
    assert_eq!(host.post("/api/v1/connections/south/sync", &Value::Null).await?.status, StatusCode::NOT_FOUND);
    let still = host.get(&format!("/api/v1/clients?external_id={shared}&connection=south")).await?.ok()?;
    assert_eq!(still["items"], found["items"]);
    Ok(())
}

#[tokio::test]
async fn a_huge_book_does_not_hold_up_a_small_one() -> Result<()> {
    let host = Host::start(setup(6_000)).await?;
    let small = Sandbox::start(Options { clients: 20, region: Region::Nz, ..Options::default() }).await?;
    host.post("/api/v1/connections", &draft("small", &small, "xplan-nz")).await?.ok()?;
    let huge = host.sync().await?;
    let done = sync(&host, "small").await?;
    assert_eq!(done["state"], "done", "{done}");
    let huge = huge["id"].as_str().context("a run has an id")?.to_owned();
    let at_that_time = host.get(&format!("/api/v1/runs/{huge}")).await?.ok()?;
    assert_eq!(at_that_time["state"], "running", "the small book waited for the huge one");
    // A connection has one run at a time.
    assert_eq!(host.sync().await?["id"], huge);
    assert_eq!(host.wait_for_run(&huge).await?["state"], "done");
    Ok(())
}

#[tokio::test]
async fn what_does_not_fit_is_named() -> Result<()> {
    let host = Host::start(setup(10)).await?;
    let site = Sandbox::start(Options { clients: 10, ..Options::default() }).await?;
    let good = draft("south", &site, "xplan-nz");
    let refused = async |change: Value, pointer: &str| -> Result<()> {
        let mut body = good.clone();
        let (body_map, change) = (body.as_object_mut().context("an object")?, change);
        body_map.extend(change.as_object().context("an object")?.clone());
        let answer = host.post("/api/v1/connections", &body).await?;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{change}: {}", answer.text);
        let pointers = answer.json()?["errors"].as_array().cloned().unwrap_or_default();
        assert!(pointers.iter().any(|error| error["pointer"] == pointer), "{change}: {}", answer.text);
        Ok(())
    };
    refused(json!({"name": "main"}), "/name").await?;
    refused(json!({"name": "Not a name"}), "/name").await?;
    refused(json!({"title": " "}), "/title").await?;
    refused(json!({"pack": "xplan-mars"}), "/pack").await?;
    refused(json!({"pack": "../packs"}), "/pack").await?;
    refused(json!({"schedule": "hourly"}), "/schedule").await?;
    refused(json!({"dialect": "klingon"}), "/dialect").await?;
    refused(json!({"confirms_preflight": false}), "/confirms_preflight").await?;
    refused(json!({"insecure_http": false}), "/forward_host").await?;
    refused(json!({"forward_host": "10.0.0.1:80"}), "/forward_host").await?;
    refused(json!({"insecure_http": false, "forward_host": "https://acme.xplan.iress.com.au"}), "/forward_host")
        .await?;
    refused(json!({"auth": {"mode": "basic", "username": "", "password": "x"}}), "/auth/username").await?;
    refused(json!({"auth": {"mode": "oauth", "client_id": "x"}}), "/auth/client_secret").await?;

    // The one of the file is changed there.
    let answer = send(&host, Method::PATCH, "/api/v1/connections/main", &json!({"enabled": false})).await?;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    assert!(answer.text.contains("settings file"), "{}", answer.text);
    Ok(())
}

#[tokio::test]
async fn a_disabled_connection_rests_and_its_site_cannot_be_exchanged() -> Result<()> {
    let mut host = Host::start(setup(10)).await?;
    let site = Sandbox::start(Options { clients: 3_000, region: Region::Nz, ..Options::default() }).await?;
    host.post("/api/v1/connections", &draft("south", &site, "xplan-nz")).await?.ok()?;
    let run = host.post("/api/v1/connections/south/sync", &Value::Null).await?.ok()?;
    let path = "/api/v1/connections/south";
    let changed = send(&host, Method::PATCH, path, &json!({"enabled": false})).await?.ok()?;
    assert_eq!((&changed["enabled"], &changed["revision"]), (&json!(false), &Value::Null), "{changed}");
    // Its run ends, and another is not begun.
    let run = host.wait_for_run(run["id"].as_str().context("a run has an id")?).await?;
    assert_eq!(run["state"], "cancelled", "{run}");
    let asked = host.post(&format!("{path}/sync"), &Value::Null).await?;
    assert_eq!(asked.status, StatusCode::CONFLICT, "{}", asked.text);
    assert!(asked.text.contains("south is disabled. Enable it first."), "{}", asked.text);

    // Enabled again, a run that was cut off is taken up as it is of a connection of the settings.
    send(&host, Method::PATCH, path, &json!({"enabled": true})).await?.ok()?;
    let run = host.post(&format!("{path}/sync"), &Value::Null).await?.ok()?;
    let run = format!("/api/v1/runs/{}", run["id"].as_str().context("a run has an id")?);
    host.wait_for(&run, |run| run["state"] == "running").await?;
    host.kill().await?;
    host.restart().await?;
    host.wait_for(&run, |run| run["state"] == "done").await?;

    // It has brought clients, whose ids mean others on another site.
    send(&host, Method::PATCH, path, &json!({"enabled": false})).await?.ok()?;
    let other = Sandbox::start(Options { clients: 10, ..Options::default() }).await?;
    let moved = json!({"forward_host": other.addr().to_string()});
    let answer = send(&host, Method::PATCH, path, &moved).await?;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    assert!(answer.text.contains("another site"), "{}", answer.text);
    Ok(())
}

#[tokio::test]
async fn secrets_are_sealed_and_a_wrong_key_says_what_to_do() -> Result<()> {
    let mut host = Host::start(setup(10)).await?;
    let site = Sandbox::start(Options { clients: 10, region: Region::Nz, ..Options::default() }).await?;
    let mut body = draft("south", &site, "xplan-nz");
    body["auth"]["password"] = json!("a-password-nobody-else-has");
    host.post("/api/v1/connections", &body).await?.ok()?;
    host.stop().await?;
    let data = host.folder().join("data");
    for file in std::fs::read_dir(&data)? {
        let file = file?.path();
        if file.is_file() {
            let bytes = std::fs::read(&file)?;
            let secret = b"a-password-nobody-else-has";
            assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{}", file.display());
        }
    }
    assert!(!host.log_tail().contains("a-password-nobody-else-has"));

    std::fs::write(data.join("secret.key"), "another key that is as long as a key has to be")?;
    host.restart().await?;
    let south = host.get("/api/v1/connections/south").await?.ok()?;
    let problem = south["problem"].as_str().context("it says why it does not run")?;
    assert!(problem.contains("another key") && problem.contains("TIDEGATE_SECRET_KEY"), "{problem}");
    // Nothing else is held up, and entered anew it works again.
    assert_eq!(host.sync_and_wait().await?["state"], "done");
    let auth = json!({"auth": {"mode": "basic", "username": "svc", "password": "sandbox"}});
    let mended = send(&host, Method::PATCH, "/api/v1/connections/south", &auth).await?.ok()?;
    assert_eq!(mended["problem"], Value::Null, "{mended}");
    assert_eq!(sync(&host, "south").await?["state"], "done");
    Ok(())
}

#[tokio::test]
async fn a_connection_made_at_run_time_speaks_through_a_gateway() -> Result<()> {
    let site = Sandbox::start(Options { clients: 30, ..Options::default() }).await?;
    let host = Host::start(setup(10)).await?;
    let mut body = draft("open", &site, "xplan-au");
    body["dialect"] = "open".into();
    let refused = send(&host, Method::POST, "/api/v1/connections", &body).await?;
    ensure!(refused.status == 422 && refused.text.contains("/gateway_host"), "{}", refused.text);
    body["gateway_host"] = site.addr().to_string().into();
    let made = send(&host, Method::POST, "/api/v1/connections", &body).await?.ok()?;
    ensure!(made["gateway_host"] == body["gateway_host"], "{made}");
    let run = sync(&host, "open").await?;
    ensure!(run["state"] == "done" && run["counts"]["created"].as_u64() > Some(10), "{run}");
    Ok(())
}

#[tokio::test]
async fn a_site_is_reached_by_a_proxy_of_the_company() -> Result<()> {
    let proxy = TcpListener::bind("127.0.0.1:0").await?;
    let network = format!("\n[network]\nproxy = \"http://{}\"\n", proxy.local_addr()?);
    let host = Host::start(Setup { settings: network, ..Setup::with_clients(10) }).await?;
    let mut body = json!({"name": "out", "title": "Out in the world", "pack": "xplan-au", "confirms_preflight": true});
    body["forward_host"] = json!("acme.xplan.iress.com.au");
    body["auth"] = json!({"mode": "basic", "username": "svc", "password": "sandbox"});
    host.post("/api/v1/connections", &body).await?.ok()?;
    let run = host.post("/api/v1/connections/out/sync?dry_run=true", &Value::Null).await?.ok()?;
    let (stream, _) = tokio::time::timeout(Duration::from_secs(30), proxy.accept()).await??;
    let mut stream = BufReader::new(stream);
    let mut asked = String::new();
    stream.read_line(&mut asked).await?;
    assert_eq!(asked.trim(), "CONNECT acme.xplan.iress.com.au:443 HTTP/1.1");
    drop((stream, proxy));
    let failed = host.wait_for_run(run["id"].as_str().context("a run has an id")?).await?;
    assert_eq!(failed["state"], "failed", "{failed}");
    // A stand-in site is on this machine, where no proxy comes between.
    assert_eq!(host.sync_and_wait().await?["state"], "done");
    Ok(())
}

/// What is given for a connection, by the API's names; empty where it is left out.
type Given = BTreeMap<&'static str, String>;

/// As a body for the API.
fn as_body(given: &Given) -> Value {
    let mut body = json!({"name": "south", "title": "South", "confirms_preflight": true, "auth": {}});
    for (name, value) in given {
        match *name {
            "mode" | "username" | "password" => body["auth"][*name] = value.as_str().into(),
            _ => body[*name] = value.as_str().into(),
        }
    }
    body
}

/// As the form sends it.
fn as_form(given: &Given) -> String {
    let pairs = given.iter().map(|(name, value)| {
        let value: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
        format!("&{name}={value}")
    });
    format!("title=South&confirms_preflight=on&enabled=on{}", pairs.collect::<String>())
}

/// As a section of the settings file, with a password that is there already.
fn as_section(given: &Given) -> String {
    let line = |name: &str, value: &str| format!("{} = {value:?}", name.replace('_', "-"));
    let is_of_auth = |name: &str| matches!(name, "mode" | "username");
    let own = given.iter().filter(|(name, _)| !is_of_auth(name) && **name != "password");
    let own: Vec<String> = own.map(|(name, value)| line(name, value)).collect();
    let auth = given.iter().filter(|(name, _)| is_of_auth(name)).map(|(name, value)| line(name, value));
    let auth: Vec<String> = auth.chain(["password-file = \"secrets/xplan\"".to_owned()]).collect();
    format!("\n[connections.south]\n{}\nauth = {{ {} }}\n", own.join("\n"), auth.join(", "))
}

/// Whatever way a connection is given by, the same is refused for the same reason.
#[tokio::test]
async fn file_api_and_form_refuse_the_same() -> Result<()> {
    let host = Host::start(Setup::with_clients(1)).await?;
    let cookie = host.sign_up().await?;
    let path = host.folder().join("tidegate.toml");
    let settings = std::fs::read_to_string(&path)?;
    let check = async |changes: &[(&'static str, &str)], field: &str, key: &str, words: &str| -> Result<()> {
        let mut given: Given = BTreeMap::from([
            ("crm", "xplan"),
            ("pack", "xplan-au"),
            ("dialect", "resourceful"),
            ("forward_host", "acme.xplan.iress.com.au"),
            ("schedule", "0 5 * * *"),
            ("mode", "basic"),
            ("username", "svc"),
            ("password", "sandbox"),
        ])
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
        given.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));

        let answer = host.post("/api/v1/connections", &as_body(&given)).await?;
        ensure!(answer.status == 422, "{changes:?}: {} {}", answer.status, answer.text);
        let errors = answer.json()?["errors"].take();
        let error = errors.as_array().into_iter().flatten().find(|error| error["pointer"] == format!("/{field}"));
        let detail =
            error.and_then(|error| error["detail"].as_str()).with_context(|| format!("{changes:?}: {errors}"))?;
        ensure!(detail.contains(words), "{words:?} is not in {detail}");

        let form = host.http().post(host.url("/settings/integrations")).header("cookie", &cookie);
        let form = form.header("sec-fetch-site", "same-origin");
        let form = form.header("content-type", "application/x-www-form-urlencoded").body(as_form(&given));
        let answer = host.send(form).await?;
        let page = answer.text.replace("&#39;", "'").replace("&#34;", "\"");
        ensure!(
            answer.status == 422 && page.contains(detail),
            "{detail:?} is not on the page ({}):\n{page}",
            answer.status
        );

        std::fs::write(&path, format!("{settings}{}", as_section(&given)))?;
        let output = host.run(&["config", "check"]).await?;
        let said = String::from_utf8([output.stdout, output.stderr].concat())?;
        let line = said.lines().find(|line| line.contains(&format!("connections.south.{key}: ")));
        let line = line.with_context(|| format!("{changes:?}: nothing about {key} in\n{said}"))?;
        ensure!(output.status.code() == Some(2) && line.contains(words), "{words:?} is not in {line}");
        Ok(())
    };
    let long = "x".repeat(201);
    check(&[("crm", "salesforce")], "crm", "crm", "`salesforce` is no CRM known here; use xplan").await?;
    check(&[("pack", "../packs")], "pack", "pack", "`../packs` is no pack's name").await?;
    check(&[("pack", " ")], "pack", "pack", "nter a pack").await?;
    check(&[("dialect", "klingon")], "dialect", "dialect", "`klingon` is no dialect known here").await?;
    for host in ["https://acme.xplan.iress.com.au", "10.0.0.1", "acme.xplan.iress.com.au:443", "localhost"] {
        check(&[("forward_host", host)], "forward_host", "forward-host", "is no bare host name").await?;
    }
    let words = "`evil.example` is not among the vendor's sites";
    check(&[("forward_host", "evil.example")], "forward_host", "forward-host", words).await?;
    check(&[("forward_host", "")], "forward_host", "forward-host", "nter the site's host, such as acme.xplan").await?;
    check(&[("dialect", "open")], "gateway_host", "gateway-host", "nter the gateway's host").await?;
    let words = " the dialect `open` has a gateway host";
    check(&[("gateway_host", "gateway.example")], "gateway_host", "gateway-host", words).await?;
    let by_gateway = [("dialect", "open"), ("gateway_host", "https://x")];
    check(&by_gateway, "gateway_host", "gateway-host", "is no bare host name").await?;
    check(&[("schedule", "hourly")], "schedule", "schedule", "hourly").await?;
    check(&[("schedule", "*/15 * * * *")], "schedule", "schedule", "15 minutes").await?;
    check(&[("schedule", "0 2 31 4 *")], "schedule", "schedule", "never comes round").await?;
    check(&[("mode", "saml")], "auth/mode", "auth.mode", "to be one of basic, oauth").await?;
    check(&[("mode", "")], "auth", "auth.mode", "hoose how to sign in").await?;
    check(&[("username", "")], "auth/username", "auth.username", "nter the user's name").await?;
    check(&[("username", &long)], "auth/username", "auth.username", "at most 200 characters").await?;
    check(&[("username", "svc\tx")], "auth/username", "auth.username", "a character that nobody sees").await?;
    Ok(())
}
