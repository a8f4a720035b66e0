//! The reasons why a document is not made.

use std::fmt;

use serde::{Deserialize, Serialize};
use typst::WorldExt as _;
use typst::diag::SourceDiagnostic;
use typst::syntax::{DiagSpan, FileId};

use crate::world::Desk;

/// Something wrong with a template, and where.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// The file among the template's files; none where it is about the whole document.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// The message: what is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}, line {line}: {}", self.message),
            (Some(file), None) => write!(f, "{file}: {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

/// The reason why a document is not made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DocumentError {
    /// The template, or what it was given, cannot be set.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Template(Vec<Problem>),
    /// The template took more than it may.
    #[error("{template}: {reason}")]
    Limit {
        /// The template.
        template: String,
        /// The limit that was exceeded, and how large it is.
        reason: String,
    },
    /// The typesetter cannot be started or does not answer.
    #[error("the typesetter: {0}")]
    Typesetter(String),
}

impl Problem {
    /// A problem of the template as a whole.
    pub(crate) fn whole(template: &str, message: impl Into<String>) -> Self {
        Self { file: Some(template.to_owned()), line: None, message: message.into() }
    }

    /// The problem in the terms of the template's files. What lies outside them is told of the template as a whole.
    pub(crate) fn from_typst(desk: &Desk<'_>, diagnostic: &SourceDiagnostic) -> Self {
        let place = place(desk, diagnostic.span)
            .or_else(|| diagnostic.trace.iter().find_map(|call| place(desk, call.span.into())));
        let mut message = diagnostic.message.to_string();
        for hint in diagnostic.hints.iter().filter(|hint| !hint.v.contains("http") && !hint.v.contains("--root")) {
            message.push_str(" (");
            message.push_str(&hint.v);
            message.push(')');
        }
        match place {
            Some((file, line)) => Self { file: Some(file), line, message },
            None => Self::whole(&desk.job.template, message),
        }
    }
}

fn place(desk: &Desk<'_>, span: DiagSpan) -> Option<(String, Option<usize>)> {
    let id: FileId = span.id()?;
    let file = id.get().vpath().get_without_slash().to_owned();
    let text = desk.text(id);
    let line = desk.range(span).zip(text).map(|(range, text)| {
        let before = text.as_bytes().get(..range.start).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    });
    Some((file, line))
}
