//! Pages about people: who can sign in, one of them, the roles, one's own account, and the links.

use uuid::Uuid;

use super::{at, check, clock, layout};
use crate::domain::access::provider::GroupsNote;
use crate::domain::access::{Action, Role, Scope};
use crate::domain::account::{AccountState, ApiToken, LinkedIdentity};
use crate::domain::field::FieldError;
use crate::domain::{Timestamp, TokenId};
use crate::web::account::AccountPage;
use crate::web::account::confirm::ConfirmPage;
use crate::web::account::second_factor::{CodesPage, FactorSection, SetUpPage};
use crate::web::account::tokens::{ScopeChoice, TokenRow};
use crate::web::answers::Checked;
use crate::web::components::{Moment, Paging};
use crate::web::inputs::PlainInput;
use crate::web::join::JoinPage;
use crate::web::layout::{Layout, Section};
use crate::web::once::Shown;
use crate::web::people::invite::{InviteForm, InvitePage};
use crate::web::people::person::{IdentityLine, PersonPage};
use crate::web::people::roles::RolesPage;
use crate::web::people::{Left, PeoplePage, Row, SessionRow, badge, title};
use crate::web::sign_in::code::CodePage;

const LONGEST: &str = "Wilhelmina Konstantinopoulos-Featherstonehaugh of the Northern Beaches";

fn row(name: &str, email: &str, role: Role, state: AccountState, signed_in: Option<&str>) -> Row {
    Row {
        path: "/people/0192f0c4-7d1e-7000-8000-000000000001".to_owned(),
        name: name.to_owned(),
        email: email.to_owned(),
        role: title(role),
        state: badge(state),
        signed_in: signed_in.map(|text| Moment::new(at(text), &clock())),
        is_self: state == AccountState::Active,
    }
}

fn session(device: &str, is_current: bool) -> SessionRow {
    SessionRow {
        device: device.to_owned(),
        address: "192.0.2.7".to_owned(),
        opened: Moment::new(at("2026-11-21T22:00:00Z"), &clock()),
        used: Moment::new(at("2026-11-22T00:20:00Z"), &clock()),
        is_current,
        end: "/account/sessions/0192f0c4-7d1e-7000-8000-000000000002/end".to_owned(),
    }
}

fn problem(field: &str, message: &str) -> FieldError {
    FieldError::new(field, message)
}

#[test]
fn people() {
    let rows = vec![
        row(
            "Pat Lee",
            "pat.lee@example.com",
            Role::PracticeManager,
            AccountState::Active,
            Some("2026-11-21T22:00:00Z"),
        ),
        row(LONGEST, "w.kf@example.com", Role::Adviser, AccountState::Invited, None),
        row("<b>Bo</b>", "bo@example.com", Role::Support, AccountState::Disabled, Some("2026-01-02T03:04:00Z")),
    ];
    let paging = Paging::new("/people", "", None, Some("next"));
    check(
        "people",
        &PeoplePage {
            layout: layout(Section::People),
            checked: None,
            rows,
            paging,
            left: vec![Left {
                message: "Omar Aziz is disabled, and is named as a professional of 12 households.".to_owned(),
                path: "/people/0192f0c4-7d1e-7000-8000-000000000003/hand-over".to_owned(),
            }],
            default_primary: None,
        },
    );
    let paging = Paging::new("/people", "", None, None);
    check(
        "people_empty",
        &PeoplePage {
            layout: layout(Section::People),
            checked: None,
            rows: Vec::new(),
            paging,
            left: Vec::new(),
            default_primary: None,
        },
    );
}

fn person(name: &str, state: AccountState) -> PersonPage {
    PersonPage {
        layout: layout(Section::People),
        path: "/people/0192f0c4-7d1e-7000-8000-000000000001".to_owned(),
        name: name.to_owned(),
        email: "omar@example.com".to_owned(),
        role: Role::Adviser,
        state: badge(state),
        sentence: "Can sign in.",
        is_by_provider: false,
        is_disabled: state == AccountState::Disabled,
        is_invited: state == AccountState::Invited,
        signed_in: None,
        link_ends: None,
        has_password: true,
        identity: None,
        checked: None,
        link: None,
        tokens: 0,
        role_problem: None,
        sessions: Vec::new(),
        has_second_factor: false,
        wants_second_factor: false,
        is_self: false,
    }
}

