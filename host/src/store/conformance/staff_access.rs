//! Staff's access to a household: its reasons, and what is remembered of it once it ended.

use std::collections::BTreeMap;

use super::*;
use crate::domain::access::emergency::EmergencyAccess;
use crate::domain::access::household::{Chosen, HouseholdAccess, PastAccess, Professional, StaffAccess};
use crate::domain::access::{Role, User};
use crate::domain::audit::{Act, By, Subject};
use crate::domain::privacy::ErasureReason;
use crate::domain::{EmailAddress, EmergencyId, HouseholdId, UserId};
use crate::store::access::StoredUser;
use crate::store::audit::{AuditFilter, scope};
use crate::store::erasure::ErasureRequest;
use crate::store::household_access::{AccessSet, HandedOver, LinkedBy, NewAccess, Opened, Part, Passed};

on_each_engine![
    what_ended_is_remembered_with_its_reason,
    the_latest_that_ended_are_remembered,
    reasons_that_name_an_erased_client_are_taken_away_and_no_others,
    what_ended_follows_the_household_that_it_is_joined_to,
    the_log_of_a_household_tells_who_its_professionals_of_the_crm_are,
    who_comes_with_a_household_that_is_joined_is_told,
    the_access_that_ends_later_goes_on_where_households_are_joined,
    what_is_remembered_does_not_grow_with_each_join,
    reasons_of_a_household_of_ones_own_go_wherever_they_came_to_stand,
    reasons_about_others_stay_though_a_word_of_them_is_a_name,
    reasons_about_a_namesake_who_stays_are_left,
    reasons_by_each_name_that_somebody_had_go_and_the_households_log_tells,
    who_may_answer_for_no_household_any_more_is_named_until_it_is_handed_over,
];

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn staff(user: UserId, role: Role, reason: Option<&str>) -> StaffAccess {
    let reason = reason.map(str::to_owned);
    StaffAccess { user, role, expires_at: None, reason, given_by: "Kim Osei".to_owned(), given_at: at(0) }
}

async fn access(store: &Store, household: HouseholdId) -> HouseholdAccess {
    store.household_access(household).await.unwrap().unwrap()
}

/// Sets the staff as somebody says it at a moment; answers the access.
async fn set(store: &Store, household: HouseholdId, staff: Vec<StaffAccess>, second: i64) -> HouseholdAccess {
    let before = access(store, household).await;
    let chosen = Chosen { by: "Pat Lee".to_owned(), at: at(second) };
    let (primary, secondary) = (before.primary, before.secondary);
    let new = NewAccess { household, follows: Some(before.version), primary, secondary, staff, chosen };
    match store.set_household_access(new).await.unwrap() {
        AccessSet::Yes(access) => access,
        other => panic!("{other:?}"),
    }
}

/// What is told of each that ended: the reason, who ended it and the second.
fn told(access: &HouseholdAccess) -> Vec<(Option<&str>, Option<&str>, i64)> {
    let told = |past: &'_ PastAccess| past.ended_at.as_second() - at(0).as_second();
    access.past.iter().map(|past| (past.given.reason.as_deref(), past.ended_by.as_deref(), told(past))).collect()
}

async fn of_two(on: On) -> (Practice, HouseholdId) {
    let mut practice = Practice::new(on).await;
    let linked = |id: &str, name: &str, partner: &str, is_partner| {
        let partner_external_id = Some(ExternalId(partner.to_owned()));
        Client { partner_external_id, is_partner, ..client(id, name) }
    };
    practice.clients(&[linked("7", "Ayda Quillfeather", "8", false), linked("8", "Bo Osei", "7", true)]).await;
    let household = practice.of("7").await.unwrap().household_id;
    (practice, household)
}

