//! The chain after each change that somebody could make to it, and what becomes of texts on their way in.

use super::*;
use crate::ids::UserId;

fn act(verb: &str) -> Act {
    let who = Who::Person { user: UserId(Uuid::from_u128(7)), is_fresh: true };
    let by = Actor { who, name: "Pat Lee".to_owned(), role: Role::Adviser, scopes: None };
    Act {
        household: Some(HouseholdId(Uuid::from_u128(8))),
        outcome: Outcome::Refused("Ask a practice manager.".to_owned()),
        detail: "mobile".to_owned(),
        ..Act::done(By::from(&by), "192.0.2.1", verb, Subject::new("client", Uuid::from_u128(9)))
    }
}

fn links(count: u64) -> (Vec<Link>, Head) {
    let mut head = Head::default();
    let mut links = Vec::new();
    for number in 1..=count {
        let at = Timestamp::from_second(1_770_000_000 + i64::try_from(number).unwrap()).unwrap();
        let entry = Entry::after(&head, at, act("clients.edit"));
        head = Head { number, hash: link(&head.hash, &entry) };
        links.push(Link { entry, hash: head.hash });
    }
    (links, head)
}

/// Checks entries that lie at these places.
fn check(links: &[(u64, Option<Link>)], head: Head, expected: Option<Head>) -> Result<Checked, Break> {
    let mut chain = Chain::new(head, expected);
    links.iter().try_for_each(|(place, link)| chain.take(*place, link.as_ref()))?;
    chain.end()
}

fn placed(links: Vec<Link>) -> Vec<(u64, Option<Link>)> {
    (1..).zip(links.into_iter().map(Some)).collect()
}

#[test]
fn a_chain_that_nobody_touched_holds() {
    let (links, head) = links(9);
    assert_eq!(check(&placed(links.clone()), head, None), Ok(Checked { entries: 9, head }));
    let fifth = Head { number: 5, hash: links[4].hash };
    assert_eq!(check(&placed(links), head, Some(fifth)).map(|checked| checked.entries), Ok(9));
    assert_eq!(check(&[], Head::default(), None), Ok(Checked { entries: 0, head: Head::default() }));
}

#[test]
fn each_altered_field_breaks_it_at_its_entry() {
    let changes: [fn(&mut Entry); 14] = [
        |entry| entry.at = Timestamp::UNIX_EPOCH,
        |entry| entry.act.by.kind = ActorKind::Host,
        |entry| entry.act.by.id = None,
        |entry| entry.act.by.name = "Sam".to_owned(),
        |entry| entry.act.by.role = Some(Role::Support),
        |entry| entry.act.source = "192.0.2.2".to_owned(),
        |entry| entry.act.verb = "clients.remove".to_owned(),
        |entry| entry.act.subject.kind = "note",
        |entry| entry.act.subject.id.clear(),
        |entry| entry.act.household = None,
        |entry| entry.act.outcome = Outcome::Done,
        |entry| entry.act.outcome = Outcome::Failed("Ask a practice manager.".to_owned()),
        |entry| entry.act.outcome = Outcome::Refused("Ask".to_owned()),
        |entry| entry.act.detail = "mobil".to_owned(),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let (mut links, head) = links(3);
        change(&mut links[1].entry);
        assert_eq!(check(&placed(links), head, None), Err(Break::Altered { number: 2 }), "change {place}");
    }
    let (mut links, head) = links(3);
    links[1].hash[31] ^= 1;
    assert_eq!(check(&placed(links), head, None), Err(Break::Altered { number: 2 }));
}

#[test]
fn a_text_that_moves_to_the_field_beside_it_breaks_it() {
    let (mut links, head) = links(2);
    let act = &mut links[1].entry.act;
    (act.source, act.verb) = ("192.0.2.1c".to_owned(), "lients.edit".to_owned());
    assert_eq!(check(&placed(links), head, None), Err(Break::Altered { number: 2 }));
}

#[test]
fn an_entry_that_is_altered_with_its_hash_breaks_it_at_the_next() {
    let (mut links, head) = links(3);
    links[1].entry.act.detail.clear();
    links[1].hash = link(&links[0].hash, &links[1].entry);
    assert_eq!(check(&placed(links), head, None), Err(Break::Altered { number: 3 }));
}

