//! The records' fields by name, and the words of choices.

use super::{Choice, Ordered, WHOLE, fields_of};
use crate::{
    Adviser, Canonical, Cover, CoverOwner, CoverType, Extension, Goal, GoalOwner, Money, Outlook, PremiumFrequency,
    RecordKind, Severity,
};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn money(amount: &str) -> Option<Money> {
    Some(Money { amount: amount.to_owned(), currency: "AUD".to_owned() })
}

fn goal(extensions: &[(&str, &str)]) -> Canonical {
    let extension = |(name, value): &(&str, &str)| Extension { name: (*name).to_owned(), value: (*value).to_owned() };
    Canonical::Goal(Goal {
        external_id: "7/1".to_owned(),
        owner: GoalOwner::Joint,
        category: None,
        name: some("Sail"),
        target_date: None,
        estimated_cost: money("1250.50"),
        outlook: Some(Outlook::NonFinancial),
        extensions: extensions.iter().map(extension).collect(),
    })
}

#[track_caller]
fn check(records: &[Canonical], expected: &[(&str, Option<&str>)]) {
    let fields = fields_of(records);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    assert_eq!(fields, expected);
}

#[test]
fn a_person_s_fields_stand_by_their_names() {
    let adviser = Adviser {
        external_id: "7".to_owned(),
        first_name: some("Noah"),
        last_name: None,
        email: some("noah@example.com"),
        active: true,
    };
    let expected = [
        ("external_id", Some("7")),
        ("first_name", Some("Noah")),
        ("last_name", None),
        ("email", Some("noah@example.com")),
        ("active", Some("true")),
    ];
    check(&[Canonical::Adviser(adviser)], &expected);
    check(&[], &[]);
}

#[test]
fn fields_of_a_list_carry_their_place() {
    let expected = [
        ("goals[0].external_id", Some("7/1")),
        ("goals[0].owner", Some("joint")),
        ("goals[0].category", None),
        ("goals[0].name", Some("Sail")),
        ("goals[0].target_date", None),
        ("goals[0].estimated_cost", Some("AUD 1250.50")),
        ("goals[0].outlook", Some("non_financial")),
    ];
    check(&[goal(&[])], &expected);
    let two = fields_of(&[goal(&[]), goal(&[("colour", "green"), ("size", "")])]);
    let added: Vec<_> = two[two.len() - 2..].iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    assert_eq!(added, [("goals[1].extensions.colour", Some("green")), ("goals[1].extensions.size", Some(""))]);
}

#[test]
fn a_name_that_rust_keeps_for_itself_has_no_mark() {
    let cover = Cover {
        external_id: "7/3/1".to_owned(),
        policy_number: None,
        type_: CoverType::Life,
        type_as_given: some("Life cover"),
        insurer: None,
        plan_name: None,
        sum_insured: None,
        premium: None,
        premium_frequency: Some(PremiumFrequency::HalfYearly),
        owner: CoverOwner::Client,
        renewal_date: None,
        end_year: Some(2040),
        expired: false,
        extensions: Vec::new(),
    };
    let fields = fields_of(&[Canonical::Cover(cover)]);
    let of = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_deref());
    assert_eq!(of("covers[0].type"), Some(Some("life")));
    assert_eq!(of("covers[0].type_as_given"), Some(Some("Life cover")));
    assert_eq!(of("covers[0].end_year"), Some(Some("2040")));
    assert_eq!(of("covers[0].expired"), Some(Some("false")));
    assert_eq!(of("covers[0].premium_frequency"), Some(Some("half_yearly")));
    assert_eq!(of(WHOLE), None);
}

#[test]
fn a_choice_and_its_word_find_each_other() {
    #[track_caller]
    fn check<T: Choice + std::fmt::Debug>(word: &str, choice: T) {
        assert_eq!((T::of(word), choice.word()), (Some(choice), word));
        for (choice, word) in T::ALL {
            assert_eq!((T::of(word), choice.word()), (Some(*choice), *word));
        }
        assert_eq!(T::of("xyzzy"), None);
    }
    check("goal", RecordKind::Goal);
    check("warning", Severity::Warning);
    check("half_yearly", PremiumFrequency::HalfYearly);
    check("total_and_permanent_disability", CoverType::TotalAndPermanentDisability);
}

#[test]
fn members_keep_their_order() {
    let read = |json: &str| serde_json::from_str::<Ordered>(json).map(|Ordered(members)| members);
    assert_eq!(read(r#"{"b":1,"a":null}"#).unwrap(), [("b".to_owned(), 1.into()), ("a".to_owned(), ().into())]);
    assert!(read("7").unwrap_err().to_string().contains("expected an object"));
}
