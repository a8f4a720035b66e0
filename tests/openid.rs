//! Signing in by an identity provider: a certified one of somebody else's making with a real browser, and one that goes wrong
//! on purpose.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tidegate_tests::{Answer, Host, Setup};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// A password that everybody here has.
const PASSWORD: &str = "wet umbrella on the 7 bus";
/// What the settings give groups, unless a test says otherwise.
const ROLES: &str =
    "[openid.roles]\nManagers = \"practice_manager\"\nAdvisers = \"adviser\"\n\"Help desk\" = \"support\"\n";

/// A provider that runs, and a host whose settings name it.
struct Practice {
    host: Host,
    provider: String,
    _process: Child,
}

/// A browser without pages: the cookies that it keeps, of the host alone.
#[derive(Default, Clone)]
struct Browser {
    cookies: Vec<(String, String)>,
}

impl Practice {
    /// With a provider's script, variables for it, and more settings of `[openid]`.
    async fn new(script: &str, variables: &[(&str, &str)], more: &str) -> Result<Self> {
        // The provider has to know beforehand where the host will be.
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let listen = format!("127.0.0.1:{port}");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script);
        let mut process = Command::new("node");
        process.arg(script).env("REDIRECT", format!("http://{listen}/sign-in/openid/callback"));
        process.envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = process.spawn().context("node runs")?;
        let mut lines = BufReader::new(process.stdout.take().context("a pipe")?).lines();
        let started = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await??;
        let provider = started.context("it says where it is")?;
        // What else it prints is read, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let host = host(&provider, &listen, more).await?;
        Ok(Self { host, provider, _process: process })
    }

    async fn set(&self, set: Value) -> Result<()> {
        reqwest::Client::new().post(format!("{}/set", self.provider)).json(&set).send().await?.error_for_status()?;
        Ok(())
    }

    async fn count(&self, path: &str) -> Result<u64> {
        let counts = reqwest::get(format!("{}/counts", self.provider)).await?.json::<Value>().await?;
        Ok(counts[path].as_u64().unwrap_or_default())
    }

    /// Sets how the odd provider goes wrong, and signs in.
    async fn sign_in(&self, set: Value) -> Result<Answer> {
        self.set(set).await?;
        Browser::default().sign_in(&self.host).await
    }

    /// What a sign-in that is refused says; it has the status, and opens no session.
    async fn refused(&self, set: Value, status: u16, words: &str) -> Result<()> {
        let said = set.to_string();
        let answer = self.sign_in(set).await?;
        ensure!(answer.status == status, "{said}: {} {}", answer.status, answer.text);
        ensure!(answer.text.contains(words), "{said}: {words:?} is not in {}", answer.text);
        ensure!(answer.text.contains("Sign in with Acme login"), "the page leads on: {}", answer.text);
        ensure!(!answer.header("set-cookie").contains("__Host-tidegate="), "nobody is in");
        Ok(())
    }

    async fn users(&self) -> Result<Vec<Value>> {
        let users = self.host.get("/api/v1/users").await?.ok()?;
        Ok(users["items"].as_array().cloned().unwrap_or_default())
    }

    async fn user(&self, email: &str) -> Result<Value> {
        let users = self.users().await?;
        users.into_iter().find(|user| user["email"] == email).with_context(|| format!("{email} has an account"))
    }

    /// Entries of a verb, the newest first.
    async fn audit(&self, verb: &str) -> Result<Vec<Value>> {
        let entries = self.host.get("/api/v1/audit?limit=200").await?.ok()?;
        let entries = entries["items"].as_array().cloned().unwrap_or_default();
        Ok(entries.into_iter().filter(|entry| entry["verb"] == verb).collect())
    }
}

