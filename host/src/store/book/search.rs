//! Lists by name, and finding people in them.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::{ClientFilter, HouseholdFilter, HouseholdRow, NameOrder, findings};
use crate::domain::fold::fold;
use crate::domain::stored::StoredClient;
use crate::domain::{ClientId, ExternalId, HouseholdId};
use crate::store::StoreError;
use crate::store::engine::Snapshot;
use crate::store::household_access::Visible;
use crate::store::index::{ContactSlot, NameSlot, client_of, name_keys, name_span, words};
use crate::store::keys::{NameKey, PRACTICE, RecordKey, span};
use crate::store::page::{Page, PageRequest, cursor_of, read_cursor};
use crate::store::reader::Reader;

/// The lists' names, in their cursors.
const HOUSEHOLDS: &str = "households";
/// See [`HOUSEHOLDS`].
const CLIENTS: &str = "clients";
/// See [`HOUSEHOLDS`].
const NOT_VISIBLE: &str = "clients not visible";

/// The clients or households that a list shows.
enum Query {
    All,
    /// These, whose address, number or id was given.
    These(Vec<ClientId>),
    /// The clients in whose names each word begins one.
    Words(Words),
}

/// Words to look for.
struct Words {
    all: Vec<String>,
    /// The longest, by which the index is read.
    longest: String,
}

/// Households of a search, or all.
pub(super) fn households(
    reader: &Reader,
    filter: &HouseholdFilter,
    page: &PageRequest,
) -> Result<Page<HouseholdRow>, StoreError> {
    let household_of = |id: ClientId| match reader.client(id)? {
        Some(client) if filter.visible.has(client.household_id) => reader.household(client.household_id),
        _ => Ok(None),
    };
    let seen = Seen { visible: &filter.visible, order: filter.order };
    match query(reader, filter.search.as_deref())? {
        Query::All => by_name(HOUSEHOLDS, reader, page, seen, None, |_, id| {
            let row = household_of(id)?;
            Ok(row.filter(|row| row.people.first().is_some_and(|primary| primary.id == id)))
        }),
        Query::These(clients) => {
            page.is_first()?;
            let mut items: Vec<HouseholdRow> = Vec::new();
            for row in clients.into_iter().map(household_of) {
                items.extend(row?.filter(|row| !items.iter().any(|known| known.household.id == row.household.id)));
            }
            Ok(Page { items, next: None })
        }
        Query::Words(words) => by_name(HOUSEHOLDS, reader, page, seen, Some(&words), |key, id| {
            Ok(household_of(id)?.filter(|row| words.finds(&row.people, key)))
        }),
    }
}

/// Clients of a filter.
pub(super) fn clients(
    transaction: &Snapshot,
    filter: &ClientFilter,
    page: &PageRequest,
) -> Result<Page<StoredClient>, StoreError> {
    let reader = &Reader::open(transaction)?;
    let some = match (&filter.external_id, filter.household) {
        (Some((connection, id)), household) => {
            let number = reader.number_of(connection);
            let id = number.map(|number| reader.client_of(number, id)).transpose()?.flatten();
            let client = id.map(|id| reader.client(id)).transpose()?.flatten();
            let is_member = |client: &StoredClient| household.is_none_or(|id| client.household_id == id);
            Some(client.into_iter().filter(is_member).collect::<Vec<_>>())
        }
        (None, Some(household)) => Some(reader.household(household)?.map(|row| row.people).unwrap_or_default()),
        (None, None) => None,
    };
    let some = some.map(|mut some| {
        some.retain(|client: &StoredClient| filter.visible.has(client.household_id));
        some
    });
    let query = query(reader, filter.search.as_deref())?;
    if let Some(code) = &filter.diagnostic {
        let is_wanted = |client: &StoredClient| {
            some.as_ref().is_none_or(|of| of.iter().any(|known| known.id == client.id))
                && query.finds(client)
                && filter.visible.has(client.household_id)
                && (!filter.not_visible || client.not_visible_since.is_some())
        };
        let Page { items, next } = findings::told(transaction, reader, code, page, is_wanted)?;
        return Ok(Page { items: items.into_iter().map(|told| told.client).collect(), next });
    }
    if filter.not_visible {
        return not_visible(reader, some.as_deref(), (&query, &filter.visible), page);
    }
    if let Some(mut items) = some {
        page.is_first()?;
        items.retain(|client: &StoredClient| query.finds(client));
        return Ok(Page { items, next: None });
    }
    let seen = Seen { visible: &filter.visible, order: NameOrder::Ascending };
    let client_of = |id| Ok(reader.client(id)?.filter(|client| filter.visible.has(client.household_id)));
    match query {
        Query::All => by_name(CLIENTS, reader, page, seen, None, |_, id| client_of(id)),
        Query::These(ids) => {
            page.is_first()?;
            let clients = ids.into_iter().filter_map(|id| client_of(id).transpose());
            Ok(Page { items: clients.collect::<Result<_, StoreError>>()?, next: None })
        }
        Query::Words(words) => by_name(CLIENTS, reader, page, seen, Some(&words), |key, id| {
            Ok(client_of(id)?.filter(|client| words.finds(std::slice::from_ref(client), key)))
        }),
    }
}

