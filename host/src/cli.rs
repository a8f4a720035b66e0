//! The command line: one file a command. Errors get their context here and end as one message and an exit code:
//! 0 done, 1 failed, 2 wrong use.

mod audit;
mod backup;
mod compile_plugin;
mod config;
mod connection;
mod demo;
mod explain;
mod healthcheck;
mod import;
mod local;
mod note;
mod output;
mod owner;
mod pack;
mod privacy;
mod process;
mod progress;
mod run;
mod serve;
mod sync;
mod token;
mod typeset;
mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError, Overrides};
use crate::domain::RecordKind;

/// Brings a practice's book from its CRM every hour, and writes file notes back the moment something happens.
#[derive(Parser)]
#[command(name = "tidegate", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  tidegate demo                         a stand-in CRM, a synced book and the pages, on this machine only
  tidegate config check                 say whether tidegate.toml can be used
  tidegate serve                        run the host
  tidegate sync main --once             bring the book over now
  tidegate import clients.xlsx          which of our clients is which in the CRM? before the first sync
  tidegate run list                     how the last syncs went
  tidegate explain 1259 mobile          why is this client's mobile what it is?
  tidegate note list --state waiting    file notes that have not reached the CRM yet
  tidegate user reset pat@example.com   a link by which somebody chooses another password";

/// The kinds of record that there are of a client.
fn kinds() -> PossibleValuesParser {
    RecordKind::of_clients().map(RecordKind::as_str).into()
}

fn every_kind() -> PossibleValuesParser {
    RecordKind::ALL.iter().map(|kind| kind.as_str()).into()
}

/// Given before or after any command.
#[derive(Args, Clone, Debug)]
struct Global {
    /// The settings file [default: tidegate.toml where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the store is kept; outranks server.data-dir
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Where pack folders are looked for; outranks server.packs-dir
    #[arg(long, global = true, value_name = "FOLDER")]
    packs_dir: Option<PathBuf>,
    /// Print machine-readable output; where the command fails, an object with `error` on standard error
    #[arg(long, global = true)]
    json: bool,
    /// What to log: error, warn, info, debug, trace; outranks log.level
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the host: pages, API, schedule and file notes
    Serve(serve::Serve),
    /// Run a host with a stand-in CRM and an invented book, on this machine only
    Demo(demo::Demo),
    /// Bring a connection's book over
    Sync(sync::Sync),
    /// Link the practice's clients to the CRM by a list of ids
    Import(import::Import),
    /// Tell where a client's values come from
    Explain(explain::Explain),
    /// Look at how syncs went, and at what they changed
    #[command(subcommand)]
    Run(run::Run),
    /// Look at packs, and put an edited one in force; make, build, try and sign one
    #[command(
        subcommand,
        after_help = "Examples:
  tidegate pack list
  tidegate pack stage packs/acme-au --connection main       an operator's way: stage, preview, activate, rollback
  tidegate pack new acme-za --region ZA                     an author's way: new, check, test, sign, publish"
    )]
    Pack(pack::Pack),
    /// Say what only a person can say of a connection
    #[command(subcommand)]
    Connection(connection::Connection),
    /// Look at file notes
    #[command(subcommand)]
    Note(note::Note),
    /// Look after the accounts of the practice's people
    #[command(subcommand)]
    User(user::User),
    /// Look after API tokens
    #[command(subcommand)]
    Token(token::Token),
    /// Check or export the audit log
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Make, list or verify backups
    Backup(backup::Backup),
    /// Restore a backup into a new data folder
    Restore(backup::Restore),
    /// Say what is kept of whom; export or erase a client
    #[command(subcommand)]
    Privacy(privacy::Privacy),
    /// Check or print the settings
    #[command(subcommand, after_help = "Examples:\n  tidegate config check --connect\n  tidegate config dump")]
    Config(config::ConfigCommand),
    /// Ask a running host whether it is ready; for containers
    Healthcheck(healthcheck::Healthcheck),
    /// Compile the plugin on standard input; the host runs itself so
    #[command(hide = true)]
    CompilePlugin,
    /// Set documents that the host asks for on standard input
    #[command(hide = true)]
    Typeset(typeset::Typeset),
}

impl Global {
    fn overrides(&self) -> Overrides {
        let path = |key: &str, value: &Option<PathBuf>| {
            // A path of the command line is meant from the current folder, not from the settings file's.
            value.as_ref().map(|path| {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                (key.to_owned(), path.display().to_string())
            })
        };
        let data_dir = path("server.data-dir", &self.data_dir);
        let packs_dir = path("server.packs-dir", &self.packs_dir);
        let log = self.log.clone().map(|level| ("log.level".to_owned(), level));
        [data_dir, packs_dir, log].into_iter().flatten().collect()
    }

