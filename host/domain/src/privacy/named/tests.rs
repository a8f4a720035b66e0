//! What names somebody, and what names somebody else.

use super::*;
use crate::history::ChangeCause;
use crate::ids::ExternalId;
use crate::record::ClientStatus;
use crate::value::{EmailAddress, Timestamp};

fn named(first: &str, last: &str) -> (Client, Vec<LastChange>) {
    let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let record = Client::unnamed(ExternalId("30107".to_owned()), ClientStatus::Client);
    let email = Some(EmailAddress::kept("jw@example.com".to_owned()));
    let mobile = Some("+61491575029".to_owned().try_into().unwrap());
    (Client { first_name: name(first), last_name: name(last), email, mobile, ..record }, Vec::new())
}

fn by(first: &str, last: &str) -> NamedBy {
    NamedBy::of(&named(first, last).0, &[], &[])
}

#[track_caller]
fn check((client, last_changes): &(Client, Vec<LastChange>), text: &str, (by_any, by_whole): (bool, bool)) {
    let named = NamedBy::of(client, &[], last_changes);
    let found = (named.is_by_any_name_in(&text.into()), named.is_by_whole_name_in(&text.into()));
    assert_eq!(found, (by_any, by_whole), "{text}");
}

#[test]
fn a_name_is_found_however_it_is_written_and_in_no_other_word() {
    let jose = named("José", "Wang");
    for alone in ["José’s tax", "Jose's tax is urgent", "the Wangs", "(Wang)", "JOSE"] {
        check(&jose, alone, (true, false));
    }
    for whole in ["José Wang", "Wang, José", "for José Wang’s tax", "jose.wang", "Ｊｏｓｅ Ｗａｎｇ"] {
        check(&jose, whole, (true, true));
    }
    for none in ["Joseph rang", "the wangle", "", "San Joseville"] {
        check(&jose, none, (false, false));
    }
    for mark in ["jw@example.com rang", "call 0491 575 029", "+61491575029", "client 30107"] {
        check(&jose, mark, (true, true));
    }
}

#[test]
fn words_that_are_names_too_are_left_where_they_are_about_others() {
    let will = named("Will", "Long");
    for other in ["she will be away for long", "long leave cover"] {
        check(&will, other, (true, false));
    }
    check(&will, "Long, Will", (true, true));
    check(&named("An", "To"), "an audit to prepare", (true, false));
    for other in ["May Long take over?", "long may it last", "It may long be so"] {
        check(&named("May", "Long"), other, (true, other.starts_with("May")));
    }
    check(&named("An", "Audit"), "An audit", (true, false));
    check(&named("A", "B"), "leave (plan A, b)", (true, false));
    check(&named("Wanda", "Trench"), "wanda trench is suing him", (true, true));
    check(&named("May", ""), "Maternity cover from May to July", (true, false));
    check(&named("Cher", ""), "Cher rang", (true, false));
    let cher = named("Cher", "");
    assert!(NamedBy::of(&cher.0, &[], &[]).is_told_in(&"Cher has no adviser".into()), "the host names people");
}

#[test]
fn a_whole_name_is_found_with_initials_and_turned_round() {
    let jp = named("Johannes", "van der Berg");
    for whole in
        ["Johannes van der Berg", "Johannes P. van der Berg’s will", "van der Berg, Johannes", "JOHANNES VAN DER BERG"]
    {
        check(&jp, whole, (true, true));
    }
    check(&jp, "Johannes, Berg and partners", (true, false));
    check(&named("Thi Van An", "Nguyen"), "Nguyen Thi Van An rang", (true, true));
    check(&named("José", "O'Brien"), "O’Brien, José", (true, true));
}

