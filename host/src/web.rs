//! The pages: server-rendered, complete without JavaScript, for the people of a practice and for whoever runs the
//! host.
//!
//! A handler reads from the store, makes the values of one page and renders it; one file a page, its template of the
//! same name under `templates/`. What a form changes is a verb of `ops`. Pages never reach into a CRM, never decide who
//! may do what (that is `authorize`) and never show a secret. Text that came from anywhere is escaped by the templates.
//!
//! The one script (`assets/tidegate.js`) lets `/` reach the search, takes up what goes on by itself, and has edited rules
//! looked at while they are typed.

mod absence_review;
mod absence_wording;
mod account;
mod answers;
mod assets;
mod audit;
mod changes;
mod clients;
mod components;
mod document;
mod edit;
mod emergency;
mod explain;
mod failure;
mod filed_documents;
mod findings;
mod form_page;
mod goals;
mod guard;
mod household;
mod household_access;
mod households;
mod imports;
mod inputs;
mod integrations;
mod join;
mod layout;
mod listing;
mod notes;
mod once;
mod openid;
mod overview;
mod people;
mod previews;
mod privacy;

mod format;
mod progress;
mod record;
mod repeated;
mod review;
mod rules;
mod runs;
mod session;
mod sign_in;
mod troubleshoot;

#[cfg(test)]
mod tests;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;

