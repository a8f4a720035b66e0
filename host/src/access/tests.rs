//! Signing in, end to end over a real store.

mod provider;
mod second_factor;

use jiff::SignedDuration;
use secrecy::ExposeSecret as _;

use super::*;
use crate::domain::access::Scope;
use crate::domain::account::SecondFactorRule;
use crate::secrets::Secrets;
use crate::store::access::UserChange;

/// The password of everybody in tests.
pub const PASSWORD: &str = "correct horse battery";
/// Two sources.
const HERE: Source = Source(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
/// See [`HERE`].
const THERE: Source = Source(std::net::IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9)));

fn at(minute: u64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + Duration::from_mins(minute)
}

fn pat() -> NewUser {
    NewUser {
        email: "Pat.Lee@example.com".to_owned(),
        name: "Pat Lee".to_owned(),
        role: Role::PracticeManager,
        password: Some(PASSWORD.into()),
    }
}

/// The cookie of somebody in this role, who has an account by now and signed in.
pub async fn cookie_of(access: &Access, role: Role) -> String {
    let email = format!("{}@example.com", role.to_string().replace(' ', "-"));
    let new = NewUser { email: email.clone(), name: "Pat Lee".to_owned(), role, password: Some(PASSWORD.into()) };
    access.add_user(new, Timestamp::now()).await.unwrap();
    let sender = Source::unknown().into();
    let signed_in = access.sign_in(&email, &PASSWORD.into(), sender, Timestamp::now()).await.unwrap();
    format!("__Host-tidegate={}", signed_in.token.expose_secret())
}

fn access(folder: &tempfile::TempDir) -> Access {
    access_by(folder, SecondFactorRule::Optional)
}

/// The host's secrets, by the key of its folder.
fn secrets(folder: &tempfile::TempDir) -> Secrets {
    Secrets::open(&crate::secrets::tests::settings(folder.path(), None)).unwrap()
}

/// The same where the practice wants a second factor of some.
fn access_by(folder: &tempfile::TempDir, rule: SecondFactorRule) -> Access {
    let bootstrap = "a-token-of-at-least-32-characters".into();
    let (store, lasts) = (Store::open(folder.path()).unwrap(), SignedDuration::from_hours(72));
    Access::new(store, "Acme Advice", Some(&bootstrap), lasts, SecondFactors::new(secrets(folder), rule))
}

#[tokio::test]
async fn a_session_opens_lasts_while_used_and_ends_at_sign_out() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.add_user(pat(), at(0)).await.unwrap();
    let signed_in = access.sign_in(" pat.lee@EXAMPLE.com", &PASSWORD.into(), HERE.into(), at(0)).await.unwrap();
    let token = signed_in.token.expose_secret();
    for minute in [1, 50, 100] {
        let session = access.session(token, at(minute)).await.unwrap().expect("used within the hour");
        assert_eq!((session.user.name.as_str(), session.ends_at), ("Pat Lee", at(720)));
    }
    assert_eq!(access.session(token, at(161)).await.unwrap(), None, "idle for an hour");
    assert!(access.session(token, at(101)).await.unwrap().is_some());
    access.sign_out(token).await.unwrap();
    assert_eq!(access.session(token, at(101)).await.unwrap(), None);
    assert_eq!(access.session("made up", at(101)).await.unwrap(), None);
}

#[tokio::test]
async fn wrong_passwords_and_unknown_emails_get_one_answer() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.add_user(pat(), at(0)).await.unwrap();
    for email in ["pat.lee@example.com", "nobody@example.com", "no email"] {
        let refused = access.sign_in(email, &"wrong horse battery".into(), HERE.into(), at(0)).await;
        assert!(matches!(refused, Err(SignInError::Refused)), "{email}: {refused:?}");
    }
}

#[tokio::test]
async fn failures_of_one_source_delay_it_and_never_the_holder_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.add_user(pat(), at(0)).await.unwrap();
    for _ in 0..6 {
        let refused = access.sign_in("pat.lee@example.com", &"wrong".into(), THERE.into(), at(0)).await;
        assert!(matches!(refused, Err(SignInError::Refused)), "{refused:?}");
    }
    let delayed = access.sign_in("PAT.LEE@example.com", &PASSWORD.into(), THERE.into(), at(0)).await;
    let Err(error @ SignInError::TooMany { .. }) = delayed else { panic!("{delayed:?}") };
    assert_eq!(error.to_string(), "too many sign-ins failed; try again in 1 second");
    access.sign_in("pat.lee@example.com", &PASSWORD.into(), HERE.into(), at(0)).await.unwrap();
    access.sign_in("pat.lee@example.com", &PASSWORD.into(), THERE.into(), at(1)).await.unwrap();
}