#[test]
fn a_name_that_somebody_else_has_is_theirs_too() {
    let check = |erased: &NamedBy, others: &[NamedBy], text: &str, expected: bool| {
        assert_eq!(erased.is_meant_in(&text.into(), others), expected, "{text}");
    };
    // The email and number of the tests are the same of all.
    let mary = by("Mary", "Stone");
    check(&mary, &[by("Marian", "Stone")], "Mary Stone rang", true);
    check(&mary, &[by("MARY", "Stone")], "Mary Stone rang", false);
    check(&mary, &[by("Marian", "Stone")], "0491 575 029 rang", false);
    let longer = [by("Mary", "Stone Lee"), by("Anna Mary", "Stone"), by("Mary Ann", "Stone")];
    for text in ["Mary Stone Lee rang", "Mary Stone-Lee rang", "Anna-Mary Stone", "Anna Mary Stone", "Stone, Mary Ann"]
    {
        check(&mary, &longer, text, false);
    }
    check(&mary, &longer, "Mary Stone Lee and Mary Stone", true);
    check(&mary, &longer, "Mary A. Stone", false);
    check(&mary, &longer, "mary.stone@example.org", false);
    check(&longer[2], &[], "Mary A. Stone", true);
    check(&longer[0], std::slice::from_ref(&mary), "Mary Stone Lee rang", true);
    let others = [by("Peter", "Stone"), by("Mary", "Lee")];
    for text in ["Peter Stone, Mary Lee", "Peter Stone: Mary Lee wrote", "for Peter Stone Mary Lee asks"] {
        check(&mary, &others, text, false);
    }
    check(&mary, &[], "John Stone, Mary Jones", false);
    // A couple is named together, and each of them is.
    for text in ["Peter & Mary Stone", "Mary and Peter Stone", "Peter+Mary Stone"] {
        check(&mary, &others, text, true);
    }
    check(&by("Tom", "Stone"), std::slice::from_ref(&mary), "Peter & Mary Stone", false);
    check(&mary, &[], "-Mary Stone", true);
    check(&by("خالد", "حداد"), &[], "حداد، خالد", true);
    check(&by("伟", "张"), &[by("伟明", "张")], "张伟明来电", false);
    check(&by("伟", "张"), &[by("伟明", "张")], "张伟来电", true);
    assert!(mary.is_like(&others[0], &[]) && mary.is_by_any_name_in(&"Mary rang".into()), "in their own household");
}

#[test]
fn numbers_and_ids_are_not_found_in_others() {
    let (mut client, _) = named("Kay", "Noon");
    client.external_id = ExternalId("2026".to_owned());
    let kay = NamedBy::of(&client, &[], &[]);
    for text in [
        "review of 2026",
        "born 12/03/2026",
        "$2026 gift",
        "policy 10491575029",
        "+61491575029999",
        "xjw@example.com",
        "jw@example.com.org",
    ] {
        assert!(!kay.is_by_whole_name_in(&text.into()), "{text}");
    }
    for text in [
        "client 2026",
        "CRM id: 2026",
        "#2026",
        "call 0491 575 029.",
        "0061 491-575-029",
        "(jw@example.com)",
        "jw@example.com.",
    ] {
        assert!(kay.is_by_whole_name_in(&text.into()), "{text}");
    }
}

#[test]
fn names_are_found_in_whichever_script_and_with_a_partners() {
    check(&named("민준", "박"), "박민준님 전화", (true, true));
    check(&named("Γιώργος", "Παπαδόπουλος"), "ΓΙΩΡΓΟΣ ΠΑΠΑΔΟΠΟΥΛΟΣ", (true, true));
    check(&named("Пётр", "Королёв"), "Петр Королев", (true, true));
    check(&named("สมชาย", "ใจดี"), "คุณสมชาย ใจดี โทรมา", (true, true));
    check(&named("さくら", "鈴木"), "鈴木ざくら", (true, false));
    for text in ["Jane & Tom Pairington", "Jane and Tom Pairington’s loan"] {
        check(&named("Jane", "Pairington"), text, (true, true));
    }
    for text in
        ["Jane and then Pairington", "they jane, pairington as they are", "pairington, jane", "Jane: Pairington"]
    {
        check(&named("Jane", "Pairington"), text, (true, false));
    }
}

