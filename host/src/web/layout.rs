//! The layout around every page: navigation, search, the person, and what needs somebody.

use super::absence_wording::Wording;
use super::failure::Failure;
use super::session::SignedIn;
use super::{assets, format};
use crate::access::FactorState;
use crate::app::App;
use crate::domain::absence::AbsenceReviewState;
use crate::domain::access::{Action, RULES};
use crate::domain::run::RunState;
use crate::domain::{ConnectionName, RecordKind, Timestamp};
use crate::integrations::found;
use crate::store::book::PageRequest;
use crate::store::outbox::Raised;
use crate::store::space::{Level, Space};

/// The sections of the navigation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Section {
    Overview,
    Households,
    Notes,
    Runs,
    Review,
    People,
    Audit,
    Settings,
    Account,
}

impl Section {
    /// All of them, in the navigation's order.
    pub(super) const ALL: [Self; 9] = [
        Self::Overview,
        Self::Households,
        Self::Notes,
        Self::Runs,
        Self::Review,
        Self::People,
        Self::Audit,
        Self::Settings,
        Self::Account,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Households => "Households",
            Self::Notes => "Notes",
            Self::Runs => "Runs",
            Self::Review => "Review",
            Self::People => "People",
            Self::Audit => "Audit log",
            Self::Settings => "Settings",
            Self::Account => "My account",
        }
    }

    /// The action that opens it; none where it is everybody's own.
    pub(super) fn action(self) -> Option<Action> {
        match self {
            Self::Overview | Self::Runs | Self::Settings => Some(Action::ReadRuns),
            Self::Households => Some(Action::ReadBook),
            Self::Review => Some(Action::ReadWholeBook),
            Self::Notes => Some(Action::ReadNotes),
            Self::Audit => Some(Action::ReadAudit),
            Self::People => Some(Action::ReadPeople),
            Self::Account => None,
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Households => "/households",
            Self::Notes => "/notes",
            Self::Runs => "/runs",
            Self::Review => "/review",
            Self::People => "/people",
            Self::Audit => "/audit",
            Self::Settings => "/settings/integrations",
            Self::Account => "/account",
        }
    }
}

/// A notice of something that stays as it is until a person acts, with the page where that is done.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    /// The action that its page needs: who may not do it everywhere is told nothing of it.
    pub(super) needs: Action,
    pub(super) message: String,
    pub(super) path: String,
    pub(super) link: &'static str,
}

/// The layout: what every page shows around its content.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) practice: String,
    pub(super) person: String,
    pub(super) section: Section,
    /// What the person may do, in some households at least: what they may not is not offered.
    pub(super) allowed: Vec<Action>,
    /// The text that was searched for; empty where nothing was.
    pub(super) search: String,
    pub(super) notices: Vec<Notice>,
}

impl Layout {
    /// The layout of a page in `section`, with the notices of this moment.
    pub(super) async fn load(app: &App, person: &SignedIn, section: Section) -> Result<Self, Failure> {
        // Who has to set up a second factor sees nothing before that.
        let is_open = person.session().second_factor != FactorState::Wanted;
        let offered = RULES.iter().map(|rule| rule.action).filter(|action| is_open && person.can_somewhere(*action));
        Ok(Self {
            practice: app.config.practice.name.clone(),
            person: person.name().to_owned(),
            section,
            allowed: offered.collect(),
            search: String::new(),
            notices: if is_open { notices(app, person).await? } else { Vec::new() },
        })
    }

    /// Whether the person may do this, so that a page offers it.
    pub(super) fn may(&self, action: Action) -> bool {
        self.allowed.contains(&action)
    }

    /// The sections that the person can open.
    pub(super) fn sections(&self) -> Vec<Section> {
        Section::ALL.into_iter().filter(|section| self.opens(*section)).collect()
    }

    /// Whether the person can open a section.
    pub(super) fn opens(&self, section: Section) -> bool {
        section.action().is_none_or(|action| self.may(action))
    }

    /// Whether the person can look for households.
    pub(super) fn finds(&self) -> bool {
        self.opens(Section::Households)
    }

    pub(super) fn style(&self) -> &'static str {
        assets::style()
    }

    pub(super) fn script(&self) -> &'static str {
        assets::script()
    }

    pub(super) fn icon(&self) -> &'static str {
        assets::icon()
    }
}

/// The notices of notes that wait for somebody: those that no retry helps, those that the CRM does not list exactly
/// once, and those whose client is linked to somebody else now.
async fn note_notices(app: &App, notices: &mut Vec<Notice>) -> Result<(), Failure> {
    for (raised, [one, more], path) in [
        (
            Raised::Undelivered,
            ["file note could not be delivered and needs", "file notes could not be delivered and need"],
            "state=dead",
        ),
        (
            Raised::Twice,
            ["file note is in the CRM more than once and needs", "file notes are in the CRM more than once and need"],
            "twice=yes",
        ),
        (
            Raised::Missing,
            [
                "delivered file note is not in the CRM any more and needs",
                "delivered file notes are not in the CRM any more and need",
            ],
            "missing=yes",
        ),
        (
            Raised::Refiling,
            [
                "file note waits because its client is linked to somebody else now, and needs",
                "file notes wait because their clients are linked to somebody else now, and need",
            ],
            "stage=waiting_for_refiling",
        ),
    ] {
        let (count, is_cut) = app.store.raised_notes(raised).await?;
        if count > 0 {
            let than = if is_cut { "More than " } else { "" };
            let message = format!("{than}{} somebody.", format::count(count as u64, one, more));
            let path = format!("/notes?{path}");
            notices.push(Notice { needs: Action::ReadWholeBook, message, path, link: "Look at them" });
        }
    }
    Ok(())
}

