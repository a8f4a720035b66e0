//! Privacy: erasing clients, lifting erasures, and legal holds.

use jiff::tz::TimeZone;

use super::people::in_person;
use super::{Kind, Refusal, audited, may, may_freshly};
use crate::app::App;
use crate::domain::access::household::end_in_words;
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;
use crate::domain::privacy::retention::Retention;
use crate::domain::privacy::{self, Erasure, ErasureCounts, ErasureOf, ErasureReason, HeldSubject, LegalHold};
use crate::domain::stored::StoredClient;
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId, Timestamp, text};
use crate::store::audit::scope;
use crate::store::erasure::ErasureRequest;

/// The most characters of the reason of a hold.
const LONGEST_REASON: usize = 500;

/// An erasure, as somebody asks for it.
#[derive(Clone, Copy, Debug)]
pub struct AskedErasure<'a> {
    /// The word of the reason.
    pub reason: &'a str,
    /// The client's name or id, typed once more.
    pub confirm: &'a str,
}

/// A client who was erased.
#[derive(Debug)]
pub struct Erased {
    /// The entry that is kept of it.
    pub erasure: Erasure,
    /// What was taken away, and what stays.
    pub counts: ErasureCounts,
    /// What is left to do in the CRM, as a sentence.
    pub left_to_do: String,
}

impl Erased {
    /// The same with the sentences about what is left to do.
    fn leaving(self, left_to_do: String, more: Option<&str>) -> Self {
        let left_to_do = more.map(|more| format!("{left_to_do} {more}")).unwrap_or(left_to_do);
        Self { left_to_do, ..self }
    }

    /// The number of the erasure, and what is left to do.
    pub fn in_words(&self) -> String {
        format!("Erased, as erasure {}. {}", self.erasure.number, self.left_to_do)
    }
}

/// Erases a client: all that is kept of them goes, and they are kept away from now on.
///
/// # Errors
/// Returns an error if there is no such client, a field does not fit, a hold is on, or a note of theirs is being sent.
pub async fn erase(
    app: &App,
    actor: &Actor,
    id: ClientId,
    asked: AskedErasure<'_>,
    now: Timestamp,
) -> Result<Erased, Refusal> {
    audited(app, actor, ("privacy.erase", Subject::new("client", id)), async move {
        may_freshly(actor, Action::EraseClients)?;
        in_person(actor, "erase a client")?;
        let client = find(app, id).await?;
        let reason = reason(&ErasureReason::TO_ERASE, asked.reason)?;
        is_true(app, reason, app.retention_of(&client, now))?;
        if !is_confirmed(&client, asked.confirm) {
            let message = "Type the client’s name as it stands here, or their id, to say that this is the one.";
            return Err(Refusal::at("/confirm", message));
        }
        let request = request(actor, reason, now);
        let (erased, more) = take_away(app, id.into(), request).await?;
        let left_to_do = app.left_to_do(&client, &erased.counts).await;
        Ok(erased.leaving(left_to_do, more))
    })
    .await
}

/// Erases a record of a CRM that is no client here: in quarantine, or left out by a rule. It is kept away from now on.
///
/// # Errors
/// Returns an error if the connection brought no such record, it is a client's, or a field does not fit.
pub async fn erase_record(
    app: &App,
    actor: &Actor,
    (connection, id): (ConnectionName, ExternalId),
    asked: AskedErasure<'_>,
    now: Timestamp,
) -> Result<Erased, Refusal> {
    audited(app, actor, ("privacy.erase_record", Subject::new("connection", &connection)), async move {
        may_freshly(actor, Action::EraseClients)?;
        in_person(actor, "erase a client")?;
        let reason = reason(&ErasureReason::TO_ERASE, asked.reason)?;
        is_true(app, reason, Retention::NoClient)?;
        if text::one_line(asked.confirm) != id.to_string() {
            return Err(Refusal::at("/confirm", "Type the CRM ID once more, to say that this is the one."));
        }
        let left_to_do = privacy::left_to_do_of_record(&connection, &id);
        let request = request(actor, reason, now);
        let (erased, more) = take_away(app, ErasureOf::Record(connection, id), request).await?;
        Ok(erased.leaving(left_to_do, more))
    })
    .await
}

/// Erases somebody; answers it, and what besides the CRM is left to do.
async fn take_away(
    app: &App,
    of: ErasureOf,
    request: ErasureRequest,
) -> Result<(Erased, Option<&'static str>), Refusal> {
    let now = request.at;
    scope::detail(request.reason.as_str());
    let (erasure, counts) = app.store.erase(of, request).await?.map_err(|why| Refusal::of_erasure(app, why))?;
    // They have values of the book as it was. Those of before an erasure go at the next start, too.
    if let Err(error) = app.previews.forget_all() {
        tracing::error!(%error, "a client was erased, and previews that may have their values could not be removed");
    }
    let more = super::backups::forget_erased(app, now).await;
    Ok((Erased { erasure, counts, left_to_do: String::new() }, more))
}