#[test]
fn names_of_scripts_without_spaces_and_names_of_before_are_found() {
    let chen = named("雅婷", "陳");
    check(&chen, "找陳雅婷女士談", (true, true));
    check(&chen, "陳女士", (true, false));
    let at = Timestamp::UNIX_EPOCH;
    let last_changes = vec![LastChange {
        field: "last_name".to_owned(),
        from: Some("Betancourt".to_owned()),
        to: Some("Gardiner".to_owned()),
        at,
        cause: ChangeCause::Edit,
        by: None,
        run: None,
        revision: None,
    }];
    let alma = (named("Alma", "Gardiner").0, last_changes);
    check(&alma, "Mrs Betancourt before the wedding", (true, false));
    check(&alma, "Alma Betancourt", (true, true));
}

#[track_caller]
fn whole(by: &NamedBy, texts: &[&str], expected: bool) {
    for text in texts {
        assert_eq!(by.is_by_whole_name_in(&(*text).into()), expected, "{text}");
    }
}

#[test]
fn a_genitive_has_an_apostrophe_and_another_name_has_none() {
    let edward = by("Edward", "Stephen");
    let others = ["Edward Stephens", "Stephens, Edward", "EDWARD STEPHENS", "Edward & Ann Stephens", "Edwards Stephen"];
    whole(&edward, &others, false);
    whole(&edward, &["Edward Stephen’s will", "EDWARD STEPHEN'S", "Edward Stephen´s"], true);
    whole(&by("James", "Ross"), &["James Ross’ will", "James Ross's will"], true);
}

#[test]
fn each_of_those_who_are_named_together_is_named() {
    let hugh = by("Hugh", "Williams");
    let together = [
        "Mr Hugh and Mrs Ann Williams",
        "Mr. Hugh & Mrs. Ann Williams",
        "Hugh and Dr Ann Williams",
        "Hugh/Ann Williams",
        "Hugh / Ann Williams",
        "Hugh, Ann and Tim Williams",
        "Hugh, Ann, and Tim Williams",
        "Hugh R. & Tom Williams",
        "Hugh & Tom H. Williams",
        "Hugh & Ann Marie Williams",
        "WILLIAMS Ann & Hugh",
        "Williams, Ann & Hugh",
        "Williams, Mrs Ann and Mr Hugh",
    ];
    whole(&hugh, &together, true);
    let others = [
        "Hugh, Ann Williams",
        "Hugh and then Williams",
        "Hugh and Ann, Williams",
        "Ask Stone Ann and Hugh Williamson",
        "Peter Williams, Ann and Hugh",
        "Williams Ann and Hugh Jones",
        "Williams, Ann, Hugh",
        "Hugh and Mr Williams",
        "Hugh & Co v Williams",
    ];
    whole(&hugh, &others, false);
}

#[test]
fn a_name_is_found_with_a_nickname_and_as_files_have_it() {
    let (mut client, _) = named("Jean", "Picard");
    client.middle_name = Some("Luc".to_owned());
    let jean = NamedBy::of(&client, &[], &[]);
    let written = [
        "Jean \"Jojo\" Picard",
        "Jean (Jojo) Picard",
        "Jean “Jojo” Picard",
        "Jean 'Jojo' Picard",
        "Jean_Picard.pdf",
        "JeanPicard",
        "PicardJean.pdf",
        "PICARD, JEAN R.",
        "Picard, Jean Luc",
        "Picard, Jean L. rang",
    ];
    whole(&jean, &written, true);
    whole(&jean, &["Jean (Jojo Picard", "Jeanpicard", "Picard, Jean Moreau", "Picard, Jean R. Moreau"], false);
    whole(&by("Fionnuala", "O'Sullivan"), &["Fionnuala O´Sullivan", "Fionnuala_O'Sullivan.pdf"], true);
}

