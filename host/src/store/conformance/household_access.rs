//! Household access: proposed by the CRM once, changed by people, and the index by which lists are read.

use super::*;
use crate::domain::access::household::{Chosen, HouseholdAccess, Professional, StaffAccess};
use crate::domain::access::{Reason, Role, User};
use crate::domain::practice_client::NewClient;
use crate::domain::{ClientId, DocumentId, EmailAddress, HouseholdId, UserId};
use crate::store::access::{OwnChange, StoredUser, UserChange};
use crate::store::book::Whose;
use crate::store::household_access::{AccessSet, LinkedBy, Maker, NewAccess, Visible};

on_each_engine![
    the_crm_proposes_once_and_is_not_followed,
    a_professional_of_the_crm_is_the_account_of_the_email_that_a_manager_gave,
    a_link_by_hand_comes_before_the_email,
    who_was_given_access_sees_these_households_until_it_ends,
    a_change_follows_the_version_that_was_looked_at,
    lists_show_what_is_seen_and_their_cursors_nothing_else,
    who_served_a_household_serves_the_one_that_it_is_joined_to,
    who_makes_a_household_answers_for_it_or_works_in_it,
];

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn user(email: &str, role: Role) -> StoredUser {
    let email = EmailAddress::try_from(email.to_owned()).unwrap();
    let user = User { id: UserId(Uuid::now_v7()), email, name: "Omar Aziz".to_owned(), role };
    StoredUser::new(user, Some("$argon2id$".to_owned()))
}

fn adviser(id: &str, email: &str) -> IncomingRecord {
    let adviser = Adviser {
        external_id: ExternalId(id.to_owned()),
        first_name: Some("Omar".to_owned()),
        last_name: Some("Aziz".to_owned()),
        email: Some(EmailAddress::try_from(email.to_owned()).unwrap()),
        active: true,
    };
    incoming(id, Outcome::Adviser(adviser))
}

fn advised(id: &str, name: &str, adviser: Option<&str>) -> Client {
    Client { adviser_external_id: adviser.map(|id| ExternalId(id.to_owned())), ..client(id, &format!("Ayda {name}")) }
}

async fn household_of(practice: &Practice, id: &str) -> HouseholdId {
    practice.of(id).await.unwrap().household_id
}

async fn access(practice: &Practice, id: &str) -> HouseholdAccess {
    practice.store.household_access(household_of(practice, id).await).await.unwrap().unwrap()
}

fn of_crm(practice: &Practice, id: &str) -> Professional {
    Professional::OfCrm { connection: practice.run.connection.clone(), external_id: ExternalId(id.to_owned()) }
}

fn new(access: &HouseholdAccess, primary: Professional, staff: Vec<StaffAccess>) -> NewAccess {
    NewAccess {
        household: access.household,
        follows: Some(access.version),
        primary,
        secondary: None,
        staff,
        chosen: Chosen { by: "Pat Lee".to_owned(), at: at(0) },
    }
}

fn staff(user: UserId, expires_at: Option<Timestamp>) -> StaffAccess {
    let reason = Some("covers for Omar".to_owned());
    let given_by = "Pat Lee".to_owned();
    StaffAccess { user, role: Role::Paraplanner, expires_at, reason, given_by, given_at: at(0) }
}

async fn sees(practice: &Practice, user: UserId, now: Timestamp) -> Vec<HouseholdId> {
    match practice.store.visible_households(user, now).await.unwrap() {
        Visible::Households(these) => {
            let mut these: Vec<HouseholdId> = these.iter().copied().collect();
            these.sort_unstable();
            these
        }
        Visible::Everything => panic!("an account sees some households"),
    }
}

async fn the_crm_proposes_once_and_is_not_followed(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[advised("1", "Khan", Some("7")), advised("2", "Lee", None)]).await;
    let proposed = access(&practice, "1").await;
    assert_eq!((&proposed.primary, &proposed.chosen), (&of_crm(&practice, "7"), &None));
    assert_eq!(access(&practice, "2").await.primary, Professional::FirstAdviser);
    // Another adviser is not followed; the first one that is named is.
    practice.clients(&[advised("1", "Khan", Some("8")), advised("2", "Lee", Some("8"))]).await;
    assert_eq!(access(&practice, "1").await, proposed);
    assert_eq!(access(&practice, "2").await.primary, of_crm(&practice, "8"));
}

