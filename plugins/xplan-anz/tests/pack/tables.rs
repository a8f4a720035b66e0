//! The hard cases of single fields, a line each.

use serde_json::{Value, json};
use tidegate_sdk::RecordKind;

use crate::support::{AU, NZ, client, codes, list, mapped};

/// Maps a client with a name, an email and `more`; compares one field and the diagnostics' codes.
#[track_caller]
fn check(folder: &str, more: Value, field: &str, expected: Value, expected_codes: &[&str]) {
    let mut fields = json!({"first_name": "Jo", "last_name": "Ray", "preferred_email": "jo@example.com"});
    let Value::Object(more) = more else { panic!("the fields are an object") };
    fields.as_object_mut().unwrap().extend(more);
    let verdict = mapped(folder, client(&fields, &Value::Null, &Value::Null));
    assert_eq!(verdict["records"][0][field], expected, "{verdict:#}");
    assert_eq!(codes(&verdict), expected_codes, "{verdict:#}");
}

#[test]
fn titles() {
    let check = |text: &str, title: Value, codes: &[&str]| check(AU, json!({"title": text}), "title", title, codes);
    check("Mr", json!("Mr"), &[]);
    check(" mister ", json!("Mr"), &[]);
    check("MRS.", json!("Mrs"), &[]);
    check("ms", json!("Ms"), &[]);
    check("Miss", json!("Miss"), &[]);
    check("Dr.", json!("Dr"), &[]);
    check("Professor", json!("Prof"), &[]);
    check("", Value::Null, &[]);
    check("Sir", Value::Null, &["unknown-title"]);
    check("Mr & Mrs", Value::Null, &["unknown-title"]);
}

#[test]
fn sexes() {
    let check = |text: &str, sex: Value, codes: &[&str]| check(AU, json!({"sex": text}), "sex", sex, codes);
    check("M", json!("male"), &[]);
    check("female", json!("female"), &[]);
    check("x", json!("other"), &[]);
    check("1", Value::Null, &["unknown-sex"]);
}

#[test]
fn dates_of_birth() {
    let check = |dob: Value, date: Value, codes: &[&str]| check(AU, json!({"dob": dob}), "date_of_birth", date, codes);
    let wrapped = |text: &str| json!({"_type": "Date", "_val": text});
    check(wrapped("1964-02-29"), json!("1964-02-29"), &[]);
    check(json!({"_val": "1964-02-29", "_type": "Date"}), json!("1964-02-29"), &[]);
    check(json!("1964-02-29"), json!("1964-02-29"), &[]);
    check(json!({"_type": "Date", "_val": null}), Value::Null, &[]);
    check(Value::Null, Value::Null, &[]);
    check(wrapped("1963-02-29"), Value::Null, &["impossible-date"]);
    check(wrapped("64-03-01"), Value::Null, &["impossible-date"]);
    check(wrapped("1899-12-29"), Value::Null, &["impossible-date"]);
    check(json!("1/3/1964"), json!("1964-03-01"), &["date-in-other-form"]);
    check(wrapped("3/02/1971"), json!("1971-02-03"), &["date-in-other-form"]);
    check(wrapped("1971-2-3"), json!("1971-02-03"), &["date-in-other-form"]);
    check(wrapped("19710203"), json!("1971-02-03"), &["date-in-other-form"]);
    check(json!({"_type": "Date", "_val": 19710203}), json!("1971-02-03"), &["date-in-other-form"]);
    check(json!(19640301), json!("1964-03-01"), &["date-in-other-form"]);
    check(wrapped("0000-05-17"), Value::Null, &["impossible-date"]);
    check(wrapped("2201-01-01"), Value::Null, &["impossible-date"]);
    check(json!("3/02/1971 12:00:00 AM"), json!("1971-02-03"), &["date-in-other-form"]);
    check(wrapped("1964-02-29T00:00:00"), json!("1964-02-29"), &[]);
    check(wrapped("02/13/1971"), Value::Null, &["impossible-date"]);
    check(wrapped("3/2/71"), Value::Null, &["impossible-date"]);
    check(json!(-185673600), Value::Null, &["wrong-type"]);
    check(wrapped(" "), Value::Null, &[]);
    check(json!({"_type": "Time", "_val": "10:15Z"}), Value::Null, &["wrong-type"]);
}

