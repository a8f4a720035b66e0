//! Accounts, and the sessions, links and tokens that belong to them.

use super::*;
use crate::domain::access::{Role, Scope, User};
use crate::domain::account::{Account, AccountState, ApiToken};
use crate::domain::{EmailAddress, TokenId, UserId};
use crate::store::access::{
    Added, Changed, LinkUse, NotKept, OwnChange, StoredLink, StoredSession, StoredUser, UserChange, session_id,
};

on_each_engine![
    an_account_is_found_by_its_email_which_no_other_has,
    accounts_are_listed_page_by_page,
    a_session_is_its_accounts_until_it_ends,
    sessions_of_long_ago_are_forgotten,
    sessions_are_listed_and_ended_one_by_one_or_all_but_one,
    a_disabled_account_has_no_session_token_or_link_and_none_comes_back,
    the_last_practice_manager_stays_whoever_changes_what_at_once,
    an_invited_practice_manager_does_not_count_as_one_who_can_sign_in,
    a_link_is_used_once_and_a_newer_one_takes_its_place,
    what_is_ones_own_is_changed_and_a_password_ends_the_other_sessions,
    a_token_is_its_makers_and_ends_with_the_one_that_made_it,
];

fn user(email: &str) -> StoredUser {
    in_role(email, Role::Adviser)
}

fn in_role(email: &str, role: Role) -> StoredUser {
    let user = User { id: UserId(Uuid::now_v7()), email: address(email), name: "Pat Lee".to_owned(), role };
    StoredUser::new(user, Some("$argon2id$".to_owned()))
}

fn invited(email: &str, role: Role, link: StoredLink) -> StoredUser {
    StoredUser { password_hash: None, link: Some(link), ..in_role(email, role) }
}

fn address(email: &str) -> EmailAddress {
    EmailAddress::try_from(email.to_owned()).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn session(user_id: UserId, opened: i64) -> StoredSession {
    let (device, address) = (Some("Firefox on Linux".to_owned()), Some("192.0.2.1".to_owned()));
    StoredSession {
        user_id,
        opened_at: at(opened),
        used_at: at(opened),
        confirmed_at: None,
        device,
        address,
        by_provider: false,
    }
}

fn token(name: &str, maker: Option<UserId>, made_with: Option<TokenId>) -> ApiToken {
    ApiToken {
        id: TokenId(Uuid::now_v7()),
        name: name.to_owned(),
        scopes: vec![Scope::Read, Scope::Events],
        maker,
        maker_name: "Pat Lee".to_owned(),
        made_with,
        made_at: at(0),
        expires_at: Some(at(1000)),
        used_at: None,
    }
}

fn role(role: Role) -> UserChange {
    UserChange { role: Some(role), disabled: None }
}

fn disabled(disabled: bool) -> UserChange {
    UserChange { role: None, disabled: Some(disabled) }
}

async fn an_account_is_found_by_its_email_which_no_other_has(on: On) {
    let place = on.place();
    let store = place.open();
    assert!(!store.has_manager().await.unwrap());
    let pat = in_role("Pat.Lee@example.com", Role::PracticeManager);
    assert_eq!(store.add_first_user(pat.clone()).await.unwrap(), Added::Yes);
    assert_eq!(store.add_first_user(in_role("bo@example.com", Role::PracticeManager)).await.unwrap(), Added::No);
    assert_eq!(store.add_user(user("pat.lee@EXAMPLE.com")).await.unwrap(), Added::No);
    assert_eq!(store.add_user(user("bo@example.com")).await.unwrap(), Added::Yes);
    assert!(store.has_manager().await.unwrap());
    let found = async |email: &str| store.user_by_email(address(email)).await.unwrap().map(|found| found.user);
    assert_eq!(found("PAT.LEE@example.com").await, Some(pat.user.clone()));
    assert_eq!(found("al@example.com").await, None);
    assert_eq!(store.user(pat.user.id).await.unwrap().map(|found| found.user), Some(pat.user.clone()));
    let account = Account {
        user: pat.user,
        state: AccountState::Active,
        signed_in_at: None,
        link_ends_at: None,
        has_password: true,
        identity: None,
        has_second_factor: false,
    };
    assert_eq!(store.account(account.user.id).await.unwrap(), Some(account));
    assert_eq!(store.account(UserId(Uuid::nil())).await.unwrap(), None);
}

async fn accounts_are_listed_page_by_page(on: On) {
    let place = on.place();
    let store = place.open();
    let emails = ["pat@example.com", "al@example.com", "bo@example.com"];
    for email in emails {
        store.add_user(user(email)).await.unwrap();
    }
    let mut found = Vec::new();
    let mut page = PageRequest { cursor: None, limit: 2 };
    loop {
        let answer = store.accounts(page).await.unwrap();
        found.extend(answer.items.into_iter().map(|account| account.user.email.as_str().to_owned()));
        let Some(next) = answer.next else { break };
        page = PageRequest { cursor: Some(next), limit: 2 };
    }
    assert_eq!(found, emails);
    let foreign = PageRequest { cursor: Some("AAAA".to_owned()), limit: 2 };
    assert!(store.accounts(foreign).await.is_err());
}

async fn a_session_is_its_accounts_until_it_ends(on: On) {
    let place = on.place();
    let store = place.open();
    let pat = user("pat@example.com");
    store.add_user(pat.clone()).await.unwrap();
    assert!(store.add_session([1; 32], (session(pat.user.id, 0), None), at(-9)).await.unwrap());
    assert!(!store.add_session([2; 32], (session(UserId(Uuid::nil()), 0), None), at(-9)).await.unwrap());
    assert_eq!(store.session([1; 32]).await.unwrap(), Some((session(pat.user.id, 0), pat.user.clone(), false)));
    assert_eq!(store.session([2; 32]).await.unwrap(), None, "of nobody");
    assert_eq!(store.session([3; 32]).await.unwrap(), None);
    assert_eq!(store.account(pat.user.id).await.unwrap().unwrap().signed_in_at, Some(at(0)));

    store.note_session_use([1; 32], at(5)).await.unwrap();
    store.confirm_session([1; 32], at(6)).await.unwrap();
    let used = StoredSession { used_at: at(5), confirmed_at: Some(at(6)), ..session(pat.user.id, 0) };
    assert_eq!(store.session([1; 32]).await.unwrap(), Some((used, pat.user, false)));
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
        let session = StoredSession { used_at: at(30), ..session(pat.user.id, opened) };
        store.add_session([key; 32], (session, None), at(if key == 3 { 10 } else { 0 })).await.unwrap();
    }
    let mut left = Vec::new();
    for key in 1..=3 {
        left.extend(store.session([key; 32]).await.unwrap().map(|_| key));
    }
    assert_eq!(left, [2, 3]);
}

