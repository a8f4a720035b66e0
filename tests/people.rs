//! Accounts, links and tokens with the real host: what a mail scanner, a colleague who leaves and a program that wants more
//! than it has come to.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tidegate_tests::{Answer, Host, Setup, TOKEN};

/// A password that everybody here has.
const PASSWORD: &str = "wet umbrella on the 7 bus";

/// Asks the API with a token.
async fn ask(host: &Host, method: Method, path: &str, token: &str, body: &Value) -> Result<Answer> {
    let request = host.http().request(method, host.url(&format!("/api/v1{path}"))).bearer_auth(token);
    host.send(if body.is_null() { request } else { request.json(body) }).await
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{value} is a text"))
}

/// Makes an account with a password; answers its id.
async fn add(host: &Host, email: &str, role: &str) -> Result<String> {
    let new = json!({"email": email, "name": "Omar Haddad", "role": role, "password": PASSWORD});
    text(&host.post("/api/v1/users", &new).await?.ok()?["id"])
}

/// Opens a session as somebody; answers its token.
async fn session(host: &Host, email: &str) -> Result<String> {
    let sign_in = json!({"email": email, "password": PASSWORD});
    let request = host.http().post(host.url("/api/v1/sessions")).json(&sign_in);
    text(&host.send(request).await?.ok()?["token"])
}

/// Sends a form of a page, with a session's cookie where there is one.
async fn send(host: &Host, path: &str, form: &[(&str, &str)], cookie: &str) -> Result<Answer> {
    let request = host.http().post(host.url(path)).header("sec-fetch-site", "same-origin").header("cookie", cookie);
    host.send(request.form(form)).await
}

/// The path of a link.
fn path_of(url: &str) -> Result<String> {
    let at = url.find("/join/").with_context(|| format!("{url} is a link"))?;
    Ok(url[at..].to_owned())
}

#[tokio::test]
async fn an_invitation_is_used_up_by_nobody_but_who_chooses_the_password_and_makes_one_account() -> Result<()> {
    let mut host = Host::start(Setup::with_clients(10)).await?;
    let new = json!({"email": "Omar@Example.com", "name": "Omar Haddad", "role": "support"});
    // Whatever name a request calls the host by, the link has the one of the settings.
    let request = host.http().post(host.url("/api/v1/users")).bearer_auth(TOKEN).header("host", "evil.example");
    let made = host.send(request.header("x-forwarded-host", "evil.example").json(&new)).await?.ok()?;
    let url = text(&made["invitation_url"])?;
    ensure!(url.starts_with("http://127.0.0.1:") && !url.contains("evil"), "{url}");
    let older = path_of(&text(&made["invitation_url"])?)?;
    let id = text(&made["id"])?;
    let again = host.post(&format!("/api/v1/users/{id}/reset"), &Value::Null).await?.ok()?;
    let link = path_of(&text(&again["invitation_url"])?)?;
    ensure!(link != older, "another link");
    ensure!(host.send(host.http().get(host.url(&older))).await?.status == 410, "the older one is over");

    // What a mail's scanner, a browser that looks ahead and a person who looks twice do.
    for _ in 0..3 {
        let head = host.send(host.http().head(host.url(&link))).await?;
        let prefetch = host.http().get(host.url(&link)).header("sec-purpose", "prefetch");
        let scanned =
            host.http().get(host.url(&link)).header("user-agent", "Mozilla/5.0 (compatible; LinkScanner/1.0)");
        let pages = [head, host.send(prefetch).await?, host.send(scanned).await?];
        ensure!(pages.iter().all(|page| page.status == 200), "{pages:?}");
        ensure!(pages.iter().all(|page| page.header("set-cookie").is_empty()), "nobody is signed in by looking");
        ensure!(pages[2].header("cache-control") == "no-store" && pages[2].text.contains("Omar Haddad"));
    }
    // Another site's page cannot send the form, and a password that is tried first is refused without using it up.
    let foreign =
        host.http().post(host.url(&link)).header("sec-fetch-site", "cross-site").form(&[("password", PASSWORD)]);
    ensure!(host.send(foreign).await?.status == 403);
    let common = send(&host, &link, &[("password", "qwertyuiop123")], "").await?;
    ensure!(common.status == 422 && common.text.contains("tried first"), "{} {}", common.status, common.text);

    let form = [("password", PASSWORD)];
    let answers =
        tokio::join!(send(&host, &link, &form, ""), send(&host, &link, &form, ""), send(&host, &link, &form, ""));
    let mut statuses = [answers.0?.status, answers.1?.status, answers.2?.status];
    statuses.sort_unstable();
    ensure!(statuses == [303, 410, 410], "one of them is let in: {statuses:?}");
    ensure!(send(&host, &link, &form, "").await?.status == 410, "and it is over");
    let users = host.get("/api/v1/users").await?.ok()?;
    ensure!(
        users["items"].as_array().is_some_and(|users| users.len() == 1 && users[0]["state"] == "active"),
        "{users}"
    );
    session(&host, "omar@example.com").await?;

    host.stop().await?;
    let log = std::fs::read_to_string(host.folder().join("host.log"))?;
    let tokens = [&older, &link].map(|path| path.trim_start_matches("/join/").to_owned());
    ensure!(tokens.iter().all(|token| !log.contains(token.as_str())), "a link is in the log");
    let personal = [PASSWORD, "omar@example.com", "Omar@Example.com", "Haddad"];
    ensure!(!personal.iter().any(|text| log.contains(text)), "a password, an email or a name is in the log");
    Ok(())
}

