//! People who come in by an identity provider, over a real store.

use super::*;
use crate::domain::access::provider::Entitlement;
use crate::store::access::{Followed, Identity, Newcomer};

#[tokio::test]
async fn of_whom_no_password_is_taken_there_is_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let (access, _) = manager(&folder).await;
    let access = access.with_passwords_of_managers_alone();
    let made = access.add_user(omar(), at(0)).await.unwrap();
    assert!(made.link.is_none() && made.account.link_ends_at.is_none());
    let id = made.account.user.id;
    let refused = access.reset(id, false, at(0)).await;
    let Err(error @ AccountError::SignsInByProvider(_)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().starts_with("Omar signs in by the identity provider"), "{error}");
    access.change_user(id, UserChange { role: Some(Role::PracticeManager), disabled: None }, at(0)).await.unwrap();
    assert!(access.reset(id, false, at(0)).await.unwrap().link.is_some(), "a practice manager's is the way back");
    let new = NewUser { email: "bo@example.com".to_owned(), role: Role::PracticeManager, ..omar() };
    assert!(access.add_user(new, at(0)).await.unwrap().link.is_some());
}

#[tokio::test]
async fn a_session_by_the_provider_is_as_fresh_as_the_sign_in_there_and_none_once_unlinked() {
    let folder = tempfile::tempdir().unwrap();
    let (access, pat) = manager(&folder).await;
    let user = pat.session.user.clone();
    let identity = Identity { issuer: "https://login.example".to_owned(), subject: "17".to_owned() };
    let email = Some(user.email.clone());
    let newcomer = Newcomer { identity, entitlement: Entitlement::NotManaged, email, new: None };
    let followed = access.store.follow_provider(newcomer, at(60)).await.unwrap();
    assert!(matches!(followed, Followed::Entered { .. }), "{followed:?}");
    for (there_at, expected) in [(Some(at(58)), at(58)), (Some(at(99)), at(60)), (None, Timestamp::UNIX_EPOCH)] {
        let entered = access.enter_by_provider(user.clone(), there_at, HERE.into(), at(60)).await.unwrap();
        let kept = access.session(entered.token.expose_secret(), at(60)).await.unwrap().unwrap();
        assert_eq!((entered.session.confirmed_at, kept.confirmed_at), (expected, expected));
    }
    access.unlink(user.id).await.unwrap();
    let late = access.enter_by_provider(user, Some(at(60)), HERE.into(), at(60)).await;
    assert!(matches!(late, Err(SignInError::Refused)), "{late:?}");
}
