//! The pages of privacy: legal holds, and the erasure of clients and of records that are no clients.

mod couple;

use axum::http::Method;

use super::check_html;
use super::requests::{Answer, Host, OWN};
use crate::connection::for_tests::with_shipped_events;
use crate::domain::access::Role;
use crate::domain::note::{Note, NoteState};
use crate::domain::privacy::{HeldSubject, LegalHold};
use crate::domain::record::ClientStatus;
use crate::domain::stored::StoredClient;
use crate::domain::{Client, ExternalId, RecordKind, Timestamp};
use crate::ops::tests::host::Host as WithNote;
use crate::store::book::{ClientFilter, PageRequest};
use crate::store::commit::Outcome;
use crate::store::page::cursor_of;

async fn post(host: &Host, path: &str, cookie: &str, form: &str) -> Answer {
    host.send(Method::POST, path, &[OWN, ("cookie", cookie)], form).await
}

/// A host with a client of the CRM, and its practice manager.
async fn with_a_client() -> (Host, String, StoredClient) {
    let host = Host::new();
    let manager = host.signed_in(Role::PracticeManager).await;
    host.app.connections.put(with_shipped_events());
    let client = Client {
        first_name: Some("Zoe".to_owned()),
        last_name: Some("Ng".to_owned()),
        ..Client::unnamed(ExternalId("7".to_owned()), ClientStatus::Client)
    };
    host.bring(RecordKind::Client, vec![("7", Outcome::Client(Box::new(client)))]).await;
    let page = PageRequest { cursor: None, limit: 1 };
    let client = host.app.store.clients(ClientFilter::default(), page).await.unwrap().items.remove(0);
    (host, manager, client)
}

async fn hold(host: &Host, subject: HeldSubject, reason: &str, until: Option<&str>) {
    let until = until.map(|until| until.parse().unwrap());
    let (reason, by) = (reason.to_owned(), "Kim Osei".to_owned());
    let hold = LegalHold { subject, reason, by, by_account: None, since: Timestamp::UNIX_EPOCH, until };
    assert!(host.app.store.put_hold(hold, None).await.unwrap().unwrap());
}

#[tokio::test]
async fn what_was_mistyped_is_kept_and_nothing_is_rehearsed_for_it() {
    let (host, manager, client) = with_a_client().await;
    let path = format!("/clients/{}", client.id);
    let page = host.get(&format!("{path}/privacy"), &manager).await.text;
    assert!(page.contains("<h3>What goes</h3>") && page.contains("type it again"), "{page}");
    let check = |answer: &Answer, status: u16, expected: &[&str]| {
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(!answer.text.contains("<h3>What goes</h3>"), "{}", answer.text);
        for part in expected {
            assert!(answer.text.contains(part), "{part} is not in {}", answer.text);
        }
    };
    let mistyped = post(&host, &format!("{path}/erase"), &manager, "reason=asked&confirm=Zoe+Mg").await;
    let kept = [
        "value=\"Zoe Mg\"",
        "<option value=\"asked\" selected>",
        "id=\"confirm-problem\"",
        "Show what would be erased",
    ];
    check(&mistyped, 422, &kept);
    let mistyped = post(&host, &format!("{path}/hold"), &manager, "of=client&hold_reason=A+complaint&until=soon").await;
    let kept = [
        "value=\"A complaint\"",
        "id=\"until-problem\"",
        "<input type=\"text\" id=\"until\" name=\"until\" value=\"soon\"",
        "Show what would be erased",
    ];
    check(&mistyped, 422, &kept);

    let far =
        post(&host, &format!("{path}/hold"), &manager, "of=client&hold_reason=A+complaint&until=9999-12-31").await;
    check(&far, 422, &["too far off", "<input type=\"date\" id=\"until\" name=\"until\" value=\"9999-12-31\""]);

    // Somebody else places a hold meanwhile.
    hold(&host, HeldSubject::Client(client.id), "A complaint.", Some("2999-06-30T00:00:00Z")).await;
    let held = post(&host, &format!("{path}/erase"), &manager, "reason=asked&confirm=Zoe+Ng").await;
    check(
        &held,
        409,
        &["value=\"Zoe Ng\"", "<option value=\"asked\" selected>", "Nothing was erased: Kim Osei placed a"],
    );
    assert!(!held.text.contains("Show what would be erased"), "there is nothing to be shown: {}", held.text);
    let mistyped = post(&host, &format!("{path}/hold"), &manager, "of=client&hold_reason=A+subpoena&until=soon").await;
    check(&mistyped, 422, &["value=\"A subpoena\"", "Someone placed a hold while"]);
    let page = host.get(&format!("{path}/privacy"), &manager).await.text;
    assert!(page.contains("You can also place one on the whole household."), "{page}");
    assert!(!page.contains("type it again"), "who is held is not erased: {page}");
}