/// A host whose settings name a provider.
async fn host(issuer: &str, listen: &str, more: &str) -> Result<Host> {
    let settings = format!(
        "\n[openid]\nissuer = \"{issuer}\"\nclient-id = \"tidegate\"\nclient-secret-file = \"secrets/openid\"\nlabel = \"Acme \
         login\"\nscopes = [\"openid\", \"email\", \"profile\", \"groups\"]\n{more}"
    );
    let secrets = vec![("openid", "a secret:with+letters/of=all%kinds&more\n")];
    let mut host = Host::prepare(Setup { settings, secrets, ..Setup::with_clients(10) }).await?;
    host.restart_with(&[("TIDEGATE__SERVER__LISTEN", listen)]).await?;
    Ok(host)
}

impl Browser {
    async fn open(&mut self, host: &Host, url: &str) -> Result<Answer> {
        let jar = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let url = if url.starts_with('/') { host.url(url) } else { url.to_owned() };
        let request = host.http().get(&url);
        // The provider on this machine is another host to a browser.
        let is_own = url.starts_with(&host.url("/"));
        let answer = host.send(if is_own { request.header("cookie", jar) } else { request }).await?;
        if is_own
            && let Some((name, value)) = answer.header("set-cookie").split(';').next().and_then(|c| c.split_once('='))
        {
            self.cookies.retain(|(other, _)| other != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        Ok(answer)
    }

    /// Goes to the provider; answers the address by which it leads back.
    async fn go(&mut self, host: &Host, from: &str) -> Result<String> {
        let there = self.open(host, from).await?;
        ensure!(there.status == 303, "{} {}", there.status, there.text);
        let back = self.open(host, there.header("location")).await?;
        ensure!(back.status == 302, "{} {}", back.status, back.text);
        Ok(back.header("location").to_owned())
    }

    async fn sign_in(&mut self, host: &Host) -> Result<Answer> {
        let there = self.open(host, "/sign-in/openid?to=%2Fruns").await?;
        if there.status != 303 {
            return Ok(there);
        }
        let back = self.open(host, there.header("location")).await?.header("location").to_owned();
        self.open(host, &back).await
    }
}

/// Makes an account with a password; answers its id.
async fn add(host: &Host, email: &str, role: &str) -> Result<String> {
    let new = json!({"email": email, "name": "Pat Lee", "role": role, "password": PASSWORD});
    Ok(host.post("/api/v1/users", &new).await?.ok()?["id"].as_str().context("an id")?.to_owned())
}

/// Claims of somebody in these groups.
fn omar(groups: &[&str]) -> Value {
    json!({"email": "omar@example.com", "email_verified": true, "name": "Omar Haddad", "groups": groups})
}

/// What a page of the host answers to a browser.
async fn status(browser: &mut Browser, host: &Host, path: &str) -> Result<u16> {
    Ok(browser.open(host, path).await?.status)
}

#[tokio::test]
async fn a_token_that_was_not_made_for_this_sign_in_lets_nobody_in() -> Result<()> {
    let practice = Practice::new("odd-provider.mjs", &[], &format!("make-accounts = true\n{ROLES}")).await?;
    add(&practice.host, "pat@example.com", "practice_manager").await?;
    let with = |more: Value| {
        let mut claims = omar(&["Advisers"]);
        for (name, value) in more.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        json!({"claims": claims})
    };
    let now = jiff::Timestamp::now().as_second();
    for (set, words) in [
        (with(json!({"nonce": "another"})), "another sign-in"),
        (with(json!({"nonce": null})), "another sign-in"),
        (with(json!({"aud": "another"})), "another application"),
        (with(json!({"aud": ["tidegate", "another"]})), "several applications"),
        (with(json!({"azp": "another"})), "given to another application"),
        (with(json!({"iss": "https://evil.example"})), "another provider"),
        (with(json!({"exp": now - 120})), "its time is over"),
        (with(json!({"exp": (now + 300).to_string()})), "times cannot be read"),
        (with(json!({"iat": now + 600})), "in the future"),
        (with(json!({"iat": now - 3600})), "long ago"),
        (with(json!({"sub": null})), "who the person is"),
        (json!({"claims": omar(&["Advisers"]), "key": "none"}), "no algorithm"),
        (json!({"claims": omar(&["Advisers"]), "key": "secret"}), "no algorithm"),
        (json!({"claims": omar(&["Advisers"]), "header": {"alg": "none"}}), "no algorithm"),
        (json!({"claims": omar(&["Advisers"]), "key": "foreign"}), "not the provider"),
        (json!({"claims": omar(&["Advisers"]), "key": "unknown"}), "no key that the provider publishes"),
        (json!({"claims": omar(&["Advisers"]), "header": {"crit": ["b64"]}}), "extensions"),
        (json!({"claims": omar(&["Advisers"]), "back": {"iss": "https://evil.example"}}), "another identity provider"),
        (json!({"claims": omar(&["Advisers"]), "back": {"state": "guessed"}}), "another browser"),
        (json!({"claims": omar(&["Advisers"]), "back": {"state": null}}), "another browser"),
        (json!({"claims": omar(&["Advisers"]), "back": {"code": "guessed"}}), "invalid_grant"),
        (json!({"back": {"code": null, "error": "access_denied", "error_description": "<b>No</b>"}}), "access_denied"),
        (json!({"claims": {"email": null}, "userInfo": {"sub": "18", "email": "omar@example.com"}}), "somebody else"),
    ] {
        practice.refused(set, 422, words).await?;
    }
    ensure!(practice.users().await?.len() == 1, "no account was made");
    // A state holds once, and in the browser that began.
    practice.set(json!({"claims": omar(&["Advisers"])})).await?;
    let (mut one, mut other) = (Browser::default(), Browser::default());
    let back = one.go(&practice.host, "/sign-in/openid").await?;
    other.go(&practice.host, "/sign-in/openid").await?;
    ensure!(status(&mut other, &practice.host, &back).await? == 422, "another browser's");
    ensure!(status(&mut Browser::default(), &practice.host, &back).await? == 422, "no browser's");
    ensure!(status(&mut one, &practice.host, &back).await? == 303, "and it is still good for its own");
    ensure!(status(&mut one.clone(), &practice.host, "/account").await? == 200);
    ensure!(
        status(&mut Browser { cookies: one.cookies[..1].to_vec() }, &practice.host, &back).await? == 422,
        "it was used"
    );
    // Two tabs of one browser.
    let mut tabs = Browser::default();
    let (first, second) =
        (tabs.go(&practice.host, "/sign-in/openid").await?, tabs.go(&practice.host, "/sign-in/openid").await?);
    ensure!(status(&mut tabs.clone(), &practice.host, &first).await? == 303);
    ensure!(status(&mut tabs, &practice.host, &second).await? == 303);
    // An address that leads elsewhere is not followed.
    let mut lured = Browser::default();
    let back = lured.go(&practice.host, "/sign-in/openid?to=%2F%2Fevil.example").await?;
    ensure!(lured.open(&practice.host, &back).await?.header("location") == "/");
    let log = std::fs::read_to_string(practice.host.folder().join("host.log"))?;
    for secret in ["with+letters", "omar@example.com", "Haddad", "code="] {
        ensure!(!log.contains(secret), "{secret} is in the log");
    }
    Ok(())
}

#[tokio::test]
async fn keys_that_are_exchanged_are_asked_for_once_and_forged_names_ask_for_nothing() -> Result<()> {
    let practice = Practice::new("odd-provider.mjs", &[], &format!("make-accounts = true\n{ROLES}")).await?;
    let good = || json!({"claims": omar(&["Advisers"])});
    ensure!(practice.sign_in(good()).await?.status == 303);
    ensure!(practice.sign_in(good()).await?.status == 303);
    ensure!((practice.count("/jwks").await?, practice.count("/.well-known/openid-configuration").await?) == (1, 1));
    for _ in 0..5 {
        practice.refused(json!({"claims": omar(&["Advisers"]), "key": "unknown"}), 422, "no key").await?;
    }
    ensure!(practice.count("/jwks").await? == 1, "once a minute at most");
    tokio::time::sleep(Duration::from_secs(61)).await;
    let rotated = practice.sign_in(json!({"claims": omar(&["Advisers"]), "key": "rotated"})).await?;
    ensure!(rotated.status == 303, "{} {}", rotated.status, rotated.text);
    ensure!(practice.count("/jwks").await? == 2);
    Ok(())
}

#[tokio::test]
async fn groups_give_a_role_at_every_sign_in_and_without_one_everything_ends_at_once() -> Result<()> {
    let practice = Practice::new("odd-provider.mjs", &[], &format!("make-accounts = true\n{ROLES}")).await?;
    let host = &practice.host;
    let claims = |groups: &[&str]| json!({"claims": omar(groups)});
    add(host, "pat@example.com", "practice_manager").await?;
    // For whom there is no account yet: without groups none is made, and it is said why.
    practice.refused(claims(&[]), 422, "None of your groups").await?;
    practice
        .refused(json!({"claims": {"email": "omar@example.com", "email_verified": true}}), 422, "sent no groups")
        .await?;
    let overage = json!({
        "email": "omar@example.com", "email_verified": true, "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": "https://graph.example/groups"}},
    });
    practice.refused(json!({"claims": overage}), 422, "more groups for this account than it sends").await?;
    ensure!(practice.users().await?.len() == 1, "no account was made");

