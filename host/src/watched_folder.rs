//! The watch on the folder for packs: the system tells of changes, and where it does not, as on network disks, the folder is
//! looked at all the same. What the settings let come in force without a person's word is previewed here, and follows its
//! preview as a person's would.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::packs::{Activate, WatchedFolder};
use crate::domain::access::{Actor, Who};
use crate::domain::audit::{Act, By, Subject, THIS_MACHINE};
use crate::domain::{ConnectionName, PreviewId, RevisionDigest};
use crate::integrations::WATCHED_FOLDER;
use crate::ops::connections::Wanted;
use crate::ops::{self, Kind, Refusal};
use crate::preview::{Preview, PreviewState};
use crate::store::audit::scope;
use crate::store::taken_in::Activation;

/// The time between two looks at a preview that is under way.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// The shortest time between two looks at the folder, whatever is told of it.
const SHORTEST: Duration = Duration::from_millis(200);
/// How often a preview is made anew that is of another change by the time it is done.
const MOST_PREVIEWS: u32 = 3;

/// Watches the folder until `shutdown`.
pub async fn run(app: &App, watched: &WatchedFolder, shutdown: &CancellationToken) {
    let (told, mut changes) = mpsc::channel(1);
    let mut watch = Watch { told, watcher: None, is_told_of: false };
    let mut activations = Activations::new(watched.activate);
    while !shutdown.is_cancelled() {
        let folder = watched.folder.clone();
        // A network disk may keep whoever asks it waiting.
        let keep = move || {
            watch.keep(&folder);
            watch
        };
        let Ok(kept) = tokio::task::spawn_blocking(keep).await else { return };
        watch = kept;
        // The look as a whole has one entry, where it takes anything in.
        let told = Act::done(By::host(WATCHED_FOLDER), THIS_MACHINE, "revisions.take_in", Subject::of_kind("revision"));
        let next = match scope::enter(told, app.integrations.take_in(watched)).await.0 {
            Ok(looked) => {
                let is_waiting = activations.go_on(app, looked.pending).await;
                if is_waiting { looked.next.min(BETWEEN_LOOKS) } else { looked.next }
            }
            Err(error) => {
                tracing::warn!(%error, "what lies in the watched folder for packs cannot be taken in; it is tried again");
                LONGEST_WAIT
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(next) => {}
            _ = changes.recv() => drop(shutdown.run_until_cancelled(tokio::time::sleep(SHORTEST)).await),
        }
    }
}

/// The time after which the folder is looked at again where the store failed.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A folder's device, number and beginning: numbers are given again.
type Own = (u64, u64, Option<SystemTime>);

/// The system's watch on the folder.
struct Watch {
    told: mpsc::Sender<()>,
    /// The watch, with what tells the folder from one that is put in its place, of which it says nothing.
    watcher: Option<(RecommendedWatcher, Own)>,
    /// Whether the log says already that there is none.
    is_told_of: bool,
}

impl Watch {
    /// Watches the folder that is there by now.
    fn keep(&mut self, folder: &Path) {
        let Ok(metadata) = fs::metadata(folder) else {
            self.watcher = None;
            return;
        };
        let own = (metadata.dev(), metadata.ino(), metadata.created().ok());
        if self.watcher.as_ref().is_some_and(|(_, watched)| *watched == own) {
            return;
        }
        let told = self.told.clone();
        let handler = move |event: notify::Result<Event>| {
            // Reading the folder is no change of it.
            let is_change = event.is_ok_and(|event| match event.kind {
                EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
                _ => true,
            });
            if is_change {
                // Where one is told already, that is enough.
                told.try_send(()).unwrap_or_default();
            }
        };
        let begun = notify::recommended_watcher(handler).and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        match begun {
            Ok(watcher) => {
                tracing::info!(folder = %folder.display(), "the folder for packs is watched");
                (self.watcher, self.is_told_of) = (Some((watcher, own)), false);
            }
            Err(error) if !self.is_told_of => {
                tracing::warn!(%error, "the system does not tell of changes in the folder for packs; it is looked at instead");
                self.is_told_of = true;
            }
            Err(_) => {}
        }
    }
}

/// Revisions on their way to come in force without a person's word.
struct Activations {
    activate: Activate,
    actor: Actor,
    /// The previews that were begun, and how many, by connection and name in the folder.
    begun: BTreeMap<(ConnectionName, String), (PreviewId, u32)>,
}

impl Activations {
    fn new(activate: Activate) -> Self {
        let actor = Actor::of_the_practice(Who::Host, WATCHED_FOLDER);
        Self { activate, actor, begun: BTreeMap::new() }
    }

    /// Goes on with each as far as it comes now; answers whether one waits for its preview.
    async fn go_on(&mut self, app: &App, pending: Vec<(ConnectionName, String, RevisionDigest)>) -> bool {
        self.begun.retain(|(connection, name), _| pending.iter().any(|(of, own, _)| of == connection && own == name));
        let mut is_waiting = false;
        for (connection, name, revision) in pending {
            match self.one(app, (&connection, &name), revision).await {
                None => is_waiting = true,
                Some(decision) => {
                    if let Activation::Left(reason) = &decision {
                        tracing::info!(%connection, name, reason, "a staged revision waits for a person");
                    }
                    self.begun.remove(&(connection.clone(), name.clone()));
                    if let Err(error) = app.integrations.decide_incoming((&connection, &name), decision).await {
                        tracing::warn!(%connection, %error, "what became of a staged revision is not kept; it is tried again");
                    }
                }
            }
        }
        is_waiting
    }

    /// What is decided about one; none while its preview goes on.
    async fn one(
        &mut self,
        app: &App,
        (connection, name): (&ConnectionName, &str),
        revision: RevisionDigest,
    ) -> Option<Activation> {
        if self.activate == Activate::Never {
            return Some(Activation::NotAsked);
        }
        let at_work = app.connections.get(connection);
        if at_work.is_some_and(|at_work| at_work.revision().digest() == revision) {
            return Some(Activation::NotAsked);
        }
        let place = (connection.clone(), name.to_owned());
        let digest = revision.to_string();
        let Some((id, times)) = self.begun.get(&place).copied() else {
            return self.begin(app, place, &digest, 1).await;
        };
        let seen = match app.previews.one(id) {
            Ok(preview) if !preview.state.is_finished() => return None,
            Ok(preview) => preview,
            Err(error) => return Some(Activation::Left(error.to_string())),
        };
        if let Some(reason) = not_by_itself(&seen, self.activate) {
            return Some(Activation::Left(reason));
        }
        let wanted = Wanted { revision: Some(&digest), preview: Some(id), confirm: None };
        match ops::connections::activate(app, &self.actor, connection, wanted).await {
            Ok(_) => Some(Activation::Done),
            // Another revision came in force meanwhile.
            Err(refusal) if refusal.kind == Kind::WrongState && times < MOST_PREVIEWS => {
                self.begin(app, place, &digest, times + 1).await
            }
            Err(refusal) => left(&refusal),
        }
    }

    async fn begin(
        &mut self,
        app: &App,
        place: (ConnectionName, String),
        digest: &str,
        times: u32,
    ) -> Option<Activation> {
        match ops::revisions::preview(app, &self.actor, &place.0, digest).await {
            Ok(preview) => {
                self.begun.insert(place, (preview.id, times));
                None
            }
            Err(refusal) => left(&refusal),
        }
    }
}

/// Why a revision is left to a person; none where it is to be tried again.
fn left(refusal: &Refusal) -> Option<Activation> {
    match refusal.kind {
        Kind::NoSpace | Kind::TooMany(_) | Kind::Unavailable => None,
        _ => Some(Activation::Left(refusal.message.clone())),
    }
}

/// The reason why a preview does not let its revision come in force without a person's word; none where it does.
fn not_by_itself(preview: &Preview, activate: Activate) -> Option<String> {
    if preview.state != PreviewState::Done {
        let why = preview.error.clone().unwrap_or_else(|| "it was ended".to_owned());
        return Some(format!("its preview came to nothing: {why}"));
    }
    let changed = preview.changed_clients();
    match activate {
        Activate::Never => Some("the settings leave it to a person".to_owned()),
        Activate::BelowThreshold if preview.is_large => Some(preview.size()),
        Activate::WhenEmpty if preview.differing > 0 => {
            Some(if changed > 0 { preview.size() } else { format!("{} records would differ", preview.differing) })
        }
        Activate::WhenEmpty if preview.not_compared > 0 => {
            Some(format!("{} records could not be compared", preview.not_compared))
        }
        _ if !preview.not_asked_yet.is_empty() => {
            let fields = preview.not_asked_yet.join(", ");
            Some(format!("it reads what the CRM was not asked for yet ({fields}), which no preview shows"))
        }
        Activate::WhenEmpty if !preview.notes.is_empty() => {
            Some("file notes or documents of the last month would be others, or could not be compared".to_owned())
        }
        Activate::WhenEmpty if preview.has_other_documents => {
            Some("its templates of documents are others, which no record shows".to_owned())
        }
        Activate::WhenEmpty | Activate::BelowThreshold => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::preview::NoteChanges;

    fn preview(members: &Value) -> Preview {
        let by = json!({ "who": "Watched folder", "at": "2026-03-01T00:00:00Z" });
        let changes = json!({
            "changed": 0, "newly_rejected": 0, "newly_accepted": 0, "newly_skipped": 0, "newly_included": 0
        });
        let couples = json!({ "count": 0, "examples": [] });
        let mut preview = json!({
            "id": "01890a5d-ac96-774b-bcce-b302099a8057", "state": "done", "connection": "main", "pack": "acme-au",
            "from": "111111111111", "from_digest": "11".repeat(32), "to": "222222222222", "to_digest": "22".repeat(32),
            "by": by, "finished_at": null, "activated_at": null, "error": null, "expected": 400, "records": 400,
            "not_compared": 0, "compared_clients": 400, "clients": changes, "kinds": {}, "changes": [],
            "diagnostics": { "appear": {}, "disappear": {} }, "households": { "joining": couples, "parting": couples },
            "rules": [], "has_other_plugin": false, "time_ratio": null, "differing": 0, "listed": 0, "is_large": false
        });
        for (member, value) in members.as_object().unwrap() {
            preview[member] = value.clone();
        }
        serde_json::from_value(preview).unwrap()
    }

    #[test]
    fn only_a_preview_that_fits_lets_its_revision_come_in_force() {
        use Activate::{BelowThreshold, Never, WhenEmpty};
        let check = |members: Value, activate: Activate, expected: Option<&str>| {
            let found = not_by_itself(&preview(&members), activate);
            match (&found, expected) {
                (None, None) => {}
                (Some(found), Some(words)) if found.contains(words) => {}
                _ => panic!("{members} {activate:?}: {found:?}"),
            }
        };
        let changed = |count: u64| {
            json!({ "client": {
                "changed": count, "newly_rejected": 0, "newly_accepted": 0, "newly_skipped": 0, "newly_included": 0
            } })
        };
        for activate in [WhenEmpty, BelowThreshold] {
            check(json!({}), activate, None);
            let large = json!({ "differing": 57, "kinds": changed(57), "is_large": true });
            check(large, activate, Some("57 of 400 clients would change"));
            check(json!({ "not_asked_yet": ["title"] }), activate, Some("not asked for yet (title)"));
            check(json!({ "state": "failed", "error": "the store failed" }), activate, Some("the store failed"));
            check(json!({ "state": "cancelled" }), activate, Some("it was ended"));
        }
        let small = json!({ "differing": 3, "kinds": changed(3) });
        check(small.clone(), BelowThreshold, None);
        check(small, WhenEmpty, Some("3 of 400 clients"));
        check(json!({ "differing": 2 }), WhenEmpty, Some("2 records would differ"));
        check(json!({ "not_compared": 4 }), WhenEmpty, Some("4 records could not be compared"));
        check(json!({ "has_other_documents": true }), WhenEmpty, Some("templates of documents"));
        let notes = |member: &str| {
            let mut notes = json!(NoteChanges { compared: 8, documents_compared: 2, ..NoteChanges::default() });
            if !member.is_empty() {
                notes[member] = json!(1);
            }
            json!({ "notes": notes })
        };
        check(notes(""), WhenEmpty, None);
        for member in ["changed", "newly_refused", "newly_accepted", "not_compared", "documents_changed"] {
            check(notes(member), WhenEmpty, Some("file notes or documents of the last month"));
        }
        check(notes("changed"), BelowThreshold, None);
        let mut refused = notes("newly_refused");
        refused["is_large"] = json!(true);
        check(refused, BelowThreshold, Some("1 file note or document of the last month could not be made"));
        check(json!({ "has_other_documents": true }), BelowThreshold, None);
        check(json!({}), Never, Some("leave it to a person"));
    }
}