#[tokio::test]
async fn a_hold_is_told_in_the_practices_time_and_with_one_full_stop() {
    let (host, manager, client) = with_a_client().await;
    let until: Timestamp = "2999-06-30T01:30:00Z".parse().unwrap();
    hold(&host, HeldSubject::Client(client.id), "A complaint.", Some("2999-06-30T01:30:00Z")).await;
    let zone = host.app.config.practice.time_zone.clone();
    let until = until.to_zoned(zone).strftime("%-d %b %Y, %-I:%M %P");
    let on = format!("Kim Osei placed a legal hold on them until {until}");
    let (why, then) = ("Reason: A complaint.", "If the matter is closed, release the hold first.");
    let erased = post(&host, &format!("/clients/{}/erase", client.id), &manager, "reason=asked&confirm=Zoe+Ng").await;
    let expected = format!("Nothing was erased: {on}. {why} {then}");
    assert!(erased.status == 409 && erased.text.contains(&expected), "{}", erased.text);
    assert_eq!(erased.text.matches(&on).count(), 1, "it is said once: {}", erased.text);
    let page = host.get(&format!("/clients/{}/privacy", client.id), &manager).await.text;
    assert!(page.contains(&format!("Can’t be erased yet: {on}. {why} {then}")), "{page}");
    let unlinked = post(&host, &format!("/clients/{}/unlink", client.id), &manager, "").await;
    let besides = "Unlinking would take the CRM’s record out from under it.";
    let expected = format!("Nothing was changed: {on}. {why} {besides} {then}");
    assert!(unlinked.status == 409 && unlinked.text.contains(&expected), "{}", unlinked.text);
}

#[tokio::test]
async fn the_holds_that_are_on_are_listed_and_each_can_be_released() {
    let (host, manager, client) = with_a_client().await;
    hold(&host, HeldSubject::Client(client.id), "An old complaint", Some("2020-01-01T00:00:00Z")).await;
    hold(&host, HeldSubject::Household(client.household_id), "A subpoena", None).await;
    let page = host.get("/settings/privacy", &manager).await.text;
    assert!(page.contains("A subpoena") && !page.contains("An old complaint"), "{page}");
    assert!(page.contains(&format!("href=\"/clients/{}/privacy\"", client.id)), "{page}");

    let release = format!("/settings/privacy/households/{}/release", client.household_id);
    for (query, said) in [
        ("", "Legal hold released: Household Zoe Ng."),
        ("?country=", "The legal hold was released already: Household Zoe Ng."),
    ] {
        let released = post(&host, &format!("{release}{query}"), &manager, "").await;
        let page = host.get(released.header("location"), &manager).await.text;
        assert!(page.contains(said) && page.contains("No legal hold is on."), "{said}: {page}");
    }
    let none = "/settings/privacy/clients/none/release";
    assert_eq!(post(&host, none, &manager, "").await.status, 404);
    // Who may not is told so, whatever they name.
    let support = host.signed_in(Role::Support).await;
    assert_eq!(post(&host, none, &support, "").await.status, 403);
    assert_eq!(post(&host, "/settings/privacy/erasures/none/lift", &support, "reason=mistake").await.status, 403);
}

