//! The table, held against what was agreed, and shown in the documents.

use uuid::Uuid;

use super::*;

fn person(role: Role) -> Actor {
    let who = Who::Person { user: UserId(Uuid::nil()), is_fresh: true };
    Actor { who, name: "Ayda Khan".to_owned(), role, scopes: None }
}

fn may(actor: &Actor, action: Action) -> bool {
    matches!(authorize(actor, action, None), Decision::Allow { .. })
}

#[test]
fn roles_and_what_they_may_do() {
    use Action::{
        AddClients, ExportClients, ManageTokens, OpenInEmergency, ReadAudit, ReadBook, ReadNotes, ReadPeople, ReadRuns,
        ReadWholeBook,
    };
    let check = |role, allowed: &[Action]| {
        for rule in &RULES {
            assert_eq!(may(&person(role), rule.action), allowed.contains(&rule.action), "{role}: {:?}", rule.action);
        }
    };
    check(Role::PracticeManager, &RULES.map(|rule| rule.action));
    let seen = [ReadBook, ReadWholeBook, ReadRuns, ReadNotes, ReadPeople, ReadAudit, ManageTokens, ExportClients];
    check(Role::Compliance, &seen);
    for role in [Role::Adviser, Role::Associate, Role::Paraplanner, Role::Support] {
        check(role, &[AddClients, OpenInEmergency, ReadRuns, ReadPeople, ManageTokens]);
    }
}

#[test]
fn what_is_about_everybody_is_for_those_who_see_the_whole_practice() {
    let sees = |role, action| matches!(authorize(&person(role), action, None), Decision::Allow { .. });
    for rule in &RULES {
        for role in Role::ALL {
            let expected = matches!(rule.grant(role), Grant::Allowed(_));
            assert_eq!(sees(role, rule.action), expected, "{role}: {:?}", rule.action);
        }
    }
    let reading = Actor { scopes: Some(vec![Scope::Events]), ..person(Role::Compliance) };
    assert!(matches!(authorize(&reading, Action::ReadBook, None), Decision::Deny { .. }), "scopes hold, too");
}

#[test]
fn only_a_practice_manager_manages_integrations_and_people() {
    for action in [
        Action::ManageConnections,
        Action::ManagePeople,
        Action::ManageHouseholds,
        Action::ControlRuns,
        Action::EraseClients,
    ] {
        let allowed = Role::ALL.into_iter().filter(|role| may(&person(*role), action));
        assert_eq!(allowed.collect::<Vec<_>>(), [Role::PracticeManager], "{action:?}");
    }
}

#[test]
fn the_table_has_its_rows_and_columns_in_order() {
    for (place, rule) in RULES.iter().enumerate() {
        assert_eq!(rule.action as usize, place, "{:?}", rule.action);
        assert_eq!(super::rule(rule.action).label, rule.label);
        for role in Role::ALL {
            assert!(rule.grant(role).because().ends_with('.'), "{:?} {role}", rule.action);
        }
    }
    for (place, role) in Role::ALL.into_iter().enumerate() {
        assert_eq!((role as usize, Role::from_word(role.as_str())), (place, Some(role)));
        assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
    }
    for scope in Scope::ALL {
        assert_eq!(Scope::from_word(scope.as_str()), Some(scope));
        assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
    }
}

