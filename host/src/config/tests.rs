use super::*;
use crate::crm::registry::tests::WITH_LEDGER;

fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("secrets")).unwrap();
    std::fs::write(folder.path().join("secrets/xplan"), "s3cret\n").unwrap();
    std::fs::write(folder.path().join("secrets/key"), "a key of at least 32 characters, told to nobody").unwrap();
    std::fs::write(folder.path().join("tidegate.toml"), text).unwrap();
    folder
}

fn load(text: &str) -> Result<Config, ConfigError> {
    Config::load(Some(&folder(text).path().join("tidegate.toml")), &Vec::new())
}

const CONNECTION: &str = r#"
    [connections.main]
    crm = "xplan"
    pack = "xplan-au"
    forward-host = "acme.xplan.iress.com.au"
    auth = { mode = "basic", username = "svc", password-file = "secrets/xplan", app-id = "an app's id" }
"#;

#[test]
fn the_reference_alone_is_usable() {
    let config = load("").unwrap();
    assert_eq!(config.server.listen.port(), 8080);
    assert!(config.connections.is_empty());
}

#[test]
fn a_connection_is_read_with_its_secret_trimmed() {
    use secrecy::ExposeSecret as _;
    let config = load(CONNECTION).unwrap();
    let connection = &config.connections[&"main".parse().unwrap()];
    let (sign_in, secret) =
        (&connection.spec.sign_in, |name| connection.credentials.get(name).unwrap().expose_secret());
    assert_eq!((sign_in.mode.name, sign_in.values["username"].as_str()), ("basic", "svc"));
    assert_eq!((secret("password"), secret("app_id")), ("s3cret", "an app's id"));
    assert_eq!(connection.spec.schedule.to_string(), "0 0 * * * *");
}

#[test]
fn an_identity_provider_is_read_with_the_roles_of_its_groups() {
    use crate::domain::access::Role;
    use crate::domain::access::provider::{Entitlement, Groups};
    assert!(load("").unwrap().openid.is_none());
    let text = r#"
        [openid]
        issuer = "https://login.example/realms/a"
        client-id = "tidegate"
        client-secret-file = "secrets/xplan"
        email-domains = ["Acme.example", "Bücher.example"]
        [openid.roles]
        "Tidegate managers" = "practice_manager"
        Advisers = "adviser"
    "#;
    let openid = load(text).unwrap().openid.unwrap();
    assert_eq!((openid.issuer.as_str(), openid.is_insecure), ("https://login.example/realms/a", false));
    assert_eq!(openid.scopes, ["openid", "email", "profile"]);
    assert!(openid.passwords && !openid.makes_accounts && openid.groups_claim == "groups");
    let entitlement = openid.roles.entitlement(&Groups::Named(vec!["Tidegate managers".to_owned()]));
    assert_eq!(entitlement, Entitlement::Role(Role::PracticeManager));
    assert!(openid.takes_email("pat@ACME.example") && !openid.takes_email("pat@acme.example.evil.example"));
    assert!(openid.takes_email("pat@bücher.example") && openid.takes_email("pat@xn--bcher-kva.example"));
    for loopback in ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"] {
        let openid = load(&text.replace("https://login.example/realms/a", loopback)).unwrap().openid.unwrap();
        assert!(openid.is_insecure, "{loopback}");
    }
}