#[test]
fn midnight_at_the_site_is_the_day_that_begins_there() {
    let check = |folder: &str, dob: &str, date: Value, codes: &[&str]| {
        check(folder, json!({"dob": {"_type": "Date", "_val": dob}}), "date_of_birth", date, codes);
    };
    check(NZ, "1961-03-14T12:00:00Z", json!("1961-03-15"), &["date-in-site-time"]);
    check(NZ, "1999-12-31T11:00:00.000Z", json!("2000-01-01"), &["date-in-site-time"]);
    check(AU, "1990-06-30T14:00:00Z", json!("1990-07-01"), &["date-in-site-time"]);
    check(AU, "1990-12-30T13:00:00Z", json!("1990-12-31"), &["date-in-site-time"]);
    check(AU, "1995-07-05T13:00:00Z", json!("1995-07-06"), &["date-near-midnight"]);
    check(AU, "1995-01-05T14:00:00Z", json!("1995-01-06"), &["date-near-midnight"]);
    check(AU, "1961-03-14T12:00:00Z", Value::Null, &["moment-not-a-day"]);
    check(NZ, "1961-03-14T00:00:00Z", json!("1961-03-14"), &[]);
    check(NZ, "1961-03-14", json!("1961-03-14"), &[]);
}

#[test]
fn stand_ins_for_unknown_are_left_out() {
    let told = ["stands-for-unknown"];
    for date in
        ["1900-01-01", "1800-01-01", "9999-12-31", "0001-01-01", "0000-00-00", "1900-01-01T00:00:00", "01/01/1900"]
    {
        check(AU, json!({"dob": {"_type": "Date", "_val": date}}), "date_of_birth", Value::Null, &told);
    }
    for date in ["1970-01-01", "1970-01-01T00:00:00Z"] {
        let told = ["may-stand-for-unknown"];
        check(AU, json!({"dob": {"_type": "Date", "_val": date}}), "date_of_birth", json!("1970-01-01"), &told);
    }
    for word in ["N/A", "TBA", "unknown", "?", "-"] {
        check(AU, json!({"middle_name": word}), "middle_name", Value::Null, &told);
        check(AU, json!({"title": word}), "title", Value::Null, &told);
        check(NZ, json!({"preferred_phone": word}), "mobile", Value::Null, &told);
        check(NZ, json!({"dob": word}), "date_of_birth", Value::Null, &told);
    }
    for name in ["Nil", "Na", "None", "Null", "Unknowne", "X"] {
        check(AU, json!({"middle_name": name}), "middle_name", json!(name), &[]);
    }
    for number in ["0000000000", "0000 000 000", "+61 400 000 000"] {
        check(AU, json!({"preferred_phone": number}), "mobile", Value::Null, &told);
    }
    for email in ["none@none.com", "pat@noemail.com", "N/A", "mailto:none@none.com"] {
        let codes = ["stands-for-unknown", "placeholder-email"];
        check(AU, json!({"preferred_email": email}), "email", json!("Jo.Ray@practice.example"), &codes);
    }
    // As if it were empty: the home country is taken.
    let home = json!([{"street": "1 Low St", "country": "N/A"}]);
    let jo = client(&json!({"first_name": "Jo", "preferred_email": "jo@example.com"}), &Value::Null, &home);
    let verdict = mapped(AU, jo);
    assert_eq!(verdict["records"][0]["country_code"], "AU");
    assert_eq!(codes(&verdict), ["stands-for-unknown", "country-assumed"]);
    let nameless =
        mapped(AU, client(&json!({"first_name": "Unknown", "last_name": "N/A"}), &Value::Null, &Value::Null));
    assert_eq!(nameless["verdict"], "skipped");
    assert_eq!(codes(&nameless), ["stands-for-unknown", "stands-for-unknown", "no-name"]);
}