/// Goes on where the reason of an erasure is none that the retention profile speaks against.
fn is_true(app: &App, reason: ErasureReason, retention: Retention) -> Result<(), Refusal> {
    if reason != ErasureReason::RetentionOver || retention.is_over() {
        return Ok(());
    }
    let message = format!("This reason isn’t true yet. {} Choose another reason.", app.retention_in_words(retention));
    Err(Refusal::at("/reason", message))
}

/// Whether what was typed is the client's name or id. Capitals and blanks do not matter.
fn is_confirmed(client: &StoredClient, typed: &str) -> bool {
    let typed = text::as_it_reads(typed);
    !typed.is_empty() && (typed == text::as_it_reads(&client.client.full_name()) || typed == client.id.to_string())
}

fn reason(among: &[ErasureReason], word: &str) -> Result<ErasureReason, Refusal> {
    ErasureReason::among(among, word).ok_or_else(|| {
        let words = among.iter().map(|reason| format!("`{}`", reason.as_str())).collect::<Vec<_>>().join(", ");
        Refusal::at("/reason", format!("Choose a reason: {words}."))
    })
}

/// Lifts an erasure: the person may come again.
///
/// # Errors
/// Returns an error if there is no such erasure in force, or the reason is none.
pub async fn lift(app: &App, actor: &Actor, number: u64, reason: &str, now: Timestamp) -> Result<Erasure, Refusal> {
    audited(app, actor, ("privacy.lift", Subject::new("erasure", number)), async move {
        may_freshly(actor, Action::EraseClients)?;
        in_person(actor, "lift an erasure")?;
        let reason = self::reason(&ErasureReason::TO_LIFT, reason)?;
        scope::detail(reason.as_str());
        let request = request(actor, reason, now);
        app.store.lift_erasure(number, request).await?.map_err(|why| Refusal::of_erasure(app, why))
    })
    .await
}

fn request(actor: &Actor, reason: ErasureReason, at: Timestamp) -> ErasureRequest {
    ErasureRequest { by: actor.name.clone(), by_account: actor.account(), reason, at }
}

/// A legal hold, as somebody asks for it.
#[derive(Clone, Copy, Debug)]
pub struct AskedHold<'a> {
    /// The reason.
    pub reason: &'a str,
    /// The moment at which it ends by itself; none where a person has to release it.
    pub until: Option<Timestamp>,
    /// The hold that it may replace.
    pub replaces: Replaced,
}

/// The hold that another one may replace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replaced {
    /// Whichever is on.
    Any,
    /// The one that has been on since this moment, which whoever asks saw; none where they saw none.
    Seen(Option<Timestamp>),
}

/// Places a legal hold on a client or household, in place of one that is on.
///
/// # Errors
/// Returns an error if there is no such client or household, a field does not fit, or another hold is on than may be replaced.
pub async fn hold(
    app: &App,
    actor: &Actor,
    subject: HeldSubject,
    AskedHold { reason, until, replaces }: AskedHold<'_>,
    now: Timestamp,
) -> Result<LegalHold, Refusal> {
    audited(app, actor, ("privacy.hold", subject_of(subject)), async move {
        may(actor, Action::EraseClients)?;
        exists(app, subject).await?;
        let reason = text::one_line(reason);
        if reason.is_empty() || !text::fits_on_one_line(&reason, LONGEST_REASON) {
            let message = format!(
                "Say why, in at most {LONGEST_REASON} characters on one line: a complaint’s number, or who asked for it."
            );
            return Err(Refusal::at("/reason", message));
        }
        if until.is_some_and(|until| until <= now) {
            return Err(Refusal::at(
                "/until",
                "Choose today or a later day, or leave it empty: then the hold lasts until it is released.",
            ));
        }
        let (by, by_account) = (actor.name.clone(), actor.account());
        let hold = LegalHold { subject, reason, by, by_account, since: now, until };
        let known = app.store.hold(subject).await?.filter(|known| known.is_on(now));
        let is_own = |known: &LegalHold| known.by_account.is_some() && known.by_account == by_account;
        // An earlier version kept no account.
        let is_same = |known: &LegalHold| {
            let by_account = known.by_account.or(hold.by_account);
            LegalHold { since: now, by_account, ..known.clone() } == hold
        };
        if let Some(known) = known.as_ref().filter(|known| is_same(known)) {
            // A button that is pressed twice, or a page that is sent again.
            scope::detail("it is on already");
            return Ok(known.clone());
        }
        let is_seen = |known: &LegalHold| [Replaced::Any, Replaced::Seen(Some(known.since))].contains(&replaces);
        if let Some(known) = known.as_ref().filter(|known| !is_seen(known)) {
            return Err(unseen_hold(is_own(known)));
        }
        if let Some(known) = &known {
            // Its reason goes, with who placed it.
            in_person(actor, "replace a legal hold")?;
            scope::detail("in place of another");
            // To let one end earlier is to release it.
            if hold.ends_before(known.until) {
                may_freshly(actor, Action::EraseClients)?;
            }
        }
        match app.store.put_hold(hold.clone(), known).await? {
            Ok(true) => Ok(hold),
            Ok(false) => Err(not_there(subject)),
            Err(other) if is_same(&other) => Ok(other),
            Err(other) => Err(unseen_hold(is_own(&other))),
        }
    })
    .await
}

