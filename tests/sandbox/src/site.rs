//! The site itself: what it holds, and which resource answers a call. It knows nothing of connections; `server.rs` does.

mod answer;
mod batch;
mod clients;
mod docnotes;
mod notes;
mod open;
mod other_forms;
mod prepared;
mod query;
mod route;
mod rows;
mod sessions;
mod spoil;
mod stats;
mod users;

use std::sync::{Mutex, RwLock};
use std::time::Instant;

pub(crate) use answer::{Answer, Refusal};
pub(crate) use notes::Notes;
pub use notes::{Attachment, Note, NoteHabits};
pub(crate) use open::FORWARDED_HOST;
use prepared::Prepared;
pub(crate) use query::Query;
#[cfg(test)]
pub(crate) use query::bookmark;
pub(crate) use route::List;
use route::Route;
use sessions::SignedIn;
pub(crate) use sessions::{Credentials, Sessions};
pub(crate) use stats::Counters;
pub use stats::Stats;

use crate::book::Book;
use crate::faults::{Fault, Faults};
use crate::lock::{locked, reading};
use crate::oauth::{OAuthOptions, Tokens};
use crate::options::{Account, Options};

/// Everything a site holds.
pub(crate) struct Site {
    pub(crate) accounts: RwLock<Vec<Account>>,
    pub(crate) oauth: OAuthOptions,
    pub(crate) tokens: Mutex<Tokens>,
    app_id: Option<String>,
    sessions_per_user: usize,
    flat_rows: bool,
    other_forms: bool,
    /// Lists that are answered as empty ones, as to a user who may not see what stands in them.
    pub(crate) hidden_lists: RwLock<Vec<List>>,
    /// Choices that are called otherwise than usual: what, and how.
    pub(crate) renamed_choices: RwLock<Vec<(String, String)>>,
    pub(crate) book: RwLock<Book>,
    pub(crate) prepared: Prepared,
    pub(crate) sessions: Mutex<Sessions>,
    pub(crate) notes: Mutex<Notes>,
    pub(crate) faults: Faults,
    pub(crate) stats: Counters,
}

/// Who asks.
pub(crate) struct Asker<'a> {
    account: &'a Account,
    /// Through the gateway, which speaks the Open dialect.
    is_forwarded: bool,
}

impl Asker<'_> {
    fn sees(&self, book: &Book, place: u32) -> bool {
        book.visible(place, self.account.user_id, self.account.groups.as_deref())
    }
}

/// A call to a resource, alone or out of a batch.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

