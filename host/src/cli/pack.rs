//! `tidegate pack`: what packs there are, whether they load, which is in force, and what another would change.

mod edit;
mod fixture;
mod incoming;
mod inspect;
mod kit;
mod preview;
mod registry;
mod stage;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::local::Local;
use super::{Global, WrongUse, every_kind, local, output};
use crate::app::typesetter;
use crate::config::own_cache;
use crate::kit::Project;
use crate::pack::{PackSummary, Packs, archive_of, beside_pack, rules_schema, signature, write_sum};

#[derive(Subcommand)]
pub(super) enum Pack {
    #[command(flatten)]
    Kit(kit::Kit),
    /// List the pack folders, verified as for use; exit 1 where one does not load
    #[command(after_help = "Examples:\n  tidegate pack list\n  tidegate pack list --packs-dir target/packs --json")]
    List,
    /// Bring a revision of a connection's pack: it goes through all gates and is kept; exit 1 where it does not
    #[command(after_help = "Examples:
  tidegate pack stage packs/acme-au --connection main
  tidegate pack stage acme-au.tar --connection main --json
  tidegate pack stage --connection main          what stands in the packs' folder by now")]
    Stage {
        /// The pack's folder, or an archive of it (tar, gzipped or not); its folder among the packs if left out
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
        #[command(flatten)]
        of: Of,
    },
    /// List what lies in the watched folder, and what became of it; exit 1 where something is refused
    #[command(after_help = "Examples:\n  tidegate pack incoming\n  tidegate pack incoming --connection main --json")]
    Incoming {
        /// Only what is for this connection, or for none
        #[arg(long, value_name = "NAME")]
        connection: Option<String>,
    },
    /// Pull a pack from a registry, every byte held against its digest, and bring it: it goes through all gates and is kept;
    /// exit 1 where it does not
    #[command(after_help = "Examples:
  tidegate pack pull oci://registry.acme.example/team/acme-au@sha256:9f86d0… --connection main
  tidegate pack pull oci://registry.acme.example/team/acme-au:1.2 --connection main --json
Users and passwords of registries stand in the settings: registries in [packs].")]
    Pull {
        /// Where it is: oci://host/repository, with @sha256:… or :tag
        #[arg(value_name = "REFERENCE")]
        reference: String,
        #[command(flatten)]
        of: Of,
    },
    /// Push a pack's folder to a registry under a tag, for others to pull
    #[command(after_help = "Examples:
  tidegate pack push packs/acme-au oci://registry.acme.example/team/acme-au:1.2
  tidegate pack push packs/acme-au oci://localhost:5000/acme-au:1.2 --json
Prints the digest by which it is pulled: that never becomes another pack.")]
    Push {
        /// The pack's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Where it goes: oci://host/repository:tag
        #[arg(value_name = "REFERENCE")]
        reference: String,
    },
    /// Show what a revision would change on the whole book, field by field, before it is in force
    #[command(after_help = "Examples:
  tidegate pack preview 8c21f0e9a3b7 --connection main
  tidegate pack preview 8c21f0e9a3b7 --connection main --json")]
    Preview {
        /// The revision, by the beginning of its digest
        #[arg(value_name = "REVISION")]
        revision: String,
        #[command(flatten)]
        of: Of,
    },
    /// Put a revision in force for a connection, while the host runs: one that is staged or was in force before, or what
    /// stands in its pack's folder by now, verified first
    #[command(after_help = "Examples:
  tidegate pack activate 8c21f0e9a3b7 --connection main
  tidegate pack activate 8c21f0e9a3b7 --connection main --yes
  tidegate pack activate --connection main --json")]
    Activate {
        /// A revision that is staged or was in force before; what stands in the pack's folder by now if left out
        #[arg(value_name = "REVISION")]
        revision: Option<String>,
        /// Put it in force even where its preview shows a large change, or the breaker took it back
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        of: Of,
    },
    /// List the files of a revision that can be edited, or print one
    #[command(after_help = "Examples:
  tidegate pack files 8c21f0e9a3b7 --connection main
  tidegate pack files 8c21f0e9a3b7 rules.toml --connection main > rules.toml")]
    Files {
        /// The revision, by the beginning of its digest
        #[arg(value_name = "REVISION")]
        revision: String,
        /// The file's path in the pack's folder
        #[arg(value_name = "PATH")]
        path: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Stage a revision with other texts in place of some of its files; exit 1 where it does not go through the gates
    #[command(after_help = "Examples:
  tidegate pack edit 8c21f0e9a3b7 rules.toml=rules.toml --connection main --check
  tidegate pack edit 8c21f0e9a3b7 rules.toml=rules.toml notes/annual-review.completed.toml=note.toml --connection main")]
    Edit {
        /// The revision, by the beginning of its digest
        #[arg(value_name = "REVISION")]
        revision: String,
        /// The file's path in the pack's folder, and the file with its text
        #[arg(value_name = "PATH=FILE", required = true)]
        files: Vec<String>,
        /// Say what is wrong, and stage nothing; exit 1 where something is
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        of: Of,
    },
    /// Show what a pack is: its layers, component, events and files, and which pack or base each file is from
    #[command(after_help = "Examples:
  tidegate pack inspect packs/acme-au
  tidegate pack inspect packs/acme-au --json
  tidegate pack inspect packs/acme-au --joined                 its rules as one, each key with its file and line
  tidegate pack inspect 8c21f0e9a3b7 --joined --dialect open   what is kept of a revision in the data folder")]
    Inspect {
        /// The pack's folder, or a revision that the data folder keeps, by the beginning of its digest
        #[arg(value_name = "FOLDER|REVISION")]
        of: String,
        /// Print its joined rules as TOML, each key with the file and line that it is from
        #[arg(long)]
        joined: bool,
        /// The dialect for which the rules are joined
        #[arg(long, value_name = "NAME", default_value = "resourceful")]
        dialect: String,
    },
    /// Let go of a revision that is staged and was never in force
    #[command(after_help = "Examples:\n  tidegate pack discard 8c21f0e9a3b7 --connection main")]
    Discard {
        /// The revision, by the beginning of its digest
        #[arg(value_name = "REVISION")]
        revision: String,
        #[command(flatten)]
        of: Of,
    },
    /// Write the digests of a pack's files into its `pack.sum`, to be signed: `minisign -Sm pack.sum`
    #[command(after_help = "Examples:\n  tidegate pack sum packs/acme-au && minisign -Sm packs/acme-au/pack.sum")]
    Sum {
        /// The pack's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Print the JSON Schema of a pack's rules; with --write, beside them, where a line `#:schema ./rules.schema.json` at
    /// the head of rules.toml has editors find it
    #[command(
        after_help = "Examples:\n  tidegate pack schema packs/acme-au\n  tidegate pack schema packs/acme-au --write"
    )]
    Schema {
        /// The pack's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Write it into the pack's folder as rules.schema.json
        #[arg(long)]
        write: bool,
    },
    /// Write a pack's folder into one file, to be brought elsewhere
    #[command(after_help = "Examples:\n  tidegate pack save packs/acme-au acme-au.tar")]
    Save {
        /// The pack's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Make a fixture of a record, in quarantine or not: every value in it is replaced by a made-up one of which the same
    /// becomes; exit 1 where one had to stay as it is
    #[command(after_help = "Examples:
  tidegate pack fixture 1259 --connection main > packs/acme-au/fixtures/client-bad-date.json
  tidegate pack fixture 1259 --kind goal --connection main --out goal-without-name.json")]
    Fixture {
        /// The record's id in the CRM; that of the client, where it is a list
        #[arg(value_name = "ID")]
        id: String,
        /// The kind of record
        #[arg(long, default_value = "client", value_parser = every_kind())]
        kind: String,
        /// The file that is written; standard output if left out
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Take it even where values had to stay as they are: look at each before it goes anywhere
        #[arg(long)]
        keep: bool,
        #[command(flatten)]
        of: Of,
    },
    /// Put the revision in force again that was before the one that is; done twice, it is taken back
    #[command(
        after_help = "Examples:\n  tidegate pack rollback --connection main\n  tidegate pack rollback --connection main --json"
    )]
    Rollback {
        /// Taken and not needed: going back is never asked twice
        #[arg(long, hide = true)]
        yes: bool,
        #[command(flatten)]
        of: Of,
    },
    /// List the revisions that a connection had staged or in force, the newest first
    #[command(
        after_help = "Examples:\n  tidegate pack history --connection main\n  tidegate pack history --connection main --json"
    )]
    History {
        #[command(flatten)]
        of: Of,
    },
}

