//! File notes that people write while walks go on, at sites that keep and list them in ways of their own: each event is
//! one note with each of its documents once, whatever became of the answers and of the host.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tidegate_tests::Host;
use xplan_sandbox::{Note, NoteHabits};

use super::rows;

/// What the host is told of the site: nothing is waited for longer than the faults last.
pub const SETTINGS: &str = "[crm]\nrequest-timeout = \"5s\"\n\n[notes]\nsite-lag = \"1s\"\n";
/// The longest that a site lists nothing of what it took, in milliseconds: less than the host is told.
const LAGS: [u64; 3] = [0, 300, 800];
/// What the files are called: names that sites rewrite, and that are the same without punctuation or case.
const NAMES: [&str; 4] = ["Plan - O'Brien & Lee.pdf", "plan.pdf", "Plan.pdf", "Plan (2)_final;.pdf"];
/// How long what is left may take when nothing goes wrong any more.
const DONE_WITHIN: Duration = Duration::from_secs(150);

/// An event: of which household, with documents of which names.
#[derive(Debug, Clone)]
pub struct Written {
    household: Index,
    documents: Vec<&'static str>,
}

pub fn written() -> impl Strategy<Value = Written> {
    let documents = prop::collection::vec(prop::sample::select(NAMES.to_vec()), 0..4);
    (any::<Index>(), documents).prop_map(|(household, documents)| Written { household, documents })
}

/// What a site may make of notes from one walk to the next: one habit alone, or any of them together.
pub fn habits() -> impl Strategy<Value = NoteHabits> {
    let one = (0..ALONE).prop_map(|number| nth(&NoteHabits::default(), number));
    let some = prop::collection::vec(0..ALONE, 0..=ALONE)
        .prop_map(|numbers| numbers.into_iter().fold(NoteHabits::default(), |habits, number| nth(&habits, number)));
    let subjects = prop::sample::select(vec![1_usize, 8, 40]);
    let caps = prop::sample::select(vec![1_usize, 2, 7]);
    let lags = prop::sample::select(LAGS.to_vec());
    (prop_oneof![one, some], subjects, caps, lags).prop_map(|(habits, subject, cap, lag)| NoteHabits {
        longest_subject: habits.longest_subject.map(|_| subject),
        page_cap: habits.page_cap.map(|_| cap),
        lag_ms: if habits.lag_ms > 0 { lag } else { 0 },
        ..habits
    })
}

/// How many habits there are.
const ALONE: usize = 12;

/// These habits and one more.
fn nth(habits: &NoteHabits, number: usize) -> NoteHabits {
    let mut habits = habits.clone();
    match number {
        0 => habits.lag_ms = 1,
        1 => habits.escapes_subjects = true,
        2 => habits.longest_subject = Some(1),
        3 => habits.page_cap = Some(1),
        4 => habits.renames_attachments = true,
        5 => habits.adds_bytes = 11,
        6 => habits.drops_markers = true,
        7 => habits.dresses_markers = true,
        8 => habits.text_ids = true,
        9 => habits.no_content = true,
        10 => habits.unpaged = true,
        _ => habits.hides_sizes = true,
    }
    habits
}

/// An event that was sent, or is to be.
struct Sent {
    key: String,
    event: Value,
    /// The first line of its note, which no other has.
    line: String,
    /// What its documents hold.
    documents: Vec<Vec<u8>>,
    fate: Fate,
}

enum Fate {
    /// Nobody answered yet.
    Unanswered,
    /// The note's id.
    Accepted(String),
    /// Its household was no more.
    Refused,
}

/// All that people wrote at a practice.
#[derive(Default)]
pub struct Filed {
    sent: Vec<Sent>,
    /// Whether the site ever kept a note of which nobody can tell whose it is.
    may_doubt: bool,
    /// How many were put to a person.
    asked: usize,
    /// How many calls had no answer.
    unknown: usize,
    /// How long was waited for the last of them.
    waited: Duration,
}

impl Filed {
    /// Lets the site have these habits from now on, beside those that it has for good.
    pub fn habits(&mut self, host: &Host, habits: &NoteHabits, own_markers: bool) {
        self.may_doubt |= habits.drops_markers || own_markers;
        host.crm().set_note_habits(NoteHabits { own_markers, ..habits.clone() });
    }

    /// People think of events, with documents that they have uploaded; nothing is sent.
    pub async fn think_of(&mut self, host: &Host, events: &[Written]) -> Result<()> {
        let households = rows(host, "households").await?;
        for written in events {
            if households.is_empty() {
                return Ok(());
            }
            let number = self.sent.len();
            let (line, mut documents, mut ids) = (format!("Note {number} of this book"), Vec::new(), Vec::new());
            for (place, name) in written.documents.iter().enumerate() {
                let pdf = format!("%PDF-1.7\n% {number:04} {place}\nstartxref\n9\n%%EOF\n").into_bytes();
                let request = host.http().post(host.url("/api/v1/documents")).bearer_auth(tidegate_tests::TOKEN);
                let request = request.header("content-type", "application/pdf");
                let request = request.header("content-disposition", format!("attachment; filename=\"{name}\""));
                ids.push(host.send(request.body(pdf.clone())).await?.ok()?["id"].take());
                documents.push(pdf);
            }
            let data = json!({ "subject": "O'Brien & Lee <review>", "body": format!("{line}\nas it was said") });
            let event = json!({
                "type": "note.written", "household_id": written.household.get(&households)["id"],
                "occurred_at": "2026-03-02T01:30:00Z", "data": data, "attachments": ids,
            });
            self.sent.push(Sent { key: format!("event-{number}"), event, line, documents, fate: Fate::Unanswered });
        }
        Ok(())
    }