#[test]
fn every_problem_is_named() {
    let check = |text: &str, expected: &[&str]| {
        let said = load(text).unwrap_err().to_string();
        for message in expected {
            assert!(said.contains(message), "{message:?} is not in:\n{said}");
        }
    };
    check("[server]\nlisen = \"x\"", &["lisen", "listen"]);
    check("[server]\nlisten = \"nowhere\"", &["server.listen", "nowhere"]);
    check("[practice]\ntime-zone = \"Mars/North\"", &["practice.time-zone", "Mars/North"]);
    check("[practice]\nemail-domain = \"xn--a.example\"", &["practice.email-domain", "no domain"]);
    check("[practice]\nretention = \"UK\"", &["practice.retention", "AU, NZ, GB, ZA"]);
    check("[practice", &["is not TOML"]);
    check("[server]\ndata-dir = \"\"", &["server.data-dir: is empty"]);
    check("[log]\nlevel = \"wran\"", &["log.level: is to be one of error, warn, info, debug, trace"]);
    check(
        &CONNECTION.replace("secrets/xplan", "secrets/none"),
        &["connections.main.auth.password-file", "secrets/none"],
    );
    check(&CONNECTION.replace("acme.xplan", "https://acme.xplan"), &["connections.main.forward-host"]);
    check(&CONNECTION.replace("acme.xplan.iress.com.au", "127.0.0.1:80"), &["forward-host", "insecure-http = true"]);
    check(&format!("{CONNECTION}\nschedule = \"0 */15 * * * *\""), &["15 minutes", "allow-frequent"]);
    check(&format!("{CONNECTION}\nschedule = \"0 0,50 9 * * *\""), &["50 minutes"]);
    check(&format!("{CONNECTION}\ndialect = \"open\""), &["gateway-host"]);
    check(&format!("{CONNECTION}\ngateway-host = \"x.example\""), &["gateway-host", "open"]);
    check(&format!("{CONNECTION}\ndialect = \"open\"\ngateway-host = \"https://x\""), &["gateway-host"]);
    check(&format!("{CONNECTION}\ndialect = \"closed\""), &["dialect", "resourceful", "open"]);
    check(&format!("{CONNECTION}\nmax-side-by-side = 1"), &["max-side-by-side", "file notes"]);
    check(&format!("{CONNECTION}\nmax-requests-per-second = 0"), &["max-requests-per-second"]);
    check(&CONNECTION.replace("acme.xplan.iress.com.au", "evil.example"), &["connections.main.forward-host", "[crm]"]);
    check("[server]\npublic-url = \"tidegate.example\"", &["server.public-url", "tidegate.example"]);
    check("[server]\npublic-url = \"https://a.example/x\"", &["server.public-url"]);
    check("[storage]\nwarn-below-mb = 1", &["storage.warn-below-mb", "256"]);
    check("[server]\ntrusted-proxies = [\"proxy\"]", &["server.trusted-proxies", "10.0.0.0/8"]);
    check("[server]\nsecret-key-file = \"secrets/xplan\"", &["server.secret-key-file", "32"]);
    check("[crm]\nforward-host-suffixes = [\"advice\"]", &["crm.forward-host-suffixes", "advice"]);
    check("[people]\nlink-lasts = \"5m\"", &["people.link-lasts", "1h", "720h"]);
    check("[people]\nemergency-lasts = \"400d\"", &["people.emergency-lasts: `400d`", "0s", "24h"]);
    let openid = |more: &str| format!("[openid]\nclient-id = \"t\"\nclient-secret-file = \"secrets/xplan\"\n{more}");
    let login = "issuer = \"https://login.example\"\n";
    check(&openid(""), &["openid.issuer: is missing"]);
    check("[openid]\npasswords = false", &["openid.issuer: is missing"]);
    check(
        "[openid]\nissuer = \"https://login.example\"",
        &["openid.client-id", "openid.client-secret-file: is missing"],
    );
    check(&openid("issuer = \"http://login.example\""), &["openid.issuer: is not encrypted"]);
    check(&openid("issuer = \"login.example\""), &["openid.issuer", "https://login.acme.example"]);
    check(&openid("issuer = \"https://pat:secret@login.example\""), &["openid.issuer: holds more"]);
    check(&openid("issuer = \"https://login.example?x\""), &["openid.issuer: holds more"]);
    check(&openid(&format!("{login}scopes = [\"email\"]")), &["openid.scopes", "`openid`"]);
    check(&openid(&format!("{login}scopes = [\"openid\", \"profile\"]")), &["openid.scopes: lacks `email`"]);
    let described = "issuer = \"https://login.example/.well-known/openid-configuration\"";
    check(&openid(described), &["openid.issuer: is where the provider describes itself; leave `/.well-known/"]);
    check(&openid("issuer = \" https://login.example\""), &["openid.issuer", "blanks in or around it"]);
    check(&openid(login).replace("\"t\"", "\"t \""), &["openid.client-id: `t ` has blanks around it"]);
    check(&openid(&format!("{login}roles = {{ \"A \" = \"adviser\" }}")), &["openid.roles: `A ` has blanks around it"]);
    check(&openid(&format!("{login}groups-claim = \"groups \"")), &["openid.groups-claim: `groups ` has blanks"]);
    for empty in
        ["[openid]", "[openid.roles]", "[openid]\nlabel = \"Acme\"", "[openid]\nemail-domains = [\"a.example\"]"]
    {
        check(empty, &["openid.issuer: is missing"]);
    }
    let public = |url: &str| format!("[server]\npublic-url = \"{url}\"\n{}", openid(login));
    check(&public("http://tidegate.example"), &["server.public-url: is not encrypted"]);
    for url in ["https://tidegate.example", "http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"] {
        assert!(load(&public(url)).is_ok(), "{url}");
    }
    check(&openid(&format!("{login}label = \"\"")), &["openid.label"]);
    check(&openid(&format!("{login}groups-claim = \" \"")), &["openid.groups-claim"]);
    check(&openid(&format!("{login}email-domains = [\"x y\"]")), &["openid.email-domains", "x y"]);
    check(&openid(&format!("{login}make-accounts = true")), &["openid.make-accounts", "[openid.roles]"]);
    check(&openid(&format!("{login}roles = {{ A = \"boss\" }}")), &["openid.roles", "boss", "practice_manager"]);
    check(
        &openid(&format!("{login}roles = {{ \" \" = \"adviser\" }}")),
        &["openid.roles: names a group without a name"],
    );
    check(&openid("issuer = \"http://login.example\"\nlabel = \"\""), &["openid.issuer", "openid.label"]);
    check(
        &format!("[server]\nlisten = \"0.0.0.0:80\"\n{}", openid(login)),
        &["server.public-url: is missing", "identity provider"],
    );
    check(&openid(&format!("{login}role = {{}}")), &["role", "roles"]);
    check("[backup]\nfolder = \"b\"", &["backup.key-file: is missing", "tidegate backup key"]);
    check("[backup]\nkey-file = \"secrets/xplan\"", &["backup.folder: is missing"]);
    check("[backup]\nfolder = \"\"\nkey-file = \"secrets/xplan\"", &["backup.folder: is empty"]);
    let key = "[backup]\nfolder = \"b\"\nkey-file = \"secrets/xplan\"\nkeep = 0";
    check(key, &["backup.key-file: ", "secrets/xplan holds no key of age", "backup.keep"]);
    check("[metrics]\nlisten = \"here\"", &["metrics.listen", "here"]);
    check(&format!("{CONNECTION}\nschedule = \"hourly\""), &["connections.main.schedule", "hourly"]);
    check(&format!("{CONNECTION}\ninsecure-http = true"), &["insecure-http", "loopback"]);
}