/// The clients of a filter whom the CRM no longer shows, in the order of their ids there.
fn not_visible(
    reader: &Reader,
    of: Option<&[StoredClient]>,
    (query, visible): (&Query, &Visible),
    page: &PageRequest,
) -> Result<Page<StoredClient>, StoreError> {
    let (first, last) = span::<{ size_of::<RecordKey>() }>(&PRACTICE.to_be_bytes());
    let after = read_cursor(NOT_VISIBLE, page, &[(first, last)])?;
    let mut items = Vec::new();
    let mut reached = first;
    for entry in reader.gone.scan((after.bound(&first), Bound::Included(&last)))? {
        let key = *entry?.0.value();
        let Some(client) = reader.at(&key)? else { continue };
        let is_of = of.is_none_or(|of| of.iter().any(|known| known.id == client.id));
        if !is_of || !query.finds(&client) || !visible.has(client.household_id) {
            continue;
        }
        if items.len() == page.limit() {
            return Ok(Page { items, next: Some(cursor_of(NOT_VISIBLE, &reached)) });
        }
        reached = key;
        items.push(client);
    }
    Ok(Page { items, next: None })
}

impl Query {
    /// Whether a client is one that was asked for.
    fn finds(&self, client: &StoredClient) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(&client.id),
            Self::Words(words) => words.begin_names_of(std::slice::from_ref(client)),
        }
    }
}

impl Words {
    /// Whether each word begins a name of one of the people.
    fn begin_names_of(&self, people: &[StoredClient]) -> bool {
        let names: Vec<String> = people.iter().flat_map(|person| words(&person.client)).collect();
        self.all.iter().all(|word| names.iter().any(|name| name.starts_with(word.as_str())))
    }

    /// Whether the people are found, and at this entry: the first of theirs that the longest word meets, so that they
    /// are found once.
    fn finds(&self, people: &[StoredClient], at: &NameKey) -> bool {
        let spans = spans(Some(self));
        let keys = people.iter().flat_map(|person| name_keys(&person.client, person.id.0));
        let first = keys.filter(|key| spans.iter().any(|(first, last)| (first..=last).contains(&key))).min();
        first.as_ref() == Some(at) && self.begin_names_of(people)
    }
}

/// The parts of the index that a list goes through.
fn spans(words: Option<&Words>) -> Vec<(NameKey, NameKey)> {
    match words {
        None => vec![name_span(NameSlot::Order, "")],
        Some(Words { longest, .. }) => {
            vec![name_span(NameSlot::Order, longest), name_span(NameSlot::Word, longest)]
        }
    }
}

/// The part of the book that whoever asks sees, and the order in which.
#[derive(Clone, Copy)]
struct Seen<'f> {
    visible: &'f Visible,
    order: NameOrder,
}

