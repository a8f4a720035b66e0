//! Rows of access that is shared and passed on.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Row, by_api, by_page, post, row};
use crate::ops::tests::host::Host;

/// Teams, what is opened in an emergency, and households that are handed over.
pub fn rows(host: &Host) -> Vec<Row> {
    let (none, manager) = (Uuid::nil(), host.manager_id);
    let put = |path: String, body: Value| (Method::PUT, path, body);
    let no_team = format!("There is no team {none}.");
    let no_access = format!("There is no emergency access {none}.");
    vec![
        by_api("teams::make", post("/teams", json!({"name": " ", "members": []}))).at(422, "name", "Enter a name"),
        by_api("teams::make", post("/teams", json!({"name": "++", "members": []}))).at(
            422,
            "name",
            "Enter a name with at least one letter or digit.",
        ),
        by_api("teams::make", post("/teams", json!({"name": "\u{3164}\u{ffa0}", "members": []}))).at(
            422,
            "name",
            "Enter a name",
        ),
        by_api("teams::make", post("/teams", json!({"name": "North", "members": [manager, manager]}))).at(
            422,
            "members/1",
            "The same person stands in the list before.",
        ),
        by_api("teams::make", post("/teams", json!({"name": "North", "members": [none]}))).at(
            422,
            "members/0",
            &format!("There is no account {none}."),
        ),
        row(
            "people::unlink",
            (format!("/people/{none}/unlink"), ""),
            post(format!("/users/{none}/unlink"), Value::Null),
        )
        .with(404, "There is no such account"),
        row(
            "people::unlink",
            (format!("/people/{manager}/unlink"), ""),
            post(format!("/users/{manager}/unlink"), Value::Null),
        )
        .with(409, "is not linked to an identity provider"),
        row(
            "teams::change",
            (format!("/people/teams/{none}"), "name=North"),
            put(format!("/teams/{none}"), json!({"name": "North", "members": []})),
        )
        .with(404, &no_team),
        by_api("teams::remove", (Method::DELETE, format!("/teams/{none}"), Value::Null)).with(404, &no_team),
        // A page says that what was wanted is so already.
        by_page("teams::remove", format!("/people/teams/{none}/remove"), ""),
        Row {
            needs_role: false,
            ..by_api("emergency::open", post("/emergency-access", json!({"of": "1", "reason": "urgent"})))
        }
        .at(422, "reason", "Say in 10 letters at least"),
        Row {
            needs_role: false,
            ..by_api(
                "emergency::open",
                post("/emergency-access", json!({"of": "1", "reason": "The client rang\0 now"})),
            )
        }
        .at(422, "reason", "on one line"),
        Row {
            needs_role: false,
            ..by_api(
                "emergency::open",
                post("/emergency-access", json!({"of": "Khan", "reason": "The client rang and cannot wait"})),
            )
        }
        .at(422, "of", "No household is found by this."),
        Row {
            needs_role: false,
            ..row(
                "emergency::end",
                (format!("/emergency-access/{none}/end"), ""),
                post(format!("/emergency-access/{none}/end"), Value::Null),
            )
        }
        .with(404, &no_access),
        row(
            "emergency::review",
            (format!("/emergency-access/{none}/review"), "finding=none"),
            post(format!("/emergency-access/{none}/review"), json!({"finding": "none"})),
        )
        .with(404, &no_access),
        by_api("household_access::hand_over", post(format!("/users/{manager}/hand-over"), json!({"to": none}))).at(
            422,
            "to",
            &format!("There is no account {none}."),
        ),
        by_api("household_access::hand_over", post(format!("/users/{none}/hand-over"), json!({"to": manager})))
            .with(404, &format!("There is no account {none}.")),
        by_api("household_access::set_default_primary", put("/default-primary".to_owned(), json!({"user_id": none})))
            .at(422, "user_id", &format!("There is no account {none}.")),
    ]
}
