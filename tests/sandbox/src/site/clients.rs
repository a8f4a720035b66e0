//! Clients: the paged list with its filters, one client, and the lists below a client.

use super::answer::{Answer, Refusal};
use super::other_forms;
use super::prepared::{STRETCH, Shelf, Stretch};
use super::query::{Paging, Query};
use super::route::List;
use super::rows::{self, Form};
use super::{Asker, Site};
use crate::book::{Book, Client};
use crate::json;
use crate::lock::reading;

/// About how many bytes a row has with every field: so much is set aside for each row of a page.
const USUAL_ROW: usize = 640;

/// The filters of the list. Filtering makes every client anew, which the plain walk avoids.
struct Filter {
    groups: Option<Vec<u32>>,
    adviser: Option<u32>,
    entity_type: Option<String>,
    words: Option<String>,
}

impl Filter {
    fn of(query: Query<'_>) -> Result<Self, Refusal> {
        let adviser = query.raw("adviser_id").map(str::parse).transpose();
        Ok(Self {
            groups: query.numbers("group_ids")?,
            adviser: adviser.map_err(|_| Refusal::bad("adviser_id is a whole number"))?,
            entity_type: query.get("entity_type").map(Into::into),
            words: query.get("quicksearch").map(|words| words.to_lowercase()),
        })
    }

    fn is_empty(&self) -> bool {
        self.groups.is_none() && self.adviser.is_none() && self.entity_type.is_none() && self.words.is_none()
    }

    fn accepts(&self, client: &Client) -> bool {
        let name = || [&client.first_name, &client.last_name].into_iter().flatten().map(|name| name.to_lowercase());
        self.groups.as_ref().is_none_or(|groups| groups.contains(&client.group))
            && self.adviser.is_none_or(|adviser| client.client_adviser == Some(adviser))
            && self.entity_type.as_ref().is_none_or(|kind| client.entity_type.eq_ignore_ascii_case(kind))
            && self.words.as_ref().is_none_or(|words| name().any(|name| name.contains(words.as_str())))
    }
}

impl Site {
    /// `GET /entity/client-v4`: a page of rows.
    pub(super) fn client_page(&self, asker: &Asker<'_>, query: Query<'_>) -> Result<Answer, Refusal> {
        let (form, paging, filter) = (Form::of(query, self.flat_rows)?, Paging::of(query)?, Filter::of(query)?);
        let book = reading(&self.book);
        let shelf = self.prepared.rows(&form);
        let mut page = Page {
            site: self,
            book: &book,
            shelf: &shelf,
            form: &form,
            at: None,
            out: Vec::with_capacity(paging.size * USUAL_ROW),
            rows: 0,
        };
        page.out.push(b'[');
        let wanted = |place: &u32| {
            asker.sees(&book, *place)
                && (filter.is_empty() || book.at(*place).is_some_and(|client| filter.accepts(&client)))
        };
        for place in places(&book, query, &paging)?.filter(wanted).take(paging.size) {
            page.push(place);
        }
        page.out.push(b']');
        self.stats.count_rows(page.rows);
        Ok(Answer::json(page.out))
    }

    /// `GET /entity/client-v4/{id}`.
    pub(super) fn single_client(&self, asker: &Asker<'_>, id: u32, query: Query<'_>) -> Result<Answer, Refusal> {
        let form = Form::of(query, self.flat_rows)?;
        let mut out = Vec::with_capacity(1024);
        rows::client(&mut out, &self.seen_client(asker, id)?, &form);
        Ok(Answer::json(out))
    }

    /// `GET /entity/client-v4/{id}/{list}`.
    pub(super) fn client_list(&self, asker: &Asker<'_>, id: u32, list: List) -> Result<Answer, Refusal> {
        let client = self.seen_client(asker, id)?;
        if self.is_hidden(list) {
            return Ok(Answer::json("[]"));
        }
        let mut out = Vec::with_capacity(1024);
        rows::list(&mut out, &client, list);
        Ok(Answer::json(out))
    }

    fn is_hidden(&self, list: List) -> bool {
        reading(&self.hidden_lists).contains(&list)
    }