#[test]
fn a_frequent_schedule_is_the_operators_own_decision() {
    assert!(load(&format!("{CONNECTION}\nschedule = \"0 */15 * * * *\"\nallow-frequent = true")).is_ok());
    assert!(load(&format!("{CONNECTION}\nschedule = \"0 0 2 * * Mon\"")).is_ok());
}

#[test]
fn a_connection_with_oauth_and_a_key() {
    let config = load(
        r#"
        [server]
        public-url = "https://tidegate.acme.example/"
        secret-key-file = "secrets/key"
        [crm]
        forward-host-suffixes = [".advice.example"]
        [metrics]
        listen = "127.0.0.1:9464"
        [connections.main]
        crm = "xplan"
        pack = "xplan-au"
        forward-host = "CRM.advice.example"
        auth = { mode = "oauth", client-id = "tidegate", client-secret-file = "secrets/xplan" }
        "#,
    )
    .unwrap();
    let connection = &config.connections[&"main".parse().unwrap()];
    assert_eq!(connection.spec.sign_in.values["client_id"], "tidegate");
    assert_eq!(connection.spec.forward_host, "crm.advice.example");
    assert_eq!(config.server.base_url(), "https://tidegate.acme.example");
    assert!(config.server.secret_key.is_some());
    assert_eq!(config.metrics.unwrap().port(), 9464);
}

#[test]
fn an_override_outranks_the_file() {
    let overrides = vec![("server.listen".to_owned(), "127.0.0.1:0".to_owned())];
    let config = Config::load(None, &overrides).unwrap();
    assert_eq!(config.server.listen.port(), 0);
}

