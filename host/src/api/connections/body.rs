//! A connection as it is answered. Its secrets are not among it.

use std::collections::BTreeMap;

use jiff::Unit;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::problem::Problem;
use crate::api::runs::RunBody;
use crate::app::App;
use crate::connection::AuthState;
use crate::crm::kind::SignInMode;
use crate::crm::spec::SignIn;
use crate::domain::{ConnectionName, RevisionDigest, RevisionId, Timestamp};
use crate::integrations::{Integration, Origin, found, held_against};
use crate::store::book::PageRequest;
use crate::store::connections::By;
use crate::store::revisions::HistoryEntry;

/// A CRM site of the practice.
#[derive(Serialize, ToSchema)]
#[schema(as = Connection)]
pub struct ConnectionBody {
    /// Its name in addresses.
    #[schema(value_type = String, example = "main")]
    pub(super) name: ConnectionName,
    /// The name that people call it by.
    #[schema(example = "Acme {crm} integration")]
    title: String,
    /// The place where it was made. One of the settings file is changed there alone, and outranks another of its name.
    origin: OriginBody,
    /// The CRM.
    #[schema(example = "{crm-name}")]
    crm: &'static str,
    /// The dialect it speaks.
    #[schema(example = "{dialect}")]
    dialect: String,
    /// The site's host; of a CRM that is read from a folder, that folder.
    forward_host: String,
    /// The CRM's own settings, of which each is null where it does not apply; see `declared`.
    #[serde(flatten)]
    #[schema(ignore)]
    settings: BTreeMap<&'static str, Option<String>>,
    /// The schedule of its runs: a crontab line of five fields, or of six with seconds before them, in the practice's
    /// time zone.
    #[schema(example = "0 * * * *")]
    schedule: String,
    /// The times at which the schedule starts the next runs, three at most; empty where it is disabled.
    #[schema(value_type = Vec<String>)]
    next_runs: Vec<Timestamp>,
    /// Whether it is to run.
    enabled: bool,
    /// The way in which it signs in.
    auth: AuthBody,
    /// Whether its site lets the host in.
    authorization: AuthorizationBody,
    /// Whether it leads to the site that its clients and notes are of.
    site: SiteBody,
    /// The person who confirmed that the ids of clients who exist on both sites were provided. Null where nobody has: a
    /// connection made at run time is not enabled then; one of the settings file runs all the same, and its page asks
    /// for it.
    #[schema(required)]
    preflight: Option<By>,
    /// The moment until which its site asked to be left alone: nothing is asked of it before, unless somebody starts a
    /// sync. Null where it may be asked.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    left_alone_until: Option<Timestamp>,
    /// The reason why it is enabled and does not run; null where it does.
    #[schema(required)]
    problem: Option<String>,
    /// The pack that says what the CRM's fields mean.
    #[schema(example = "{pack}")]
    pack: String,
    /// The pack's region, ISO 3166-1 alpha-2; null where the connection is not at work.
    #[schema(required, example = "AU")]
    region: Option<String>,
    /// The pack's revision in force; null where the connection is not at work.
    #[schema(required, value_type = Option<String>, example = "3f9c0a1b2d4e")]
    revision: Option<RevisionId>,
    /// The revision's whole digest, of which `revision` is the beginning; null where the connection is not at work.
    #[schema(required, value_type = Option<String>)]
    revision_digest: Option<RevisionDigest>,
    /// The revision that the host goes back to by itself where the one in force rejects much more than it: as long as that is
    /// on trial, which it is until what is stored was mapped again and a first sync is over. Null where it is not, or there is
    /// none to go back to.
    #[schema(required, value_type = Option<String>, example = "8c21f0e9a3b7")]
    on_trial_against: Option<RevisionId>,
    /// What the breaker did last; null where somebody put a revision in force since, or it never did anything.
    #[schema(required)]
    breaker: Option<BreakerBody>,
    /// The newest run, finished or not; null before the first.
    #[schema(required)]
    last_run: Option<RunBody>,
}

/// What the breaker did with a revision that rejected much more than the one before.
#[derive(Serialize, ToSchema)]
#[schema(as = ConnectionBreaker)]
pub struct BreakerBody {
    /// The moment at which the revision in force came in force.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The revision that it took back; null where there was none to go back to, so that it is in force still.
    #[schema(required, value_type = Option<String>)]
    taken_back: Option<RevisionId>,
    /// What it found.
    detail: String,
}

impl BreakerBody {
    fn of(entry: &HistoryEntry) -> Option<Self> {
        let detail = found(entry)?;
        Some(Self { since: entry.by.at, taken_back: entry.taken_back.map(|left| left.short()), detail })
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConnectionOrigin)]
pub enum OriginBody {
    /// The settings file.
    File,
    /// The page or the API.
    Page,
}

/// The way in which a connection signs in, without its secrets. The fields of each way are declared by the CRM; see
/// `declared`.
#[derive(Serialize, ToSchema)]
#[schema(as = ConnectionAuth)]
pub struct AuthBody {
    mode: &'static str,
    #[serde(flatten)]
    #[schema(ignore)]
    values: BTreeMap<&'static str, String>,
}

impl From<SignIn> for AuthBody {
    fn from(SignIn { mode, values }: SignIn) -> Self {
        Self { mode: mode.name, values }
    }
}