async fn sessions_are_listed_and_ended_one_by_one_or_all_but_one(on: On) {
    let place = on.place();
    let store = place.open();
    let (pat, bo) = (user("pat@example.com"), user("bo@example.com"));
    for user in [&pat, &bo] {
        store.add_user(user.clone()).await.unwrap();
    }
    for (key, of, opened) in [(1, &pat, 0), (2, &pat, 10), (3, &bo, 20), (4, &pat, 30)] {
        store.add_session([key; 32], (session(of.user.id, opened), None), at(-9)).await.unwrap();
    }
    let ids = async |of| store.sessions(of).await.unwrap().into_iter().map(|found| found.id).collect::<Vec<_>>();
    let id = |key: u8| session_id(&[key; 32]);
    assert_eq!(ids(None).await, [id(4), id(3), id(2), id(1)], "the newest first");
    assert_eq!(ids(Some(pat.user.id)).await, [id(4), id(2), id(1)]);
    let found = store.sessions(Some(bo.user.id)).await.unwrap().pop().unwrap();
    assert_eq!((found.user, found.device.as_deref()), (bo.user.id, Some("Firefox on Linux")));

    assert!(!store.end_session(id(3), Some(pat.user.id)).await.unwrap(), "it is somebody else's");
    assert!(store.end_session(id(3), None).await.unwrap());
    assert!(!store.end_session(id(3), None).await.unwrap());
    assert!(store.end_session(id(1), Some(pat.user.id)).await.unwrap());
    assert_eq!(store.end_other_sessions(pat.user.id, [4; 32]).await.unwrap(), 1);
    assert_eq!(ids(None).await, [id(4)]);
}