#[tokio::test]
async fn hundreds_of_failures_from_everywhere_hold_the_holder_up_for_seconds_only() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.add_user(pat(), at(0)).await.unwrap();
    for number in 0..600_u32 {
        let everywhere = std::net::Ipv4Addr::from_bits(0x0B00_0000 + number).into();
        let key = token::digest("pat.lee@example.com");
        lock(&access.throttle).begin(everywhere, key, at(0));
        lock(&access.throttle).end(everywhere, key, Ended::Wrong, at(0));
    }
    let begun = std::time::Instant::now();
    access.sign_in("pat.lee@example.com", &PASSWORD.into(), HERE.into(), at(0)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_set_up_link_makes_one_account_once_within_half_an_hour() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    let late = access.offer_set_up(at(0)).await.unwrap().expect("there is no account");
    assert!(access.is_set_up_open(late.expose_secret(), at(29)));
    assert!(!access.is_set_up_open(late.expose_secret(), at(30)));
    assert!(!access.is_set_up_open("made up", at(0)));

    let link = access.offer_set_up(at(40)).await.unwrap().expect("there is still no account");
    let short = NewUser { password: Some("short".into()), ..pat() };
    let invalid = access.set_up(link.expose_secret(), short, HERE.into(), at(41)).await;
    assert!(matches!(invalid, Err(AccountError::Invalid(_))));
    let signed_in = access.set_up(link.expose_secret(), pat(), HERE.into(), at(42)).await.unwrap();
    assert_eq!(signed_in.session.user.role, Role::PracticeManager);
    assert!(access.session(signed_in.token.expose_secret(), at(43)).await.unwrap().is_some());

    let again = access.set_up(link.expose_secret(), pat(), HERE.into(), at(43)).await;
    assert!(matches!(again, Err(AccountError::LinkIsOver)));
    assert!(access.offer_set_up(at(44)).await.unwrap().is_none());
}

#[tokio::test]
async fn one_email_has_one_account() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.add_user(pat(), at(0)).await.unwrap();
    let second = access.add_user(NewUser { email: "pat.lee@EXAMPLE.com".to_owned(), ..pat() }, at(1)).await;
    let Err(AccountError::Invalid(problems)) = second else { panic!("{second:?}") };
    assert_eq!(problems[0].field, "email");
}