#[tokio::test]
async fn who_is_disabled_is_out_at_once_with_session_page_and_token() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    let id = add(&host, "omar@example.com", "support").await?;
    let by_program = session(&host, "omar@example.com").await?;
    let sign_in = [("email", "omar@example.com"), ("password", PASSWORD), ("to", "")];
    let entered = send(&host, "/sign-in", &sign_in, "").await?;
    let cookie = entered.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let new = json!({"name": "Nightly", "scopes": ["read", "events"]});
    let token = text(&ask(&host, Method::POST, "/tokens", &by_program, &new).await?.ok()?["token"])?;
    ensure!(token.starts_with("tg_"), "{token}");
    let page = async |path: &str| host.send(host.http().get(host.url(path)).header("cookie", &cookie)).await;
    ensure!(page("/account").await?.status == 200);
    for credential in [&by_program, &token] {
        ensure!(ask(&host, Method::GET, "/runs", credential, &Value::Null).await?.status == 200);
    }

    host.patch(&format!("/api/v1/users/{id}"), &json!({"disabled": true})).await?.ok()?;
    for credential in [&by_program, &token] {
        let answer = ask(&host, Method::GET, "/runs", credential, &Value::Null).await?;
        ensure!(answer.status == 401, "{} {}", answer.status, answer.text);
    }
    let left = page("/account").await?;
    ensure!(left.status == 303 && left.header("location").starts_with("/sign-in"), "{}", left.status);
    let refused = send(&host, "/sign-in", &sign_in, "").await?;
    ensure!(refused.status == 422 && refused.text.contains("disabled"), "{}", refused.text);
    // Enabled again, the person signs in anew; what had ended does not come back.
    host.patch(&format!("/api/v1/users/{id}"), &json!({"disabled": false})).await?.ok()?;
    ensure!(ask(&host, Method::GET, "/runs", &token, &Value::Null).await?.status == 401);
    session(&host, "omar@example.com").await?;
    Ok(())
}

