//! The CRM's professionals, and the form that says whose account stands for one.

use axum::http::Method;

use super::requests::{Answer, Host, OWN};
use crate::domain::access::Role;
use crate::domain::{Adviser, ExternalId, RecordKind, Timestamp, UserId};
use crate::store::access::UserChange;
use crate::store::book::PageRequest;
use crate::store::commit::Outcome;
use crate::store::page::cursor_of;

const PATH: &str = "/people/professionals";

/// A host with so many professionals, and its practice manager.
async fn with_professionals(count: usize) -> (Host, String) {
    let host = Host::new();
    let manager = host.signed_in(Role::PracticeManager).await;
    let ids: Vec<String> = (0..count).map(|number| (100 + number).to_string()).collect();
    let adviser = |id: &String| Adviser {
        external_id: ExternalId(id.clone()),
        first_name: Some("Jo".to_owned()),
        last_name: Some(format!("Park {id}")),
        email: None,
        active: true,
    };
    let advisers = ids.iter().map(|id| (id.as_str(), Outcome::Adviser(adviser(id)))).collect();
    host.bring(RecordKind::Adviser, advisers).await;
    (host, manager)
}

async fn id_of(host: &Host, role: Role) -> UserId {
    let people = host.app.store.accounts(PageRequest { cursor: None, limit: 9 }).await.unwrap().items;
    people.iter().find(|account| account.user.role == role).unwrap().user.id
}

async fn link(host: &Host, cookie: &str, form: &str) -> Answer {
    host.send(Method::POST, PATH, &[OWN, ("cookie", cookie)], &format!("connection=main&{form}")).await
}

/// The part of an address behind this.
fn after<'t>(text: &'t str, begin: &str) -> &'t str {
    text.split(begin).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

#[tokio::test]
async fn the_form_offers_who_can_answer_for_a_household_and_who_is_linked() {
    let (host, manager) = with_professionals(1).await;
    host.signed_in(Role::Adviser).await;
    host.signed_in(Role::Support).await;
    let form = format!("{PATH}?connection=main&external_id=100");
    let shown = host.get(&form, &manager).await.text;
    assert!(shown.contains("(adviser)") && shown.contains("(practice manager)"), "{shown}");
    assert!(!shown.contains("(support)"), "whom the host refuses is not offered: {shown}");

    // Who was linked by hand, and cannot answer for a household by now, is still seen.
    let adviser = id_of(&host, Role::Adviser).await;
    assert_eq!(link(&host, &manager, &format!("external_id=100&account={adviser}")).await.status, 303);
    let change = UserChange { role: Some(Role::Paraplanner), disabled: None };
    host.app.store.change_user(adviser, change, Timestamp::now()).await.unwrap();
    let shown = host.get(&form, &manager).await.text;
    assert!(shown.contains(&format!("<option value=\"{adviser}\" selected>Pat Lee (paraplanner)")), "{shown}");
    assert!(
        shown.contains("Linked by hand to Pat Lee (paraplanner), whose role can’t answer for a household."),
        "{shown}"
    );
}

#[tokio::test]
async fn the_page_of_the_list_the_form_and_the_choice_are_kept() {
    let (host, manager) = with_professionals(60).await;
    host.signed_in(Role::Support).await;
    let (pat, support) = (id_of(&host, Role::PracticeManager).await, id_of(&host, Role::Support).await);
    let first = host.get(PATH, &manager).await.text;
    let cursor = after(&first, "?cursor=").to_owned();
    assert!(!cursor.is_empty(), "{first}");
    let second = host.get(&format!("{PATH}?cursor={cursor}"), &manager).await.text;
    assert!(second.contains(&format!("connection=main&#38;external_id=155&#38;cursor={cursor}#change")), "{second}");
    let form = host.get(&format!("{PATH}?connection=main&external_id=155&cursor={cursor}"), &manager).await.text;
    assert!(form.contains(&format!("name=\"cursor\" value=\"{cursor}\"")), "{form}");
    assert!(form.contains(&format!("href=\"{PATH}?cursor={cursor}\">Cancel")), "{form}");

    let refused = link(&host, &manager, &format!("external_id=155&account={support}&cursor={cursor}")).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    for part in ["Account of Jo Park 155", "id=\"account-problem\"", "An adviser or a practice manager answers"] {
        assert!(refused.text.contains(part), "{part} is not in {}", refused.text);
    }
    assert!(refused.text.contains(&format!("<option value=\"{support}\" selected>")), "{}", refused.text);
    let done = link(&host, &manager, &format!("external_id=155&account={pat}&cursor={cursor}")).await;
    assert!(done.header("location").starts_with(&format!("{PATH}?cursor={cursor}&answer=")), "{}", done.text);
    let led = host.get(done.header("location"), &manager).await.text;
    assert!(led.contains("is now linked to this professional") && led.contains("Jo Park 155"), "{led}");

    // Who has to confirm who they are comes back to the form, with what they chose.
    let stale = host.signed_in_long_ago().await;
    let asked = link(&host, &stale, &format!("external_id=155&account=nobody&cursor={cursor}")).await;
    let way = asked.header("location");
    assert!(way.starts_with("/account/confirm?to=%2Fpeople%2Fprofessionals%3Fconnection%3Dmain"), "{way}");
    assert!(way.contains("account%3Dnobody") && way.contains(&format!("cursor%3D{cursor}")), "{way}");
    let again = format!("{PATH}?connection=main&external_id=155&account=nobody&cursor={cursor}");
    let again = host.get(&again, &manager).await.text;
    assert!(again.contains("<option value=\"nobody\" selected>"), "{again}");
}

#[tokio::test]
async fn a_link_is_told_as_done_where_the_page_of_the_list_is_gone() {
    let (host, manager) = with_professionals(60).await;
    let pat = id_of(&host, Role::PracticeManager).await;
    let gone = cursor_of("professionals", b"main/9999");
    let done = link(&host, &manager, &format!("external_id=155&account={pat}&cursor={gone}")).await;
    let led = host.get(done.header("location"), &manager).await;
    assert!(led.status == 200 && led.text.contains("is now linked to this professional"), "{}", led.text);
    assert!(led.text.contains("Jo Park 100"), "the first page: {}", led.text);

    host.signed_in(Role::Support).await;
    let support = id_of(&host, Role::Support).await;
    let refused = link(&host, &manager, &format!("external_id=155&account={support}&cursor={gone}")).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("Account of Jo Park 155"), "the form stays: {}", refused.text);
}

#[tokio::test]
async fn several_professionals_of_one_account_are_told_at_each() {
    let (host, manager) = with_professionals(3).await;
    let pat = id_of(&host, Role::PracticeManager).await;
    link(&host, &manager, &format!("external_id=100&account={pat}")).await;
    assert!(!host.get(PATH, &manager).await.text.contains("The same account"));
    link(&host, &manager, &format!("external_id=101&account={pat}")).await;
    let page = host.get(PATH, &manager).await.text;
    for (of, other) in [("100", "101"), ("101", "100")] {
        let note = format!("The same account is linked to Jo Park {other} (main {other}).");
        assert!(page.contains(&note), "{of}: {page}");
    }
}