async fn a_professional_of_the_crm_is_the_account_of_the_email_that_a_manager_gave(on: On) {
    let mut practice = Practice::new(on).await;
    practice.commit(RecordKind::Adviser, vec![adviser("7", "omar@example.com"), adviser("8", "mia@example.com")]).await;
    practice.clients(&[advised("1", "Khan", Some("7")), advised("2", "Lee", Some("8"))]).await;
    let (omar, eve) = (user("Omar@example.com", Role::Adviser), user("eve@example.com", Role::Support));
    for one in [&omar, &eve] {
        practice.store.add_user(one.clone()).await.unwrap();
    }
    let (first, second) = (household_of(&practice, "1").await, household_of(&practice, "2").await);
    assert_eq!(sees(&practice, omar.user.id, at(0)).await, [first]);
    assert_eq!(practice.store.access_reasons(omar.user.id, first, at(0)).await.unwrap(), [Reason::Primary]);
    let all = practice.store.all_access_reasons(first, at(0)).await.unwrap();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), [(omar.user.id, vec![Reason::Primary])]);
    assert!(practice.store.access_reasons(omar.user.id, second, at(0)).await.unwrap().is_empty());
    // Another email of their own takes nothing away, and gives nothing to whoever has the one of before.
    let email = |text: &str| EmailAddress::try_from(text.to_owned()).unwrap();
    let change = OwnChange::Email { email: email("omar@home.example"), checked: "$argon2id$".to_owned() };
    practice.store.change_own_account(omar.user.id, change).await.unwrap();
    assert_eq!(sees(&practice, omar.user.id, at(0)).await, [first]);
    let next = user("omar@example.com", Role::Adviser);
    practice.store.add_user(next.clone()).await.unwrap();
    assert_eq!(sees(&practice, next.user.id, at(0)).await, []);
    // Who cannot answer for a household any more does not see it by that.
    let demoted = UserChange { role: Some(Role::Support), disabled: None };
    practice.store.change_user(omar.user.id, demoted, at(0)).await.unwrap();
    assert_eq!(sees(&practice, omar.user.id, at(0)).await, []);
    assert!(practice.store.access_reasons(omar.user.id, first, at(0)).await.unwrap().is_empty());
    // An email that somebody gives the own account makes nobody an adviser.
    let email = EmailAddress::try_from("mia@example.com".to_owned()).unwrap();
    let change = OwnChange::Email { email, checked: "$argon2id$".to_owned() };
    practice.store.change_own_account(eve.user.id, change).await.unwrap();
    assert_eq!(sees(&practice, eve.user.id, at(0)).await, []);
}

async fn a_link_by_hand_comes_before_the_email(on: On) {
    let mut practice = Practice::new(on).await;
    practice.commit(RecordKind::Adviser, vec![adviser("7", "omar@example.com")]).await;
    practice.clients(&[advised("1", "Khan", Some("7"))]).await;
    let (omar, mia) = (user("omar@example.com", Role::Adviser), user("mia@example.com", Role::Adviser));
    for one in [&omar, &mia] {
        practice.store.add_user(one.clone()).await.unwrap();
    }
    let household = household_of(&practice, "1").await;
    let link = async |to| {
        let (connection, id) = (practice.run.connection.clone(), ExternalId("7".to_owned()));
        practice.store.link_professional(connection, id, to).await.unwrap();
        let linked = practice.store.linked_professionals().await.unwrap();
        (linked[0].account.as_ref().map(|account| account.user.id), linked[0].by_hand)
    };
    assert_eq!(link(LinkedBy::Hand(mia.user.id)).await, (Some(mia.user.id), true));
    assert_eq!(sees(&practice, mia.user.id, at(0)).await, [household]);
    // Omar is the first adviser of the practice and still not the one of this household.
    assert_eq!(sees(&practice, omar.user.id, at(0)).await, []);
    assert_eq!(link(LinkedBy::Nobody).await, (None, true));
    assert_eq!(sees(&practice, mia.user.id, at(0)).await, []);
    assert_eq!(link(LinkedBy::Email).await, (Some(omar.user.id), false));
    let one = practice.store.linked_professional(practice.run.connection.clone(), ExternalId("7".to_owned())).await;
    assert_eq!(one.unwrap().and_then(|one| one.account).map(|account| account.user.id), Some(omar.user.id));
    let of = practice.store.account_of(of_crm(&practice, "7")).await.unwrap();
    assert_eq!(of.map(|account| account.user.id), Some(omar.user.id));
    let connection = practice.run.connection.clone();
    let stands_for = practice.store.adviser_of_account(connection, omar.user.id).await.unwrap().unwrap();
    assert_eq!(stands_for.adviser.external_id.as_str(), "7");
}

