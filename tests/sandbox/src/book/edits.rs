//! What was changed by hand since the book was made: edited, removed and added clients.

use std::collections::HashMap;

use super::{Book, Client, Lists, User};

/// Changes by place; a removed client is `None`.
#[derive(Default)]
pub(super) struct Edits {
    changed: HashMap<u32, Option<Client>>,
    added: u32,
}

impl Edits {
    /// `None` where nothing was changed.
    pub(super) fn get(&self, place: u32) -> Option<Option<&Client>> {
        // Most books are never edited, and this is asked for every row of every page.
        if self.changed.is_empty() { None } else { self.changed.get(&place).map(Option::as_ref) }
    }

    pub(super) fn added(&self) -> u32 {
        self.added
    }
}

impl Book {
    /// Puts `client` in its place, which is answered; `None` if no record has its number.
    pub(crate) fn replace(&mut self, client: Client) -> Option<u32> {
        let place = self.place_of(client.id)?;
        self.edits.changed.insert(place, Some(client));
        Some(place)
    }

    /// Takes the client out; `None` if there is none of that number.
    pub(crate) fn remove(&mut self, id: u32) -> Option<u32> {
        let place = self.place_of(id)?;
        self.at(place)?;
        self.edits.changed.insert(place, None);
        Some(place)
    }

    /// Adds `client` at the end under a new number, which is answered.
    pub(crate) fn add(&mut self, mut client: Client) -> u32 {
        let place = self.places();
        self.edits.added += 1;
        client.id = self.id_at(place);
        let id = client.id;
        self.edits.changed.insert(place, Some(client));
        id
    }

    /// The users, for changing them; what depends on them for a client's placement is their number and group alone.
    pub(crate) fn users_mut(&mut self) -> &mut [User] {
        &mut self.users
    }

    /// A new person as the book would invent the next one, single and in the first group; to be changed and added.
    pub fn newcomer(&self) -> Client {
        let mut client = self.generated(self.places(), Lists::ALL);
        client.group = super::GROUPS[0].0;
        client.id = 0;
        client
    }
}
