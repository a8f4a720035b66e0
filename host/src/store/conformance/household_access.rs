//! Household access: proposed by the CRM once, changed by people, and the index by which lists are read.

use super::*;
use crate::domain::access::emergency::EmergencyAccess;
use crate::domain::access::household::{Chosen, HouseholdAccess, Professional, Seen, StaffAccess};
use crate::domain::access::team::Team;
use crate::domain::access::{Reason, Role, User};
use crate::domain::audit::{Act, By, Subject};
use crate::domain::practice_client::NewClient;
use crate::domain::privacy::{HeldSubject, LegalHold};
use crate::domain::{ClientId, DocumentId, EmailAddress, EmergencyId, HouseholdId, TeamId, UserId};
use crate::store::StoreError;
use crate::store::access::{OwnChange, StoredUser, UserChange};
use crate::store::audit::scope;
use crate::store::book::Whose;
use crate::store::household_access::{
    AccessSet, EmergencyFilter, Ended, HandedOver, LinkedBy, Lookups, Maker, NewAccess, Opened, Part, Passed, Reviewed,
    TeamOutcome, Visible,
};

on_each_engine![
    the_crm_proposes_once_and_is_not_followed,
    a_professional_of_the_crm_is_the_account_of_the_email_that_a_manager_gave,
    a_link_by_hand_comes_before_the_email,
    who_was_given_access_sees_these_households_until_it_ends,
    a_change_follows_the_version_that_was_looked_at,
    a_change_is_not_made_where_the_access_ended_since_the_look,
    lists_show_what_is_seen_and_their_cursors_nothing_else,
    who_served_a_household_serves_the_one_that_it_is_joined_to,
    who_makes_a_household_answers_for_it_or_works_in_it,
    a_team_has_access_to_its_members_households,
    a_household_is_open_in_an_emergency_for_its_time_and_looked_at_after,
    look_ups_are_bounded_by_the_hour,
    the_households_of_who_leaves_are_handed_over_as_they_were_shown,
    the_practice_says_who_answers_where_nobody_was_named,
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
    match practice.store.visible_households(user, true, now).await.unwrap() {
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
    let advisers = vec![adviser("7", "omar@example.com"), adviser("8", "zoe@example.com")];
    practice.commit(RecordKind::Adviser, advisers).await;
    practice.clients(&[advised("1", "Khan", Some("7"))]).await;
    let (omar, mia) = (user("omar@example.com", Role::Adviser), user("mia@example.com", Role::Adviser));
    for one in [&omar, &mia] {
        practice.store.add_user(one.clone()).await.unwrap();
    }
    let household = household_of(&practice, "1").await;
    let of = async |id: &str| {
        let linked = practice.store.linked_professionals().await.unwrap();
        let linked = linked.into_iter().find(|linked| linked.adviser.adviser.external_id.as_str() == id).unwrap();
        (linked.account.map(|account| account.user.id), linked.by_hand)
    };
    let link = async |to| {
        let (connection, id) = (practice.run.connection.clone(), ExternalId("7".to_owned()));
        practice.store.link_professional(connection, id, to).await.unwrap();
        of("7").await
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
    let answers = practice.store.account_of(of_crm(&practice, "7")).await.unwrap();
    assert_eq!(answers.map(|account| account.user.id), Some(omar.user.id));
    // Whose role answers for no household stands for nobody, by hand or by email.
    let zoe = user("zoe@example.com", Role::Support);
    practice.store.add_user(zoe.clone()).await.unwrap();
    assert_eq!(link(LinkedBy::Hand(zoe.user.id)).await, (None, true));
    assert_eq!(of("8").await, (None, false));
    link(LinkedBy::Email).await;
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
        practice.store.counts_of(practice.store.visible_households(zoe, true, at(9)).await.unwrap()).await.unwrap(),
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

/// Between the look and the change lies the whole of what is checked on the way: milliseconds, or a slow request's minute.
async fn a_change_is_not_made_where_the_access_ended_since_the_look(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[advised("1", "Khan", Some("7")), advised("2", "Lee", None)]).await;
    let (store, user) = (&practice.store, UserId(Uuid::now_v7()));
    let (seen, of_lee) = (access(&practice, "1").await, household_of(&practice, "2").await);
    let set = |access: HouseholdAccess, staff| store.set_household_access(new(&access, of_crm(&practice, "7"), staff));
    assert!(matches!(set(seen.clone(), vec![staff(user, None)]).await.unwrap(), AccessSet::Yes(_)));
    let act = || Act::done(By::host("test"), "", "clients.test", Subject::of_kind("client"));
    let look = |household| Seen { user, in_person: true, household, at: at(0) };
    let made = async |look: Seen| {
        scope::enter(act(), async {
            scope::looked_at(look);
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            store.put_hold(hold_on(seen.household), None).await
        })
        .await
    };
    let (done, left) = made(look(seen.household)).await;
    assert!(done.is_ok() && left.written.is_some());
    let (refused, left) = scope::enter(act(), async {
        scope::looked_at(look(seen.household));
        let now = access(&practice, "1").await;
        assert!(matches!(scope::apart(set(now, Vec::new())).await.unwrap(), AccessSet::Yes(_)));
        store.end_hold(HeldSubject::Household(seen.household), None).await
    })
    .await;
    assert!(matches!(refused, Err(StoreError::AccessEnded)) && left.written.is_none());
    assert!(store.hold(HeldSubject::Household(seen.household)).await.unwrap().is_some(), "nothing was changed");
    assert!(matches!(made(look(of_lee)).await.0, Err(StoreError::AccessEnded)));
    // Access that is for a time ends while a request goes on.
    let now = access(&practice, "1").await;
    assert!(matches!(set(now, vec![staff(user, Some(at(5)))]).await.unwrap(), AccessSet::Yes(_)));
    for (before_its_end, is_made) in [(60_000, true), (2, false)] {
        let at = at(5) - std::time::Duration::from_millis(before_its_end);
        assert_eq!(made(Seen { at, ..look(seen.household) }).await.0.is_ok(), is_made, "{before_its_end} ms");
    }
}

fn hold_on(household: HouseholdId) -> LegalHold {
    let (reason, by) = ("a complaint".to_owned(), "Pat Lee".to_owned());
    LegalHold { subject: HeldSubject::Household(household), reason, by, by_account: None, since: at(0), until: None }
}

async fn lists_show_what_is_seen_and_their_cursors_nothing_else(on: On) {
    let mut practice = Practice::new(on).await;
    let clients =
        (1..=9).map(|n| advised(&n.to_string(), &format!("Khan{n}"), Some(if n % 3 == 0 { "7" } else { "8" })));
    practice.clients(&clients.collect::<Vec<_>>()).await;
    practice.commit(RecordKind::Adviser, vec![adviser("7", "omar@example.com")]).await;
    let omar = user("omar@example.com", Role::Adviser);
    practice.store.add_user(omar.clone()).await.unwrap();
    let visible = practice.store.visible_households(omar.user.id, true, at(0)).await.unwrap();
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

async fn named(practice: &Practice, access: &HouseholdAccess, primary: UserId, staff: Vec<StaffAccess>) {
    let new = NewAccess { follows: None, ..new(access, Professional::Account(primary), staff) };
    assert!(matches!(practice.store.set_household_access(new).await.unwrap(), AccessSet::Yes(_)));
}

async fn a_team_has_access_to_its_members_households(on: On) {
    let mut practice = Practice::new(on).await;
    practice.commit(RecordKind::Adviser, vec![adviser("7", "omar@example.com")]).await;
    practice.clients(&[advised("1", "Khan", Some("7")), advised("2", "Lee", None), advised("3", "Ngata", None)]).await;
    let (omar, mia, eve) = (
        user("omar@example.com", Role::Adviser),
        user("mia@example.com", Role::Adviser),
        user("eve@example.com", Role::Paraplanner),
    );
    for one in [&omar, &mia, &eve] {
        practice.store.add_user(one.clone()).await.unwrap();
    }
    let store = practice.store.clone();
    // Omar by his link to the CRM, Mia by her account; Mia works as staff in the third, which is no team's.
    let third = access(&practice, "3").await;
    named(&practice, &access(&practice, "2").await, mia.user.id, Vec::new()).await;
    named(&practice, &third, omar.user.id, vec![staff(mia.user.id, None)]).await;
    let (first, second) = (household_of(&practice, "1").await, household_of(&practice, "2").await);
    assert_eq!(sees(&practice, eve.user.id, at(0)).await, []);
    let team = Team { id: TeamId(Uuid::now_v7()), name: "North".to_owned(), members: vec![eve.user.id, mia.user.id] };
    assert_eq!(store.keep_team(team.clone(), true, None).await.unwrap(), TeamOutcome::Saved(team.clone()));
    assert_eq!(sees(&practice, eve.user.id, at(0)).await, [second], "where Mia is staff is hers alone");
    let reason = |colleague: &str| Reason::Team { team: "North".to_owned(), colleague: colleague.to_owned() };
    assert_eq!(store.access_reasons(eve.user.id, second, at(0)).await.unwrap(), [reason("Omar Aziz")]);
    assert!(store.access_reasons(eve.user.id, third.household, at(0)).await.unwrap().is_empty());
    let all = store.all_access_reasons(second, at(0)).await.unwrap();
    assert_eq!(all.get(&eve.user.id), Some(&vec![reason("Omar Aziz")]));
    // The name is one team's alone; members change what is seen at once.
    let other = Team { id: TeamId(Uuid::now_v7()), name: "north".to_owned(), members: Vec::new() };
    assert_eq!(store.keep_team(other.clone(), true, None).await.unwrap(), TeamOutcome::NameTaken);
    let signs: Vec<Team> = ["C++", "C#", "Café", "Cafe"]
        .map(|name| Team { id: TeamId(Uuid::now_v7()), name: name.to_owned(), members: Vec::new() })
        .into();
    for team in &signs {
        let kept = store.keep_team(team.clone(), true, None).await.unwrap();
        assert_eq!(kept, TeamOutcome::Saved(team.clone()), "they read otherwise");
    }
    for team in signs {
        assert!(store.remove_team(team.id).await.unwrap());
    }
    let gone = Team { name: "South".to_owned(), ..other };
    assert_eq!(store.keep_team(gone, false, None).await.unwrap(), TeamOutcome::NotFound);
    let changed = Team { members: vec![eve.user.id, omar.user.id], ..team.clone() };
    store.keep_team(changed, false, None).await.unwrap();
    let mut expected = [first, third.household];
    expected.sort_unstable();
    assert_eq!(sees(&practice, eve.user.id, at(0)).await, expected);
    // A colleague who left is served by the team still; one whose role answers for nothing is not.
    let change = |disabled, role| UserChange { role, disabled };
    store.change_user(omar.user.id, change(Some(true), None), at(0)).await.unwrap();
    assert_eq!(sees(&practice, eve.user.id, at(0)).await, expected);
    store.change_user(omar.user.id, change(None, Some(Role::Support)), at(0)).await.unwrap();
    assert_eq!(sees(&practice, eve.user.id, at(0)).await, []);
    store.change_user(omar.user.id, change(None, Some(Role::Adviser)), at(0)).await.unwrap();
    assert!(store.remove_team(team.id).await.unwrap());
    assert!(!store.remove_team(team.id).await.unwrap());
    assert_eq!((sees(&practice, eve.user.id, at(0)).await, store.teams().await.unwrap()), (vec![], vec![]));
}

fn opened(user: UserId, household: HouseholdId, second: i64) -> EmergencyAccess {
    EmergencyAccess {
        id: EmergencyId(Uuid::now_v7()),
        user,
        household,
        reason: "Omar is ill and the client rang".to_owned(),
        opened_at: at(second),
        ends_at: at(second + 60),
        ended: None,
        reviewed: None,
        finding: None,
    }
}

async fn a_household_is_open_in_an_emergency_for_its_time_and_looked_at_after(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[advised("1", "Khan", None), advised("2", "Lee", None)]).await;
    let eve = user("eve@example.com", Role::Support);
    practice.store.add_user(eve.clone()).await.unwrap();
    let store = practice.store.clone();
    let (first, second) = (household_of(&practice, "1").await, household_of(&practice, "2").await);
    let access = opened(eve.user.id, first, 0);
    assert_eq!(store.open_in_emergency(access.clone(), 1).await.unwrap(), Opened::Yes(access.clone()));
    assert_eq!(
        store.open_in_emergency(opened(eve.user.id, first, 1), 1).await.unwrap(),
        Opened::Already(access.clone())
    );
    assert_eq!(store.open_in_emergency(opened(eve.user.id, second, 1), 1).await.unwrap(), Opened::TooMany);
    let none = opened(eve.user.id, HouseholdId(Uuid::nil()), 1);
    assert_eq!(store.open_in_emergency(none, 5).await.unwrap(), Opened::NoHousehold);
    let reason = Reason::Emergency { until: at(60), reason: access.reason.clone() };
    assert_eq!(store.access_reasons(eve.user.id, first, at(59)).await.unwrap(), std::slice::from_ref(&reason));
    assert_eq!(store.all_access_reasons(first, at(59)).await.unwrap().get(&eve.user.id), Some(&vec![reason]));
    assert_eq!(sees(&practice, eve.user.id, at(59)).await, [first]);
    let of_a_program = store.visible_households(eve.user.id, false, at(59)).await.unwrap();
    assert_eq!(of_a_program, Visible::Households(std::sync::Arc::default()), "no program has an emergency");
    assert_eq!(store.emergencies_open_to(eve.user.id, at(59)).await.unwrap(), std::slice::from_ref(&access));
    assert_eq!(store.open_emergencies(at(59)).await.unwrap(), std::slice::from_ref(&access));
    assert_eq!(store.open_emergencies(at(60)).await.unwrap(), []);
    // Over by its time; another one makes room of it.
    assert_eq!(sees(&practice, eve.user.id, at(60)).await, []);
    let later = opened(eve.user.id, second, 60);
    assert_eq!(store.open_in_emergency(later.clone(), 1).await.unwrap(), Opened::Yes(later.clone()));
    // Ended before its time.
    let by = |name: &str, second| Chosen { by: name.to_owned(), at: at(second) };
    let Ended::Yes(ended) = store.end_emergency(later.id, by("Pat Lee", 70)).await.unwrap() else {
        panic!("it is ended")
    };
    assert_eq!(ended.ended, Some(by("Pat Lee", 70)));
    assert_eq!(sees(&practice, eve.user.id, at(71)).await, []);
    let again = store.end_emergency(later.id, by("Eve Ito", 80)).await.unwrap();
    assert_eq!(again, Ended::Already(ended.clone()), "the first end stays");
    let over = store.end_emergency(access.id, by("Eve Ito", 80)).await.unwrap();
    assert_eq!(over, Ended::Already(access.clone()), "what its time ended is ended by nobody");
    // The newest first, a page at a time, until they are looked at.
    let filter = EmergencyFilter { user: Some(eve.user.id), unreviewed: true };
    let page = |cursor| PageRequest { cursor, limit: 1 };
    let newest = store.emergencies(filter, page(None)).await.unwrap();
    assert_eq!(newest.items, [ended]);
    assert_eq!(store.emergencies(filter, page(newest.next)).await.unwrap().items, std::slice::from_ref(&access));
    assert_eq!(store.unreviewed_emergencies().await.unwrap(), 2);
    let finding = Some("The client’s call is in the notes.".to_owned());
    let Reviewed::Yes(reviewed) = store.review_emergency(access.id, by("Pat Lee", 90), finding.clone()).await.unwrap()
    else {
        panic!("it is kept")
    };
    assert_eq!((&reviewed.reviewed, &reviewed.finding), (&Some(by("Pat Lee", 90)), &finding));
    let again = store.review_emergency(access.id, by("Mia Ito", 91), None).await.unwrap();
    assert_eq!(again, Reviewed::Already(reviewed.clone()));
    assert_eq!(store.emergency(access.id).await.unwrap(), Some(reviewed));
    assert_eq!(store.unreviewed_emergencies().await.unwrap(), 1);
    let nothing = EmergencyId(Uuid::nil());
    assert_eq!(store.review_emergency(nothing, by("Pat Lee", 90), None).await.unwrap(), Reviewed::NotThere);
    assert_eq!(store.end_emergency(nothing, by("Pat Lee", 90)).await.unwrap(), Ended::NotThere);
}

async fn look_ups_are_bounded_by_the_hour(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[advised("1", "Khan", None), advised("2", "Lee", None)]).await;
    let (store, eve) = (practice.store.clone(), UserId(Uuid::now_v7()));
    let most = Lookups { opened: 2, misses: 3 };
    let look = async |second| store.look_up_in_emergency(eve, most, at(second)).await.unwrap();
    let mut allowed = Vec::new();
    for second in [0, 1, 2, 3, 3600] {
        allowed.push(look(second).await);
    }
    assert_eq!(allowed, [true, true, true, false, true]);
    // What opens a household is no miss; the same once more opens none.
    let open = async |household, second| store.open_in_emergency(opened(eve, household, second), 5).await.unwrap();
    let (first, second) = (household_of(&practice, "1").await, household_of(&practice, "2").await);
    assert!(matches!(open(first, 3600).await, Opened::Yes(_)));
    for time in 3601..3610 {
        assert!(look(time).await, "{time}");
        assert!(matches!(open(first, time).await, Opened::Already(_)), "{time}");
    }
    assert!(look(3610).await);
    assert!(matches!(open(second, 3610).await, Opened::Yes(_)));
    assert!(!look(3611).await, "two were opened");
    assert!(look(7200).await);
}

async fn the_households_of_who_leaves_are_handed_over_as_they_were_shown(on: On) {
    let mut practice = Practice::new(on).await;
    practice.commit(RecordKind::Adviser, vec![adviser("7", "omar@example.com")]).await;
    let names = [("1", "Khan", Some("7")), ("2", "Lee", None), ("3", "Ngata", None), ("4", "Ito", None)];
    practice.clients(&names.map(|(id, name, of)| advised(id, name, of))).await;
    let (omar, mia) = (user("omar@example.com", Role::Adviser), user("mia@example.com", Role::Adviser));
    for one in [&omar, &mia] {
        practice.store.add_user(one.clone()).await.unwrap();
    }
    let store = practice.store.clone();
    let (omar, mia) = (omar.user.id, mia.user.id);
    // Omar is the CRM's adviser of the first, second of Mia's, staff in hers, and the first adviser of the fourth.
    let with = |access: &HouseholdAccess| NewAccess {
        secondary: Some(Professional::Account(omar)),
        ..new(access, Professional::Account(mia), Vec::new())
    };
    store.set_household_access(with(&access(&practice, "2").await)).await.unwrap();
    named(&practice, &access(&practice, "3").await, mia, vec![staff(omar, None)]).await;
    store.change_user(omar, UserChange { role: None, disabled: Some(true) }, at(0)).await.unwrap();
    let shown = store.parts_of(omar).await.unwrap();
    let part = |id: &'static str| {
        let (practice, shown) = (&practice, &shown);
        async move {
            let household = household_of(practice, id).await;
            shown.iter().find(|shown| shown.household == household).map(|shown| shown.part)
        }
    };
    assert_eq!(part("1").await, Some(Part::Primary));
    assert_eq!(part("2").await, Some(Part::Secondary));
    assert_eq!(part("3").await, Some(Part::Staff(Role::Paraplanner)));
    assert_eq!(part("4").await, None, "the first adviser is another one by now");
    let left = store.left_with_households().await.unwrap();
    assert_eq!(left.iter().map(|(account, count)| (account.user.id, *count)).collect::<Vec<_>>(), [(omar, 2)]);
    // What was changed since is not handed over unseen.
    let chosen = Chosen { by: "Pat Lee".to_owned(), at: at(5) };
    let to = Professional::Account(mia);
    let mut stale = shown.clone();
    stale[0].version += 1;
    for shown in [stale, shown[1..].to_vec()] {
        let done = store.hand_over(omar, to.clone(), shown, chosen.clone()).await.unwrap();
        assert_eq!(done, HandedOver::Stale);
    }
    assert_eq!(
        store.hand_over(omar, to.clone(), shown, chosen.clone()).await.unwrap(),
        HandedOver::Yes(Passed { households: 3, emergencies: 0 })
    );
    for (id, secondary) in [("1", None), ("2", None), ("3", None)] {
        let access = access(&practice, id).await;
        assert_eq!((&access.primary, &access.secondary, access.staff.len()), (&to, &secondary, 0), "{id}");
        assert_eq!(access.chosen, Some(chosen.clone()));
    }
    assert!(store.parts_of(omar).await.unwrap().is_empty());
    assert!(store.left_with_households().await.unwrap().is_empty());
    assert_eq!(sees(&practice, mia, at(6)).await.len(), 4, "and the fourth as the first adviser");
}

async fn the_practice_says_who_answers_where_nobody_was_named(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[advised("1", "Khan", None)]).await;
    let (omar, mia) = (user("omar@example.com", Role::Adviser), user("mia@example.com", Role::Adviser));
    for one in [&omar, &mia] {
        practice.store.add_user(one.clone()).await.unwrap();
    }
    let store = practice.store.clone();
    let who = async || store.default_primary().await.unwrap().map(|(account, said)| (account.user.id, said));
    assert_eq!(who().await, Some((omar.user.id, false)));
    assert_eq!(store.households_of_nobody().await.unwrap(), 1);
    store.set_default_primary(Some(mia.user.id)).await.unwrap();
    assert_eq!(who().await, Some((mia.user.id, true)));
    assert_eq!(sees(&practice, mia.user.id, at(0)).await.len(), 1);
    assert_eq!(sees(&practice, omar.user.id, at(0)).await, []);
    // Who can answer no more is passed over.
    store.change_user(mia.user.id, UserChange { role: Some(Role::Support), disabled: None }, at(0)).await.unwrap();
    assert_eq!(who().await, Some((omar.user.id, false)));
    store.set_default_primary(None).await.unwrap();
    assert_eq!(who().await, Some((omar.user.id, false)));
}