#[test]
fn every_problem_is_named_at_once() {
    let said = load(
        r#"
        [practise]
        name = "x"
        [practice]
        time-zone = "Mars/North"
        logo = 7
        [server]
        lisen = "x"
        listen = 8080
        data-dir = "secrets/xplan"
        [log]
        level = "loud=quiet=1"
        format = "xml"
        [documents]
        font-dir = "nowhere"
        [crm]
        forward-host-suffixes = ["advice", 7]
        [connections.main]
        crm = "salesforce"
        forward-host = "evil.example"
        schedule = "0 0 2 31 4 *"
        max-side-by-side = "many"
        gone-threshold = { percent = 101, atleast = 3 }
        auth = { mode = "basic", username = "svc", password = "hunter2", password-file = "secrets/none" }
        [connections.south]
        forward-host = 7
        auth = { mode = "saml" }
        [connections."No Name"]
        auth = "hunter2"
        "#,
    );
    let said = said.unwrap_err().to_string();
    for message in [
        "practise: is not known; the keys here are practice, server",
        "practice.logo: is",
        "practice.time-zone: `Mars/North`",
        "server.lisen: is not known; the keys here are listen",
        "server.listen: is a number",
        "server.data-dir: ",
        "log.level: ",
        "log.format: is to be one of text, json",
        "documents.font-dir: ",
        "crm.forward-host-suffixes: ",
        "connections.main.crm: `salesforce`",
        "connections.main.pack: is missing",
        "connections.main.forward-host: `evil.example`",
        "connections.main.schedule: `0 0 2 31 4 *` is no schedule: it never comes round",
        "connections.main.max-side-by-side: is a text, and is to be a number",
        "connections.main.gone-threshold.percent: ",
        "connections.main.gone-threshold.atleast: is not known",
        "connections.main.auth.password: is not known",
        "connections.main.auth.password-file: ",
        "connections.south.pack: is missing",
        "connections.south.forward-host: is a number",
        "connections.south.auth.mode: the way to sign in is to be one of basic, oauth",
        "connections: `No Name`",
        "tidegate.toml)",
    ] {
        assert!(said.contains(message), "{message:?} is not in:\n{said}");
    }
    assert!(!said.contains("hunter2"), "a secret in the wrong place is quoted:\n{said}");
    assert_eq!(said.matches("connections.south.auth.mode").count(), 1, "{said}");
    assert_eq!(said.matches("server.listen").count(), 1, "{said}");
}