/// A page of what `show` makes of the entries, in their order.
fn by_name<T>(
    list: &str,
    reader: &Reader,
    page: &PageRequest,
    seen: Seen<'_>,
    words: Option<&Words>,
    show: impl Fn(&NameKey, ClientId) -> Result<Option<T>, StoreError>,
) -> Result<Page<T>, StoreError> {
    let mut spans = spans(words);
    let after = read_cursor(list, page, &spans)?;
    if seen.order == NameOrder::Descending {
        spans.reverse();
    }
    let own = seen.visible.some().map(|households| keys_of(reader, &households)).transpose()?;
    let mut items = Vec::new();
    let mut reached = None;
    for (first, last) in &spans {
        let bounds = match seen.order {
            NameOrder::Ascending if after.is_past(last) => continue,
            NameOrder::Descending if after.is_before(first) => continue,
            NameOrder::Ascending => (after.bound(first), Bound::Included(last)),
            NameOrder::Descending => (Bound::Included(first), after.upper_bound(last)),
        };
        for key in entries(reader, own.as_ref(), bounds, seen.order)? {
            let key = key?;
            let Some(item) = show(&key, client_of(&key))? else { continue };
            if items.len() == page.limit() {
                return Ok(Page { items, next: reached.map(|key: NameKey| cursor_of(list, &key)) });
            }
            items.push(item);
            reached = Some(key);
        }
    }
    Ok(Page { items, next: None })
}

type Keys<'r> = Box<dyn Iterator<Item = Result<NameKey, StoreError>> + 'r>;

/// The entries within bounds: of the index, or, for those who see some households only, of these.
fn entries<'r>(
    reader: &'r Reader,
    own: Option<&'r BTreeSet<NameKey>>,
    bounds: (Bound<&NameKey>, Bound<&NameKey>),
    order: NameOrder,
) -> Result<Keys<'r>, StoreError> {
    Ok(match (own, order) {
        (Some(own), NameOrder::Ascending) => Box::new(own.range::<NameKey, _>(bounds).map(|key| Ok(*key))),
        (Some(own), NameOrder::Descending) => Box::new(own.range::<NameKey, _>(bounds).rev().map(|key| Ok(*key))),
        (None, NameOrder::Ascending) => Box::new(reader.names.scan(bounds)?.map(|entry| Ok(*entry?.0.value()))),
        (None, NameOrder::Descending) => Box::new(reader.names.scan_back(bounds)?.map(|entry| Ok(*entry?.0.value()))),
    })
}

/// The entries by name of all people of some households.
fn keys_of(reader: &Reader, households: &[HouseholdId]) -> Result<BTreeSet<NameKey>, StoreError> {
    let mut keys = BTreeSet::new();
    for household in households {
        for client in reader.members(*household)? {
            // Who was removed or left out stays a member of the household that nobody is left of.
            if let Some(found) = reader.client(client)?
                && reader.is_in_book(&found)?
            {
                keys.extend(name_keys(&found.client, client.0));
            }
        }
    }
    Ok(keys)
}

/// The query that a search makes. Clients whose whole address, number or CRM id is given are found by that alone.
fn query(reader: &Reader, search: Option<&str>) -> Result<Query, StoreError> {
    let Some(search) = search.map(str::trim).filter(|search| !search.is_empty()) else { return Ok(Query::All) };
    if search.contains('@') {
        return Ok(Query::These(with_email(reader, search)?));
    }
    let mut these = Vec::new();
    let id = ExternalId::sought(search);
    for connection in reader.connections.keys() {
        these.extend(reader.client_of(*connection, &id)?);
    }
    if search.starts_with('+') {
        let number: String = search.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        these.extend(reader.with_contact(ContactSlot::Mobile, &number)?);
    }
    let all: Vec<String> = fold(search).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let longest = all.iter().max_by_key(|word| word.len()).cloned();
    Ok(match longest {
        Some(longest) if these.is_empty() => Query::Words(Words { all, longest }),
        _ => Query::These(these),
    })
}

/// The clients who have this address: as the CRM gave it, as it was proposed, or as it was told apart by an id before
/// the `@`.
fn with_email(reader: &Reader, address: &str) -> Result<Vec<ClientId>, StoreError> {
    let mut found = reader.with_contact(ContactSlot::Email, address)?;
    let Some((local, domain)) = address.rsplit_once('@') else { return Ok(found) };
    let mut proposed = vec![address.to_owned()];
    for (at, _) in local.rmatch_indices('.').take(2) {
        proposed.push(format!("{}@{domain}", &local[..at]));
    }
    for proposed in proposed {
        for id in reader.with_contact(ContactSlot::Proposed, &proposed)? {
            let email = reader.client(id)?.and_then(|client| client.client.email);
            if email.is_some_and(|email| email.as_str().to_lowercase() == address.to_lowercase()) {
                found.push(id);
            }
        }
    }
    Ok(found)
}