    /// The settings of a command that runs the host; it logs as they say.
    fn load(&self, more: Overrides) -> Result<Config, ConfigError> {
        let mut overrides = self.overrides();
        overrides.extend(more);
        let mut config = Config::load(self.config.as_deref(), &overrides)?;
        config.server.compiler = std::env::current_exe().ok();
        crate::telemetry::start(&config.log.level, config.log.json);
        for message in crate::config::ignored_variables().iter().chain(&config.warnings) {
            tracing::warn!("{message}");
        }
        Ok(config)
    }

    /// The settings of a host that meets no other's: those of its file and of the command line alone. It logs as they say.
    fn load_alone(&self, path: &Path) -> Result<Config, ConfigError> {
        let mut config = Config::alone(path, &self.overrides())?;
        config.server.compiler = std::env::current_exe().ok();
        crate::telemetry::start(&config.log.level, config.log.json);
        Ok(config)
    }

    /// The settings of a command that answers and ends: it logs what is wrong only, unless told otherwise.
    fn load_quietly(&self) -> Result<Config, ConfigError> {
        Ok(self.ready(Config::load(self.config.as_deref(), &self.overrides())?))
    }

    /// Settings for a command that answers and ends.
    fn ready(&self, mut config: Config) -> Config {
        config.server.compiler = std::env::current_exe().ok();
        if self.log.is_none() {
            "warn".clone_into(&mut config.log.level);
        }
        crate::telemetry::start(&config.log.level, config.log.json);
        config
    }
}

/// Wrong use: the message, without a chain of causes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct WrongUse(String);

/// The time for which threads that block may go on once the command is done.
const THREADS_END: Duration = Duration::from_secs(1);

/// Parses the command line, runs the command and answers the exit code.
pub fn main() -> ExitCode {
    process::close();
    let cli = Cli::parse();
    if let Command::Typeset(command) = cli.command {
        return command.run();
    }
    let is_json = cli.global.json;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(run(cli));
            // A document that is being set, say, is nobody's any more.
            runtime.shutdown_timeout(THREADS_END);
            outcome
        }
        Err(error) => Err(anyhow::Error::new(error).context("the asynchronous runtime cannot be started")),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let message = output::whole(&error);
            if is_json {
                output::tell(&serde_json::json!({ "error": message }).to_string());
            } else {
                output::tell(&format!("tidegate: {message}"));
            }
            let is_wrong_use = error.is::<WrongUse>() || error.is::<ConfigError>();
            ExitCode::from(if is_wrong_use { 2 } else { 1 })
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Serve(command) => command.run(&cli.global).await,
        Command::Demo(command) => command.run(&cli.global).await,
        Command::Sync(command) => command.run(&cli.global).await,
        Command::Import(command) => command.run(&cli.global).await,
        Command::Explain(command) => command.run(&cli.global).await,
        Command::Run(command) => command.run(&cli.global).await,
        Command::Pack(command) => command.run(&cli.global).await,
        Command::Connection(command) => command.run(&cli.global).await,
        Command::Note(command) => command.run(&cli.global).await,
        Command::User(command) => command.run(&cli.global).await,
        Command::Token(command) => command.run(&cli.global).await,
        Command::Audit(command) => command.run(&cli.global).await,
        Command::Backup(command) => command.run(&cli.global).await,
        Command::Restore(command) => command.run(&cli.global).await,
        Command::Privacy(command) => command.run(&cli.global).await,
        Command::Config(command) => command.run(&cli.global).await,
        Command::Healthcheck(command) => command.run(&cli.global).await,
        Command::CompilePlugin => Ok(compile_plugin::run()),
        Command::Typeset(command) => Ok(command.run()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn who_is_due_goes_by_the_settings_unless_years_are_given() {
        let asked = |arguments: &[&str]| match Cli::try_parse_from(arguments).unwrap().command {
            Command::Privacy(privacy::Privacy::Due { years }) => years,
            _ => panic!("{arguments:?} asks who is due"),
        };
        assert_eq!(asked(&["tidegate", "privacy", "due"]), None);
        assert_eq!(asked(&["tidegate", "privacy", "due", "--years", "9"]), Some(9));
    }

    #[test]
    fn the_demo_offers_nothing_that_it_refuses() {
        Cli::command().debug_assert();
        let help = Cli::try_parse_from(["tidegate", "demo", "--help"]).err().unwrap().to_string();
        assert!(help.contains("--packs-dir") && !help.contains("--data-dir") && !help.contains("--config"), "{help}");
        for arguments in [["tidegate", "demo", "--config", "x"], ["tidegate", "--data-dir", "x", "demo"]] {
            let parsed = Cli::try_parse_from(arguments).unwrap();
            assert!(parsed.global.config.is_some() || parsed.global.data_dir.is_some(), "{arguments:?}");
        }
    }
}
