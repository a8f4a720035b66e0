//! The table: each verb with a mistake, by the page's form and by the API, and the refusal that both answer.

mod privacy;
mod teams;

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::host::{Host, parts};

/// A mistake.
pub struct Row {
    pub verb: &'static str,
    /// The page's path and form; none where no page has the verb.
    pub form: Option<(String, String)>,
    /// The API's method, path and body; none where the API has no such verb.
    pub api: Option<(Method, String, Value)>,
    /// The refusal that is expected; none where a role is all that can be refused.
    pub expected: Option<Expected>,
    /// Whether it is asked who acts.
    pub needs_role: bool,
}

/// The answer that is expected of both.
pub struct Expected {
    pub status: u16,
    /// The field that does not fit, by the API's name.
    pub field: Option<&'static str>,
    pub message: String,
}

/// A row that both have.
fn row(verb: &'static str, form: (String, &str), api: (Method, String, Value)) -> Row {
    let form = (form.0, form.1.to_owned());
    Row { verb, form: Some(form), api: Some(api), expected: None, needs_role: true }
}

impl Row {
    /// A row that is refused for what is sent: at a field, in these words.
    fn at(self, status: u16, field: &'static str, message: &str) -> Self {
        Self { expected: Some(Expected { status, field: Some(field), message: message.to_owned() }), ..self }
    }

    /// The same with another call.
    fn by(self, api: (Method, String, Value)) -> Self {
        Self { api: Some(api), ..self }
    }

    /// A row that is refused as a whole.
    fn with(self, status: u16, message: &str) -> Self {
        Self { expected: Some(Expected { status, field: None, message: message.to_owned() }), ..self }
    }
}

fn post(path: impl Into<String>, body: Value) -> (Method, String, Value) {
    (Method::POST, path.into(), body)
}

