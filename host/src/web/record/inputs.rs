//! The fields of a form that records an event, as its page shows them.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::pack::events::FieldKind;
use crate::web::inputs;

/// One field to fill in.
#[derive(Clone, Debug)]
pub(in crate::web) struct Input {
    pub(in crate::web) id: String,
    pub(in crate::web) name: String,
    pub(in crate::web) label: String,
    pub(in crate::web) help: String,
    pub(in crate::web) value: String,
    pub(in crate::web) kind: InputKind,
    pub(in crate::web) problem: Option<String>,
}

/// What a field is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::web) enum InputKind {
    Text,
    Lines(u8),
    Number,
    Date,
    Moment,
    /// Values with what people read.
    Choice(Vec<(String, String)>),
    File,
    /// A box for a document that is there already.
    Kept,
}

impl Input {
    fn is_kept(&self) -> bool {
        self.kind == InputKind::Kept
    }

    /// The type of its input in HTML, and what stands there.
    fn native(&self) -> (&'static str, String) {
        match self.kind {
            InputKind::Date => inputs::day(&self.value),
            InputKind::Moment => inputs::moment(&self.value),
            _ => ("text", self.value.clone()),
        }
    }

    /// The ids of what is said about it.
    fn described_by(&self) -> String {
        let help = (!self.help.is_empty()).then(|| format!("{}-help", self.id));
        let problem = self.problem.as_ref().map(|_| format!("{}-problem", self.id));
        help.into_iter().chain(problem).collect::<Vec<_>>().join(" ")
    }
}

impl InputKind {
    /// What a field of an event's data is.
    pub(super) fn of(kind: &FieldKind) -> Self {
        let with_none = |choices: Vec<(String, String)>| {
            Self::Choice(std::iter::once((String::new(), "Choose".to_owned())).chain(choices).collect())
        };
        match kind {
            FieldKind::Text => Self::Text,
            FieldKind::Lines(lines) => Self::Lines(*lines),
            FieldKind::Number => Self::Number,
            FieldKind::Date => Self::Date,
            FieldKind::Flag => with_none([YES, NO].map(|word| (word.to_owned(), word.to_owned())).to_vec()),
            FieldKind::Choice(choices) => with_none(choices.clone()),
        }
    }
}

/// The values of a field that asks for yes or no.
pub(super) const YES: &str = "Yes";
/// See [`YES`].
pub(super) const NO: &str = "No";

/// A field, or a group of rows of fields under a heading.
#[derive(Template, Clone, Debug)]
#[template(path = "components/record-part.html")]
pub(in crate::web) struct Part {
    /// The heading of the fields; none for a field that stands alone.
    pub(super) heading: Option<String>,
    pub(super) hint: String,
    pub(super) rows: Vec<Vec<Input>>,
    /// The group to which a button adds a row, and what the button says.
    pub(super) add: Option<(String, String)>,
    /// The id of the group as a whole, and what is wrong with it: too few rows, or too many.
    pub(super) id: String,
    pub(super) problem: Option<String>,
}

impl HtmlSafe for Part {}

impl Part {
    pub(super) fn one(input: Input) -> Self {
        let (hint, id) = (String::new(), String::new());
        Self { heading: None, hint, rows: vec![vec![input]], add: None, id, problem: None }
    }

    /// The name of the field with this id where the field is not beside it: `Dimension 1, percent`; of a group, its heading.
    pub(super) fn name_of(&self, id: &str) -> Option<String> {
        if self.id == id && !id.is_empty() {
            return self.heading.clone();
        }
        let row = self.rows.iter().find(|row| row.iter().any(|input| input.id == id))?;
        let names: Vec<String> = match row.iter().position(|input| input.id == id)? {
            0 => vec![row[0].label.clone()],
            place => vec![row[0].label.clone(), row[place].label.to_lowercase()],
        };
        // A group to which nothing can be added is a person's.
        let whose = self.heading.as_ref().filter(|_| self.add.is_none());
        Some(whose.into_iter().cloned().chain(names).collect::<Vec<_>>().join(", "))
    }
}

/// The id of the field at a place of the event: `/data/goals/0` is `data-goals-0`.
pub(super) fn id(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', "-")
}
