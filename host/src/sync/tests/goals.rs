//! Goals are imported with their clients, and keep what the practice adds to them.

use super::*;

#[tokio::test]
async fn goals_come_go_and_come_back_and_what_the_practice_adds_stays() {
    let practice = Practice::new(&BOOK);
    let counts = practice.complete().await.list(RecordKind::Goal);
    assert_eq!((counts.created, counts.unchanged), (4, 0));
    let expected = ["1/3 Sail", "1/4 Boat", "2/3 Bike", "5/1 Rest"];
    assert_eq!(practice.goals().await, expected, "nothing of who stays out");
    assert_eq!(practice.store.book_counts().await.unwrap().lists[&RecordKind::Goal], 4);

    let all = practice.store.items::<Goal>(Whose::Practice, PageRequest { cursor: None, limit: 1 }).await.unwrap();
    let sail = ItemId(all.items[0].listed.id);
    let change = vec![
        ("status".to_owned(), Ok(Some("doing".to_owned()))),
        ("recurrence".to_owned(), Ok(Some("yearly".to_owned()))),
    ];
    assert!(practice.store.change_own::<Goal>(sail, change.clone()).await.unwrap().unwrap());
    assert!(!practice.store.change_own::<Goal>(ItemId(Uuid::nil()), change).await.unwrap().unwrap());

    let edits: [(&str, [u64; 4], &[&str]); 12] = [
        // created, changed, unchanged, gone; what is missed once stands.
        ("3:Sail 4:Boat", [0, 0, 4, 0], &["1/3 Sail", "1/4 Boat"]),
        ("4:Yacht 5:Car", [1, 1, 2, 0], &["1/4 Yacht", "1/5 Car", "1/3 Sail missed"]),
        // Neither shown nor refused: no walk has missed it twice.
        ("-", [0, 0, 2, 0], &["1/4 Yacht", "1/5 Car", "1/3 Sail missed"]),
        ("!", [0, 0, 2, 0], &["1/4 Yacht", "1/5 Car", "1/3 Sail missed"]),
        ("5:?", [0, 0, 2, 0], &["1/4 Yacht", "1/5 Car", "1/3 Sail missed"]),
        ("4:Yacht 5:Car", [0, 0, 4, 1], &["1/4 Yacht", "1/5 Car", "1/3 Sail gone"]),
        // Empty once, and as it was.
        ("", [0, 0, 2, 0], &["1/4 Yacht missed", "1/5 Car missed", "1/3 Sail gone"]),
        ("4:Yacht 5:Car", [0, 0, 4, 0], &["1/4 Yacht", "1/5 Car", "1/3 Sail gone"]),
        ("", [0, 0, 2, 0], &["1/4 Yacht missed", "1/5 Car missed", "1/3 Sail gone"]),
        // The same list again is not mapped, and counts.
        ("", [0, 0, 4, 2], &["1/4 Yacht gone", "1/5 Car gone", "1/3 Sail gone"]),
        ("", [0, 0, 2, 0], &["1/4 Yacht gone", "1/5 Car gone", "1/3 Sail gone"]),
        ("3:Sail", [0, 1, 2, 0], &["1/3 Sail", "1/4 Yacht gone", "1/5 Car gone"]),
    ];
    for (number, (list, expected, of_ayda)) in (0..).zip(edits) {
        practice.crm.goals.lock().unwrap().insert(1, list.to_owned());
        let counts = practice.complete().await;
        let goals = counts.list(RecordKind::Goal);
        assert_eq!([goals.created, goals.changed, goals.unchanged, goals.gone], expected, "{number}: {list}");
        assert_eq!(
            (goals.quarantined, counts.warnings.get("goals-not-shown").copied().unwrap_or_default()),
            (u64::from(list == "!"), u64::from(list == "-")),
            "{number}: {list}"
        );
        assert_eq!(counts.warnings.contains_key("broken"), list.ends_with('?'), "{number}: {list}");
        assert_eq!(practice.goals().await[..of_ayda.len()], *of_ayda, "{number}: {list}");
    }
    let sail = practice.store.item::<Goal>(sail).await.unwrap().unwrap().listed;
    assert_eq!((sail.own.status, sail.own.recurrence), (GoalStatus::Doing, Some(Recurrence::Yearly)));
    assert_eq!(practice.store.book_counts().await.unwrap().lists[&RecordKind::Goal], 3);
}

#[tokio::test]
async fn a_client_by_itself_is_no_evidence_that_a_goal_is_gone() {
    let practice = Practice::new(&BOOK);
    practice.complete().await;
    practice.crm.goals.lock().unwrap().insert(1, "3:Sail".to_owned());
    for _ in 0..3 {
        practice.one("1").await;
        assert_eq!(practice.goals().await[..2], ["1/3 Sail", "1/4 Boat missed"]);
    }
    practice.complete().await;
    assert_eq!(practice.goals().await[..2], ["1/3 Sail", "1/4 Boat missed"], "one walk");
    // By itself, it can show that the goal is there.
    practice.crm.goals.lock().unwrap().insert(1, "3:Sail 4:Boat".to_owned());
    practice.one("1").await;
    practice.crm.goals.lock().unwrap().insert(1, "3:Sail".to_owned());
    assert_eq!(practice.complete().await.list(RecordKind::Goal).gone, 0);
    assert_eq!(practice.complete().await.list(RecordKind::Goal).gone, 1);
    assert_eq!(practice.goals().await[..2], ["1/3 Sail", "1/4 Boat gone"]);
}

#[tokio::test]
async fn goals_leave_the_book_with_their_client_and_come_back() {
    let practice = Practice::new(&BOOK);
    practice.complete().await;
    practice.edit(2, "Bo Gone");
    practice.crm.goals.lock().unwrap().insert(2, "3:Bike 4:Hike".to_owned());
    practice.complete().await;
    assert_eq!(practice.goals().await, ["1/3 Sail", "1/4 Boat", "5/1 Rest"]);
    practice.edit(2, "Bo Osei");
    let counts = practice.complete().await.list(RecordKind::Goal);
    assert_eq!((counts.created, counts.unchanged), (1, 4));
    assert_eq!(practice.goals().await, ["1/3 Sail", "1/4 Boat", "2/3 Bike", "2/4 Hike", "5/1 Rest"]);
    // Whom a rule left out from the first on comes with all goals.
    practice.edit(3, "Cy Hill");
    assert_eq!(practice.complete().await.list(RecordKind::Goal).created, 1);
}

#[tokio::test]
async fn pages_of_goals_go_on_where_they_ended() {
    let practice = Practice::new(&BOOK);
    practice.complete().await;
    let client =
        practice.store.items::<Goal>(Whose::Practice, PageRequest { cursor: None, limit: 1 }).await.unwrap().items[0]
            .clone();
    let household =
        practice.store.items::<Goal>(Whose::Household(client.household_id), PageRequest { cursor: None, limit: 9 });
    assert_eq!(household.await.unwrap().items.len(), 2);
    for (whose, expected) in
        [(Whose::Practice, 4), (Whose::Client(client.client_id), 2), (Whose::Household(client.household_id), 2)]
    {
        let (mut ids, mut cursor) = (Vec::new(), None);
        loop {
            let page = practice.store.items::<Goal>(whose, PageRequest { cursor, limit: 1 }).await.unwrap();
            ids.extend(page.items.iter().map(|goal| goal.listed.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        ids.dedup();
        assert_eq!(ids.len(), expected, "{whose:?}");
    }
}
