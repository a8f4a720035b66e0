//! The engine on small templates: what it makes, what it says, and what a template cannot reach.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::problem::DocumentError;
use crate::{Job, MadeAt, Typeset};

const HEAD: &str = "#set document(title: \"A plan\")\n#set text(lang: \"en\")\n#let data = json(\"/data.json\")\n";

fn job(template: &str, data: Value) -> Job {
    Job {
        template: "plan.typ".to_owned(),
        files: BTreeMap::from([("plan.typ".to_owned(), format!("{HEAD}{template}").into_bytes())]),
        data,
        made_at: MadeAt { year: 2026, month: 3, day: 1, hour: 9, minute: 30, second: 0, offset_minutes: 660 },
        identity: "one".to_owned(),
    }
}

fn set(template: &str, data: Value) -> Result<Typeset, DocumentError> {
    Engine::new(None).typeset(job(template, data))
}

fn refusal(template: &str) -> String {
    set(template, json!({})).unwrap_err().to_string()
}

fn holds(pdf: &[u8], message: &str) -> bool {
    pdf.windows(message.len()).any(|window| window == message.as_bytes())
}

#[test]
fn a_document_is_tagged_dated_and_the_same_each_time() {
    let made = set("= Goals\nFor #data.name", json!({ "name": "Mārama Tūhoe, Алёна, Zoë" })).unwrap();
    assert_eq!(made.pages, ["Goals\nFor Mārama Tūhoe, Алёна, Zoë"]);
    assert!(made.pdf.starts_with(b"%PDF-1."));
    for message in ["/MarkInfo", "/StructTreeRoot", "/Lang", "pdfuaid:part", "2026-03-01T09:30:00+11:00"] {
        assert!(holds(&made.pdf, message), "{message}");
    }
    assert_eq!((made.replaced.as_str(), made.warnings.len()), ("", 0));

    let again = set("= Goals\nFor #data.name", json!({ "name": "Mārama Tūhoe, Алёна, Zoë" })).unwrap();
    assert_eq!(made.pdf, again.pdf);
    let other = set("= Goals\nFor #data.name", json!({ "name": "Somebody" })).unwrap();
    assert_ne!(made.pdf, other.pdf);
}

#[test]
fn text_with_markup_in_it_stays_text() {
    let name = "#pagebreak() *bold* $x$ = Heading\n#include \"other.typ\" \\ @label <b>";
    let made = set("#data.name", json!({ "name": name })).unwrap();
    let text = made.pages.join("").replace('\n', " ");
    for message in ["#pagebreak() *bold* $x$ = Heading", "#include \"other.typ\" \\ @label <b>"] {
        assert!(text.replace(['“', '”'], "\"").contains(message), "{text}");
    }
}

#[test]
fn today_is_the_documents_day() {
    let made = set("#datetime.today().display()", json!({})).unwrap();
    assert_eq!(made.pages, ["2026-03-01"]);
}

#[test]
fn a_character_that_no_font_has_is_replaced_and_told() {
    let made = set("#data.name and #data.list.at(0)", json!({ "name": "田中 Ana", "list": ["\u{1F9A6}"] })).unwrap();
    assert_eq!(made.replaced, "中田\u{1F9A6}");
    assert_eq!(made.pages, ["\u{FFFD}\u{FFFD} Ana and \u{FFFD}"]);
    assert!(refusal("田中").contains("the template's own text has characters that no font has: 中田"));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let check = |template: &str, message: &str| {
        let said = refusal(template);
        assert!(said.contains(message), "{said:?} does not say {message:?}");
    };
    check("#unknown", "plan.typ, line 4: unknown variable: unknown");
    check("\n\n#data.nothing", "plan.typ, line 6: dictionary does not contain key \"nothing\"");
    check("#let x = (", "plan.typ, line 4: unclosed delimiter");
    check("#image(\"logo.png\")", "plan.typ, line 4: file not found");
    check("#panic(\"no plan\")", "no plan");
    check("#let f(n) = f(n + 1)\n#f(0)", "maximum function call depth exceeded");
    check("#let n = 0\n#while n >= 0 { n += 1 }", "infinite");
}

#[test]
fn a_template_reaches_nothing_but_its_files() {
    let check = |template: &str, message: &str| {
        let said = refusal(template);
        assert!(said.contains(message), "{template}: {said:?} does not say {message:?}");
    };
    check("#read(\"/etc/passwd\")", "file not found");
    check("#read(\"../../secrets\")", "line 4");
    check("#import \"@preview/cetz:0.3.0\": *", "packages are not fetched");
    check("#image(\"https://example.com/logo.png\")", "file not found");
    check("#read(\"/proc/self/environ\")", "file not found");
}

#[test]
fn what_would_not_be_accessible_is_refused() {
    let job = |head: &str| {
        let mut job = job("", json!({}));
        job.files.insert("plan.typ".to_owned(), head.as_bytes().to_vec());
        Engine::new(None).typeset(job).unwrap_err().to_string()
    };
    assert!(job("= No title").contains("title"));
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>"#;
    let mut pictured = self::job("#image(\"logo.svg\")", json!({}));
    pictured.files.insert("logo.svg".to_owned(), svg.to_vec());
    let said = Engine::new(None).typeset(pictured.clone()).unwrap_err().to_string();
    assert!(said.contains("alt"), "{said}");
    let described = format!("{HEAD}#image(\"logo.svg\", alt: \"Harbour Advice\")").into_bytes();
    pictured.files.insert("plan.typ".to_owned(), described);
    assert!(Engine::new(None).typeset(pictured).is_ok());
}

#[test]
fn a_document_without_end_is_refused() {
    let said = refusal("#for n in range(600) [#pagebreak() #n]");
    assert!(said.contains("pages, more than 500"), "{said}");
}

/// Characters that PDF/UA does not let a text be read back as, alone and behind a letter.
#[test]
fn characters_that_no_document_can_be_set_with_do_not_break_it() {
    let odd = "\0\u{1}\u{7}\u{8}\u{b}\u{c}\u{e}\u{1b}\u{7f}\u{80}\u{85}\u{9f}\u{ad}\u{34f}\u{61c}\u{115f}\u{17b4}\u{180e}\
               \u{200b}\u{200c}\u{200d}\u{200e}\u{2028}\u{2029}\u{202e}\u{2060}\u{2064}\u{2066}\u{206f}\u{3164}\u{d7ff}\
               \u{e000}\u{f8ff}\u{fdd0}\u{fe00}\u{fe0e}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{fffc}\u{fffd}\u{fffe}\u{ffff}\u{1d173}\
               \u{1f1e6}\u{1fffe}\u{e0001}\u{e0020}\u{e0061}\u{e0100}\u{f0000}\u{10ffff}";
    let template = "= Plan\n#table(columns: (1cm, 1fr), data.name, [#data.list.at(0)])";
    let mut engine = Engine::new(None);
    let mut check = |text: &str| {
        let made = engine.typeset(job(template, json!({ "name": text, "list": [text] })));
        assert!(made.is_ok(), "{text:?}: {}", made.unwrap_err());
    };
    check(odd);
    for letter in odd.chars() {
        check(&format!("{letter}"));
        check(&format!("a{letter}*{letter}b \u{5d0}{letter}\u{628}{letter}\u{633} {letter}"));
    }
}
