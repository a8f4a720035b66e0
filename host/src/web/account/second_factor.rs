//! The second factor of one's own account: set up with a picture for the app, its recovery codes, and its removal.

mod picture;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use self::picture::Picture;
use super::{Typed, again};
use crate::access::FactorState;
use crate::access::request::Sender;
use crate::app::App;
use crate::domain::field::FieldError;
use crate::ops::{self, Kind};
use crate::web::answers::{Answers, Checked};
use crate::web::components::Moment;
use crate::web::failure::{Failure, SECOND_FACTOR as PATH, led_back, named, page};
use crate::web::format;
use crate::web::inputs::PlainInput;
use crate::web::layout::{Layout, Section};
use crate::web::once::{Once, OnceQuery, Shown};
use crate::web::session::{RECOVERY_CODES as CODES_PATH, SignedIn};

/// The beginnings of the ids of the fields of two forms on the page of the account.
pub(in crate::web) const CODES: &str = "codes-";
pub(in crate::web) const REMOVAL: &str = "removal-";
/// So many recovery codes or fewer are few.
const FEW: usize = 3;

/// What the page of the account says of it.
pub(in crate::web) struct FactorSection {
    /// Since when it is asked for; none where it is not.
    pub(in crate::web) since: Option<Moment>,
    /// Whether the practice wants it.
    pub(in crate::web) is_wanted: bool,
    /// The recovery codes that are left, of how many, and when one was last used.
    pub(in crate::web) left: usize,
    pub(in crate::web) of: usize,
    pub(in crate::web) last_used: Option<Moment>,
    pub(in crate::web) are_few: bool,
    pub(in crate::web) codes_code: PlainInput,
    pub(in crate::web) removal_code: PlainInput,
}

impl FactorSection {
    /// The recovery codes that are left, in words.
    pub(in crate::web) fn left_of(&self) -> String {
        let left = if self.left == 1 { "is left" } else { "are left" };
        format!("{} of your {} {left}", self.left, format::count(self.of as u64, "recovery code", "recovery codes"))
    }

    pub(in crate::web) async fn load(app: &App, person: &SignedIn, problems: &[FieldError]) -> Result<Self, Failure> {
        let stored = app.store.user(person.user()).await?;
        let factor = stored.and_then(|stored| stored.second_factor);
        let codes = factor.as_ref().map_or(&[][..], |factor| &factor.recovery_codes);
        let left = factor.as_ref().map_or(0, |factor| factor.codes_left());
        let moment = |at| Moment::new(at, &person.clock);
        Ok(Self {
            since: factor.as_ref().map(|factor| moment(factor.since)),
            is_wanted: app.access.wants_second_factor(person.account().role),
            left,
            of: codes.len(),
            last_used: codes.iter().filter_map(|code| code.used_at).max().map(moment),
            are_few: left <= FEW,
            codes_code: PlainInput::code().id("codes-code").problems(problems),
            removal_code: PlainInput::code().id("removal-code").problems(problems),
        })
    }
}

#[derive(Template)]
#[template(path = "second-factor.html")]
pub(in crate::web) struct SetUpPage {
    pub(in crate::web) layout: Layout,
    /// Whether the practice wants it, and nothing else is open before.
    pub(in crate::web) is_wanted: bool,
    /// What the app's camera reads; none where the text is too long for it.
    pub(in crate::web) picture: Option<Picture>,
    /// The address that the picture holds, for an app on the same device.
    pub(in crate::web) address: String,
    /// The secret in groups, to be typed.
    pub(in crate::web) secret: String,
    pub(in crate::web) code: PlainInput,
    pub(in crate::web) problems: Vec<FieldError>,
}

