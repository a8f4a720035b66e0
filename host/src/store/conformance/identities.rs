//! Accounts of people who come from an identity provider.

use super::*;
use crate::domain::access::provider::{Entitlement, GroupsNote, Refused};
use crate::domain::access::{Role, Scope, User};
use crate::domain::account::{AccountState, ApiToken};
use crate::domain::{EmailAddress, TokenId, UserId};
use crate::store::access::{
    Added, Change, Changed, Followed, Identity, LinkUse, Newcomer, OwnChange, StoredLink, StoredRecoveryCode,
    StoredSecondFactor, StoredSession, StoredUser, UserChange,
};
use crate::store::connections::Sealed;

on_each_engine![
    an_account_is_found_by_its_identity_whatever_becomes_of_the_email,
    an_account_of_a_verified_email_is_linked_once_and_its_invitation_is_over,
    an_email_that_its_holder_typed_links_nothing,
    what_was_open_of_an_account_ends_once_it_is_linked,
    a_link_is_over_once_its_person_manages_the_practice,
    two_accounts_never_hold_one_identity,
    without_a_group_everything_ends_and_comes_back_with_one,
    groups_that_were_not_sent_change_nothing,
    the_last_practice_manager_is_kept_and_flagged,
    whom_a_person_disabled_no_group_lets_in,
    an_unlinked_account_has_its_password_or_is_invited,
    nobody_comes_in_by_a_provider_that_the_settings_name_no_more,
];

