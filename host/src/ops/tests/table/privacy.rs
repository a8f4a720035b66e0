//! Rows of exports, erasures and legal holds.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Row, by_api, by_page, post, row};
use crate::ops::tests::host::Host;

pub fn rows(host: &Host) -> Vec<Row> {
    let client = host.client;
    let of = |verb: &str| format!("/clients/{client}/{verb}");
    vec![
        by_api("backups::make", post("/backups", Value::Null))
            .with(409, "the settings name no folder and no key for backups"),
        row(
            "privacy::erase",
            (of("erase"), "reason=asked&confirm=Somebody+else"),
            post(of("erase"), json!({"reason": "asked", "confirm": "Somebody else"})),
        )
        .at(422, "confirm", "Type the client’s name as it stands here, or their id"),
        row(
            "privacy::erase",
            (of("erase"), "reason=&confirm=Ayda+Khan"),
            post(of("erase"), json!({"reason": "", "confirm": "Ayda Khan"})),
        )
        .at(422, "reason", "Choose a reason: `asked`, `retention_over`, `mistake`."),
        row(
            "privacy::erase_record",
            ("/settings/privacy/record".to_owned(), "connection=main&external_id=7&reason=asked&confirm=8"),
            post("/connections/main/clients/7/erase", json!({"reason": "asked", "confirm": "8"})),
        )
        .at(422, "confirm", "Type the CRM ID once more"),
        row(
            "privacy::lift",
            ("/settings/privacy/erasures/9/lift".to_owned(), "reason=client_again"),
            post("/privacy/erasures/9/lift", json!({"reason": "client_again"})),
        )
        .with(404, "There is no erasure 9 in force"),
        row(
            "privacy::hold",
            (of("hold"), "hold_reason=A+complaint&until=2020-01-01"),
            (Method::PUT, of("legal-hold"), json!({"reason": "A complaint", "until": "2020-01-01T00:00:00Z"})),
        )
        .at(422, "until", "Choose today or a later day"),
        by_api("privacy::hold", (Method::PUT, of("legal-hold"), json!({"reason": "A\ncomplaint"}))).at(
            422,
            "reason",
            "on one line",
        ),
        by_api("privacy::release", (Method::DELETE, of("legal-hold"), Value::Null))
            .with(404, &format!("There is no legal hold on {client}")),
        // A page says that what was wanted is so already.
        by_page("privacy::release", of("release"), ""),
        by_page("privacy::release", format!("/settings/privacy/clients/{client}/release"), ""),
        by_page("privacy::release", format!("/settings/privacy/households/{}/release", host.household), ""),
    ]
}