    let mut browser = Browser::default();
    practice.set(claims(&["Help desk", "Managers", "Everybody"])).await?;
    ensure!(browser.sign_in(host).await?.header("location") == "/runs");
    ensure!(practice.user("omar@example.com").await?["role"] == "practice_manager", "the strongest of several");
    // A token of theirs, made in the session of the page: after a sign-in that says when it was.
    let mut fresh = omar(&["Managers"]);
    fresh["auth_time"] = json!(jiff::Timestamp::now().as_second());
    practice.set(json!({"claims": fresh})).await?;
    ensure!(browser.sign_in(host).await?.status == 303);
    let jar = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let form = [("name", "Nightly"), ("scope-read", "on"), ("expires_at", "")];
    let request = host.http().post(host.url("/account/tokens")).header("sec-fetch-site", "same-origin");
    let made = host.follow(host.send(request.header("cookie", &jar).form(&form)).await?, &jar).await?;
    let token =
        made.text.split("<code>").find_map(|part| part.starts_with("tg_").then(|| part.split('<').next())).flatten();
    let token = token.with_context(|| made.text.clone())?.to_owned();
    let by_token = async || {
        let answer = host.send(host.http().request(Method::GET, host.url("/api/v1/runs")).bearer_auth(&token)).await?;
        anyhow::Ok(answer.status)
    };
    ensure!(by_token().await? == 200);