#[test]
fn entities_of_html_are_decoded_once() {
    let check = |field: &str, text: &str, canonical: &str, expected: &str| {
        check(AU, json!({field: text}), canonical, json!(expected), &["html-entities"]);
    };
    check("last_name", "O&#39;Brien &amp; Lee", "last_name", "O'Brien & Lee");
    check("last_name", "O&amp;#39;Brien", "last_name", "O&#39;Brien");
    check("first_name", "M&amacr;ia&nbsp;", "first_name", "Māia");
    check("preferred_email", "o&#39;neil@example.com", "email", "o'neil@example.com");
    let home = json!([{"street": "Unit 4\n12 O&#39;Brien St", "suburb": "O&rsquo;Connor", "country": "AU"}]);
    let verdict =
        mapped(AU, client(&json!({"first_name": "Jo", "preferred_email": "jo@example.com"}), &Value::Null, &home));
    let record = &verdict["records"][0];
    assert_eq!((&record["address_line_2"], &record["suburb"]), (&json!("12 O'Brien St"), &json!("O’Connor")));
    assert_eq!(codes(&verdict), ["html-entities", "html-entities"]);
    let goal =
        mapped(AU, list(RecordKind::Goal, "goals", &json!({"owner": "client", "description": "Kids &amp; school"})));
    assert_eq!(goal["records"][0]["name"], "Kids & school");
    let cover = json!({"policy_owners": ["client"], "covers": [{"cover_type": "Home &amp; Contents"}]});
    let cover = mapped(AU, list(RecordKind::Cover, "insurance_group", &cover));
    assert_eq!((&cover["records"][0]["type"], codes(&cover)), (&json!("general"), vec!["html-entities".to_owned()]));
}

#[test]
fn postcodes_get_their_zero_back() {
    let check =
        |folder: &str, state: &str, postcode: Value, country: &str, expected: Value, expected_codes: &[&str]| {
            let home = json!([{"street": "1 Low St", "state": state, "postcode": postcode, "country": country}]);
            let fields = json!({"first_name": "Jo", "preferred_email": "jo@example.com"});
            let verdict = mapped(folder, client(&fields, &Value::Null, &home));
            assert_eq!(verdict["records"][0]["postcode"], expected, "{verdict:#}");
            assert_eq!(codes(&verdict), expected_codes, "{verdict:#}");
        };
    let restored = ["leading-zero-restored"];
    for postcode in [json!("800"), json!(800), json!(800.0), json!("800.0"), json!(" 800 ")] {
        check(AU, "NT", postcode, "AU", json!("0800"), &restored);
    }
    check(AU, "Northern Territory", json!("909"), "AU", json!("0909"), &restored);
    check(AU, "ACT", json!(200), "AU", json!("0200"), &restored);
    check(AU, "", json!("870"), "AU", json!("0870"), &restored);
    check(AU, "NT", json!("0800"), "AU", json!("0800"), &[]);
    check(AU, "VIC", json!(3053), "AU", json!("3053"), &[]);
    // A digit is missing here, and nobody knows which.
    check(AU, "VIC", json!("305"), "AU", Value::Null, &["bad-postcode"]);
    check(AU, "VIC", json!(305), "AU", Value::Null, &["bad-postcode"]);
    check(AU, "VIC", json!("800"), "AU", Value::Null, &["bad-postcode"]);
    check(AU, "NT", json!("80"), "AU", Value::Null, &["bad-postcode"]);
    check(AU, "", json!("610"), "NZ", json!("0610"), &restored);
    check(AU, "", json!(75001), "FR", json!("75001"), &[]);
    check(NZ, "", json!("610"), "NZ", json!("0610"), &restored);
    check(NZ, "", json!(610), "NZ", json!("0610"), &restored);
    check(NZ, "", json!("6011"), "NZ", json!("6011"), &[]);
    check(NZ, "NT", json!(800), "AU", json!("0800"), &restored);
}

