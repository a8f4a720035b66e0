//! Problems with edited files, and gates that refused them, each beside the line that it is about.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::app::App;
use crate::domain::text::full_stop;
use crate::integrations::RuleDraft;
use crate::pack::{Gate, Problem, split_pointer};
use crate::web::failure::Failure;
use crate::web::format::{self, gate_name};

/// The most characters of a line that are quoted.
const QUOTED: usize = 160;

/// The words between what an example is called and what comes out otherwise.
const OTHERWISE: &str = " comes out otherwise: ";

/// The problems with what is typed, in the order in which they are to be solved.
#[derive(Template)]
#[template(path = "components/rule-problems.html")]
pub(super) struct Problems {
    rows: Vec<Row>,
    /// Whether anything was typed yet.
    is_edited: bool,
}

impl HtmlSafe for Problems {}

/// A problem, or a line of a gate.
pub(super) struct Row {
    /// The address of its line: a place in this page, or another file's page.
    pub(super) path: Option<String>,
    /// The line in this file.
    pub(super) line: Option<usize>,
    /// Where it is: `Line 73`, `notes/annual-review.completed.toml, line 2`.
    pub(super) place: String,
    /// The place in the rules, as headings and keys are written.
    pub(super) key: Option<String>,
    pub(super) message: String,
    /// What comes out otherwise, one a line.
    pub(super) differences: Vec<String>,
    /// The line's text.
    pub(super) quote: Option<String>,
}

