//! The second factor, end to end over a real store.

use super::*;
use crate::access::second_factor::NotEntered;
use crate::access::second_factor::totp_for_tests::shown;

const EMAIL: &str = "pat.lee@example.com";

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// Somebody with a second factor, set up by the code of the first moment.
struct Enrolled {
    access: Access,
    secret: SecretString,
    codes: Vec<SecretString>,
    session: Session,
}

impl Enrolled {
    async fn new(folder: &tempfile::TempDir) -> Self {
        Self::by(folder, SecondFactorRule::Optional).await
    }

    async fn by(folder: &tempfile::TempDir, rule: SecondFactorRule) -> Self {
        let access = access_by(folder, rule);
        access.add_user(pat(), at(0)).await.unwrap();
        let session = access.sign_in(EMAIL, &PASSWORD.into(), HERE.into(), second(0)).await.unwrap().session;
        let secret = access.secret_to_set_up(&session, second(0));
        let code = shown(&secret, second(0));
        let codes = access.set_up_second_factor(&session, &code, second(0)).await.unwrap();
        let session = Session { second_factor: FactorState::On, ..session };
        Self { access, secret, codes, session }
    }

    fn code(&self, at: i64) -> String {
        shown(&self.secret, second(at))
    }

    /// The token of a sign-in that waits for its code.
    async fn half(&self, source: Source, now: i64) -> SecretString {
        match self.access.sign_in(EMAIL, &PASSWORD.into(), source.into(), second(now)).await {
            Err(SignInError::CodeWanted { half: Some(half) }) => half,
            other => panic!("{other:?}"),
        }
    }

    /// The whole of a sign-in.
    async fn enter(&self, code: &str, source: Source, now: i64) -> Result<SignedIn, SignInError> {
        let half = self.half(source, now).await;
        let entered = self.access.sign_in_by_code(half.expose_secret(), code, source.into(), second(now)).await;
        entered.map_err(|NotEntered { error, .. }| error)
    }
}

fn fault(outcome: Result<SignedIn, SignInError>) -> CodeFault {
    match outcome {
        Err(SignInError::CodeRefused(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_code_opens_once_and_no_code_of_its_time_or_before_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    assert_eq!(fault(pat.enter(&pat.code(0), HERE, 5).await), CodeFault::Used, "it was given to set it up");
    let signed_in = pat.enter(&pat.code(30), HERE, 35).await.unwrap();
    let token = signed_in.token.expose_secret();
    let session = pat.access.session(token, second(36)).await.unwrap().unwrap();
    assert_eq!((session.second_factor, session.is_fresh(second(36))), (FactorState::On, true));
    assert_eq!(fault(pat.enter(&pat.code(30), THERE, 40).await), CodeFault::Used);
    assert_eq!(fault(pat.enter(&pat.code(0), HERE, 41).await), CodeFault::Used, "nor one of before");
    pat.enter(&pat.code(90), HERE, 65).await.unwrap();
    assert_eq!(fault(pat.enter(&pat.code(60), HERE, 66).await), CodeFault::Used, "nor one that was passed over");
    let (one, two) = {
        let code = pat.code(120);
        tokio::join!(pat.enter(&code, HERE, 121), pat.enter(&code, THERE, 121))
    };
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_and_what_it_tells_opens_nothing_later() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    let early = pat.code(400);
    assert_eq!(fault(pat.enter(&early, HERE, 200).await), CodeFault::ClocksDiffer(4));
    assert_eq!(fault(pat.enter(&early, HERE, 395).await), CodeFault::Used, "whoever guessed it knows by now");
    assert_eq!(fault(pat.enter(&pat.code(110), HERE, 200).await), CodeFault::ClocksDiffer(2));
    assert_eq!(fault(pat.enter("123456", HERE, 200).await), CodeFault::Wrong);
    pat.enter(&pat.code(430), HERE, 401).await.unwrap();
}

#[tokio::test]
async fn wrong_codes_count_over_sign_ins_and_a_right_password_forgets_none() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    for _ in 0..6 {
        assert_eq!(fault(pat.enter("000000", THERE, 100).await), CodeFault::Wrong);
    }
    let right = pat.code(100);
    let held = pat.enter(&right, THERE, 100).await;
    assert!(matches!(held, Err(SignInError::TooMany { .. })), "{held:?}");
    // The same by a program, and by whoever confirms who they are.
    let password = PASSWORD.into();
    let program = pat.access.sign_in_program(EMAIL, &password, Some(&right), THERE.into(), second(100)).await;
    assert!(matches!(program, Err(SignInError::TooMany { .. })), "{program:?}");
    let confirmed = pat.access.confirm(&pat.session, (&password, &right), &THERE.into(), second(100)).await;
    assert!(matches!(confirmed, Err(SignInError::TooMany { .. })), "{confirmed:?}");
    pat.enter(&right, HERE, 101).await.unwrap();
}

#[tokio::test]
async fn a_guesser_with_many_addresses_is_held_up_and_a_recovery_code_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    let key = token::digest(&format!("the codes of {}", pat.session.user.id));
    for number in 0..40_u32 {
        let everywhere = std::net::Ipv4Addr::from_bits(0x0B00_0000 + number).into();
        let begun = lock(&pat.access.throttle).begin_code(everywhere, key, second(100));
        match begun {
            Begun::Admitted(_) => lock(&pat.access.throttle).end_code(everywhere, key, Ended::Wrong, second(100)),
            _ => assert!(number > 20, "{number} {begun:?}"),
        }
    }
    let held = pat.enter(&pat.code(100), HERE, 100).await;
    assert!(matches!(held, Err(SignInError::TooMany { .. })), "{held:?}");
    pat.enter(pat.codes[0].expose_secret(), HERE, 100).await.unwrap();
}

#[tokio::test]
async fn what_waits_for_a_code_is_taken_once_and_for_five_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    let by = async |half: &str, code: &str, now| pat.access.sign_in_by_code(half, code, HERE.into(), second(now)).await;
    let half = pat.half(HERE, 100).await;
    let Err(NotEntered { half: Some(next), .. }) = by(half.expose_secret(), "000000", 101).await else { panic!() };
    let again = by(half.expose_secret(), &pat.code(100), 102).await;
    assert!(matches!(again, Err(NotEntered { error: SignInError::HalfIsOver, half: None })), "{again:?}");
    by(next.expose_secret(), &format!(" {} ", pat.code(100)), 103).await.unwrap();
    let late = pat.half(HERE, 200).await;
    let late = by(late.expose_secret(), &pat.code(500), 500).await;
    assert!(matches!(late, Err(NotEntered { error: SignInError::HalfIsOver, .. })), "{late:?}");
    // It is a session's token nowhere.
    let half = pat.half(HERE, 600).await;
    assert!(pat.access.session(half.expose_secret(), second(601)).await.unwrap().is_none());
    assert!(held(&pat.access, half.expose_secret(), 11).await.is_none());
}