#[derive(Template)]
#[template(path = "recovery-codes.html")]
pub(in crate::web) struct CodesPage {
    pub(in crate::web) layout: Layout,
    /// The codes, where they are shown now.
    pub(in crate::web) codes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct CodeForm {
    code: String,
}

/// `GET /account/second-factor`
pub(in crate::web) async fn form(State(app): State<App>, person: SignedIn) -> Result<Response, Failure> {
    if person.session().second_factor == FactorState::On {
        let message = "Your account has a second factor already. Remove it under My account first where another app is to \
                       take its place.";
        return Err(Failure::Refused(message.to_owned()));
    }
    person.is_fresh_for(PATH)?;
    page(&view(&app, &person, Vec::new()).await?)
}

async fn view(app: &App, person: &SignedIn, problems: Vec<FieldError>) -> Result<SetUpPage, Failure> {
    let secret = app.access.secret_to_set_up(person.session(), person.clock.now);
    let secret = secret.expose_secret();
    let address = picture::address(&app.config.practice.name, person.account().email.as_str(), secret);
    let groups: Vec<String> = secret.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into()).collect();
    Ok(SetUpPage {
        layout: Layout::load(app, person, Section::Account).await?,
        is_wanted: person.session().second_factor == FactorState::Wanted,
        picture: Picture::of(&address),
        address,
        secret: groups.join(" "),
        code: PlainInput::code().hint("The six digits that your app shows for it.").problems(&problems),
        problems,
    })
}

/// `POST /account/second-factor`
pub(in crate::web) async fn set_up(
    State(app): State<App>,
    person: SignedIn,
    Extension(once): Extension<Once>,
    Form(form): Form<CodeForm>,
) -> Result<Response, Failure> {
    match ops::second_factor::set_up(&app, person.session(), &form.code, person.clock.now).await {
        Ok(codes) => Ok(lead_to_codes(&once, &person, &codes)),
        Err(refusal) if refusal.kind == Kind::Invalid => {
            let problems = refusal.fields.iter().map(named).collect();
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&view(&app, &person, problems).await?)?).into_response())
        }
        Err(refusal) => Err(led_back(refusal, PATH)),
    }
}

fn lead_to_codes(once: &Once, person: &SignedIn, codes: &[SecretString]) -> Response {
    let codes: Vec<&str> = codes.iter().map(SecretString::expose_secret).collect();
    once.lead(CODES_PATH, "codes", person, codes.join(" ").into())
}

/// `GET /account/second-factor/codes`
pub(in crate::web) async fn codes(
    State(app): State<App>,
    person: SignedIn,
    Extension(once): Extension<Once>,
    Query(made): Query<OnceQuery>,
) -> Result<Response, Failure> {
    let codes = match once.take(&made, &person) {
        Some(Shown::Now(codes)) => codes.split(' ').map(str::to_owned).collect(),
        Some(Shown::Before) | None => Vec::new(),
    };
    page(&CodesPage { layout: Layout::load(&app, &person, Section::Account).await?, codes })
}

/// `POST /account/second-factor/codes`
pub(in crate::web) async fn new_codes(
    State(app): State<App>,
    person: SignedIn,
    sender: Sender,
    Extension(once): Extension<Once>,
    Form(form): Form<CodeForm>,
) -> Result<Response, Failure> {
    let now = person.clock.now;
    match ops::second_factor::new_recovery_codes(&app, person.session(), &form.code, &sender, now).await {
        Ok(codes) => Ok(lead_to_codes(&once, &person, &codes)),
        Err(refusal) => again(&app, &person, refusal, CODES, Typed::default()).await,
    }
}

/// `POST /account/second-factor/remove`
pub(in crate::web) async fn remove(
    State(app): State<App>,
    person: SignedIn,
    sender: Sender,
    Extension(answers): Extension<Answers>,
    Form(form): Form<CodeForm>,
) -> Result<Response, Failure> {
    match ops::second_factor::remove(&app, person.session(), &form.code, &sender, person.clock.now).await {
        Ok(_) => {
            let message = "Your second factor is removed. Delete its entry in your app.".to_owned();
            Ok(answers.lead("/account", person.user(), Checked::good(message)))
        }
        Err(refusal) => again(&app, &person, refusal, REMOVAL, Typed::default()).await,
    }
}
