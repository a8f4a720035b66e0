//! OAuth with the stand-in site and with a server of somebody else's making: authorising, what goes wrong on the way,
//! renewing, and losing what was authorised.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tidegate_tests::{Answer, Host};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use xplan_sandbox::{OAuthOptions, Options, Sandbox, TokenAnswer};

use crate::connections::{send, setup};

const PATH: &str = "/api/v1/connections/oauth";

/// A site that knows the integration, a host with a connection to it, and a practice manager who is signed in.
pub struct Practice {
    pub host: Host,
    pub site: Sandbox,
    cookie: String,
}

impl Practice {
    pub async fn new(oauth: OAuthOptions, clients: u32) -> Result<Self> {
        Self::with_gateway(oauth, clients, false).await
    }

    /// In the Open dialect where there is a gateway, which is the site's own address here.
    async fn with_gateway(oauth: OAuthOptions, clients: u32, has_gateway: bool) -> Result<Self> {
        Self::of(Host::start(setup(10)).await?, oauth, clients, has_gateway).await
    }

    /// Of a host that runs.
    pub async fn of(host: Host, oauth: OAuthOptions, clients: u32, has_gateway: bool) -> Result<Self> {
        let oauth = OAuthOptions { client_id: Some("tidegate".to_owned()), ..oauth };
        let site = Sandbox::start(Options { clients, oauth, ..Options::default() }).await?;
        let address = site.addr().to_string();
        connect(&host, &address, "sandbox-secret", has_gateway.then_some(&address)).await?;
        let cookie = host.sign_up().await?;
        Ok(Self { host, site, cookie })
    }

    /// The address on the site that the person is sent to.
    pub async fn begin(&self) -> Result<String> {
        begin(&self.host, &self.cookie).await
    }

    /// Says yes on the site; answers the address that it sends the person back to.
    pub async fn say(&self, url: &str, consent: &str) -> Result<Answer> {
        let (address, query) = url.split_once('?').context("the address has parameters")?;
        let form = format!("{query}&username=svc&password=sandbox&consent={consent}");
        let request = self.host.http().post(address).header("content-type", "application/x-www-form-urlencoded");
        self.host.send(request.body(form)).await
    }

    pub async fn come_back(&self, address: &str) -> Result<Answer> {
        come_back(&self.host, &self.cookie, address).await
    }

    pub async fn authorise(&self) -> Result<()> {
        let yes = self.say(&self.begin().await?, "yes").await?;
        let back = self.come_back(yes.header("location")).await?;
        ensure!(back.status == StatusCode::SEE_OTHER, "{}", back.text);
        Ok(())
    }

    /// One call to the site, signed with a token.
    pub async fn check(&self) -> Result<bool> {
        let page = self.host.press("/settings/integrations/oauth/check", &self.cookie).await?;
        Ok(page.text.contains("knows this host as svc"))
    }

    async fn state(&self) -> Result<Value> {
        Ok(self.host.get(PATH).await?.ok()?["authorization"]["state"].take())
    }

    pub async fn sync(&self) -> Result<Value> {
        let run = self.host.post(&format!("{PATH}/sync"), &Value::Null).await?.ok()?;
        self.host.wait_for_run(run["id"].as_str().context("a run has an id")?).await
    }

    /// A survey of a household of the connection; answers its note's path.
    async fn survey(&self, key: &str) -> Result<String> {
        let clients = self.host.get("/api/v1/clients?limit=1").await?.ok()?;
        let event = json!({
            "type": "your-life-survey.completed",
            "household_id": clients["items"][0]["household_id"],
            "occurred_at": "2026-03-02T01:30:00Z",
            "data": {"score": 72, "goals": ["Retire at 60"], "dimensions": [{"name": "Money", "percent": 65}]}
        });
        let accepted = self.host.post_event(key, &event).await?;
        ensure!(accepted.status == StatusCode::CREATED, "{}", accepted.text);
        Ok(accepted.header("location").to_owned())
    }
}

async fn connect(host: &Host, site: &str, secret: &str, gateway: Option<&String>) -> Result<Value> {
    let draft = json!({
        "dialect": if gateway.is_some() { "open" } else { "resourceful" }, "gateway_host": gateway,
        "name": "oauth", "title": "Over OAuth", "pack": "xplan-au", "forward_host": site, "insecure_http": true,
        "schedule": "0 0 0 1 1 *", "confirms_preflight": true,
        "auth": {"mode": "oauth", "client_id": "tidegate", "client_secret": secret},
    });
    host.post("/api/v1/connections", &draft).await?.ok()
}

async fn begin(host: &Host, cookie: &str) -> Result<String> {
    let request = host.http().post(host.url(&format!("{PATH}/authorize")));
    let request = request.header("cookie", cookie).header("sec-fetch-site", "same-origin");
    let answer = host.send(request).await?.ok()?;
    Ok(answer["authorization_url"].as_str().context("an address")?.to_owned())
}