    // Groups that are not sent change nothing, and the reason is shown and kept.
    for (set, words) in [
        (json!({"claims": overage}), "more groups for this account than it sends"),
        (json!({"claims": {"email": "omar@example.com", "email_verified": true}}), "sent no groups"),
        (
            json!({"claims": {"email": "omar@example.com", "email_verified": true, "groups": {"a": 1}}}),
            "no list of names",
        ),
    ] {
        practice.set(set).await?;
        let mut again = Browser::default();
        let answer = again.sign_in(host).await?;
        ensure!(answer.header("location").starts_with("/account?answer="), "{} {}", answer.status, answer.text);
        let page = again.open(host, answer.header("location")).await?;
        ensure!(page.text.contains(words), "{words}: {}", page.text);
        ensure!(practice.user("omar@example.com").await?["role"] == "practice_manager");
        ensure!(by_token().await? == 200 && status(&mut browser, host, "/account").await? == 200);
    }
    let entries = practice.audit("openid.sign_in").await?;
    ensure!(entries.iter().any(|entry| entry.to_string().contains("the role stays")), "{entries:?}");

    practice.set(claims(&["Help desk"])).await?;
    ensure!(Browser::default().sign_in(host).await?.status == 303);
    ensure!(practice.user("omar@example.com").await?["role"] == "support", "another role");
    ensure!(status(&mut browser, host, "/account").await? == 200, "a session goes on in the new role");
    // Out of all groups.
    practice.refused(claims(&["Everybody"]), 422, "signed out everywhere").await?;
    ensure!(by_token().await? == 401, "the token has ended");
    ensure!(status(&mut browser, host, "/account").await? == 303, "and the session");
    ensure!(practice.user("omar@example.com").await?["state"] == "disabled");
    practice.refused(claims(&[]), 422, "None of your groups").await?;
    let by = practice.audit("openid.follow").await?;
    let newest = by.first().context("an entry")?;
    ensure!(newest.to_string().contains("identity provider"), "{newest}");
    // In one again; what had ended stays ended.
    practice.set(claims(&["Advisers"])).await?;
    ensure!(Browser::default().sign_in(host).await?.status == 303);
    ensure!(practice.user("omar@example.com").await?["role"] == "adviser" && by_token().await? == 401);
    // Whom a person disabled no group lets in.
    let id = practice.user("omar@example.com").await?["id"].as_str().context("an id")?.to_owned();
    host.patch(&format!("/api/v1/users/{id}"), &json!({"disabled": true})).await?.ok()?;
    practice.refused(claims(&["Managers"]), 422, "disabled").await?;
    Ok(())
}