async fn who_was_given_access_sees_these_households_until_it_ends(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[advised("1", "Khan", Some("7")), advised("2", "Lee", Some("7"))]).await;
    let zoe = UserId(Uuid::now_v7());
    let before = access(&practice, "1").await;
    let given = new(&before, Professional::Account(UserId(Uuid::now_v7())), vec![staff(zoe, Some(at(10)))]);
    let AccessSet::Yes(given) = practice.store.set_household_access(given).await.unwrap() else { panic!("not set") };
    assert_eq!(sees(&practice, zoe, at(9)).await, [given.household]);
    assert_eq!(sees(&practice, zoe, at(10)).await, []);
    let reasons = practice.store.access_reasons(zoe, given.household, at(9)).await.unwrap();
    assert!(matches!(&*reasons, [Reason::Staff { role: Role::Paraplanner, .. }]), "{reasons:?}");
    assert_eq!(
        practice.store.counts_of(practice.store.visible_households(zoe, at(9)).await.unwrap()).await.unwrap(),
        (1, 1)
    );
    assert_eq!(practice.store.resolved_household(given.household).await.unwrap(), Some(given.household));
    let taken = new(&given, given.primary.clone(), Vec::new());
    practice.store.set_household_access(taken).await.unwrap();
    assert_eq!(sees(&practice, zoe, at(9)).await, []);
}

async fn a_change_follows_the_version_that_was_looked_at(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[advised("1", "Khan", Some("7"))]).await;
    let before = access(&practice, "1").await;
    let (one, other) = (of_crm(&practice, "8"), of_crm(&practice, "9"));
    let first = practice.store.set_household_access(new(&before, one.clone(), Vec::new())).await.unwrap();
    assert!(matches!(&first, AccessSet::Yes(set) if set.primary == one && set.version > before.version));
    let second = practice.store.set_household_access(new(&before, other, Vec::new())).await.unwrap();
    assert!(matches!(second, AccessSet::Stale(now) if now.primary == one));
    let nowhere = NewAccess { household: HouseholdId(Uuid::now_v7()), ..new(&before, one, Vec::new()) };
    assert_eq!(practice.store.set_household_access(nowhere).await.unwrap(), AccessSet::NoHousehold);
}

async fn lists_show_what_is_seen_and_their_cursors_nothing_else(on: On) {
    let mut practice = Practice::new(on).await;
    let clients =
        (1..=9).map(|n| advised(&n.to_string(), &format!("Khan{n}"), Some(if n % 3 == 0 { "7" } else { "8" })));
    practice.clients(&clients.collect::<Vec<_>>()).await;
    practice.commit(RecordKind::Adviser, vec![adviser("7", "omar@example.com")]).await;
    let omar = user("omar@example.com", Role::Adviser);
    practice.store.add_user(omar.clone()).await.unwrap();
    let visible = practice.store.visible_households(omar.user.id, at(0)).await.unwrap();
    let mut names = Vec::new();
    let mut cursor = None;
    loop {
        let filter = ClientFilter { visible: visible.clone(), ..ClientFilter::default() };
        let page = practice.store.clients(filter, PageRequest { cursor, limit: 1 }).await.unwrap();
        names.extend(page.items.into_iter().filter_map(|client| client.client.last_name));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names, ["Khan3", "Khan6", "Khan9"]);
    let find = async |search: &str| {
        let filter = HouseholdFilter { visible: visible.clone(), ..HouseholdFilter::search(search.to_owned()) };
        practice.store.households(filter, PageRequest { cursor: None, limit: 9 }).await.unwrap().items.len()
    };
    assert_eq!((find("khan").await, find("khan6").await, find("khan5").await, find("5").await), (3, 1, 0, 0));
    assert!(!practice.store.has_note_with(visible.clone(), DocumentId([7; 32])).await.unwrap());
    let goals =
        practice.store.items_seen::<Goal>(Whose::Practice, visible, PageRequest { cursor: None, limit: 9 }).await;
    assert!(goals.unwrap().items.is_empty());
}

