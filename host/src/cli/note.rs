//! `tidegate note`: the fate of file notes.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::local::Local;
use super::output::text;
use super::{Global, WrongUse, local, output};

#[derive(Subcommand)]
pub(super) enum Note {
    /// List file notes, newest first
    #[command(after_help = "Examples:
  tidegate note list
  tidegate note list --state dead --json
  tidegate note list --document-id 9001       which note is this one in the CRM?")]
    List(List),
    /// Show one file note: its text, its documents, every try to deliver it
    #[command(after_help = "Examples:\n  tidegate note show 0192f0c4-7d1e-7000-8000-000000000001")]
    Show {
        /// The note's id
        id: String,
    },
    /// List the documents that went with file notes, those of the newest note first
    #[command(after_help = "Examples:
  tidegate note documents --household-id 0192f0c4-7d1e-7000-8000-000000000001
  tidegate note documents --document-id 9001   which documents has this note of the CRM?")]
    Documents(Documents),
    /// Deliver a waiting or dead note now, or all dead ones of a kind
    #[command(after_help = "Examples:
  tidegate note retry 0192f0c4-7d1e-7000-8000-000000000001
  tidegate note retry --all
  tidegate note retry --all --connection main --event-type annual-review.completed")]
    Retry(Retry),
    /// Change a note that the CRM has not got, and deliver it now
    #[command(after_help = "Examples:
  tidegate note edit 0192f0c4-7d1e-7000-8000-000000000001 --subject 'Called about the plan'")]
    Edit {
        /// The note's id
        id: String,
        /// Another subject
        #[arg(long)]
        subject: Option<String>,
        /// Another text
        #[arg(long)]
        body: Option<String>,
    },
    /// Say whether a note in doubt, or its document, is in the CRM
    #[command(after_help = "Examples:
  tidegate note resolve 0192f0c4-7d1e-7000-8000-000000000001 --there 9001
  tidegate note resolve 0192f0c4-7d1e-7000-8000-000000000001 --not-there   and send it")]
    Resolve {
        /// The note's id
        id: String,
        /// It is there, under this id of the CRM
        #[arg(long, value_name = "ID", conflicts_with = "not_there", required_unless_present = "not_there")]
        there: Option<String>,
        /// It is not there: send it
        #[arg(long)]
        not_there: bool,
    },
    /// Give a note up; it stays in the list with the reason
    #[command(after_help = "Examples:
  tidegate note discard 0192f0c4-7d1e-7000-8000-000000000001 --reason 'written by hand'")]
    Discard {
        /// The note's id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

#[derive(Args)]
pub(super) struct List {
    /// Only notes in this state
    #[arg(long)]
    state: Option<State>,
    /// Only notes of this connection
    #[arg(long)]
    connection: Option<String>,
    /// Only notes of this type of event
    #[arg(long)]
    event_type: Option<String>,
    /// Only notes of this household
    #[arg(long)]
    household_id: Option<String>,
    /// Only notes filed against this client
    #[arg(long)]
    client_id: Option<String>,
    /// Only the note with this id in the CRM
    #[arg(long)]
    document_id: Option<String>,
    /// Only notes of which the CRM has more than one
    #[arg(long)]
    twice: bool,
    /// Only delivered notes that the CRM does not list any more
    #[arg(long)]
    missing: bool,
    /// At most this many
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Args)]
pub(super) struct Documents {
    /// Only documents of this household
    #[arg(long)]
    household_id: Option<String>,
    /// Only documents filed against this client
    #[arg(long)]
    client_id: Option<String>,
    /// Only documents of the note with this id in the CRM
    #[arg(long)]
    document_id: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Args)]
pub(super) struct Retry {
    /// The note's id
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// All dead notes, but those that were discarded
    #[arg(long)]
    all: bool,
    /// With --all: only those of this connection
    #[arg(long, requires = "all")]
    connection: Option<String>,
    /// With --all: only those of this type of event
    #[arg(long, requires = "all")]
    event_type: Option<String>,
    /// With --all: only `dead` ones, which the CRM refused, or only those `in_doubt`
    #[arg(long, requires = "all")]
    stage: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum State {
    Queued,
    Sending,
    Waiting,
    Done,
    Dead,
}

impl Note {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let config = global.load_quietly()?;
        let json = global.json;
        local::with_host(config, |host| async move { self.ask(&host, json).await }).await?;
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(self, host: &Local, json: bool) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.print(host, json).await,
            Self::Documents(documents) => documents.print(host, json).await,
            Self::Show { id } => {
                let note = host.get(&format!("notes/{id}")).await?;
                if json { output::json(&note) } else { show(&note) }
            }
            Self::Retry(Retry { id: Some(id), .. }) => changed(host, &id, "retry", &Value::Null, json).await,
            Self::Retry(Retry { connection, event_type, stage, .. }) => {
                let which = json!({"connection": connection, "event_type": event_type, "stage": stage});
                let answer = host.post_json("notes/retry", &which).await?;
                if json {
                    output::json(&answer)
                } else {
                    output::line(format!("{} notes on their way", answer["retried"]))
                }
            }
            Self::Edit { subject: None, body: None, .. } => {
                Err(WrongUse("nothing to change; give --subject or --body".to_owned()).into())
            }
            Self::Edit { id, subject, body } => {
                changed(host, &id, "edit", &json!({"subject": subject, "body": body}), json).await
            }
            Self::Resolve { id, there, .. } => {
                changed(host, &id, "resolve", &json!({"document_id": there}), json).await
            }
            Self::Discard { id, reason } => changed(host, &id, "discard", &json!({"reason": reason}), json).await,
        }
    }
}

