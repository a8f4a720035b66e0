//! Paging, filters and visibility of the list of clients.

use super::visitor::Visitor;
use crate::{Account, Options};

fn ids(clients: &[crate::Client]) -> Vec<u64> {
    clients.iter().map(|client| u64::from(client.id)).collect()
}

#[tokio::test]
async fn a_walk_meets_every_client_once() {
    let visitor = Visitor::to(Options { clients: 777, ..Options::default() }).await;
    let expected = ids(&visitor.admin().clients_seen_by(&Account::new("svc", "")));
    assert_eq!(expected.len(), 777);
    for query in ["page_size=500", "page_size=64", "page_size=7", "page_sort=id&page_dir=asc"] {
        assert_eq!(visitor.walk(query).await, expected, "{query}");
    }
    let mut backwards = visitor.walk("page_size=100&page_dir=desc").await;
    backwards.reverse();
    assert_eq!(backwards, expected);
}

#[tokio::test]
async fn a_walk_survives_clients_that_come_and_go() {
    let visitor = Visitor::to(Options { clients: 200, ..Options::default() }).await;
    let admin = visitor.admin();
    let before = visitor.walk("page_size=50").await;
    let (gone, hidden) = (before[49] as u32, before[70] as u32);
    assert!(admin.remove(gone) && admin.hide(hidden, true) && !admin.remove(gone));
    let newcomer = admin.add(admin.book(|book| book.newcomer()));
    let mut expected = before.clone();
    expected.retain(|id| ![u64::from(gone), u64::from(hidden)].contains(id));
    expected.push(u64::from(newcomer));
    assert_eq!(visitor.walk("page_size=50").await, expected);
    // The bookmark of a row that is gone still leads on from where it stood.
    let mark = crate::site::bookmark(gone);
    let next = visitor.get(&format!("/resourceful/entity/client-v4?page_size=1&page_bookmark={mark}")).await;
    assert_eq!(next.json()[0]["id"], before[50]);
    assert_eq!(visitor.get(&format!("/resourceful/entity/client-v4/{hidden}")).await.status, 404);
}

#[tokio::test]
async fn an_edit_shows_at_once_in_rows_and_lists() {
    let visitor = Visitor::to(Options { clients: 100, ..Options::default() }).await;
    let admin = visitor.admin();
    let id = visitor.walk("fields.0=first_name").await[42];
    let list = format!("/resourceful/entity/client-v4/{id}/contact");
    let batch = serde_json::json!({ "batch": [{ "url": list }] });
    visitor.post("/resourceful", &batch).await;
    admin.edit(id as u32, |client| {
        client.first_name = Some("Hinewai".into());
        client.contacts.truncate(0);
    });
    let rows = visitor.get(&format!("/resourceful/entity/client-v4?fields.0=first_name&ids.0={id}")).await.json();
    assert_eq!(rows[0]["fields"]["first_name"], "Hinewai");
    assert_eq!(visitor.post("/resourceful", &batch).await.json()[0]["body"], "[]");
    assert_eq!(visitor.get(&list).await.body, "[]");
}

#[tokio::test]
async fn a_user_sees_own_clients_and_those_of_shared_groups() {
    let mut account = Account::new("svc", "sandbox").seeing(&[12]);
    account.user_id = 501;
    let options = Options { clients: 600, accounts: vec![account.clone()], ..Options::default() };
    let visitor = Visitor::to(options).await;
    let seen = |client: &crate::Client| client.group == 12 || client.client_adviser == Some(501);
    let expected: Vec<_> = visitor.admin().book(|book| book.clients().filter(seen).collect());
    assert!(expected.iter().any(|client| client.group != 12), "some are seen through the adviser alone");
    assert!((50..400).contains(&expected.len()), "{}", expected.len());
    assert_eq!(visitor.walk("page_size=20").await, ids(&expected));
    assert_eq!(ids(&visitor.admin().clients_seen_by(&account)), ids(&expected));
    let groups = visitor.get("/resourceful/entity/group").await.json();
    assert_eq!(groups.as_array().unwrap().len(), 1);
    let unseen = visitor.admin().book(|book| book.clients().find(|client| !seen(client)).unwrap().id);
    for list in ["", "/contact"] {
        let address = format!("/resourceful/entity/client-v4/{unseen}{list}");
        assert_eq!(visitor.get(&address).await.status, 404, "{address}");
    }
}

#[tokio::test]
async fn filters_narrow_the_walk() {
    let visitor = Visitor::to(Options { clients: 500, ..Options::default() }).await;
    let by = |seen: &dyn Fn(&crate::Client) -> bool| {
        ids(&visitor.admin().book(|book| book.clients().filter(|client| seen(client)).collect::<Vec<_>>()))
    };
    let brien =
        |client: &crate::Client| client.last_name.as_ref().is_some_and(|name| name.to_lowercase().contains("o'brien"));
    let check = async |query: &str, expected: Vec<u64>| {
        assert!(!expected.is_empty(), "{query} finds nobody");
        assert_eq!(visitor.walk(query).await, expected, "{query}");
    };
    check("quicksearch=O%27Brien&page_size=2", by(&brien)).await;
    check("group_ids.0=11&group_ids.1=13", by(&|client| client.group == 11 || client.group == 13)).await;
    check("adviser_id=505", by(&|client| client.client_adviser == Some(505))).await;
    check("entity_type=trust", by(&|client| client.entity_type == "trust")).await;
    let some = visitor.walk("").await;
    check(&format!("ids.0={}&ids.1=5&ids.2={}&page_size=1", some[9], some[3]), vec![some[3], some[9]]).await;
}

#[tokio::test]
async fn a_change_of_groups_shows_in_the_next_walk() {
    let visitor = Visitor::to(Options { clients: 400, ..Options::default() }).await;
    let admin = visitor.admin();
    assert_eq!(visitor.walk("page_size=100").await.len(), 400);
    let changed = visitor.call("PUT", "/admin/accounts/svc/groups", "[11]").await.unwrap();
    assert_eq!(changed.status, 204);
    let left = admin.clients_seen_by(&Account::new("svc", "").seeing(&[11]));
    assert!((50..200).contains(&left.len()), "{}", left.len());
    assert_eq!(visitor.walk("page_size=100").await, ids(&left));
    assert!(admin.set_groups("svc", None) && !admin.set_groups("nobody", None));
    assert_eq!(visitor.walk("page_size=100").await.len(), 400);
}

#[tokio::test]
async fn a_changed_user_shows_at_once() {
    let visitor = Visitor::to(Options::default()).await;
    let id = visitor.admin().book(|book| book.users()[2].id);
    assert!(visitor.admin().edit_user(id, |user| user.email = None) && !visitor.admin().edit_user(1, |_| {}));
    let user = visitor.get(&format!("/resourceful/entity/user-v2/{id}?fields.0=email")).await.json();
    assert_eq!(user["fields"], serde_json::json!({ "email": null }));
}
