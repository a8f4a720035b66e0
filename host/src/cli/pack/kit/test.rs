//! `tidegate pack test`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;
use serde_json::json;

use super::{Folder, engine, shown, tell_of_source};
use crate::cli::{Global, output};
use crate::kit::{Language, Outcome, Project, Tried, bless, build, try_all};
use crate::pack::{Packs, is_stray};

/// The time between two looks at the files.
const LOOK: Duration = Duration::from_millis(400);

/// The folders that no author writes in by hand.
const NOT_WRITTEN: [&str; 4] = ["target", "node_modules", "build", "sdk"];

#[derive(Args)]
pub(in crate::cli) struct Test {
    #[command(flatten)]
    of: Folder,
    /// Try again whenever a file changes; a plugin's source is built first
    #[arg(long, conflicts_with = "bless")]
    watch: bool,
    /// Rewrite the fixtures that come out otherwise to what comes out
    #[arg(long)]
    bless: bool,
    /// A folder of fixtures that stand outside the pack
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
}

/// Tries a pack once, or whenever a file of it changes.
pub(super) async fn run(global: &Global, test: Test) -> anyhow::Result<ExitCode> {
    let config = global.load_quietly()?;
    let is_json = global.json;
    let work = move || {
        let project = Project::find(&test.of.folder)?;
        let packs = engine(&config)?;
        if test.watch {
            return watch(&packs, &project, test.cases.as_deref(), is_json);
        }
        tell_of_source(&project)?;
        let tried = try_all(&packs, &project.pack, test.cases.as_deref())?;
        let blessed = if test.bless { bless(&tried.otherwise)? } else { Vec::new() };
        if is_json {
            output::json(
                &json!({ "ok": tried.ok, "tried": tried.tried, "outcomes": tried.outcomes, "blessed": blessed }),
            )?;
        } else {
            tell(&tried)?;
            blessed.iter().try_for_each(|path| output::line(format!("{}: rewritten.", shown(path))))?;
        }
        let is_settled = tried.outcomes.iter().filter(|outcome| !outcome.ok).count() == blessed.len();
        Ok(if tried.ok || (test.bless && is_settled) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    };
    tokio::task::spawn_blocking(work).await?
}

fn tell(tried: &Tried) -> anyhow::Result<()> {
    let wrong: Vec<&Outcome> = tried.outcomes.iter().filter(|outcome| !outcome.ok).collect();
    for outcome in &wrong {
        output::line(format!("✗ {} ({}): {}", outcome.file, outcome.dialect, outcome.name))?;
        outcome.lines.iter().try_for_each(|line| output::line(format!("    {line}")))?;
    }
    output::line(match (tried.tried, wrong.len()) {
        (0, _) => "There is nothing to try: no example in rules.toml, no fixture in fixtures/.".to_owned(),
        (all, 0) => format!("{all} examples and fixtures hold."),
        (all, wrong) => format!("{wrong} of {all} examples and fixtures come out otherwise."),
    })
}

/// The files of a project as they are: when each was written, and how large it is.
type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

fn look(folder: &Path, seen: &mut Seen) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if is_stray(&name) || name == "component.wasm" {
            continue;
        }
        // A link is looked at where it leads, and a folder behind one not at all: it may be its own.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !NOT_WRITTEN.iter().any(|other| name == *other) => look(&path, seen),
            Ok(kind) if !kind.is_dir() => {
                if let Ok(facts) = std::fs::metadata(&path) {
                    seen.insert(path, (facts.modified().ok(), facts.len()));
                }
            }
            _ => {}
        }
    }
}

/// Tries again whenever a file changes, until the command is stopped.
fn watch(packs: &Packs, project: &Project, cases: Option<&Path>, is_json: bool) -> anyhow::Result<ExitCode> {
    let files = || {
        let mut seen = Seen::new();
        look(&project.folder, &mut seen);
        cases.into_iter().for_each(|cases| look(cases, &mut seen));
        seen
    };
    let mut before: Option<Seen> = None;
    loop {
        let now = files();
        if before.as_ref() == Some(&now) {
            std::thread::sleep(LOOK);
            continue;
        }
        // What is still being written is waited for.
        std::thread::sleep(LOOK);
        if files() != now {
            continue;
        }
        let is_of_source = |path: &PathBuf| !path.starts_with(&project.pack);
        let of_source = |seen: &Seen| {
            seen.iter().filter(|(path, _)| is_of_source(path)).map(|(path, of)| (path.clone(), *of)).collect::<Seen>()
        };
        let is_built = before.as_ref().is_some_and(|before| of_source(before) == of_source(&now));
        before = Some(now);
        let build = || if project.language == Language::Tables || is_built { Ok(()) } else { build(project).map(drop) };
        match build().and_then(|()| try_all(packs, &project.pack, cases)) {
            Ok(tried) if is_json => output::line(serde_json::to_string(&tried)?)?,
            Ok(tried) => tell(&tried)?,
            // A person mends it, and it is tried again.
            Err(error) if is_json => output::line(json!({ "ok": false, "problem": output::whole(&error) }))?,
            Err(error) => output::line(output::whole(&error))?,
        }
        if !is_json {
            output::line("Waiting for a change; Ctrl+C ends it.")?;
        }
    }
}
