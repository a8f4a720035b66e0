//! The other side of the site: what an operator of the CRM, or a test, does to it and sees of it.
//!
//! In the process through [`Admin`], over HTTP under `/admin`. Nothing here asks for a password: the site is for
//! loopback and holds invented people only.

pub(crate) mod http;

use std::sync::Arc;

use crate::book::{Book, Client, User};
use crate::faults::FaultPlan;
use crate::lock::{locked, reading, writing};
use crate::oauth::TokenAnswer;
use crate::options::Account;
use crate::site::{List, Note, NoteHabits, Site, Stats};

/// A handle to a running site; cheap to clone.
#[derive(Clone)]
pub struct Admin(pub(crate) Arc<Site>);

impl Admin {
    /// Reads the book. `read` must not call back into this handle.
    pub fn book<T>(&self, read: impl FnOnce(&Book) -> T) -> T {
        read(&reading(&self.0.book))
    }

    /// The client with this number, visible or not.
    pub fn client(&self, id: u32) -> Option<Client> {
        self.book(|book| book.client(id))
    }

    /// What `account` sees, in order of their numbers: exactly the clients that a whole walk answers.
    pub fn clients_seen_by(&self, account: &Account) -> Vec<Client> {
        self.book(|book| {
            let seen = |place: &u32| book.visible(*place, account.user_id, account.groups.as_deref());
            (0..book.places()).filter(seen).filter_map(|place| book.at(place)).collect()
        })
    }

    /// Changes a client with `edit`; its number stays. False if there is no such client.
    pub fn edit(&self, id: u32, edit: impl FnOnce(&mut Client)) -> bool {
        let mut book = writing(&self.0.book);
        let Some(mut client) = book.client(id) else {
            return false;
        };
        edit(&mut client);
        client.id = id;
        if let Some(place) = book.replace(client) {
            self.0.prepared.forget(place);
        }
        true
    }

    /// Hides a client from everybody, or shows it again: it still exists, as after a change of groups.
    pub fn hide(&self, id: u32, hidden: bool) -> bool {
        self.edit(id, |client| client.hidden = hidden)
    }

    /// Makes `partner` what the record of `id` says; the other record is left as it is.
    pub fn link_partner(&self, id: u32, partner: Option<u32>) -> bool {
        self.edit(id, |client| client.partner_entity_id = partner)
    }

    /// Takes a client out of the book for good. False if there is no such client.
    pub fn remove(&self, id: u32) -> bool {
        let mut book = writing(&self.0.book);
        let removed = book.remove(id);
        removed.inspect(|place| self.0.prepared.forget(*place)).is_some()
    }

    /// Adds a client under a new number, which is answered; see [`Book::newcomer`].
    pub fn add(&self, client: Client) -> u32 {
        let mut book = writing(&self.0.book);
        let id = book.add(client);
        self.0.prepared.forget(book.places() - 1);
        id
    }

    /// Adds a couple who name each other as partners; answers their numbers.
    pub fn add_couple(&self, couple: [Client; 2]) -> [u32; 2] {
        let [one, other] = couple.map(|client| self.add(client));
        self.link_partner(one, Some(other));
        self.link_partner(other, Some(one));
        [one, other]
    }

    /// Changes a user with `edit`; its number stays. False if there is no such user.
    pub fn edit_user(&self, id: u32, edit: impl FnOnce(&mut User)) -> bool {
        let mut book = writing(&self.0.book);
        let user = book.users_mut().iter_mut().find(|user| user.id == id);
        user.map(|user| {
            edit(user);
            user.id = id;
        })
        .is_some()
    }

    /// Changes the groups whose clients an account sees (`None`: all), as an administrator of the CRM would: clients
    /// appear and disappear for it by the hundred, and its session goes on. False if there is no such account.
    pub fn set_groups(&self, username: &str, groups: Option<Vec<u32>>) -> bool {
        let mut accounts = writing(&self.0.accounts);
        let account = accounts.iter_mut().find(|account| account.username == username);
        account.map(|account| account.groups = groups).is_some()
    }

    /// Hides a list of every client, by its name in addresses (`insurance_group`), or shows it again: it is answered as
    /// an empty one, as to a user whose right to see it was taken away. False if there is no such list.
    pub fn hide_list(&self, name: &str, hidden: bool) -> bool {
        let Some(list) = List::named(name) else { return false };
        let mut lists = writing(&self.0.hidden_lists);
        lists.retain(|known| *known != list);
        lists.extend(hidden.then_some(list));
        true
    }

    /// Calls a choice of the site's picklists otherwise.
    pub fn rename_choice(&self, from: &str, to: &str) {
        writing(&self.0.renamed_choices).push((from.to_owned(), to.to_owned()));
    }

    /// Every file note received, with its attachments, oldest first.
    pub fn notes(&self) -> Vec<Note> {
        locked(&self.0.notes).all().to_vec()
    }

    /// Makes a second note like the first, its marker included and its attachments not, as a person can who copies one;
    /// answers its number. `None` if there is no such note.
    pub fn copy_note(&self, id: u32) -> Option<u32> {
        let mut notes = locked(&self.0.notes);
        let copy = Note { attachments: Vec::new(), ..notes.note(id)?.clone() };
        Some(notes.add(copy))
    }

    /// Makes a note of these entities by the site's own people, in the words of another; answers its number. `None` if there
    /// is no such note.
    pub fn write_note(&self, like: u32, entity_ids: Vec<u32>) -> Option<u32> {
        let mut notes = locked(&self.0.notes);
        let note = Note { attachments: Vec::new(), guid: None, entity_ids, ..notes.note(like)?.clone() };
        Some(notes.add(note))
    }

    /// Removes a note. False if there is no such note.
    pub fn remove_note(&self, id: u32) -> bool {
        locked(&self.0.notes).remove(id)
    }

    /// How the site keeps and lists notes otherwise than they were sent.
    pub fn note_habits(&self) -> NoteHabits {
        locked(&self.0.notes).habits.clone()
    }

    /// Lets the site keep and list notes so from now on.
    pub fn set_note_habits(&self, habits: NoteHabits) {
        locked(&self.0.notes).habits = habits;
    }

    /// Forgets every note.
    pub fn clear_notes(&self) {
        locked(&self.0.notes).clear();
    }

    /// The fault plan in force.
    pub fn faults(&self) -> FaultPlan {
        self.0.faults.plan()
    }

    /// Puts a fault plan in force; its counting begins anew.
    pub fn set_faults(&self, plan: FaultPlan) {
        self.0.faults.set(plan);
    }

    /// Ends every session, as logins elsewhere would: the next request of each user is a 401.
    pub fn end_sessions(&self) {
        locked(&self.0.sessions).close_all();
    }

    /// Ends every access token, so that the next call of an integration is a 401; it can renew.
    pub fn expire_tokens(&self) {
        locked(&self.0.tokens).expire_all(std::time::Instant::now());
    }

    /// Puts an answer in place of the token endpoint's usual one; none puts that back.
    pub fn answer_tokens(&self, odd: Option<TokenAnswer>) {
        locked(&self.0.tokens).odd = odd;
    }

    /// Takes back what was authorised: no integration can call or renew any more.
    pub fn revoke_tokens(&self) {
        locked(&self.0.tokens).revoke_all();
    }

    /// What the site has done so far.
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }
}
