//! Accounts, and sessions that belong to them.

use super::*;
use crate::domain::access::{Role, User};
use crate::domain::{EmailAddress, UserId};
use crate::store::access::{Added, StoredSession, StoredUser};

on_each_engine![
    an_account_is_found_by_its_email_which_no_other_has,
    a_session_is_its_accounts_until_it_ends,
    sessions_of_long_ago_are_forgotten,
];

fn user(email: &str) -> StoredUser {
    let email = EmailAddress::try_from(email.to_owned()).unwrap();
    let user = User { id: UserId(Uuid::now_v7()), email, name: "Pat Lee".to_owned(), role: Role::Adviser };
    StoredUser { user, password_hash: "$argon2id$".to_owned() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

async fn an_account_is_found_by_its_email_which_no_other_has(on: On) {
    let place = on.place();
    let store = place.open();
    assert!(!store.has_users().await.unwrap());
    let pat = user("Pat.Lee@example.com");
    assert_eq!(store.add_first_user(pat.clone()).await.unwrap(), Added::Yes);
    assert_eq!(store.add_first_user(user("bo@example.com")).await.unwrap(), Added::No);
    assert_eq!(store.add_user(user("pat.lee@EXAMPLE.com")).await.unwrap(), Added::No);
    assert_eq!(store.add_user(user("bo@example.com")).await.unwrap(), Added::Yes);
    assert!(store.has_users().await.unwrap());
    let found = async |email: &str| {
        let email = EmailAddress::try_from(email.to_owned()).unwrap();
        store.user_by_email(email).await.unwrap().map(|found| found.user)
    };
    assert_eq!(found("PAT.LEE@example.com").await, Some(pat.user));
    assert_eq!(found("al@example.com").await, None);
}

async fn a_session_is_its_accounts_until_it_ends(on: On) {
    let place = on.place();
    let store = place.open();
    let pat = user("pat@example.com");
    store.add_user(pat.clone()).await.unwrap();
    let session = |user_id| StoredSession { user_id, opened_at: at(0), used_at: at(0) };
    store.add_session([1; 32], session(pat.user.id), at(-9)).await.unwrap();
    store.add_session([2; 32], session(UserId(Uuid::nil())), at(-9)).await.unwrap();
    assert_eq!(store.session([1; 32]).await.unwrap(), Some((session(pat.user.id), pat.user.clone())));
    assert_eq!(store.session([2; 32]).await.unwrap(), None, "of nobody");
    assert_eq!(store.session([3; 32]).await.unwrap(), None);

    store.note_session_use([1; 32], at(5)).await.unwrap();
    let used = StoredSession { used_at: at(5), ..session(pat.user.id) };
    assert_eq!(store.session([1; 32]).await.unwrap(), Some((used, pat.user)));
    store.remove_session([1; 32]).await.unwrap();
    store.note_session_use([1; 32], at(6)).await.unwrap();
    assert_eq!(store.session([1; 32]).await.unwrap(), None, "what ended is not begun by its use");
}

async fn sessions_of_long_ago_are_forgotten(on: On) {
    let place = on.place();
    let store = place.open();
    let pat = user("pat@example.com");
    store.add_user(pat.clone()).await.unwrap();
    for (key, opened) in [(1, 0), (2, 10), (3, 20)] {
        let session = StoredSession { user_id: pat.user.id, opened_at: at(opened), used_at: at(30) };
        store.add_session([key; 32], session, at(if key == 3 { 10 } else { 0 })).await.unwrap();
    }
    let mut left = Vec::new();
    for key in 1..=3 {
        left.extend(store.session([key; 32]).await.unwrap().map(|_| key));
    }
    assert_eq!(left, [2, 3]);
}