async fn a_disabled_account_has_no_session_token_or_link_and_none_comes_back(on: On) {
    let place = on.place();
    let store = place.open();
    let (pat, bo) = (user("pat@example.com"), user("bo@example.com"));
    for user in [&pat, &bo] {
        store.add_user(user.clone()).await.unwrap();
    }
    let (id, own) = (pat.user.id, token("own", Some(pat.user.id), None));
    store.add_session([1; 32], (session(id, 0), None), at(-9)).await.unwrap();
    store.add_session([2; 32], (session(bo.user.id, 0), None), at(-9)).await.unwrap();
    assert_eq!(store.add_token([1; 32], own.clone(), 9).await.unwrap(), Ok(()));
    assert_eq!(store.add_token([2; 32], token("other", Some(bo.user.id), None), 9).await.unwrap(), Ok(()));
    assert_eq!(store.add_token([3; 32], token("child", None, Some(own.id)), 9).await.unwrap(), Ok(()));
    store.set_link(id, StoredLink { digest: [7; 32], ends_at: at(100) }, false).await.unwrap();

    let Changed::Yes(account) = store.change_user(id, disabled(true), at(5)).await.unwrap() else { panic!() };
    assert_eq!((account.state, account.link_ends_at), (AccountState::Disabled, None));
    assert_eq!(store.session([1; 32]).await.unwrap(), None);
    assert_eq!(store.token([1; 32]).await.unwrap(), None);
    assert_eq!(store.token([3; 32]).await.unwrap(), None, "what was made with it ends, too");
    assert_eq!(store.account_of_link([7; 32], at(6)).await.unwrap(), None);
    assert!(store.session([2; 32]).await.unwrap().is_some() && store.token([2; 32]).await.unwrap().is_some());
    // A sign-in, a token or a link that was on its way comes too late.
    assert!(!store.add_session([4; 32], (session(id, 6), None), at(-9)).await.unwrap());
    let late = store.add_token([4; 32], token("late", Some(id), None), 9).await.unwrap();
    assert_eq!(late, Err(NotKept::MakerIsGone));
    let link = StoredLink { digest: [8; 32], ends_at: at(100) };
    assert_eq!(store.set_link(id, link, false).await.unwrap(), Changed::Disabled(pat.user.clone()));

    assert!(matches!(store.change_user(id, disabled(false), at(7)).await.unwrap(), Changed::Yes(_)));
    assert_eq!(store.account(id).await.unwrap().unwrap().state, AccountState::Active);
    assert_eq!((store.session([1; 32]).await.unwrap(), store.token([1; 32]).await.unwrap()), (None, None));
    let nobody = store.change_user(UserId(Uuid::nil()), disabled(true), at(5)).await.unwrap();
    assert_eq!(nobody, Changed::NoAccount);
}

async fn the_last_practice_manager_stays_whoever_changes_what_at_once(on: On) {
    for other in [role(Role::Support), disabled(true)] {
        let place = on.place();
        let store = place.open();
        let managers = ["pat@example.com", "bo@example.com"].map(|email| in_role(email, Role::PracticeManager));
        for manager in &managers {
            store.add_user(manager.clone()).await.unwrap();
        }
        let [pat, bo] = managers.map(|manager| manager.user);
        let (one, two) = tokio::join!(
            store.change_user(bo.id, role(Role::Adviser), at(0)),
            store.change_user(pat.id, other, at(0)),
        );
        let outcomes = [one.unwrap(), two.unwrap()];
        let refused = outcomes.iter().filter(|outcome| matches!(outcome, Changed::LastManager(_))).count();
        assert_eq!(refused, 1, "{outcomes:?}");
        assert!(store.has_manager().await.unwrap());
    }
}

async fn an_invited_practice_manager_does_not_count_as_one_who_can_sign_in(on: On) {
    let place = on.place();
    let store = place.open();
    let link = StoredLink { digest: [1; 32], ends_at: at(100) };
    store.add_user(invited("bo@example.com", Role::PracticeManager, link)).await.unwrap();
    assert!(!store.has_manager().await.unwrap());
    let pat = in_role("pat@example.com", Role::PracticeManager);
    assert_eq!(store.add_first_user(pat.clone()).await.unwrap(), Added::Yes);
    let refused = store.change_user(pat.user.id, role(Role::Adviser), at(0)).await.unwrap();
    assert_eq!(refused, Changed::LastManager(pat.user.clone()));
    store.use_link([1; 32], "$argon2id$".to_owned(), false, at(1)).await.unwrap();
    assert!(matches!(store.change_user(pat.user.id, role(Role::Adviser), at(2)).await.unwrap(), Changed::Yes(_)));
}