#[tokio::test]
async fn accounts_and_sessions_outlive_the_process_and_secrets_are_not_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let first = access(&folder);
    first.add_user(pat(), at(0)).await.unwrap();
    let token = first.sign_in("pat.lee@example.com", &PASSWORD.into(), HERE.into(), at(0)).await.unwrap().token;
    drop(first);
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let bytes = files.flat_map(|file| std::fs::read(file).unwrap()).collect::<Vec<u8>>();
    let holds = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    assert!(holds("pat.lee@example.com") && !holds(PASSWORD) && !holds(token.expose_secret()));
    let again = access(&folder);
    assert!(again.session(token.expose_secret(), at(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn the_bootstrap_token_is_the_practice_managers() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    let holder = async |token: &str| match access.holder(token, at(0)).await.unwrap() {
        Holder::Actor(actor, None) => Some((actor.who, actor.role)),
        _ => None,
    };
    let own = Some((Who::BootstrapToken, Role::PracticeManager));
    assert_eq!(holder("a-token-of-at-least-32-characters").await, own);
    assert_eq!(holder("a-token-of-at-least-32-characterz").await, None);
    assert_eq!(holder("").await, None);
}

/// A practice manager who is signed in, and the access.
async fn manager(folder: &tempfile::TempDir) -> (Access, SignedIn) {
    let access = access(folder);
    access.add_user(pat(), at(0)).await.unwrap();
    let signed_in = access.sign_in("pat.lee@example.com", &PASSWORD.into(), HERE.into(), at(0)).await.unwrap();
    (access, signed_in)
}

fn omar() -> NewUser {
    NewUser { email: "omar@example.com".to_owned(), name: "Omar".to_owned(), role: Role::Support, password: None }
}

/// What a bearer token is taken for.
async fn held(access: &Access, token: &str, minute: u64) -> Option<Actor> {
    match access.holder(token, at(minute)).await.unwrap() {
        Holder::Actor(actor, _) => Some(actor),
        _ => None,
    }
}

#[tokio::test]
async fn an_invitation_holds_for_three_days_and_makes_one_way_in() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    let made = access.add_user(omar(), at(0)).await.unwrap();
    let (id, link) = (made.account.user.id, made.link.unwrap());
    let token = link.token.expose_secret();
    assert_eq!(link.ends_at, at(72 * 60));
    for _ in 0..3 {
        assert!(access.account_of_link(token, at(71 * 60)).await.unwrap().is_some(), "looking uses nothing up");
    }
    assert!(access.account_of_link(token, at(72 * 60)).await.unwrap().is_none());
    let refused = access.sign_in("omar@example.com", &"".into(), HERE.into(), at(1)).await;
    assert!(matches!(refused, Err(SignInError::Refused)), "no password is none: {refused:?}");

    let short = access.use_link(token, &"short".into(), false, HERE.into(), at(2)).await;
    assert!(matches!(short, Err(AccountError::Invalid(_))), "{short:?}");
    let common = access.use_link(token, &"password1234".into(), false, HERE.into(), at(2)).await;
    assert!(matches!(common, Err(AccountError::Invalid(_))), "{common:?}");
    let password = PASSWORD.into();
    let (one, two) = tokio::join!(
        access.use_link(token, &password, false, HERE.into(), at(3)),
        access.use_link(token, &password, false, THERE.into(), at(3)),
    );
    assert_eq!([&one, &two].iter().filter(|outcome| outcome.is_ok()).count(), 1, "{one:?} {two:?}");
    access.sign_in("omar@example.com", &PASSWORD.into(), HERE.into(), at(4)).await.unwrap();
    // What is a link's is no session's or token's.
    assert!(held(&access, token, 4).await.is_none());

    let first = access.reset(id, false, at(5)).await.unwrap().link.unwrap();
    let second = access.reset(id, false, at(6)).await.unwrap().link.unwrap();
    assert!(access.account_of_link(first.token.expose_secret(), at(7)).await.unwrap().is_none(), "replaced");
    access.sign_in("omar@example.com", &PASSWORD.into(), HERE.into(), at(7)).await.unwrap();
    let another: SecretString = "a tide gate lets water out".into();
    access.use_link(second.token.expose_secret(), &another, false, HERE.into(), at(8)).await.unwrap();
    assert!(access.sign_in("omar@example.com", &PASSWORD.into(), HERE.into(), at(9)).await.is_err());
}

#[tokio::test]
async fn a_token_does_no_more_than_its_maker_and_ends_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let (access, pat) = manager(&folder).await;
    let omar =
        access.add_user(NewUser { password: Some(PASSWORD.into()), ..omar() }, at(0)).await.unwrap().account.user;
    access.change_user(omar.id, UserChange { role: Some(Role::PracticeManager), disabled: None }, at(0)).await.unwrap();
    let signed_in = access.sign_in("omar@example.com", &PASSWORD.into(), HERE.into(), at(0)).await.unwrap();
    let maker = signed_in.session.actor(at(0));
    let new = NewToken { name: "nightly".to_owned(), scopes: vec![Scope::Manage], expires_at: Some(at(100)) };
    let (kept, token) = access.make_token(&maker, new, 9, at(0)).await.unwrap().unwrap();
    let token = token.expose_secret();
    assert!(token.starts_with("tg_") && token.len() == 46, "{token}");
    let actor = held(&access, token, 1).await.unwrap();
    assert_eq!((actor.role, actor.account()), (Role::PracticeManager, Some(omar.id)));
    assert_eq!(actor.who, Who::Token { id: kept.id, maker: Some(omar.id) });

    access.change_user(omar.id, UserChange { role: Some(Role::Adviser), disabled: None }, at(2)).await.unwrap();
    assert_eq!(held(&access, token, 2).await.unwrap().role, Role::Adviser, "what its maker lost, it lost");
    assert!(matches!(access.holder(token, at(100)).await.unwrap(), Holder::Expired(token) if token.name == "nightly"));

    access.change_user(omar.id, UserChange { role: None, disabled: Some(true) }, at(3)).await.unwrap();
    assert!(held(&access, token, 3).await.is_none());
    assert!(held(&access, signed_in.token.expose_secret(), 3).await.is_none());
    let refused = access.sign_in("omar@example.com", &PASSWORD.into(), HERE.into(), at(3)).await;
    assert!(matches!(refused, Err(SignInError::Disabled)), "{refused:?}");
    let refused = access.sign_in("omar@example.com", &"wrong".into(), HERE.into(), at(3)).await;
    assert!(matches!(refused, Err(SignInError::Refused)), "only who knows the password is told");
    assert!(held(&access, pat.token.expose_secret(), 3).await.is_some());
}