#[tokio::test]
async fn what_was_chosen_in_the_list_stays_when_a_hold_is_released() {
    let (host, manager, client) = with_a_client().await;
    hold(&host, HeldSubject::Client(client.id), "A complaint", None).await;
    // The page of the list ends with this hold, and nothing is behind it.
    let cursor = cursor_of("legal holds", client.id.to_string().as_bytes());
    let query = format!("country=NZ&held={cursor}");
    let page = host.get(&format!("/settings/privacy?{query}"), &manager).await.text;
    let release = format!("/settings/privacy/clients/{}/release", client.id);
    let country = page.contains(&format!("action=\"{release}?country=NZ&#38;held={cursor}\""));
    assert!(country, "a page that is gone is the first one: {page}");
    let release = format!("{release}?{query}");
    let stale = post(&host, &release, &host.signed_in_long_ago().await, "").await;
    let back = format!("to=%2Fsettings%2Fprivacy%3Fcountry%3DNZ%26held%3D{cursor}");
    assert!(stale.status == 303 && stale.header("location").ends_with(&back), "{}", stale.header("location"));
    let led = host.get(&release, &manager).await;
    assert_eq!(led.header("location"), format!("/settings/privacy?{query}"), "from the form's address, too");
    let released = post(&host, &release, &manager, "").await;
    assert!(
        released.header("location").starts_with(&format!("/settings/privacy?{query}&answer=")),
        "{}",
        released.text
    );
    let page = host.get(released.header("location"), &manager).await.text;
    assert!(page.contains("Legal hold released: Zoe Ng."), "{page}");
}

#[tokio::test]
async fn what_was_typed_is_not_led_away_from_where_the_password_is_asked_for() {
    let (host, _, client) = with_a_client().await;
    hold(&host, HeldSubject::Client(client.id), "A complaint", None).await;
    host.bring(RecordKind::Client, vec![("8", Outcome::Excluded { quarantined: true })]).await;
    let stale = host.signed_in_long_ago().await;
    let of = |verb: &str| format!("/clients/{}/{verb}", client.id);
    let since = Timestamp::UNIX_EPOCH;
    let earlier = format!("of=client&hold_reason=A+complaint&until=2999-01-01&seen_client={since}");
    let record = "connection=main&external_id=8&reason=mistake&confirm=8";
    for (path, form) in [
        (of("erase"), "reason=asked&confirm=Zoe+Ng"),
        (of("hold"), &earlier),
        ("/settings/privacy/record".to_owned(), record),
        ("/settings/privacy/erasures/1/lift".to_owned(), "reason=mistake"),
    ] {
        let asked = post(&host, &path, &stale, form).await;
        let is_kept = asked.text.contains("load it again: your browser asks whether to send the form once more");
        assert!(asked.status == 403 && is_kept, "{path}: {} {}", asked.status, asked.text);
    }
    // A button alone is pressed once more after it.
    let released = post(&host, &of("release"), &stale, "").await;
    let location = format!("/account/confirm?to=%2Fclients%2F{}%2Fprivacy", client.id);
    assert_eq!((released.status, released.header("location")), (303, &*location));
}

#[tokio::test]
async fn a_hold_that_a_colleague_placed_meanwhile_is_not_replaced_unseen() {
    let (host, manager, client) = with_a_client().await;
    let path = format!("/clients/{}/hold", client.id);
    let page = host.get(&format!("/clients/{}/privacy", client.id), &manager).await.text;
    assert!(page.contains("name=\"seen_client\" value=\"\""), "{page}");
    let subject = HeldSubject::Client(client.id);
    hold(&host, subject, "A subpoena", None).await;
    let form = "of=client&hold_reason=A+complaint&until=2999-06-30";
    let refused = post(&host, &path, &manager, &format!("{form}&seen_client=&seen_household=")).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    let said = "Someone placed a hold while you were filling this in. Saving replaces theirs.";
    assert_eq!(refused.text.matches(said).count(), 1, "{}", refused.text);
    let seen = format!("name=\"seen_client\" value=\"{}\"", Timestamp::UNIX_EPOCH);
    for part in ["A subpoena", "value=\"A complaint\"", "value=\"2999-06-30\"", &seen] {
        assert!(refused.text.contains(part), "{part} is not in {}", refused.text);
    }
    let reason = async || host.app.store.hold(subject).await.unwrap().unwrap().reason;
    assert_eq!(reason().await, "A subpoena");
    // Who has seen it may replace it.
    let seen = format!("{form}&seen_client={}", Timestamp::UNIX_EPOCH);
    assert_eq!(post(&host, &path, &manager, &seen).await.status, 303);
    assert_eq!(reason().await, "A complaint");
    // Nor is it released by a page that shows the one before.
    let earlier = Timestamp::UNIX_EPOCH;
    let of_client = (format!("/clients/{}/release", client.id), format!("of=client&seen={earlier}"));
    let of_list = (format!("/settings/privacy/clients/{}/release", client.id), format!("seen={earlier}"));
    for (path, form) in [of_client, of_list] {
        let refused = post(&host, &path, &manager, &form).await;
        assert!(refused.status == 409 && refused.text.contains("another hold was placed"), "{}", refused.text);
        assert_eq!(reason().await, "A complaint");
    }
    for page in [format!("/clients/{}/privacy", client.id), "/settings/privacy".to_owned()] {
        let since = host.app.store.hold(subject).await.unwrap().unwrap().since;
        let seen = format!("name=\"seen\" value=\"{since}\"");
        let text = host.get(&page, &manager).await.text;
        assert!(text.contains(&seen) && text.contains(">the end of 30 Jun 2999</time>"), "{page}: {text}");
    }
}