#[test]
fn a_token_does_what_its_scopes_and_its_maker_may() {
    let token = |role, scopes: &[Scope]| {
        let who = Who::Token { id: TokenId(Uuid::nil()), maker: Some(UserId(Uuid::nil())) };
        Actor { who, name: "nightly".to_owned(), role, scopes: Some(scopes.to_vec()) }
    };
    let check = |role, scopes: &[Scope], action, expected| {
        assert_eq!(may(&token(role, scopes), action), expected, "{role} {scopes:?} {action:?}");
    };
    check(Role::PracticeManager, &[Scope::Read], Action::ReadBook, true);
    check(Role::PracticeManager, &[Scope::Read], Action::ManageTokens, false);
    check(Role::PracticeManager, &[Scope::Read, Scope::Events], Action::WriteNotes, true);
    check(Role::PracticeManager, &[Scope::Manage], Action::ReadBook, true);
    check(Role::PracticeManager, &[], Action::ReadRuns, false);
    check(Role::Support, &[Scope::Manage], Action::ManageConnections, false);
    check(Role::Compliance, &[Scope::Read, Scope::Events], Action::WriteNotes, false);

    let has = |role, own: &[Scope], asked, expected| {
        assert_eq!(token(role, own).has(asked), expected, "{role} {own:?} {asked:?}");
    };
    has(Role::PracticeManager, &[Scope::Read], Scope::Manage, false);
    has(Role::PracticeManager, &[Scope::Manage], Scope::Events, true);
    has(Role::Support, &[Scope::Manage], Scope::Sync, false);
    assert!(!person(Role::Support).has(Scope::Manage) && person(Role::Support).has(Scope::Events));
    assert!(person(Role::PracticeManager).has(Scope::Manage) && !person(Role::Compliance).has(Scope::Write));
}

#[test]
fn in_a_household_staff_do_what_the_reasons_for_their_access_allow() {
    let actor = person(Role::Paraplanner);
    let may_here = |actor: &Actor, action, reasons: &[Reason]| {
        matches!(authorize(actor, action, Some(reasons)), Decision::Allow { .. })
    };
    let staff = |role| Reason::Staff { role, expires_at: None, reason: None };
    for reason in [Reason::Primary, Reason::Secondary, staff(Role::Support)] {
        for action in [Action::ReadBook, Action::EditClients, Action::WriteNotes, Action::ChangeGoals] {
            assert!(may_here(&actor, action, std::slice::from_ref(&reason)), "{reason:?} {action:?}");
        }
        // No access to a household makes somebody its manager.
        for action in [Action::ManageHouseholds, Action::ManageConnections, Action::ReadWholeBook] {
            assert!(!may_here(&actor, action, std::slice::from_ref(&reason)), "{reason:?} {action:?}");
        }
    }
    assert!(!may_here(&actor, Action::ReadBook, &[]));
    assert!(may_here(&person(Role::Compliance), Action::ReadBook, &[]));
    assert!(!may_here(&person(Role::Compliance), Action::EditClients, &[Reason::Primary]));
    let token = Actor { scopes: Some(vec![Scope::Events]), ..person(Role::Adviser) };
    assert!(may_here(&token, Action::WriteNotes, &[Reason::Primary]));
    assert!(!may_here(&token, Action::ReadBook, &[Reason::Primary]));
    assert!(matches!(reach(&token, Action::WriteNotes), Reach::Households { .. }));
}

/// Lists are filtered by the households that somebody has access to, whatever the reason: so one role in a household may
/// not see less than another.
#[test]
fn every_role_in_a_household_sees_it() {
    for role in household::STAFF_ROLES {
        for rule in RULES.iter().filter(|rule| matches!(rule.grant(Role::Adviser), Grant::InHouseholds(_))) {
            assert!(matches!(rule.grant(role), Grant::InHouseholds(_)), "{role} {:?}", rule.action);
        }
    }
}

#[test]
fn only_a_person_has_to_confirm_who_they_are() {
    let check = |who, expected| {
        assert_eq!(Actor { who, ..person(Role::PracticeManager) }.is_fresh(), expected, "{who:?}");
    };
    let user = UserId(Uuid::nil());
    check(Who::Person { user, is_fresh: true }, true);
    check(Who::Person { user, is_fresh: false }, false);
    check(Who::Token { id: TokenId(Uuid::nil()), maker: Some(user) }, true);
    check(Who::Operator, true);
}

/// The table of the README is this one.
#[test]
fn the_documents_show_the_table() {
    let roles = Role::ALL.map(|role| role.to_string()).join(" | ");
    let mut table = format!("| | {roles} |\n|---|{}\n", "---|".repeat(Role::ALL.len()));
    for rule in &RULES {
        let words = Role::ALL.map(|role| rule.grant(role).word()).join(" | ");
        table.push_str(&format!("| {} | {words} |\n", rule.label));
    }
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    assert!(readme.contains(&table), "README.md, \"People\", has to hold this table:\n{table}");
}