#[tokio::test]
async fn a_token_is_used_at_most_every_five_minutes_and_never_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (access, pat) = manager(&folder).await;
    let new = NewToken { name: "nightly".to_owned(), scopes: vec![Scope::Read], expires_at: None };
    let (_, token) = access.make_token(&pat.session.actor(at(0)), new, 9, at(0)).await.unwrap().unwrap();
    let mut seen = Vec::new();
    for minute in [1, 2, 5, 6, 11] {
        held(&access, token.expose_secret(), minute).await.unwrap();
        seen.push(access.store.tokens(None).await.unwrap()[0].used_at);
    }
    assert_eq!(seen, [1, 1, 1, 6, 11].map(|minute| Some(at(minute))));
    drop(access);
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let bytes = files.flat_map(|file| std::fs::read(file).unwrap()).collect::<Vec<u8>>();
    let secret = token.expose_secret();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
}

#[tokio::test]
async fn a_sign_in_is_fresh_for_a_quarter_of_an_hour_and_again_once_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let (access, pat) = manager(&folder).await;
    let token = pat.token.expose_secret();
    let is_fresh =
        async |minute| access.session(token, at(minute)).await.unwrap().unwrap().actor(at(minute)).is_fresh();
    assert!(is_fresh(14).await && !is_fresh(15).await);
    let wrong = access.confirm(&pat.session, (&"wrong".into(), ""), &HERE.into(), at(20)).await;
    assert!(matches!(wrong, Err(SignInError::Refused)), "{wrong:?}");
    assert!(!is_fresh(20).await);
    access.confirm(&pat.session, (&PASSWORD.into(), ""), &HERE.into(), at(20)).await.unwrap();
    assert!(is_fresh(34).await && !is_fresh(35).await);
}

#[tokio::test]
async fn a_password_or_email_is_changed_by_who_knows_the_password_and_ends_the_other_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let (access, pat) = manager(&folder).await;
    let other = access.sign_in("pat.lee@example.com", &PASSWORD.into(), THERE.into(), at(1)).await.unwrap();
    let (session, sender) = (&pat.session, &Sender::from(HERE));
    let wrong = access.change_email(session, "lee@example.com", &"wrong".into(), sender, at(2)).await;
    assert!(matches!(wrong, Err(AccountError::NotConfirmed(SignInError::Refused))), "{wrong:?}");
    access.change_email(session, "lee@example.com", &PASSWORD.into(), sender, at(2)).await.unwrap();
    access.sign_in("lee@example.com", &PASSWORD.into(), HERE.into(), at(3)).await.unwrap();

    let session = &access.session(pat.token.expose_secret(), at(3)).await.unwrap().unwrap();
    let another: SecretString = "a tide gate lets water out".into();
    let wrong = access.change_password(session, (&"wrong".into(), &another), sender, at(4)).await;
    assert!(matches!(wrong, Err(AccountError::NotConfirmed(SignInError::Refused))), "{wrong:?}");
    assert_eq!(access.sessions(Some(session.user.id), at(4)).await.unwrap().len(), 3);
    access.change_password(session, (&PASSWORD.into(), &another), sender, at(4)).await.unwrap();
    assert_eq!(access.sessions(Some(session.user.id), at(4)).await.unwrap().len(), 1);
    assert!(access.session(other.token.expose_secret(), at(4)).await.unwrap().is_none());
    assert!(access.session(pat.token.expose_secret(), at(4)).await.unwrap().is_some());
    access.sign_in("lee@example.com", &another, HERE.into(), at(5)).await.unwrap();
}

#[tokio::test]
async fn the_sessions_of_a_person_say_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (access, pat) = manager(&folder).await;
    let sender = Sender { source: THERE, device: Some("Firefox on Linux".to_owned()) };
    let program = access.sign_in_program("pat.lee@example.com", &PASSWORD.into(), None, sender, at(30)).await.unwrap();
    assert!(program.token.expose_secret().starts_with("tgs_"));
    let sessions = access.sessions(None, at(31)).await.unwrap();
    let ids: Vec<_> = sessions.iter().map(|open| open.id).collect();
    assert_eq!(ids, [program.session.id(), pat.session.id()]);
    assert_eq!(sessions[0].device.as_deref(), Some("Firefox on Linux"));
    assert_eq!(sessions[0].address.as_deref(), Some("203.0.113.9"));
    // One that nobody used for an hour is over, and not among them.
    assert_eq!(access.sessions(None, at(61)).await.unwrap().len(), 1);
    assert!(held(&access, program.token.expose_secret(), 31).await.is_some());
    assert!(access.end_session(program.session.id(), Some(program.session.user.id)).await.unwrap());
    assert!(held(&access, program.token.expose_secret(), 31).await.is_none());
}

