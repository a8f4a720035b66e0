//! The book as one who asks sees it: all of it, or the households that their account has access to. What pages and the
//! JSON interface show of clients and households is read here, so that nothing else has to ask who may see it; what
//! somebody does not see is not there.

use jiff::tz::TimeZone;

use crate::domain::access::household::Seen;
use crate::domain::access::{Action, Actor, Decision, Reach, Reason, Who, authorize, reach};
use crate::domain::account::{Account, AccountState};
use crate::domain::household::{CONTESTED, NOT_IN_BOOK};
use crate::domain::note::Note;
use crate::domain::stored::{StoredClient, StoredListed};
use crate::domain::{ClientId, DocumentId, HouseholdId, ItemId, NoteId, Timestamp, UserId};
use crate::store::audit::scope;
use crate::store::book::{ClientFilter, ClientList, HouseholdFilter, HouseholdRow, Page, PageRequest, Whose};
use crate::store::data_quality::SHARED_ELSEWHERE;
use crate::store::documents::Document;
use crate::store::household_access::Visible;
use crate::store::outbox::{NoteDocument, NoteFilter};
use crate::store::{Store, StoreError, StoredItem};

/// The book as somebody sees it for an action.
pub struct Book {
    store: Store,
    visible: Visible,
    /// The account to whose reasons for access it is limited, whether its holder asks in person, and when; none of the whole book.
    of: Option<(UserId, bool, Timestamp)>,
}