/// The connection that is meant.
#[derive(Args)]
pub(super) struct Of {
    /// The connection's name
    #[arg(long, value_name = "NAME")]
    connection: String,
}

impl Pack {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self {
            Self::Kit(command) => command.run(global).await,
            Self::List => list(global).await,
            Self::Stage { folder, of } => stage::stage(global, folder, of.connection).await,
            Self::Incoming { connection } => incoming::list(global, connection).await,
            Self::Pull { reference, of } => registry::pull(global, &reference, of.connection).await,
            Self::Push { folder, reference } => registry::push(global, folder, &reference).await,
            Self::Preview { revision, of } => preview::show(global, &revision, of.connection).await,
            Self::Activate { revision, yes, of } => activate(global, of.connection, revision, yes).await,
            Self::Files { revision, path, of } => edit::files(global, &revision, path, of.connection).await,
            Self::Edit { revision, files, check, of } => {
                edit::edit(global, &revision, (files, check), of.connection).await
            }
            Self::Inspect { of, joined, dialect } => inspect::show(global, of, joined, dialect).await,
            Self::Discard { revision, of } => discard(global, &revision, of.connection).await,
            Self::Save { folder, file } => save(global, folder, &file).await,
            Self::Sum { folder } => {
                let sum = tokio::task::spawn_blocking(move || anyhow::Ok(write_sum(&Project::find(&folder)?.pack)?));
                wrote(global, &sum.await??)
            }
            Self::Schema { folder, write } => {
                let pack = Project::find(&folder)?.pack;
                let of = pack.clone();
                let schema = tokio::task::spawn_blocking(move || rules_schema(&of)).await??;
                if !write {
                    output::json(&schema)?;
                    return Ok(ExitCode::SUCCESS);
                }
                let path = pack.join("rules.schema.json");
                let text = format!("{}\n", serde_json::to_string_pretty(&schema)?);
                tokio::fs::write(&path, text).await.with_context(|| path.display().to_string())?;
                wrote(global, &path)
            }
            Self::Rollback { of, .. } => {
                let path = format!("connections/{}/rollback", of.connection);
                let work = |host: Local| async move { host.post(&path).await };
                let activated = local::with_host(global.load_quietly()?, work).await?;
                in_force(global, &of.connection, &activated)
            }
            Self::Fixture { id, kind, out, keep, of } => {
                fixture::make(global, fixture::Wanted { id, kind, out, keep, connection: of.connection }).await
            }
            Self::History { of } => history(global, of.connection).await,
        }
    }
}