#[test]
fn a_line_that_is_no_toml_is_named_and_not_quoted() {
    let said = load("[server]\nlisten = \"127.0.0.1:0\"\npassword = hunter2\n").unwrap_err().to_string();
    assert!(said.contains("is not TOML: line 3: ") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_schedule_comes_round_or_is_refused() {
    let schedule = |line: &str| load(&format!("{CONNECTION}\nschedule = \"{line}\"")).map(|_| ());
    let refused = |line: &str, message: &str| {
        let said = schedule(line).unwrap_err().to_string();
        assert!(said.contains(message), "{message:?} is not in {said}");
    };
    refused("0 0 2 31 4 *", "never comes round");
    refused("0 0 2 1 1 * 2020", "its years are over");
    refused("* * * * *", "set allow-frequent = true");
    for line in ["0 * * * *", "0 0 * * * *", "30 2 * * 1-5", "0 0 2 * * Mon"] {
        assert!(schedule(line).is_ok(), "{line}");
    }
}

#[test]
fn what_is_dumped_holds_no_secret() {
    let folder = folder(CONNECTION);
    let dumped = Config::dump(Some(&folder.path().join("tidegate.toml")), &Vec::new()).unwrap();
    assert!(dumped.contains("app-id = \"***\"") && dumped.contains("secrets/xplan"), "{dumped}");
    assert!(!dumped.contains("an app's id") && !dumped.contains("s3cret"), "{dumped}");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_settings() {
    assert!(load(&format!("\u{feff}{CONNECTION}")).is_ok());
    assert_eq!(load("\u{feff}[server]\nlisten = \"127.0.0.1:7\"").unwrap().server.listen.port(), 7);
}

#[test]
fn a_proxy_of_the_settings_or_of_the_environment() {
    let check = |text: &str, variable: Option<&str>, expected: Result<Option<&str>, &str>| {
        let path = folder(text);
        let layers = Layers::gather(Some(&path.path().join("tidegate.toml")), &Vec::new()).unwrap();
        let (raw, problems) = layers.read(Registry::BUILT_IN).unwrap();
        let proxy = variable.map(|text| ("HTTPS_PROXY", text.to_owned()));
        let variables = ProxyVariables { proxy, no_proxy: Some("b.example".to_owned()) };
        let (config, problems) = raw.into_config(
            (&layers.base, layers.is_given),
            Registry::BUILT_IN,
            (None, variables),
            Timestamp::UNIX_EPOCH,
            problems,
        );
        match expected {
            Ok(expected) => {
                assert_eq!(problems, Vec::<String>::new(), "{text}");
                assert_eq!(config.proxy.map(|proxy| proxy.host).as_deref(), expected, "{text}");
            }
            Err(message) => {
                let said = problems.join("\n");
                assert!(said.contains(message) && !said.contains("secret"), "{message} is not in {said}");
            }
        }
    };
    check("", None, Ok(None));
    check("", Some("http://pat:secret@10.0.0.5:3128"), Ok(Some("10.0.0.5")));
    check("", Some("ftp://pat:secret@proxy"), Err("HTTPS_PROXY"));
    check("[network]\nproxy = \"http://a.example:3128\"", Some("http://b.example"), Ok(Some("a.example")));
    check("[network]\nproxy = \"none\"", Some("http://b.example"), Ok(None));
    check("[network]\nproxy = \"http://a.example/x\"", None, Err("network.proxy"));
    check("[network]\nproxy = \"http://pat:secret@a.example\"", None, Err("HTTPS_PROXY"));
}

/// The settings that a `tidegate.toml` comes to with a second CRM.
fn read_with_ledger(text: &str) -> (Config, Vec<String>) {
    let path = folder(text);
    let layers = Layers::without_environment(Some(&path.path().join("tidegate.toml")), &Vec::new()).unwrap();
    let (raw, problems) = layers.read(WITH_LEDGER).unwrap();
    let variables = (None, ProxyVariables::default());
    raw.into_config((&layers.base, layers.is_given), WITH_LEDGER, variables, Timestamp::UNIX_EPOCH, problems)
}

/// A CRM's keys are read from its declaration.
#[test]
fn a_section_has_the_keys_that_its_crm_declares() {
    use secrecy::ExposeSecret as _;
    let section = r#"
        [connections.books]
        crm = "ledger"
        pack = "ledger-nz"
        forward-host = "acme.ledger.example"
        organisation-id = "77"
        auth = { mode = "key", owner = "svc", api-key-file = "secrets/xplan" }
    "#;
    let (config, problems) = read_with_ledger(&format!("{CONNECTION}{section}"));
    assert_eq!(problems, Vec::<String>::new());
    let books = &config.connections[&"books".parse().unwrap()];
    assert_eq!((books.spec.crm.name, books.spec.setting("organisation_id")), ("ledger", Some("77")));
    assert_eq!(books.spec.dialect, "plain");
    assert_eq!(books.credentials.get("api_key").map(|secret| secret.expose_secret()), Some("s3cret"));

    let check = |text: &str, expected: &str| {
        let (_, problems) = read_with_ledger(text);
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected:?} is not in {problems:?}");
    };
    let without = |line: &str| section.lines().filter(|other| !other.contains(line)).collect::<Vec<_>>().join("\n");
    check(&without("organisation"), "connections.books.organisation-id: is missing; enter the organisation's id");
    check(&section.replace("organisation-id", "gateway-host"), "connections.books.gateway-host: is not known");
    check(&section.replace("api-key-file", "password-file"), "connections.books.auth.password-file: is not known");
    check(&section.replace("\"key\"", "\"basic\""), "connections.books.auth.mode: the way to sign in");
    check(&section.replace("acme.ledger", "acme.xplan"), "connections.books.forward-host: `acme.xplan.example`");
    check(&format!("{CONNECTION}organisation-id = \"7\""), "connections.main.organisation-id: is not known");
}

#[test]
fn where_packs_come_from_is_checked() {
    use secrecy::ExposeSecret as _;

    use super::packs::Activate;
    let config = load("").unwrap();
    assert!(config.watched_folder.is_none() && config.registries.known.is_empty() && !config.registries.digest_only);
    let config = load(
        "[packs]\nwatch-dir = \"incoming\"\nactivate = \"below-threshold\"\ndigest-only = true\nregistries = [\n\
         { host = \"Registry.acme.example\", username = \"svc\", password-file = \"secrets/xplan\" },\n\
         { host = \"localhost:5000\", insecure = true }]",
    );
    let config = config.unwrap();
    let watched = config.watched_folder.unwrap();
    assert!(watched.folder.ends_with("incoming") && watched.activate == Activate::BelowThreshold);
    let [acme, local] = <[_; 2]>::try_from(config.registries.known).unwrap();
    let (user, password) = acme.sign_in.unwrap();
    assert_eq!((acme.host.as_str(), acme.insecure), ("registry.acme.example", false));
    assert_eq!((user.as_str(), password.expose_secret()), ("svc", "s3cret"));
    assert!(local.insecure && local.sign_in.is_none() && config.registries.digest_only);

    let check = |text: &str, expected: &str| {
        let said = load(&format!("[packs]\n{text}")).unwrap_err().to_string();
        assert!(said.contains(expected) && !said.contains("s3cret"), "{expected:?} is not in:\n{said}");
    };
    check("watch-dir = \"secrets/xplan\"", "packs.watch-dir");
    check("activate = \"when-empty\"", "packs.activate: is for what is put into packs.watch-dir");
    check("activate = \"always\"", "when-empty");
    let registry = |keys: &str| format!("registries = [{{ {keys} }}]");
    check(&registry("host = \"https://registry.acme.example\""), "is no host such as");
    check(&registry("host = \"registry.acme.example\", insecure = true"), "not on this machine");
    check(&registry("host = \"a.example\", username = \"svc\""), "no password-file");
    check(&registry("host = \"a.example\", password-file = \"secrets/xplan\""), "no username");
    check(&registry("host = \"a.example\", username = \"svc\", password-file = \"secrets/none\""), "secrets/none");
    check(&registry("host = \"a.example\", password = \"s\""), "password");
    check("registries = [{ host = \"a.example\" }, { host = \"A.example\" }]", "`a.example` twice");
}

/// Settings with a secret in every file that they can name, with a key of age in one.
const SECRETS: &str = r#"
    [server]
    bootstrap-token-file = "secrets/key"
    secret-key-file = "secrets/key"
    [packs]
    registries = [{ host = "a.example", username = "svc", password-file = "secrets/xplan" }]
    [openid]
    issuer = "https://login.example"
    client-id = "t"
    client-secret-file = "secrets/xplan"
    [backup]
    folder = "b"
    key-file = "secrets/age"
"#;
/// The keys of those files, the connection's too.
const SECRET_FILES: [&str; 6] = [
    "backup.key-file",
    "connections.main.auth.password-file",
    "openid.client-secret-file",
    "packs.registries",
    "server.bootstrap-token-file",
    "server.secret-key-file",
];

/// The keys that lines begin with, in their order.
fn keys_of(lines: &[String]) -> Vec<&str> {
    let mut keys: Vec<&str> = lines.iter().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_secret_that_every_account_can_read_is_warned_of() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;
    let folder = folder(&format!("{SECRETS}{CONNECTION}"));
    let key = age::x25519::Identity::generate().to_string();
    std::fs::write(folder.path().join("secrets/age"), key.expose_secret()).unwrap();
    let set = |name: &str, mode| set_permissions(folder.path().join(name), Permissions::from_mode(mode)).unwrap();
    ["", "secrets"].into_iter().for_each(|name| set(name, 0o755));
    let warned = |mode: u32| {
        ["secrets/age", "secrets/key", "secrets/xplan"].into_iter().for_each(|name| set(name, mode));
        Config::load(Some(&folder.path().join("tidegate.toml")), &Vec::new()).unwrap().warnings
    };
    let warnings = warned(0o644);
    assert_eq!(keys_of(&warnings), SECRET_FILES);
    let words = "secrets/age is open to others on this machine (mode 644); close it with `chmod 600`";
    assert!(warnings.iter().any(|warning| warning.ends_with(words)), "{warnings:?}");
    assert_eq!(warned(0o640), [""; 0]);
}

#[test]
fn a_file_that_is_a_pipe_is_refused_and_not_waited_for() {
    let folder = folder(&format!("{SECRETS}{CONNECTION}\n[practice]\nlogo = \"secrets/xplan\""));
    for name in ["age", "key", "xplan"] {
        let path = folder.path().join("secrets").join(name);
        drop(std::fs::remove_file(&path));
        regular_file::tests::make_pipe(&path);
    }
    let settings = folder.path().join("tidegate.toml");
    let ConfigError(problems) = Config::load(Some(&settings), &Vec::new()).unwrap_err();
    let refused = [&SECRET_FILES[..3], &["packs.registries", "practice.logo"], &SECRET_FILES[4..]].concat();
    assert_eq!(keys_of(&problems), refused);
    assert!(problems.iter().all(|why| why.contains("isn't a regular file")), "{problems:?}");
    std::fs::remove_file(&settings).unwrap();
    regular_file::tests::make_pipe(&settings);
    let said = Config::load(Some(&settings), &Vec::new()).unwrap_err().to_string();
    assert!(said.contains("isn't a regular file") && said.ends_with("name another with --config"), "{said}");
}

#[test]
fn every_path_is_whole_however_the_settings_file_is_named() {
    let here = std::env::current_dir().unwrap();
    let folder = tempfile::tempdir_in(&here).unwrap();
    let name = folder.path().file_name().unwrap();
    std::fs::write(folder.path().join("backup.key"), "AGE-SECRET-KEY-1 cut short").unwrap();
    let settings = "[packs]\nwatch-dir = \"incoming\"\n[backup]\nfolder = \"b\"\nkey-file = \"backup.key\"";
    std::fs::write(folder.path().join("tidegate.toml"), settings).unwrap();
    let check = |path: Option<&Path>, base: &Path| {
        let (config, problems) = Config::examine(path, &Vec::new()).unwrap();
        assert_eq!(config.server.data_dir, base.join("data"), "{path:?}");
        assert_eq!(config.server.packs_dir, base.join("packs"), "{path:?}");
        (config, problems)
    };
    check(None, &here);
    for path in [Path::new(name).join("tidegate.toml"), Path::new(".").join(name).join("tidegate.toml")] {
        let (config, problems) = check(Some(&path), folder.path());
        assert_eq!(config.watched_folder.unwrap().folder, folder.path().join("incoming"));
        assert!(problems.iter().all(|why| why.starts_with("backup.key-file: ")), "{problems:?}");
    }
    // A file of the current folder has no folder in its name.
    let layers = Layers::without_environment(Some(Path::new("Cargo.toml")), &Vec::new()).unwrap();
    assert_eq!(layers.base, here);
}

/// Each CRM's reference is a section that can be used, once what it leaves open is filled in.
#[test]
fn the_reference_of_a_crm_is_a_section() {
    let check = |reference: &str, chosen: &[&str]| {
        let keys = reference.lines().filter_map(|line| line.strip_prefix("# "));
        let is_wanted = |line: &&str| line.starts_with('[') || chosen.iter().any(|key| line.starts_with(key));
        let section = keys.filter(is_wanted).collect::<Vec<_>>().join("\n").replace('…', "gateway.example");
        load(&section).unwrap_or_else(|problems| panic!("{problems}\n{section}"));
    };
    let reference = include_str!("../crm/xplan/reference.toml");
    check(reference, &["crm", "pack", "dialect", "forward-host", "auth"]);
    let of_gateway = reference.replace("dialect = \"resourceful\"", "dialect = \"open\"");
    let keys = ["crm", "pack", "dialect", "gateway-host", "api-version", "notes-list", "forward-host", "auth"];
    check(&of_gateway, &keys);
    let of_folder = include_str!("../crm/files/reference.toml");
    check(of_folder, &["crm", "pack", "folder", "outbound", "settle", "written-last"]);
}
