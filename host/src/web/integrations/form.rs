//! Adding and changing a connection: first the check that comes before credentials, then the form.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::{find, path, shown};
use crate::app::App;
use crate::config::DIALECTS;
use crate::domain::access::Action;
use crate::integrations::{AuthDraft, Draft, Integration, IntegrationError, Means, Origin};
use crate::ops::{self, FieldError, Kind, Refusal};
use crate::web::failure::{Failure, page};
use crate::web::frame::{Frame, Place};
use crate::web::integrations::{Checked, answer};
use crate::web::person::Person;

#[derive(Template)]
#[template(path = "integration-check.html")]
pub(in crate::web) struct CheckPage {
    pub(in crate::web) frame: Frame,
    pub(in crate::web) problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "integration-form.html")]
pub(in crate::web) struct FormPage {
    pub(in crate::web) frame: Frame,
    /// What is changed; none where it is new.
    pub(in crate::web) name: Option<String>,
    pub(in crate::web) values: Values,
    pub(in crate::web) packs: Vec<String>,
    pub(in crate::web) callback_url: String,
    /// Whether the check was confirmed when it was made.
    pub(in crate::web) is_confirmed: bool,
    pub(in crate::web) problems: Vec<FieldError>,
}

impl FormPage {
    /// What is wrong with a field.
    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.name() == field).map(|problem| problem.message.as_str())
    }

    fn action(&self) -> String {
        self.name
            .as_ref()
            .map_or("/settings/integrations".to_owned(), |name| format!("/settings/integrations/{name}/edit"))
    }
}

/// What stands in the form. Secrets that were typed are not sent back.
#[derive(Deserialize, Default)]
pub(in crate::web) struct Values {
    #[serde(default)]
    pub(in crate::web) title: String,
    #[serde(default)]
    pub(in crate::web) forward_host: String,
    #[serde(default)]
    pub(in crate::web) insecure_http: Option<String>,
    #[serde(default)]
    pub(in crate::web) pack: String,
    #[serde(default)]
    pub(in crate::web) dialect: String,
    #[serde(default)]
    pub(in crate::web) gateway_host: String,
    #[serde(default)]
    pub(in crate::web) schedule: String,
    /// `oauth` or `basic`.
    #[serde(default)]
    pub(in crate::web) mode: String,
    #[serde(default)]
    pub(in crate::web) client_id: String,
    #[serde(default, deserialize_with = "secret")]
    client_secret: SecretString,
    #[serde(default)]
    pub(in crate::web) username: String,
    #[serde(default, deserialize_with = "secret")]
    password: SecretString,
    #[serde(default, deserialize_with = "secret")]
    app_id: SecretString,
    /// `on` where it is ticked.
    #[serde(default)]
    pub(in crate::web) enabled: Option<String>,
    /// `on` where the check is confirmed.
    #[serde(default)]
    pub(in crate::web) confirms_preflight: Option<String>,
    /// `on` where another host is said to be the same site.
    #[serde(default)]
    pub(in crate::web) confirms_same_site: Option<String>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

impl Values {
    fn new() -> Self {
        Self {
            mode: "oauth".to_owned(),
            dialect: "resourceful".to_owned(),
            schedule: "0 0 * * * *".to_owned(),
            enabled: Some("on".to_owned()),
            ..Self::default()
        }
    }

    fn of(one: &Integration) -> Self {
        let (mode, client_id, username) = match &one.means {
            Means::Basic { username } => ("basic", String::new(), username.clone()),
            Means::OAuth { client_id } => ("oauth", client_id.clone(), String::new()),
        };
        Self {
            title: one.title.clone(),
            forward_host: one.forward_host.clone(),
            insecure_http: one.insecure_http.then(|| "on".to_owned()),
            pack: one.pack.clone(),
            dialect: one.dialect.clone(),
            gateway_host: one.gateway_host.clone().unwrap_or_default(),
            schedule: one.schedule.clone(),
            mode: mode.to_owned(),
            client_id,
            username,
            enabled: one.enabled.then(|| "on".to_owned()),
            ..Self::default()
        }
    }