/// The notices that the person may see.
async fn notices(app: &App, person: &SignedIn) -> Result<Vec<Notice>, Failure> {
    let mut notices = all_notices(app).await?;
    notices.retain(|notice| person.can(notice.needs));
    for open in app.store.emergencies_open_to(person.user(), person.clock.now).await? {
        let until = format::time(open.ends_at, &person.clock.zone);
        notices.insert(
            0,
            Notice {
                needs: Action::OpenInEmergency,
                message: format!("You have opened a household in an emergency, until {until}: “{}”.", open.reason),
                path: "/emergency-access".to_owned(),
                link: "End it",
            },
        );
    }
    Ok(notices)
}

/// Notes that need somebody, clients who wait for review, and connections that wait for somebody or whose newest run
/// failed.
async fn all_notices(app: &App) -> Result<Vec<Notice>, Failure> {
    let mut notices = Vec::new();
    notices.extend(space(app.store.space()));
    note_notices(app, &mut notices).await?;
    let waiting = app.store.waiting_reviews().await?;
    if waiting > 0 {
        let clients = format::count(waiting as u64, "client", "clients");
        let look = if waiting == 1 { "looks" } else { "look" };
        notices.push(Notice {
            needs: Action::ReadWholeBook,
            message: format!("{clients} of the CRM {look} like somebody here and did not come over."),
            path: "/review?of=lookalikes".to_owned(),
            link: "Decide who they are",
        });
    }
    let opened = app.store.unreviewed_emergencies().await?;
    if opened > 0 {
        notices.push(Notice {
            needs: Action::ManageHouseholds,
            message: match opened {
                1 => "A household was opened in an emergency, and nobody has reviewed it yet.".to_owned(),
                _ => {
                    format!("Households were opened in an emergency {opened} times, and nobody has reviewed that yet.")
                }
            },
            path: "/emergency-access?unreviewed=yes".to_owned(),
            link: "Review it",
        });
    }
    for (name, _) in app.integrations.not_at_work() {
        notices.push(Notice {
            needs: Action::ReadRuns,
            message: format!("The connection {name} is not at work: nothing comes over, and its file notes wait."),
            path: format!("/settings/integrations/{name}"),
            link: "See why",
        });
    }
    for connection in app.connections.all().iter() {
        notices.extend(breaker_notice(app, &connection.name).await?);
        for kind in RecordKind::of_clients() {
            let asked = app.store.absence_review(connection.name.clone(), kind).await?;
            if let Some(asked) = asked.filter(|asked| asked.standing == AbsenceReviewState::Waiting) {
                let about = Wording::of(kind);
                let (one, many) = (format!("{} is", about.one), format!("{} are", about.many));
                notices.push(Notice {
                    needs: Action::ReadWholeBook,
                    message: format!(
                        "{} gone from {} at once. Nothing was marked.",
                        format::count(asked.missing, &one, &many),
                        connection.name
                    ),
                    path: about.path(&connection.name),
                    link: "Say what happened",
                });
            }
        }
        if let Some(obstacle) = connection.authorisation.state().in_short() {
            notices.push(Notice {
                needs: Action::ReadRuns,
                message: format!("The connection {} is paused, and its file notes wait. {obstacle}", connection.name),
                path: format!("/settings/integrations/{}", connection.name),
                link: connection.authorisation.state().to_do(),
            });
            continue;
        }
        let newest = app.store.runs(Some(connection.name.clone()), first(1)).await?.items.pop();
        if let Some(run) = newest.filter(|run| run.state == RunState::Failed) {
            notices.push(Notice {
                needs: Action::ReadRuns,
                message: format!(
                    "The last sync of {} failed. What came over before it stays as it was.",
                    connection.name
                ),
                path: format!("/runs/{}", run.id),
                link: "See why",
            });
        }
    }
    Ok(notices)
}

/// The days for which every page tells what the breaker did; the connection's own page tells it until another revision comes
/// in force.
const BREAKER_DAYS: i64 = 7;

/// The notice of a revision that the breaker took back, or that stays for want of an earlier one.
async fn breaker_notice(app: &App, name: &ConnectionName) -> Result<Option<Notice>, Failure> {
    let Some(entry) = app.store.active(name.clone()).await? else { return Ok(None) };
    let is_fresh = Timestamp::now().as_second() - entry.by.at.as_second() < BREAKER_DAYS * 24 * 60 * 60;
    let Some(found) = found(&entry).filter(|_| is_fresh) else { return Ok(None) };
    let path = format!("/settings/integrations/{name}");
    let message = format!("{name}: {found}");
    Ok(Some(Notice { needs: Action::ReadRuns, message, path, link: "Look at its revisions" }))
}

/// The notice of a disk that fills up.
fn space(space: &Space) -> Option<Notice> {
    let free = space.free() >> 20;
    let message = match space.level() {
        Level::Enough => return None,
        Level::Low => format!(
            "The disk of the host fills up: {free} MB are free. Whoever runs the host frees some space before nothing new \
             can be recorded."
        ),
        Level::Short => format!(
            "The disk of the host is nearly full: {free} MB are free. Nothing new is recorded and no sync runs until whoever \
             runs the host frees some space; file notes recorded before still go out."
        ),
    };
    Some(Notice { needs: Action::ReadRuns, message, path: "/runs".to_owned(), link: "Last syncs" })
}

/// The first so many of a list.
pub(super) fn first(limit: usize) -> PageRequest {
    PageRequest { cursor: None, limit }
}