#[tokio::test]
async fn the_last_practice_manager_is_kept_and_households_keep_their_primary() -> Result<()> {
    let practice = Practice::new("odd-provider.mjs", &[], &format!("make-accounts = true\n{ROLES}")).await?;
    let host = &practice.host;
    let mut browser = Browser::default();
    practice.set(json!({"claims": omar(&["Managers"])})).await?;
    ensure!(browser.sign_in(host).await?.status == 303);
    for groups in [&[][..], &["Help desk"], &["Everybody"]] {
        let answer = practice.sign_in(json!({"claims": omar(groups)})).await?;
        ensure!(
            answer.header("location").starts_with("/account?answer="),
            "{groups:?} {} {}",
            answer.status,
            answer.text
        );
        let user = practice.user("omar@example.com").await?;
        ensure!(user["role"] == "practice_manager" && user["state"] == "active", "{user}");
    }
    let account = browser.open(host, "/account").await?;
    ensure!(account.text.contains("only one who can sign in"), "{}", account.text);
    let id = practice.user("omar@example.com").await?["id"].as_str().context("an id")?.to_owned();
    let page = browser.open(host, &format!("/people/{id}")).await?;
    ensure!(page.text.contains("only one who can sign in"), "{}", page.text);
    // With another manager it is as it is for everybody, and households keep whom they name.
    add(host, "pat@example.com", "practice_manager").await?;
    let new = json!({"first_name": "Sam", "last_name": "Reed"});
    let client = host.post("/api/v1/clients", &new).await?.ok()?;
    let household = client["household_id"].as_str().context("a household")?.to_owned();
    let access = format!("/api/v1/households/{household}/access");
    let primary = json!({"primary": {"user_id": id}});
    let request = host.http().put(host.url(&access)).bearer_auth(tidegate_tests::TOKEN).json(&primary);
    host.send(request).await?.ok()?;
    practice.refused(json!({"claims": omar(&[])}), 422, "signed out everywhere").await?;
    let after = host.get(&access).await?.ok()?;
    ensure!(after["primary"].to_string().contains(&id), "{after}");
    Ok(())
}