async fn a_link_is_used_once_and_a_newer_one_takes_its_place(on: On) {
    let place = on.place();
    let store = place.open();
    let link = |digest: u8, ends: i64| StoredLink { digest: [digest; 32], ends_at: at(ends) };
    let pat = invited("pat@example.com", Role::Support, link(1, 100));
    store.add_user(pat.clone()).await.unwrap();
    for _ in 0..3 {
        let found = store.account_of_link([1; 32], at(0)).await.unwrap().unwrap();
        assert_eq!(
            (found.state, found.link_ends_at),
            (AccountState::Invited, Some(at(100))),
            "looking uses nothing up"
        );
    }
    assert_eq!(store.account_of_link([1; 32], at(100)).await.unwrap(), None, "too old");
    assert!(!store.add_session([1; 32], (session(pat.user.id, 0), None), at(-9)).await.unwrap(), "not in yet");

    assert!(matches!(store.set_link(pat.user.id, link(2, 200), false).await.unwrap(), Changed::Yes(_)));
    let using = |digest: u8, second| store.use_link([digest; 32], format!("hash {second}"), second == 7, at(second));
    assert_eq!(using(1, 1).await.unwrap(), LinkUse::Over, "replaced");
    assert_eq!(using(2, 200).await.unwrap(), LinkUse::Over, "too old");
    let (one, two) = tokio::join!(using(2, 3), using(2, 4));
    let mut outcomes = [one.unwrap(), two.unwrap()];
    outcomes.sort_by_key(|outcome| *outcome == LinkUse::Over);
    assert_eq!(outcomes, [LinkUse::Done(pat.user.clone()), LinkUse::Over]);
    assert_eq!(using(2, 5).await.unwrap(), LinkUse::Over);

    assert!(store.add_session([1; 32], (session(pat.user.id, 6), None), at(-9)).await.unwrap());
    let own = token("own", Some(pat.user.id), None);
    assert_eq!(store.add_token([1; 32], own.clone(), 9).await.unwrap(), Ok(()));
    store.set_link(pat.user.id, link(3, 300), false).await.unwrap();
    assert_eq!(store.tokens(Some(pat.user.id)).await.unwrap().len(), 1, "a link alone ends no token");
    store.set_link(pat.user.id, link(3, 300), true).await.unwrap();
    assert_eq!(store.tokens(Some(pat.user.id)).await.unwrap(), []);
    assert_eq!(store.add_token([1; 32], own, 9).await.unwrap(), Ok(()));
    assert!(store.session([1; 32]).await.unwrap().is_some(), "a link alone ends nothing");
    assert!(matches!(using(3, 7).await.unwrap(), LinkUse::Done(_)));
    assert_eq!(store.session([1; 32]).await.unwrap(), None);
    assert_eq!(store.tokens(Some(pat.user.id)).await.unwrap(), [], "whoever chose the password ended them");
    assert_eq!(store.user(pat.user.id).await.unwrap().unwrap().password_hash.as_deref(), Some("hash 7"));
    assert_eq!(store.set_link(UserId(Uuid::nil()), link(4, 9), false).await.unwrap(), Changed::NoAccount);
}

