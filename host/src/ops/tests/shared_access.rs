//! Access that is shared and passed on: teams, households opened in an emergency, households of who leaves, and who answers
//! where nobody was named.

use axum::http::Method;
use serde_json::{Value, json};

use super::host::{Answer, Host, parts};
use crate::connection::for_tests::with_shipped_events;
use crate::domain::access::Role;
use crate::domain::{DocumentId, Timestamp};
use crate::store::documents::Document;
use crate::store::household_access::HandOver;

impl Host {
    async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.call(&Method::GET, path, &Value::Null, cookie).await
    }

    async fn post(&self, path: &str, body: Value, cookie: &str) -> Answer {
        self.call(&Method::POST, path, &body, cookie).await
    }
}

/// A member of what was answered.
fn member(answer: &Answer, name: &str) -> String {
    let value: Value = serde_json::from_str(&answer.text).unwrap();
    value[name].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_is_opened_in_an_emergency_is_seen_until_it_ends_and_looked_at_after() {
    let host = Host::new().await;
    host.keep_for_the_manager().await;
    let (household, support) = (format!("/households/{}", host.household), host.support.clone());
    let reason = "The client rang and cannot wait";
    // A name would tell who is a client.
    for of in ["Khan", "Ayda Khan", "a", ""] {
        let refused = host.post("/emergency-access", json!({"of": of, "reason": reason}), &support).await;
        assert!(refused.status == 422 && refused.text.contains("\"/of\""), "{of}: {refused}");
    }
    let of = json!({"of": host.household, "reason": reason});
    let opened = host.post("/emergency-access", of.clone(), &support).await;
    assert_eq!(opened.status, 201, "{opened}");
    let id = member(&opened, "id");
    assert_eq!(host.get(&household, &support).await.status, 200);
    assert_eq!(host.post("/emergency-access", of, &support).await.status, 409, "they have access by now");
    let page = host.open(&household, &support).await;
    assert!(page.says("You have opened a household in an emergency") && page.says(reason), "{page}");
    let user = host.id_of("support@example.com").await;
    let why = host.get(&format!("{household}/access/explain?user_id={user}"), &host.manager).await;
    assert!(why.text.contains("\"allowed\":true") && why.says("in an emergency"), "{why}");
    // Nobody says of what is open that they looked at it; a colleague neither ends it nor sees it.
    let review = format!("/emergency-access/{id}/review");
    assert_eq!(host.post(&review, json!({}), &host.manager).await.status, 409);
    let colleague = host.signed_in(Role::Paraplanner).await;
    let end = format!("/emergency-access/{id}/end");
    assert_eq!(host.post(&end, Value::Null, &colleague).await.status, 404);
    assert!(host.get("/emergency-access", &colleague).await.text.contains("\"items\":[]"));
    let ended = host.post(&end, Value::Null, &support).await;
    assert!(ended.status == 200 && ended.text.contains("\"is_open\":false"), "{ended}");
    let again = host.post(&end, Value::Null, &support).await;
    assert!(again.status == 409 && again.says("it is over already"), "{again}");
    assert_eq!(host.get(&household, &support).await.status, 404);
    // It waits for a practice manager, whom every page tells.
    let page = host.open("/", &host.manager).await;
    assert!(page.says("A household was opened in an emergency, and nobody has reviewed it yet."), "{page}");
    assert_eq!(host.post(&review, json!({"finding": "in order"}), &support).await.status, 403);
    let looked = host.post(&review, json!({"finding": "in order"}), &host.manager).await;
    assert!(looked.status == 200 && member(&looked, "reviewed_by") == "Pat Lee", "{looked}");
    assert_eq!(host.post(&review, json!({}), &host.manager).await.status, 409);
    let waiting = host.get("/emergency-access?unreviewed=true", &host.manager).await;
    assert!(waiting.text.contains("\"items\":[]"), "{waiting}");
}

#[tokio::test]
async fn what_is_opened_in_an_emergency_ends_with_the_account_and_with_a_hand_over() {
    let host = Host::new().await;
    host.keep_for_the_manager().await;
    let paraplanner = host.signed_in(Role::Paraplanner).await;
    let account = format!("/users/{}", host.id_of("paraplanner@example.com").await);
    let of = json!({"of": host.household, "reason": "The client rang and cannot wait"});
    let opened = host.post("/emergency-access", of, &paraplanner).await;
    assert_eq!(opened.status, 201, "{opened}");
    for disabled in [true, false] {
        let changed = host.call(&Method::PATCH, &account, &json!({"disabled": disabled}), &host.manager).await;
        assert_eq!(changed.status, 200, "{changed}");
    }
    let known: Value = serde_json::from_str(&host.get("/emergency-access", &host.manager).await.text).unwrap();
    let known = &known["items"][0];
    assert_eq!((&known["is_open"], &known["ended_by"]), (&json!(false), &json!("the end of the account")), "{known}");
    let of_household = format!("/audit?household_id={}&verb=people.change", host.household);
    let log = host.get(&of_household, &host.manager).await;
    assert!(log.text.contains("opened in an emergency, by entry"), "{log}");
    let review = format!("/emergency-access/{}/review", member(&opened, "id"));
    let reviewed = host.post(&review, json!({"finding": "in order"}), &host.manager).await;
    assert_eq!(reviewed.status, 200, "{reviewed}");
}

#[tokio::test]
async fn a_clients_export_names_who_had_access_and_who_ended_it() {
    let host = Host::new().await;
    host.keep_for_the_manager().await;
    let of = json!({"of": host.household, "reason": "The client rang and cannot wait"});
    let opened = host.post("/emergency-access", of, &host.support).await;
    let end = format!("/emergency-access/{}/end", member(&opened, "id"));
    assert_eq!(host.post(&end, Value::Null, &host.manager).await.status, 200);
    let client = host.app.store.client(host.client).await.unwrap().unwrap();
    let mut archive = zip::ZipArchive::new(host.app.export_client(&client).await.unwrap()).unwrap();
    let household: Value = serde_json::from_reader(archive.by_name("household.json").unwrap()).unwrap();
    let opened = &household["opened_in_an_emergency"][0];
    for named in [&opened["name"], &opened["ended_by"], &household["access"]["primary"]["name"]] {
        assert_eq!(*named, "Pat Lee", "{household}");
    }
    assert!(opened["ended_at"].is_string() && opened["reviewed_by"].is_null(), "{opened}");
}

#[tokio::test]
async fn looking_for_a_household_in_an_emergency_is_bounded() {
    let host = Host::new().await;
    let of = |of: &str| json!({"of": of, "reason": "The client rang and cannot wait"});
    for try_ in 0..30 {
        let missed = host.post("/emergency-access", of(&format!("nobody{try_}@example.com")), &host.support).await;
        assert_eq!(missed.status, 422, "{missed}");
    }
    let refused = host.post("/emergency-access", of(&host.household.to_string()), &host.support).await;
    assert_eq!(refused.status, 429, "{refused}");
    assert_eq!(host.get(&format!("/households/{}", host.household), &host.support).await.status, 404);
}

#[tokio::test]
async fn a_team_serves_the_households_of_its_members() {
    let host = Host::new().await;
    host.keep_for_the_manager().await;
    let cookie = host.signed_in(Role::Paraplanner).await;
    let user = host.id_of("paraplanner@example.com").await;
    let household = format!("/households/{}", host.household);
    let body = json!({"name": "North", "members": [user, host.manager_id]});
    assert_eq!(host.get(&household, &cookie).await.status, 404);
    assert_eq!(host.post("/teams", body.clone(), &cookie).await.status, 403);
    let made = host.post("/teams", body.clone(), &host.manager).await;
    assert_eq!(made.status, 201, "{made}");
    assert_eq!(host.get(&household, &cookie).await.status, 200);
    let page = host.open(&format!("{household}/access"), &host.manager).await;
    assert!(page.says("is in the team North with Pat Lee"), "{page}");
    let again = host.post("/teams", json!({"name": "NORTH", "members": []}), &host.manager).await;
    assert!(again.status == 422 && again.says("Another team has this name."), "{again}");
    // By the page: out of the team, and out of the household.
    let id = member(&made, "id");
    let form = format!("name=North&member={}", host.manager_id);
    let changed = host.submit(&format!("/people/teams/{id}"), &form, &host.manager).await;
    assert_eq!(changed.status, 303, "{changed}");
    assert_eq!(host.get(&household, &cookie).await.status, 404);
    let gone = host.call(&Method::DELETE, &format!("/teams/{id}"), &Value::Null, &host.manager).await;
    assert_eq!(gone.status, 204, "{gone}");
}

#[tokio::test]
async fn the_households_of_who_leaves_are_handed_over_as_they_were_shown() {
    let host = Host::new().await;
    let _signed_in = host.signed_in(Role::Adviser).await;
    let adviser = host.id_of("adviser@example.com").await;
    let access = format!("/households/{}/access", host.household);
    let body = json!({"primary": {"user_id": adviser}});
    assert_eq!(host.call(&Method::PUT, &access, &body, &host.manager).await.status, 200);
    let disabled = json!({"disabled": true});
    let path = format!("/users/{adviser}");
    assert_eq!(host.call(&Method::PATCH, &path, &disabled, &host.manager).await.status, 200);
    // They stay named, and the list of people says so.
    let people = host.open("/people", &host.manager).await;
    assert!(people.says("is disabled, and is named as a professional of 1 household."), "{people}");
    let parts = host.get(&format!("{path}/households"), &host.manager).await;
    assert!(parts.text.contains("\"part\":\"primary\""), "{parts}");
    let page = host.open(&format!("/people/{adviser}/hand-over"), &host.manager).await;
    assert!(page.says("is a professional of 1 household."), "{page}");
    let version = page.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let hand_over = format!("/people/{adviser}/hand-over");
    // What changed since it was shown is shown anew.
    let body = json!({"primary": {"user_id": adviser}, "secondary": {"user_id": host.manager_id}});
    assert_eq!(host.call(&Method::PUT, &access, &body, &host.manager).await.status, 200);
    let form = |version: &str| format!("version={version}&to={}", host.manager_id);
    assert_eq!(host.submit(&hand_over, &form(&version), &host.manager).await.status, 409);
    let page = host.open(&hand_over, &host.manager).await;
    let version = page.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(host.submit(&hand_over, &form(&version), &host.manager).await.status, 303);
    let now = host.get(&access, &host.manager).await;
    let now: Value = serde_json::from_str(&now.text).unwrap();
    assert_eq!(now["primary"]["user_id"], json!(host.manager_id));
    assert_eq!(now["secondary"], Value::Null, "the one who was the second is the first, and once");
    // The log of the household says since when, and from whom.
    let of_household = format!("/audit?household_id={}&verb=household_access.hand_over", host.household);
    let log: Value = serde_json::from_str(&host.get(&of_household, &host.manager).await.text).unwrap();
    let entry = &log["items"][0];
    assert_eq!((&entry["outcome"], &entry["subject"]["kind"]), (&json!("done"), &json!("household")), "{log}");
    let whole = entry["number"].as_u64().unwrap() - 1;
    assert_eq!(entry["detail"], json!(format!("primary from account {adviser}, by entry {whole}")));
    // A program says which households it has looked at, and not only that there are any.
    assert_eq!(host.call(&Method::PATCH, &path, &json!({"disabled": false}), &host.manager).await.status, 200);
    let page = host.open(&format!("/people/{}/hand-over", host.manager_id), &host.manager).await;
    let version = page.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let back = format!("/users/{}/hand-over", host.manager_id);
    let hand_back = async |version: Option<&str>| {
        host.call_where(&Method::POST, &back, &json!({"to": adviser}), (&host.manager, version)).await
    };
    assert_eq!(hand_back(None).await.status, 428);
    assert_eq!(hand_back(Some("0000")).await.status, 412);
    let done = hand_back(Some(&version)).await;
    assert!(done.status == 200 && done.text.contains("\"households\":1"), "{done}");
    let again = host.post(&format!("{path}/hand-over"), json!({"to": host.manager_id}), &host.manager).await;
    assert!(again.status == 428 && again.says("If-Match"), "{again}");
}

#[tokio::test]
async fn who_answers_where_nobody_was_named_is_for_the_practice_to_say() {
    let host = Host::new().await;
    let _signed_in = host.signed_in(Role::Adviser).await;
    let adviser = host.id_of("adviser@example.com").await;
    let named = async || {
        let client = json!({"first_name": "Eve", "last_name": "Ito", "id": uuid::Uuid::now_v7()});
        let made = host.post("/clients", client, &host.support).await;
        let household =
            member(&host.get(&format!("/clients/{}", member(&made, "id")), &host.manager).await, "household_id");
        let access = host.get(&format!("/households/{household}/access"), &host.manager).await;
        let access: Value = serde_json::from_str(&access.text).unwrap();
        access["primary"]["user_id"].clone()
    };
    assert_eq!(named().await, json!(adviser), "the first adviser of the practice");
    let set = async |user: Value| {
        let body = json!({"user_id": user});
        host.call(&Method::PUT, "/default-primary", &body, &host.manager).await
    };
    let support = host.id_of("support@example.com").await;
    let refused = set(json!(support)).await;
    assert!(refused.status == 422 && refused.names("user_id"), "{refused}");
    let chosen = set(json!(host.manager_id)).await;
    assert!(chosen.status == 200 && chosen.text.contains("\"chosen\":true"), "{chosen}");
    assert_eq!(named().await, json!(host.manager_id));
    assert_eq!(set(Value::Null).await.status, 200);
    assert_eq!(named().await, json!(adviser));
}

#[tokio::test]
async fn a_document_that_somebody_does_not_see_goes_with_no_note_of_theirs() {
    let host = Host::with(vec![with_shipped_events()]).await;
    host.keep_for_the_manager().await;
    let adviser = host.signed_in(Role::Adviser).await;
    let made = host.post("/clients", json!({"first_name": "Sam"}), &adviser).await;
    let (household, adviser_id) = (member(&made, "household_id"), host.id_of("adviser@example.com").await);
    let document = Document::new("Plan.pdf".into(), "application/pdf".into(), b"%PDF-1.7".into(), Timestamp::now());
    let store = &host.app.store;
    store.put_document(document.clone(), Some(host.manager_id)).await.unwrap();
    let (known, unknown) = (document.id.to_string(), DocumentId([7; 32]).to_string());
    let send = async |id: &str, cookie: &str| {
        let event = json!({
            "type": "note.written",
            "household_id": household,
            "occurred_at": "2026-11-01T00:00:00Z",
            "data": {"subject": "Review", "body": "We met."},
            "attachments": [id],
        });
        host.call(&Method::POST, "/events", &event, cookie).await
    };
    let [hidden, none] = [send(&known, &adviser).await, send(&unknown, &adviser).await];
    assert_eq!((hidden.status, none.status), (422, 422), "{hidden}");
    assert_eq!(hidden.text.replace(&known, &unknown), none.text, "the answer does not tell that it is there");
    assert!(hidden.says(&format!("there is no document {known}")), "{hidden}");
    let form = format!("/households/{household}/record/note.written");
    let page = async |id: &str, cookie: &str| {
        host.submit(&form, &parts(&[("document", None, id), ("add", None, "documents")]), cookie).await
    };
    let [hidden, none] = [page(&known, &adviser).await, page(&unknown, &adviser).await];
    assert!(none.says("A document that is not kept here any more"), "{none}");
    assert!(hidden.says("A document that is not kept here any more") && !hidden.text.contains("Plan.pdf"), "{hidden}");
    assert!(page(&known, &host.manager).await.text.contains("Plan.pdf"));
    // Whoever sees the whole book, and whoever has the file, may.
    let by_manager = send(&known, &host.manager).await;
    assert!(!by_manager.text.contains("/attachments"), "{by_manager}");
    store.put_document(document, Some(adviser_id)).await.unwrap();
    let brought = send(&known, &adviser).await;
    assert!(!brought.text.contains("/attachments"), "{brought}");
}

/// The details of the entries of a household that have this verb, the latest first, without the numbers of the entries they are by.
async fn told_of(host: &Host, household: impl std::fmt::Display, verb: &str) -> Vec<String> {
    let log = host.get(&format!("/audit?household_id={household}&verb={verb}"), &host.manager).await;
    let log: Value = serde_json::from_str(&log.text).unwrap();
    let detail = |entry: &Value| entry["detail"].as_str().unwrap().to_owned();
    let details: Vec<String> = log["items"].as_array().unwrap().iter().map(detail).collect();
    details.iter().map(|detail| detail.split(", by entry").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_log_of_a_household_tells_who_came_to_see_it_by_a_team() {
    let host = Host::new().await;
    host.keep_for_the_manager().await;
    let _signed_in = host.signed_in(Role::Paraplanner).await;
    let (user, manager) = (host.id_of("paraplanner@example.com").await, host.manager_id);
    // Alone in it, nobody sees more.
    let made = host.post("/teams", json!({"name": "North", "members": [manager]}), &host.manager).await;
    let id = member(&made, "id");
    let team = format!("/teams/{id}");
    let change = async |body: Value| host.call(&Method::PUT, &team, &body, &host.manager).await.status;
    assert_eq!(change(json!({"name": "North", "members": [manager, user]})).await, 200);
    // Another name changes nobody's access.
    assert_eq!(change(json!({"name": "South", "members": [manager, user]})).await, 200);
    assert_eq!(told_of(&host, host.household, "teams.change").await, [format!("account {user} joins team {id}")]);
    assert_eq!(told_of(&host, host.household, "teams.make").await, [""; 0]);
    assert_eq!(host.call(&Method::DELETE, &team, &Value::Null, &host.manager).await.status, 204);
    let left = format!("account {manager} leaves, account {user} leaves team {id}");
    assert_eq!(told_of(&host, host.household, "teams.remove").await, [left]);
}

#[tokio::test]
async fn emergency_access_of_somebody_without_households_ends_with_a_hand_over() {
    let host = Host::new().await;
    host.keep_for_the_manager().await;
    let user = host.id_of("support@example.com").await;
    let (page, hand_over) = (format!("/people/{user}/hand-over"), format!("/users/{user}/hand-over"));
    let form = async || {
        let text = host.open(&page, &host.manager).await.text;
        let version = text.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        version.map(|version| format!("version={version}&to={}", host.manager_id))
    };
    assert_eq!(form().await, None, "there is nothing to hand over");
    let (to, of_none) = (json!({"to": host.manager_id}), HandOver::version_of(&[]));
    let refused = host.call_where(&Method::POST, &hand_over, &to, (&host.manager, Some(&*of_none))).await;
    assert!(refused.status == 409 && refused.says("There is nothing to hand over"), "{refused}");
    let of = json!({"of": host.household, "reason": "The client rang and cannot wait"});
    assert_eq!(host.post("/emergency-access", of, &host.support).await.status, 201);
    let shown = host.open(&page, &host.manager).await;
    assert!(shown.says("A hand-over also ends emergency access, which is open to 1 household."), "{shown}");
    let done = host.submit(&page, &form().await.unwrap(), &host.manager).await;
    assert_eq!(done.status, 303, "{done}");
    assert_eq!(host.get(&format!("/households/{}", host.household), &host.support).await.status, 404);
    let known: Value = serde_json::from_str(&host.get("/emergency-access", &host.manager).await.text).unwrap();
    assert_eq!(known["items"][0]["ended_by"], "Pat Lee", "{known}");
}

#[tokio::test]
async fn why_somebody_had_access_is_told_after_it_was_changed() {
    let host = Host::new().await;
    host.keep_for_the_manager().await;
    let user = host.id_of("support@example.com").await;
    let access = format!("/households/{}/access", host.household);
    let set = async |staff: Value| {
        let body = json!({"primary": {"user_id": host.manager_id}, "staff": staff});
        host.call(&Method::PUT, &access, &body, &host.manager).await
    };
    let given = json!([{"user_id": user, "role": "support", "reason": "Covers for Lee"}]);
    assert_eq!(set(given).await.status, 200);
    let page = host.open(&access, &host.manager).await;
    assert!(page.says("“Covers for Lee”") && !page.says("Staff access that ended"), "{page}");
    let taken = set(json!([])).await;
    let taken: Value = serde_json::from_str(&taken.text).unwrap();
    let past = &taken["past"][0];
    assert_eq!((&past["reason"], &past["ended_by"]), (&json!("Covers for Lee"), &json!("Pat Lee")), "{taken}");
    assert_eq!(past["user_id"], json!(user), "{taken}");
    let page = host.open(&access, &host.manager).await;
    assert!(page.says("Staff access that ended") && page.says("“Covers for Lee”"), "{page}");
}

#[tokio::test]
async fn a_team_that_somebody_changed_meanwhile_is_not_changed_unseen() {
    let host = Host::new().await;
    let _signed_in = host.signed_in(Role::Paraplanner).await;
    let (user, manager) = (host.id_of("paraplanner@example.com").await, host.manager_id);
    let support = host.id_of("support@example.com").await;
    let made = host.post("/teams", json!({"name": "North", "members": [manager, user]}), &host.manager).await;
    let (id, opened) = (member(&made, "id"), member(&made, "version"));
    let page = host.open("/people/teams", &host.manager).await;
    assert!(page.text.contains(&format!("name=\"version\" value=\"{opened}\"")), "{page}");
    let (path, call) = (format!("/people/teams/{id}"), format!("/teams/{id}"));
    let out = format!("name=North&version={opened}&member={manager}");
    assert_eq!(host.submit(&path, &out, &host.manager).await.status, 303);
    // A page that was opened before would bring back whom somebody took out.
    let before = format!("name=North&version={opened}&member={manager}&member={user}&member={support}");
    let refused = host.submit(&path, &before, &host.manager).await;
    let said = host.open(&refused.location, &host.manager).await;
    assert!(said.says("Nothing was changed: somebody changed this team meanwhile."), "{said}");
    let body = json!({"name": "North", "members": [manager, user]});
    for (version, status) in [(Some(&*opened), 412), (Some("bogus"), 412), (None, 200)] {
        let answer = host.call_where(&Method::PUT, &call, &body, (&host.manager, version)).await;
        assert_eq!(answer.status, status, "{version:?}: {answer}");
    }
    let teams: Value = serde_json::from_str(&host.get("/teams", &host.manager).await.text).unwrap();
    assert_eq!(teams["items"][0]["version"], json!(opened), "it is as it was opened");
}

#[tokio::test]
async fn people_of_one_name_are_told_apart_where_access_is_given() {
    let host = Host::new().await;
    for (email, role) in [("ada.one@example.com", "adviser"), ("ada.other@example.com", "associate")] {
        let name = if role == "adviser" { "Ada One" } else { "Ada 0ne" };
        let new = json!({"name": name, "email": email, "role": role, "password": "wet umbrella on the 7 bus"});
        assert_eq!(host.post("/users", new, &host.manager).await.status, 201);
    }
    let user = host.id_of("support@example.com").await;
    host.keep_for_the_manager().await;
    let access = format!("/households/{}/access", host.household);
    let of = json!({"of": host.household, "reason": "The client rang and cannot wait"});
    assert_eq!(host.post("/emergency-access", of, &host.support).await.status, 201);
    for path in [access.clone(), format!("/people/{user}/hand-over"), "/people".to_owned(), "/people/teams".to_owned()]
    {
        let page = host.open(&path, &host.manager).await;
        assert!(page.text.contains("Ada One, ada.one@example.com"), "{path}: {page}");
    }
    let name = "\u{410}da One";
    let new =
        json!({"name": name, "email": "ada@example.com", "role": "adviser", "password": "wet umbrella on the 7 bus"});
    let refused = host.post("/users", new, &host.manager).await;
    assert!(refused.status == 422 && refused.says("mixes letters of several alphabets"), "{refused}");
    // Whoever could not be it is not offered as the primary professional.
    let page = host.open(&access, &host.manager).await.text;
    let primary = page.split("id=\"primary\"").nth(1).unwrap().split("</select>").next().unwrap();
    let secondary = page.split("id=\"secondary\"").nth(1).unwrap().split("</select>").next().unwrap();
    assert!(!primary.contains("ada.other@example.com") && secondary.contains("ada.other@example.com"), "{page}");
}

#[tokio::test]
async fn who_watches_over_the_practice_works_in_no_household() {
    let host = Host::new().await;
    let _signed_in = host.signed_in(Role::Compliance).await;
    let user = host.id_of("compliance@example.com").await;
    let staff = json!([{"user_id": user, "role": "adviser"}]);
    let body = json!({"primary": {"user_id": host.manager_id}, "staff": staff});
    let path = format!("/households/{}/access", host.household);
    let refused = host.call(&Method::PUT, &path, &body, &host.manager).await;
    assert!(refused.status == 422 && refused.says("works in no household"), "{refused}");
}

#[tokio::test]
async fn what_was_typed_stays_where_access_or_a_team_is_refused() {
    let host = Host::new().await;
    let user = host.id_of("support@example.com").await;
    let access = format!("/households/{}/access", host.household);
    let page = host.open(&access, &host.manager).await;
    let version = page.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let typed = format!("version={version}&role-{user}=paraplanner&reason=Covers+for+Lee");
    for (more, said) in [
        (format!("&user={user}&until=soon"), "the last day is no day"),
        (format!("&user={user}&until=2300-01-01"), "Choose a day before 2262"),
        ("&until=2030-06-30".to_owned(), "choose whom to give access"),
    ] {
        let refused = host.submit(&format!("{access}/staff"), &format!("{typed}{more}"), &host.manager).await;
        assert!(refused.status == 422 && refused.says(said), "{more}: {refused}");
        for kept in ["value=\"Covers for Lee\"", "<option value=\"paraplanner\" selected>"] {
            assert!(refused.text.contains(kept), "{more}: {kept} is not in {refused}");
        }
        let day = more.split("until=").nth(1).unwrap();
        assert!(refused.text.contains(&format!("name=\"until\" value=\"{day}\"")), "{more}: {refused}");
        let is_chosen = refused.text.contains(&format!("id=\"user-{user}\" checked"));
        assert_eq!(is_chosen, more.contains("user="), "{more}: {refused}");
    }
    let log = host.get("/audit?verb=household_access.set&outcome=refused", &host.manager).await;
    assert!(log.says("choose whom to give access, in the first column."), "{log}");

    assert_eq!(host.submit("/people/teams", "name=North", &host.manager).await.status, 303);
    let taken = host.submit("/people/teams", &format!("name=NORTH&member={user}"), &host.manager).await;
    assert!(taken.status == 422 && taken.text.contains("value=\"NORTH\""), "{taken}");
    assert!(taken.text.contains(&format!("id=\"new-{user}\" checked")), "{taken}");
    assert_eq!(host.submit("/people/teams", "name=South", &host.manager).await.status, 303);
    let teams: Value = serde_json::from_str(&host.get("/teams", &host.manager).await.text).unwrap();
    let south = format!("/people/teams/{}", teams["items"][1]["id"].as_str().unwrap());
    let taken = host.submit(&south, &format!("name=north&member={user}"), &host.manager).await;
    assert!(taken.status == 422 && taken.text.contains("<details open>") && taken.text.contains("value=\"north\""));
    assert!(taken.says("Change South"), "the team is called what it was: {taken}");
}

#[tokio::test]
async fn access_that_is_over_is_given_anew_and_not_changed() {
    let host = Host::new().await;
    let user = host.id_of("support@example.com").await;
    let access = format!("/households/{}/access", host.household);
    let set = async |staff: Value| {
        let body = json!({"primary": {"user_id": host.manager_id}, "staff": staff});
        host.call(&Method::PUT, &access, &body, &host.manager).await
    };
    let end = Timestamp::now() + std::time::Duration::from_millis(300);
    let given = json!({"user_id": user, "role": "support", "reason": "Covers for Lee", "expires_at": end});
    assert_eq!(set(json!([given])).await.status, 200);
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let over: Value = serde_json::from_str(&host.get(&access, &host.manager).await.text).unwrap();
    let [staff, past] = ["staff", "past"].map(|list| over[list].as_array().unwrap());
    assert!(staff.is_empty() && past[0]["reason"] == "Covers for Lee" && past[0]["ended_by"].is_null(), "{over}");
    let parts = host.get(&format!("/users/{user}/households"), &host.manager).await;
    assert!(parts.status == 200 && parts.text.contains("\"items\":[]"), "{parts}");
    let page = host.open(&access, &host.manager).await;
    let [before, after] = page.text.split_once("Staff access that ended").map(|(one, two)| [one, two]).unwrap();
    assert!(before.contains(&format!("id=\"user-{user}\"")), "is offered again: {page}");
    assert!(!before.contains("/role\"") && after.contains("its time was over"), "{page}");
    assert_eq!(set(json!([given])).await.status, 200, "it stays as it was");
    for (field, value) in [("role", "associate"), ("reason", "Rewritten")] {
        let mut other = given.clone();
        other[field] = json!(value);
        let refused = set(json!([other])).await;
        assert!(refused.status == 422 && refused.says("This is over already."), "{refused}");
    }
    let version = host.open(&access, &host.manager).await;
    let version = version.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let nobody = uuid::Uuid::from_u128(7);
    for (path, form) in [("role", "&role=support"), ("remove", "")] {
        let path = format!("{access}/staff/{nobody}/{path}");
        let led = host.submit(&path, &format!("version={version}{form}"), &host.manager).await;
        let said = host.open(&led.location, &host.manager).await;
        assert!(said.says("this person has no access as staff by now"), "{path}: {said}");
    }
}

#[tokio::test]
async fn the_log_has_each_member_of_a_large_team() {
    let host = Host::new().await;
    host.keep_for_the_manager().await;
    let mut members = vec![json!(host.manager_id)];
    for number in 0..9 {
        let email = format!("member{number}@example.com");
        let new = json!({"name": "Al", "email": email, "role": "support"});
        assert_eq!(host.post("/users", new, &host.manager).await.status, 201);
        members.push(json!(host.id_of(&email).await));
    }
    let made = host.post("/teams", json!({"name": "North", "members": members}), &host.manager).await;
    assert_eq!(made.status, 201, "{made}");
    let log = host.get("/audit?verb=teams.make&subject_kind=team", &host.manager).await;
    for member in &members {
        assert!(log.text.contains(member.as_str().unwrap()), "{member} is not in {log}");
    }
    let told = told_of(&host, host.household, "teams.make").await;
    assert_eq!(told, [format!("10 join and 0 leave team {}", member(&made, "id"))]);
}

#[tokio::test]
async fn the_version_of_an_access_is_another_where_anything_of_it_is() {
    let host = Host::new().await;
    let _signed_in = host.signed_in(Role::Adviser).await;
    let adviser = host.id_of("adviser@example.com").await;
    let made = host.post("/clients", json!({"first_name": "Otto", "last_name": "Frey"}), &host.support).await;
    let other = host.post("/clients", json!({"first_name": "Wanda", "last_name": "Trench"}), &host.manager).await;
    let path = format!("/households/{}/access", member(&made, "household_id"));
    let now = async || host.get(&path, &host.manager).await;
    let set = async |body: &Value, version: &str| {
        host.call_where(&Method::PUT, &path, body, (&host.manager, Some(version))).await
    };

    // Who stands for the first adviser.
    let first = now().await;
    assert_eq!(now().await.tag, first.tag);
    let primary = json!({"user_id": host.manager_id});
    assert_eq!(host.call(&Method::PUT, "/default-primary", &primary, &host.manager).await.status, 200);
    let body = json!({"primary": {"user_id": adviser}, "staff": []});
    assert_eq!(set(&body, &first.tag).await.status, 412);

    // The words about somebody who was erased do not come back.
    let reason = "Wanda Trench is suing him";
    let staff = json!([{"user_id": host.id_of("support@example.com").await, "role": "support", "reason": reason}]);
    let body = json!({"primary": {"user_id": adviser}, "staff": staff});
    let given = set(&body, &now().await.tag).await;
    assert!(given.status == 200 && given.text.contains(reason), "{given}");
    assert_eq!(given.tag, now().await.tag);
    let id = member(&other, "id");
    let page = host.open(&format!("/clients/{id}/privacy"), &host.manager).await;
    assert!(page.says("Reasons of access that name this person, and go") && page.text.contains("Otto Frey"), "{page}");
    let asked = json!({"reason": "asked", "confirm": "Wanda Trench"});
    let erased = host.post(&format!("/clients/{id}/erase"), asked, &host.manager).await;
    let told: Value = serde_json::from_str(&erased.text).unwrap();
    assert_eq!(told["counts"]["access_reasons"][0]["reasons"], 1, "{erased}");
    assert_eq!(set(&body, &given.tag).await.status, 412);
    assert!(!now().await.text.contains("Wanda"));
    let household = member(&made, "household_id");
    assert_eq!(told_of(&host, household, "privacy.erase").await, ["a reason of access that named the client went"]);
}