#[test]
fn amounts() {
    let check = |amount: Value, cost: Value, outlook: Value, expected_codes: &[&str]| {
        let row = json!({"owner": "client", "description": "Sail", "target_amount": amount});
        let verdict = mapped(AU, list(RecordKind::Goal, "goals", &row));
        let goal = &verdict["records"][0];
        let money = &goal["estimated_cost"];
        let found = if money.is_null() { Value::Null } else { json!([money["amount"], money["currency"]]) };
        assert_eq!((found, &goal["outlook"]), (cost, &outlook), "{verdict:#}");
        assert_eq!(codes(&verdict), expected_codes, "{verdict:#}");
    };
    let wrapped = |amount: Value| json!({"_type": "BigDecimal", "_val": amount});
    let of = |code: Value, value: Value| json!({"_type": "Currency", "_val": {"code": code, "value": value}});
    let aud = |amount: &str| json!([amount, "AUD"]);
    let more = json!("will_have_more_money");
    let less = json!("will_have_less_money");
    check(wrapped(json!(100)), aud("100"), more.clone(), &[]);
    check(of(json!("AUD"), wrapped(json!(-100))), aud("100"), less.clone(), &[]);
    check(of(json!("AUD"), wrapped(json!("1,250.50"))), aud("1250.50"), more.clone(), &[]);
    check(of(json!("NZD"), json!("1\u{a0}250")), json!(["1250", "NZD"]), more.clone(), &[]);
    check(of(json!("aud"), json!(5)), aud("5"), more.clone(), &[]);
    check(of(json!("AUD"), json!("A$5")), aud("5"), more.clone(), &[]);
    check(of(json!(null), json!(5)), aud("5"), more.clone(), &[]);
    check(of(json!(""), json!(5)), aud("5"), more.clone(), &[]);
    check(json!("($100,000)"), aud("100000"), less.clone(), &[]);
    check(json!("-$1,250.50"), aud("1250.50"), less, &[]);
    check(json!("NZ$99"), json!(["99", "NZD"]), more.clone(), &[]);
    check(json!({"_type": "Currency", "_val": 12.5}), aud("12.5"), more, &[]);
    check(json!("($0.00)"), aud("0.00"), json!("non_financial"), &[]);
    check(json!(null), Value::Null, json!("non_financial"), &[]);
    check(of(json!("AUD"), wrapped(json!(null))), Value::Null, json!("non_financial"), &[]);
    check(json!(" "), Value::Null, json!("non_financial"), &[]);
    let unreadable = ["unreadable-amount", "outlook-unknown"];
    check(of(json!("AUD"), wrapped(json!("12,5"))), Value::Null, Value::Null, &unreadable);
    check(of(json!("Dollars"), json!(5)), Value::Null, Value::Null, &unreadable);
    check(of(json!("AUD"), json!("NZ$5")), Value::Null, Value::Null, &unreadable);
    check(json!("about 100k"), Value::Null, Value::Null, &unreadable);
    // More digits than the host keeps.
    check(wrapped(json!("1e30")), Value::Null, Value::Null, &unreadable);
    check(json!("TBA"), Value::Null, Value::Null, &["stands-for-unknown", "outlook-unknown"]);
    check(json!({"amount": 5}), Value::Null, Value::Null, &["wrong-type", "outlook-unknown"]);
}

#[test]
fn covers_are_read_in_the_words_of_people() {
    let check = |cover: Value, field: &str, expected: Value, expected_codes: &[&str]| {
        let mut cover = cover;
        cover["cover_type"] = json!(cover["cover_type"].as_str().unwrap_or("Life"));
        let policy = json!({
            "policy_owners": ["client"],
            "frequency_display": "Monthly (in advance)",
            "installment_premium": "$12.50",
            "policy_to": {"_type": "Date", "_val": "9999-12-31"},
            "covers": [cover],
        });
        let verdict = mapped(AU, list(RecordKind::Cover, "insurance_group", &policy));
        let found = &verdict["records"][0];
        assert_eq!(found[field], expected, "{verdict:#}");
        assert_eq!((&found["premium_frequency"], &found["end_year"]), (&json!("monthly"), &Value::Null), "{verdict:#}");
        assert_eq!(found["premium"]["amount"], "12.50", "{verdict:#}");
        let mut of_cover = codes(&verdict);
        of_cover.retain(|code| code != "stands-for-unknown");
        assert_eq!(of_cover.pop().as_deref(), Some("read-without-remark"), "{verdict:#}");
        assert_eq!(of_cover, expected_codes, "{verdict:#}");
    };
    let of_type = |word: &str| json!({"cover_type": word});
    let remark = ["read-without-remark"];
    check(of_type("TPD (own occ)"), "type", json!("total_and_permanent_disability"), &remark);
    check(of_type("Income Protection (Agreed)"), "type", json!("income_protection"), &remark);
    check(of_type("Critical Illness - Std"), "type", json!("trauma"), &remark);
    check(of_type("Critical Illness – Std"), "type_as_given", json!("Critical Illness – Std"), &remark);
    check(of_type("Life"), "type", json!("life"), &[]);
    check(of_type("Needlestick (Trauma)"), "type", json!("other"), &["unknown-type"]);
    let below = ["sum-insured-below-zero"];
    check(json!({"sum_insured": "($100,000)"}), "sum_insured", Value::Null, &below);
    let sum = json!({"amount": "1250.50", "currency": "AUD"});
    check(json!({"sum_insured": {"_type": "BigDecimal", "_val": "1,250.50"}}), "sum_insured", sum, &[]);
    // What cannot be read of a cover's own premium leaves it with its policy's.
    check(json!({"benefit_premium": "ten"}), "type", json!("life"), &["unreadable-amount"]);
}

