//! The export of a client: all that is kept of them in one archive, for the person who asks what is known of them.
//!
//! It is written to a file without a name, which is gone when it is closed, one entry of the archive at a time, on a thread
//! that may block: the largest of them is in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::Path;

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::app::App;
use crate::audit;
use crate::domain::access::emergency::EmergencyAccess;
use crate::domain::access::household::{HouseholdAccess, PastAccess, Professional, StaffAccess};
use crate::domain::audit::{Entry, Subject};
use crate::domain::field::Record;
use crate::domain::import::ImportRow;
use crate::domain::note::Note;
use crate::domain::record::ListItem as _;
use crate::domain::review::ReviewState;
use crate::domain::stored::{StoredClient, StoredListed};
use crate::domain::{ClientId, ConnectionName, RecordKind, Timestamp, with_listed};
use crate::store::StoreError;
use crate::store::StoredItem;
use crate::store::audit::AuditFilter;
use crate::store::book::{PageRequest, Whose};
use crate::store::household_access::EmergencyFilter;
use crate::store::imports::Person;
use crate::store::outbox::NoteFilter;

/// The rows of one page that is read.
const PAGE: usize = 200;

/// The reason why an export was not made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk failed.
    #[error("the export could not be written to the data folder: {0}")]
    Disk(#[from] io::Error),
    /// A value has no form in JSON.
    #[error("a value could not be written: {0}")]
    Value(#[from] serde_json::Error),
    /// The archive could not be put together.
    #[error("the archive could not be written: {0}")]
    Archive(#[from] zip::result::ZipError),
}

impl App {
    /// All that is kept of a client, as a file from its beginning.
    ///
    /// # Errors
    /// Returns an error if the store or the disk fails.
    pub async fn export_client(&self, client: &StoredClient) -> Result<File, ExportError> {
        let mut archive = Archive::new(&self.config.server.data_dir)?;
        archive.json("client.json", client).await?;
        self.export_raw(client, &mut archive).await?;
        let mut records = vec![(client.origin.connection.clone(), (RecordKind::Client, None))];
        let (mut own, mut shared) = (Vec::new(), Vec::new());
        let mates = self.mates_of(client).await?;
        for kind in RecordKind::LISTED {
            let items = with_listed!(*kind, Item => {
                let items = self.items_of::<Item>(client).await?;
                records.extend(items.iter().map(|item| (item.connection.clone(), (*kind, Some(item.listed.id)))));
                own.extend(items.iter().map(|item| Subject::new(kind.as_str(), item.listed.id)));
                let of_partner = items.iter().filter(|item| item.listed.value.is_of_partner());
                shared.extend(of_partner.map(|item| format!("{}.json, the item {}", kind.plural(), item.listed.id)));
                let mut found = items.iter().map(shown).collect::<Result<Vec<Value>, _>>()?;
                for mate in &mates {
                    for item in self.items_of::<Item>(mate).await?.iter().filter(|item| item.listed.value.is_of_partner()) {
                        let mut theirs = shown(item)?;
                        theirs["kept_with"] = json!("the partner");
                        found.push(theirs);
                        shared.push(format!("{}.json, the item {}, which is kept with the partner", kind.plural(), item.listed.id));
                    }
                }
                found
            });
            archive.json(&format!("{}.json", kind.plural()), &items).await?;
        }
        let household = self.household_of(client).await?;
        if !mates.is_empty() && has_reasons(&household) {
            shared.push("household.json, the reasons and findings".to_owned());
        }
        archive.json("household.json", &household).await?;
        archive.json("changes.json", &self.changes_of(client, records).await?).await?;
        archive.json("queue-and-lists.json", &self.mentions_of(client).await?).await?;
        let notes = self.export_notes(client, &mut archive).await?;
        own.extend(notes.subjects);
        shared.extend(notes.shared);
        archive.json("audit.json", &self.audit_of(client, own).await?).await?;
        let about = readme(client, &archive.missing, &shared);
        archive.bytes("README.txt", about.into_bytes()).await?;
        archive.end().await
    }

    async fn export_raw(&self, client: &StoredClient, archive: &mut Archive) -> Result<(), ExportError> {
        for kind in RecordKind::of_clients() {
            if let Some(raw) = self.store.raw_record(client.id, kind).await? {
                archive.bytes(&format!("crm-record/{}.json", name_of(kind)), raw).await?;
            }
        }
        for (number, former) in (1..).zip(self.store.former_raw_records(client.id).await?) {
            for (kind, raw) in former.raw {
                let name = format!("former-crm-records/{number}-{}/{}.json", former.connection, name_of(kind));
                archive.bytes(&name, raw).await?;
            }
        }
        Ok(())
    }

    /// The others of a client's household.
    async fn mates_of(&self, client: &StoredClient) -> Result<Vec<StoredClient>, StoreError> {
        let household = self.store.household(client.household_id).await?;
        let people = household.map(|row| row.people).unwrap_or_default();
        Ok(people.into_iter().filter(|mate| mate.id != client.id).collect())
    }

    async fn items_of<T: StoredItem>(&self, client: &StoredClient) -> Result<Vec<StoredListed<T>>, StoreError> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.store.items::<T>(Whose::Client(client.id), PageRequest { cursor, limit: PAGE }).await?;
            found.extend(page.items);
            let Some(next) = page.next else { return Ok(found) };
            cursor = Some(next);
        }
    }

    async fn household_of(&self, client: &StoredClient) -> Result<Value, ExportError> {
        let stays = self.store.stays_of(client.id).await?;
        let access = self.store.household_access(client.household_id).await?;
        let holds = self.store.holds().await?;
        let holds: Vec<_> = holds.into_iter().filter(|hold| client.is_under(hold)).collect();
        let mut opened = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.store.emergencies(EmergencyFilter::default(), PageRequest { cursor, limit: PAGE }).await?;
            for open in page.items {
                // One that was opened before its household was joined to this one is about this one.
                if self.store.resolved_household(open.household).await? != Some(client.household_id) {
                    continue;
                }
                let name = self.name_of_professional(&Professional::Account(open.user)).await?;
                opened.push(opening_of(open, name.as_deref()));
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let access = match &access {
            Some(access) => Some(self.access_of(access).await?),
            None => None,
        };
        Ok(json!({"opened_in_an_emergency": opened, "households": stays, "access": access, "legal_holds": holds}))
    }

    /// The access to a household, with the names of who has it.
    async fn access_of(&self, access: &HouseholdAccess) -> Result<Value, StoreError> {
        let mut staff = Vec::with_capacity(access.staff.len());
        for given in &access.staff {
            staff.push(self.staff_of(given).await?);
        }
        let mut past = Vec::with_capacity(access.past.len());
        for PastAccess { given, ended_by, ended_at } in &access.past {
            let mut given = self.staff_of(given).await?;
            (given["ended_by"], given["ended_at"]) = (json!(ended_by), json!(ended_at));
            past.push(given);
        }
        let secondary = match &access.secondary {
            Some(secondary) => Some(self.professional_of(secondary).await?),
            None => None,
        };
        let primary = self.professional_of(&access.primary).await?;
        let joined_at = access.joined_at;
        Ok(json!({"primary": primary, "secondary": secondary, "staff": staff, "past": past, "joined_at": joined_at}))
    }

    async fn staff_of(&self, given: &StaffAccess) -> Result<Value, StoreError> {
        Ok(json!({
            "account_id": given.user,
            "name": self.name_of_professional(&Professional::Account(given.user)).await?,
            "role": given.role.as_str(),
            "expires_at": given.expires_at,
            "reason": given.reason,
            "given_by": given.given_by,
            "given_at": given.given_at,
        }))
    }

    async fn professional_of(&self, professional: &Professional) -> Result<Value, StoreError> {
        let name = self.name_of_professional(professional).await?;
        Ok(match professional {
            Professional::Account(user) => json!({"account_id": user, "name": name}),
            Professional::OfCrm { connection, external_id } => {
                json!({"connection": connection, "external_id": external_id, "name": name})
            }
            Professional::FirstAdviser => json!({"is": "the first adviser of the practice", "name": name}),
        })
    }

    /// What syncs changed of the client, and of each item of their lists.
    async fn changes_of(
        &self,
        client: &StoredClient,
        records: Vec<(ConnectionName, (RecordKind, Option<Uuid>))>,
    ) -> Result<Vec<Value>, ExportError> {
        let mut changes = Vec::new();
        for (connection, (kind, item)) in records {
            for change in self.store.reported_changes(connection, client.id, (kind, item)).await? {
                changes.push(json!({
                    "record": kind.as_str(),
                    "id": item,
                    "run_id": change.run.id,
                    "at": change.run.finished_at,
                    "kind": change.kind,
                    "fields": change.fields,
                }));
            }
        }
        Ok(changes)
    }

    /// The entries of the review queue and the rows of identity lists that are of the client.
    async fn mentions_of(&self, client: &StoredClient) -> Result<Value, ExportError> {
        let (mut reviews, mut alike) = (Vec::new(), Vec::new());
        for state in ReviewState::ALL {
            let mut cursor = None;
            loop {
                let page = self.store.reviews(state, PageRequest { cursor, limit: PAGE }).await?;
                let is_theirs = |review: &crate::domain::review::Review| {
                    review.linked_to == Some(client.id)
                        || (review.connection == client.origin.connection
                            && *review.external_id() == client.client.external_id)
                };
                for (id, review) in page.items {
                    if is_theirs(&review) {
                        reviews.push(review);
                    } else if review.lookalikes.iter().any(|like| like.client_id == client.id) {
                        // The entry is somebody else's, whose data is not handed out.
                        alike.push(json!({"id": id.to_string(), "since": review.since, "state": review.state}));
                    }
                }
                let Some(next) = page.next else { break };
                cursor = Some(next);
            }
        }
        let name = client.client.full_name();
        let email = client.client.email.as_ref().filter(|_| !client.client.email_is_placeholder);
        let person = Person {
            client: Some(client.id),
            email: email.map(|email| email.as_str()),
            name: &name,
            record: (&client.origin.connection, &client.client.external_id),
        };
        let (mut rows, mut lists) = (Vec::new(), None);
        loop {
            let page = self.store.imports(PageRequest { cursor: lists, limit: PAGE }).await?;
            for import in page.items {
                let mut cursor = None;
                loop {
                    let found = self.store.import_rows(import.id, None, PageRequest { cursor, limit: PAGE }).await?;
                    for row in found.items.iter().filter(|row| person.is_of(row, &import.connection)) {
                        let ImportRow { number, first_name, last_name, email, external_id, .. } = row;
                        rows.push(json!({
                            "list_id": import.id,
                            "list": import.file_name,
                            "number": number,
                            "first_name": first_name,
                            "last_name": last_name,
                            "email": email,
                            "external_id": external_id,
                        }));
                    }
                    let Some(next) = found.next else { break };
                    cursor = Some(next);
                }
            }
            let Some(next) = page.next else { break };
            lists = Some(next);
        }
        Ok(json!({"review_queue": reviews, "named_as_alike_in": alike, "identity_lists": rows}))
    }

    /// The entries of the audit log about the client and what is the client's (`own`), and about each household while the
    /// client was in it, but for those about another client, or about records, notes and documents that are not the client's.
    async fn audit_of(&self, client: &StoredClient, mut own: Vec<Subject>) -> Result<Vec<Value>, ExportError> {
        self.audit.flush().await;
        own.push(Subject::new("client", client.id));
        let mut filters: Vec<AuditFilter> = own.iter().map(about).collect();
        // Nobody is in a household before they come: ids are made then.
        let came = client.id.0.get_timestamp().and_then(|at| i64::try_from(at.to_unix().0).ok());
        let mut since = came.and_then(|second| Timestamp::from_second(second).ok());
        for stay in self.store.stays_of(client.id).await? {
            let household = Some(stay.household_id);
            filters.push(AuditFilter { household, since, until: stay.until, ..AuditFilter::default() });
            since = stay.until.or(since);
        }
        let is_others = |subject: &Subject| {
            let is_somebodys = ["client", "note", "document"].contains(&subject.kind)
                || RecordKind::LISTED.iter().any(|kind| kind.as_str() == subject.kind);
            // A list of the household has no id, and shows the client among the others.
            is_somebodys && !subject.id.is_empty() && !own.contains(subject)
        };
        let mut found = BTreeMap::new();
        for filter in filters {
            let mut cursor = None;
            loop {
                let page = self.store.audit(filter.clone(), PageRequest { cursor, limit: PAGE }).await?;
                let theirs = page.items.iter().filter(|entry| !is_others(&entry.act.subject));
                found.extend(theirs.map(|theirs| (theirs.number, entry(theirs))));
                let Some(next) = page.next else { break };
                cursor = Some(next);
            }
        }
        Ok(found.into_values().collect())
    }

    /// Writes the notes, with their events and documents.
    async fn export_notes(&self, client: &StoredClient, archive: &mut Archive) -> Result<Notes, ExportError> {
        let (mut notes, mut cursor) = (Notes::default(), None);
        loop {
            let filter = NoteFilter { client: Some(client.id), ..NoteFilter::default() };
            let page = self.store.notes(filter, PageRequest { cursor, limit: PAGE }).await?;
            for note in page.items {
                let event = self.store.event(note.event_id).await?;
                archive.json(&format!("notes/{}.json", note.id), &json!({"note": note, "event": event})).await?;
                let documents = self.export_documents(&note, archive).await?;
                notes.subjects.push(Subject::new("note", note.id));
                for attached in &note.attachments {
                    let households = self.store.households_of_document(attached.document).await?;
                    // The same document may have gone to others: who opened theirs is in their archives.
                    if households == [note.household_id] {
                        notes.subjects.push(Subject::new("document", attached.document));
                    }
                    let others = households.into_iter().filter(|other| *other != note.household_id);
                    others.for_each(|other| audit::also_of(other, format!("document {}", attached.document)));
                }
                let is_shared = note.clients.iter().any(|other| *other != client.id);
                if is_shared || self.store.was_shared_with_erased(note.id).await? {
                    notes.shared.push(format!("notes/{}.json", note.id));
                    notes.shared.extend(documents);
                }
            }
            let Some(next) = page.next else { return Ok(notes) };
            cursor = Some(next);
        }
    }

    /// Writes the documents of a note; answers their names in the archive.
    async fn export_documents(&self, note: &Note, archive: &mut Archive) -> Result<Vec<String>, ExportError> {
        let mut written = Vec::new();
        for (place, attached) in (1..).zip(&note.attachments) {
            let name = format!("documents/{}-{place}-{}", note.id, plain(&attached.filename));
            match self.store.document(attached.document).await? {
                Some(document) => {
                    archive.bytes(&name, document.content).await?;
                    written.push(name);
                }
                None => archive.missing.push(name),
            }
        }
        Ok(written)
    }
}

/// The notes of a client, as far as others or the audit log are concerned.
#[derive(Default)]
struct Notes {
    /// The notes and their documents, as entries of the audit log name them.
    subjects: Vec<Subject>,
    /// The names of the files that are about somebody else, too.
    shared: Vec<String>,
}

/// The entries about one thing.
fn about(subject: &Subject) -> AuditFilter {
    let Subject { kind, id } = subject;
    AuditFilter { subject_kind: Some(kind), subject_id: Some(id.clone()), ..AuditFilter::default() }
}

/// An item of a list, as the archive has it.
fn shown<T: StoredItem + Serialize>(item: &StoredListed<T>) -> Result<Value, serde_json::Error> {
    Ok(json!({
        "id": item.listed.id,
        "connection": item.connection,
        "gone_since": item.listed.gone_since,
        "value": serde_json::to_value(&item.listed.value)?,
        "own": own(&item.listed.own),
    }))
}

/// Whether somebody wrote a reason or finding in what is said of a household.
fn has_reasons(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            (["reason", "finding"].contains(&name.as_str()) && value.is_string()) || has_reasons(value)
        }),
        Value::Array(items) => items.iter().any(has_reasons),
        _ => false,
    }
}