impl Site {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            book: RwLock::new(Book::new(options.seed, options.clients, options.region)),
            prepared: Prepared::new(options.prepared_bytes),
            sessions: Mutex::default(),
            notes: Mutex::default(),
            faults: Faults::new(options.faults),
            stats: Counters::default(),
            accounts: RwLock::new(options.accounts),
            oauth: options.oauth,
            tokens: Mutex::default(),
            app_id: options.app_id,
            sessions_per_user: options.sessions_per_user,
            flat_rows: options.flat_rows,
            other_forms: options.other_forms,
            hidden_lists: RwLock::default(),
            renamed_choices: RwLock::default(),
        }
    }

    /// Answers a request from whoever its credentials say: under `/resourceful`, or as the gateway.
    pub(crate) fn answer(&self, from: &Credentials, call: &Call<'_>) -> Answer {
        if self.app_id.is_some() && self.app_id != from.app_id {
            return Refusal::new(403, "The header x-xplan-app-id is missing or not one that this site has enabled.")
                .into();
        }
        if call.method == "DELETE" && Route::of(call.path) == Some(Route::Session) {
            locked(&self.sessions).close(from);
            return Answer::empty();
        }
        let accounts = reading(&self.accounts);
        let admitted = match from.bearer() {
            Some(token) => locked(&self.tokens)
                .account_of(token, Instant::now())
                .map(|account| SignedIn { account, new_cookie: None })
                .ok_or_else(|| Refusal::new(401, "The token is unknown, too old, or was taken back.")),
            None if from.forwarded_host.is_some() => from.named(&accounts),
            None => locked(&self.sessions).admit(from, &accounts, self.sessions_per_user),
        };
        let signed_in = match admitted {
            Ok(signed_in) => signed_in,
            Err(refusal) => return unauthenticated(from, refusal),
        };
        let is_forwarded = from.forwarded_host.is_some();
        let asker = Asker { account: &accounts[signed_in.account], is_forwarded };
        let answer = match Route::of(call.path) {
            Some(Route::Batch) if call.method == "POST" && !is_forwarded => {
                let answer = self.batch(&asker, call.body).unwrap_or_else(Answer::from);
                let rules = self.faults.striking("POST", call.path, Fault::concerns_batch);
                if rules.is_empty() { answer } else { spoil::batch(answer, &rules) }
            }
            _ => self.call(&asker, call),
        };
        match signed_in.new_cookie {
            Some(cookie) => answer.with_header("set-cookie", format!("XPLANID={cookie}; Path=/; HttpOnly")),
            None => answer,
        }
    }

    /// Answers one call, alone or out of a batch.
    fn call(&self, asker: &Asker<'_>, call: &Call<'_>) -> Answer {
        let failing = self.faults.striking(call.method, call.path, Fault::concerns_call);
        if failing.iter().any(|rule| rule.fault == Fault::NotAList) {
            return Answer::of(&serde_json::json!({ "rows": {} }));
        }
        if failing.iter().any(|rule| rule.fault == Fault::EmptyList) {
            return Answer::json("[]");
        }
        if !failing.is_empty() {
            return Refusal::new(500, "The call failed on the site's side; nothing was done.").into();
        }
        let answer = match call.method {
            _ if asker.is_forwarded => self.open(asker, call),
            "GET" => self.get(asker, call.path, Query(call.query)),
            "POST" => self.post(asker, call),
            _ => Err(match Route::of(call.path) {
                Some(_) => Refusal::new(403, "This user may not change or remove records."),
                None => Refusal::missing(),
            }),
        };
        let rules = self.faults.striking(call.method, call.path, Fault::concerns_text);
        rules.iter().fold(answer.unwrap_or_else(Answer::from), |answer, rule| spoil::text(answer, rule.fault))
    }

    fn get(&self, asker: &Asker<'_>, path: &str, query: Query<'_>) -> Result<Answer, Refusal> {
        match Route::of(path).ok_or_else(Refusal::missing)? {
            Route::SessionUser => Ok(self.session_user(asker)),
            Route::Capabilities => Ok(self.capabilities()),
            Route::SiteInfo => Ok(self.site_info()),
            Route::Clients => self.spoilt(path, query, self.client_page(asker, query)),
            Route::Client(id) => self.single_client(asker, id, query),
            Route::ClientList(id, list) => self.client_list(asker, id, list),
            Route::ClientListRow(id, list, row) => self.client_list_row(asker, id, list, row),
            Route::Users => self.spoilt(path, query, self.user_page(query)),
            Route::User(id) => self.single_user(id, query),
            Route::Groups => Ok(self.groups(asker)),
            Route::GroupUsers(id) => self.group_users(asker, id),
            Route::Choices(_, field) => self.choices(field),
            Route::Notes => self.spoilt(path, query, self.find_notes(query)),
            Route::Note(id) => self.single_note(id),
            Route::Attachments(note) => self.attachments(note),
            Route::Attachment(note, id) => self.single_attachment(note, id),
            Route::Session | Route::Batch => Err(Refusal::missing()),
        }
    }

    fn post(&self, asker: &Asker<'_>, call: &Call<'_>) -> Result<Answer, Refusal> {
        match Route::of(call.path).ok_or_else(Refusal::missing)? {
            Route::Notes => self.make_note(asker, call.body),
            Route::Attachments(note) => self.attach(note, call.body),
            _ => Err(Refusal::new(403, "This user may add file notes and attachments, and nothing else.")),
        }
    }

    fn spoilt(&self, path: &str, query: Query<'_>, page: Result<Answer, Refusal>) -> Result<Answer, Refusal> {
        let page = page?;
        let rules = self.faults.striking("GET", &format!("{path}?{}", query.0), Fault::concerns_page);
        Ok(if rules.is_empty() { page } else { spoil::page(page, &rules, query) })
    }
}

/// 401: the login page, or an error where the request prefers one.
fn unauthenticated(from: &Credentials, refusal: Refusal) -> Answer {
    if from.wants_error { refusal.into() } else { Answer::html(401, "Xplan login") }
}
