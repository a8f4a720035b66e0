//! Lists of the site itself, such as the choices of a picklist: read at the beginning of a walk and put into every raw
//! record that asks for them, so that mapping depends on nothing else. In place of one that had entries and comes empty,
//! or not at all, the one of before is used, until it is proven that it is empty.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::address::{Address, segment};
use super::rows;
use super::site::Site;
use super::transport::ApiCall;
use crate::crm::raw::is_empty_list;
use crate::crm::{CrmError, RawText, Source};
use crate::domain::site_list::{Came, KnownList, ListInForce};

/// The site's lists.
#[derive(Default)]
pub(super) struct SiteLists(Mutex<Lists>);

#[derive(Default)]
struct Lists {
    /// The lists as they are in force; no text where the site has not got one.
    in_force: HashMap<String, (Option<Bytes>, Came)>,
    /// The lists that had entries.
    known: HashMap<String, KnownList>,
}

/// Whether a list is one of the site itself.
pub(super) fn is_of_site(list: &str) -> bool {
    list.starts_with('/')
}

impl SiteLists {
    /// Reads the lists that a source asks for: all of them at the beginning of a walk, else those not read yet.
    pub(super) async fn prepare(&self, site: &Site, source: &Source, is_beginning: bool) -> Result<(), CrmError> {
        let of_site = source.below.iter().flat_map(|below| &below.lists).filter(|list| is_of_site(list));
        for list in of_site {
            let is_read = self.lock().in_force.contains_key(list);
            if is_read && !is_beginning {
                continue;
            }
            let read = read(site, list).await;
            self.lock().settle(list, read)?;
        }
        Ok(())
    }

    /// A list as it is in force; none where the site has not got it.
    pub(super) fn get(&self, list: &str) -> Option<RawText> {
        self.lock().in_force.get(list).and_then(|(text, _)| text.clone()).map(RawText::Plain)
    }

    /// Takes in the lists that are known from before.
    pub(super) fn recall(&self, known: Vec<KnownList>) {
        self.lock().known = known.into_iter().map(|list| (list.name.clone(), list)).collect();
    }

    /// All that are in force.
    pub(super) fn all(&self) -> Vec<ListInForce> {
        let text = |text: &Bytes| String::from_utf8_lossy(text).into_owned();
        let lists = self.lock();
        let all = lists.in_force.iter().map(|(name, (list, came))| ListInForce {
            name: name.clone(),
            text: list.as_ref().filter(|list| !is_empty_list(list)).map(text),
            came: *came,
        });
        all.collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lists {
    /// Puts a list in force as it was read, or as it was before.
    fn settle(&mut self, name: &str, read: Result<Option<Bytes>, CrmError>) -> Result<(), CrmError> {
        let before = || self.known.get(name).map(|known| Bytes::from(known.text.clone()));
        let is_empty = |text: &Option<Bytes>| text.as_ref().is_none_or(|text| is_empty_list(text));
        let (text, came) = match read {
            Ok(text) if !is_empty(&text) || self.known.get(name).is_none_or(|known| known.may_be_empty) => {
                (text, Came::AsItIs)
            }
            Ok(_) => (before(), Came::Empty),
            Err(error @ (CrmError::Unauthorised { .. } | CrmError::Unreachable { .. } | CrmError::Held { .. })) => {
                return Err(error);
            }
            Err(error) => match before() {
                Some(text) => {
                    let error = error.for_log();
                    tracing::warn!(list = name, error, "a list of the site was not read; the one of before is used");
                    (Some(text), Came::Not)
                }
                None => return Err(error),
            },
        };
        if came == Came::Empty {
            tracing::warn!(list = name, "a list of the site came empty; the one of before is used");
        }
        self.in_force.insert(name.to_owned(), (text, came));
        Ok(())
    }
}

async fn read(site: &Site, list: &str) -> Result<Option<Bytes>, CrmError> {
    list.trim_start_matches('/').split('/').try_for_each(|part| segment(part).map(drop))?;
    match site.read(&ApiCall::get(Address::of(&format!("/resourceful{list}")))).await {
        // Not in this version of the site, or not for this user: the pack has a table of its own.
        Err(CrmError::Refused { status: 403 | 404, .. }) => Ok(None),
        Err(error) => Err(error),
        Ok(answer) => {
            let text: &serde_json::value::RawValue = rows::parsed(&answer, "a JSON array of choices")?;
            let is_array = text.get().starts_with('[');
            if !is_array {
                return Err(rows::unexpected(&answer, "a JSON array of choices"));
            }
            Ok(Some(answer.body.slice_ref(text.get().as_bytes())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "/ufield/goals/category/choice";

    fn known(may_be_empty: bool) -> Vec<KnownList> {
        vec![KnownList { name: LIST.to_owned(), text: "[1]".to_owned(), may_be_empty }]
    }

    fn failed() -> Result<Option<Bytes>, CrmError> {
        Err(CrmError::Unknown { message: "502".to_owned() })
    }

    #[test]
    fn what_a_list_held_stands_in_for_one_that_comes_empty_or_not_at_all() {
        let check = |known: Vec<KnownList>, read: Result<Option<Bytes>, CrmError>, expected: Option<(&str, Came)>| {
            let lists = SiteLists::default();
            lists.recall(known);
            let is_settled = lists.lock().settle(LIST, read).is_ok();
            let in_force = lists.all().pop().map(|list| (list.text.unwrap_or_default(), list.came));
            let expected = expected.map(|(text, came)| (text.to_owned(), came));
            assert_eq!((is_settled, in_force), (expected.is_some(), expected));
        };
        let list = |text: &'static str| Ok(Some(Bytes::from_static(text.as_bytes())));
        check(Vec::new(), list("[2]"), Some(("[2]", Came::AsItIs)));
        check(Vec::new(), list("[]"), Some(("", Came::AsItIs)));
        check(Vec::new(), Ok(None), Some(("", Came::AsItIs)));
        check(Vec::new(), failed(), None);
        check(known(false), list("[2]"), Some(("[2]", Came::AsItIs)));
        check(known(false), list("[]"), Some(("[1]", Came::Empty)));
        check(known(false), Ok(None), Some(("[1]", Came::Empty)));
        check(known(false), failed(), Some(("[1]", Came::Not)));
        check(known(true), list("[ ]"), Some(("", Came::AsItIs)));
        check(known(true), failed(), Some(("[1]", Came::Not)));
        // The whole site cannot be reached, or does not let the host in.
        check(known(false), Err(CrmError::Unreachable { message: "no route".to_owned() }), None);
        check(known(false), Err(CrmError::Unauthorised { status: 401, message: String::new() }), None);
    }
}