#[test]
fn a_name_of_two_of_their_family_names_is_theirs() {
    let (client, _) = named("Petra", "Krag");
    let former = FormerValue { field: "last_name".to_owned(), value: "Holm".to_owned() };
    let petra = NamedBy::of(&client, &[former], &[]);
    whole(&petra, &["Petra Holm-Krag", "Petra Holm"], true);
    whole(&petra, &["Petra Holm-Lee", "Lee-Petra Krag"], false);
}

#[test]
fn an_address_that_goes_on_is_another() {
    let kay = by("Kay", "Noon");
    let others = [
        "o'jw@example.com",
        "O’jw@example.com",
        "d´jw@example.com",
        "a!jw@example.com",
        "a&jw@example.com",
        "jw@example.com@other.org",
        "jw@example.com_x",
        "jw@example.com-old",
        "b+jw@example.com",
    ];
    whole(&kay, &others, false);
    let same = [
        "'jw@example.com'",
        "email=jw@example.com",
        "mailto:jw@example.com?subject=x",
        "ask jw@example.com!",
        "*jw@example.com*",
    ];
    whole(&kay, &same, true);
}

#[test]
fn a_number_of_another_country_is_another() {
    let kay = by("Kay", "Noon");
    let others = [
        "+64 491575029",
        "ring +44 491 575 029",
        "(+64) 491575029",
        "+64 (0)491575029",
        "0064 491 575 029",
        "+491575029",
    ];
    whole(&kay, &others, false);
    whole(
        &kay,
        &[
            "+61 491 575 029",
            "(+61) 491 575 029",
            "+61 (0)491 575 029",
            "0061 0491575029",
            "0491-575-029 or +64 21 000 000",
        ],
        true,
    );
}

#[test]
fn who_has_something_in_common_is_alike() {
    let (mary, texts) = (by("Mary", "Stone"), [&"For Mary Stone".into(), &"For Peter Stone".into()]);
    // The email and number of the tests are the same of all.
    let another = |first: &str, last: &str| NamedBy { emails: Vec::new(), numbers: Vec::new(), ..by(first, last) };
    assert!(!another("Marian", "Lee").is_like(&mary, &texts), "nothing");
    assert!(by("Marian", "Lee").is_like(&mary, &[]), "both");
    let by_email = NamedBy { numbers: Vec::new(), ..by("Marian", "Lee") };
    let by_number = NamedBy { emails: Vec::new(), ..by("Marian", "Lee") };
    assert!(by_email.is_like(&mary, &[]) && by_number.is_like(&mary, &[]), "one of them");
    assert!(another("Peter", "Stone").is_like(&mary, &texts), "a name that a text has");
    assert!(!another("Anna", "Stone").is_like(&mary, &texts), "the family name alone");
    assert!(!mary.is_told_in(&"Mary has no adviser".into()), "one of two names");
    assert!(mary.is_told_in(&"Mary Stone has no adviser".into()));
}

#[test]
fn a_first_name_that_is_somebody_elses_family_name_is_theirs() {
    let ross = by("Ross", "Graham");
    let others = [
        "David Ross and Ann Graham",
        "Mr David Ross & Mrs Ann Graham",
        "DAVID ROSS & ANN GRAHAM",
        "Diana Ross/Ann Graham",
        "Jonathan Ross + Ann Graham",
        "David Ross, Ann and Tim Graham",
        "David Ross, CFP and Ann Graham",
        "David Ross & Tom Jones and Ann Graham",
        "D Ross & A Graham",
        "P. A. Ross and S. Graham",
        "Ms D Ross and Ms A Graham",
        "Mr Ross and Ann Graham",
        "Mrs Ross and Mrs Ann Graham",
        "Mr. Ross and Mr. Tom Graham",
        "David Ross's and Ann Graham's files",
        "Spoke to David Ross and Ann Graham",
        "Ross & Tom Jones and Ann Graham",
    ];
    whole(&ross, &others, false);
    let theirs = [
        "Ask Ross and Ann Graham",
        "Spoke to Ross and Ann Graham",
        "With Mr Ross and Mrs Ann Graham",
        "Mrs Ross and Mr Tim Graham",
        "Ann and Ross Graham",
        "Ross and his wife Ann Graham",
        "Ross & Ann-Marie Graham",
        "Ross & Ann \"Nan\" Graham",
    ];
    whole(&ross, &theirs, true);
}