#[tokio::test]
async fn an_account_is_linked_by_a_verified_email_and_known_by_its_identity_afterwards() -> Result<()> {
    let practice = Practice::new("odd-provider.mjs", &[], "email-domains = [\"example.com\"]\n").await?;
    let host = &practice.host;
    add(host, "pat@example.com", "practice_manager").await?;
    let with = |more: Value| json!({"claims": more});
    practice
        .refused(with(json!({"email": "new@example.com", "email_verified": true})), 422, "Nobody here has the email")
        .await?;
    let new = json!({"email": "omar@example.com", "name": "Omar Haddad", "role": "support"});
    let invited = host.post("/api/v1/users", &new).await?.ok()?;
    let link = invited["invitation_url"].as_str().context("a link")?.to_owned();
    for verified in [json!(false), json!("false"), json!(null), json!(1)] {
        let claims = json!({"email": "omar@example.com", "email_verified": verified});
        practice.refused(with(claims), 422, "does not say that your email is verified").await?;
    }
    practice.refused(with(json!({})), 422, "sent no email").await?;
    practice.refused(with(json!({"email": "omar@evil.example", "email_verified": true})), 422, "of a domain").await?;
    // An email of UserInfo is believed where the token has none, together with whether it is verified.
    let unverified =
        json!({"claims": {"email_verified": true}, "userInfo": {"sub": "17", "email": "omar@example.com"}});
    practice.refused(unverified, 422, "does not say that your email is verified").await?;
    ensure!(practice.user("omar@example.com").await?["state"] == "invited", "nothing half done");

    let told = json!({"sub": "17", "email": "OMAR@example.com", "email_verified": true});
    let mut browser = Browser::default();
    practice.set(json!({"userInfo": told})).await?;
    let entered = browser.sign_in(host).await?;
    ensure!(entered.status == 303 && entered.header("location") == "/runs", "{} {}", entered.status, entered.text);
    let user = practice.user("omar@example.com").await?;
    ensure!(user["state"] == "active" && user["role"] == "support", "roles are managed here: {user}");
    ensure!(host.send(host.http().get(&link)).await?.status == 410, "the invitation is over");
    // Another email there, not verified, taken by somebody else: the same person here.
    for email in ["o.haddad@example.com", "pat@example.com"] {
        practice.set(with(json!({"email": email, "email_verified": false}))).await?;
        let mut again = Browser::default();
        ensure!(again.sign_in(host).await?.status == 303);
        ensure!(again.open(host, "/account").await?.text.contains("Omar Haddad"), "{email}");
    }
    ensure!(practice.users().await?.len() == 2);
    // Somebody else with the email of an account that is linked; and the same letters of another subject.
    let taken = json!({"sub": "18", "email": "omar@example.com", "email_verified": true});
    practice.refused(with(taken.clone()), 422, "linked to another account").await?;

    // A practice manager unlinks it: signed out, and the other may link it.
    let id = user["id"].as_str().context("an id")?.to_owned();
    let sign_in = [("email", "pat@example.com"), ("password", PASSWORD), ("to", "")];
    let request = host.http().post(host.url("/sign-in")).header("sec-fetch-site", "same-origin").form(&sign_in);
    let manager = host.send(request).await?.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let page = host.send(host.http().get(host.url(&format!("/people/{id}"))).header("cookie", &manager)).await?;
    ensure!(
        page.text.contains("Unlink the identity provider") && page.text.contains(&practice.provider),
        "{}",
        page.text
    );
    let unlinked = host.press(&format!("/people/{id}/unlink"), &manager).await?;
    ensure!(unlinked.text.contains("is unlinked"), "{}", unlinked.text);
    ensure!(status(&mut browser, host, "/account").await? == 303, "signed out");
    ensure!(practice.sign_in(with(taken)).await?.status == 303);
    ensure!(practice.audit("people.unlink").await?.len() == 1);
    Ok(())
}

