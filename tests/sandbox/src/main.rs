//! The stand-in site as a program: reads its flags, starts the site, says where it is, and runs until it is interrupted.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use xplan_sandbox::{ADMIN_HELP, Account, Fault, FaultPlan, OAuthOptions, Options, Region, Rule, Sandbox};

const ABOUT: &str = "\
A stand-in Xplan site with an invented book of clients, for tests, demonstrations and measurements.
Speaks the Resourceful dialect over plain HTTP. For loopback; everybody in it is invented.";

const EXAMPLES: &str = "\
Examples:
  xplan-sandbox                              1,000 clients on a free port
  xplan-sandbox --clients 100000 --seed 7 --listen 127.0.0.1:8099
  xplan-sandbox --region nz --groups 11,13   what a user of two groups sees
  xplan-sandbox --fault server_error:every=10 --fault slow:chance=0.05,ms=800
  xplan-sandbox --fault cut_after:method=POST,on=docnote-v2,times=1
  curl -u svc:sandbox http://127.0.0.1:8099/resourceful/session/user";

const FAULT_SETTINGS: &str = "\
A fault strikes always, or by its settings, as in NAME:every=10,on=docnote-v2
  chance=0..1 or every=N      how often
  skip=N, times=N             not before N requests went by; at most N times
  on=TEXT, method=METHOD      only where path or query hold TEXT; only for METHOD
  ms=N                        milliseconds, for slow, slow_work and cut_late
  retry_after=N               seconds, for too_many_requests";

fn after_help() -> String {
    let faults: Vec<_> =
        Fault::ALL.chunks(5).map(|line| line.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" ")).collect();
    format!(
        "{EXAMPLES}\n\nFaults (--fault, any number of them):\n  {}\n{FAULT_SETTINGS}\n\n\
         Admin endpoint, on the same address, without a password:\n  {}",
        faults.join("\n  "),
        ADMIN_HELP.replace('\n', "\n  ")
    )
}

#[derive(Parser)]
#[command(name = "xplan-sandbox", version, about = ABOUT, after_help = after_help())]
struct Flags {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How many clients the book has
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=i64::from(xplan_sandbox::MOST_CLIENTS)))]
    clients: u32,
    /// The same seed and size give the same book
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where the clients live
    #[arg(long, value_enum, default_value_t = Where::Mix)]
    region: Where,
    /// Name of the user
    #[arg(long, value_name = "NAME", default_value = "svc")]
    username: String,
    /// Password of the user
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "sandbox",
        env = "XPLAN_SANDBOX_PASSWORD",
        hide_env_values = true
    )]
    password: String,
    /// One-time code that the two-factor form must carry
    #[arg(long, value_name = "CODE")]
    one_time_code: Option<String>,
    /// Number of the user; clients whose primary adviser it is are seen in any group
    #[arg(long, value_name = "ID", default_value_t = 500)]
    user_id: u32,
    /// Groups whose clients the user sees, as 11,13; all of them if left out
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    groups: Option<Vec<u32>>,
    /// Client id of an integration that may be authorised with OAuth; its secret is `sandbox-secret`
    #[arg(long, value_name = "ID")]
    oauth_client: Option<String>,
    /// The address that the site sends people back to; any if left out
    #[arg(long, value_name = "URL")]
    oauth_redirect: Option<String>,
    /// Seconds that an access token holds
    #[arg(long, value_name = "N", default_value_t = 3600)]
    oauth_access_seconds: u64,
    /// Seconds that a refresh token holds
    #[arg(long, value_name = "N", default_value_t = 2_592_000)]
    oauth_refresh_seconds: u64,
    /// Ignore PKCE, as a site that does not know it
    #[arg(long)]
    oauth_ignores_pkce: bool,
    /// App id that requests must carry in x-xplan-app-id
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// Sessions a user may hold at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    sessions: u16,
    /// Something that goes wrong; see below
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Rule>,
    /// Seed of the faults that strike by chance
    #[arg(long, value_name = "N", default_value_t = 0)]
    fault_seed: u64,
    /// Answer client rows flattened, without the object `fields`
    #[arg(long)]
    flat_rows: bool,
    /// Write values in other forms: names for web pages, dates as midnights in UTC, amounts for accountants
    #[arg(long)]
    other_forms: bool,
    /// Memory for prepared answers, in MB
    #[arg(long, value_name = "MB", default_value_t = 3072)]
    prepared_mb: usize,
    /// Say where the site is as one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Where {
    /// Australia alone
    Au,
    /// New Zealand alone
    Nz,
    /// The United Kingdom alone
    Uk,
    /// South Africa alone
    Za,
    /// Two in three in Australia
    Mix,
}