fn unseen_hold(is_own: bool) -> Refusal {
    Refusal::new(Kind::Stale, Refusal::words_of_unseen_hold(is_own))
}

/// Releases a legal hold.
///
/// # Errors
/// Returns an error if none is on, or another one than was `seen`, by the moment since which that is on.
pub async fn release(app: &App, actor: &Actor, subject: HeldSubject, seen: Option<Timestamp>) -> Result<(), Refusal> {
    audited(app, actor, ("privacy.release", subject_of(subject)), async move {
        may_freshly(actor, Action::EraseClients)?;
        in_person(actor, "release a legal hold")?;
        match app.store.end_hold(subject, seen).await? {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(_) => {
                let message = "Nothing was released: another hold was placed since you opened the page. Read it, and release it if \
                               that is still right.";
                return Err(Refusal::new(Kind::Stale, message));
            }
        }
        let (HeldSubject::Client(ClientId(id)) | HeldSubject::Household(HouseholdId(id))) = subject;
        Err(Refusal::not_found(format_args!("legal hold on {id}")))
    })
    .await
}

fn subject_of(subject: HeldSubject) -> Subject {
    match subject {
        HeldSubject::Client(id) => Subject::new("client", id),
        HeldSubject::Household(id) => Subject::new("household", id),
    }
}

async fn exists(app: &App, subject: HeldSubject) -> Result<(), Refusal> {
    let is_there = match subject {
        HeldSubject::Client(id) => app.store.client(id).await?.is_some(),
        HeldSubject::Household(id) => app.store.household(id).await?.is_some_and(|row| row.household.id == id),
    };
    if is_there { Ok(()) } else { Err(not_there(subject)) }
}

fn not_there(subject: HeldSubject) -> Refusal {
    match subject {
        HeldSubject::Client(id) => Refusal::not_found(format_args!("client {id}")),
        HeldSubject::Household(id) => Refusal::not_found(format_args!("household {id}")),
    }
}

async fn find(app: &App, id: ClientId) -> Result<StoredClient, Refusal> {
    app.store.client(id).await?.ok_or_else(|| Refusal::not_found(format_args!("client {id}")))
}

impl Refusal {
    /// Nobody was erased, or nothing lifted. Times are told in the practice's zone.
    pub fn of_erasure(app: &App, refusal: privacy::Refusal) -> Self {
        use privacy::Refusal as Why;
        match refusal {
            Why::Unknown(id) => Self::not_found(format_args!("client {id}")),
            Why::Held(hold) => Self::of_hold(app, "Nothing was erased", &hold, ""),
            Why::IsSending => Self::new(
                Kind::WrongState,
                "Nothing was erased: a file note of theirs is being sent at this moment. Wait a minute, then erase again.",
            ),
            Why::AwaitsReview => Self::new(
                Kind::WrongState,
                "Nothing was erased: a client of the CRM waits in the review queue who may be this one, and would bring them \
                 back. Decide about that one first: link them, where they are the same person; leave them out or import them, \
                 where they are somebody else.",
            ),
            Why::NoRecord(connection, id) => {
                let message =
                    format!("No client with ID {id} has come from {connection}. Check the ID and the connection.");
                Self::new(Kind::NotFound, message)
            }
            Why::IsClient(id) => Self::new(
                Kind::WrongState,
                format!("Nothing was erased: this record belongs to the client {id} here. Erase the client instead."),
            ),
            Why::NotErased(number) => Self::not_found(format_args!("erasure {number} in force")),
        }
    }

    /// A hold keeps something from being done. `besides` is as in [`Refusal::words_of_hold`].
    pub(super) fn of_hold(app: &App, nothing: &str, hold: &LegalHold, besides: &str) -> Self {
        let held = Self::words_of_hold(hold, besides, &app.config.practice.time_zone);
        // Whoever placed it, and why, stands with the hold.
        Self::new(Kind::WrongState, format!("{nothing}: {held}")).in_log("A legal hold is on them.")
    }

    /// The sentence about a hold that was placed since somebody began to ask for another: by that person elsewhere, or by another one.
    pub fn words_of_unseen_hold(is_own: bool) -> &'static str {
        if is_own {
            "You placed a hold elsewhere while you were filling this in. Saving replaces it."
        } else {
            "Someone placed a hold while you were filling this in. Saving replaces theirs."
        }
    }

    /// The sentences about a hold that keeps something from being done: who placed it, until when, and why. `besides` is a sentence
    /// about what would become of it otherwise; empty where there is none.
    pub fn words_of_hold(hold: &LegalHold, besides: &str, zone: &TimeZone) -> String {
        let LegalHold { by, reason, until, .. } = hold;
        let until = until.map(|until| format!(" until {}", end_in_words(until, zone)));
        let (until, reason) = (until.unwrap_or_default(), text::full_stop(reason));
        let besides = if besides.is_empty() { String::new() } else { format!(" {besides}") };
        format!(
            "{by} placed a legal hold on them{until}. Reason: {reason}{besides} If the matter is closed, release the hold first."
        )
    }
}