impl Problems {
    /// The problems, for the page of a file with this text.
    pub(super) fn new(
        found: &[Problem],
        file: &str,
        text: &str,
        is_edited: bool,
        path_of: impl Fn(&str) -> String,
    ) -> Self {
        let row = |problem: &Problem| {
            let key = problem.path.as_deref().filter(|path| !path.is_empty()).map(dotted);
            Row::new((&problem.file, problem.line), &problem.message, key, (file, text), &path_of)
        };
        Self { rows: found.iter().map(row).collect(), is_edited }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Their number in words; empty where there is none.
    pub(super) fn count(&self) -> String {
        let number = self.rows.len() as u64;
        if number == 0 { String::new() } else { format::count(number, "problem", "problems") }
    }

    /// For each line of the file, the number of the first problem with it.
    pub(super) fn by_line(&self, lines: usize) -> Vec<Option<usize>> {
        let mut by_line = vec![None; lines];
        for (number, line) in self.rows.iter().enumerate().filter_map(|(number, row)| Some((number, row.line?))) {
            if let Some(place @ None) = by_line.get_mut(line.saturating_sub(1)) {
                *place = Some(number + 1);
            }
        }
        by_line
    }
}

impl Row {
    fn new(
        (of, line): (&str, Option<usize>),
        message: &str,
        key: Option<String>,
        (file, text): (&str, &str),
        path_of: &impl Fn(&str) -> String,
    ) -> Self {
        let is_here = of == file;
        let target = line.map(|line| format!("#line-{line}")).unwrap_or_default();
        let place = match (is_here, line) {
            (true, Some(line)) => format!("Line {line}"),
            (true, None) => "This file".to_owned(),
            (false, Some(line)) => format!("{of}, line {line}"),
            (false, None) => of.to_owned(),
        };
        let (message, differences) = match message.split_once(OTHERWISE) {
            Some((what, otherwise)) => {
                let parts = otherwise.split("; ").map(said).collect();
                (format!("{} comes out otherwise.", format::sentence(what)), parts)
            }
            None => (full_stop(&format::sentence(message)), Vec::new()),
        };
        let path = match (is_here, line) {
            (true, None) => None,
            (true, Some(_)) => Some(target),
            (false, _) => Some(format!("{}{target}", path_of(of))),
        };
        let line = line.filter(|_| is_here);
        let quote = line.and_then(|line| text.lines().nth(line.saturating_sub(1)));
        let quote = quote.map(|quote| quote.trim().chars().take(QUOTED).collect());
        Self { path, line, place, key, message, differences, quote }
    }
}

/// `title is empty, expected Mr` in the order of a person's question.
fn said(difference: &str) -> String {
    match difference.split_once(", expected ") {
        Some((found, expected)) => format!("{found}; the pack expects {expected}."),
        None => full_stop(difference),
    }
}

/// A JSON Pointer as keys are written in TOML: `client.titles.Mr`.
fn dotted(pointer: &str) -> String {
    let parts = pointer.trim_start_matches('/').split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
    parts.collect::<Vec<_>>().join(".")
}

/// Why a draft could not be staged.
pub(super) struct Refused {
    pub(super) gates: Vec<RefusedGate>,
}

/// A gate that it did not go through.
pub(super) struct RefusedGate {
    pub(super) name: &'static str,
    /// Whether what is typed is held against it while it is typed.
    pub(super) is_told_below: bool,
    pub(super) rows: Vec<Row>,
}

impl Refused {
    /// What refused a draft, for the page of one of its files.
    pub(super) async fn load(
        app: &App,
        draft: &RuleDraft,
        file: &str,
        path_of: impl Fn(&str) -> String,
    ) -> Result<Self, Failure> {
        let failed = draft.refused.iter().filter(|outcome| !outcome.ok);
        let mut gates = Vec::new();
        for outcome in failed {
            let lines: Vec<String> =
                outcome.reason.iter().flat_map(|reason| reason.lines()).map(str::to_owned).collect();
            // The heading of several lines says nothing of its own.
            let lines: Vec<String> =
                lines.iter().filter(|line| lines.len() == 1 || !line.ends_with(':')).cloned().collect();
            let is_told_below = [Gate::Rules, Gate::Examples, Gate::Fixtures].contains(&outcome.gate);
            let base = draft.base.to_string();
            let places = app.integrations.places_of(&draft.connection, (&base, &draft.files), lines.clone()).await?;
            let text = draft.files.get(file).map(String::as_str).unwrap_or_default();
            let row = |(line, place): (&String, Option<(String, Option<usize>)>)| {
                let message = split_pointer(line).map_or(line.as_str(), |(_, message)| message);
                match place {
                    Some((of, at)) => {
                        let message = message.strip_prefix(&format!("{of}: ")).unwrap_or(message);
                        Row::new((&of, at), message, None, (file, text), &path_of)
                    }
                    None => Row {
                        path: None,
                        line: None,
                        place: String::new(),
                        key: None,
                        message: full_stop(&format::sentence(message)),
                        differences: Vec::new(),
                        quote: None,
                    },
                }
            };
            gates.push(RefusedGate {
                name: gate_name(outcome.gate),
                is_told_below,
                rows: lines.iter().zip(places).map(row).collect(),
            });
        }
        Ok(Self { gates })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(file: &str, line: Option<usize>, message: &str) -> Problem {
        Problem { file: file.to_owned(), line, path: Some("/client/titles/Mr".to_owned()), message: message.to_owned() }
    }

    #[test]
    fn a_problem_stands_beside_its_line_and_leads_to_it() {
        let found = [
            problem("rules.toml", Some(2), "`titels` is not known here; is `titles` meant?"),
            problem("rules.toml", Some(2), "another"),
            problem(
                "notes/a.toml",
                Some(7),
                "the example \"a\" comes out otherwise: title is `Mr`, expected empty; x is y",
            ),
            problem("rules.toml", None, "all of it"),
        ];
        let problems =
            Problems::new(&found, "rules.toml", "a = 1\n  <titels>\n", true, |file| format!("/rules/{file}?draft=7"));
        assert_eq!(problems.by_line(3), [None, Some(1), None]);
        let rows = &problems.rows;
        assert_eq!((rows[0].path.as_deref(), rows[0].quote.as_deref()), (Some("#line-2"), Some("<titels>")));
        assert_eq!(rows[0].key.as_deref(), Some("client.titles.Mr"));
        assert_eq!(rows[2].path.as_deref(), Some("/rules/notes/a.toml?draft=7#line-7"));
        assert_eq!(rows[2].differences, ["title is `Mr`; the pack expects empty.", "x is y."]);
        assert_eq!((rows[3].path.as_deref(), rows[3].place.as_str()), (None, "This file"));
        let html = problems.render().unwrap();
        assert!(html.contains("&#60;titels&#62;") && html.contains("id=\"problem-1\""), "{html}");
    }
}