#[tokio::test]
async fn a_sign_in_there_long_ago_confirms_nothing_and_a_new_one_does() -> Result<()> {
    let practice = Practice::new("odd-provider.mjs", &[], &format!("make-accounts = true\n{ROLES}")).await?;
    let host = &practice.host;
    let now = || jiff::Timestamp::now().as_second();
    let at = |moment: Value| {
        let mut claims = omar(&["Managers"]);
        claims["auth_time"] = moment;
        json!({"claims": claims})
    };
    let mut browser = Browser::default();
    for moment in [json!(null), json!(now() - 3600)] {
        practice.set(at(moment)).await?;
        ensure!(browser.sign_in(host).await?.status == 303);
        let page = browser.open(host, "/account").await?;
        ensure!(page.text.contains("Confirm it’s you to make a token"), "the session there may be hours old");
    }
    let confirm = browser.open(host, "/account/confirm?to=%2Fpeople%2Finvite").await?;
    ensure!(confirm.text.contains("Sign in with Acme login once more"), "{}", confirm.text);
    ensure!(!confirm.text.contains("type=\"password\""), "there is no password to give: {}", confirm.text);
    let path = "/account/confirm/openid?to=%2Fpeople%2Finvite";
    let there = browser.clone().open(host, path).await?.header("location").to_owned();
    ensure!(there.contains("prompt=login") && there.contains("max_age=0"), "{there}");
    for (moment, words) in
        [(json!(null), "auth_time"), (json!(now() - 3600), "auth_time"), (json!(now() + 3600), "auth_time")]
    {
        practice.set(at(moment)).await?;
        let back = browser.go(host, path).await?;
        let refused = browser.open(host, &back).await?;
        ensure!(refused.status == 422 && refused.text.contains(words), "{} {}", refused.status, refused.text);
    }
    // Somebody else there, even who may.
    let mut other = at(json!(now()));
    other["claims"]["sub"] = json!("18");
    other["claims"]["email"] = json!("bo@example.com");
    practice.set(other).await?;
    let back = browser.go(host, path).await?;
    let refused = browser.open(host, &back).await?;
    ensure!(refused.text.contains("somebody else than here"), "{} {}", refused.status, refused.text);
    ensure!(practice.users().await?.len() == 1, "and no account is made");
    practice.set(at(json!(now()))).await?;
    let back = browser.go(host, path).await?;
    // In a browser that has another session by now, nothing is confirmed.
    let mut without = browser.clone();
    without.cookies.retain(|(name, _)| name.ends_with("openid"));
    ensure!(without.open(host, &back).await?.text.contains("session has ended"));
    let back = browser.go(host, path).await?;
    let confirmed = browser.open(host, &back).await?;
    ensure!(confirmed.status == 303 && confirmed.header("location") == "/people/invite", "{}", confirmed.text);
    ensure!(browser.open(host, "/account").await?.text.contains("Make the token"));
    // Out of the groups meanwhile: the confirmation ends the account.
    add(host, "pat@example.com", "practice_manager").await?;
    let mut out = at(json!(now()));
    out["claims"]["groups"] = json!([]);
    practice.set(out).await?;
    let back = browser.go(host, path).await?;
    ensure!(browser.open(host, &back).await?.text.contains("signed out everywhere"));
    ensure!(status(&mut browser, host, "/account").await? == 303);
    Ok(())
}

#[tokio::test]
async fn without_the_provider_the_host_starts_and_passwords_work() -> Result<()> {
    // Takes connections and says nothing.
    let hole = TcpListener::bind("127.0.0.1:0").await?;
    let issuer = format!("http://{}", hole.local_addr()?);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = hole.accept().await {
            held.push(connection);
        }
    });
    let host = host(&issuer, "127.0.0.1:0", "passwords = false\n").await?;
    add(&host, "pat@example.com", "practice_manager").await?;
    add(&host, "omar@example.com", "adviser").await?;
    let begun = Instant::now();
    let go = async || Browser::default().sign_in(&host).await;
    let (one, two, three, four) = tokio::join!(go(), go(), go(), go());
    let answers = [one?, two?, three?, four?];
    ensure!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    for answer in answers {
        ensure!(answer.status == 503 && answer.text.contains("does not answer"), "{} {}", answer.status, answer.text);
        ensure!(answer.text.contains("name=\"password\""), "the way back is on the page");
    }
    ensure!(host.send(host.http().get(host.url("/readyz"))).await?.status == 200);
    let sign_in = async |email: &str| {
        let form = [("email", email), ("password", PASSWORD), ("to", "")];
        let request = host.http().post(host.url("/sign-in")).header("sec-fetch-site", "same-origin").form(&form);
        host.send(request).await
    };
    ensure!(sign_in("pat@example.com").await?.status == 303, "a practice manager's password is the way back");
    let others = sign_in("omar@example.com").await?;
    ensure!(others.status == 422 && others.text.contains("practice managers"), "{} {}", others.status, others.text);
    let program = json!({"email": "omar@example.com", "password": PASSWORD});
    let program = host.send(host.http().post(host.url("/api/v1/sessions")).json(&program)).await?;
    ensure!(program.status == 401, "nor by the other way in: {}", program.text);
    Ok(())
}