#[tokio::test]
async fn a_password_that_changes_in_between_ends_the_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    let half = pat.half(HERE, 100).await;
    let made = pat.access.reset(pat.session.user.id, false, second(101)).await.unwrap();
    let link = made.link.unwrap().token;
    let another: SecretString = "a tide gate lets water out".into();
    let joined = pat.access.use_link(link.expose_secret(), &another, false, HERE.into(), second(102)).await;
    let Err(AccountError::NotConfirmed(SignInError::CodeWanted { half: Some(by_link) })) = joined else {
        panic!("a link takes no second factor away: {joined:?}")
    };
    let entered = pat.access.sign_in_by_code(half.expose_secret(), &pat.code(103), HERE.into(), second(103)).await;
    assert!(entered.is_err(), "{entered:?}");
    let wrong = pat.access.sign_in_by_code(by_link.expose_secret(), "000000", HERE.into(), second(104)).await;
    let Err(NotEntered { half: Some(next), .. }) = wrong else { panic!("{wrong:?}") };
    pat.access.sign_in_by_code(next.expose_secret(), &pat.code(130), HERE.into(), second(131)).await.unwrap();
}

#[tokio::test]
async fn a_recovery_code_opens_once_however_many_try_at_once_and_new_ones_take_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    let code = pat.codes[3].expose_secret().replace('-', " ");
    let (one, two) = tokio::join!(pat.enter(&code, HERE, 100), pat.enter(&code, THERE, 100));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(fault(pat.enter(&code, HERE, 101).await), CodeFault::Used);
    let left = async || {
        let stored = pat.access.store.user(pat.session.user.id).await.unwrap().unwrap();
        stored.second_factor.unwrap().codes_left()
    };
    assert_eq!(left().await, 9);
    let new = pat.access.new_recovery_codes(&pat.session, &pat.code(120), &HERE.into(), second(121)).await.unwrap();
    assert_eq!((new.len(), left().await), (10, 10));
    assert_eq!(fault(pat.enter(pat.codes[4].expose_secret(), HERE, 122).await), CodeFault::Wrong);
    pat.enter(new[4].expose_secret(), HERE, 123).await.unwrap();
}