    fn draft(&self) -> Draft {
        let (text, app_id) = (|text: &str| Some(text.to_owned()), Some(self.app_id.clone()));
        let auth = match self.mode.as_str() {
            "basic" => Some(AuthDraft::Basic {
                username: self.username.clone(),
                password: Some(self.password.clone()),
                app_id,
            }),
            "oauth" => Some(AuthDraft::OAuth {
                client_id: self.client_id.clone(),
                client_secret: Some(self.client_secret.clone()),
                app_id,
            }),
            _ => None,
        };
        Draft {
            name: None,
            title: text(&self.title),
            crm: None,
            dialect: text(&self.dialect),
            pack: text(&self.pack),
            forward_host: text(&self.forward_host),
            gateway_host: text(&self.gateway_host),
            insecure_http: Some(self.insecure_http.is_some()),
            schedule: text(&self.schedule),
            enabled: Some(self.enabled.is_some()),
            confirms_preflight: self.confirms_preflight.is_some(),
            confirms_same_site: self.confirms_same_site.is_some(),
            auth,
        }
    }
}

/// `GET /settings/integrations/new`: the type, and what has to be done before.
pub(in crate::web) async fn new(State(app): State<App>, person: Person) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    page(&CheckPage { frame: Frame::load(&app, &person, Place::Settings).await?, problem: None })
}

#[derive(Deserialize)]
pub(in crate::web) struct CheckForm {
    confirms_preflight: Option<String>,
}

/// `POST /settings/integrations/new`: goes on to the credentials where the check is confirmed.
pub(in crate::web) async fn check(
    State(app): State<App>,
    person: Person,
    Form(form): Form<CheckForm>,
) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    let frame = Frame::load(&app, &person, Place::Settings).await?;
    if form.confirms_preflight.is_none() {
        let problem = Some("Confirm that this is done; the credentials come after it.");
        let page = page(&CheckPage { frame, problem })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    page(&form_page(
        &app,
        frame,
        None,
        Values { confirms_preflight: Some("on".to_owned()), ..Values::new() },
        Vec::new(),
    ))
}

/// `POST /settings/integrations`, from the form of a new one.
pub(in crate::web) async fn add(
    State(app): State<App>,
    person: Person,
    Form(values): Form<Values>,
) -> Result<Response, Failure> {
    match ops::connections::add(&app, person.actor(), values.draft()).await {
        Ok(one) => kept(&app, &person, one).await,
        Err(refusal) => again(&app, &person, None, values, refusal).await,
    }
}

/// `GET /settings/integrations/{name}/edit`
pub(in crate::web) async fn edit(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    let one = find(&app, &name).await?;
    if one.origin == Origin::File {
        return Err(IntegrationError::InFile(one.name).into());
    }
    let frame = Frame::load(&app, &person, Place::Settings).await?;
    page(&form_page(&app, frame, Some(&one), Values::of(&one), Vec::new()))
}

/// `POST /settings/integrations/{name}/edit`
pub(in crate::web) async fn change(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Form(values): Form<Values>,
) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    let before = find(&app, &name).await?;
    match ops::connections::change(&app, person.actor(), &before.name, values.draft()).await {
        Ok(one) => kept(&app, &person, one).await,
        Err(refusal) => again(&app, &person, Some(&before), values, refusal).await,
    }
}

/// After it was kept: on to the site, or what the site says to the name and password.
async fn kept(app: &App, person: &Person, one: Integration) -> Result<Response, Failure> {
    match (&one.connection, &one.means) {
        (Some(_), Means::OAuth { .. }) if one.standing().obstacle().is_some() => {
            match answer::begin(app, person, one.clone()).await {
                // It is kept, whatever is in the way of authorising it.
                Err(Failure::NotDone(refusal)) if refusal.kind == Kind::WrongState => {
                    let checked = Checked { is_good: false, words: refusal.message };
                    shown(app, person, one, Some(checked)).await
                }
                begun => begun,
            }
        }
        (Some(connection), Means::Basic { .. }) => {
            let checked = Checked::of(connection.connector.whoami().await.as_deref(), &one.forward_host);
            shown(app, person, one, Some(checked)).await
        }
        _ => Ok(Redirect::to(&path(&one.name)).into_response()),
    }
}

/// The form once more, with what is wrong.
async fn again(
    app: &App,
    person: &Person,
    one: Option<&Integration>,
    values: Values,
    refusal: Refusal,
) -> Result<Response, Failure> {
    if refusal.kind != Kind::Invalid {
        return Err(refusal.into());
    }
    let frame = Frame::load(app, person, Place::Settings).await?;
    let page = page(&form_page(app, frame, one, values, refusal.fields))?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

fn form_page(
    app: &App,
    frame: Frame,
    one: Option<&Integration>,
    values: Values,
    problems: Vec<FieldError>,
) -> FormPage {
    FormPage {
        frame,
        name: one.map(|one| one.name.to_string()),
        values,
        packs: app.integrations.packs(),
        callback_url: app.integrations.callback_url(),
        is_confirmed: one.is_some_and(|one| one.preflight.is_some()),
        problems,
    }
}