#[tokio::test]
async fn a_provider_that_is_late_or_broken_is_told_in_words() -> Result<()> {
    let practice = Practice::new("odd-provider.mjs", &[], &format!("make-accounts = true\n{ROLES}")).await?;
    let well_known = "/.well-known/openid-configuration";
    let check = ["config", "check", "--connect"];
    let looked = practice.host.run(&check).await?;
    let said = String::from_utf8_lossy(&looked.stdout);
    ensure!(
        looked.status.success() && said.contains("people sign in at") && said.contains("/sign-in/openid/callback"),
        "{said}"
    );
    practice.set(json!({"metadata": {"issuer": "https://login.example"}})).await?;
    let looked = practice.host.run(&check).await?;
    let said = String::from_utf8_lossy(&looked.stdout);
    ensure!(looked.status.code() == Some(1) && said.contains("calls itself `https://login.example`"), "{said}");
    let mistakes = [
        (json!({"metadata": {"issuer": "https://login.example"}}), "calls itself `https://login.example`"),
        (json!({"metadata": {"token_endpoint": "http://evil.example/token"}}), "not encrypted"),
        (json!({"metadata": {"jwks_uri": "file:///etc/passwd"}}), "not encrypted"),
        (json!({"metadata": {"jwks_uri": null}}), "lacks something"),
        (json!({"metadata": {"more": "x".repeat(2 << 20)}}), "longer than 1 MB"),
        (json!({"status": {well_known: 404}}), "it answered 404"),
        (json!({"status": {well_known: 502}}), "it answered 502"),
        (json!({"late": {well_known: 6_000}}), "no answer within 4 seconds"),
    ];
    for (set, words) in mistakes {
        let begun = Instant::now();
        practice.refused(set, 503, words).await?;
        ensure!(begun.elapsed() < Duration::from_secs(6), "{words}: {:?}", begun.elapsed());
        // It is not asked again at once after a failure.
        tokio::time::sleep(Duration::from_millis(5_100)).await;
    }
    let claims = omar(&["Advisers"]);
    practice.refused(json!({"claims": claims, "status": {"/jwks": 500}}), 503, "it answered 500").await?;
    practice.refused(json!({"claims": claims, "late": {"/token": 10_000}}), 503, "no answer within 8 seconds").await?;
    practice.refused(json!({"claims": {"email": null}, "status": {"/userinfo": 500}}), 503, "it answered 500").await?;
    ensure!(practice.users().await?.is_empty(), "nothing half done");
    ensure!(practice.sign_in(json!({"claims": claims})).await?.status == 303, "it is well again");
    Ok(())
}

/// `oidc-provider`, a certified provider, with a browser: `tests/browser/openid.mjs`.
#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_by_a_provider_of_somebody_elses_making() -> Result<()> {
    for variables in [&[("AUTH", "client_secret_basic")][..], &[("AUTH", "client_secret_post"), ("IN_USER_INFO", "1")]]
    {
        let practice = Practice::new("provider.mjs", variables, &format!("make-accounts = true\n{ROLES}")).await?;
        let new = json!({"email": "zoe@example.com", "name": "Zoe Tan", "role": "support"});
        practice.host.post("/api/v1/users", &new).await?.ok()?;
        add(&practice.host, "pat@example.com", "practice_manager").await?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/openid.mjs");
        let mut browser = Command::new("node");
        browser.arg(script).env("HOST", practice.host.url("")).env("PROVIDER", &practice.provider);
        browser.stdin(Stdio::null()).kill_on_drop(true);
        let within = Duration::from_secs(180);
        let output = tokio::time::timeout(within, browser.output()).await.context("the browser comes to an end")??;
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{said}\n{errors}\n{}", practice.host.log_tail());
        ensure!(practice.user("omar@example.com").await?["role"] == "practice_manager");
        ensure!(practice.user("zoe@example.com").await?["state"] == "disabled", "without a group at the end");
    }
    Ok(())
}