async fn come_back(host: &Host, cookie: &str, address: &str) -> Result<Answer> {
    ensure!(address.starts_with(&host.url("/oauth/callback?")), "sent back to {address:?}");
    host.send(host.http().get(address).header("cookie", cookie)).await
}

#[tokio::test]
async fn somebody_authorises_it_and_it_stays_authorised() -> Result<()> {
    let mut practice = Practice::new(OAuthOptions::default(), 30).await?;
    assert_eq!(practice.state().await?, "needed");
    let refused = practice.host.post(&format!("{PATH}/sync"), &Value::Null).await?;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains("authorised on its site first"), "{}", refused.text);
    let trace = practice.host.get("/api/v1/troubleshoot?search=4711").await?.ok()?["items"].take();
    let words =
        |trace: &Value| trace["steps"][0]["detail"].as_str().is_some_and(|words| words.contains("to be authorised"));
    assert!(trace.as_array().into_iter().flatten().any(words), "{trace}");

    practice.authorise().await?;
    assert_eq!(practice.state().await?, "authorized");
    assert_eq!(practice.sync().await?["state"], "done");
    let note = practice.survey("k1").await?;
    practice.host.wait_for(&note, |note| note["state"] == "done").await?;

    // An access token that is over is renewed; a host that starts again has the newest pair.
    practice.site.admin().expire_tokens();
    assert_eq!(practice.sync().await?["state"], "done");
    practice.host.kill().await?;
    practice.host.restart().await?;
    practice.site.admin().expire_tokens();
    assert_eq!(practice.sync().await?["state"], "done");
    assert_eq!(practice.state().await?, "authorized");

    let log = std::fs::read_to_string(practice.host.folder().join("host.log"))?;
    for secret in ["sandbox-access", "sandbox-refresh", "sandbox-code", "sandbox-secret"] {
        assert!(!log.contains(secret), "{secret} is in the log");
        let store = std::fs::read(practice.host.folder().join("data/tidegate.redb"))?;
        assert!(!store.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} is in the store");
    }
    Ok(())
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_leads_on() -> Result<()> {
    let practice = Practice::new(OAuthOptions::default(), 10).await?;
    let host = &practice.host;
    let check = async |answer: Answer, status: u16, words: &str| -> Result<()> {
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(answer.text.contains(words), "{words:?} is not in {}", answer.text);
        assert!(answer.text.contains("tart again"), "it leads on: {}", answer.text);
        assert_eq!(practice.state().await?, "needed");
        Ok(())
    };
    let callback = |query: &str| host.url(&format!("/oauth/callback?{query}"));

    // Who says no is not sent back; the person starts again, and the first attempt is over.
    let first = practice.begin().await?;
    let no = practice.say(&first, "no").await?;
    assert_eq!((no.status, no.header("location")), (200, ""));
    let second = practice.begin().await?;
    let late = practice.say(&first, "yes").await?;
    check(practice.come_back(late.header("location")).await?, 400, "belongs to no authorisation").await?;

    check(practice.come_back(&callback("state=forged&code=x")).await?, 400, "belongs to no authorisation").await?;
    check(practice.come_back(&callback("code=x")).await?, 400, "belongs to no authorisation").await?;

    // The site says no in OAuth's words.
    let state = second.split("state=").nth(1).and_then(|rest| rest.split('&').next()).context("a state")?;
    let refused = format!("state={state}&error=access_denied&error_description=Not+for+%3Cb%3Eyou");
    let answer = practice.come_back(&callback(&refused)).await?;
    assert!(!answer.text.contains("<b>you"), "{}", answer.text);
    check(answer, 400, "access_denied").await?;

    // A code that is not, or not any more, worth tokens.
    let third = practice.begin().await?;
    let state = third.split("state=").nth(1).and_then(|rest| rest.split('&').next()).context("a state")?;
    check(practice.come_back(&callback(&format!("state={state}&code=used"))).await?, 400, "invalid_grant").await?;

    // Another site's answer.
    let fourth = practice.begin().await?;
    let yes = practice.say(&fourth, "yes").await?;
    let mixed = format!("{}&iss=https%3A%2F%2Fevil.example", yes.header("location"));
    check(practice.come_back(&mixed).await?, 400, "evil.example").await?;

    // A stranger is sent to sign in, and the state stays good for whoever began.
    let fifth = practice.begin().await?;
    let yes = practice.say(&fifth, "yes").await?;
    let stranger = host.send(host.http().get(yes.header("location"))).await?;
    assert!(stranger.header("location").starts_with("/sign-in"), "{} {}", stranger.status, stranger.text);
    let back = practice.come_back(yes.header("location")).await?;
    assert_eq!((back.status, practice.state().await?), (303, json!("authorized")));
    // Reloaded, the code is not used a second time, and nothing is lost.
    let again = practice.come_back(yes.header("location")).await?;
    assert_eq!((again.status, practice.state().await?), (400, json!("authorized")));

    // A wrong secret, and nobody at home.
    let wrong = json!({"auth": {"mode": "oauth", "client_id": "tidegate", "client_secret": "mistyped"}});
    send(host, Method::PATCH, PATH, &wrong).await?.ok()?;
    let sixth = practice.begin().await?;
    let yes = practice.say(&sixth, "yes").await?;
    let answer = practice.come_back(yes.header("location")).await?;
    assert!(answer.text.contains("client secret"), "{}", answer.text);
    let Practice { host, site, .. } = practice;
    site.stop().await;
    let nobody = host.post(&format!("{PATH}/authorize"), &Value::Null).await?;
    assert_eq!(nobody.status, StatusCode::CONFLICT, "{}", nobody.text);
    assert!(nobody.text.contains("Check the forward host"), "{}", nobody.text);
    Ok(())
}