impl List {
    async fn print(self, host: &Local, json: bool) -> anyhow::Result<()> {
        let state = self.state.and_then(|state| state.to_possible_value());
        let filters = [
            ("state", state.as_ref().map(|state| state.get_name())),
            ("connection", self.connection.as_deref()),
            ("event_type", self.event_type.as_deref()),
            ("household_id", self.household_id.as_deref()),
            ("client_id", self.client_id.as_deref()),
            ("document_id", self.document_id.as_deref()),
            ("twice", self.twice.then_some("true")),
            ("missing", self.missing.then_some("true")),
        ];
        let query: Vec<(&str, &str)> = filters.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        let notes = host.first("notes", &query, self.limit).await?;
        if json {
            return output::json(&notes);
        }
        let columns = ["id", "stage", "accepted_at", "document_id", "subject", "reason"];
        let rows: Vec<Vec<String>> =
            notes.iter().map(|note| columns.map(|column| text(&note[column])).into()).collect();
        let headings = ["NOTE", "STAGE", "ACCEPTED", "IN THE CRM", "SUBJECT", "REASON"];
        output::table(&headings, &rows, "No file notes. An event posted to /api/v1/events becomes one.")
    }
}

impl Documents {
    async fn print(self, host: &Local, json: bool) -> anyhow::Result<()> {
        let filters = [
            ("household_id", self.household_id.as_deref()),
            ("client_id", self.client_id.as_deref()),
            ("document_id", self.document_id.as_deref()),
        ];
        let query: Vec<(&str, &str)> = filters.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        let documents = host.first("documents", &query, self.limit).await?;
        if json {
            return output::json(&documents);
        }
        let columns = ["filename", "source", "kept_at", "note_id", "note_stage", "document_id", "attached_as"];
        let rows: Vec<Vec<String>> =
            documents.iter().map(|document| columns.map(|column| text(&document[column])).into()).collect();
        let headings = ["DOCUMENT", "SOURCE", "KEPT", "NOTE", "STAGE", "NOTE IN THE CRM", "IN THE CRM"];
        output::table(&headings, &rows, "No documents. An exported plan, or a PDF filed with a note, becomes one.")
    }
}

/// Changes a note and says how it stands.
async fn changed(host: &Local, id: &str, how: &str, body: &Value, json: bool) -> anyhow::Result<()> {
    let path = format!("notes/{id}/{how}");
    let note = if body.is_null() { host.post(&path).await? } else { host.post_json(&path, body).await? };
    if json { output::json(&note) } else { output::line(format!("{}: {}", text(&note["id"]), text(&note["stage"]))) }
}

/// A note for people.
fn show(note: &Value) -> anyhow::Result<()> {
    for (word, member) in [
        ("Subject", "subject"),
        ("Stage", "stage"),
        ("Event", "event_type"),
        ("Household", "household_id"),
        ("Connection", "connection"),
        ("In the CRM", "document_id"),
        ("Accepted", "accepted_at"),
        ("Next try", "due_at"),
        ("Done", "done_at"),
        ("Reason", "reason"),
    ] {
        if !note[member].is_null() {
            output::line(format!("{word:11} {}", text(&note[member])))?;
        }
    }
    let filed: Vec<String> = note["filed_against"].as_array().into_iter().flatten().map(text).collect();
    output::line(format!("Filed on    {}", filed.join(", ")))?;
    for document in note["attachments"].as_array().into_iter().flatten() {
        let there = document["attached_as"].as_str().map_or("not sent".to_owned(), |id| format!("in the CRM as {id}"));
        output::line(format!("Document    {} ({} bytes), {there}", text(&document["filename"]), document["size"]))?;
        if let Some(missing) = document["replaced_characters"].as_str().filter(|missing| !missing.is_empty()) {
            output::line(format!("            no font here has {missing}: U+FFFD stands in the PDF for each"))?;
        }
    }
    output::line(format!("\n{}\n", text(&note["body"])))?;
    for attempt in note["attempts"].as_array().into_iter().flatten() {
        output::line(format!("{}  {} ms  {}", text(&attempt["at"]), attempt["took_ms"], text(&attempt["outcome"])))?;
    }
    Ok(())
}
