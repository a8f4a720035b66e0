//! Goals and covers of clients, and what the practice adds to them.

use super::*;

use crate::domain::ItemId;
use crate::domain::record::{Cover, CoverOwner, CoverType, GoalStatus, Recurrence};
use crate::domain::stored::StoredListed;
use crate::store::StoreError;
use crate::store::book::Whose;

on_each_engine![covers_are_those_of_their_clients, what_the_practice_adds_to_a_goal_is_kept];

fn cover(id: &str) -> Cover {
    Cover {
        external_id: ExternalId(id.to_owned()),
        policy_number: Some("P-1".to_owned()),
        cover_type: CoverType::Trauma,
        type_as_given: None,
        insurer: None,
        plan_name: None,
        sum_insured: None,
        premium: None,
        premium_frequency: None,
        owner: CoverOwner::Client,
        renewal_date: None,
        end_year: None,
        expired: false,
        extensions: Vec::new(),
    }
}

async fn covers_are_those_of_their_clients(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan"), client("8", "Bo Hill")]).await;
    let list = |id: &str, covers: &[&str]| {
        incoming(id, Outcome::List(covers.iter().map(|id| Canonical::Cover(cover(id))).collect()))
    };
    practice.below(RecordKind::Cover, vec![list("7", &["7/1", "7/2"]), list("8", &["8/1"])]).await;
    let ids = async |whose, limit| {
        let page = practice.store.items::<Cover>(whose, first(limit)).await.unwrap().items;
        page.into_iter().map(|stored| stored.listed.value.external_id.to_string()).collect::<Vec<_>>()
    };
    let ayda = practice.of("7").await.unwrap();
    assert_eq!(ids(Whose::Client(ayda.id), 9).await, ["7/1", "7/2"]);
    assert_eq!(ids(Whose::Household(ayda.household_id), 1).await, ["7/1"]);
    assert_eq!(ids(Whose::Practice, 9).await.len(), 3);
    let of_household = practice.store.lists_of_household::<Cover>(ayda.household_id).await.unwrap();
    assert_eq!((of_household.len(), of_household[0].items.len()), (1, 2));
    let one = &of_household[0].items[1];
    assert_eq!(practice.store.item::<Cover>(ItemId(one.listed.id)).await.unwrap().as_ref(), Some(one));
    assert_eq!(practice.store.item::<Cover>(ItemId(Uuid::now_v7())).await.unwrap(), None);
    assert_eq!(practice.store.client_of_item(ItemId(one.listed.id)).await.unwrap(), Some(one.client_id));
    assert_eq!(practice.store.client_of_item(ItemId(Uuid::now_v7())).await.unwrap(), None);
    assert_eq!(practice.store.item::<Goal>(ItemId(one.listed.id)).await.unwrap(), None);
    assert_eq!(practice.store.missing_items::<Cover>("main".parse().unwrap(), 9).await.unwrap(), []);
}

async fn what_the_practice_adds_to_a_goal_is_kept(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan")]).await;
    practice.goals(&[("7", &[goal("7/1", "Sail"), goal("7/2", "Rest")])]).await;
    let goals = practice.store.items::<Goal>(Whose::Practice, first(9)).await.unwrap().items;
    let next = practice.store.items::<Goal>(Whose::Practice, first(1)).await.unwrap().next;
    let page = PageRequest { cursor: next, limit: 9 };
    let second = practice.store.items::<Goal>(Whose::Practice, page.clone()).await.unwrap().items;
    assert_eq!(second, goals[1..]);
    let covers = practice.store.items::<Cover>(Whose::Practice, page).await;
    assert!(matches!(covers, Err(StoreError::BadCursor)), "a cursor of goals is none of covers: {covers:?}");
    let id = ItemId(goals[1].listed.id);
    let begun = vec![
        ("status".to_owned(), Ok(Some("doing".to_owned()))),
        ("recurrence".to_owned(), Ok(Some("yearly".to_owned()))),
    ];
    assert!(practice.store.change_own::<Goal>(id, begun).await.unwrap().unwrap());
    assert!(practice.store.change_own::<Goal>(id, Vec::new()).await.unwrap().unwrap());
    // The CRM knows nothing of it.
    practice.goals(&[("7", &[goal("7/1", "Sail"), goal("7/2", "Rest more")])]).await;
    let own = |stored: StoredListed<Goal>| (stored.listed.own.status, stored.listed.own.recurrence);
    let changed = practice.store.item::<Goal>(id).await.unwrap().unwrap();
    assert_eq!(changed.listed.value.name.as_deref(), Some("Rest more"));
    assert_eq!(own(changed), (GoalStatus::Doing, Some(Recurrence::Yearly)));
    let other = practice.store.item(ItemId(goals[0].listed.id)).await.unwrap().unwrap();
    assert_eq!(own(other), (GoalStatus::ToDo, None));
    let once = vec![("recurrence".to_owned(), Ok(None))];
    assert!(practice.store.change_own::<Goal>(id, once.clone()).await.unwrap().unwrap());
    let odd = vec![("recurrence".to_owned(), Ok(None)), ("status".to_owned(), Ok(Some("finished".to_owned())))];
    assert_eq!(practice.store.change_own::<Goal>(id, odd).await.unwrap().unwrap_err()[0].field, "status");
    assert_eq!(own(practice.store.item(id).await.unwrap().unwrap()), (GoalStatus::Doing, None));
    assert!(!practice.store.change_own::<Goal>(ItemId(Uuid::now_v7()), once).await.unwrap().unwrap());
}
