//! Signing in, end to end over a real store.

use secrecy::ExposeSecret as _;

use super::*;

const PASSWORD: &str = "correct horse battery";
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
        password: PASSWORD.into(),
    }
}

fn access(folder: &tempfile::TempDir) -> Access {
    Access::new(Store::open(folder.path()).unwrap(), Some(&"a-token-of-at-least-32-characters".into()))
}

#[tokio::test]
async fn a_session_opens_lasts_while_used_and_ends_at_sign_out() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.create_user(pat()).await.unwrap();
    let signed_in = access.sign_in(" pat.lee@EXAMPLE.com", &PASSWORD.into(), HERE, at(0)).await.unwrap();
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
    access.create_user(pat()).await.unwrap();
    for email in ["pat.lee@example.com", "nobody@example.com", "no email"] {
        let refused = access.sign_in(email, &"wrong horse battery".into(), HERE, at(0)).await;
        assert!(matches!(refused, Err(SignInError::Refused)), "{email}: {refused:?}");
    }
}

#[tokio::test]
async fn failures_of_one_source_delay_it_and_never_the_holder_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.create_user(pat()).await.unwrap();
    for _ in 0..6 {
        let refused = access.sign_in("pat.lee@example.com", &"wrong".into(), THERE, at(0)).await;
        assert!(matches!(refused, Err(SignInError::Refused)), "{refused:?}");
    }
    let delayed = access.sign_in("PAT.LEE@example.com", &PASSWORD.into(), THERE, at(0)).await;
    let Err(error @ SignInError::TooMany { .. }) = delayed else { panic!("{delayed:?}") };
    assert_eq!(error.to_string(), "too many sign-ins failed; try again in 1 seconds");
    access.sign_in("pat.lee@example.com", &PASSWORD.into(), HERE, at(0)).await.unwrap();
    access.sign_in("pat.lee@example.com", &PASSWORD.into(), THERE, at(1)).await.unwrap();
}

#[tokio::test]
async fn hundreds_of_failures_from_everywhere_hold_the_holder_up_for_seconds_only() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.create_user(pat()).await.unwrap();
    for number in 0..600_u32 {
        let everywhere = std::net::Ipv4Addr::from_bits(0x0B00_0000 + number).into();
        let key = token::digest("pat.lee@example.com");
        lock(&access.throttle).begin(everywhere, key, at(0)).unwrap();
    }
    let begun = std::time::Instant::now();
    access.sign_in("pat.lee@example.com", &PASSWORD.into(), HERE, at(0)).await.unwrap();
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
    let short = NewUser { password: "short".into(), ..pat() };
    let invalid = access.set_up(link.expose_secret(), short, at(41)).await;
    assert!(matches!(invalid, Err(AccountError::Invalid(_))));
    let signed_in = access.set_up(link.expose_secret(), pat(), at(42)).await.unwrap();
    assert_eq!(signed_in.session.user.role, Role::PracticeManager);
    assert!(access.session(signed_in.token.expose_secret(), at(43)).await.unwrap().is_some());

    let again = access.set_up(link.expose_secret(), pat(), at(43)).await;
    assert!(matches!(again, Err(AccountError::LinkIsOver)));
    assert!(access.offer_set_up(at(44)).await.unwrap().is_none());
}

#[tokio::test]
async fn one_email_has_one_account() {
    let folder = tempfile::tempdir().unwrap();
    let access = access(&folder);
    access.create_user(pat()).await.unwrap();
    let second = access.create_user(NewUser { email: "pat.lee@EXAMPLE.com".to_owned(), ..pat() }).await;
    let Err(AccountError::Invalid(problems)) = second else { panic!("{second:?}") };
    assert_eq!(problems[0].field, "email");
}

#[tokio::test]
async fn accounts_and_sessions_outlive_the_process_and_secrets_are_not_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let first = access(&folder);
    first.create_user(pat()).await.unwrap();
    let token = first.sign_in("pat.lee@example.com", &PASSWORD.into(), HERE, at(0)).await.unwrap().token;
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
    let holder = access.token_holder("a-token-of-at-least-32-characters").expect("it is the one of the settings");
    assert_eq!(holder.role, Role::PracticeManager);
    assert_eq!(access.token_holder("a-token-of-at-least-32-characterz"), None);
    assert_eq!(access.token_holder(""), None);
}
