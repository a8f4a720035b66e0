//! A couple: what one's archive has of the other, and what the other keeps where one is erased.

use std::collections::BTreeMap;
use std::io::Read as _;

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;
use zip::ZipArchive;

use super::super::operations::run;
use super::super::requests::brought;
use super::WithNote;
use crate::connection::for_tests::with_shipped_events;
use crate::domain::access::Role;
use crate::domain::note::{Attachment, Event, Note};
use crate::domain::practice_client::NewClient;
use crate::domain::record::{Canonical, ClientStatus, Goal, GoalOwner};
use crate::domain::run::{Run, RunState};
use crate::domain::stored::StoredClient;
use crate::domain::{Client, ClientId, ExternalId, NoteId, RecordKind, RevisionId, Timestamp};
use crate::store::audit::AuditFilter;
use crate::store::book::{ClientFilter, PageRequest, Whose};
use crate::store::commit::{Group, IncomingRecord, Lists, MappedBy, Outcome};
use crate::store::documents::Document;
use crate::store::outbox::NewNote;

const BY: MappedBy = MappedBy { revision: RevisionId([1; 6]), as_of: None };

fn named(id: ExternalId, (first, last): (&str, &str)) -> Client {
    let (first_name, last_name) = (Some(first.to_owned()), Some(last.to_owned()));
    Client { first_name, last_name, ..Client::unnamed(id, ClientStatus::Client) }
}

fn goal(id: &str, owner: GoalOwner) -> Goal {
    Goal {
        external_id: ExternalId(id.to_owned()),
        owner,
        category: None,
        name: Some("Retire".to_owned()),
        target_date: None,
        estimated_cost: None,
        outlook: None,
        extensions: Vec::new(),
    }
}

async fn commit(host: &WithNote, incoming_records: Vec<IncomingRecord>, below: Vec<Lists>) {
    let group = Group {
        run: host.app.store.begin_run(Run { finished_at: None, ..run(RunState::Running) }).await.unwrap(),
        kind: RecordKind::Client,
        by: BY,
        incoming_records,
        below,
        seen: None,
        position: None,
        at: Timestamp::UNIX_EPOCH,
    };
    host.app.store.commit(group).await.unwrap();
}

/// Brings a couple of the CRM, each of whom names the other, with three goals of the second: an own one, one of the first
/// and one of both.
async fn bring_couple(host: &WithNote) -> [StoredClient; 2] {
    let linked = |id: &str, name, partner: &str, is_partner| {
        let partner_external_id = Some(ExternalId(partner.to_owned()));
        let client = Client { partner_external_id, is_partner, ..named(ExternalId(id.to_owned()), name) };
        brought(id, Outcome::Client(Box::new(client)))
    };
    let couple = vec![linked("7", ("Zoe", "Ng"), "8", false), linked("8", ("Tama", "Ng"), "7", true)];
    let owners = [GoalOwner::Client, GoalOwner::Partner, GoalOwner::Joint];
    let goals = owners.into_iter().zip(["g1", "g2", "g3"]).map(|(owner, id)| Canonical::Goal(goal(id, owner)));
    let lists = Lists {
        kind: RecordKind::Goal,
        by: BY,
        incoming_records: vec![brought("8", Outcome::List(goals.collect()))],
        missed_again: Vec::new(),
    };
    commit(host, couple, Vec::new()).await;
    commit(host, Vec::new(), vec![lists]).await;
    let page = PageRequest { cursor: None, limit: 10 };
    let all = host.app.store.clients(ClientFilter::default(), page).await.unwrap().items;
    ["7", "8"].map(|id| all.iter().find(|client| client.client.external_id.as_str() == id).unwrap().clone())
}

/// Makes the partner of the host's client, who shares the host's note; answers the id.
async fn add_partner(host: &WithNote) -> ClientId {
    let id = ClientId(Uuid::now_v7());
    let client = named(ExternalId::unlinked(id), ("Bo", "Khan"));
    let new = NewClient { id, client, partner_of: Some(host.client), digest: [1; 32] };
    host.app.store.make_client(new, None, Timestamp::now()).await.unwrap().unwrap();
    id
}