#[tokio::test]
async fn the_same_hold_of_the_same_person_is_placed_once() {
    let (host, manager, client) = with_a_client().await;
    let path = format!("/clients/{}/hold", client.id);
    let form = "of=client&hold_reason=A++complaint&until=2999-06-30&seen_client=&seen_household=";
    let first = post(&host, &path, &manager, form).await;
    let subject = HeldSubject::Client(client.id);
    let since = host.app.store.hold(subject).await.unwrap().unwrap().since;
    // From another tab that was opened before, and is not the same click.
    let other = form.replace("seen_household=", "");
    let again = post(&host, &path, &manager, other.trim_end_matches('&')).await;
    for answer in [first, again] {
        assert_eq!(answer.status, 303, "{}", answer.text);
        let page = host.get(answer.header("location"), &manager).await.text;
        assert!(page.contains("The legal hold is on: nothing of this client is erased"), "{page}");
    }
    let on = host.app.store.hold(subject).await.unwrap().unwrap();
    assert_eq!((on.since, on.reason.as_str()), (since, "A complaint"));
    let zone = host.app.config.practice.time_zone.clone();
    assert_eq!(
        on.until.unwrap().to_zoned(zone).strftime("%F %T").to_string(),
        "2999-07-01 00:00:00",
        "its last day is held"
    );
    // For another reason, or as long as never before, it is another hold.
    for (other, said) in [("A complaint", "A subpoena"), ("2999-06-30", "2999-07-30")] {
        let refused =
            post(&host, &path, &manager, &form.replace("++", "+").replace(&other.replace(' ', "+"), said)).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
    }
}

#[tokio::test]
async fn a_hold_of_ones_own_is_not_called_somebody_elses() {
    let (host, manager, client) = with_a_client().await;
    let path = format!("/clients/{}/hold", client.id);
    let opened_before = "seen_client=&seen_household=";
    let first = format!("of=client&hold_reason=A+complaint&{opened_before}");
    assert_eq!(post(&host, &path, &manager, &first).await.status, 303);
    let yours = "You placed a hold elsewhere while you were filling this in. Saving replaces it.";
    for (until, status) in [("soon", 422), ("2999-06-30", 409)] {
        let form = format!("of=client&hold_reason=A+subpoena&until={until}&{opened_before}");
        let answer = post(&host, &path, &manager, &form).await;
        assert_eq!((answer.status, answer.text.matches(yours).count()), (status, 1), "{until}: {}", answer.text);
        assert!(!answer.text.contains("Someone placed"), "{until}");
    }
    let on = host.app.store.hold(HeldSubject::Client(client.id)).await.unwrap().unwrap();
    assert!(on.by_account.is_some(), "{on:?}");
}

#[tokio::test]
async fn an_erasure_that_waits_for_a_note_is_never_asked_for_by_a_reload() {
    let host = WithNote::new().await;
    let sending = |note: &mut Note| note.state = NoteState::Sending;
    host.app.store.change_note(host.note, sending).await.unwrap();
    let path = format!("/clients/{}", host.client);
    let page = host.open(&format!("{path}/privacy"), &host.manager).await;
    assert!(page.text.contains("Load the page again in a minute.") && !page.text.contains("Erase for good"), "{page}");
    let refused = host.submit(&format!("{path}/erase"), "reason=asked&confirm=Ayda+Khan", &host.manager).await;
    assert_eq!(refused.status, 409, "{refused}");
    // A reload of the answer would send the erasure once more.
    assert!(!refused.text.contains("Load the page again"), "{refused}");
    assert!(refused.text.contains("Wait a minute, then erase again.") && refused.text.contains("Erase for good"));
}

