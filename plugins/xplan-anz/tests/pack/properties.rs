//! Whatever the CRM sends, a record is answered, and answered the same way twice.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tidegate_sdk::{
    RawRecord, RecordKind,
    harness::{NativeHost, context},
};

use crate::support::{AU, pack, session};

/// Any JSON, often with the keys that mean something.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        4 => prop::sample::select(vec![
            "row", "contact", "address", "fields", "id", "client_status", "title", "first_name", "dob", "sex",
            "preferred_email", "preferred_phone", "type", "value", "preferred", "street", "country", "state",
            "postcode", "goals", "insurance_group", "covers", "index", "cover_type", "target_amount", "owner", "category",
            "policy_to", "sum_insured", "policy_owners", "_type", "_val", "code", "is_partner", "partner_entity_id",
        ]).prop_map(str::to_owned),
        1 => ".*",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "Date",
            "BigDecimal",
            "1e9",
            "1.5e-7",
            "2020-02-30",
            "+61491570156",
            "+",
            "Unit 4 ",
            "mobile",
            "a@b.c"
        ])
        .prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn check(kind: RecordKind, json: Vec<u8>) {
    thread_local! {
        static PACK: (tidegate_sdk::Session<xplan_anz::XplanAnz>, tidegate_sdk::Context) = {
            let pack = pack(AU);
            (session(&pack), context(&pack.region))
        };
    }
    PACK.with(|(session, context)| {
        let raw = RawRecord { kind, id: "1".to_owned(), json };
        let first = session.map(&NativeHost, context, vec![raw.clone(), raw.clone()]);
        assert_eq!(first.len(), 2);
        assert_eq!(first[0], first[1]);
        let explanation = session.explain(&NativeHost, context, &raw);
        assert_eq!(explanation, session.explain(&NativeHost, context, &raw));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_json_is_answered(json in any_json()) {
        check(RecordKind::Client, json.to_string().into_bytes());
        check(RecordKind::Adviser, json.to_string().into_bytes());
        check(RecordKind::Goal, json.to_string().into_bytes());
        check(RecordKind::Cover, json.to_string().into_bytes());
    }

    #[test]
    fn any_lists_are_answered(row in any_json(), covers in any_json()) {
        let rows = json!([{"index": 1, "fields": row}, {"index": 2, "fields": {"covers": covers}}, row]);
        check(RecordKind::Goal, json!({"goals": rows}).to_string().into_bytes());
        check(RecordKind::Cover, json!({"insurance_group": rows}).to_string().into_bytes());
    }

    #[test]
    fn any_fields_are_answered(row in any_json(), contact in any_json(), address in any_json()) {
        let raw = json!({"row": {"id": 1, "first_name": "Jo", "fields": row}, "contact": [contact], "address": [{"fields": address}]});
        check(RecordKind::Client, raw.to_string().into_bytes());
    }

    /// What the plugin takes, the host takes: else a client would have neither the address nor a placeholder.
    #[test]
    fn an_email_address_is_one_to_the_host_too(text in "[a-zA-Zāß.@+'_!-]{0,12}@?[a-z0-9.@_ -]{0,12}|\\PC{0,20}") {
        let of_the_host = tidegate_domain::EmailAddress::try_from(text.clone()).is_ok();
        prop_assert_eq!(tidegate_sdk::text::is_email_address(&text), of_the_host);
    }

    /// So too with amounts: what the host refused would be neither a cover's own premium nor its policy's.
    #[test]
    fn an_amount_is_one_to_the_host_too(text in "[(]?[$-]?[0-9]{1,32}([.][0-9]{0,32})?(e-?[0-9]{1,2})?[)]?|[0-9]{1,3}(,[0-9]{3}){0,10}") {
        if let Some(amount) = xplan::Amount::read(&text) {
            prop_assert!(rust_decimal::Decimal::from_str_exact(&amount.number).is_ok(), "{text}");
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(RecordKind::Client, bytes);
    }
}