#[test]
fn a_sentence_ends_a_name() {
    let ross = by("Ross", "Graham");
    let others = [
        "Saw Ross. Graham rang.",
        "See Ross. Graham Road branch.",
        "Ross...Graham",
        "Ross… Graham",
        "1. Ross. 2. Graham",
    ];
    whole(&ross, &others, false);
    whole(&ross, &["Ross.Graham", "Ross R. Graham", "Ross P. Q. Graham"], true);
}

#[test]
fn the_parts_of_one_name_stand_together() {
    let sue = by("Sue Ellen", "Parr");
    let others = [
        "Sue & Ellen Parr",
        "Sue, Ellen Parr",
        "Sue/Ellen Parr",
        "Sue; Ellen Parr",
        "Sue (Ellen Parr)",
        "Sue - Ellen Parr",
        "Sue. Ellen Parr rang",
        "Tim, Sue & Ellen Parr",
        "Parr, Sue & Ellen",
    ];
    whole(&sue, &others, false);
    whole(&sue, &["Sue Ellen Parr", "Sue-Ellen Parr", "SueEllenParr.pdf", "Sue_Ellen_Parr.pdf"], true);
    let ana = by("Ana", "Cruz Vega");
    whole(&ana, &["Ana Cruz, Vega", "Ana Cruz & Vega", "Ana Cruz/Vega", "Ana Cruz. Vega rang"], false);
    whole(&ana, &["Ana Cruz Vega", "Ana Cruz-Vega", "Cruz Vega, Ana"], true);
}

#[test]
fn a_name_is_found_turned_round_with_titles_and_in_names_of_files() {
    let keith = by("Keith", "Martin");
    let written = [
        "Martin, Mr Keith",
        "MARTIN Mr Keith",
        "Martin Jr., Keith",
        "Martin III, Keith",
        "Martin, Mr Keith & Mrs Ann",
        "KeithMartin2024",
        "KeithMartinSOA.pdf",
        "martin_keith.pdf",
        "Keith-Martin.pdf",
        "SOA-Keith-Martin.pdf",
        "Keith%20Martin.pdf",
        "Keith Martin2",
        "2Keith Martin",
        "Keith \"Big K\" Martin",
        "\"Keith\" Martin",
        "Keith [Kit] Martin",
        "Keith Martin-approved",
        "ex-Keith Martin",
    ];
    whole(&keith, &written, true);
    whole(&keith, &["Keith Martin-Lee", "Keith-Martin Lee", "Keith, Martin", "martin, keith", "KeithMartins"], false);
    whole(&by("Jan", "van der Berg"), &["JanVanDerBerg.pdf"], true);
}

#[test]
fn a_number_is_an_id_right_after_a_word_that_says_so() {
    let (mut client, _) = named("Kay", "Noon");
    client.external_id = ExternalId("30025".to_owned());
    let kay = NamedBy::of(&client, &[], &[]);
    let others = [
        "client $30025",
        "client owes $30025",
        "client A$30025",
        "client 30025.50 fee",
        "client 30025% up",
        "client paid 30025",
        "client has 30025 units",
        "client invoice 30025",
        "client ticket #30025",
        "client 30025/7",
        "client 30025:30",
        "client 30025-4",
    ];
    whole(&kay, &others, false);
    let same = [
        "client 30025",
        "Client no. 30025.",
        "record: 30025",
        "id=30025",
        "client_30025.pdf",
        "#30025",
        "clients 30020, 30025",
        "clients 30020 and 30025",
    ];
    whole(&kay, &same, true);
}