impl Flags {
    fn options(&self) -> Options {
        let account = Account {
            username: self.username.clone(),
            password: self.password.clone(),
            one_time_code: self.one_time_code.clone(),
            user_id: self.user_id,
            groups: self.groups.clone(),
        };
        Options {
            listen: self.listen,
            seed: self.seed,
            clients: self.clients,
            region: match self.region {
                Where::Au => Region::Au,
                Where::Nz => Region::Nz,
                Where::Uk => Region::Uk,
                Where::Za => Region::Za,
                Where::Mix => Region::Mix,
            },
            accounts: vec![account],
            oauth: OAuthOptions {
                client_id: self.oauth_client.clone(),
                redirect_uri: self.oauth_redirect.clone(),
                access_lifetime: Duration::from_secs(self.oauth_access_seconds),
                refresh_lifetime: Duration::from_secs(self.oauth_refresh_seconds),
                ignores_pkce: self.oauth_ignores_pkce,
                ..OAuthOptions::default()
            },
            app_id: self.app_id.clone(),
            sessions_per_user: usize::from(self.sessions),
            faults: FaultPlan { seed: self.fault_seed, rules: self.faults.clone() },
            prepared_bytes: self.prepared_mb << 20,
            flat_rows: self.flat_rows,
            other_forms: self.other_forms,
        }
    }

    /// What is printed once the site listens; scripts wait for this line.
    fn announcement(&self, site: &Sandbox) -> String {
        let (url, admin) = (site.url(), format!("{}/admin", site.url()));
        if self.json {
            return serde_json::json!({
                "url": url,
                "host": site.addr().to_string(),
                "admin": admin,
                "username": self.username,
                "password": self.password,
                "app_id": self.app_id,
                "clients": self.clients,
                "seed": self.seed,
            })
            .to_string();
        }
        let app_id = self.app_id.as_ref().map(|id| format!("\nApp id:   {id}")).unwrap_or_default();
        format!(
            "Xplan sandbox with {} invented clients (seed {})\nSite:     {url}\nAdmin:    {admin}\nSign-in:  {} / {}{app_id}\nStop it with Ctrl-C.",
            self.clients, self.seed, self.username, self.password
        )
    }
}

/// One thread: the stand-in then takes at most one core from what is measured against it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let site = match Sandbox::start(flags.options()).await {
        Ok(site) => site,
        Err(error) => {
            eprintln!(
                "xplan-sandbox: cannot listen on {}: {error}. Choose another address with --listen.",
                flags.listen
            );
            return ExitCode::FAILURE;
        }
    };
    println!("{}", flags.announcement(&site));
    interrupted().await;
    site.stop().await;
    ExitCode::SUCCESS
}

/// Waits for Ctrl-C, or for the signal by which a parent process ends it.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate()).expect("a runtime with signals enabled");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(flags: &str) -> Result<Options, String> {
        let words = std::iter::once("xplan-sandbox").chain(flags.split_whitespace());
        Flags::try_parse_from(words).map(|flags| flags.options()).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_become_options() {
        let options = read(
            "--clients 50 --seed 9 --region nz --groups 11,13 --user-id 505 --app-id a --sessions 2 \
             --fault slow:ms=5 --fault cut_after:times=1 --fault-seed 4 --prepared-mb 1",
        )
        .unwrap();
        assert_eq!((options.clients, options.seed, options.region), (50, 9, Region::Nz));
        assert_eq!(options.accounts[0].groups, Some(vec![11, 13]));
        assert_eq!((options.accounts[0].user_id, options.sessions_per_user), (505, 2));
        let faults: Vec<_> = options.faults.rules.iter().map(|rule| rule.fault).collect();
        assert_eq!((faults, options.faults.seed), (vec![Fault::Slow, Fault::CutAfter], 4));
        assert_eq!((options.app_id.as_deref(), options.prepared_bytes), (Some("a"), 1 << 20));
    }

    #[test]
    fn wrong_flags_say_what_is_wrong() {
        let check = |flags: &str, part: &str| {
            let error = read(flags).map(|_| ()).unwrap_err();
            assert!(error.contains(part), "{flags}: {error}");
        };
        check("--clients 0", "1..=1000000");
        check("--region fr", "au, nz, uk, za, mix");
        check("--fault sunspots", "cut_before");
        check("--listen nowhere", "--listen");
        check("--sessions 0", "--sessions");
        check("--colour red", "--colour");
    }
}