async fn activate(
    global: &Global,
    connection: String,
    revision: Option<String>,
    yes: bool,
) -> anyhow::Result<ExitCode> {
    let (of, is_quiet) = (connection.clone(), global.json);
    let work = |host: Local| async move {
        let body = match &revision {
            None => json!({}),
            Some(revision) if yes => json!({ "revision": revision, "confirm": revision }),
            // Whoever does not say `--yes` is to know what it would do.
            Some(revision) => {
                let seen = preview::make(&host, &of, revision, is_quiet).await?;
                let message = match (seen["state"].as_str(), preview::is_large(&seen)) {
                    (Some("done"), false) => None,
                    (Some("done"), true) => Some(format!(
                        "its preview shows that {} of {} clients would change{}; if that is what is meant, add --yes",
                        preview::changed(&seen),
                        seen["compared_clients"],
                        preview::refused(&seen)
                    )),
                    _ => Some("its preview came to nothing; to go on without one, add --yes".to_owned()),
                };
                if let Some(message) = message {
                    return Err(WrongUse(message).into());
                }
                json!({ "revision": revision, "preview": seen["id"] })
            }
        };
        host.post_json(&format!("connections/{of}/activate"), &body).await
    };
    let activated = local::with_host(global.load_quietly()?, work).await?;
    in_force(global, &connection, &activated)
}

