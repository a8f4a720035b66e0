//! Household access: who answers for a household, which staff work in it, and who can see it and why.

mod change;

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Response;

pub(super) use self::change::{give, make_primary, remove_staff, set_role, set_secondary};
use super::answers::{AnswerQuery, Answers, Checked};
use super::components::{Clock, Moment};
use super::failure::{Failure, page};
use super::format;
use super::household;
use super::inputs;
use super::layout::{Layout, Section};
use super::listing::OnlyPage;
use super::people::{Names, everybody, title};
use super::session::SignedIn;
use crate::access::in_words;
use crate::app::App;
use crate::domain::access::household::{HouseholdAccess, Professional, STAFF_ROLES, StaffAccess};
use crate::domain::access::{Action, Role};
use crate::domain::account::{Account, AccountState};
use crate::domain::stored::Household;
use crate::domain::{ExternalId, HouseholdId, Timestamp, UserId};

/// The most advisers of the CRM to choose from.
const MOST_ADVISERS: usize = 200;

#[derive(Template)]
#[template(path = "household-access.html")]
pub(super) struct AccessPage {
    pub(super) layout: Layout,
    pub(super) household: String,
    /// `/households/…`
    pub(super) path: String,
    /// The version that a change follows.
    pub(super) version: u64,
    pub(super) checked: Option<Checked>,
    /// What somebody has typed to give staff access, which the form keeps where it is refused.
    typed: Typed,
    /// How it came to be as it is.
    pub(super) sentence: String,
    /// How long ago another household was joined to it whose staff and professionals came with it.
    pub(super) joined: Option<String>,
    /// What the CRM says, where that is something else.
    pub(super) difference: Option<String>,
    pub(super) primary: ProfessionalRow,
    pub(super) secondary: Option<ProfessionalRow>,
    pub(super) staff: Vec<StaffRow>,
    /// The people and the CRM's users who can be made a professional.
    pub(super) professionals: Vec<Choice>,
    /// The staff who can be given access.
    pub(super) others: Vec<Choice>,
    pub(super) seen_by: Vec<SeenBy>,
    pub(super) past: Vec<PastRow>,
    pub(super) may_manage: bool,
}

/// What somebody has typed to give staff access.
#[derive(Default)]
struct Typed {
    /// The accounts that were chosen.
    chosen: Vec<String>,
    /// The form's fields by their names.
    values: BTreeMap<String, String>,
}

/// A professional of the household.
pub(super) struct ProfessionalRow {
    pub(super) name: String,
    /// What stands for the professional in forms.
    pub(super) key: String,
    /// Whom they are, and what is missing.
    pub(super) about: String,
    /// Whether the professional has an account.
    pub(super) has_account: bool,
    /// Whether it can be the primary one.
    pub(super) can_be_primary: bool,
}

/// A member of the staff with access.
pub(super) struct StaffRow {
    pub(super) name: String,
    pub(super) user: UserId,
    pub(super) role: Role,
    /// Whether the account is disabled.
    pub(super) is_disabled: bool,
    pub(super) ends: Option<Moment>,
    pub(super) reason: String,
    pub(super) given_by: String,
    pub(super) given: Moment,
}

/// Access of a member of the staff that ended.
pub(super) struct PastRow {
    pub(super) given: StaffRow,
    pub(super) ended: Moment,
    /// The name of who ended it; none where its time was over.
    pub(super) by: Option<String>,
}

/// Somebody to choose.
pub(super) struct Choice {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) about: String,
    /// Whether it can be the primary professional; anybody who is offered can be the secondary one.
    pub(super) can_be_primary: bool,
}

/// Somebody who sees the household, and why.
pub(super) struct SeenBy {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) because: Vec<String>,
}

impl StaffRow {
    fn of(given: &StaffAccess, (accounts, names): (&[Account], &Names), clock: &Clock) -> Self {
        let account = accounts.iter().find(|account| account.user.id == given.user);
        Self {
            name: names.get(given.user).unwrap_or_else(|| "Somebody whose account is gone".to_owned()),
            is_disabled: account.is_some_and(|account| account.state == AccountState::Disabled),
            user: given.user,
            role: given.role,
            ends: given.expires_at.map(|end| Moment::ending(end, clock)),
            reason: given.reason.clone().unwrap_or_default(),
            given_by: given.given_by.clone(),
            given: Moment::new(given.given_at, clock),
        }
    }
}