#[test]
fn what_is_taken_out_moved_cut_or_added_is_told_apart() {
    let (links, head) = links(5);
    let of = |places: &[(u64, usize)]| -> Vec<(u64, Option<Link>)> {
        places.iter().map(|(place, link)| (*place, Some(links[*link].clone()))).collect()
    };
    let without = of(&[(1, 0), (2, 1), (4, 3), (5, 4)]);
    assert_eq!(check(&without, head, None), Err(Break::Missing { number: 3 }));
    let first_is_gone = of(&[(2, 1), (3, 2)]);
    assert_eq!(check(&first_is_gone, head, None), Err(Break::Missing { number: 1 }));
    let exchanged = of(&[(1, 0), (2, 2), (3, 1), (4, 3), (5, 4)]);
    assert_eq!(check(&exchanged, head, None), Err(Break::Moved { number: 2, found: 3 }));
    let cut = of(&[(1, 0), (2, 1), (3, 2)]);
    assert_eq!(check(&cut, head, None), Err(Break::CutOff { last: 3, head: 5 }));
    // All of it gone, its head too, is nothing to be told from a new store but by a head that was kept elsewhere.
    assert_eq!(check(&[], head, None), Err(Break::CutOff { last: 0, head: 5 }));
    assert_eq!(check(&[], Head::default(), Some(head)), Err(Break::CutOff { last: 0, head: 5 }));
    let third = Head { number: 3, hash: links[2].hash };
    let all = of(&[(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]);
    assert_eq!(check(&all, third, None), Err(Break::HeadDiffers { last: 3, head: 3 }));
    assert_eq!(check(&cut, Head { hash: [7; 32], ..third }, None), Err(Break::HeadDiffers { last: 3, head: 3 }));
    // Cut together with its head, which one that was kept elsewhere tells.
    assert_eq!(check(&cut, third, Some(head)), Err(Break::CutOff { last: 3, head: 5 }));
    let unreadable = [(1, Some(links[0].clone())), (2, None)];
    assert_eq!(check(&unreadable, head, None), Err(Break::Unreadable { number: 2 }));
}

#[test]
fn a_log_that_was_made_anew_is_not_the_one_expected() {
    let (links, head) = links(4);
    let mut anew = Head::default();
    let made = links.into_iter().map(|Link { mut entry, .. }| {
        entry.act.by.name = "Sam".to_owned();
        anew = Head { number: entry.number, hash: link(&anew.hash, &entry) };
        Link { entry, hash: anew.hash }
    });
    let made = placed(made.collect());
    assert!(check(&made, anew, None).is_ok(), "by itself nothing shows it");
    assert_eq!(check(&made, anew, Some(head)), Err(Break::NotExpected { number: 4 }));
}

#[test]
fn a_head_is_read_as_it_is_printed() {
    let (_, head) = links(3);
    assert_eq!(head.to_string().parse(), Ok(head));
    assert_eq!(format!(" {head}\n").parse(), Ok(head));
    let digits = "0".repeat(64);
    for text in ["", "3", "3:", "3:ab", &digits, &format!("x:{digits}"), &format!("3:{}g", &digits[1..]), "3:é"] {
        assert_eq!(text.parse::<Head>(), Err(NotAHead), "{text}");
    }
    let none = Head::default().to_string();
    assert_eq!(none.parse(), Ok(Head::default()));
    for text in [none.replacen('0', "00", 1).replace(':', ":1"), format!("0:{}", "a".repeat(64))] {
        assert_eq!(text.parse::<Head>(), Err(NotAHead), "{text}");
    }
}

#[test]
fn the_encoding_is_the_one_that_was_written() {
    // A hash that is another one tomorrow makes every log of yesterday look altered.
    let (_, head) = links(2);
    assert_eq!(head.to_string(), "2:ab793d92716c415c7b24b272737fd080b099d2f946c83853769284d343200587");
}

#[test]
fn a_moment_is_kept_as_finely_as_it_is_hashed() {
    let at: Timestamp = "2026-03-02T01:30:00.123456789Z".parse().unwrap();
    let entry = Entry::after(&Head::default(), at, act("clients.edit"));
    assert_eq!(entry.at.to_string(), "2026-03-02T01:30:00.123456Z");
}

#[test]
fn texts_are_cut_and_made_one_line_that_is_seen() {
    let check = |text: &str, expected: &str| assert_eq!(bounded(text), expected, "{text:?}");
    check("notes.retry", "notes.retry");
    check("a\r\nforged: entry", "a  forged: entry");
    check("Pat\u{202e}eeL\u{7}\u{1b}[31m", "PateeL[31m");
    assert_eq!(bounded(&"ā".repeat(LONGEST + 1)).chars().count(), LONGEST + 1);
    assert!(bounded(&"ā".repeat(LONGEST + 1)).ends_with('…'));
    let mut long = Act { detail: "x".repeat(10_000), ..act(&"v".repeat(10_000)) };
    (long.by.name, long.subject.id) = ("n".repeat(10_000), "i".repeat(10_000));
    let entry = Entry::after(&Head::default(), Timestamp::UNIX_EPOCH, long);
    for text in [&entry.act.verb, &entry.act.by.name, &entry.act.subject.id] {
        assert_eq!(text.chars().count(), LONGEST + 1);
    }
    assert_eq!(entry.act.detail.chars().count(), LONGEST_DETAIL + 1);
    let members = "account 01a22d32-8883-7424-9cff-cd8d19980ba7; ".repeat(crate::access::team::MOST_MEMBERS);
    assert!(members.chars().count() < LONGEST_DETAIL, "each member of a team is told");
}

#[test]
fn a_field_that_nobody_knows_is_not_named_where_it_could_be_a_value() {
    for name in ["mobile", "/data/score", "/members/12", "primary_professional/external_id", ""] {
        assert_eq!(field_name(name), name);
    }
    for name in ["Ayda Khan", "ayda@example.com", "Māia", "Khan", "61491570156", &"x".repeat(61)] {
        assert_eq!(field_name(name), "(another)", "{name}");
    }
    assert_eq!(field_name("/data/clients/0/Khan"), "/data/clients/0/(another)");
}