/// The reason why somebody may see nothing of the book.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The action is denied everywhere.
    #[error("{0}")]
    Denied(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Book {
    /// The part of the book in which `actor` may do `action`.
    ///
    /// # Errors
    /// Returns an error if that is nowhere, or the store fails.
    pub async fn of(store: &Store, actor: &Actor, action: Action, now: Timestamp) -> Result<Self, BookError> {
        let (visible, of) = match (reach(actor, action), actor.account()) {
            (Reach::Nowhere { because }, _) => return Err(BookError::Denied(because)),
            (Reach::Practice { .. }, _) => (Visible::Everything, None),
            (Reach::Households { .. }, None) => (Visible::Households(std::sync::Arc::default()), None),
            (Reach::Households { .. }, Some(user)) => {
                let in_person = matches!(actor.who, Who::Person { .. });
                (store.visible_households(user, in_person, now).await?, Some((user, in_person, now)))
            }
        };
        Ok(Self { store: store.clone(), visible, of })
    }

    /// The households that are seen.
    pub fn visible(&self) -> &Visible {
        &self.visible
    }

    /// Whether all of the book is seen.
    pub fn is_whole(&self) -> bool {
        self.visible == Visible::Everything
    }

    /// Whether a household is seen. What is changed next is changed only where it is seen then, too.
    fn has(&self, household: HouseholdId) -> bool {
        let has = self.visible.has(household);
        if let (true, Some((user, in_person, at))) = (has, self.of) {
            scope::looked_at(Seen { user, in_person, household, at });
        }
        has
    }

    /// The numbers of households and of clients that are seen.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn counts(&self) -> Result<(u64, u64), StoreError> {
        if self.is_whole() {
            let counts = self.store.book_counts().await?;
            return Ok((counts.households, counts.clients));
        }
        self.store.counts_of(self.visible.clone()).await
    }

    /// One household with its people; where it was merged into another, that one.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn household(&self, id: HouseholdId) -> Result<Option<HouseholdRow>, StoreError> {
        let found = self.store.household(id).await?.filter(|row| self.has(row.household.id));
        Ok(found.map(|mut row| {
            self.shown_row(&mut row);
            row
        }))
    }

    /// One client.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn client(&self, id: ClientId) -> Result<Option<StoredClient>, StoreError> {
        let found = self.store.client(id).await?.filter(|client| self.has(client.household_id));
        Ok(found.map(|mut client| {
            self.shown(&mut client);
            client
        }))
    }

    /// Households of a filter.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn households(
        &self,
        filter: HouseholdFilter,
        page: PageRequest,
    ) -> Result<Page<HouseholdRow>, StoreError> {
        let mut found =
            self.store.households(HouseholdFilter { visible: self.visible.clone(), ..filter }, page).await?;
        found.items.iter_mut().for_each(|row| self.shown_row(row));
        Ok(found)
    }

    /// Clients of a filter.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn clients(&self, filter: ClientFilter, page: PageRequest) -> Result<Page<StoredClient>, StoreError> {
        // Whom it is said of follows from people who are not seen.
        if !self.is_whole() && filter.diagnostic.as_deref() == Some(SHARED_ELSEWHERE) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let mut found = self.store.clients(ClientFilter { visible: self.visible.clone(), ..filter }, page).await?;
        found.items.iter_mut().for_each(|client| self.shown(client));
        Ok(found)
    }

    /// The items of clients' lists of one kind.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn items<T: StoredItem>(
        &self,
        whose: Whose,
        page: PageRequest,
    ) -> Result<Page<StoredListed<T>>, StoreError> {
        self.store.items_seen(whose, self.visible.clone(), page).await
    }

    /// One record of a client's list.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn item<T: StoredItem>(&self, id: ItemId) -> Result<Option<StoredListed<T>>, StoreError> {
        Ok(self.store.item::<T>(id).await?.filter(|item| self.has(item.household_id)))
    }

    /// The lists of one kind of a household that is seen.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn lists_of_household<T: StoredItem>(&self, id: HouseholdId) -> Result<Vec<ClientList<T>>, StoreError> {
        match self.household(id).await? {
            Some(row) => self.store.lists_of_household(row.household.id).await,
            None => Ok(Vec::new()),
        }
    }

    /// Notes of a filter, newest first.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn notes(&self, filter: NoteFilter, page: PageRequest) -> Result<Page<Note>, StoreError> {
        self.store.notes(NoteFilter { visible: self.visible.clone(), ..filter }, page).await
    }

    /// One note.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn note(&self, id: NoteId) -> Result<Option<Note>, StoreError> {
        let Some(note) = self.store.note(id).await? else { return Ok(None) };
        Ok(self.sees(note.household_id).await?.then_some(note))
    }

    /// The documents of the notes of a filter.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn note_documents(
        &self,
        filter: NoteFilter,
        page: PageRequest,
    ) -> Result<Page<NoteDocument>, StoreError> {
        self.store.note_documents(NoteFilter { visible: self.visible.clone(), ..filter }, page).await
    }

    /// One document that is kept: where not all of the book is seen, one that went with a note that is.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn document(&self, id: DocumentId) -> Result<Option<Document>, StoreError> {
        if self.is_whole() || self.store.has_note_with(self.visible.clone(), id).await? {
            return self.store.document(id).await;
        }
        Ok(None)
    }

    /// Whether a document may go with a note: where not all of the book is seen, one that is seen, or that the same account
    /// brought. Whoever names another would see it from then on, and so would all who see the note.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn may_attach(&self, id: DocumentId) -> Result<bool, StoreError> {
        let Some((account, ..)) = self.of else { return Ok(true) };
        if self.store.document_facts(id).await?.is_none() {
            // It is told of as what is not there, and no note has to be looked through for it.
            return Ok(false);
        }
        Ok(self.store.has_brought(id, account).await? || self.store.has_note_with(self.visible.clone(), id).await?)
    }

    /// Whether a household, or the one that it was merged into, is seen.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn sees(&self, id: HouseholdId) -> Result<bool, StoreError> {
        match &self.visible {
            Visible::Everything => Ok(true),
            Visible::Households(_) => Ok(self.store.resolved_household(id).await?.is_some_and(|now| self.has(now))),
        }
    }

    /// Takes away what a household says of people whom somebody does not see: whether the partner whom the CRM names is in
    /// the book, and whose.
    fn shown_row(&self, row: &mut HouseholdRow) {
        row.people.iter_mut().for_each(|client| self.shown(client));
        if !self.is_whole() {
            row.household
                .diagnostics
                .retain(|diagnostic| ![CONTESTED, NOT_IN_BOOK].contains(&diagnostic.code.as_str()));
        }
    }

    /// Takes away what a client's record says of people whom somebody does not see.
    fn shown(&self, client: &mut StoredClient) {
        if !self.is_whole() {
            client.diagnostics.retain(|diagnostic| diagnostic.code != SHARED_ELSEWHERE);
        }
    }
}

/// Whether the holder of an account sees a household, given the reasons for which they have access to it, and why, in
/// sentences with times of the practice's zone.
pub fn in_words(account: &Account, reasons: &[Reason], zone: &TimeZone) -> (bool, Vec<String>) {
    let name = &account.user.name;
    match account.state {
        AccountState::Disabled => return (false, vec![format!("The account of {name} is disabled.")]),
        AccountState::Invited => {
            return (false, vec![format!("{name} was invited and has not chosen a password yet.")]);
        }
        AccountState::Active => {}
    }
    let who = Who::Person { user: account.user.id, is_fresh: false };
    let actor = Actor { who, name: name.clone(), role: account.user.role, scopes: None };
    let mut because: Vec<String> = reasons.iter().map(|reason| reason.sentence(name, zone)).collect();
    match authorize(&actor, Action::ReadBook, Some(reasons)) {
        Decision::Deny { .. } => (false, vec![format!("{name} has no access to this household.")]),
        Decision::Allow { because: rule } => {
            if matches!(reach(&actor, Action::ReadBook), Reach::Practice { .. }) {
                because.insert(0, rule.to_owned());
            }
            (true, because)
        }
    }
}