async fn discard(global: &Global, revision: &str, connection: String) -> anyhow::Result<ExitCode> {
    let path = format!("revisions/{revision}?connection={connection}");
    local::with_host(global.load_quietly()?, |host: Local| async move { host.delete(&path).await }).await?;
    if global.json {
        output::json(&json!({ "connection": connection, "discarded": revision }))?;
    } else {
        output::line(format!("{connection}: revision {revision} is discarded."))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn save(global: &Global, folder: PathBuf, file: &Path) -> anyhow::Result<ExitCode> {
    let packed = move || {
        let pack = Project::find(&folder)?.pack;
        let is_signed = to_be_sent(&pack)?;
        anyhow::Ok((archive_of(&pack)?, is_signed))
    };
    let (archive, is_signed) = tokio::task::spawn_blocking(packed).await??;
    let size = archive.len();
    tokio::fs::write(file, archive).await.with_context(|| file.display().to_string())?;
    if global.json {
        output::json(&json!({ "file": file, "bytes": size, "signed": is_signed }))?;
    } else {
        output::line(format!("{}: {} kB.", file.display(), size.div_ceil(1024)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Looks at a pack that is to go elsewhere, and tells a person what does not go with it. Answers whether it is signed.
///
/// # Errors
/// Names the file that is another than was signed.
fn to_be_sent(pack: &Path) -> anyhow::Result<bool> {
    let left = beside_pack(pack)?;
    if !left.is_empty() {
        output::tell(&format!("tidegate: no part of the pack, and left here: {}", left.join(", ")));
    }
    Ok(signature::is_signed(pack)?)
}

fn wrote(global: &Global, path: &Path) -> anyhow::Result<ExitCode> {
    if global.json {
        output::json(&json!({ "file": path }))?;
    } else {
        output::line(format!("{}.", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn in_force(global: &Global, connection: &str, activated: &Value) -> anyhow::Result<ExitCode> {
    if global.json {
        output::json(activated)?;
    } else {
        let [pack, revision] = ["pack", "revision"].map(|member| output::text(&activated[member]));
        output::line(format!("{connection}: revision {revision} of {pack} is in force."))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn history(global: &Global, connection: String) -> anyhow::Result<ExitCode> {
    let path = format!("connections/{connection}/revisions");
    let revisions =
        local::with_host(global.load_quietly()?, |host: Local| async move { host.get(&path).await }).await?;
    if global.json {
        output::json(&revisions)?;
        return Ok(ExitCode::SUCCESS);
    }
    let cells = |one: &Value| {
        let [revision, pack, version, why, state] =
            ["revision", "pack", "version", "why", "state"].map(|member| output::text(&one[member]));
        let is_kept = if one["is_kept"] == true { "" } else { ", not kept" };
        vec![
            revision,
            pack,
            version,
            why.replace('_', " "),
            format!("{}{is_kept}", state.replace('_', " ")),
            output::text(&one["by"]["who"]),
            output::text(&one["by"]["at"]),
        ]
    };
    let rows: Vec<Vec<String>> = revisions["items"].as_array().into_iter().flatten().map(cells).collect();
    let headings = ["REVISION", "PACK", "VERSION", "WHY", "NOW", "BY", "AT"];
    output::table(&headings, &rows, "The connection was never at work.")?;
    // What the breaker found, of the newest entry alone: of earlier ones it is history.
    let in_force = revisions["items"].as_array().into_iter().flatten().find(|one| one["state"] == "active");
    if let Some(found) = in_force.and_then(|one| one["found"].as_str()) {
        output::line(found)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load_quietly()?;
    let (packs_dir, asked) = (config.server.packs_dir.clone(), config.clone());
    let load = move || {
        // Looking makes no data folder.
        let data_dir = &config.server.data_dir;
        let cache = if data_dir.is_dir() { data_dir.join("cache") } else { own_cache() };
        let packs = Packs::new(&cache, config.server.compiler.as_deref(), typesetter(&config))?;
        packs.list(&config.server.packs_dir, &config.pack_keys)
    };
    let listed = tokio::task::spawn_blocking(load).await??;
    if global.json {
        output::json(&listed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = listed.iter().map(row).collect();
    let empty = format!(
        "No packs in {}: name the folder with --packs-dir, or make one with `tidegate pack new`.",
        packs_dir.display()
    );
    output::table(&["PACK", "VERSION", "CRM", "REGION", "REVISION", "STATUS"], &rows, &empty)?;
    incoming::beside(asked).await?;
    let all_load = listed.iter().all(|pack| pack.problem.is_none());
    Ok(if all_load { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(pack: &PackSummary) -> Vec<String> {
    match (&pack.pack, &pack.base, &pack.problem) {
        (None, Some(base), _) => {
            let [none, region] = ["–", "–"].map(ToOwned::to_owned);
            let cells = [
                base.name.clone(),
                base.version.clone(),
                base.crm.clone().unwrap_or_else(|| "any".to_owned()),
                region,
                none,
            ];
            cells.into_iter().chain(["base: others extend it".to_owned()]).collect()
        }
        (Some(facts), ..) => {
            let revision = facts.revision.to_string();
            let cells = [&facts.name, &facts.version, &facts.crm, &facts.region, &revision];
            cells.into_iter().cloned().chain(["loads".to_owned()]).collect()
        }
        (None, None, problem) => {
            let unknown = std::iter::repeat_n("–".to_owned(), 4);
            let reason = problem.as_deref().unwrap_or("does not load");
            std::iter::once(pack.folder.clone()).chain(unknown).chain([format!("refused: {reason}")]).collect()
        }
    }
}
