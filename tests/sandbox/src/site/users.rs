//! Users, groups, what the session may do, the site itself, and the choices of picklists.

use serde_json::json;

use super::answer::{Answer, Refusal};
use super::query::{Paging, Query};
use super::rows;
use super::{Asker, Site};
use crate::book::GROUPS;
use crate::lock::reading;

/// Picklists: field, then code and text of each choice.
const CHOICES: &[(&str, &[(&str, &str)])] = &[
    (
        "title",
        &[
            ("Mr", "Mr"),
            ("Mrs", "Mrs"),
            ("Ms", "Ms"),
            ("Miss", "Miss"),
            ("Dr", "Dr"),
            ("Prof", "Prof"),
            ("Sir", "Sir"),
            ("Rev", "Rev"),
        ],
    ),
    ("sex", &[("M", "Male"), ("F", "Female"), ("X", "Another term")]),
    ("status", &[("1", "Fulfilled"), ("2", "Unfulfilled"), ("3", "Partially fulfilled"), ("4", "Cancelled")]),
    (
        "category",
        &[
            ("0", "Estate planning"),
            ("1", "Mortgage"),
            ("2", "Protection"),
            ("3", "Investment"),
            ("5", "Retirement"),
            ("6", "General insurance"),
            ("7", "Medical insurance"),
            ("9", "Long-term care"),
            ("10", "Client-initiated"),
            ("9999", "Uncategorised"),
        ],
    ),
];

impl Site {
    /// `GET /session/user`: who the session belongs to.
    pub(super) fn session_user(&self, asker: &Asker<'_>) -> Answer {
        Answer::of(&json!({ "entity_id": asker.account.user_id, "user_name": asker.account.username }))
    }

    /// `GET /session/capability`.
    pub(super) fn capabilities(&self) -> Answer {
        Answer::of(&json!(["client_view", "docnote_view", "docnote_add", "docnote_attachment_add"]))
    }

    /// `GET /site`.
    pub(super) fn site_info(&self) -> Answer {
        Answer::of(&json!({ "name": "Sandbox practice", "version": "sandbox", "client_versions": [1, 2, 3, 4] }))
    }

    /// `GET /entity/user-v2`: a page of rows.
    pub(super) fn user_page(&self, query: Query<'_>) -> Result<Answer, Refusal> {
        let paging = Paging::of(query)?;
        let book = reading(&self.book);
        let mut users: Vec<_> = book.users().iter().collect();
        if paging.descending {
            users.reverse();
        }
        let behind = |id: u32| paging.after.is_none_or(|after| if paging.descending { id < after } else { id > after });
        let mut out = vec![b'['];
        for (at, user) in users.into_iter().filter(|user| behind(user.id)).take(paging.size).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            rows::user(&mut out, user, query);
        }
        out.push(b']');
        Ok(Answer::json(out))
    }

    /// `GET /entity/user-v2/{id}`.
    pub(super) fn single_user(&self, id: u32, query: Query<'_>) -> Result<Answer, Refusal> {
        let book = reading(&self.book);
        let user = book.users().iter().find(|user| user.id == id).ok_or_else(Refusal::missing)?;
        let mut out = Vec::with_capacity(256);
        rows::user(&mut out, user, query);
        Ok(Answer::json(out))
    }

    /// `GET /entity/group`: the groups that the asker belongs to.
    pub(super) fn groups(&self, asker: &Asker<'_>) -> Answer {
        let groups = GROUPS.iter().filter(|(id, _)| asker.account.belongs_to(*id));
        Answer::of(&groups.map(|(id, name)| json!({ "id": id, "entity_name": name, "fields": {} })).collect::<Vec<_>>())
    }

    /// `GET /entity/group/{id}/user`.
    pub(super) fn group_users(&self, asker: &Asker<'_>, id: u32) -> Result<Answer, Refusal> {
        if !asker.account.belongs_to(id) {
            return Err(Refusal::missing());
        }
        let book = reading(&self.book);
        let users = book.users().iter().filter(|user| user.group == id);
        Ok(Answer::of(&users.map(|user| json!({ "id": user.id })).collect::<Vec<_>>()))
    }

    /// What a goal's category is called on this site.
    pub(super) fn category(&self, code: u32) -> Option<&'static str> {
        let (_, choices) = CHOICES.iter().find(|(known, _)| *known == "category")?;
        choices.iter().find(|(value, _)| value.parse() == Ok(code)).map(|(_, text)| *text)
    }

    /// `GET /ufield/{group}/{field}/choice`: the choices of a picklist.
    pub(super) fn choices(&self, field: &str) -> Result<Answer, Refusal> {
        let (_, choices) = CHOICES.iter().find(|(known, _)| *known == field).ok_or_else(Refusal::missing)?;
        let renamed = reading(&self.renamed_choices);
        let called = |text: &str| {
            renamed.iter().find(|(from, _)| from == text).map_or_else(|| text.to_owned(), |(_, to)| to.clone())
        };
        let choice = |(value, text): &(&str, &str)| json!({ "value": value, "text": called(text) });
        Ok(Answer::of(&choices.iter().map(choice).collect::<Vec<_>>()))
    }
}