/// All rows.
pub fn rows(host: &Host) -> Vec<Row> {
    [
        notes(host),
        clients(host),
        households(host),
        lists(),
        runs(),
        connections(),
        accounts(),
        people(host),
        teams::rows(host),
        tokens(),
        privacy::rows(host),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A row for what programs alone do.
fn by_api(verb: &'static str, api: (Method, String, Value)) -> Row {
    Row { verb, form: None, api: Some(api), expected: None, needs_role: true }
}

/// A row for what pages alone do.
fn by_page(verb: &'static str, path: impl Into<String>, form: &str) -> Row {
    Row { verb, form: Some((path.into(), form.to_owned())), api: None, expected: None, needs_role: true }
}

fn clients(host: &Host) -> Vec<Row> {
    let (household, client, none) = (host.household, host.client, Uuid::nil());
    let unknown = format!("There is no client {none}.");
    let to = |verb: &str| (format!("/clients/{none}/{verb}"), "");
    let link = |connection: &str, id: &str, of: &str| {
        let form = format!("connection={connection}&external_id={id}");
        let body = json!({"connection": connection, "external_id": id});
        Row {
            form: Some((format!("/clients/{of}/link"), form)),
            ..by_api("clients::link", post(format!("/clients/{of}/link"), body))
        }
    };
    let make = |form: &str, body: Value| {
        let row = row("clients::make", ("/clients".to_owned(), form), post("/clients", body));
        // All staff may add clients.
        Row { needs_role: false, ..row }
    };
    let edit = |form: &str, body: Value| {
        let path = format!("/households/{household}/clients/{client}/edit");
        row("clients::edit", (path, form), (Method::PATCH, format!("/clients/{client}"), body))
    };
    vec![
        make("first_name=Sam&mobile=12", json!({"first_name": "Sam", "mobile": "12"})).at(
            422,
            "mobile",
            "`12` is not a telephone number with + and its country code before it, such as +61, +64, +44 or +27.",
        ),
        make("first_name=+", json!({"first_name": " "})).at(
            422,
            "last_name",
            "Write a name at least: a first, last, middle or preferred one.",
        ),
        make(&format!("first_name=Sam&partner_of={none}"), json!({"first_name": "Sam", "partner_of": none})).at(
            422,
            "partner_of",
            &format!("There is no client {none} whose partner this could be."),
        ),
        // The page's form is shown once more, at its first field.
        make(&format!("first_name=Sam&id={client}"), json!({"first_name": "Sam", "id": client}))
            .with(409, "a client with this id already, Ayda Khan, and what was sent is something else"),
        edit("date_of_birth=2999-01-01", json!({"date_of_birth": "2999-01-01"})).at(
            422,
            "date_of_birth",
            "`2999-01-01` is not a date of the years 1900 to 2200, such as 1979-02-28.",
        ),
        edit("shoe_size=44", json!({"shoe_size": "44"})).at(422, "shoe_size", "shoe_size"),
        row("clients::remove", to("remove"), (Method::DELETE, format!("/clients/{none}"), Value::Null))
            .with(404, &unknown),
        row("clients::restore", to("restore"), post(to("restore").0, Value::Null)).with(404, &unknown),
        row("clients::unlink", to("unlink"), post(to("unlink").0, Value::Null)).with(404, &unknown),
        row(
            "clients::unlink",
            (format!("/clients/{client}/unlink"), ""),
            post(format!("/clients/{client}/unlink"), Value::Null),
        )
        .with(409, "The client is not linked to the CRM, so there is nothing to take back."),
        link("main", "7", &none.to_string()).with(404, &unknown),
        link("main", "7", &client.to_string()).at(422, "connection", "There is no connection `main`."),
        link("NOT", "7", &client.to_string()).at(422, "connection", "There is no connection `NOT`."),
        by_api("clients::sync", post(format!("/clients/{none}/sync"), Value::Null)).with(404, &unknown),
        by_api("clients::sync", post(format!("/clients/{client}/sync"), Value::Null))
            .with(409, "The client is not linked to the CRM, so that there is nothing to sync."),
        by_api("clients::sync_by_external_id", post("/connections/main/clients/x/sync", Value::Null))
            .with(400, "The CRM was not asked."),
    ]
}

fn households(host: &Host) -> Vec<Row> {
    let (household, none) = (host.household, Uuid::nil());
    let choose = |of: &str| {
        row(
            "households::choose_professional",
            (format!("/households/{of}/professional"), "external_id=7"),
            (Method::PATCH, format!("/households/{of}"), json!({"primary_professional": {"external_id": "7"}})),
        )
    };
    let goal = |form: &str, body: Value| {
        row("goals::change", (format!("/goals/{none}"), form), (Method::PATCH, format!("/goals/{none}"), body))
    };
    vec![
        choose(&none.to_string()).with(404, &format!("There is no household {none}.")),
        choose(&household.to_string()).at(
            422,
            "primary_professional/external_id",
            "the connection `practice` has no adviser `7`; the CRM's users come over with each sync",
        ),
        row(
            "household_access::link_professional",
            ("/people/professionals".to_owned(), &format!("connection=practice&external_id=7&account={none}")),
            (Method::PUT, "/connections/practice/advisers/7/account".to_owned(), json!({"user_id": none})),
        )
        .with(404, "There is no user `7` of the CRM in the connection `practice`."),
        by_api(
            "household_access::set",
            (Method::PUT, format!("/households/{household}/access"), json!({"primary": {"user_id": none}})),
        )
        .at(422, "primary/user_id", &format!("There is no account {none}.")),
        by_page("households::sync", format!("/households/{none}/sync"), "")
            .with(404, &format!("There is no household {none}.")),
        by_page("households::sync", format!("/households/{household}/sync"), "")
            .with(409, "The client is not linked to the CRM, so that there is nothing to sync."),
        goal("status=to_do&recurrence=", json!({"status": "to_do", "recurrence": null}))
            .with(404, &format!("There is no goal {none}.")),
        goal("status=active&recurrence=", json!({"status": "active", "recurrence": null})).at(
            422,
            "status",
            "`active` is not one of to_do, doing, done.",
        ),
    ]
}

/// Identity lists, documents, the review queue and departures.
fn lists() -> Vec<Row> {
    let none = Uuid::nil();
    let unknown = format!("There is no import {none}.");
    let place = "0".repeat(36);
    let list = "First Name,Last Name,Email,Xplan ID\n";
    let to_main = parts(&[("connection", None, "main"), ("file", Some("list.csv"), list)]);
    let file_alone = parts(&[("file", Some("list.csv"), list)]);
    let no_file = parts(&[]);
    let two_lists = parts(&[("file", Some("list.csv"), list), ("file", Some("other.csv"), list)]);
    let odd_part = parts(&[("file", Some("list.csv"), list), ("sheets", None, "Clients")]);
    let odd_pdf = parts(&[("household", None, "7"), ("file", Some("plan.pdf"), "%PDF-1.7")]);
    let brought = |form: &str| row("imports::bring", ("/imports".to_owned(), form), post("/imports", json!(form)));
    let no_pdf = parts(&[("file", Some("plan.pdf"), "Best Life Plan")]);
    let answered = |verb: &str| {
        row(
            "absence_review::answer",
            ("/connections/main/departures".to_owned(), &format!("run={none}&answer={verb}")),
            post(format!("/connections/main/departures/{verb}?run_id={none}"), Value::Null),
        )
        .with(404, "There is no connection `main`.")
    };
    let decision = |form: &str, body: Value| {
        let path = format!("/imports/{none}/rows/7/decision");
        row("imports::decide", (path.clone(), form), post(path, body))
    };
    let review = |form: &str, body: Value| {
        let path = format!("/review/{place}/decision");
        row("review::decide", (path.clone(), form), post(path, body)).with(404, &format!("There is no review {place}."))
    };
    vec![
        row("imports::bring", ("/imports".to_owned(), &to_main), post("/imports?connection=main", json!(file_alone)))
            .with(404, "There is no connection `main`."),
        brought(&no_file).at(422, "file", "There is no file. Choose one and send it."),
        brought(&two_lists).at(422, "file", "the form has more than one part `file`; send each by itself"),
        brought(&odd_part).with(422, "the form has a part `sheets`, and its parts are"),
        // Whose ids the list has is a parameter of the address.
        by_api("imports::bring", post("/imports", json!(to_main))).at(
            422,
            "connection",
            "the form has a part `connection`, and its parts are `file`.",
        ),
        Row { needs_role: false, ..by_api("uploads::upload", post("/documents", json!(odd_pdf))) }.at(
            422,
            "household",
            "the form has a part `household`, and its parts are `file`.",
        ),
        by_api("imports::bring", post("/imports", json!(file_alone)))
            .with(409, "There is no connection yet whose ids these could be. Add one first."),
        decision("decision=leave-out", json!({"decision": "leave_out"}))
            .with(404, &format!("There is no row 7 of the import {none}.")),
        row(
            "imports::apply",
            (format!("/imports/{none}/apply"), ""),
            post(format!("/imports/{none}/apply"), Value::Null),
        )
        .with(404, &unknown),
        row(
            "imports::forget",
            (format!("/imports/{none}/forget"), ""),
            (Method::DELETE, format!("/imports/{none}"), Value::Null),
        )
        .with(404, &unknown),
        Row { needs_role: false, ..by_api("uploads::upload", post("/documents", json!(no_pdf))) }
            .with(422, "the file is no PDF: it does not begin with %PDF- and a version"),
        review("decision=import", json!({"decision": "import"})),
        review("decision=wait", json!({"decision": "wait"})),
        answered("confirm"),
        answered("dismiss"),
    ]
}

fn runs() -> Vec<Row> {
    let none = Uuid::nil();
    vec![
        row("runs::start", ("/connections/main/sync".to_owned(), ""), post("/connections/main/sync", Value::Null))
            .with(404, "There is no connection `main`."),
        by_api("runs::cancel", post(format!("/runs/{none}/cancel"), Value::Null))
            .with(404, &format!("There is no run {none}.")),
    ]
}

fn connections() -> Vec<Row> {
    let unknown = "There is no connection `main`.";
    let settings = |verb: &str| format!("/settings/integrations/main/{verb}");
    let of = |verb: &'static str, page: &str, form: &str, api: &str, body: Value| {
        row(verb, (settings(page), form), post(format!("/connections/main/{api}"), body)).with(404, unknown)
    };
    let site = json!({"forward_host": "acme.example"});
    let draft = json!({"title": "Acme", "forward_host": "not a host", "pack": "xplan-au"});
    let add = |form: &str| {
        row("connections::add", ("/settings/integrations".to_owned(), form), post("/connections", draft.clone()))
    };
    let (none, bad) = (Value::Null, "title=Acme&forward_host=not+a+host&pack=xplan-au&dialect=resourceful");
    vec![
        add(bad).at(422, "forward_host", "host"),
        row(
            "connections::add",
            ("/settings/integrations".to_owned(), "title=a%07b&forward_host=acme.example&pack=xplan-au&dialect=open"),
            post("/connections", json!({"title": "a\u{7}b"})),
        )
        .at(422, "title", "holds a character that nobody sees"),
        by_api(
            "connections::add",
            post("/connections", json!({"title": "Acme", "name": "practice", "forward_host": "acme.example"})),
        )
        .at(422, "name", "`practice` stands for what is made in the practice itself; choose another name"),
        row(
            "connections::change",
            (settings("edit"), bad),
            (Method::PATCH, "/connections/main".to_owned(), json!({"title": "Acme"})),
        )
        .with(404, unknown),
        row(
            "connections::remove",
            (settings("remove"), ""),
            (Method::DELETE, "/connections/main".to_owned(), none.clone()),
        )
        .with(404, unknown),
        of("connections::confirm_preflight", "preflight", "", "preflight", none.clone()),
        of("connections::say_of_site", "same-site", "forward_host=acme.example", "same-site", site.clone()),
        of("connections::say_of_site", "apart", "forward_host=acme.example", "apart", site),
        of("connections::activate", "activate", "", "activate", none.clone()),
        of("connections::roll_back", "rollback", "", "rollback", none.clone()),
        of("revisions::stage", "revisions", "", "", none.clone()).by(post("/revisions?connection=main", none.clone())),
        by_api("revisions::stage_edited", post("/revisions/006ec9e5f1f9/edit?connection=main", json!({"files": {}})))
            .with(404, unknown),
        by_page("revisions::keep_draft", settings("revisions/006ec9e5f1f9/rules/rules.toml"), "text=a&do=check")
            .with(404, unknown),
        by_page(
            "revisions::stage_draft",
            settings("revisions/006ec9e5f1f9/rules/rules.toml"),
            &format!("text=a&do=stage&draft={}", Uuid::nil()),
        )
        .with(404, unknown),
        by_page(
            "revisions::discard_draft",
            settings("revisions/006ec9e5f1f9/rules/rules.toml"),
            &format!("text=a&do=discard&draft={}", Uuid::nil()),
        )
        .with(404, unknown),
        of("revisions::discard", "revisions/006ec9e5f1f9/discard", "", "", none.clone()).by((
            Method::DELETE,
            "/revisions/006ec9e5f1f9?connection=main".to_owned(),
            none.clone(),
        )),
        of("revisions::preview", "revisions/006ec9e5f1f9/preview", "", "", none.clone())
            .by(post("/revisions/006ec9e5f1f9/preview?connection=main", none.clone())),
        row(
            "revisions::cancel_preview",
            (settings(&format!("previews/{}/cancel", Uuid::nil())), ""),
            post(format!("/previews/{}/cancel", Uuid::nil()), none.clone()),
        )
        .with(404, "There is no preview"),
        of("connections::authorise", "authorise", "", "authorize", none.clone()),
        of("connections::check", "check", "", "check", none),
        // A site sends a person back by an address.
        Row { needs_role: false, ..by_page("connections::finish_authorisation", "/oauth/callback?state=guessed", "") },
    ]
}

/// Coming in is for those who are nobody yet, and what is somebody's own they change themselves.
fn accounts() -> Vec<Row> {
    let any = |row: Row| Row { needs_role: false, ..row };
    let nobody = json!({"email": "nobody@example.com", "password": "x"});
    let none = Uuid::nil();
    vec![
        any(by_page("account::sign_in", "/sign-in", "email=nobody%40example.com&password=x"))
            .with(422, "No account has this email and password."),
        any(by_api("account::sign_in_program", post("/sessions", nobody)))
            .with(401, "No account has this email and password."),
        any(by_page("account::sign_in_by_code", "/sign-in/code", "step=guessed&code=123456"))
            .with(422, "This sign-in has expired"),
        any(by_page("second_factor::set_up", "/account/second-factor", "code=123456")).at(
            422,
            "code",
            "What was shown is over",
        ),
        any(by_page("second_factor::new_recovery_codes", "/account/second-factor/codes", "code=123456"))
            .with(409, "This account has no second factor."),
        any(by_page("second_factor::remove", "/account/second-factor/remove", "code=123456"))
            .with(409, "This account has no second factor."),
        any(by_page("account::join", "/join/guessed", "password=correct+horse+battery")).with(410, "used already"),
        any(by_page("account::confirm", "/account/confirm", "current_password=x")).at(
            422,
            "current_password",
            "This is not your password.",
        ),
        any(by_page("account::rename", "/account/name", "name=+")).at(422, "name", "Enter the name"),
        any(by_page("account::change_email", "/account/email", "email=pat&current_password=x")).at(
            422,
            "email",
            "This is not an email address",
        ),
        any(by_page("account::change_email", "/account/email", "email=pat%40example.com&current_password=x")).at(
            422,
            "email-current_password",
            "This is not your password.",
        ),
        any(by_page("account::change_password", "/account/password", "current_password=x&password=short")).at(
            422,
            "current_password",
            "This is not your password.",
        ),
        any(by_page(
            "account::change_password",
            "/account/password",
            "current_password=correct+horse+battery&password=password1234",
        ))
        .at(422, "password", "among those that are tried first"),
        any(by_api("account::end_session", (Method::DELETE, format!("/sessions/{none}"), Value::Null)))
            .with(404, &format!("There is no session {none}.")),
        // A page says that what was wanted is so already.
        any(by_page("account::end_session", format!("/account/sessions/{none}/end"), "")),
        any(by_page("account::end_other_sessions", "/account/sessions/end-others", "")),
        any(by_page("account::set_up", "/set-up/guessed", "name=Pat&email=pat%40example.com&password=x"))
            .with(410, "holds for 30 minutes"),
        any(by_page("account::sign_out", "/sign-out", "")),
        // The identity provider sends a person back by an address.
        any(by_page("openid::sign_in", "/sign-in/openid/callback?state=guessed", "")),
    ]
}

fn people(host: &Host) -> Vec<Row> {
    let (none, manager) = (Uuid::nil(), host.manager_id);
    let add = |form: &str, body: Value| row("people::add", ("/people/invite".to_owned(), form), post("/users", body));
    let change = |verb: &str, form: &str, of: &str, body: Value| {
        row("people::change", (format!("/people/{of}/{verb}"), form), (Method::PATCH, format!("/users/{of}"), body))
    };
    let (manager, nobody) = (manager.to_string(), none.to_string());
    let last = "Pat Lee is the only practice manager who can sign in";
    vec![
        add("name=Sam&email=sam&role=support", json!({"name": "Sam", "email": "sam", "role": "support"})).at(
            422,
            "email",
            "This is not an email address such as pat.lee@example.com.",
        ),
        add(
            "name=+&email=sam%40example.com&role=support",
            json!({"name": " ", "email": "sam@example.com", "role": "support"}),
        )
        .at(422, "name", "Enter the name"),
        add(
            "name=Sam&email=Support%40example.com&role=support",
            json!({"name": "Sam", "email": "Support@example.com", "role": "support"}),
        )
        .at(422, "email", "Another account has this email."),
        by_api(
            "people::add",
            post(
                "/users",
                json!({"name": "Sam", "email": "sam@example.com", "role": "support", "password": "qwertyuiop123"}),
            ),
        )
        .at(422, "password", "among those that are tried first"),
        change("role", "role=support", &manager, json!({"role": "support"})).with(409, last),
        change("disable", "", &manager, json!({"disabled": true})).with(409, last),
        change("enable", "", &nobody, json!({"disabled": false})).with(404, "There is no such account"),
        by_api("people::change", (Method::PATCH, format!("/users/{nobody}"), json!({})))
            .with(422, "There is nothing to change: say `role` or `disabled`."),
        row("people::reset", (format!("/people/{none}/reset"), ""), post(format!("/users/{none}/reset"), Value::Null))
            .with(404, "There is no such account"),
        row(
            "people::reset_second_factor",
            (format!("/people/{none}/reset-second-factor"), ""),
            post(format!("/users/{none}/reset-second-factor"), Value::Null),
        )
        .with(404, "There is no such account"),
        row(
            "people::reset_second_factor",
            (format!("/people/{manager}/reset-second-factor"), ""),
            post(format!("/users/{manager}/reset-second-factor"), Value::Null),
        )
        .with(409, "this is your own account"),
    ]
}

/// Everybody may make tokens that do no more than they may.
fn tokens() -> Vec<Row> {
    let none = Uuid::nil();
    let make = |form: &str, body: Value| Row {
        needs_role: false,
        ..row("tokens::make", ("/account/tokens".to_owned(), form), post("/tokens", body))
    };
    vec![
        make("name=+&scope-read=on", json!({"name": " ", "scopes": ["read"]}))
            .with(422, "Say in at most 200 characters, on one line, what the token is for."),
        make("name=A", json!({"name": "A", "scopes": []})).with(422, "Choose at least one thing"),
        make(
            "name=A&scope-read=on&expires_at=2001-01-01",
            json!({"name": "A", "scopes": ["read"], "expires_at": "2001-01-01T00:00:00Z"}),
        )
        .with(422, "This is over already."),
        Row { needs_role: false, ..by_api("tokens::make", post("/tokens", json!({"name": "A", "scopes": ["all"]}))) }
            .at(422, "scopes/0", "`all` is no scope; the scopes are read, events, write, sync, manage."),
        Row { needs_role: false, ..by_api("tokens::revoke", (Method::DELETE, format!("/tokens/{none}"), Value::Null)) }
            .with(404, &format!("There is no token {none}.")),
        Row { needs_role: false, ..by_page("tokens::revoke", format!("/account/tokens/{none}/revoke"), "") },
    ]
}

fn notes(host: &Host) -> Vec<Row> {
    let (household, note, none) = (host.household, host.note, Uuid::nil());
    let event = |event_type: &str, data: Value| json!({"type": event_type, "household_id": household, "occurred_at": "2026-03-02T01:30:00Z", "data": data});
    let record = format!("/households/{household}/record/note.written");
    let removed = "the connection `practice` is not at work: it was removed or disabled, or has a problem";
    let given_up = |verb: &str, body: Value| post(format!("/notes/{note}/{verb}"), body);
    vec![
        row(
            "notes::accept",
            (record, "key=b&occurred=2026-03-02T12:30&data.subject=A&data.body=B"),
            post("/events", event("note.written", json!({"subject": "A", "body": "B"}))),
        )
        .with(409, removed),
        row(
            "notes::export",
            (format!("/households/{household}/export"), "document=best-life-plan&key=c"),
            post("/events", event("best-life-plan.exported", json!({}))),
        )
        .with(409, removed),
        row("notes::retry", (format!("/notes/{none}/retry"), ""), post(format!("/notes/{none}/retry"), Value::Null))
            .with(404, &format!("There is no note {none}.")),
        // Of the notes of the households that somebody sees.
        Row {
            needs_role: false,
            ..row("notes::retry_all", ("/notes/retry".to_owned(), "state=dead"), post("/notes/retry", json!({})))
        },
        row(
            "notes::edit",
            (format!("/notes/{note}/edit"), "subject=+&body=B"),
            given_up("edit", json!({"subject": " "})),
        )
        .at(422, "subject", "must have at least 1 character"),
        row(
            "notes::resolve",
            (format!("/notes/{note}/resolve"), "found=there&document_id=a+b"),
            given_up("resolve", json!({"document_id": "a b"})),
        )
        .with(422, "must be the CRM's id of the note: digits, letters and hyphens"),
        row(
            "notes::resolve",
            (format!("/notes/{note}/resolve"), "found=not_there"),
            given_up("resolve", json!({"document_id": null})),
        )
        .with(409, "whether this note is in the CRM is not in question"),
        row(
            "notes::discard",
            (format!("/notes/{note}/discard"), "reason=+"),
            given_up("discard", json!({"reason": " "})),
        )
        .at(422, "reason", "must have at least 1 character"),
    ]
}

/// Mistakes in events of the shipped packs, for a host with a connection whose pack has them.
pub fn events(host: &Host) -> Vec<Row> {
    let record = format!("/households/{}/record", host.household);
    let event = |event_type: &str, data: Value| {
        let household = host.household;
        post(
            "/events",
            json!({"type": event_type, "household_id": household, "occurred_at": "2026-03-02T01:30:00Z", "data": data}),
        )
    };
    let sent = |event_type: &str, form: &'static str, data: Value| {
        row("notes::accept", (format!("{record}/{event_type}"), form), event(event_type, data))
    };
    let no_pdf = parts(&[("file", Some("plan.pdf"), "Best Life Plan")]);
    vec![
        row("uploads::upload", (format!("{record}/note.written"), &no_pdf), post("/documents", json!(no_pdf)))
            .with(422, "the file is no PDF: it does not begin with %PDF- and a version"),
        sent(
            "note.written",
            "occurred=2026-03-02T12:30&data.subject=&data.body=B",
            json!({"subject": "", "body": "B"}),
        )
        .at(422, "data/subject", "must not be empty"),
        sent(
            "investment-preferences.completed",
            "occurred=2026-03-02T12:30&data.answers.question=+&data.answers.response=",
            json!({"answers": []}),
        )
        .at(422, "data/answers", "must have at least one entry"),
        sent(
            "your-life-survey.completed",
            "occurred=2026-03-02T12:30&data.score=x&data.goals=Sail",
            json!({"score": "x", "goals": ["Sail"], "dimensions": []}),
        )
        .at(422, "data/score", "must be a number"),
    ]
}
