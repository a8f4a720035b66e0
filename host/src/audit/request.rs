//! One request: where it comes from, who asks, and what its route shows.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::{Extensions, Method, StatusCode, Uri};
use jiff::civil::Date;
use uuid::Uuid;

use super::routes::{Kept, Route, about, route};
use super::{Trail, verbs};
use crate::access::LocalOperator;
use crate::access::source::Source;
use crate::domain::access::Actor;
use crate::domain::audit::{Act, By, Outcome, Subject, THIS_MACHINE, field_name};
use crate::domain::{HouseholdId, Timestamp};
use crate::store::StoreError;

/// The parameters of an address that an entry names.
const MOST_PARAMETERS: usize = 12;

/// The reason of a refusal that said none.
const NOT_ALLOWED: &str = "It is not allowed.";
/// The reason where what was sent was not read as far as its verb.
const NOT_UNDERSTOOD: &str = "What was sent does not fit.";

/// The answers that are about who asks, or how often, and not about what was sent.
const NO_ATTEMPTS: [StatusCode; 3] =
    [StatusCode::UNAUTHORIZED, StatusCode::METHOD_NOT_ALLOWED, StatusCode::TOO_MANY_REQUESTS];

tokio::task_local! {
    static REQUEST: Arc<Request>;
}

struct Request {
    source: String,
    known: Mutex<Known>,
}

/// The facts that are known of a request by its end.
#[derive(Default)]
struct Known {
    by: Option<By>,
    because: Option<String>,
    count: Option<usize>,
    /// Other households that what is taken along is about, too, and what of it.
    also_of: Vec<(HouseholdId, String)>,
    is_told: bool,
    /// The reason why a form is refused, on a page that says more.
    refused: Option<&'static str>,
}

/// The address that asks; `this machine` where a command or the host itself does.
pub fn source() -> String {
    REQUEST.try_with(|request| request.source.clone()).unwrap_or_else(|_| THIS_MACHINE.to_owned())
}

/// Says who asks.
pub fn known(actor: &Actor) {
    change(|known| known.by = Some(By::from(actor)));
}

/// Says why the one who asks may not.
pub fn denied(because: &str) {
    change(|known| known.because = Some(because.to_owned()));
}

/// Says that a form is refused on its page, to which it may lead back. The reason is one that names nobody.
pub fn refused(because: &'static str) {
    change(|known| known.refused = known.refused.or(Some(because)));
}

/// Says that a form leads back to its page, which says why nothing was done.
pub fn led_back() {
    refused(NOT_UNDERSTOOD);
}

/// Says how many rows are shown.
pub fn counted(rows: usize) {
    change(|known| known.count = Some(rows));
}

/// Says that what is taken along is about another household, too, and what of it: its log has an entry then.
pub fn also_of(household: HouseholdId, what: String) {
    change(|known| {
        let told = (household, what);
        if !known.also_of.contains(&told) {
            known.also_of.push(told);
        }
    });
}

/// Says that what is asked has an entry of its own: a verb was done or refused.
pub fn told() {
    change(|known| known.is_told = true);
}

fn change(change: impl FnOnce(&mut Known)) {
    let _: Result<(), _> = REQUEST.try_with(|request| change(&mut request.known()));
}

impl Request {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request on its way through the routes.
pub struct Watched {
    request: Arc<Request>,
    route: Option<(&'static Route, Subject)>,
    /// What the address names where the route has no row, and the household that it is in.
    about: (Option<Subject>, Option<HouseholdId>),
    /// `POST /users`: the method and the pattern of the address, never what stands in its places.
    place: String,
    parameters: Vec<String>,
    /// The household or client that a list is limited to.
    limited_to: Option<Subject>,
    /// Whether it asks for more than to look.
    pub(super) is_change: bool,
    /// Whether it asks for the head of an answer alone.
    pub(super) is_head: bool,
}

impl Watched {
    /// A request that came to the route of this pattern; an empty one is none.
    pub fn of(method: &Method, uri: &Uri, extensions: &Extensions, pattern: &str) -> Self {
        let source = match (extensions.get::<LocalOperator>(), Source::in_extensions(extensions)) {
            (Some(_), _) => THIS_MACHINE.to_owned(),
            (None, source) if source == Source::unknown() => "unknown".to_owned(),
            (None, source) => source.0.to_string(),
        };
        let (is_change, is_head) = (!method.is_safe(), *method == Method::HEAD);
        let method = if is_head { &Method::GET } else { method };
        let named = route(method.as_str(), pattern);
        let route = named.map(|route| (route, route.subject(pattern, uri.path())));
        let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        let method = known.iter().find(|known| *known == method).map_or("(other)", Method::as_str);
        Self {
            request: Arc::new(Request { source, known: Mutex::default() }),
            about: if route.is_none() { about(pattern, uri.path()) } else { (None, None) },
            route,
            place: format!("{method} {pattern}"),
            parameters: parameters(uri, named),
            limited_to: limited_to(uri),
            is_change,
            is_head,
        }
    }

    /// Does the work of the request, in which all that is written knows where it comes from.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        REQUEST.scope(Arc::clone(&self.request), work).await
    }