#[test]
fn mobiles() {
    let check_in = |folder: &str, text: &str, mobile: Value, codes: &[&str]| {
        check(folder, json!({"preferred_phone": text}), "mobile", mobile, codes);
    };
    let check = |text: &str, mobile: Value, codes: &[&str]| check_in(AU, text, mobile, codes);
    check("+61 491 570 156", json!("+61491570156"), &[]);
    check(" +61491570156 ", json!("+61491570156"), &[]);
    check("+61 (0)491 570 156", json!("+61491570156"), &[]);
    check("tel:+61-491-570-156", json!("+61491570156"), &[]);
    check("0011 61 491 570 156", json!("+61491570156"), &[]);
    check("+64 21 555 0123", json!("+64215550123"), &[]);
    check("+44 7400 123456", json!("+447400123456"), &[]);
    check("+1 212 555 2368", json!("+12125552368"), &["may-be-a-landline"]);
    check("0491 570 156", Value::Null, &["no-country-code"]);
    check("61491570156", Value::Null, &["no-country-code"]);
    check("(02) 5550 1234", Value::Null, &["not-a-mobile"]);
    check("02 5550 1234", Value::Null, &["not-a-mobile"]);
    check("1300 555 123", Value::Null, &["not-a-mobile"]);
    check("44 7400 123456", Value::Null, &["no-country-code"]);
    check("(+61) 491 570 156", json!("+61491570156"), &[]);
    check("＋６１ ４９１ ５７０ １５６", json!("+61491570156"), &[]);
    check("Mobile: +61 491 570 156", json!("+61491570156"), &[]);
    check("+61 491 570 156 (mob)", json!("+61491570156"), &[]);
    check("+61 491 570 156 ext. 7", json!("+61491570156"), &["extension-left-out"]);
    check("+61-491-570-156-x11", json!("+61491570156"), &["extension-left-out"]);
    check("6.14916E+10", Value::Null, &["letters-in-number"]);
    check("491570156@", Value::Null, &["not-a-number"]);
    check("+61 0491 570 156", json!("+61491570156"), &[]);
    check("+61 491 5O0 156", Value::Null, &["letters-in-number"]);
    check("0491 5O0 156", Value::Null, &["letters-in-number"]);
    check("+61 491 CALL ME", Value::Null, &["letters-in-number"]);
    check("Wife: +61 491 570 157", Value::Null, &["letters-in-number"]);
    check("+61 491 570 156 (after 5pm)", Value::Null, &["letters-in-number"]);
    check("+61 2 5550 1234", Value::Null, &["not-a-mobile"]);
    check("+61 (0)2 5550 1234", Value::Null, &["not-a-mobile"]);
    check("+44 20 7946 0018", Value::Null, &["not-a-mobile"]);
    check("+61 491 570", Value::Null, &["not-valid"]);
    check("+", Value::Null, &["not-a-number"]);
    check("+ask Noah", Value::Null, &["not-a-number"]);
    check("", Value::Null, &[]);
    check_in(NZ, "0061 491 570 156", json!("+61491570156"), &[]);
    check_in(NZ, "+64 4 555 0123", Value::Null, &["not-a-mobile"]);
    check_in(NZ, "021 555 0123", Value::Null, &["no-country-code"]);
    check_in(NZ, "04 555 0123", Value::Null, &["not-a-mobile"]);
    let stored_as_number = |number: Value| {
        self::check(AU, json!({"preferred_phone": number}), "mobile", Value::Null, &["no-country-code"]);
    };
    stored_as_number(json!(491570156));
    stored_as_number(json!(61491570156_u64));
}

