//! What a pack's author wrote down, tried on the engine and with the limits of a host: examples of the rules, fixtures of
//! each dialect, and cases that stand outside the pack.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use crate::pack::{Case, PackError, Packs, blessed, dialects};

/// What became of one fixture, or of the examples of a dialect.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// `fixture`, `case`, `examples` of the rules, or `events`, whose examples' notes are written.
    pub what: &'static str,
    /// Its file, from the pack's folder on.
    pub file: String,
    /// The sentence that says what it shows.
    pub name: String,
    /// The dialect in which it was tried.
    pub dialect: String,
    /// Whether what came out is what is expected.
    pub ok: bool,
    /// The lines that differ, with those around them: `-` what is expected, `+` what came out; or why it cannot be tried.
    pub lines: Vec<String>,
}

/// All that was tried of a pack.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// Whether all of it holds, and there is something.
    pub ok: bool,
    /// Examples, fixtures and cases.
    pub tried: usize,
    /// A row a fixture or case; one for the examples of a dialect.
    pub outcomes: Vec<Outcome>,
    /// The fixtures that come out otherwise, as they were run.
    #[serde(skip)]
    pub otherwise: Vec<Case>,
}

/// Tries a pack in each of its dialects. `cases` is a folder of fixtures that stand outside the pack.
///
/// # Errors
/// Says why the pack does not load in a dialect.
pub fn try_all(packs: &Packs, pack: &Path, cases: Option<&Path>) -> Result<Tried> {
    // A name that is misspelt would else be tried without a word, and hold.
    if let Some(cases) = cases {
        let is_fixture = |entry: fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "json");
        let mut entries = fs::read_dir(cases).with_context(|| cases.display().to_string())?.flatten();
        ensure!(entries.any(is_fixture), "{}: there is no fixture in it", cases.display());
    }
    let (mut outcomes, mut otherwise, mut tried) = (Vec::new(), Vec::new(), 0);
    for dialect in dialects(pack) {
        let revision = packs.load_untested(pack, &dialect)?;
        let (examples, wrong) = revision.examples(&dialect);
        tried += examples;
        if examples > 0 || !wrong.is_empty() {
            let name = format!("{examples} examples");
            let of = Outcome {
                what: "examples",
                file: "rules.toml".to_owned(),
                name,
                dialect: dialect.clone(),
                ok: wrong.is_empty(),
                lines: wrong,
            };
            outcomes.push(of);
        }
        let of_events: usize = revision.events().all().iter().map(|event| event.examples().len()).sum();
        tried += of_events;
        let wrong = revision.event_examples(pack, &dialect)?;
        if of_events > 0 {
            let here = format!("{}/", pack.display());
            outcomes.push(Outcome {
                what: "events",
                file: "events".to_owned(),
                name: format!("notes of {of_events} examples"),
                dialect: dialect.clone(),
                ok: wrong.is_empty(),
                lines: wrong.into_iter().map(|line| line.replace(&here, "")).collect(),
            });
        }
        let own = revision.cases(pack, &dialect).into_iter().map(|case| ("fixture", pack, case));
        let beside = cases.map(|folder| (folder, revision.cases_beside(folder, &dialect)));
        let beside =
            beside.into_iter().flat_map(|(folder, all)| all.into_iter().map(move |case| ("case", folder, case)));
        for (what, root, case) in own.chain(beside) {
            tried += 1;
            outcomes.push(outcome(what, root, &dialect, &case));
            otherwise.extend(case.ok().filter(|case| !case.holds() && case.is_own));
        }
    }
    Ok(Tried { ok: tried > 0 && outcomes.iter().all(|outcome| outcome.ok), tried, outcomes, otherwise })
}

fn outcome(what: &'static str, root: &Path, dialect: &str, case: &std::result::Result<Case, PackError>) -> Outcome {
    let dialect = dialect.to_owned();
    match case {
        Ok(case) => {
            // Of a base that lies beside the pack, from its own folder on.
            let beside = || case.path.strip_prefix(root.parent()?).ok();
            let file = case.path.strip_prefix(root).ok().or_else(beside).unwrap_or(&case.path).display().to_string();
            let (name, ok) = (case.name.clone(), case.holds());
            Outcome { what, file, name, dialect, ok, lines: differing(&case.expected, &case.found) }
        }
        Err(error) => {
            let lines = vec![error.to_string().replace(&format!("{}/", root.display()), "")];
            let file = lines[0].split(": ").next().unwrap_or_default().to_owned();
            Outcome { what, file, name: String::new(), dialect, ok: false, lines }
        }
    }
}

/// The lines that differ, three around each.
fn differing(expected: &Value, found: &Value) -> Vec<String> {
    if expected == found {
        return Vec::new();
    }
    let [expected, found] = [expected, found].map(|value| format!("{value:#}\n"));
    let unified = TextDiff::from_lines(&expected, &found).unified_diff().context_radius(3).to_string();
    unified.lines().map(str::to_owned).collect()
}

/// Rewrites fixtures to what came out. Answers their files.
///
/// # Errors
/// Names the file that cannot be written.
pub fn bless(otherwise: &[Case]) -> Result<Vec<PathBuf>> {
    let write = |case: &Case| {
        let named = || case.path.display().to_string();
        let text = fs::read_to_string(&case.path).with_context(named)?;
        let text = blessed(&text, &case.found).map_err(anyhow::Error::msg).with_context(named)?;
        fs::write(&case.path, text).with_context(named)?;
        Ok(case.path.clone())
    };
    otherwise.iter().map(write).collect()
}