    /// `GET /entity/client-v4/{id}/{list}/{index}`.
    pub(super) fn client_list_row(
        &self,
        asker: &Asker<'_>,
        id: u32,
        list: List,
        index: u32,
    ) -> Result<Answer, Refusal> {
        let mut out = Vec::with_capacity(256);
        let found = rows::list_row(&mut out, &self.seen_client(asker, id)?, list, index);
        if found { Ok(Answer::json(out)) } else { Err(Refusal::missing()) }
    }

    /// Appends the list of a client as the inside of a JSON string; the way of a batch, from prepared bytes.
    pub(super) fn append_list(&self, out: &mut Vec<u8>, asker: &Asker<'_>, id: u32, list: List) -> Result<(), Refusal> {
        let book = reading(&self.book);
        let place = book.place_of(id).filter(|place| asker.sees(&book, *place)).ok_or_else(Refusal::missing)?;
        if self.is_hidden(list) {
            out.extend_from_slice(b"[]");
            return Ok(());
        }
        let stretch = self.prepared.stretch(self.prepared.list(list), place / STRETCH, || {
            let mut plain = Vec::with_capacity(2048);
            Stretch::made(place / STRETCH, book.places(), |out, place| {
                let Some(client) = book.partly_at(place, rows::needed(list)) else { return };
                plain.clear();
                rows::list(&mut plain, &self.as_sent(client), list);
                json::escaped(out, &plain);
            })
        });
        out.extend_from_slice(stretch.of(place));
        Ok(())
    }

    fn seen_client(&self, asker: &Asker<'_>, id: u32) -> Result<Client, Refusal> {
        let book = reading(&self.book);
        let place = book.place_of(id).filter(|place| asker.sees(&book, *place));
        place.and_then(|place| book.at(place)).map(|client| self.as_sent(client)).ok_or_else(Refusal::missing)
    }

    /// A client of the book in the forms in which this site writes its values.
    fn as_sent(&self, client: Client) -> Client {
        if self.other_forms { other_forms::of(client) } else { client }
    }
}

/// The places to look at, in the order of the page, beginning behind the bookmark.
fn places<'a>(book: &Book, query: Query<'_>, paging: &Paging) -> Result<Box<dyn Iterator<Item = u32> + 'a>, Refusal> {
    let (from, to) = match (paging.after, paging.descending) {
        (None, _) => (0, book.places()),
        (Some(after), false) => (book.place_after(after), book.places()),
        (Some(after), true) => (0, book.place_after(after.saturating_sub(1))),
    };
    let Some(ids) = query.numbers("ids")? else {
        return Ok(if paging.descending { Box::new((from..to).rev()) } else { Box::new(from..to) });
    };
    let mut places: Vec<u32> =
        ids.into_iter().filter_map(|id| book.place_of(id)).filter(|place| (from..to).contains(place)).collect();
    places.sort_unstable();
    places.dedup();
    if paging.descending {
        places.reverse();
    }
    Ok(Box::new(places.into_iter()))
}

/// A page while it is put together from prepared rows.
struct Page<'a> {
    site: &'a Site,
    book: &'a Book,
    shelf: &'a Shelf,
    form: &'a Form,
    at: Option<(u32, std::sync::Arc<Stretch>)>,
    out: Vec<u8>,
    rows: usize,
}

impl Page<'_> {
    fn push(&mut self, place: u32) {
        let number = place / STRETCH;
        if self.at.as_ref().is_none_or(|(at, _)| *at != number) {
            let lists = self.form.lists();
            let make = || {
                Stretch::made(number, self.book.places(), |out, place| {
                    if let Some(client) = self.book.partly_at(place, lists) {
                        rows::client(out, &self.site.as_sent(client), self.form);
                    }
                })
            };
            self.at = Some((number, self.site.prepared.stretch(self.shelf, number, make)));
        }
        if self.rows > 0 {
            self.out.push(b',');
        }
        if let Some((_, stretch)) = &self.at {
            self.out.extend_from_slice(stretch.of(place));
        }
        self.rows += 1;
    }
}
