//! What lies in the watched folder for a connection, on its page.

use crate::app::App;
use crate::integrations::{IncomingPack, IncomingState, Integration};
use crate::store::taken_in::Activation;
use crate::web::components::{Badge, Clock, Tone};
use crate::web::format;

/// The watched folder, as a connection's page shows it.
pub(in crate::web) struct WatchedPart {
    pub(in crate::web) folder: String,
    /// The reason why it cannot be looked at.
    pub(in crate::web) problem: Option<String>,
    pub(in crate::web) packs: Vec<IncomingRow>,
}

/// A pack in the watched folder.
pub(in crate::web) struct IncomingRow {
    pub(in crate::web) name: String,
    pub(in crate::web) badge: Badge,
    pub(in crate::web) revision: Option<String>,
    pub(in crate::web) at: String,
    /// The reasons why it was refused, or why it waits, a line each.
    pub(in crate::web) reasons: Vec<String>,
    /// When it is tried again.
    pub(in crate::web) again: Option<String>,
}

impl WatchedPart {
    /// The part; none where no folder is watched. Packs of no connection may be meant for this one, and are among them.
    pub(super) fn of(app: &App, one: &Integration, clock: &Clock) -> Option<Self> {
        let watched = app.config.watched_folder.as_ref()?;
        let (packs, problem) = app.integrations.incoming();
        let own = packs.iter().filter(|pack| pack.connection.as_ref().is_none_or(|name| name == one.name()));
        Some(Self {
            folder: watched.folder.display().to_string(),
            problem: problem.map(|problem| format::sentence(&problem)),
            packs: own.map(|pack| IncomingRow::new(pack, clock)).collect(),
        })
    }
}

impl IncomingRow {
    fn new(pack: &IncomingPack, clock: &Clock) -> Self {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        let (badge, revision, reasons) = match &pack.state {
            IncomingState::Arriving => (Badge::new(Tone::Neutral, "Still arriving"), None, Vec::new()),
            IncomingState::Base => {
                let about = "Packs here that extend it take it from here.".to_owned();
                (Badge::new(Tone::Neutral, "Base"), None, vec![about])
            }
            IncomingState::Refused { reason, .. } => (Badge::new(Tone::Trouble, "Refused"), None, lines(reason)),
            IncomingState::Staged { revision, activation } => {
                let (badge, reasons) = match activation {
                    Activation::NotAsked => (Badge::new(Tone::Good, "Staged"), Vec::new()),
                    Activation::Pending => (Badge::new(Tone::Neutral, "Being previewed"), Vec::new()),
                    Activation::Done => (Badge::new(Tone::Good, "Put in force"), Vec::new()),
                    Activation::Left(reason) => (Badge::new(Tone::Attention, "Waits for a person"), lines(reason)),
                };
                (badge, Some(revision.short().to_string()), reasons)
            }
        };
        Self {
            name: pack.name.clone(),
            badge,
            revision,
            at: format::time(pack.tried_at.unwrap_or(pack.changed_at), &clock.zone),
            reasons,
            again: pack.next_try_at.map(|at| format::time(at, &clock.zone)),
        }
    }
}