/// Accepts a note that is about the partner alone, as another host accepted one.
async fn note_of_partner_alone(host: &WithNote, partner: ClientId) -> NoteId {
    let other = WithNote::new().await;
    let note = other.app.store.note(other.note).await.unwrap().unwrap();
    let event = other.app.store.event(note.event_id).await.unwrap().unwrap();
    let (event, id) = (Event { household_id: host.household, ..event }, note.id);
    let note = Note { clients: vec![partner], household_id: host.household, ..note };
    let new = NewNote { event, note, key: "other".to_owned(), digest: [8; 32], documents: Vec::new() };
    assert!(host.app.store.accept_note(new).await.unwrap().is_none());
    id
}

/// The files of a client's archive.
async fn archive(host: &WithNote, client: ClientId) -> BTreeMap<String, String> {
    let client = host.app.store.client(client).await.unwrap().unwrap();
    let mut archive = ZipArchive::new(host.app.export_client(&client).await.unwrap()).unwrap();
    let mut files = BTreeMap::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let (name, mut content) = (file.name().unwrap().into_owned(), Vec::new());
        file.read_to_end(&mut content).unwrap();
        files.insert(name, String::from_utf8_lossy(&content).into_owned());
    }
    files
}

fn verbs(audit: &str) -> Vec<String> {
    let entries: Vec<Value> = serde_json::from_str(audit).unwrap();
    entries.iter().map(|entry| entry["verb"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_archive_has_who_looked_at_the_household_and_nothing_of_another_client() {
    let host = WithNote::new().await;
    let partner = add_partner(&host).await;
    let bo_alone = note_of_partner_alone(&host, partner).await;
    for path in [
        format!("/households/{}", host.household),
        format!("/households/{}/clients/{partner}/edit", host.household),
        format!("/notes/{}", host.note),
        format!("/notes/{bo_alone}"),
    ] {
        let page = host.open(&path, &host.manager).await;
        assert_eq!(page.status, 200, "{path}: {page}");
    }
    let found = archive(&host, host.client).await;
    let audit = &found["audit.json"];
    let seen = verbs(audit);
    for verb in ["households.view", "notes.view"] {
        assert_eq!(seen.iter().filter(|seen| *seen == verb).count(), 1, "{verb}: {audit}");
    }
    assert!(!audit.contains(&partner.to_string()) && !audit.contains(&bo_alone.to_string()), "{audit}");
    assert!(!audit.contains("\"from\"") && !audit.contains("unknown"), "addresses are the staff's: {audit}");
    assert!(audit.contains("Pat Lee"), "{audit}");
    assert!(found["README.txt"].contains("without the network addresses"), "{}", found["README.txt"]);
    // Of the partner's archive the same holds the other way round.
    let found = archive(&host, partner).await;
    let seen = verbs(&found["audit.json"]);
    assert!(seen.iter().any(|verb| verb == "clients.view") && seen.iter().any(|verb| verb == "households.view"));
    assert!(!found["audit.json"].contains(&host.note.to_string()), "{}", found["audit.json"]);
}

#[tokio::test]
async fn an_archive_has_who_looked_at_a_goal_and_says_which_files_are_about_the_partner_too() {
    let host = WithNote::with(vec![with_shipped_events()]).await;
    let [zoe, tama] = bring_couple(&host).await;
    let page = PageRequest { cursor: None, limit: 10 };
    let goals = host.app.store.items::<Goal>(Whose::Client(tama.id), page).await.unwrap().items;
    let of = |owner| goals.iter().find(|goal| goal.listed.value.owner == owner).unwrap().listed.id;
    let own = of(GoalOwner::Client);
    let opened = host.call(&Method::GET, &format!("/goals/{own}"), &Value::Null, &host.manager).await;
    assert_eq!(opened.status, 200, "{opened}");
    let found = archive(&host, tama.id).await;
    assert!(verbs(&found["audit.json"]).iter().any(|verb| verb == "goals.view"), "{}", found["audit.json"]);
    let about = &found["README.txt"];
    for owner in [GoalOwner::Partner, GoalOwner::Joint] {
        assert!(about.contains(&format!("  goals.json, the item {}\r\n", of(owner))), "{about}");
    }
    assert!(!about.contains(&own.to_string()) && about.contains("somebody else, too"), "{about}");
    assert!(!about.contains("household.json, the reasons"), "nobody wrote any: {about}");

    // What the couple own together, and what is the partner's alone, is in the partner's archive, too.
    let found = archive(&host, zoe.id).await;
    let goals: Vec<Value> = serde_json::from_str(&found["goals.json"]).unwrap();
    let kept: Vec<_> = goals.iter().map(|goal| (goal["id"].as_str().unwrap(), &goal["kept_with"])).collect();
    let with_partner = json!("the partner");
    assert_eq!(
        kept,
        [of(GoalOwner::Partner), of(GoalOwner::Joint)]
            .map(|id| id.to_string())
            .each_ref()
            .map(|id| (id.as_str(), &with_partner))
    );
    assert!(found["README.txt"].contains("which is kept with the partner\r\n"), "{}", found["README.txt"]);

    // The documents of a note that is the partner's, too.
    let partner = add_partner(&host).await;
    let pdf = "application/pdf".to_owned();
    let document = Document::new("Plan.pdf".to_owned(), pdf.clone(), b"%PDF".to_vec(), Timestamp::now());
    let id = document.id;
    host.app.store.put_document(document, None).await.unwrap();
    let share = move |note: &mut Note| {
        note.clients.push(partner);
        let (filename, replaced) = ("Plan.pdf".to_owned(), String::new());
        note.attachments.push(Attachment {
            document: id,
            filename,
            media_type: pdf,
            size: 4,
            replaced,
            attached_as: None,
        });
    };
    host.app.store.change_note(host.note, share).await.unwrap().unwrap();
    let found = archive(&host, host.client).await;
    let about = &found["README.txt"];
    for name in [format!("notes/{}.json", host.note), format!("documents/{}-1-Plan.pdf", host.note)] {
        assert!(found.contains_key(&name) && about.contains(&format!("  {name}\r\n")), "{name}: {about}");
    }
}

#[tokio::test]
async fn what_the_partner_keeps_of_an_erased_client_is_said_before_and_after() {
    let host = WithNote::with(vec![with_shipped_events()]).await;
    let [zoe, tama] = bring_couple(&host).await;
    let said = ["Tama Ng’s record still names this client as partner", "2 of Tama Ng’s goals and covers still name"];
    let page = host.open(&format!("/clients/{}/privacy", zoe.id), &host.manager).await.text;
    let path = format!("/clients/{}", zoe.id);
    let preview = host.call(&Method::GET, &format!("{path}/erasure"), &Value::Null, &host.manager).await;
    let asked = json!({"reason": "asked", "confirm": "Zoe Ng"});
    let erased = host.call(&Method::POST, &format!("{path}/erase"), &asked, &host.manager).await;
    assert_eq!((preview.status, erased.status), (200, 200), "{preview} {erased}");
    for text in [&page, &preview.text, &erased.text] {
        for part in said {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
    assert!(page.contains("<dt>Goals and covers of the partner with this person as owner</dt><dd>2</dd>"), "{page}");
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap()["counts"].clone();
    assert_eq!((read(&preview.text), &read(&erased.text)["partner_items"]), (read(&erased.text), &json!(2)));
    let filter = AuditFilter { verb: Some("privacy.erase".to_owned()), ..AuditFilter::default() };
    let log = host.app.store.audit(filter, PageRequest { cursor: None, limit: 10 }).await.unwrap().items;
    assert!(log.len() == 1 && !format!("{log:?}").contains("Tama"), "{log:?}");
    // Nobody is left whom Tama's erasure would be told of.
    let path = format!("/clients/{}/erasure", tama.id);
    let preview = host.call(&Method::GET, &path, &Value::Null, &host.manager).await;
    assert!(!preview.text.contains("still names") && !preview.text.contains("Another client"), "{preview}");
}

#[tokio::test]
async fn who_is_kept_longer_is_not_erased_because_the_years_are_over() {
    let host = WithNote::with(vec![with_shipped_events()]).await;
    let [zoe, _] = bring_couple(&host).await;
    let (period, another) =
        ("The practice keeps clients for 7 years after they leave the CRM", "Choose another reason");
    let unlinked = "isn’t linked to a CRM";
    for (client, name, why) in
        [(zoe.id, "Zoe Ng", "The CRM still shows this one"), (host.client, "Ayda Khan", unlinked)]
    {
        let page = host.open(&format!("/clients/{client}/privacy"), &host.manager).await.text;
        assert!(page.contains(period) && page.contains(why) && !page.contains("retention_over"), "{page}");
        let body = json!({"reason": "retention_over", "confirm": name});
        let path = format!("/clients/{client}/erase");
        let by_api = host.call(&Method::POST, &path, &body, &host.manager).await;
        let form = format!("reason=retention_over&confirm={}", name.replace(' ', "+"));
        let by_page = host.submit(&path, &form, &host.manager).await;
        for answer in [by_api, by_page] {
            let says = [period, why, another].iter().all(|part| answer.says(part));
            assert!(answer.status == 422 && answer.names("reason") && says, "{answer}");
        }
        assert!(host.app.store.client(client).await.unwrap().is_some());
    }
    // Who left: the day on which the years end is theirs.
    let left = |at: &str| StoredClient { not_visible_since: Some(at.parse().unwrap()), ..zoe.clone() };
    let retention_of = |at| host.app.retention_of(&left(at), "2026-11-30T00:00:00Z".parse().unwrap());
    for (at, is_over, said) in [
        (
            "2020-03-01T12:00:00Z",
            false,
            "The CRM has not shown this one since 1 Mar 2020, so the years end on 1 Mar 2027.",
        ),
        (
            "2019-03-01T12:00:00Z",
            true,
            "The CRM has not shown this one since 1 Mar 2019, so the years ended on 1 Mar 2026.",
        ),
    ] {
        let retention = retention_of(at);
        assert_eq!(retention.is_over(), is_over, "{at}");
        assert_eq!(
            host.app.retention_in_words(retention),
            format!("{period} (the longest of the retention profiles). {said}")
        );
    }
    // A record that is no client here has no day on which it left.
    commit(&host, vec![brought("9", Outcome::Excluded { quarantined: true })], Vec::new()).await;
    let page = host.open("/settings/privacy/record?connection=main&external_id=9", &host.manager).await.text;
    assert!(page.contains("no client here") && !page.contains("retention_over"), "{page}");
    let body = json!({"reason": "retention_over", "confirm": "9"});
    let refused = host.call(&Method::POST, "/connections/main/clients/9/erase", &body, &host.manager).await;
    assert!(refused.status == 422 && refused.names("reason") && refused.says("no client here"), "{refused}");
}

#[tokio::test]
async fn a_hold_says_what_it_keeps_from_and_what_not() {
    let host = WithNote::new().await;
    let page = host.open(&format!("/clients/{}/privacy", host.client), &host.manager).await.text;
    assert!(page.contains("It stops nothing else"), "{page}");
    // As it says.
    let path = format!("/clients/{}/legal-hold", host.client);
    let held = host.call(&Method::PUT, &path, &json!({"reason": "A complaint"}), &host.manager).await;
    assert_eq!(held.status, 200, "{held}");
    let path = format!("/clients/{}", host.client);
    let edited = host.call(&Method::PATCH, &path, &json!({"first_name": "Aida"}), &host.manager).await;
    assert_eq!(edited.status, 200, "{edited}");
    let support = host.signed_in(Role::Support).await;
    assert_eq!(host.open(&format!("{path}/privacy"), &support).await.status, 403);
}