#[test]
fn a_mobile_is_chosen_among_several() {
    let check = |contact: Value, mobile: Value, expected: &[&str]| {
        let fields = json!({"first_name": "Jo", "preferred_email": "jo@example.com"});
        let verdict = mapped(AU, client(&fields, &contact, &Value::Null));
        assert_eq!(verdict["records"][0]["mobile"], mobile, "{verdict:#}");
        assert_eq!(codes(&verdict), expected, "{verdict:#}");
    };
    let row = |kind: &str, value: &str, preferred: bool| json!({"type": kind, "value": value, "preferred": preferred});
    let (first, second) = ("+61 491 570 156", "+61 491 570 157");
    // One that is preferred needs no word.
    check(json!([row("mobile", first, false), row("mobile", second, true)]), json!("+61491570157"), &[]);
    // One alone needs no word either, preferred or not.
    check(json!([row("mobile", first, false)]), json!("+61491570156"), &[]);
    // A phone row may hold a mobile.
    check(json!([row("phone", first, true)]), json!("+61491570156"), &[]);
    // Mobile rows come before phone rows, and only rows of these kinds count.
    check(json!([row("phone", first, false), row("MOBILE", second, false)]), json!("+61491570157"), &["no-preference"]);
    check(json!([row("fax", first, true)]), Value::Null, &[]);
    check(json!([row("pager", first, true)]), Value::Null, &[]);
    // What was passed over is told.
    check(
        json!([row("mobile", "0491 570 158", true), row("mobile", second, false)]),
        json!("+61491570157"),
        &["no-country-code", "not-the-preferred"],
    );
    check(
        json!([row("phone", "+61 2 5550 1234", true), row("mobile", "0491 570 158", false)]),
        Value::Null,
        &["not-a-mobile", "no-country-code"],
    );
}

#[test]
fn placeholder_emails() {
    let check = |first: Value, last: Value, email: &str| {
        let fields = json!({"first_name": first, "last_name": last, "preferred_name": "Őszi"});
        let verdict = mapped(AU, client(&fields, &Value::Null, &Value::Null));
        assert_eq!(verdict["records"][0]["email"], email, "{verdict:#}");
        assert_eq!(verdict["records"][0]["email_is_placeholder"], true);
        assert_eq!(codes(&verdict), ["placeholder-email"]);
    };
    check(json!("Ayda"), json!("Khan"), "Ayda.Khan@practice.example");
    check(json!("Mārama Kay"), json!("Tūhoe-O’Neill"), "MaramaKay.Tuhoe-ONeill@practice.example");
    check(json!("José"), json!("Nguyễn"), "Jose.Nguyen@practice.example");
    check(Value::Null, json!("Khan"), "Oszi.Khan@practice.example");
    check(json!("Ayda"), json!("王"), "Ayda@practice.example");
}

#[test]
fn emails() {
    let check = |text: &str, email: &str, codes: &[&str]| {
        check(AU, json!({"preferred_email": text}), "email", json!(email), codes);
    };
    let placeholder = "Jo.Ray@practice.example";
    check("jo.ray+crm@example.org", "jo.ray+crm@example.org", &[]);
    check("mailto:jo@example.org", "jo@example.org", &[]);
    check("none", placeholder, &["not-an-email", "placeholder-email"]);
    check("jo@example", placeholder, &["not-an-email", "placeholder-email"]);
    check("jo@example.org; jo@example.net", placeholder, &["not-an-email", "placeholder-email"]);
    check("Jo <jo@example.org>", placeholder, &["not-an-email", "placeholder-email"]);
    check("@example.org", placeholder, &["not-an-email", "placeholder-email"]);
    check("jo@.org", placeholder, &["not-an-email", "placeholder-email"]);
    for refused_by_the_host in ["alex..lee@example.com", ".alex@example.com", "alex.@example.com", "alex@example_x.com"]
    {
        check(refused_by_the_host, placeholder, &["not-an-email", "placeholder-email"]);
    }
    check("MAILTO:jo@example.org", "jo@example.org", &[]);
    check("jo@example.org.", "jo@example.org", &["punctuation-left-out"]);
    check("<jo@example.org>;", "jo@example.org", &["punctuation-left-out"]);
}