#[tokio::test]
async fn a_program_gives_the_code_at_once_and_nobody_is_told_of_it_by_a_wrong_password() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    let by = async |password: &str, code: Option<&str>, now| {
        pat.access.sign_in_program(EMAIL, &password.into(), code, HERE.into(), second(now)).await
    };
    assert!(matches!(by(PASSWORD, None, 100).await, Err(SignInError::CodeWanted { .. })));
    assert!(matches!(by(PASSWORD, Some(" "), 100).await, Err(SignInError::CodeWanted { .. })));
    assert!(matches!(by("wrong horse battery", None, 100).await, Err(SignInError::Refused)));
    assert!(matches!(by("wrong horse battery", Some(&pat.code(100)), 100).await, Err(SignInError::Refused)));
    assert_eq!(fault(by(PASSWORD, Some("000000"), 100).await), CodeFault::Wrong);
    assert!(by(PASSWORD, Some(&pat.code(100)), 100).await.is_ok(), "a wrong password uses no code up");
    assert!(by(PASSWORD, Some(pat.codes[0].expose_secret()), 101).await.is_ok());
}

#[tokio::test]
async fn a_password_alone_confirms_nobody_who_has_a_second_factor() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    let entered = pat.enter(&pat.code(60), HERE, 60).await.unwrap();
    let late = 60 + 20 * 60;
    let of = async || pat.access.session(entered.token.expose_secret(), second(late)).await.unwrap().unwrap();
    let session = of().await;
    assert!(!session.is_fresh(second(late)));
    let password = PASSWORD.into();
    let confirm = async |code: &str| pat.access.confirm(&session, (&password, code), &HERE.into(), second(late)).await;
    assert!(matches!(confirm("").await, Err(SignInError::CodeWanted { .. })));
    assert!(matches!(confirm("000000").await, Err(SignInError::CodeRefused(CodeFault::Wrong))));
    // Nor does what takes the password besides.
    let email = pat.access.change_email(&session, "lee@example.com", &password, &HERE.into(), second(late)).await;
    assert!(email.is_ok() && !of().await.is_fresh(second(late)), "{email:?}");
    let renamed = of().await;
    let code = pat.code(late);
    pat.access.confirm(&renamed, (&password, &code), &HERE.into(), second(late)).await.unwrap();
    assert!(of().await.is_fresh(second(late)));
    let again = pat.access.confirm(&renamed, (&password, &code), &HERE.into(), second(late)).await;
    assert!(matches!(again, Err(SignInError::CodeRefused(CodeFault::Used))), "{again:?}");
}

#[tokio::test]
async fn it_is_removed_by_a_code_where_the_practice_does_not_want_it() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    let remove =
        async |code: &str| pat.access.remove_second_factor(&pat.session, code, &HERE.into(), second(100)).await;
    assert!(matches!(remove("000000").await, Err(AccountError::NotConfirmed(_))));
    remove(&pat.code(100)).await.unwrap();
    let missing = remove(&pat.code(130)).await;
    assert!(matches!(missing, Err(AccountError::SecondFactor(FactorProblem::Missing))), "{missing:?}");
    pat.access.sign_in(EMAIL, &PASSWORD.into(), HERE.into(), second(101)).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::by(&folder, SecondFactorRule::Managers).await;
    let wanted = pat.access.remove_second_factor(&pat.session, &pat.code(100), &HERE.into(), second(100)).await;
    assert!(matches!(wanted, Err(AccountError::SecondFactor(FactorProblem::Wanted))), "{wanted:?}");
    pat.access.reset_second_factor(pat.session.user.id, second(101)).await.unwrap();
    let again = pat.access.sign_in(EMAIL, &PASSWORD.into(), HERE.into(), second(102)).await.unwrap();
    assert_eq!(again.session.second_factor, FactorState::Wanted);
}

#[tokio::test]
async fn the_rule_is_of_the_role_of_this_moment() {
    for rule in SecondFactorRule::ALL {
        let folder = tempfile::tempdir().unwrap();
        let access = access_by(&folder, rule);
        for role in Role::ALL {
            let email = format!("{}@example.com", role.as_str());
            let new = NewUser { email: email.clone(), role, ..pat() };
            let id = access.add_user(new, at(0)).await.unwrap().account.user.id;
            let entered = access.sign_in(&email, &PASSWORD.into(), HERE.into(), at(0)).await.unwrap();
            let of =
                async || access.session(entered.token.expose_secret(), at(1)).await.unwrap().unwrap().second_factor;
            let expected = |role| if rule.applies_to(role) { FactorState::Wanted } else { FactorState::Off };
            assert_eq!(
                (of().await, entered.session.second_factor),
                (expected(role), expected(role)),
                "{rule:?} {role}"
            );
            access
                .change_user(id, UserChange { role: Some(Role::PracticeManager), disabled: None }, at(0))
                .await
                .unwrap();
            assert_eq!(of().await, expected(Role::PracticeManager), "{rule:?} {role}, who manages the practice now");
        }
    }
}