    /// Sends what nobody has answered; a host that dies meanwhile answers nothing.
    pub async fn send(&mut self, host: &Host) -> Result<()> {
        for sent in self.sent.iter_mut().filter(|sent| matches!(sent.fate, Fate::Unanswered)) {
            let Ok(answer) = host.post_event(&sent.key, &sent.event).await else { return Ok(()) };
            sent.fate = match answer.status {
                422 if answer.text.contains("there is no household") => Fate::Refused,
                _ => Fate::Accepted(answer.ok()?["id"].as_str().context("a note has an id")?.to_owned()),
            };
        }
        Ok(())
    }

    /// Waits until all are done, and does what a person does with those that are put to one.
    pub async fn settle(&mut self, host: &Host) -> Result<()> {
        let began = Instant::now();
        loop {
            let mut open = Vec::new();
            for note in rows(host, "notes").await? {
                match note["state"].as_str() {
                    Some("done") => continue,
                    Some("dead") => self.see_to(host, &note).await?,
                    // Nobody has to wait for a site that is known to be well.
                    Some("waiting") if is_due_late(&note) => {
                        host.post(&path(&note, "retry")?, &Value::Null).await?;
                    }
                    _ => {}
                }
                open.push(note);
            }
            self.waited = began.elapsed();
            if open.is_empty() {
                return Ok(());
            }
            ensure!(self.waited < DONE_WITHIN, "not all are done: {open:?}\n{}", host.log_tail());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Looks into the CRM for a note that is put to a person, and says what is there.
    async fn see_to(&mut self, host: &Host, note: &Value) -> Result<()> {
        self.asked += 1;
        ensure!(note["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "it does not say why: {note}");
        ensure!(self.may_doubt && note["stage"] == "in_doubt", "nobody had to be asked: {note}\n{}", host.log_tail());
        let line = note["body"].as_str().and_then(|body| body.lines().next()).context("a body")?;
        let notes = host.crm().notes();
        let there: Vec<&Note> = notes.iter().filter(|kept| is_it(kept, line)).collect();
        ensure!(there.len() <= 1, "twice: {there:?}");
        ensure!(note["document_id"].is_null(), "a document is in doubt that can be told: {note}");
        let found = there.first().map(|note| note.id.to_string());
        host.post(&path(note, "resolve")?, &json!({ "document_id": found })).await?.ok()?;
        Ok(())
    }

    /// Compares the CRM with what people wrote.
    pub async fn agrees(&mut self, host: &Host) -> Result<()> {
        let mut kept: BTreeMap<String, Vec<Note>> = BTreeMap::new();
        for note in host.crm().notes() {
            let line = note.field("body").as_str().and_then(|body| body.lines().next()).context("a body")?.to_owned();
            kept.entry(line).or_default().push(note);
        }
        for sent in &self.sent {
            let kept = kept.remove(&sent.line).unwrap_or_default();
            let Fate::Accepted(id) = &sent.fate else {
                ensure!(matches!(sent.fate, Fate::Refused) && kept.is_empty(), "sent and not answered: {kept:?}");
                continue;
            };
            let note = host.get(&format!("/api/v1/notes/{id}")).await?.ok()?;
            let [kept] = &kept[..] else { bail!("the CRM has {} of {note}: {kept:?}", kept.len()) };
            let documents: Vec<&Vec<u8>> = kept.attachments.iter().map(|one| &one.content).collect();
            ensure!(documents.iter().copied().eq(&sent.documents), "{note} is there with {:?}", kept.attachments);
            let attempts = note["attempts"].as_array().context("attempts")?.iter();
            let is_unknown =
                |attempt: &&Value| attempt["outcome"].as_str().is_some_and(|said| said.contains("ay or may not"));
            self.unknown += attempts.filter(is_unknown).count();
            ensure!(note["state"] == "done" && note["copies"].is_null(), "{note}");
            ensure!(note["document_id"].as_str() == Some(&kept.id.to_string()), "it is {}: {note}", kept.id);
            let known = note["attachments"].as_array().context("attachments")?.iter().map(|one| &one["attached_as"]);
            ensure!(
                known.eq(kept.attachments.iter().map(|one| one.id.to_string()).collect::<Vec<_>>().iter()),
                "{note}"
            );
            let reason = note["reason"].as_str().unwrap_or_default();
            let is_said_wrongly =
                ["does not list", "more than once", "may have kept"].iter().any(|said| reason.contains(said));
            ensure!(!is_said_wrongly, "{note}");
        }
        ensure!(kept.is_empty(), "nobody wrote {kept:?}");
        Ok(())
    }

    /// What there was to do, for whoever reads along.
    pub fn told(&self) -> String {
        let documents: usize = self.sent.iter().map(|sent| sent.documents.len()).sum();
        let (events, unknown, asked) = (self.sent.len(), self.unknown, self.asked);
        let waited = self.waited;
        format!(
            "{events} events with {documents} documents, {unknown} calls without an answer, {asked} put to a person; the \
             last was done after {waited:.0?}"
        )
    }
}

fn is_it(kept: &Note, line: &str) -> bool {
    kept.field("body").as_str().is_some_and(|body| body.lines().next() == Some(line))
}

fn path(note: &Value, what: &str) -> Result<String> {
    Ok(format!("/api/v1/notes/{}/{what}", note["id"].as_str().context("a note has an id")?))
}

/// Whether its next try is a while off.
fn is_due_late(note: &Value) -> bool {
    let due: Option<jiff::Timestamp> = note["due_at"].as_str().and_then(|due| due.parse().ok());
    due.is_some_and(|due| due.duration_since(jiff::Timestamp::now()).as_secs() >= 3)
}