#[tokio::test]
async fn a_token_never_does_more_than_it_says_than_its_maker_may_or_than_its_time() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    add(&host, "pat@example.com", "practice_manager").await?;
    let id = add(&host, "omar@example.com", "practice_manager").await?;
    let omar = session(&host, "omar@example.com").await?;
    let make = async |maker: &str, body: Value| ask(&host, Method::POST, "/tokens", maker, &body).await;
    let reading = text(&make(&omar, json!({"name": "R", "scopes": ["read"]})).await?.ok()?["token"])?;
    ensure!(ask(&host, Method::GET, "/households", &reading, &Value::Null).await?.status == 200);
    for (method, path, body) in [
        (Method::POST, "/tokens", json!({"name": "S", "scopes": ["manage"]})),
        (Method::POST, "/users", json!({"email": "x@example.com", "name": "X", "role": "practice_manager"})),
        (Method::POST, "/connections/main/sync", Value::Null),
    ] {
        let answer = ask(&host, method, path, &reading, &body).await?;
        ensure!(answer.status == 403 && answer.text.contains("scope"), "{path}: {} {}", answer.status, answer.text);
    }

    let managing = text(&make(&omar, json!({"name": "M", "scopes": ["manage"]})).await?.ok()?["token"])?;
    let soon = jiff::Timestamp::now() + Duration::from_secs(10);
    let brief = make(&managing, json!({"name": "Brief", "scopes": ["read"], "expires_at": soon.to_string()})).await?;
    let brief = text(&brief.ok()?["token"])?;
    ensure!(ask(&host, Method::GET, "/households", &brief, &Value::Null).await?.status == 200);
    tokio::time::sleep(Duration::from_millis(10_200)).await;
    let expired = ask(&host, Method::GET, "/households", &brief, &Value::Null).await?;
    ensure!(
        expired.status == 401 && expired.text.contains("“Brief” has expired"),
        "{} {}",
        expired.status,
        expired.text
    );
    ensure!(expired.header("www-authenticate").starts_with("Bearer"));
    let past = make(&managing, json!({"name": "P", "scopes": ["read"], "expires_at": "2001-01-01T00:00:00Z"})).await?;
    ensure!(past.status == 422 && past.json()?["errors"][0]["pointer"] == "/expires_at", "{}", past.text);

    // Demoted, its maker may less, and so may it.
    host.patch(&format!("/api/v1/users/{id}"), &json!({"role": "adviser"})).await?.ok()?;
    ensure!(ask(&host, Method::GET, "/quarantine", &reading, &Value::Null).await?.status == 403);
    ensure!(ask(&host, Method::POST, &format!("/users/{id}/reset"), &managing, &Value::Null).await?.status == 403);
    let listed = host.get("/api/v1/tokens").await?.ok()?;
    ensure!(listed["items"].as_array().is_some_and(|tokens| tokens.iter().any(|token| token["used_at"].is_string())));
    ensure!(!listed.to_string().contains("tg_"), "a token is answered once");
    Ok(())
}

#[tokio::test]
async fn of_two_practice_managers_who_demote_each_other_at_once_one_stays() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    for round in 0..8 {
        let emails = [format!("a{round}@example.com"), format!("b{round}@example.com")];
        let mut ids = Vec::new();
        for email in &emails {
            ids.push(add(&host, email, "practice_manager").await?);
        }
        // Who stayed of the round before gives way to these two.
        for user in host.get("/api/v1/users?limit=500").await?.ok()?["items"].as_array().into_iter().flatten() {
            if user["role"] == "practice_manager" && !ids.contains(&text(&user["id"])?) {
                let path = format!("/api/v1/users/{}", text(&user["id"])?);
                host.patch(&path, &json!({"role": "adviser"})).await?.ok()?;
            }
        }
        let (one, two) = (session(&host, &emails[0]).await?, session(&host, &emails[1]).await?);
        let paths = [format!("/users/{}", ids[1]), format!("/users/{}", ids[0])];
        let (demotes, disables) = (json!({"role": "support"}), json!({"disabled": true}));
        let answers = tokio::join!(
            ask(&host, Method::PATCH, &paths[0], &one, &demotes),
            ask(&host, Method::PATCH, &paths[1], &two, &disables),
        );
        let (one, two) = (answers.0?, answers.1?);
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        // The other was the last one by then (409), or no practice manager any more when it asked (401, 403).
        ensure!(statuses[0] == 200 && [401, 403, 409].contains(&statuses[1]), "{statuses:?} {} {}", one.text, two.text);
        let users = host.get("/api/v1/users?limit=500").await?.ok()?;
        let stays = |user: &&Value| user["role"] == "practice_manager" && user["disabled"] == false;
        let left = users["items"].as_array().into_iter().flatten().filter(stays).count();
        ensure!(left == 1, "{left} practice managers are left: {users}");
    }
    let last = host.get("/api/v1/users?limit=500").await?.ok()?;
    let is_left = |user: &&Value| user["role"] == "practice_manager" && user["disabled"] == false;
    let last = last["items"].as_array().into_iter().flatten().find(is_left);
    let path = format!("/api/v1/users/{}", text(&last.context("one is left")?["id"])?);
    for change in [json!({"disabled": true}), json!({"role": "compliance"})] {
        let refused = host.patch(&path, &change).await?;
        ensure!(refused.status == 409 && refused.text.contains("make somebody else one first"), "{}", refused.text);
    }
    Ok(())
}