/// The practice's own values of a goal or cover, where there are any.
fn own<T: Record>(own: &T) -> Value {
    T::FIELDS.iter().map(|field| (field.name.to_owned(), Value::from(own.text_of(field.name)))).collect()
}

/// What somebody who had no access opened, by the name of theirs.
fn opening_of(open: EmergencyAccess, name: Option<&str>) -> Value {
    let (ended_by, ended_at) = open.ended.map(|ended| (ended.by, ended.at)).unzip();
    let (reviewed_by, reviewed_at) = open.reviewed.map(|reviewed| (reviewed.by, reviewed.at)).unzip();
    json!({
        "account_id": open.user,
        "name": name,
        "reason": open.reason,
        "opened_at": open.opened_at,
        "ends_at": open.ends_at,
        "ended_by": ended_by,
        "ended_at": ended_at,
        "reviewed_by": reviewed_by,
        "reviewed_at": reviewed_at,
        "finding": open.finding,
    })
}

/// An entry of the audit log. Where it came from is about the staff, and not handed out.
fn entry(entry: &Entry) -> Value {
    let act = &entry.act;
    json!({
        "number": entry.number,
        "at": entry.at,
        "by": act.by.name,
        "verb": act.verb,
        "about": {"kind": act.subject.kind, "id": act.subject.id},
        "outcome": act.outcome.as_str(),
        "because": act.outcome.because(),
        "detail": act.detail,
    })
}