fn identity(note: Option<GroupsNote>, ended_at: Option<Timestamp>) -> IdentityLine {
    let (issuer, linked_at) = ("https://login.acme.example/realms/practice".to_owned(), at("2026-11-20T00:00:00Z"));
    IdentityLine::new(LinkedIdentity { issuer, linked_at, note, ended_at, is_retired: false }, &clock())
}

#[test]
fn one_person() {
    let checked = Some(Checked::good("Omar is in the role adviser from now on.".to_owned()));
    let sessions = vec![session("Firefox on Windows", false)];
    check("person", &PersonPage { checked, sessions, ..person("Omar", AccountState::Active) });
    check("person_disabled", &person("Omar", AccountState::Disabled));
    let ends = || Moment::new(at("2026-11-25T00:26:00Z"), &clock());
    let url = "https://tidegate.acme.example/join/invented-token-of-an-invitation".to_owned();
    let link = Some(Shown::Now(url));
    let asked =
        PersonPage { has_second_factor: true, wants_second_factor: true, ..person("Omar", AccountState::Active) };
    check("person_second_factor", &asked);
    check("person_invited", &PersonPage { link, link_ends: Some(ends()), ..person(LONGEST, AccountState::Invited) });
    let role_problem = Some("Choose what the person may do.".to_owned());
    let shown = person("Omar", AccountState::Active);
    check("person_refused", &PersonPage { link: Some(Shown::Before), tokens: 2, role_problem, ..shown });
    let linked = PersonPage {
        has_password: false,
        identity: Some(identity(Some(GroupsNote::LastManager), None)),
        ..person("Omar", AccountState::Active)
    };
    check("person_linked", &linked);
    let ended = PersonPage { identity: Some(identity(None, Some(at("2026-11-22T00:20:00Z")))), ..linked };
    check("person_ended_by_groups", &PersonPage { is_disabled: true, state: badge(AccountState::Disabled), ..ended });
    let seen_by_staff = Layout { allowed: vec![Action::ReadPeople], ..layout(Section::People) };
    check("person_for_staff", &PersonPage { layout: seen_by_staff, ..person("Omar", AccountState::Active) });
}

#[test]
fn roles() {
    check("roles", &RolesPage { layout: layout(Section::People) });
    let layout =
        Layout { allowed: vec![Action::ReadRuns, Action::ReadPeople, Action::ManageTokens], ..layout(Section::People) };
    check("roles_for_staff", &RolesPage { layout });
}

#[test]
fn inviting() {
    let form = InviteForm::default();
    check("invite", &InvitePage::new(layout(Section::People), &form, Vec::new()));
    let problems = vec![
        problem("email", "This is not an email address such as pat.lee@example.com."),
        problem("role", "Choose what the person may do."),
    ];
    check("invite_refused", &InvitePage::new(layout(Section::People), &form, problems));
}

#[test]
fn joining() {
    let view = |problems: Vec<FieldError>| JoinPage {
        tokens: problems.len() * 3,
        practice: "Acme Advice".to_owned(),
        token: "invented-token".to_owned(),
        name: "Omar".to_owned(),
        email: "omar@example.com".to_owned(),
        password: PlainInput::new_password("Password").problems(&problems),
        problems,
    };
    check("join", &view(Vec::new()));
    check("join_refused", &view(vec![problem("password", "Choose a password of at least 12 characters.")]));
}

#[test]
fn confirming() {
    let problems = vec![problem("current_password", "This is not your password.")];
    let password = PlainInput::current_password("current_password").problems(&problems);
    let view = ConfirmPage {
        layout: layout(Section::Account),
        to: "/people".to_owned(),
        password: Some(password),
        code: Some(PlainInput::code()),
        provider: None,
        problems,
    };
    check("confirm", &view);
    let provider = Some("Acme login".to_owned());
    check("confirm_by_provider", &ConfirmPage { password: None, code: None, provider, problems: Vec::new(), ..view });
}