#[tokio::test]
async fn accounts_and_tokens_are_looked_after_from_the_command_line_with_and_without_a_host() -> Result<()> {
    let mut host = Host::prepare(Setup::with_clients(10)).await?;
    let json_of = async |host: &Host, arguments: &[&str]| -> Result<Value> {
        let output = host.run(&[arguments, &["--json"]].concat()).await?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    // Before any host: the store is opened by the command itself.
    let add = ["user", "add", "omar@example.com", "--name", "Omar Haddad", "--role", "practice_manager"];
    let made = json_of(&host, &add).await?;
    ensure!(made["state"] == "invited" && made["role"] == "practice_manager", "{made}");
    let token = json_of(&host, &["token", "add", "Nightly", "--scope", "read", "--days", "2"]).await?;
    host.restart().await?;
    let secret = text(&token["token"])?;
    ensure!(ask(&host, Method::GET, "/users", &secret, &Value::Null).await?.status == 200);
    let link = path_of(&text(&made["invitation_url"])?)?;
    ensure!(send(&host, &link, &[("password", PASSWORD)], "").await?.status == 303);

    let twice = host.run(&add).await?;
    let said = String::from_utf8_lossy(&twice.stderr).into_owned();
    ensure!(twice.status.code() == Some(1) && said.contains("Another account has this email."), "{said}");
    let wrong = host.run(&["user", "add", "x@example.com", "--name", "X", "--role", "owner"]).await?;
    ensure!(wrong.status.code() == Some(2), "{wrong:?}");
    let last = host.run(&["user", "disable", "OMAR@example.com"]).await?;
    let said = String::from_utf8_lossy(&last.stderr).into_owned();
    ensure!(last.status.code() == Some(1) && said.contains("only practice manager who can sign in"), "{said}");
    let unknown = host.run(&["user", "reset", "nobody@example.com", "--json"]).await?;
    let said: Value = serde_json::from_slice(&unknown.stderr)?;
    ensure!(unknown.status.code() == Some(1) && unknown.stdout.is_empty(), "{unknown:?}");
    ensure!(text(&said["error"])?.contains("no account has the email nobody@example.com"), "{said}");

    let reset = json_of(&host, &["user", "reset", "omar@example.com"]).await?;
    ensure!(reset["reset_url"].is_string() && reset["state"] == "active", "{reset}");
    let session = session(&host, "omar@example.com").await?;
    let another = "gulls over a quiet harbour";
    ensure!(send(&host, &path_of(&text(&reset["reset_url"])?)?, &[("password", another)], "").await?.status == 303);
    let own = json!({"name": "Own", "scopes": ["read"]});
    let request = host.http().post(host.url("/api/v1/sessions"));
    let signed_in = request.json(&json!({"email": "omar@example.com", "password": another}));
    let signed_in = text(&host.send(signed_in).await?.ok()?["token"])?;
    ask(&host, Method::POST, "/tokens", &signed_in, &own).await?.ok()?;
    let kept = host.run(&["user", "reset", "omar@example.com"]).await?;
    let said = String::from_utf8_lossy(&kept.stdout).into_owned();
    ensure!(said.contains("1 API token of the account goes on; --revoke-tokens ends it."), "{said}");
    let ended = json_of(&host, &["user", "reset", "omar@example.com", "--revoke-tokens"]).await?;
    ensure!(ended["tokens"] == 0, "{ended}");
    ensure!(ask(&host, Method::GET, "/users", &session, &Value::Null).await?.status == 401, "sessions of before end");

    let listed = json_of(&host, &["user", "list"]).await?;
    ensure!(listed[0]["email"] == "omar@example.com" && listed[0]["signed_in_at"].is_string(), "{listed}");
    let tokens = json_of(&host, &["token", "list"]).await?;
    ensure!(tokens[0]["name"] == "Nightly" && tokens[0]["made_by_name"] == "the operator of this machine", "{tokens}");
    json_of(&host, &["token", "revoke", &text(&token["id"])?]).await?;
    ensure!(ask(&host, Method::GET, "/users", &secret, &Value::Null).await?.status == 401);
    Ok(())
}

#[tokio::test]
async fn a_person_looks_after_their_own_account_on_its_page() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    let cookie = host.sign_up().await?;
    let get = async |path: &str| host.send(host.http().get(host.url(path)).header("cookie", &cookie)).await;
    let own = "a tide gate lets water out";
    let page = get("/account").await?;
    for words in ["My account", "This one", "Make a token", "practice manager"] {
        ensure!(page.text.contains(words), "{words}: {}", page.text);
    }
    let wrong =
        send(&host, "/account/email", &[("email", "lee@example.com"), ("current_password", "wrong")], &cookie).await?;
    ensure!(wrong.status == 422 && wrong.text.contains("This is not your password."), "{}", wrong.text);
    ensure!(wrong.text.contains("lee@example.com"), "what was typed is kept");
    let form = [("email", "lee@example.com"), ("current_password", own)];
    ensure!(
        host.follow(send(&host, "/account/email", &form, &cookie).await?, &cookie).await?.text.contains("is changed")
    );
    let form = [("name", "Report"), ("scope-read", "on"), ("expires_at", "")];
    let made = host.follow(send(&host, "/account/tokens", &form, &cookie).await?, &cookie).await?;
    let token = made.text.split_once("<code>tg_").and_then(|(_, rest)| rest.split_once('<')).map(|(token, _)| token);
    let token = format!("tg_{}", token.with_context(|| made.text.clone())?);
    ensure!(ask(&host, Method::GET, "/households", &token, &Value::Null).await?.status == 200);
    ensure!(!get("/account").await?.text.contains(&token), "it is shown once");

    let sign_in = [("email", "lee@example.com"), ("password", own), ("to", "")];
    let elsewhere = send(&host, "/sign-in", &sign_in, "").await?;
    let elsewhere = elsewhere.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let form = [("current_password", own), ("password", "gulls over a quiet harbour")];
    let changed = host.follow(send(&host, "/account/password", &form, &cookie).await?, &cookie).await?;
    ensure!(changed.text.contains("signed out everywhere else"), "{}", changed.text);
    let left = host.send(host.http().get(host.url("/account")).header("cookie", &elsewhere)).await?;
    ensure!(left.status == 303, "the other session has ended");

    // Inviting by the page: the link is shown once, and what does not fit is said beside it.
    let refused = send(&host, "/people/invite", &[("name", "Omar"), ("email", "omar"), ("role", "")], &cookie).await?;
    ensure!(refused.status == 422 && refused.text.contains("id=\"role-problem\""), "{}", refused.text);
    let form = [("name", "Omar <b>Haddad</b>"), ("email", "omar@example.com"), ("role", "compliance")];
    let invited = host.follow(send(&host, "/people/invite", &form, &cookie).await?, &cookie).await?;
    ensure!(invited.status == 200 && invited.text.contains("/join/") && !invited.text.contains("<b>Haddad"));
    let people = get("/people").await?;
    ensure!(people.text.contains("Invited") && !people.text.contains("/join/"), "{}", people.text);
    let roles = get("/people/roles").await?;
    ensure!(roles.status == 200 && roles.text.contains("In their households"), "{}", roles.text);
    Ok(())
}