/// A file's name as it can stand in an archive: nothing of it leads elsewhere, and every system can write it.
fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '(' | ')');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).take(100).collect();
    plain.trim_matches(['.', ' ']).to_owned()
}

fn readme(client: &StoredClient, missing: &[String], shared: &[String]) -> String {
    let lists: Vec<String> = RecordKind::LISTED.iter().map(|kind| format!("{}.json", kind.plural())).collect();
    let lists = lists.join(", ");
    let kinds: Vec<&str> = RecordKind::LISTED.iter().map(|kind| kind.plural()).collect();
    let mut text = format!(
        "What is kept here of the client {}\r\n\
         \r\n\
         client.json           The person's data in this practice's own names, with edits, changes and findings.\r\n\
         crm-record/           The same as the CRM gave it, word for word.\r\n\
         former-crm-records/   The same of records that the client was linked to before.\r\n\
         {lists}  The items of the person's lists, those that are gone included, and those of the partner's lists\r\n\
                               that are this person's, alone or jointly (`kept_with`).\r\n\
         household.json        Households until now, who in the practice has access to the present one,\r\n\
                               or opened it in an emergency, legal holds.\r\n\
         changes.json          What syncs changed: the newest hundred of each record, as far as reports are kept.\r\n\
         queue-and-lists.json  Entries of the review queue, ids of those of others that name the person as alike, and rows\r\n\
                               of identity lists.\r\n\
         notes/                File notes with their texts, states and the events that they tell of.\r\n\
         documents/            The documents that went with them.\r\n\
         audit.json            Who in the practice saw, exported or changed what is kept of the person, and when: entries of the\r\n\
                               audit log about the person, their {}, file notes and documents, and about their\r\n\
                               household while they were in it. Without those about somebody else of the household alone,\r\n\
                               and without the network addresses of the practice's people.\r\n\
         \r\n\
         A copy of most of this is in the practice's CRM, which is the master of it.\r\n",
        client.id,
        kinds.join(", ")
    );
    if !shared.is_empty() {
        text.push_str(&format!(
            "\r\nThese are about somebody else, too (a partner, or both), and may have that person's data. Before they are \
             handed on, the practice has to see whether that may be. What is said of {} holds for crm-record/, \
             former-crm-records/ and changes.json, too, which have the same:\r\n",
            kinds.join(" and ")
        ));
        shared.iter().for_each(|name| text.push_str(&format!("  {name}\r\n")));
    }
    if !missing.is_empty() {
        text.push_str("\r\nThese documents are named by a note and are not kept any more:\r\n");
        missing.iter().for_each(|name| text.push_str(&format!("  {name}\r\n")));
    }
    text
}