impl AccessPage {
    fn roles(&self) -> [Role; STAFF_ROLES.len()] {
        STAFF_ROLES
    }

    fn title(&self, role: &Role) -> String {
        title(*role)
    }

    fn is_chosen(&self, user: &str) -> bool {
        self.typed.chosen.iter().any(|chosen| chosen == user)
    }

    /// Whether this role stands beside somebody: the one that was chosen, or else the one in the practice.
    fn is_role_of(&self, role: &Role, user: &str, about: &str) -> bool {
        match self.typed.values.get(&format!("role-{user}")) {
            Some(word) => role.as_str() == word,
            None => title(*role) == about,
        }
    }

    fn typed(&self, field: &str) -> &str {
        self.typed.values.get(field).map(String::as_str).unwrap_or_default()
    }

    /// The type of the input for the last day, and what stands there.
    fn until(&self) -> (&'static str, String) {
        inputs::day(self.typed("until"))
    }

    fn is_role(&self, one: &Role, other: &Role) -> bool {
        one == other
    }
}

/// `GET /households/{id}/access`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
    Query(answer): Query<AnswerQuery>,
    _: OnlyPage,
) -> Result<Response, Failure> {
    let found = household::find(&app, &person, Action::ReadBook, &id).await?;
    let checked = answers.of(&answer, person.user());
    page(&load(&app, &person, &found.household, (checked, Typed::default())).await?)
}

async fn load(
    app: &App,
    person: &SignedIn,
    household: &Household,
    (checked, typed): (Option<Checked>, Typed),
) -> Result<AccessPage, Failure> {
    let access = access_of(app, household.id, person.clock.now).await?;
    let accounts = everybody(app).await?;
    let crm = app.crm_professionals(household).await?;
    let difference = if crm.differs_from(&access) { difference(app, household, &crm.primary).await? } else { None };
    let names = Names::of(&accounts);
    let known = (accounts.as_slice(), &names);
    let staff = access.staff.iter().map(|given| StaffRow::of(given, known, &person.clock)).collect();
    let past = access.past.iter().map(|past| PastRow {
        given: StaffRow::of(&past.given, known, &person.clock),
        ended: Moment::new(past.ended_at, &person.clock),
        by: past.ended_by.clone(),
    });
    let past = past.collect();
    let primary = professional(app, &access.primary).await?;
    let secondary = match &access.secondary {
        Some(secondary) => Some(professional(app, secondary).await?),
        None => None,
    };
    let may_manage = person.can(Action::ManageHouseholds);
    let (professionals, others) =
        if may_manage { choices(app, household, &access, known).await? } else { (Vec::new(), Vec::new()) };
    Ok(AccessPage {
        layout: Layout::load(app, person, Section::Households).await?,
        household: format::name(&household.name),
        path: format!("/households/{}", household.id),
        version: access.version,
        checked,
        typed,
        sentence: match &access.chosen {
            Some(chosen) => format!("Last changed by {} {}.", chosen.by, format::relative(chosen.at, person.clock.now)),
            None => "As the CRM proposed it when the household came. Nobody has changed it here.".to_owned(),
        },
        joined: joined(&access).map(|at| format::relative(at, person.clock.now)),
        difference,
        primary,
        secondary,
        staff,
        past,
        professionals,
        others,
        seen_by: seen_by(app, person, household.id, known).await?,
        may_manage,
    })
}

/// The moment at which another household was joined to this one, where nobody has changed the access since.
fn joined(access: &HouseholdAccess) -> Option<Timestamp> {
    access.joined_at.filter(|joined| access.chosen.as_ref().is_none_or(|chosen| chosen.at < *joined))
}

async fn access_of(app: &App, household: HouseholdId, now: Timestamp) -> Result<HouseholdAccess, Failure> {
    Ok(app.store.household_access(household).await?.ok_or(NOT_THERE)?.as_of(now))
}

const NOT_THERE: Failure = Failure::NotFound("There is no household here. Look for it in the list of households.");