#[tokio::test]
async fn what_was_taken_back_pauses_it_until_somebody_authorises_again() -> Result<()> {
    // Through a gateway: the site lets the integration in, the gateway is told by a header for which site a call is.
    let practice = Practice::with_gateway(OAuthOptions::default(), 20, true).await?;
    practice.authorise().await?;
    assert_eq!(practice.sync().await?["state"], "done");
    practice.site.admin().expire_tokens();
    let run = practice.sync().await?;
    assert_eq!((&run["state"], &run["counts"]["seen"]), (&json!("done"), &json!(20)), "{run}");
    assert_eq!(practice.state().await?, "authorized");
    practice.site.admin().revoke_tokens();

    // A note finds it out; it is kept, and no run starts.
    let note = practice.survey("k1").await?;
    practice.host.wait_for(PATH, |one| one["authorization"]["state"] == "refused").await?;
    let waiting = practice.host.wait_for(&note, |note| note["state"] == "waiting" || note["state"] == "queued").await?;
    assert!(practice.site.admin().notes().is_empty(), "{waiting}");
    let refused = practice.host.post(&format!("{PATH}/sync"), &Value::Null).await?;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains("Authorise it again"), "{}", refused.text);
    let overview = practice.host.http().get(practice.host.url("/")).header("cookie", &practice.cookie);
    let overview = practice.host.send(overview).await?;
    assert!(overview.text.contains("is paused, and its file notes wait"), "{}", overview.text);
    assert!(practice.host.log_tail().contains("authorise the connection again"), "{}", practice.host.log_tail());

    practice.authorise().await?;
    practice.host.wait_for(&note, |note| note["state"] == "done").await?;
    assert_eq!(practice.site.admin().notes().len(), 1);
    assert_eq!(practice.sync().await?["state"], "done");
    Ok(())
}

#[tokio::test]
async fn calls_side_by_side_renew_once() -> Result<()> {
    // Tokens that are always about to expire, and a site that takes a second use of one for theft.
    let oauth = OAuthOptions { access_lifetime: Duration::from_secs(1), ignores_pkce: true, ..OAuthOptions::default() };
    let practice = Practice::new(oauth, 2_000).await?;
    practice.authorise().await?;
    let run = practice.sync().await?;
    assert_eq!(run["state"], "done", "{run}");
    assert_eq!(practice.state().await?, "authorized");
    Ok(())
}