/// What the account says of a second factor that it has, or has not.
fn factor(has_one: bool, problems: &[FieldError]) -> FactorSection {
    let moment = |text| Moment::new(at(text), &clock());
    FactorSection {
        since: has_one.then(|| moment("2026-03-01T13:00:00Z")),
        is_wanted: false,
        left: 2,
        of: 10,
        last_used: has_one.then(|| moment("2026-11-01T13:00:00Z")),
        are_few: true,
        codes_code: PlainInput::code().id("codes-code").problems(problems),
        removal_code: PlainInput::code().id("removal-code").problems(problems),
    }
}

#[test]
fn the_second_factor() {
    let problems = vec![problem("code", "This code is not accepted.")];
    let code = |problems: &[FieldError]| PlainInput::code().problems(problems);
    let step = |problems: Vec<FieldError>| CodePage {
        practice: "Acme Advice".to_owned(),
        step: "invented-token".to_owned(),
        to: "/households".to_owned(),
        code: code(&problems),
        problems,
    };
    check("sign_in_code", &step(Vec::new()));
    check("sign_in_code_refused", &step(problems.clone()));
    let set_up = SetUpPage {
        layout: Layout { allowed: Vec::new(), ..layout(Section::Account) },
        is_wanted: true,
        picture: None,
        address: "otpauth://totp/Acme%20Advice:pat%40example.com?secret=GEZD&issuer=Acme%20Advice".to_owned(),
        secret: "GEZD GNBV".to_owned(),
        code: code(&problems),
        problems,
    };
    check("second_factor_refused", &set_up);
    let codes = vec!["0123-4567-8901-2345-6789".to_owned(), "9876-5432-1098-7654-3210".to_owned()];
    check("recovery_codes", &CodesPage { layout: layout(Section::Account), codes });
    check("recovery_codes_before", &CodesPage { layout: layout(Section::Account), codes: Vec::new() });
}

#[test]
fn my_account() {
    let token = |name: &str, ends: Option<&str>, used: Option<&str>| {
        let token = ApiToken {
            id: TokenId(Uuid::nil()),
            name: name.to_owned(),
            scopes: vec![Scope::Read, Scope::Events],
            maker: None,
            maker_name: "Pat Lee".to_owned(),
            made_with: None,
            made_at: at("2026-01-02T03:04:00Z"),
            expires_at: ends.map(at),
            used_at: used.map(at),
        };
        TokenRow::new(token, &clock())
    };
    let view = |problems: Vec<FieldError>| AccountPage {
        layout: layout(Section::Account),
        role: "practice manager".to_owned(),
        username: "pat.lee@example.com".to_owned(),
        checked: None,
        token: None,
        name: PlainInput::text("name", "Name", "Pat Lee").problems(&problems),
        email: PlainInput::email("pat.lee@example.com").problems(&problems),
        email_password: PlainInput::current_password("email-current_password").problems(&problems),
        current_password: PlainInput::current_password("current_password").problems(&problems),
        new_password: PlainInput::new_password("New password").problems(&problems),
        has_password: true,
        identity: None,
        factor: factor(!problems.is_empty(), &problems),
        sessions: vec![session("Firefox on Linux", true), session("curl", false)],
        tokens: vec![
            token("Nightly report", None, Some("2026-11-22T00:20:00Z")),
            token("Portal", Some("2026-12-31T13:00:00Z"), None),
            token(LONGEST, Some("2026-03-01T13:00:00Z"), None),
        ],
        is_fresh: problems.is_empty(),
        token_name: PlainInput::text("name", "What it is for", "").id("token-name").problems(&problems),
        scopes: vec![ScopeChoice { word: "read", purpose: Scope::Read.purpose(), is_chosen: true }],
        scopes_problem: None,
        token_ends: PlainInput::day("expires_at", "Ends after", "").id("token-expires_at"),
        problems,
    };
    check("account", &AccountPage { token: Some(Shown::Now("tg_invented".to_owned())), ..view(Vec::new()) });
    let identity = Some(identity(Some(GroupsNote::Absent), None));
    check("account_linked", &AccountPage { has_password: false, identity, tokens: Vec::new(), ..view(Vec::new()) });
    let problems = vec![problem("email-current_password", "This is not your password.")];
    check("account_refused", &AccountPage { tokens: Vec::new(), ..view(problems) });
}