async fn who_served_a_household_serves_the_one_that_it_is_joined_to(on: On) {
    let mut practice = Practice::new(on).await;
    let (first, second) = (advised("1", "Khan", Some("7")), advised("2", "Lee", Some("8")));
    practice.clients(&[first.clone(), second.clone()]).await;
    let zoe = UserId(Uuid::now_v7());
    let before = access(&practice, "2").await;
    let given = new(&before, before.primary.clone(), vec![staff(zoe, None)]);
    practice.store.set_household_access(given).await.unwrap();
    // They come to be partners, the first of them the primary client.
    let partner = |client: Client, of: &str, is_partner| Client {
        partner_external_id: Some(ExternalId(of.to_owned())),
        is_partner,
        ..client
    };
    practice.clients(&[partner(first.clone(), "2", false), partner(second.clone(), "1", true)]).await;
    let joined = access(&practice, "1").await;
    assert_eq!(joined.household, household_of(&practice, "2").await);
    assert_eq!((&joined.primary, &joined.secondary), (&of_crm(&practice, "7"), &Some(of_crm(&practice, "8"))));
    assert_eq!(joined.staff.iter().map(|given| given.user).collect::<Vec<_>>(), [zoe]);
    assert_eq!(sees(&practice, zoe, at(0)).await, [joined.household], "and nothing of the one that is no more");
    // They part again: whoever served both goes on with both.
    practice.clients(&[first, second]).await;
    let (one, other) = (household_of(&practice, "1").await, household_of(&practice, "2").await);
    assert_ne!(one, other);
    let mut both = vec![one, other];
    both.sort_unstable();
    assert_eq!(sees(&practice, zoe, at(0)).await, both);
}

async fn who_makes_a_household_answers_for_it_or_works_in_it(on: On) {
    let practice = Practice::new(on).await;
    let make = async |role: Role| {
        let account = user(&format!("{}@example.com", role.as_str()), role);
        practice.store.add_user(account.clone()).await.unwrap();
        let (id, user) = (ClientId(Uuid::now_v7()), account.user.id);
        let made = NewClient { id, client: client("0", "Zora Quill"), partner_of: None, digest: [0; 32] };
        let maker = Maker { user, role, name: "Omar Aziz".to_owned() };
        practice.store.make_client(made, Some(maker), at(0)).await.unwrap().unwrap();
        let household = practice.store.client(id).await.unwrap().unwrap().household_id;
        assert_eq!(sees(&practice, user, at(0)).await, [household], "{role}");
        (practice.store.household_access(household).await.unwrap().unwrap(), user, id)
    };
    let (access, user, client) = make(Role::Adviser).await;
    assert_eq!((access.primary, access.staff.len()), (Professional::Account(user), 0));
    let (access, user, _) = make(Role::Support).await;
    assert_eq!((access.primary, access.staff[0].user, access.chosen), (Professional::FirstAdviser, user, None));
    // Who was removed is in no list and no number.
    let adviser = practice.store.client(client).await.unwrap().unwrap().household_id;
    practice.store.remove_client(client, at(1)).await.unwrap().unwrap();
    let visible = Visible::Households(std::sync::Arc::new([adviser].into()));
    assert_eq!(practice.store.counts_of(visible.clone()).await.unwrap(), (0, 0));
    let filter = ClientFilter { visible, ..ClientFilter::default() };
    assert!(practice.store.clients(filter, first(9)).await.unwrap().items.is_empty());
}