#[tokio::test]
async fn whatever_the_token_endpoint_answers_no_pair_is_lost_and_nobody_is_asked_in_vain() -> Result<()> {
    let practice = Practice::new(OAuthOptions::default(), 10).await?;
    practice.authorise().await?;
    let answer_tokens = |odd| {
        practice.site.admin().answer_tokens(odd);
        practice.site.admin().expire_tokens();
    };
    let check = async || practice.check().await;
    let given = |more: &str| format!(r#"{{"access_token":"{{access}}","refresh_token":"{{refresh}}"{more}}}"#);
    let odd = [
        TokenAnswer::json(200, &given(r#","expires_in":"1800""#)),
        TokenAnswer::json(200, &given("")),
        TokenAnswer::json(200, &given(r#","expires_in":null,"token_type":null,"scope":["a","b"]"#)),
        TokenAnswer::json(200, &given(r#","expires_in":-1,"token_type":"BEARER""#)),
        TokenAnswer::json(200, &given(r#","expires_in":18446744073709551616"#)),
        TokenAnswer::json(200, &given(r#","expires_in":1800.5,"token_type":"x","token_type":"x""#)),
        TokenAnswer::json(200, &format!("\u{feff}{}", given(""))),
        TokenAnswer::json(201, &given(r#","user":"Pat \ud83d""#)),
        TokenAnswer { kind: "text/html", ..TokenAnswer::json(200, "access_token={access}&refresh_token={refresh}") },
        TokenAnswer { cut_after: Some(130), ..TokenAnswer::json(200, &given(&format!(r#","more":"{:100}""#, ""))) },
    ];
    for odd in odd {
        let words = format!("{odd:?}");
        answer_tokens(Some(odd));
        assert!(check().await?, "{words}");
        // What it gave is what the next pair is had for.
        answer_tokens(None);
        assert!(check().await?, "after {words}");
    }
    let passing = [
        TokenAnswer::json(400, r#"{"error":"temporarily_unavailable"}"#),
        TokenAnswer::json(400, r#"{"error":"server_error"}"#),
        TokenAnswer { kind: "text/html", ..TokenAnswer::json(403, "<html>Forbidden</html>") },
        TokenAnswer { kind: "text/html", ..TokenAnswer::json(200, "<html>Maintenance</html>") },
        TokenAnswer::json(500, r#"{"error":"invalid_grant"}"#),
        TokenAnswer { header: Some(("retry-after", "18446744073709551615".to_owned())), ..TokenAnswer::json(503, "") },
        TokenAnswer { cut_after: Some(3), ..TokenAnswer::json(200, r#"{"error":"invalid_grant"}"#) },
    ];
    for passing in passing {
        let words = format!("{passing:?}");
        answer_tokens(Some(passing));
        assert!(!check().await?, "{words}");
        assert_eq!(practice.state().await?, "authorized", "{words}");
        answer_tokens(None);
        assert!(check().await?, "after {words}");
    }
    answer_tokens(Some(TokenAnswer::json(
        400,
        r#"{"error":"invalid_grant","error_description":"It was taken back."}"#,
    )));
    assert!(!check().await?);
    assert_eq!(practice.state().await?, "refused");
    Ok(())
}

/// `oidc-provider`, a certified server, in place of the site's own: `tests/browser/oidc.mjs`.
#[tokio::test]
async fn a_server_of_somebody_elses_making() -> Result<()> {
    let host = Host::start(setup(10)).await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/oidc.mjs");
    let mut server = Command::new("node");
    server.arg(script).env("REDIRECT", host.url("/oauth/callback")).kill_on_drop(true).stdin(Stdio::null());
    let mut server = server.stdout(Stdio::piped()).spawn().context("node runs")?;
    let mut lines = BufReader::new(server.stdout.take().context("a pipe")?).lines();
    let started = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await??;
    let site = started.context("it says where it is")?;

    connect(&host, &site, "a-secret-of-the-server", None).await?;
    let cookie = host.sign_up().await?;
    let back = through_its_pages(&host, &begin(&host, &cookie).await?).await?;
    let answer = come_back(&host, &cookie, &back).await?;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let one = host.get(PATH).await?.ok()?;
    assert_eq!(one["authorization"]["state"], "authorized", "{one}");

    // Its tokens hold two seconds: the next call renews them, and the old refresh token is spent.
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        let checked = host.press("/settings/integrations/oauth/check", &cookie).await?;
        assert!(checked.text.contains("knows this host as pat"), "{} {}", checked.status, checked.text);
    }
    // A code of its own that is used twice.
    let used = come_back(&host, &cookie, &back).await?;
    assert_eq!(used.status, StatusCode::BAD_REQUEST);
    Ok(())
}

/// Follows the server's login and consent; answers where it sends the person back to.
async fn through_its_pages(host: &Host, start: &str) -> Result<String> {
    let origin: String = start.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let mut cookies: Vec<(String, String)> = Vec::new();
    let (mut url, mut form) = (start.to_owned(), None::<&str>);
    for _ in 0..12 {
        let jar = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let request = match form.take() {
            Some(form) => {
                host.http().post(&url).header("content-type", "application/x-www-form-urlencoded").body(form.to_owned())
            }
            None => host.http().get(&url),
        };
        let response = request.header("cookie", jar).send().await?;
        for cookie in response.headers().get_all("set-cookie") {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie")?;
            cookies.retain(|(other, _)| other != name);
            if !value.is_empty() {
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        if let Some(location) = response.headers().get("location") {
            let location = location.to_str()?.to_owned();
            if location.starts_with(&host.url("/oauth/callback")) {
                return Ok(location);
            }
            url = if location.starts_with('/') { format!("{origin}{location}") } else { location };
            continue;
        }
        let text = response.text().await?;
        form = Some(if text.contains("value=\"login\"") {
            "prompt=login&login=pat&password=anything"
        } else {
            ensure!(text.contains("value=\"consent\""), "neither login nor consent: {text}");
            "prompt=consent"
        });
    }
    anyhow::bail!("the server's pages do not end")
}