/// The name of a kind's file.
fn name_of(kind: RecordKind) -> &'static str {
    if kind.is_listed() { kind.plural() } else { kind.as_str() }
}

/// The archive, as it is written: packing takes processor time and the disk, on a thread of its own.
struct Archive {
    entries: Sender<(String, Vec<u8>)>,
    written: JoinHandle<Result<File, ExportError>>,
    missing: Vec<String>,
}

impl Archive {
    fn new(data_dir: &Path) -> Result<Self, ExportError> {
        let file = tempfile::tempfile_in(data_dir)?;
        let (entries, mut given) = channel::<(String, Vec<u8>)>(1);
        let written = spawn_blocking(move || {
            let mut zip = ZipWriter::new(file);
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .last_modified_time(DateTime::default());
            while let Some((name, content)) = given.blocking_recv() {
                zip.start_file(name, options)?;
                zip.write_all(&content)?;
            }
            let mut file = zip.finish()?;
            file.rewind()?;
            Ok(file)
        });
        Ok(Self { entries, written, missing: Vec::new() })
    }

    async fn bytes(&mut self, name: &str, content: Vec<u8>) -> Result<(), ExportError> {
        if self.entries.send((name.to_owned(), content)).await.is_ok() {
            return Ok(());
        }
        // It takes nothing more where it failed, and says why.
        (&mut self.written).await.map_err(io::Error::other)??;
        Err(io::Error::other("the archive ended before its entries").into())
    }