#[tokio::test]
async fn a_host_is_set_up_beside_people_who_were_invited_before() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.add_user(NewUser { role: Role::PracticeManager, ..omar() }, at(0)).await.unwrap();
    let link = access.offer_set_up(at(0)).await.unwrap().expect("nobody can sign in yet");
    let taken = NewUser { email: "OMAR@example.com".to_owned(), ..pat() };
    let refused = access.set_up(link.expose_secret(), taken, HERE.into(), at(1)).await;
    assert!(matches!(&refused, Err(AccountError::Invalid(problems)) if problems[0].field == "email"), "{refused:?}");
    access.set_up(link.expose_secret(), pat(), HERE.into(), at(2)).await.unwrap();
    assert!(access.offer_set_up(at(3)).await.unwrap().is_none());
}

#[tokio::test]
async fn forty_right_passwords_at_once_are_all_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.add_user(pat(), at(0)).await.unwrap();
    let tries =
        (0..40).map(|_| async { access.sign_in("pat.lee@example.com", &PASSWORD.into(), HERE.into(), at(0)).await });
    for outcome in futures::future::join_all(tries).await {
        assert!(!matches!(outcome, Err(SignInError::TooMany { .. } | SignInError::Refused)), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_email_is_one_however_it_was_typed() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    let maia = NewUser { email: "M\u{101}ia@example.com".to_owned(), ..pat() };
    access.add_user(maia, at(0)).await.unwrap();
    for same in ["ma\u{304}ia@example.com", "Ｍāia@ＥＸＡＭＰＬＥ.com", "MĀIA@example.com"] {
        let second = access.add_user(NewUser { email: same.to_owned(), ..pat() }, at(1)).await;
        assert!(
            matches!(&second, Err(AccountError::Invalid(problems)) if problems[0].field == "email"),
            "{same} {second:?}"
        );
        access.sign_in(same, &PASSWORD.into(), HERE.into(), at(2)).await.unwrap();
    }
}

#[tokio::test]
async fn the_password_of_before_is_no_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (access, pat) = manager(&folder).await;
    let is_same = |outcome: Result<(), AccountError>| matches!(outcome, Err(AccountError::Invalid(problems)) if problems[0].message.contains("the account has"));
    let password: SecretString = PASSWORD.into();
    let same = access.change_password(&pat.session, (&password, &password), &HERE.into(), at(1)).await;
    assert!(is_same(same.map(drop)));
    let link = access.reset(pat.session.user.id, false, at(2)).await.unwrap().link.unwrap();
    let same = access.use_link(link.token.expose_secret(), &password, false, HERE.into(), at(3)).await;
    assert!(is_same(same.map(drop)));
    let another: SecretString = "a tide gate lets water out".into();
    access.use_link(link.token.expose_secret(), &another, false, HERE.into(), at(4)).await.unwrap();
}

#[tokio::test]
async fn tokens_end_with_a_reset_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (access, pat) = manager(&folder).await;
    let id = pat.session.user.id;
    let make = async |minute| {
        let new = NewToken { name: "nightly".to_owned(), scopes: vec![Scope::Read], expires_at: None };
        let made = access.make_token(&pat.session.actor(at(0)), new, 9, at(minute)).await.unwrap().unwrap();
        made.1.expose_secret().to_owned()
    };
    let first = make(0).await;
    let kept = access.reset(id, false, at(1)).await.unwrap();
    assert_eq!(kept.tokens, 1);
    assert!(held(&access, &first, 1).await.is_some(), "a reset alone ends no token");
    assert_eq!(access.reset(id, true, at(2)).await.unwrap().tokens, 0);
    assert!(held(&access, &first, 2).await.is_none());

    let (one, link) = (make(3).await, access.reset(id, false, at(3)).await.unwrap().link.unwrap());
    let another: SecretString = "a tide gate lets water out".into();
    access.use_link(link.token.expose_secret(), &another, true, HERE.into(), at(4)).await.unwrap();
    assert!(held(&access, &one, 4).await.is_none(), "whoever chooses the password can end them, too");
}