async fn what_is_ones_own_is_changed_and_a_password_ends_the_other_sessions(on: On) {
    let place = on.place();
    let store = place.open();
    let (pat, bo) = (user("pat@example.com"), user("bo@example.com"));
    for user in [&pat, &bo] {
        store.add_user(user.clone()).await.unwrap();
    }
    let id = pat.user.id;
    let change = async |change| store.change_own_account(id, change).await.unwrap();
    let checked = pat.password_hash.clone().unwrap();
    let email = |text: &str| OwnChange::Email { email: address(text), checked: checked.clone() };
    assert!(matches!(change(OwnChange::Name("Patricia Lee".to_owned())).await, Changed::Yes(_)));
    assert_eq!(change(email("BO@example.com")).await, Changed::EmailTaken);
    assert!(matches!(change(email("Pat@Example.com")).await, Changed::Yes(_)), "another case");
    let Changed::Yes(account) = change(email("lee@example.com")).await else { panic!() };
    assert_eq!((account.user.name.as_str(), account.user.email.as_str()), ("Patricia Lee", "lee@example.com"));
    assert!(store.user_by_email(address("pat@example.com")).await.unwrap().is_none());
    assert_eq!(store.user_by_email(address("LEE@example.com")).await.unwrap().unwrap().user.id, id);
    assert_eq!(store.add_user(user("pat@example.com")).await.unwrap(), Added::Yes, "it is free again");

    for key in [1, 2] {
        store.add_session([key; 32], (session(id, 0), None), at(-9)).await.unwrap();
    }
    store.set_link(id, StoredLink { digest: [7; 32], ends_at: at(100) }, false).await.unwrap();
    let password =
        |hash: &str| OwnChange::Password { hash: hash.to_owned(), checked: checked.clone(), session: [2; 32] };
    assert!(matches!(change(password("another")).await, Changed::Yes(_)));
    // Whoever knows the password of before comes too late, wherever it was looked at.
    assert_eq!(change(password("a third")).await, Changed::PasswordChanged);
    assert_eq!(change(email("late@example.com")).await, Changed::PasswordChanged);
    let late = store.add_session([3; 32], (session(id, 0), Some(checked.clone())), at(-9)).await.unwrap();
    assert!(!late && store.session([3; 32]).await.unwrap().is_none());
    let in_time = (session(id, 0), Some("another".to_owned()));
    assert!(store.add_session([4; 32], in_time, at(-9)).await.unwrap());
    assert!(store.session([1; 32]).await.unwrap().is_none() && store.session([2; 32]).await.unwrap().is_some());
    assert_eq!(store.account_of_link([7; 32], at(1)).await.unwrap(), None);
    let nobody = store.change_own_account(UserId(Uuid::nil()), OwnChange::Name("A".to_owned())).await.unwrap();
    assert_eq!(nobody, Changed::NoAccount);
}

async fn a_token_is_its_makers_and_ends_with_the_one_that_made_it(on: On) {
    let place = on.place();
    let store = place.open();
    let pat = user("pat@example.com");
    store.add_user(pat.clone()).await.unwrap();
    let own = token("own", Some(pat.user.id), None);
    let child = ApiToken { made_at: at(1), ..token("child", Some(pat.user.id), Some(own.id)) };
    let of_practice = ApiToken { made_at: at(2), ..token("practice", None, None) };
    for (digest, token) in [(1, &own), (2, &child), (3, &of_practice)] {
        assert_eq!(store.add_token([digest; 32], token.clone(), 2).await.unwrap(), Ok(()), "{}", token.name);
    }
    let unmade = token("orphan", None, Some(TokenId(Uuid::nil())));
    let orphan = store.add_token([4; 32], unmade, 9).await.unwrap();
    assert_eq!(orphan, Err(NotKept::MakerIsGone), "the token that made it is gone");
    let third = store.add_token([4; 32], token("third", Some(pat.user.id), None), 2).await.unwrap();
    assert_eq!(third, Err(NotKept::TooMany));
    let of_machine = store.add_token([4; 32], token("second", None, None), 1).await.unwrap();
    assert_eq!(of_machine, Err(NotKept::TooMany), "what is no person's is counted by itself");
    assert_eq!(store.token([1; 32]).await.unwrap(), Some((own.clone(), Some(pat.user.clone()))));
    assert_eq!(store.token([3; 32]).await.unwrap(), Some((of_practice.clone(), None)));
    assert_eq!(store.token([9; 32]).await.unwrap(), None);
    assert_eq!(store.tokens(None).await.unwrap(), [of_practice.clone(), child.clone(), own.clone()]);
    assert_eq!(store.tokens(Some(pat.user.id)).await.unwrap(), [child, own.clone()]);

    store.note_token_use([1; 32], at(5)).await.unwrap();
    store.note_token_use([9; 32], at(5)).await.unwrap();
    assert_eq!(store.token([1; 32]).await.unwrap().unwrap().0.used_at, Some(at(5)));
    assert!(!store.remove_token(of_practice.id, Some(pat.user.id)).await.unwrap(), "it is the practice's");
    assert!(store.remove_token(own.id, Some(pat.user.id)).await.unwrap());
    let left: Vec<TokenId> = store.tokens(None).await.unwrap().into_iter().map(|token| token.id).collect();
    assert_eq!(left, [of_practice.id]);
    assert!(store.remove_token(of_practice.id, None).await.unwrap());
    assert!(!store.remove_token(of_practice.id, None).await.unwrap());
}