/// The parts of a page that stand between these.
fn between<'p>(page: &'p str, begin: &str) -> Vec<&'p str> {
    page.split(begin).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn roles_are_led_to_no_page_that_refuses_them_and_compliance_is_offered_no_change() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    host.sync_and_wait().await?;
    for role in ["compliance", "adviser"] {
        let email = format!("{role}@example.com");
        add(&host, &email, role).await?;
        let entered = send(&host, "/sign-in", &[("email", &*email), ("password", PASSWORD), ("to", "")], "").await?;
        let cookie = entered.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        let (mut seen, mut waiting) = (std::collections::BTreeSet::new(), vec!["/".to_owned()]);
        while let Some(path) = waiting.pop() {
            if seen.len() == 200 || !seen.insert(path.clone()) {
                continue;
            }
            let page = host.send(host.http().get(host.url(&path)).header("cookie", &cookie)).await?;
            ensure!(page.status != 403 && page.status < 500, "{role} is led to {path}: {}", page.status);
            let links = between(&page.text, "href=\"").into_iter();
            let links = links.filter_map(|link| link.replace("&amp;", "&").split('#').next().map(str::to_owned));
            waiting.extend(links.filter(|link| link.starts_with('/') && !link.starts_with("/assets/")));
            for form in between(&page.text, "method=\"post\" action=\"") {
                let is_own = form == "/sign-out" || form.starts_with("/account/");
                // To show a sensitive value changes nothing; all staff but compliance may add clients, and open a household in
                // an emergency.
                let of_staff = ["/clients", "/emergency-access"].contains(&form);
                let is_allowed = form.contains("/reveal") || (of_staff && role != "compliance");
                ensure!(is_own || is_allowed, "{role} is offered {form} at {path}");
            }
        }
        ensure!(seen.iter().any(|path| path.ends_with("/explain")) == (role == "compliance"), "{role}: {seen:?}");
    }
    Ok(())
}