    async fn json<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), ExportError> {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        self.bytes(name, text).await
    }

    async fn end(self) -> Result<File, ExportError> {
        let Self { entries, written, .. } = self;
        drop(entries);
        written.await.map_err(io::Error::other)?
    }
}

/// The name under which the export is saved. It has the client's id, and no name.
pub fn file_name(client: ClientId, now: Timestamp, zone: &TimeZone) -> String {
    format!("client-{client}-{}.zip", now.to_zoned(zone.clone()).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_named_by_the_practices_day() {
        let at: Timestamp = "2026-11-30T15:34:00Z".parse().unwrap();
        let name = |zone: &str| file_name(ClientId(Uuid::nil()), at, &TimeZone::get(zone).unwrap());
        assert!(name("Australia/Sydney").ends_with("-2026-12-01.zip"), "{}", name("Australia/Sydney"));
        assert!(name("Europe/London").ends_with("-2026-11-30.zip"), "{}", name("Europe/London"));
    }

    #[test]
    fn a_files_name_leads_nowhere_else() {
        for (name, expected) in [
            ("Best Life Plan.pdf", "Best Life Plan.pdf"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\x\\y.pdf", "C__x_y.pdf"),
            ("Zoë’s plan.pdf", "Zoë_s plan.pdf"),
            ("..", ""),
        ] {
            assert_eq!(plain(name), expected);
        }
    }
}