/// All pages, with what guards them. Answers what no page has with a page of its own.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/", get(overview::show))
        .route("/connections/{name}/sync", post(overview::sync_now))
        .route("/connections/{name}/departures", get(absence_review::show).post(absence_review::answer))
        .route("/households", get(households::list))
        .route("/households/{id}", get(household::show))
        .route("/households/{id}/record", get(record::choose))
        .route("/households/{id}/record/{type}", get(record::show).post(record::send))
        .route("/households/{id}/sync", post(household::sync))
        .route("/households/{id}/document", get(household::document_panel::preview))
        .route("/households/{id}/export", post(household::export::export))
        .route("/households/{id}/professional", post(household::document_panel::choose))
        .route("/households/{id}/access", get(household_access::show))
        .route("/households/{id}/access/primary", post(household_access::make_primary))
        .route("/households/{id}/access/secondary", post(household_access::set_secondary))
        .route("/households/{id}/access/staff", post(household_access::give))
        .route("/households/{id}/access/staff/{user}/role", post(household_access::set_role))
        .route("/households/{id}/access/staff/{user}/remove", post(household_access::remove_staff))
        .route("/households/{id}/clients/{client}/explain", get(explain::show))
        .route("/households/{id}/clients/{client}/reveal", post(household::reveal).get(household::masked_again))
        .route("/goals/{id}", post(goals::change))
        .route("/clients", get(findings::list).post(clients::make))
        .route("/clients/new", get(clients::form))
        .route("/clients/{id}/link", post(clients::link))
        .route("/clients/{id}/unlink", post(clients::unlink))
        .route("/clients/{id}/remove", post(clients::remove))
        .route("/clients/{id}/removed", get(clients::removed))
        .route("/clients/{id}/restore", post(clients::restore))
        .route("/clients/{id}/privacy", get(privacy::client::show))
        .route("/clients/{id}/export", get(privacy::client::export))
        .route("/clients/{id}/hold", post(privacy::client::hold))
        .route("/clients/{id}/release", post(privacy::client::release))
        .route("/clients/{id}/erase", post(privacy::client::erase))
        .route("/settings/privacy", get(privacy::show))
        .route("/settings/privacy/record", get(privacy::record::show).post(privacy::record::erase))
        .route("/settings/privacy/erasures/{number}/lift", post(privacy::lift))
        .route(
            "/settings/privacy/clients/{id}/release",
            post(privacy::release).layer(Extension(privacy::HoldOf::Client)),
        )
        .route(
            "/settings/privacy/households/{id}/release",
            post(privacy::release).layer(Extension(privacy::HoldOf::Household)),
        )
        .route("/imports", get(imports::list).post(imports::bring))
        .route("/imports/{id}", get(imports::show))
        .route("/imports/{id}/apply", post(imports::apply))
        .route("/imports/{id}/forget", post(imports::forget))
        .route("/imports/{id}/rows/{number}/decision", post(imports::decide))
        .route("/households/{id}/clients/{client}/edit", get(edit::form).post(edit::save))
        .route("/documents", get(filed_documents::list))
        .route("/notes", get(notes::list))
        .route("/notes/retry", post(notes::operator_actions::retry_all))
        .route("/notes/{id}", get(notes::detail::show))
        .route("/notes/{id}/retry", post(notes::operator_actions::retry))
        .route("/notes/{id}/edit", post(notes::operator_actions::edit))
        .route("/notes/{id}/resolve", post(notes::operator_actions::resolve))
        .route("/notes/{id}/discard", post(notes::operator_actions::discard))
        .route("/runs", get(runs::list))
        .route("/runs/{id}", get(runs::show))
        .route("/runs/{id}/changes", get(changes::list))
        .route("/runs/{id}/progress", get(progress::events))
        .route("/review", get(review::list))
        .route("/review/{id}/decision", post(review::queue::decide))
        .route("/troubleshoot", get(troubleshoot::show))
        .route("/settings", get(async || Redirect::to("/settings/integrations")))
        .route("/settings/integrations", get(integrations::list).post(integrations::add))
        .route("/settings/integrations/new", get(integrations::new).post(integrations::check))
        .route("/settings/integrations/{name}", get(integrations::show))
        .route("/settings/integrations/{name}/edit", get(integrations::edit).post(integrations::change))
        .route("/settings/integrations/{name}/authorise", post(integrations::authorise))
        .route("/settings/integrations/{name}/preflight", post(integrations::confirm_preflight))
        .route("/settings/integrations/{name}/same-site", post(integrations::confirm_same_site))
        .route("/settings/integrations/{name}/apart", post(integrations::confirm_apart))
        .route("/settings/integrations/{name}/check", post(integrations::check_sign_in))
        .route("/settings/integrations/{name}/revisions", post(previews::steps::stage))
        .route("/settings/integrations/{name}/revisions/{revision}/preview", post(previews::steps::start))
        .route("/settings/integrations/{name}/revisions/{revision}/discard", post(previews::steps::discard))
        .route("/settings/integrations/{name}/revisions/{revision}/rules", get(rules::list))
        .route(
            "/settings/integrations/{name}/revisions/{revision}/rules/{*file}",
            get(rules::show).post(rules::send).layer(DefaultBodyLimit::max(rules::LARGEST_FORM)),
        )
        .route(
            "/settings/integrations/{name}/revisions/{revision}/check",
            post(rules::check).layer(DefaultBodyLimit::max(rules::LARGEST_FORM)),
        )
        .route("/settings/integrations/{name}/previews/{id}", get(previews::show))
        .route("/settings/integrations/{name}/previews/{id}/cancel", post(previews::steps::cancel))
        .route("/settings/integrations/{name}/activate", post(previews::steps::activate))
        .route("/settings/integrations/{name}/rollback", post(integrations::roll_back))
        .route("/settings/integrations/{name}/remove", get(integrations::ask_to_remove).post(integrations::remove))
        .route("/oauth/callback", get(integrations::callback))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-in/openid", get(openid::begin))
        .route("/sign-in/openid/callback", get(openid::callback))
        .route("/sign-in/code", post(sign_in::code::send))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/set-up/{token}", get(sign_in::set_up_form).post(sign_in::set_up))
        .route("/join/{token}", get(join::form).post(join::join))
        .route("/people", get(people::list))
        .route("/people/teams", get(people::teams::show).post(people::teams::make))
        .route("/people/teams/{id}", post(people::teams::change))
        .route("/people/teams/{id}/remove", post(people::teams::remove))
        .route("/people/professionals", get(people::professionals::show).post(people::professionals::link))
        .route("/people/default-primary", post(people::hand_over::set_default))
        .route("/people/{id}/hand-over", get(people::hand_over::show).post(people::hand_over::send))
        .route("/emergency-access", get(emergency::show).post(emergency::open))
        .route("/emergency-access/{id}/end", post(emergency::end))
        .route("/emergency-access/{id}/review", post(emergency::review))
        .route("/people/roles", get(people::roles::show))
        .route("/people/invite", get(people::invite::form).post(people::invite::send))
        .route("/people/{id}", get(people::person::show))
        .route("/people/{id}/role", post(people::person::change_role))
        .route("/people/{id}/disable", post(people::person::disable))
        .route("/people/{id}/enable", post(people::person::enable))
        .route("/people/{id}/unlink", post(people::person::unlink))
        .route("/people/{id}/reset", post(people::person::reset))
        .route("/people/{id}/reset-second-factor", post(people::person::reset_second_factor))
        .route("/people/{id}/sessions/{session}/end", post(people::person::end_session))
        .route("/audit", get(audit::list))
        .route("/audit/export", get(audit::export))
        .route("/account", get(account::show))
        .route("/account/confirm", get(account::confirm::form).post(account::confirm::send))
        .route("/account/confirm/openid", get(openid::confirm))
        .route("/account/second-factor", get(account::second_factor::form).post(account::second_factor::set_up))
        .route(
            "/account/second-factor/codes",
            get(account::second_factor::codes).post(account::second_factor::new_codes),
        )
        .route("/account/second-factor/remove", post(account::second_factor::remove))
        .route("/account/name", post(account::rename))
        .route("/account/email", post(account::change_email))
        .route("/account/password", post(account::change_password))
        .route("/account/sessions/end-others", post(account::end_other_sessions))
        .route("/account/sessions/{id}/end", post(account::end_session))
        .route("/account/tokens", post(account::tokens::make))
        .route("/account/tokens/{id}/revoke", post(account::tokens::revoke))
        .route("/assets/{name}", get(assets::serve))
        .fallback(failure::no_page)
        .method_not_allowed_fallback(form_page::led_to)
        .layer(CatchPanicLayer::custom(failure::panicked))
        .layer(from_fn(repeated::once))
        .layer(from_fn(guard::own_pages_only))
        .layer(from_fn_with_state(app.clone(), guard::watched))
        .layer(from_fn(guard::guard))
        .layer(Extension(answers::Answers::default()))
        .layer(Extension(once::Once::default()))
        .layer(Extension(repeated::Repeated::default()))
        .with_state(app)
}