#[tokio::test]
async fn neither_secret_nor_codes_are_in_the_file_and_another_key_leaves_the_recovery_codes() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    let (secret, codes) = (pat.secret.clone(), pat.codes.clone());
    drop(pat);
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let bytes = files.flat_map(|file| std::fs::read(file).unwrap()).collect::<Vec<u8>>();
    let holds = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    assert!(holds(EMAIL) && !holds(secret.expose_secret()));
    for code in &codes {
        assert!(!holds(code.expose_secret()) && !holds(&code.expose_secret().replace('-', "")));
    }
    std::fs::remove_file(folder.path().join("secret.key")).unwrap();
    let access = access(&folder);
    let by =
        async |code: &str| access.sign_in_program(EMAIL, &PASSWORD.into(), Some(code), HERE.into(), second(100)).await;
    assert_eq!(fault(by(&shown(&secret, second(100))).await), CodeFault::KeyExchanged);
    by(codes[0].expose_secret()).await.unwrap();
}

#[tokio::test]
async fn what_is_set_up_takes_a_code_of_what_was_shown_and_ends_the_other_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let (access, pat) = manager(&folder).await;
    let other = access.sign_in(EMAIL, &PASSWORD.into(), THERE.into(), second(0)).await.unwrap();
    let set_up = async |code: &str, now| access.set_up_second_factor(&pat.session, code, second(now)).await;
    let unseen = set_up("123456", 0).await;
    assert!(matches!(unseen, Err(AccountError::SecondFactor(FactorProblem::Over))), "{unseen:?}");
    let secret = access.secret_to_set_up(&pat.session, second(0));
    let of_another = access.secret_to_set_up(&other.session, second(0));
    assert!(matches!(set_up(&shown(&of_another, second(1)), 1).await, Err(AccountError::NotConfirmed(_))));
    let Err(AccountError::NotConfirmed(off)) = set_up(&shown(&secret, second(300)), 1).await else { panic!() };
    assert!(off.to_string().contains("differ by about 5 minutes"), "{off}");
    let codes = set_up(&shown(&secret, second(1)), 1).await.unwrap();
    assert_eq!(codes.len(), 10);
    assert!(access.session(other.token.expose_secret(), second(2)).await.unwrap().is_none());
    assert!(access.session(pat.token.expose_secret(), second(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_sign_in_whose_account_was_changed_meanwhile_asks_for_no_code_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let pat = Enrolled::new(&folder).await;
    let id = pat.session.user.id;
    let go_on = async |access: &Access, half: &SecretString, code: &str| {
        let entered = access.sign_in_by_code(half.expose_secret(), code, HERE.into(), second(101)).await;
        let Err(NotEntered { error, half: None }) = entered else { panic!("{entered:?}") };
        error
    };
    // Passwords of that role are not taken any more.
    let half = pat.half(HERE, 100).await;
    pat.access.add_user(NewUser { email: "bo@example.com".to_owned(), ..self::pat() }, at(0)).await.unwrap();
    let role = |role| UserChange { role: Some(role), disabled: None };
    pat.access.change_user(id, role(Role::Adviser), at(0)).await.unwrap();
    let of_managers = pat.access.clone().with_passwords_of_managers_alone();
    let refused = go_on(&of_managers, &half, &pat.code(100)).await;
    assert!(matches!(refused, SignInError::ByProvider), "{refused:?}");
    // The password is another.
    let half = pat.half(HERE, 100).await;
    let link = pat.access.reset(id, false, at(0)).await.unwrap().link.unwrap();
    let another = "a tide gate lets water out".into();
    let joined = pat.access.use_link(link.token.expose_secret(), &another, false, HERE.into(), second(100)).await;
    assert!(matches!(joined, Err(AccountError::NotConfirmed(SignInError::CodeWanted { .. }))), "{joined:?}");
    let refused = go_on(&pat.access, &half, &pat.code(100)).await;
    assert!(matches!(refused, SignInError::HalfIsOver), "{refused:?}");
    // The second factor is gone.
    let half = match pat.access.sign_in(EMAIL, &another, HERE.into(), second(100)).await {
        Err(SignInError::CodeWanted { half: Some(half) }) => half,
        other => panic!("{other:?}"),
    };
    pat.access.reset_second_factor(id, second(100)).await.unwrap();
    let refused = go_on(&pat.access, &half, "").await;
    assert!(matches!(refused, SignInError::HalfIsOver), "{refused:?}");
}