    /// Takes to the log what was shown or refused: see [`Trail::ended`].
    pub(super) async fn ended(self, trail: &Trail, status: StatusCode) -> Result<(), StoreError> {
        let Known { by, because, count, also_of, is_told, refused } = std::mem::take(&mut *self.request.known());
        let because = match status {
            StatusCode::FORBIDDEN => because.or_else(|| Some(NOT_ALLOWED.to_owned())),
            // A handler may also ask what else to offer; what was denied there is not why this answer is 404 or 409.
            StatusCode::NOT_FOUND => Some("There is no such thing.".to_owned()),
            StatusCode::CONFLICT => Some("Its state does not allow that.".to_owned()),
            _ => None,
        };
        let source = &self.request.source;
        let Some((route, subject)) = self.route else {
            let verb = verbs::of_change(&self.place);
            // A form or body that is not understood begins no verb, and is an attempt at its change all the same.
            let is_refused = refused.is_some() || (status.is_client_error() && !NO_ATTEMPTS.contains(&status));
            if !is_told && (status == StatusCode::FORBIDDEN || (verb.is_some() && is_refused)) {
                let because = because.unwrap_or_else(|| refused.unwrap_or(NOT_UNDERSTOOD).to_owned());
                let (subject, household) = self.about;
                // Nobody is asked who they are before a form of another site is refused, or one to sign in by that has no fields.
                let by = by.unwrap_or_else(By::nobody);
                let verb = verb.unwrap_or(verbs::REQUEST);
                let act = Act::done(by, source, verb, subject.unwrap_or(Subject::of_kind(verbs::REQUEST)));
                let outcome = Outcome::Refused(because);
                let act = trail.placed(Act { outcome, household, detail: self.place, ..act }).await;
                trail.refused(act).await;
            }
            return Ok(());
        };
        let Some(by) = by else { return Ok(()) };
        let mut act = Act::done(by, source, route.verb, subject);
        if let Some(limit) = self.limited_to.filter(|_| route.subject.1.is_none()) {
            let of_limit = trail.placed(Act { subject: limit, ..act.clone() }).await;
            // A list of one client is about that client.
            act =
                if of_limit.subject.kind == "client" { of_limit } else { Act { household: of_limit.household, ..act } };
        }
        if let Some(because) = because {
            trail.refused(trail.placed(Act { outcome: Outcome::Refused(because), ..act }).await).await;
            return Ok(());
        }
        if !status.is_success() {
            return Ok(());
        }
        // The head tells that it is there, its size and name.
        let head = self.is_head.then(|| "its head alone".to_owned());
        let rows = count.map(|rows| if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") });
        let by = (!self.parameters.is_empty()).then(|| format!("by {}", self.parameters.join(", ")));
        act.detail = [head, rows, by].into_iter().flatten().collect::<Vec<_>>().join(" ");
        match route.kept {
            Kept::Always => trail.exported(act, also_of).await?,
            Kept::Once => trail.saw(act).await,
        }
        Ok(())
    }
}

/// A request of somebody who came to a route.
#[cfg(test)]
pub(super) fn for_tests(route: &'static Route, subject: Subject, uri: &Uri) -> Watched {
    let known =
        Known { by: Some(By { kind: crate::domain::audit::ActorKind::Person, ..By::nobody() }), ..Known::default() };
    let request = Arc::new(Request { source: "192.0.2.1".to_owned(), known: Mutex::new(known) });
    Watched {
        request,
        route: Some((route, subject)),
        about: (None, None),
        place: String::new(),
        parameters: parameters(uri, Some(route)),
        limited_to: limited_to(uri),
        is_change: false,
        is_head: false,
    }
}

/// The household, or else the client, that the address of a list names.
fn limited_to(uri: &Uri) -> Option<Subject> {
    let pairs: Vec<_> = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')).collect();
    let named = |name: &str| pairs.iter().find(|(given, _)| *given == name)?.1.parse::<Uuid>().ok();
    [("household_id", "household"), ("household", "household"), ("client_id", "client"), ("client", "client")]
        .into_iter()
        .find_map(|(name, kind)| Some(Subject::new(kind, named(name)?)))
}

/// The parameters of the log that are days, moments and words of its own: they name nobody, and without them nobody knows what of it
/// was exported. Any other value is not told.
const TOLD_WHOLE: [&str; 6] = ["from", "outcome", "since", "to", "until", "verb"];

/// The names of what an address asks for, without what stands there: that is what somebody searched for.
fn parameters(uri: &Uri, route: Option<&Route>) -> Vec<String> {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let filled = pairs.filter(|(name, value)| !value.is_empty() && !matches!(*name, "limit" | "cursor"));
    let is_log = route.is_some_and(|route| route.subject.0 == "audit");
    let is_of_log = |value: &str| {
        let is_moment = value.parse::<Timestamp>().is_ok() || value.parse::<Date>().is_ok();
        is_moment || verbs::is_known(value) || Outcome::WORDS.contains(&value)
    };
    let told = |(name, value): (&str, &str)| match is_log && TOLD_WHOLE.contains(&name) {
        true if is_of_log(&value.replace("%3A", ":")) => format!("{name} {}", value.replace("%3A", ":")),
        _ => field_name(name),
    };
    let mut names: Vec<String> = filled.map(told).take(MOST_PARAMETERS).collect();
    names.sort_unstable();
    names.dedup();
    names
}