fn address(email: &str) -> EmailAddress {
    EmailAddress::try_from(email.to_owned()).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn user(email: &str, role: Role) -> User {
    User { id: UserId(Uuid::now_v7()), email: address(email), name: "Omar Haddad".to_owned(), role }
}

fn identity(subject: &str) -> Identity {
    Identity { issuer: "https://login.example".to_owned(), subject: subject.to_owned() }
}

/// Somebody with a verified email, for whom an account may be made.
fn newcomer(subject: &str, email: &str, entitlement: Entitlement) -> Newcomer {
    Newcomer {
        identity: identity(subject),
        entitlement,
        email: Some(address(email)),
        new: Some(user(email, Role::Support)),
    }
}

/// Somebody who is known by their identity alone.
fn known(subject: &str, entitlement: Entitlement) -> Newcomer {
    Newcomer { identity: identity(subject), entitlement, email: None, new: None }
}

async fn follow(store: &Store, newcomer: Newcomer) -> Followed {
    store.follow_provider(newcomer, at(1)).await.unwrap()
}

/// The role and what was changed of somebody who was let in.
async fn entered(store: &Store, newcomer: Newcomer) -> (Role, Option<GroupsNote>, Option<Change>) {
    match follow(store, newcomer).await {
        Followed::Entered { user, note, change } => (user.role, note, change),
        other => panic!("not let in: {other:?}"),
    }
}

async fn state(store: &Store, id: UserId) -> AccountState {
    store.account(id).await.unwrap().unwrap().state
}

async fn manager(store: &Store, email: &str) -> UserId {
    let manager = user(email, Role::PracticeManager);
    let stored = StoredUser::new(manager.clone(), Some("$argon2id$".to_owned()));
    assert_eq!(store.add_user(stored).await.unwrap(), Added::Yes);
    manager.id
}

async fn open_session(store: &Store, key: u8, user_id: UserId) -> bool {
    open_by(store, key, user_id, true).await
}

/// The same for somebody who came by the provider, or by a password.
async fn open_by(store: &Store, key: u8, user_id: UserId, by_provider: bool) -> bool {
    let session = StoredSession {
        user_id,
        opened_at: at(0),
        used_at: at(0),
        confirmed_at: None,
        device: None,
        address: None,
        by_provider,
    };
    store.add_session([key; 32], (session, None), at(-9)).await.unwrap()
}

async fn make_token(store: &Store, digest: u8, maker: UserId) {
    let token = ApiToken {
        id: TokenId(Uuid::now_v7()),
        name: "Nightly".to_owned(),
        scopes: vec![Scope::Read],
        maker: Some(maker),
        maker_name: "Omar Haddad".to_owned(),
        made_with: None,
        made_at: at(0),
        expires_at: None,
        used_at: None,
    };
    store.add_token([digest; 32], token, 9).await.unwrap().unwrap();
}

const GIVES: fn(Role) -> Entitlement = Entitlement::Role;

async fn an_account_is_found_by_its_identity_whatever_becomes_of_the_email(on: On) {
    let place = on.place();
    let store = place.open();
    assert_eq!(follow(&store, known("17", GIVES(Role::Adviser))).await, Followed::NoAccount);
    let made = entered(&store, newcomer("17", "omar@example.com", GIVES(Role::Adviser))).await;
    assert_eq!(made, (Role::Adviser, None, Some(Change::Made)));
    let id = store.user_of_identity(identity("17")).await.unwrap().unwrap().user.id;
    assert_eq!(state(&store, id).await, AccountState::Active);
    assert!(open_session(&store, 1, id).await, "without a password");
    // Another email there, and this one is somebody else's by now.
    let again = entered(&store, newcomer("17", "o.haddad@example.com", GIVES(Role::Adviser))).await;
    assert_eq!(again, (Role::Adviser, None, None));
    assert_eq!(store.account(id).await.unwrap().unwrap().user.email, address("omar@example.com"));
    let other = follow(&store, newcomer("18", "omar@example.com", GIVES(Role::PracticeManager))).await;
    assert_eq!(other, Followed::LinkedToAnother);
    assert_eq!(store.user_of_identity(identity("18")).await.unwrap().map(|stored| stored.user.id), None);
    let promoted = entered(&store, known("17", GIVES(Role::Paraplanner))).await;
    assert_eq!(promoted, (Role::Paraplanner, None, Some(Change::Role)));
    // An issuer and a subject that are the same letters in a row are another identity.
    let shifted = Identity { issuer: "https://login.example1".to_owned(), subject: "7".to_owned() };
    assert!(store.user_of_identity(shifted).await.unwrap().is_none());
    drop(store);
    let store = place.open();
    assert_eq!(store.user_of_identity(identity("17")).await.unwrap().map(|stored| stored.user.id), Some(id));
}

async fn an_account_of_a_verified_email_is_linked_once_and_its_invitation_is_over(on: On) {
    let place = on.place();
    let store = place.open();
    let invited = user("omar@example.com", Role::Support);
    let link = StoredLink { digest: [1; 32], ends_at: at(100) };
    let stored = StoredUser { link: Some(link), ..StoredUser::new(invited.clone(), None) };
    store.add_user(stored).await.unwrap();
    let nobody = Newcomer { email: None, ..newcomer("17", "x@example.com", GIVES(Role::Adviser)) };
    assert_eq!(follow(&store, Newcomer { new: None, ..nobody }).await, Followed::NoAccount);
    assert_eq!(state(&store, invited.id).await, AccountState::Invited);
    // Without a group nobody takes an account over, and it stays as it was.
    let none = follow(&store, newcomer("17", "omar@example.com", Entitlement::Nothing)).await;
    assert_eq!(none, Followed::Refused(Refused::NoGroup));
    assert_eq!(state(&store, invited.id).await, AccountState::Invited);
    let linked = entered(&store, newcomer("17", "OMAR@example.com", GIVES(Role::Adviser))).await;
    assert_eq!(linked, (Role::Adviser, None, Some(Change::Linked)));
    let account = store.account(invited.id).await.unwrap().unwrap();
    assert_eq!((account.state, account.link_ends_at, account.has_password), (AccountState::Active, None, false));
    assert_eq!(account.identity.unwrap().linked_at, at(1));
    assert_eq!(store.use_link([1; 32], "$argon2id$".to_owned(), false, at(2)).await.unwrap(), LinkUse::Over);
}

async fn an_email_that_its_holder_typed_links_nothing(on: On) {
    let place = on.place();
    let store = place.open();
    manager(&store, "pat@example.com").await;
    let eve = user("eve@example.com", Role::Support);
    store.add_user(StoredUser::new(eve.clone(), Some("$argon2id$".to_owned()))).await.unwrap();
    // Eve types Omar's, and waits.
    let change = OwnChange::Email { email: address("omar@example.com"), checked: "$argon2id$".to_owned() };
    assert!(matches!(store.change_own_account(eve.id, change).await.unwrap(), Changed::Yes(_)));
    assert!(open_by(&store, 1, eve.id, false).await);
    let before = store.account(eve.id).await.unwrap();
    for entitlement in [GIVES(Role::PracticeManager), Entitlement::NotManaged, Entitlement::Nothing] {
        let omar = follow(&store, newcomer("17", "Omar@example.com", entitlement)).await;
        assert_eq!(omar, Followed::EmailIsOwn, "{entitlement:?}");
    }
    assert_eq!(store.account(eve.id).await.unwrap(), before, "nothing was changed");
    assert!(store.user_of_identity(identity("17")).await.unwrap().is_none());
    assert!(store.session([1; 32]).await.unwrap().is_some());
    // Who was linked before they changed it goes on by their identity.
    entered(&store, newcomer("18", "pat@example.com", GIVES(Role::PracticeManager))).await;
    let pat = store.user_of_identity(identity("18")).await.unwrap().unwrap().user.id;
    let change = OwnChange::Email { email: address("p.lee@example.com"), checked: "$argon2id$".to_owned() };
    assert!(matches!(store.change_own_account(pat, change).await.unwrap(), Changed::Yes(_)));
    let again = entered(&store, newcomer("18", "p.lee@example.com", GIVES(Role::PracticeManager))).await;
    assert_eq!(again, (Role::PracticeManager, None, None));
}

async fn what_was_open_of_an_account_ends_once_it_is_linked(on: On) {
    for gives in [Role::Adviser, Role::PracticeManager] {
        let place = on.place();
        let store = place.open();
        let omar = user("omar@example.com", Role::Support);
        let factor = StoredSecondFactor {
            secret: Sealed(vec![7; 60]),
            since: at(0),
            last_step: 1,
            recovery_codes: vec![StoredRecoveryCode { digest: [1; 32], used_at: None }],
        };
        let link = StoredLink { digest: [1; 32], ends_at: at(100) };
        let stored = StoredUser::new(omar.clone(), Some("$argon2id$".to_owned()));
        store.add_user(StoredUser { second_factor: Some(factor), link: Some(link), ..stored }).await.unwrap();
        assert!(open_by(&store, 1, omar.id, false).await);
        make_token(&store, 1, omar.id).await;
        let linked = entered(&store, newcomer("17", "omar@example.com", GIVES(gives))).await;
        assert_eq!(linked, (gives, None, Some(Change::Linked)));
        assert_eq!((store.session([1; 32]).await.unwrap(), store.token([1; 32]).await.unwrap()), (None, None));
        assert_eq!(store.account_of_link([1; 32], at(2)).await.unwrap(), None);
        let account = store.account(omar.id).await.unwrap().unwrap();
        let stays = gives != Role::PracticeManager;
        assert_eq!((account.has_password, account.has_second_factor), (stays, stays), "{gives}");
        // What begins by the provider goes on at later sign-ins.
        assert!(open_session(&store, 2, omar.id).await);
        make_token(&store, 2, omar.id).await;
        entered(&store, known("17", GIVES(gives))).await;
        assert!(store.session([2; 32]).await.unwrap().is_some() && store.token([2; 32]).await.unwrap().is_some());
    }
}

async fn a_link_is_over_once_its_person_manages_the_practice(on: On) {
    let place = on.place();
    let store = place.open();
    manager(&store, "pat@example.com").await;
    // With a password, or by the provider alone; who is invited keeps the link, which is all that they have.
    entered(&store, newcomer("17", "omar@example.com", GIVES(Role::Adviser))).await;
    let linked = store.user_of_identity(identity("17")).await.unwrap().unwrap().user;
    let (with_password, invited) = (user("bo@example.com", Role::Adviser), user("al@example.com", Role::Adviser));
    store.add_user(StoredUser::new(with_password.clone(), Some("$argon2id$".to_owned()))).await.unwrap();
    store.add_user(StoredUser::new(invited.clone(), None)).await.unwrap();
    for (digest, id, is_over) in [(1, linked.id, true), (2, with_password.id, true), (3, invited.id, false)] {
        let link = StoredLink { digest: [digest; 32], ends_at: at(100) };
        assert!(matches!(store.set_link(id, link, false).await.unwrap(), Changed::Yes(_)));
        let change = UserChange { role: Some(Role::PracticeManager), disabled: None };
        assert!(matches!(store.change_user(id, change, at(5)).await.unwrap(), Changed::Yes(_)));
        let found = store.account_of_link([digest; 32], at(6)).await.unwrap();
        assert_eq!(found.is_none(), is_over, "{digest}");
    }
}

async fn two_accounts_never_hold_one_identity(on: On) {
    let place = on.place();
    let store = place.open();
    let come = |email: &'static str| store.follow_provider(newcomer("17", email, GIVES(Role::Adviser)), at(1));
    let (one, two, three) = tokio::join!(come("a@example.com"), come("b@example.com"), come("c@example.com"));
    let ids: Vec<UserId> = [one, two, three]
        .into_iter()
        .map(|followed| match followed.unwrap() {
            Followed::Entered { user, .. } => user.id,
            other => panic!("not let in: {other:?}"),
        })
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let accounts = store.accounts(PageRequest { cursor: None, limit: 10 }).await.unwrap().items;
    assert_eq!(accounts.len(), 1);
}

async fn without_a_group_everything_ends_and_comes_back_with_one(on: On) {
    let place = on.place();
    let store = place.open();
    manager(&store, "pat@example.com").await;
    entered(&store, newcomer("17", "omar@example.com", GIVES(Role::PracticeManager))).await;
    let id = store.user_of_identity(identity("17")).await.unwrap().unwrap().user.id;
    assert!(open_session(&store, 1, id).await);
    make_token(&store, 1, id).await;
    assert!(matches!(follow(&store, known("17", Entitlement::Nothing)).await, Followed::Ended(user) if user.id == id));
    assert_eq!(state(&store, id).await, AccountState::Disabled);
    assert_eq!((store.session([1; 32]).await.unwrap(), store.token([1; 32]).await.unwrap()), (None, None));
    assert_eq!(store.account(id).await.unwrap().unwrap().identity.unwrap().ended_at, Some(at(1)));
    assert!(!open_session(&store, 2, id).await, "a sign-in that was on its way comes too late");
    let refused = async |entitlement| follow(&store, known("17", entitlement)).await;
    assert_eq!(refused(Entitlement::Nothing).await, Followed::Refused(Refused::NoGroup));
    let unknown = Entitlement::Unknown(GroupsNote::TooMany);
    assert_eq!(refused(unknown).await, Followed::Refused(Refused::Unknown(GroupsNote::TooMany)));
    assert_eq!(refused(Entitlement::NotManaged).await, Followed::Refused(Refused::Disabled));
    let back = entered(&store, known("17", GIVES(Role::Support))).await;
    assert_eq!(back, (Role::Support, None, Some(Change::Enabled)));
    assert_eq!((store.session([1; 32]).await.unwrap(), store.token([1; 32]).await.unwrap()), (None, None));
}

async fn groups_that_were_not_sent_change_nothing(on: On) {
    let place = on.place();
    let store = place.open();
    manager(&store, "pat@example.com").await;
    entered(&store, newcomer("17", "omar@example.com", GIVES(Role::PracticeManager))).await;
    let id = store.user_of_identity(identity("17")).await.unwrap().unwrap().user.id;
    assert!(open_session(&store, 1, id).await);
    make_token(&store, 1, id).await;
    for note in [GroupsNote::TooMany, GroupsNote::Absent, GroupsNote::Unreadable] {
        let stays = entered(&store, known("17", Entitlement::Unknown(note))).await;
        assert_eq!(stays, (Role::PracticeManager, Some(note), None));
        assert_eq!(store.account(id).await.unwrap().unwrap().identity.unwrap().note, Some(note));
        assert!(store.session([1; 32]).await.unwrap().is_some() && store.token([1; 32]).await.unwrap().is_some());
        let new = follow(&store, newcomer("18", "new@example.com", Entitlement::Unknown(note))).await;
        assert_eq!(new, Followed::Refused(Refused::Unknown(note)));
    }
    entered(&store, known("17", GIVES(Role::PracticeManager))).await;
    assert_eq!(store.account(id).await.unwrap().unwrap().identity.unwrap().note, None, "it is over");
}

async fn the_last_practice_manager_is_kept_and_flagged(on: On) {
    let place = on.place();
    let store = place.open();
    entered(&store, newcomer("17", "omar@example.com", GIVES(Role::PracticeManager))).await;
    let id = store.user_of_identity(identity("17")).await.unwrap().unwrap().user.id;
    assert!(open_session(&store, 1, id).await);
    let last = Some(GroupsNote::LastManager);
    for entitlement in [Entitlement::Nothing, GIVES(Role::Support)] {
        assert_eq!(entered(&store, known("17", entitlement)).await, (Role::PracticeManager, last, None));
        assert_eq!(store.account(id).await.unwrap().unwrap().identity.unwrap().note, last);
        assert!(store.session([1; 32]).await.unwrap().is_some());
    }
    // An invited one cannot sign in yet, and does not count.
    let invited = StoredUser::new(user("bo@example.com", Role::PracticeManager), None);
    store.add_user(invited).await.unwrap();
    assert_eq!(entered(&store, known("17", Entitlement::Nothing)).await.1, last);
    manager(&store, "pat@example.com").await;
    assert!(matches!(follow(&store, known("17", Entitlement::Nothing)).await, Followed::Ended(_)));
}

async fn whom_a_person_disabled_no_group_lets_in(on: On) {
    let place = on.place();
    let store = place.open();
    manager(&store, "pat@example.com").await;
    entered(&store, newcomer("17", "omar@example.com", GIVES(Role::Adviser))).await;
    let id = store.user_of_identity(identity("17")).await.unwrap().unwrap().user.id;
    let set = async |disabled| {
        let change = UserChange { role: None, disabled: Some(disabled) };
        assert!(matches!(store.change_user(id, change, at(5)).await.unwrap(), Changed::Yes(_)));
    };
    let refused = Followed::Refused(Refused::Disabled);
    set(true).await;
    assert_eq!(follow(&store, known("17", GIVES(Role::Adviser))).await, refused);
    set(false).await;
    // Ended by the groups, and then disabled by a person: their word stays.
    assert!(matches!(follow(&store, known("17", Entitlement::Nothing)).await, Followed::Ended(_)));
    set(true).await;
    assert_eq!(follow(&store, known("17", GIVES(Role::Adviser))).await, refused);
    // An account of the same email that is disabled is not linked either.
    let bo = user("bo@example.com", Role::Adviser);
    let stored = StoredUser { disabled_at: Some(at(0)), ..StoredUser::new(bo, Some("$argon2id$".to_owned())) };
    store.add_user(stored).await.unwrap();
    assert_eq!(follow(&store, newcomer("19", "bo@example.com", GIVES(Role::Adviser))).await, refused);
}

async fn an_unlinked_account_has_its_password_or_is_invited(on: On) {
    let place = on.place();
    let store = place.open();
    entered(&store, newcomer("17", "omar@example.com", GIVES(Role::PracticeManager))).await;
    let id = store.user_of_identity(identity("17")).await.unwrap().unwrap().user.id;
    assert!(open_session(&store, 1, id).await);
    assert!(matches!(store.unlink_identity(id).await.unwrap(), Changed::LastManager(user) if user.id == id));
    let pat = manager(&store, "pat@example.com").await;
    assert!(matches!(store.unlink_identity(id).await.unwrap(), Changed::Yes(_)));
    assert_eq!(state(&store, id).await, AccountState::Invited);
    assert_eq!(store.session([1; 32]).await.unwrap(), None);
    assert!(store.user_of_identity(identity("17")).await.unwrap().is_none());
    // The identity is free for another account, and this one for another identity.
    entered(&store, newcomer("17", "pat@example.com", GIVES(Role::PracticeManager))).await;
    assert!(matches!(store.unlink_identity(pat).await.unwrap(), Changed::Yes(_)), "there is a password");
    assert_eq!(state(&store, pat).await, AccountState::Active);
    assert!(!open_session(&store, 2, pat).await, "a sign-in by the provider that was on its way comes too late");
    assert!(open_by(&store, 2, pat, false).await, "by the password it does not");
    assert!(matches!(store.unlink_identity(pat).await.unwrap(), Changed::NotLinked(user) if user.id == pat));
    assert_eq!(store.unlink_identity(UserId(Uuid::nil())).await.unwrap(), Changed::NoAccount);
}

async fn nobody_comes_in_by_a_provider_that_the_settings_name_no_more(on: On) {
    let place = on.place();
    let store = place.open();
    entered(&store, newcomer("17", "omar@example.com", GIVES(Role::PracticeManager))).await;
    let omar = store.user_of_identity(identity("17")).await.unwrap().unwrap().user.id;
    let pat = manager(&store, "pat@example.com").await;
    entered(&store, newcomer("18", "pat@example.com", GIVES(Role::PracticeManager))).await;
    let named = || Some("https://login.example".to_owned());
    assert_eq!(store.retire_other_providers(named(), at(1)).await.unwrap(), 0);
    for (key, user, by_provider) in [(1, omar, true), (2, pat, true), (3, pat, false)] {
        assert!(open_by(&store, key, user, by_provider).await);
    }
    for issuer in [None, Some("https://other.example".to_owned())] {
        store.retire_other_providers(issuer, at(2)).await.unwrap();
        assert!(store.session([1; 32]).await.unwrap().is_none() && store.session([2; 32]).await.unwrap().is_none());
        assert!(store.session([3; 32]).await.unwrap().is_some(), "it began with the password");
        assert_eq!(state(&store, omar).await, AccountState::Invited);
        assert!(store.account(omar).await.unwrap().unwrap().identity.unwrap().is_retired);
        for user in [omar, pat] {
            assert!(!open_session(&store, 4, user).await, "a sign-in that was on its way comes too late");
        }
        // Pat is the only one who can come in now.
        let demoted = UserChange { role: Some(Role::Support), disabled: None };
        assert!(matches!(store.change_user(pat, demoted, at(3)).await.unwrap(), Changed::LastManager(_)));
    }
    assert_eq!(store.retire_other_providers(named(), at(4)).await.unwrap(), 2);
    assert_eq!(state(&store, omar).await, AccountState::Active);
    assert!(open_session(&store, 5, omar).await);
}