/// Some shells begin what they pipe with a byte order mark, and end it with a carriage return.
#[tokio::test]
async fn a_password_of_a_pipe_is_the_one_that_is_typed() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    let piped = host.folder().join("piped");
    std::fs::write(&piped, format!("\u{feff}{PASSWORD}\r\n"))?;
    let add = ["user", "add", " Omar@Example.com ", "--name", "Omar Haddad", "--role", "support", "--password-stdin"];
    let output = host.command(&add)?.stdin(std::fs::File::open(&piped)?).output().await?;
    ensure!(output.status.success(), "{output:?}");
    session(&host, "omar@example.com").await?;
    Ok(())
}

#[tokio::test]
async fn a_list_that_is_cut_says_so() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    for email in ["omar@example.com", "pat@example.com"] {
        add(&host, email, "support").await?;
    }
    for (limit, is_cut) in [("1", true), ("2", false)] {
        let output = host.run(&["user", "list", "--limit", limit, "--json"]).await?;
        let listed: Value = serde_json::from_slice(&output.stdout)?;
        ensure!(listed.as_array().map(|users| users.len().to_string()).as_deref() == Some(limit), "{listed}");
        let said = String::from_utf8(output.stderr)?;
        ensure!(said.contains("There are more than the first 1") == is_cut, "{limit}: {said}");
    }
    Ok(())
}