async fn what_ended_is_remembered_with_its_reason(on: On) {
    let (practice, household) = of_two(on).await;
    let (store, zoe, omar) = (&practice.store, UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
    let covers = staff(zoe, Role::Support, Some("Covers for Lee"));
    let first = set(store, household, vec![covers.clone(), staff(omar, Role::Associate, None)], 1).await;
    assert_eq!(first.staff[0].reason.as_deref(), Some("Covers for Lee"));
    assert_eq!(told(&first), [], "nothing ended");
    // The role is changed in place, and the same reason goes on.
    let other = StaffAccess { role: Role::Paraplanner, given_at: at(2), ..covers.clone() };
    let second = set(store, household, vec![other.clone(), staff(omar, Role::Associate, None)], 2).await;
    assert_eq!(told(&second), [(Some("Covers for Lee"), Some("Pat Lee"), 2)]);
    assert_eq!((second.past[0].given.role, second.past[0].given.given_at), (Role::Support, at(0)));
    // An end is set; what is over by its time was ended by nobody.
    let ending = StaffAccess { expires_at: Some(at(10)), reason: Some("Until Lee is back".to_owned()), ..other };
    set(store, household, vec![ending, staff(omar, Role::Associate, None)], 3).await;
    let last = set(store, household, Vec::new(), 20).await;
    let expected = [
        (None, Some("Pat Lee"), 20),
        (Some("Until Lee is back"), None, 10),
        (Some("Covers for Lee"), Some("Pat Lee"), 3),
        (Some("Covers for Lee"), Some("Pat Lee"), 2),
    ];
    assert_eq!(told(&last), expected);
    assert_eq!(access(store, household).await, last);
    let reasons = store.access_reasons(zoe, household, at(4)).await.unwrap();
    assert_eq!(reasons, [], "what ended gives nobody access");
}

async fn the_latest_that_ended_are_remembered(on: On) {
    let (practice, household) = of_two(on).await;
    let user = UserId(Uuid::now_v7());
    for second in 0..210 {
        let given = staff(user, Role::Support, Some(&format!("the {second}th time")));
        set(&practice.store, household, vec![given], second).await;
    }
    let kept = access(&practice.store, household).await;
    let (first, last) = (kept.past.first().unwrap(), kept.past.last().unwrap());
    assert_eq!(kept.past.len(), 200);
    assert_eq!(first.given.reason.as_deref(), Some("the 208th time"));
    assert_eq!(last.given.reason.as_deref(), Some("the 9th time"));
}

async fn reasons_that_name_an_erased_client_are_taken_away_and_no_others(on: On) {
    let (practice, household) = of_two(on).await;
    let (store, zoe) = (&practice.store, UserId(Uuid::now_v7()));
    set(store, household, vec![staff(zoe, Role::Support, Some("Mrs Quillfeather is in hospital"))], 1).await;
    set(store, household, vec![staff(zoe, Role::Support, Some("Helps Bo with the move"))], 2).await;
    set(store, household, vec![staff(zoe, Role::Adviser, Some("Quillfeather estate"))], 3).await;
    let ayda = practice.of("7").await.unwrap().id;
    let request =
        ErasureRequest { by: "Kim Osei".to_owned(), by_account: None, reason: ErasureReason::Asked, at: at(4) };
    store.erase(ayda, request).await.unwrap().unwrap();
    let left = access(store, household).await;
    let gone = Some("Taken away with a client who was erased.");
    assert_eq!(left.staff[0].reason.as_deref(), gone);
    assert_eq!(told(&left), [(Some("Helps Bo with the move"), Some("Pat Lee"), 3), (gone, Some("Pat Lee"), 2)]);
    let bo = practice.of("8").await.unwrap().id;
    let request =
        ErasureRequest { by: "Kim Osei".to_owned(), by_account: None, reason: ErasureReason::Asked, at: at(5) };
    store.erase(bo, request).await.unwrap().unwrap();
    assert_eq!(store.household_access(household).await.unwrap(), None, "nobody is left in it");
}

async fn what_ended_follows_the_household_that_it_is_joined_to(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan"), client("8", "Bo Osei")]).await;
    let user = UserId(Uuid::now_v7());
    for (id, second) in [("7", 1), ("8", 3)] {
        let household = practice.of(id).await.unwrap().household_id;
        let reason = format!("for {id}");
        set(&practice.store, household, vec![staff(user, Role::Support, Some(&reason))], second).await;
        set(&practice.store, household, Vec::new(), second + 1).await;
    }
    let linked = |id: &str, name: &str, partner: &str, is_partner| {
        let partner_external_id = Some(ExternalId(partner.to_owned()));
        Client { partner_external_id, is_partner, ..client(id, name) }
    };
    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Bo Osei", "7", true)]).await;
    let joined = practice.of("8").await.unwrap().household_id;
    let pat = Some("Pat Lee");
    let both = [(Some("for 8"), pat, 4), (Some("for 7"), pat, 2)];
    assert_eq!(told(&access(&practice.store, joined).await), both);
    // They part again: each household has what was remembered until then, with reasons of its own.
    practice.clients(&[client("7", "Ayda Khan"), client("8", "Bo Osei")]).await;
    let (one, other) = (practice.of("7").await.unwrap(), practice.of("8").await.unwrap());
    assert_ne!(one.household_id, other.household_id);
    assert_eq!(told(&access(&practice.store, other.household_id).await), both);
    let request =
        ErasureRequest { by: "Kim Osei".to_owned(), by_account: None, reason: ErasureReason::Asked, at: at(9) };
    practice.store.erase(one.id, request).await.unwrap().unwrap();
    assert_eq!(told(&access(&practice.store, other.household_id).await), both);
}

async fn the_log_of_a_household_tells_who_its_professionals_of_the_crm_are(on: On) {
    let mut practice = Practice::new(on).await;
    let advised = Client { adviser_external_id: Some(ExternalId("501".to_owned())), ..client("7", "Ayda Khan") };
    practice.clients(&[advised, client("8", "Bo Osei")]).await;
    let (store, connection) = (practice.store.clone(), practice.run.connection.clone());
    let act = || Act::done(By::nobody(), "", "household_access.link_professional", Subject::of_kind("connection"));
    let user = UserId(Uuid::now_v7());
    for to in [LinkedBy::Hand(user), LinkedBy::Nobody, LinkedBy::Email] {
        let link = store.link_professional(connection.clone(), ExternalId("501".to_owned()), to);
        let (done, _) = scope::enter(act(), link).await;
        done.unwrap();
    }
    let told = async |id: &str| {
        let household = Some(practice.of(id).await.unwrap().household_id);
        let found = store.audit(AuditFilter { household, ..AuditFilter::default() }, first(9)).await.unwrap().items;
        let detail = |entry: crate::domain::audit::Entry| entry.act.detail.split(',').next().unwrap().to_owned();
        found.into_iter().map(detail).collect::<Vec<_>>()
    };
    let said = ["by email".to_owned(), "is nobody".to_owned(), format!("is account {user}")];
    assert_eq!(told("7").await, said.map(|said| format!("user 501 of the CRM {said}")));
    assert_eq!(told("8").await, [""; 0], "nobody of the CRM answers for it");
}

async fn who_comes_with_a_household_that_is_joined_is_told(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Ayda Khan"), client("8", "Bo Osei")]).await;
    let [kept, lost] = ["7", "8"].map(|id| id.to_owned());
    let (kept, lost) = (practice.of(&kept).await.unwrap(), practice.of(&lost).await.unwrap());
    let store = practice.store.clone();
    let (zoe, omar) = (UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
    for household in [kept.household_id, lost.household_id] {
        assert_eq!(access(&store, household).await.joined_at, None);
        let open = EmergencyAccess {
            id: EmergencyId(Uuid::now_v7()),
            user: omar,
            household,
            reason: "Somebody rang".to_owned(),
            opened_at: Timestamp::UNIX_EPOCH,
            ends_at: Timestamp::MAX,
            ended: None,
            reviewed: None,
            finding: None,
        };
        assert!(matches!(store.open_in_emergency(open, 5).await.unwrap(), Opened::Yes(_)));
    }
    set(&store, lost.household_id, vec![staff(zoe, Role::Associate, Some("Lee is away"))], 1).await;
    let linked = |id: &str, name: &str, partner: &str, is_partner| {
        let partner_external_id = Some(ExternalId(partner.to_owned()));
        Client { partner_external_id, is_partner, ..client(id, name) }
    };
    practice.clients(&[linked("7", "Ayda Khan", "8", false), linked("8", "Bo Osei", "7", true)]).await;
    let joined = access(&store, practice.of("8").await.unwrap().household_id).await;
    assert!(joined.joined_at.is_some() && joined.staff.iter().any(|given| given.user == zoe), "{joined:?}");
    let log = async |verb: &str| {
        let filter = AuditFilter { verb: Some(verb.to_owned()), ..AuditFilter::default() };
        store.audit(filter, first(9)).await.unwrap().items
    };
    let told = log("household_access.join").await;
    let [of_lost, entry] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(of_lost.act.household, Some(lost.household_id));
    assert_eq!(of_lost.act.detail, format!("it was joined to household {}", kept.household_id));
    assert_eq!(entry.act.household, Some(joined.household));
    // The household of the primary client is the one that stays.
    assert_eq!((joined.household, joined.primary.clone()), (kept.household_id, Professional::FirstAdviser));
    let came = format!("household {} was joined to it; account {zoe} as associate", lost.household_id);
    assert_eq!(entry.act.detail, came);
    // What was opened of one of them would show the people of both.
    assert_eq!(store.emergencies_open_to(omar, at(9)).await.unwrap(), []);
    let ended = log("emergency.end").await;
    let of: Vec<_> = ended.iter().map(|entry| entry.act.household).collect();
    assert_eq!(of, [Some(joined.household); 2], "where they are found: {ended:?}");
    // They part again: nobody is told that a household was joined to the one that went.
    practice.clients(&[client("7", "Ayda Khan"), client("8", "Bo Osei")]).await;
    let apart = access(&store, practice.of("8").await.unwrap().household_id).await;
    assert_eq!((apart.joined_at, apart.staff.len()), (None, 1));
    assert_eq!(log("household_access.part").await[0].act.household, Some(apart.household));
}

async fn who_may_answer_for_no_household_any_more_is_named_until_it_is_handed_over(on: On) {
    let mut practice = Practice::new(on).await;
    let of_crm = Adviser {
        external_id: ExternalId("501".to_owned()),
        first_name: Some("Omar".to_owned()),
        last_name: Some("Aziz".to_owned()),
        email: Some(EmailAddress::try_from("omar@example.com".to_owned()).unwrap()),
        active: true,
    };
    practice.commit(RecordKind::Adviser, vec![incoming("501", Outcome::Adviser(of_crm))]).await;
    let advised = Client { adviser_external_id: Some(ExternalId("501".to_owned())), ..client("7", "Ayda Khan") };
    practice.clients(&[advised]).await;
    let store = practice.store.clone();
    let user = User {
        id: UserId(Uuid::now_v7()),
        email: EmailAddress::try_from("omar@example.com".to_owned()).unwrap(),
        name: "Omar Aziz".to_owned(),
        role: Role::Associate,
    };
    let id = user.id;
    store.add_user(StoredUser::new(user, Some("$argon2id$".to_owned()))).await.unwrap();
    let household = practice.of("7").await.unwrap().household_id;
    assert_eq!(store.access_reasons(id, household, at(0)).await.unwrap(), [], "an associate answers for none");
    let left = store.left_with_households().await.unwrap();
    assert_eq!(left.iter().map(|(account, count)| (account.user.id, *count)).collect::<Vec<_>>(), [(id, 1)]);
    let parts = store.parts_of(id).await.unwrap();
    assert_eq!(parts.iter().map(|part| (part.household, part.part)).collect::<Vec<_>>(), [(household, Part::Primary)]);
    let (to, chosen) = (Professional::Account(UserId(Uuid::now_v7())), Chosen { by: "Pat Lee".to_owned(), at: at(1) });
    let done = store.hand_over(id, to.clone(), parts, chosen).await.unwrap();
    assert_eq!(done, HandedOver::Yes(Passed { households: 1, emergencies: 0 }));
    assert_eq!(access(&store, household).await.primary, to);
    assert!(store.left_with_households().await.unwrap().is_empty());
}

fn couple(names: [&str; 2]) -> [Client; 2] {
    let linked = |id: &str, name: &str, partner: &str, is_partner| {
        let partner_external_id = Some(ExternalId(partner.to_owned()));
        Client { partner_external_id, is_partner, ..client(id, name) }
    };
    [linked("7", names[0], "8", false), linked("8", names[1], "7", true)]
}

/// Erases somebody; answers the reasons that went of others' households.
async fn erase(practice: &Practice, id: &str) -> BTreeMap<HouseholdId, u64> {
    let client = practice.of(id).await.unwrap().id;
    let request =
        ErasureRequest { by: "Kim Osei".to_owned(), by_account: None, reason: ErasureReason::Asked, at: at(99) };
    let rehearsed = practice.store.rehearse_erasure(client, at(99)).await.unwrap().unwrap().reasons;
    let (_, counts) = practice.store.erase(client, request).await.unwrap().unwrap();
    assert_eq!(rehearsed, counts.reasons);
    counts.reasons
}

async fn the_access_that_ends_later_goes_on_where_households_are_joined(on: On) {
    let until = |second: Option<i64>, reason: &str, user| StaffAccess {
        expires_at: second.map(at),
        ..staff(user, Role::Support, Some(reason))
    };
    for [kept, lost, ends_last] in [[Some(5), None, None], [None, Some(5), None], [Some(6), Some(5), Some(6)]] {
        let mut practice = Practice::new(on).await;
        practice.clients(&[client("7", "Ayda Khan"), client("8", "Bo Osei")]).await;
        let user = UserId(Uuid::now_v7());
        for (id, end) in [("7", kept), ("8", lost)] {
            let household = practice.of(id).await.unwrap().household_id;
            set(&practice.store, household, vec![until(end, &format!("for {id}"), user)], 1).await;
        }
        practice.clients(&couple(["Ayda Khan", "Bo Osei"])).await;
        let joined = access(&practice.store, practice.of("8").await.unwrap().household_id).await;
        let [given] = joined.staff.as_slice() else { panic!("{joined:?}") };
        assert_eq!(given.expires_at, ends_last.map(at));
        let [past] = joined.past.as_slice() else { panic!("{joined:?}") };
        assert_ne!(past.given.reason, given.reason, "the other is remembered");
    }
}

async fn what_is_remembered_does_not_grow_with_each_join(on: On) {
    let mut practice = Practice::new(on).await;
    let apart = [client("7", "Ayda Khan"), client("8", "Bo Osei")];
    practice.clients(&apart).await;
    let household = practice.of("8").await.unwrap().household_id;
    set(&practice.store, household, vec![staff(UserId(Uuid::now_v7()), Role::Support, Some("for 8"))], 1).await;
    set(&practice.store, household, Vec::new(), 2).await;
    for _ in 0..4 {
        practice.clients(&couple(["Ayda Khan", "Bo Osei"])).await;
        practice.clients(&apart).await;
    }
    for id in ["7", "8"] {
        let known = access(&practice.store, practice.of(id).await.unwrap().household_id).await;
        assert_eq!(told(&known), [(Some("for 8"), Some("Pat Lee"), 2)], "of {id}");
    }
}

async fn reasons_of_a_household_of_ones_own_go_wherever_they_came_to_stand(on: On) {
    let mut practice = Practice::new(on).await;
    let apart = [client("7", "Ayda Khan"), client("8", "Bo Osei")];
    practice.clients(&apart).await;
    let user = UserId(Uuid::now_v7());
    for (id, reason, second) in [("8", "about the move", 1), ("7", "about the boat", 3)] {
        let household = practice.of(id).await.unwrap().household_id;
        set(&practice.store, household, vec![staff(user, Role::Support, Some(reason))], second).await;
        set(&practice.store, household, Vec::new(), second + 1).await;
    }
    practice.clients(&couple(["Ayda Khan", "Bo Osei"])).await;
    practice.clients(&apart).await;
    let boat = (Some("about the boat"), Some("Pat Lee"), 4);
    let gone = (Some("Taken away with a client who was erased."), Some("Pat Lee"), 2);
    erase(&practice, "8").await;
    let left = access(&practice.store, practice.of("7").await.unwrap().household_id).await;
    assert_eq!(told(&left), [boat, gone]);
}

async fn reasons_about_others_stay_though_a_word_of_them_is_a_name(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Will Long"), client("8", "Bo Osei")]).await;
    let (store, user) = (&practice.store, UserId(Uuid::now_v7()));
    let (own, other) = (practice.of("7").await.unwrap().household_id, practice.of("8").await.unwrap().household_id);
    let kept = "She will be away for long";
    for (second, reason) in [(1, kept), (2, "A cousin of Will Long’s"), (3, "Long, Will rang"), (4, "Until May")] {
        set(store, other, vec![staff(user, Role::Support, Some(reason))], second).await;
    }
    set(store, own, vec![staff(user, Role::Support, Some("Will’s divorce"))], 1).await;
    erase(&practice, "7").await;
    let left = access(store, other).await;
    let gone = "Taken away with a client who was erased.";
    assert_eq!(left.staff[0].reason.as_deref(), Some("Until May"));
    assert_eq!(told(&left).iter().map(|(reason, ..)| reason.unwrap()).collect::<Vec<_>>(), [gone, gone, kept]);
}

async fn reasons_about_a_namesake_who_stays_are_left(on: On) {
    let mut practice = Practice::new(on).await;
    practice.clients(&[client("7", "Mary Stone"), client("8", "MARY Stone"), client("9", "Bo Osei")]).await;
    let user = UserId(Uuid::now_v7());
    let (own, other) = (practice.of("7").await.unwrap().household_id, practice.of("9").await.unwrap().household_id);
    let reason = "Mary Stone asked for Sam";
    for household in [own, other] {
        set(&practice.store, household, vec![staff(user, Role::Support, Some(reason))], 1).await;
    }
    assert_eq!(erase(&practice, "8").await, BTreeMap::new());
    for household in [own, other] {
        assert_eq!(access(&practice.store, household).await.staff[0].reason.as_deref(), Some(reason));
    }
    assert_eq!(erase(&practice, "7").await, BTreeMap::from([(other, 1)]), "nobody else is called so now");
}

async fn reasons_by_each_name_that_somebody_had_go_and_the_households_log_tells(on: On) {
    let mut practice = Practice::new(on).await;
    for name in ["Cory Client", "Cory Middle", "Cory Third"] {
        practice.clients(&[client("7", name), client("8", "Bo Osei")]).await;
    }
    let (store, user) = (practice.store.clone(), UserId(Uuid::now_v7()));
    let household = practice.of("8").await.unwrap().household_id;
    for (second, name) in [(1, "Client"), (2, "Middle"), (3, "Fourth")] {
        let given = vec![staff(user, Role::Support, Some(&format!("Cory {name} is his tenant")))];
        set(&store, household, given, second).await;
    }
    let before = access(&store, household).await;
    let act = Act::done(By::nobody(), "", "privacy.erase", Subject::of_kind("client"));
    let (went, _) = scope::enter(act, erase(&practice, "7")).await;
    assert_eq!(went, BTreeMap::from([(household, 2)]));
    let after = access(&store, household).await;
    assert_eq!(after.version, before.version + 1, "whoever looked at the words before writes none of them again");
    let gone = Some("Taken away with a client who was erased.");
    assert_eq!(after.staff[0].reason.as_deref(), Some("Cory Fourth is his tenant"));
    assert_eq!(told(&after).iter().map(|(reason, ..)| *reason).collect::<Vec<_>>(), [gone, gone]);
    let filter = AuditFilter { household: Some(household), ..AuditFilter::default() };
    let log = store.audit(filter, first(9)).await.unwrap().items;
    let [entry] = log.as_slice() else { panic!("{log:?}") };
    assert!(entry.act.detail.starts_with("reasons of access that named the client went, by entry"), "{log:?}");
}