/// Whether a site lets the host in.
#[derive(Serialize, ToSchema)]
#[schema(as = ConnectionAuthorization)]
pub struct AuthorizationBody {
    /// `not_needed` for a name and password; `needed` before the first time; `authorized`; `refused` when the site does
    /// not accept it any more: runs do not start and notes wait until somebody authorises it again.
    state: AuthorizationState,
    /// The moment since which that is so.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// The person who authorised it.
    #[schema(required)]
    by: Option<String>,
    /// The action that is needed of a person; null where none is.
    #[schema(required)]
    detail: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationState {
    /// The connection signs in by name and password.
    NotNeeded,
    /// Nobody has authorised the connection yet.
    Needed,
    /// A person authorised the connection.
    Authorized,
    /// The site does not accept it any more.
    Refused,
}

/// Whether a connection leads to the site whose ids its clients and notes have.
#[derive(Serialize, ToSchema)]
#[schema(as = ConnectionSite)]
pub struct SiteBody {
    /// `changed` where its host is another than that of the site: nothing is read from it and nothing is sent to it until
    /// somebody says that it is the same site under another name (`POST /connections/{name}/same-site`), or it leads to
    /// the site again. `taken` where another connection brought clients of the site already: the same, until somebody says
    /// that the two are apart (`POST /connections/{name}/apart`).
    state: SiteState,
    /// The host of the site that its clients and notes are of, where it leads to another.
    #[schema(required)]
    known_host: Option<String>,
    /// The connection that brought clients of the site already, where another did.
    #[schema(required, value_type = Option<String>)]
    taken_by: Option<ConnectionName>,
    /// The action that is needed of a person; null where none is.
    #[schema(required)]
    detail: Option<String>,
    /// The person who said that the site has another name now; null where it never had one.
    #[schema(required)]
    same_site: Option<By>,
    /// The person who said that it is apart from another connection of the same site; null where nobody had to.
    #[schema(required)]
    apart: Option<By>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConnectionSiteState)]
pub enum SiteState {
    /// The connection leads to the site that it always did, or no record was read through it yet.
    Known,
    /// The connection leads to another host.
    Changed,
    /// Another connection brought clients of the site.
    Taken,
}

impl SiteBody {
    fn of(auth: &AuthState, same_site: Option<By>, apart: Option<By>) -> Self {
        let (state, known_host, taken_by) = match auth {
            AuthState::AnotherSite { known, .. } => (SiteState::Changed, Some(known.clone()), None),
            AuthState::TakenSite { by, .. } => (SiteState::Taken, None, Some(by.clone())),
            _ => (SiteState::Known, None, None),
        };
        let detail = auth.obstacle().filter(|_| auth.is_held());
        Self { state, known_host, taken_by, detail, same_site, apart }
    }
}

impl AuthorizationBody {
    fn of(auth: AuthState, mode: &SignInMode) -> Self {
        let detail = auth.obstacle();
        let (state, since, by) = match (auth, mode.needs_person) {
            (AuthState::NotNeeded, _) | (AuthState::AnotherSite { .. } | AuthState::TakenSite { .. }, false) => {
                (AuthorizationState::NotNeeded, None, None)
            }
            // What the site of before authorised is not for this host.
            (AuthState::Needed, _) | (AuthState::AnotherSite { .. } | AuthState::TakenSite { .. }, true) => {
                (AuthorizationState::Needed, None, None)
            }
            (AuthState::Granted { by, at }, _) => (AuthorizationState::Authorized, Some(at), Some(by)),
            (AuthState::Refused { at, .. }, _) => (AuthorizationState::Refused, Some(at), None),
        };
        Self { state, since, by, detail }
    }
}

impl ConnectionBody {
    pub async fn of(one: Integration, app: &App) -> Result<Self, Problem> {
        let newest = PageRequest { cursor: None, limit: 1 };
        let runs = app.store.runs(Some(one.name().clone()), newest).await?;
        let revision = one.connection.as_ref().map(|connection| connection.revision());
        let breaker = app.store.active(one.name().clone()).await?.as_ref().and_then(BreakerBody::of);
        let on_trial_against = one.connection.as_deref().and_then(held_against);
        let auth = one.auth_state();
        // To the second, as what is left is measured anew each time.
        let left_alone_until = one.connection.as_ref().and_then(|connection| connection.connector.left_alone_until());
        let left_alone_until = left_alone_until.and_then(|until| until.round(Unit::Second).ok());
        let next_runs = one.next_runs(Timestamp::now(), &app.config.practice.time_zone);
        let spec = one.spec;
        let answered = spec.crm.settings.iter().filter(|setting| !setting.is_for_file_only());
        Ok(Self {
            next_runs,
            site: SiteBody::of(&auth, one.same_site.map(|(_, by)| by), one.apart),
            authorization: AuthorizationBody::of(auth, spec.sign_in.mode),
            name: spec.name.clone(),
            title: one.title,
            origin: match one.origin {
                Origin::File => OriginBody::File,
                Origin::Page => OriginBody::Page,
            },
            crm: spec.crm.name,
            dialect: spec.dialect.clone(),
            forward_host: spec.forward_host.clone(),
            settings: answered.map(|own| (own.name, spec.setting(own.name).map(str::to_owned))).collect(),
            schedule: spec.schedule.to_string(),
            enabled: spec.enabled,
            auth: spec.sign_in.clone().into(),
            preflight: one.preflight,
            left_alone_until,
            problem: one.problem,
            pack: spec.pack.clone(),
            region: revision.as_ref().map(|revision| revision.region().to_owned()),
            revision: revision.as_ref().map(|revision| revision.id()),
            revision_digest: revision.map(|revision| revision.digest()),
            on_trial_against,
            breaker,
            // What is told of single rows is for those who see the book, on the run itself.
            last_run: runs.items.into_iter().next().map(|run| run.without_findings().into()),
        })
    }
}
