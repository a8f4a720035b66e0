//! Inviting somebody: an account and the link by which its holder chooses a password, where one is taken of them.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::{NO_ROLE, person, title};
use crate::access::{AccountError, FieldProblem, NewUser};
use crate::app::App;
use crate::domain::access::{Action, Role, User};
use crate::domain::field::FieldError;
use crate::openid::OpenId;
use crate::ops::{self, Kind, Refusal};
use crate::web::answers::{Answers, Checked};
use crate::web::failure::{Failure, describe, named, page};
use crate::web::inputs::PlainInput;
use crate::web::layout::{Layout, Section};
use crate::web::once::Once;
use crate::web::session::SignedIn;

/// The page's address.
const PATH: &str = "/people/invite";

#[derive(Template)]
#[template(path = "invite.html")]
pub(in crate::web) struct InvitePage {
    pub(in crate::web) layout: Layout,
    pub(in crate::web) name: PlainInput,
    pub(in crate::web) email: PlainInput,
    /// The word of the role that is chosen.
    pub(in crate::web) role: String,
    pub(in crate::web) role_problem: Option<String>,
    pub(in crate::web) problems: Vec<FieldError>,
    /// Whether passwords are practice managers' alone, so that others get no link.
    pub(in crate::web) for_managers: bool,
}

impl InvitePage {
    pub(in crate::web) fn new(layout: Layout, form: &InviteForm, problems: Vec<FieldError>) -> Self {
        Self {
            layout,
            name: PlainInput::text("name", "Name", &form.name).hint("As colleagues know them.").problems(&problems),
            email: PlainInput::email(&form.email).hint("They sign in with it.").problems(&problems),
            role: form.role.clone(),
            role_problem: problems.iter().find(|error| error.field == "role").map(|error| error.message.clone()),
            problems,
            for_managers: false,
        }
    }

    /// The same where passwords are practice managers' alone.
    fn of(app: &App, page: Self) -> Self {
        let settings = app.openid.as_ref().map(OpenId::settings);
        Self { for_managers: settings.is_some_and(|settings| !settings.passwords), ..page }
    }

    fn title(&self, role: &Role) -> String {
        title(*role)
    }
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::web) struct InviteForm {
    name: String,
    email: String,
    role: String,
}

impl InviteForm {
    /// The account that is asked for; where it has no role, with everything else that does not fit.
    fn read(&self) -> Result<NewUser, Refusal> {
        let of_role = |role| NewUser { email: self.email.clone(), name: self.name.clone(), role, password: None };
        Role::from_word(&self.role).map(of_role).ok_or_else(|| {
            // Whichever role it is: the others' problems are the same.
            let mut problems = of_role(Role::Support).problems();
            problems.push(FieldProblem::new("role", NO_ROLE));
            AccountError::Invalid(problems).into()
        })
    }
}

/// `GET /people/invite`
pub(in crate::web) async fn form(State(app): State<App>, person: SignedIn) -> Result<Response, Failure> {
    person.may(Action::ManagePeople)?;
    person.is_fresh_for(PATH)?;
    let layout = Layout::load(&app, &person, Section::People).await?;
    page(&InvitePage::of(&app, InvitePage::new(layout, &InviteForm::default(), Vec::new())))
}

/// `POST /people/invite`
pub(in crate::web) async fn send(
    State(app): State<App>,
    person: SignedIn,
    (Extension(answers), Extension(once)): (Extension<Answers>, Extension<Once>),
    Form(form): Form<InviteForm>,
) -> Result<Response, Failure> {
    person.may(Action::ManagePeople)?;
    let made = match form.read() {
        Ok(new) => ops::people::add(&app, person.actor(), new, person.clock.now).await,
        Err(refusal) => Err(refusal),
    };
    match made {
        Ok(made) if made.link.is_none() => {
            let User { id, name, email, .. } = &made.account.user;
            let message = format!(
                "{name} has an account and signs in by the identity provider, as {}. There is no link to hand on.",
                email.as_str()
            );
            Ok(answers.lead(&format!("/people/{id}"), person.user(), Checked::good(message)))
        }
        Ok(made) => Ok(person::show_link(&app, &person, &once, &made)),
        Err(refusal) if refusal.kind == Kind::Invalid => {
            let (status, _) = describe(refusal.kind);
            let problems = refusal.fields.iter().map(named).collect();
            let layout = Layout::load(&app, &person, Section::People).await?;
            let view = InvitePage::of(&app, InvitePage::new(layout, &form, problems));
            Ok((status, page(&view)?).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}
