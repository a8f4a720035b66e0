//! What each role may do: the domain's table as a page.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::title;
use crate::app::App;
use crate::domain::access::{RULES, Role, Rule, Scope};
use crate::domain::text::sentence;
use crate::web::failure::{Failure, page};
use crate::web::layout::{Layout, Section};
use crate::web::session::SignedIn;

#[derive(Template)]
#[template(path = "roles.html")]
pub(in crate::web) struct RolesPage {
    pub(in crate::web) layout: Layout,
}

impl RolesPage {
    fn title(&self, role: &Role) -> String {
        title(*role)
    }

    fn word(&self, rule: &Rule, role: &Role) -> String {
        sentence(rule.grant(*role).word())
    }
}

/// `GET /people/roles`
pub(in crate::web) async fn show(State(app): State<App>, person: SignedIn) -> Result<Response, Failure> {
    page(&RolesPage { layout: Layout::load(&app, &person, Section::People).await? })
}