#[tokio::test]
async fn a_hold_on_who_is_gone_is_released() {
    let (host, manager, client) = with_a_client().await;
    let held = [HeldSubject::Client(client.id), HeldSubject::Household(client.household_id)];
    for subject in held {
        hold(&host, subject, "A subpoena", None).await;
    }
    // An older copy of the store has holds on a household with nobody in it: who was in it was erased since.
    let older = std::fs::read(host.store_file()).unwrap();
    for subject in held {
        assert!(host.app.store.end_hold(subject, None).await.unwrap().unwrap());
    }
    let erased = post(&host, &format!("/clients/{}/erase", client.id), &manager, "reason=asked&confirm=Zoe+Ng").await;
    assert_eq!(erased.status, 303, "{}", erased.text);
    let host = host.with_store(&older);
    let page = host.get("/settings/privacy", &manager).await.text;
    for (whose, kind, id) in [
        ("A client who is gone", "clients", client.id.0),
        ("A household that is gone", "households", client.household_id.0),
    ] {
        let release = format!("/settings/privacy/{kind}/{id}/release");
        assert!(page.contains(&format!(">{whose}</th>")), "no link to it: {page}");
        assert!(page.contains(&format!("action=\"{release}\"")), "{page}");
        assert!(page.contains("<p>The hold is removed from the list.</p>"), "{page}");
        assert_eq!(post(&host, &release, &manager, "").await.status, 303);
    }
    let page = host.get("/settings/privacy", &manager).await.text;
    assert!(page.contains("No legal hold is on."), "{page}");
}

#[tokio::test]
async fn a_record_that_is_no_client_is_erased_by_its_id() {
    let (host, manager, client) = with_a_client().await;
    host.bring(RecordKind::Client, vec![("8", Outcome::Excluded { quarantined: true })]).await;
    let path = "/settings/privacy/record";
    let shown = async |query: &str| host.get(&format!("{path}?{query}"), &manager).await;
    let check = |name: &str, status: u16, answer: Answer| {
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        check_html(name, answer.text.replace(&client.id.to_string(), "(the client)"));
    };
    check("record_privacy", 200, shown("connection=main&external_id=8").await);
    check("record_privacy_of_client", 200, shown("connection=main&external_id=7").await);
    let mistyped = "connection=main&external_id=8&reason=mistake&confirm=88";
    check("record_privacy_refused", 422, post(&host, path, &manager, mistyped).await);
    check("record_unknown", 200, shown("").await);
    check("record_unknown_refused", 404, shown("connection=gone&external_id=9").await);
    let unknown = shown("connection=main&external_id=9").await;
    let said = "No client with ID 9 has come from main. Check the ID and the connection.";
    assert!(unknown.status == 404 && unknown.text.contains(said), "{}", unknown.text);
    assert_eq!(shown("connection=&external_id=9").await.status, 422);
    let mistyped = post(&host, path, &manager, "connection=main&external_id=999&reason=mistake&confirm=1").await;
    let is_vouched_for = mistyped.text.contains("A record that the CRM has sent here.");
    assert!(mistyped.status == 422 && !is_vouched_for, "nobody looked whether it came: {}", mistyped.text);
    let of_client = post(&host, path, &manager, "connection=main&external_id=7&reason=mistake&confirm=7").await;
    assert!(of_client.status == 409 && of_client.text.contains("Erase that client</a>"), "{}", of_client.text);
    assert!(!of_client.text.contains("Erase for good"), "it is never erased so: {}", of_client.text);
    assert_eq!(of_client.text.matches("Erase the client instead.").count(), 1, "{}", of_client.text);
    let erased = post(&host, path, &manager, "connection=main&external_id=8&reason=mistake&confirm=8").await;
    assert_eq!((erased.status, erased.header("location").split('?').next()), (303, Some("/settings/privacy")));
}
