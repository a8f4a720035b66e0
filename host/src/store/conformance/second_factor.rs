//! The second factor of accounts, and the codes that are used up.

use super::*;
use crate::domain::access::{Role, User};
use crate::domain::{EmailAddress, UserId};
use crate::store::access::{
    FactorChange, FactorChanged, GivenCode, StoredRecoveryCode, StoredSecondFactor, StoredSession, StoredUser,
};
use crate::store::connections::Sealed;

on_each_engine![
    a_second_factor_is_set_up_once_and_ends_the_sessions_without_it,
    a_code_is_used_up_by_what_it_opens_and_by_one_of_many_at_once,
    recovery_codes_are_replaced_and_a_second_factor_goes_by_a_code_or_by_somebody_elses_word,
];

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn factor() -> StoredSecondFactor {
    let recovery_codes = [1, 2].map(|code| StoredRecoveryCode { digest: [code; 32], used_at: None }).to_vec();
    StoredSecondFactor { secret: Sealed(vec![7; 60]), since: at(0), last_step: 100, recovery_codes }
}

fn app(step: u64) -> GivenCode {
    GivenCode::App { secret: factor().secret, step }
}

const HASH: &str = "$argon2id$";

/// A store with an account and its first session, of the key 1.
async fn signed_in(place: &Place) -> (Store, UserId) {
    let store = place.open();
    let email = EmailAddress::try_from("pat@example.com".to_owned()).unwrap();
    let user = User { id: UserId(Uuid::now_v7()), email, name: "Pat Lee".to_owned(), role: Role::Adviser };
    let id = user.id;
    store.add_user(StoredUser::new(user, Some(HASH.to_owned()))).await.unwrap();
    assert!(store.add_session([1; 32], (session(id), None), at(-9)).await.unwrap());
    (store, id)
}

fn session(user_id: UserId) -> StoredSession {
    let (opened_at, used_at) = (at(5), at(5));
    StoredSession { user_id, opened_at, used_at, confirmed_at: None, device: None, address: None, by_provider: false }
}

async fn a_second_factor_is_set_up_once_and_ends_the_sessions_without_it(on: On) {
    let place = on.place();
    let (store, id) = signed_in(&place).await;
    store.add_session([2; 32], (session(id), None), at(-9)).await.unwrap();
    let set_up = || FactorChange::SetUp { factor: factor(), session: [2; 32] };
    let change = async |id, change| store.change_second_factor(id, change, at(1)).await.unwrap();
    let nobody = UserId(Uuid::nil());
    assert_eq!(change(nobody, set_up()).await, FactorChanged::NoAccount);
    assert_eq!(change(id, FactorChange::Reset).await, FactorChanged::Missing);
    assert_eq!(change(id, FactorChange::Remove { given: app(101) }).await, FactorChanged::Missing);
    let FactorChanged::Yes(account) = change(id, set_up()).await else { panic!() };
    assert!(account.has_second_factor && store.account(id).await.unwrap().unwrap().has_second_factor);
    assert!(store.session([1; 32]).await.unwrap().is_none(), "it was opened without");
    assert!(store.session([2; 32]).await.unwrap().is_some_and(|(_, _, has_one)| has_one));
    assert_eq!(change(id, set_up()).await, FactorChanged::Already);
    let kept = store.user(id).await.unwrap().unwrap().second_factor.unwrap();
    assert!(kept == factor() && kept.codes_left() == 2, "it is read as it was written");
}

async fn a_code_is_used_up_by_what_it_opens_and_by_one_of_many_at_once(on: On) {
    let place = on.place();
    let (store, id) = signed_in(&place).await;
    store.change_second_factor(id, FactorChange::SetUp { factor: factor(), session: [1; 32] }, at(1)).await.unwrap();
    let checked = || (session(id), Some(HASH.to_owned()));
    assert!(!store.add_session([2; 32], checked(), at(-9)).await.unwrap(), "a password alone opens nothing any more");
    let by = async |key: u8, given| store.add_session_with_code([key; 32], checked(), given, at(-9)).await.unwrap();
    assert!(!by(2, app(100)).await, "it was given to set it up");
    assert!(by(2, app(101)).await && store.session([2; 32]).await.unwrap().is_some());
    assert!(!by(3, app(101)).await && !by(3, app(100)).await && store.session([3; 32]).await.unwrap().is_none());
    let of_another = GivenCode::App { secret: Sealed(vec![8; 60]), step: 102 };
    assert!(!by(3, of_another).await, "it was counted from a secret that is not there any more");
    let other_password = (session(id), Some("another".to_owned()));
    assert!(!store.add_session_with_code([3; 32], other_password, app(102), at(-9)).await.unwrap());

    assert!(!store.confirm_session_with_code([2; 32], app(101), at(7)).await.unwrap());
    assert!(!store.confirm_session_with_code([9; 32], app(102), at(7)).await.unwrap(), "there is no such session");
    assert!(store.confirm_session_with_code([2; 32], app(102), at(7)).await.unwrap());
    assert_eq!(store.session([2; 32]).await.unwrap().unwrap().0.confirmed_at, Some(at(7)));

    let recovery = || GivenCode::Recovery([1; 32]);
    let (one, two, three) = tokio::join!(by(4, recovery()), by(5, recovery()), by(6, recovery()));
    assert_eq!([one, two, three].iter().filter(|opened| **opened).count(), 1);
    assert!(!by(7, GivenCode::Recovery([9; 32])).await);
    let kept = store.user(id).await.unwrap().unwrap().second_factor.unwrap();
    assert_eq!((kept.codes_left(), kept.last_step), (1, 102));
    assert_eq!(kept.recovery_codes[0].used_at, Some(at(5)));
    let (one, two) = tokio::join!(by(8, app(103)), by(9, app(103)));
    assert!(one != two, "of two with one code, one is too late");
}

async fn recovery_codes_are_replaced_and_a_second_factor_goes_by_a_code_or_by_somebody_elses_word(on: On) {
    let place = on.place();
    let (store, id) = signed_in(&place).await;
    let set_up = || FactorChange::SetUp { factor: factor(), session: [1; 32] };
    let change = async |change| store.change_second_factor(id, change, at(9)).await.unwrap();
    change(set_up()).await;
    let renew = |given| FactorChange::RecoveryCodes { given, codes: vec![[3; 32]] };
    assert_eq!(change(renew(app(100))).await, FactorChanged::CodeUsed);
    assert!(matches!(change(renew(GivenCode::Recovery([1; 32]))).await, FactorChanged::Yes(_)));
    let kept = store.user(id).await.unwrap().unwrap().second_factor.unwrap();
    assert!(kept.recovery_codes == [StoredRecoveryCode { digest: [3; 32], used_at: None }]);
    let remove = |given| FactorChange::Remove { given };
    assert_eq!(change(remove(GivenCode::Recovery([2; 32]))).await, FactorChanged::CodeUsed, "it was replaced");
    let FactorChanged::Yes(account) = change(remove(app(101))).await else { panic!() };
    assert!(!account.has_second_factor && store.session([1; 32]).await.unwrap().is_some());
    assert!(store.add_session([2; 32], (session(id), Some(HASH.to_owned())), at(-9)).await.unwrap());

    change(set_up()).await;
    let FactorChanged::Yes(account) = change(FactorChange::Reset).await else { panic!() };
    assert!(!account.has_second_factor && store.session([1; 32]).await.unwrap().is_none());
}
