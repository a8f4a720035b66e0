//! The commands of a pack's author, which need no host: make, build, try, measure, compare, sign and publish a pack.

mod bench;
mod check;
mod compare;
mod make;
mod sign;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use crate::app::typesetter;
use crate::cli::{Global, output};
use crate::config::{Config, own_cache};
use crate::kit::{Language, Project};
use crate::pack::Packs;

#[derive(Subcommand)]
pub(in crate::cli) enum Kit {
    /// Make a pack: a folder that works at once, to be gone on from
    #[command(after_help = "Examples:
  tidegate pack new acme-za --region ZA
  tidegate pack new acme-bt --region BT --currency BTN --time-zone Asia/Thimphu
  tidegate pack new acme-za --region ZA --lang rust
  tidegate pack new acme-za --region ZA --lang typescript --in packs
A plugin's folder holds the SDK's source, so that it is built without a repository of this project.")]
    New(make::New),
    /// Build a plugin's component into its pack: Rust by cargo, TypeScript by npm's compiler and engine
    #[command(after_help = "Examples:
  tidegate pack build
  tidegate pack build acme-za --json
Where a tool is missing, it says which command installs it.")]
    Build {
        #[command(flatten)]
        of: Folder,
    },
    /// Lead a pack through all gates of a host, without one; exit 1 where it does not go through
    #[command(after_help = "Examples:\n  tidegate pack check\n  tidegate pack check packs/acme-za --json")]
    Check {
        #[command(flatten)]
        of: Folder,
    },
    /// Try a pack's examples and fixtures on a host's engine with its limits; exit 1 where one comes out otherwise
    #[command(after_help = "Examples:
  tidegate pack test
  tidegate pack test acme-za --watch
  tidegate pack test --bless              rewrite the fixtures to what comes out: look at the difference before it is kept
  tidegate pack test --cases ../cases --json")]
    Test(test::Test),
    /// Try on a plugin what the contract asks of every one; exit 1 where it does not keep to it
    #[command(after_help = "Examples:\n  tidegate pack conform\n  tidegate pack conform acme-za --json
The records are those of the pack's fixtures: the more of them, the more is tried.")]
    Conform {
        #[command(flatten)]
        of: Folder,
    },
    /// Measure a plugin: time, instructions, memory, size; exit 1 where it is worse than a baseline
    #[command(after_help = "Examples:
  tidegate pack bench
  tidegate pack bench --save baseline.json
  tidegate pack bench --baseline baseline.json --fail-above 5
  tidegate pack bench --records book.jsonl --json
A file of records has a line for each: {\"kind\": \"client\", \"id\": \"7\", \"json\": {\"row\": {…}}}. Instructions, memory and size are
the same on every machine and are judged; time only where --fail-above-time says so.")]
    Bench(bench::Bench),
    /// Show what would become otherwise of raw records, field by field; exit 1 where something would
    #[command(after_help = "Examples:
  tidegate pack diff old/acme-za acme-za --records book.jsonl
  tidegate pack diff old/acme-za acme-za --records acme-za/pack/fixtures --json
A file of records has a line for each: {\"kind\": \"client\", \"id\": \"7\", \"json\": {\"row\": {…}}}; a folder of fixtures serves as well.")]
    Diff(compare::Diff),
    /// Make an author's pair of keys, of minisign's form, to sign packs with
    #[command(after_help = "Examples:\n  tidegate pack key author.key\n  tidegate pack key author.key --no-password")]
    Key(sign::Key),
    /// Sign a pack with an author's secret key
    #[command(after_help = "Examples:
  tidegate pack sign author.key
  tidegate pack sign author.key acme-za --password-file password.txt
The files below are signed together; a change to any of them asks for another signature.")]
    Sign(sign::Sign),
    /// Check a pack's signature by an author's public key, or by those of the settings; exit 1 where it does not hold
    #[command(
        after_help = "Examples:\n  tidegate pack verify --key author.key.pub\n  tidegate pack verify packs/acme-za"
    )]
    Verify(sign::Verify),
    /// Push a pack to a registry, once it goes through all gates
    #[command(after_help = "Examples:
  tidegate pack publish oci://registry.acme.example/team/acme-za:1.2
  tidegate pack publish oci://localhost:5000/acme-za:1.2 acme-za --json
It says whether the pack is signed, and by which digest it is pulled.")]
    Publish {
        /// Where it goes: oci://host/repository:tag
        #[arg(value_name = "REFERENCE")]
        reference: String,
        #[command(flatten)]
        of: Folder,
    },
}

/// The pack that is meant.
#[derive(Args)]
pub(in crate::cli) struct Folder {
    /// The pack's folder, or that of its plugin's source
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// What a pack is written in, on the command line.
#[derive(Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Lang {
    /// Tables alone, on the component of a base
    Tables,
    /// A crate
    Rust,
    /// A package for Node.js
    Typescript,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Tables => Self::Tables,
            Lang::Rust => Self::Rust,
            Lang::Typescript => Self::TypeScript,
        }
    }
}

impl Kit {
    pub(in crate::cli) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self {
            Self::New(new) => make::new(global, new),
            Self::Build { of } => make::build(global, of.folder).await,
            Self::Check { of } => check::check(global, of.folder).await,
            Self::Test(test) => test::run(global, test).await,
            Self::Conform { of } => check::conform(global, of.folder).await,
            Self::Bench(bench) => bench::run(global, bench).await,
            Self::Diff(diff) => compare::run(global, diff).await,
            Self::Key(key) => sign::key(global, key).await,
            Self::Sign(sign) => sign::sign(global, sign).await,
            Self::Verify(verify) => sign::verify(global, verify).await,
            Self::Publish { reference, of } => check::publish(global, &reference, of.folder).await,
        }
    }
}

/// The engine of a host, with what is compiled kept in the person's own cache: no data folder is made.
fn engine(config: &Config) -> anyhow::Result<Packs> {
    Ok(Packs::new(&own_cache(), config.server.compiler.as_deref(), typesetter(config))?)
}

/// A path as a person reads it: from the folder on in which the command runs.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let below = path.components().as_path().strip_prefix(&here).unwrap_or(path);
    let shown = if below.as_os_str().is_empty() { Path::new(".") } else { below };
    shown.display().to_string()
}

/// Tells a person that a component is older than its source.
fn tell_of_source(project: &Project) -> anyhow::Result<()> {
    if let Some(newer) = project.built_before()? {
        output::tell(&format!("tidegate: {newer}"));
    }
    Ok(())
}
