//! Notes filed against clients who are not linked to the CRM yet, not any more, or to somebody else than when the note
//! was written. Such a note waits, and says so: what is written into another person's file cannot be taken back.

use crate::ids::{ConnectionName, ExternalId};
use crate::note::{Awaits, DeliveryStep, Note, NoteState};
use crate::value::Timestamp;

/// The link to a CRM of a client whom a note is filed against.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientLink {
    /// The client's name.
    pub name: String,
    /// The connection and the CRM's id; none where the client is not linked.
    pub link: Option<(ConnectionName, ExternalId)>,
}

impl Note {
    /// Waits for a client to be linked to the CRM: there is nobody yet to file it against.
    pub fn await_link(&mut self, who: &str) {
        self.await_somebody(
            Awaits::Link,
            format!("Waits until {who} is linked to the CRM; it goes out by itself then."),
        );
    }

    /// Waits, before anything is sent, where one of its clients is linked no more, or to somebody else; answers whether
    /// it may go out.
    pub fn keep_to_links(&mut self, clients: &[ClientLink]) -> bool {
        if self.step != DeliveryStep::Accepted {
            return true;
        }
        for ClientLink { name, link } in clients {
            let who = if name.is_empty() { "a client" } else { name };
            match link {
                None => {
                    self.await_link(who);
                    return false;
                }
                Some((connection, id)) if *connection != self.connection || !self.note.filed_against.contains(id) => {
                    self.await_refiling(who, connection, id);
                    return false;
                }
                Some(_) => {}
            }
        }
        true
    }

    /// All its clients are linked: due now, against them, unless it was written for others in the CRM. Nothing where it
    /// does not wait for that.
    pub fn linked(&mut self, filed_against: Vec<ExternalId>, connection: ConnectionName, now: Timestamp) {
        if self.awaits != Some(Awaits::Link) {
            return;
        }
        let was_linked = self.note.filed_against.iter().all(|id| id.in_crm().is_some());
        let is_other = |id: &&ExternalId| connection != self.connection || !self.note.filed_against.contains(id);
        match filed_against.iter().find(is_other).filter(|_| was_linked) {
            Some(other) => self.await_refiling("a client", &connection, &other.clone()),
            None => self.file(filed_against, connection, now),
        }
    }

    /// A person says that it is to be filed against its clients as they are linked now: due now. Nothing where it does
    /// not wait for that.
    pub fn refile(&mut self, filed_against: Vec<ExternalId>, connection: ConnectionName, now: Timestamp) {
        if self.awaits == Some(Awaits::Refiling) {
            self.file(filed_against, connection, now);
        }
    }

    fn file(&mut self, filed_against: Vec<ExternalId>, connection: ConnectionName, now: Timestamp) {
        self.note.filed_against = filed_against;
        self.connection = connection;
        self.awaits = None;
        self.reason = None;
        self.state = NoteState::Queued;
        self.due_at = Some(now);
    }

    fn await_refiling(&mut self, who: &str, connection: &ConnectionName, id: &ExternalId) {
        let before: Vec<&str> = self.note.filed_against.iter().map(ExternalId::as_str).collect();
        let reason = format!(
            "It was written for {} of {}, and {who} is linked to {id} of {connection} in the CRM now. It waits until \
             somebody here says to file it there, or gives it up.",
            before.join(", "),
            self.connection
        );
        self.await_somebody(Awaits::Refiling, reason);
    }

    fn await_somebody(&mut self, awaits: Awaits, reason: String) {
        self.state = NoteState::Waiting;
        self.due_at = None;
        self.awaits = Some(awaits);
        self.reason = Some(reason);
    }
}