async fn difference(app: &App, household: &Household, primary: &Option<ExternalId>) -> Result<Option<String>, Failure> {
    let Some(id) = primary else { return Ok(None) };
    let of_crm = Professional::OfCrm { connection: household.connection.clone(), external_id: id.clone() };
    let name = app.name_of_professional(&of_crm).await?.unwrap_or_else(|| format!("user {id}"));
    Ok(Some(format!("The CRM names {name} as the adviser of this household now. It is not followed by itself.")))
}

async fn professional(app: &App, professional: &Professional) -> Result<ProfessionalRow, Failure> {
    let account = app.store.account_of(professional.clone()).await?;
    let name = app.name_of_professional(professional).await?.unwrap_or_else(|| "The practice".to_owned());
    let (about, has_account) = match (&account, professional) {
        (Some(account), _) if account.state == AccountState::Disabled => {
            ("The account is disabled: name somebody else.".to_owned(), true)
        }
        (Some(_), Professional::FirstAdviser) => {
            ("Nobody was named, so the first adviser of the practice.".to_owned(), true)
        }
        (Some(account), _) => (title(account.user.role), true),
        (None, Professional::OfCrm { .. }) => (
            "Of the CRM; nobody with an account here answers for them, so that practice managers see to the household."
                .to_owned(),
            false,
        ),
        (None, _) => ("Nobody has an account yet who could.".to_owned(), false),
    };
    let can_be_primary = account.as_ref().is_none_or(|account| account.user.role.can_be_primary());
    Ok(ProfessionalRow { name: format::name(&name), key: key(professional), about, has_account, can_be_primary })
}

/// What stands for a professional in a form.
fn key(professional: &Professional) -> String {
    match professional {
        Professional::Account(user) => format!("account:{user}"),
        Professional::OfCrm { external_id, .. } => format!("crm:{external_id}"),
        Professional::FirstAdviser => "first".to_owned(),
    }
}

/// Whom one can choose as a professional, and whom as staff.
async fn choices(
    app: &App,
    household: &Household,
    access: &HouseholdAccess,
    (accounts, names): (&[Account], &Names),
) -> Result<(Vec<Choice>, Vec<Choice>), Failure> {
    let of_account = |account: &Account| Choice {
        key: key(&Professional::Account(account.user.id)),
        name: names.get(account.user.id).unwrap_or_default(),
        about: title(account.user.role),
        can_be_primary: account.user.role.can_be_primary(),
    };
    let taken = [Some(&access.primary), access.secondary.as_ref()];
    let is_free = |key: &str| taken.iter().flatten().all(|known| self::key(known) != key);
    let active = || accounts.iter().filter(|account| account.state != AccountState::Disabled);
    let answering = active().filter(|account| account.user.role.can_be_secondary());
    let mut professionals: Vec<Choice> = answering.map(of_account).collect();
    for stored in app.store.active_advisers(household.connection.clone(), MOST_ADVISERS).await? {
        let external_id = stored.adviser.external_id.clone();
        let of_crm = Professional::OfCrm { connection: household.connection.clone(), external_id };
        let name = crate::app::full_name(&stored.adviser);
        professionals.push(Choice { key: key(&of_crm), name, about: "of the CRM".to_owned(), can_be_primary: true });
    }
    professionals.retain(|choice| is_free(&choice.key));
    let has_access = |user: UserId| access.staff.iter().any(|given| given.user == user);
    let others = active().filter(|account| !has_access(account.user.id) && STAFF_ROLES.contains(&account.user.role));
    let mut others: Vec<Choice> = others.map(of_account).collect();
    others.retain(|choice| is_free(&choice.key));
    Ok((professionals, others))
}

async fn seen_by(
    app: &App,
    person: &SignedIn,
    household: HouseholdId,
    (accounts, names): (&[Account], &Names),
) -> Result<Vec<SeenBy>, Failure> {
    let reasons = app.store.all_access_reasons(household, person.clock.now).await?;
    let mut seen_by = Vec::new();
    for account in accounts {
        let of_account = reasons.get(&account.user.id).map(Vec::as_slice).unwrap_or_default();
        let (allowed, because) = in_words(account, of_account, &person.clock.zone);
        if allowed {
            let (name, role) = (names.get(account.user.id).unwrap_or_default(), title(account.user.role));
            seen_by.push(SeenBy { name, role, because });
        }
    }
    Ok(seen_by)
}
