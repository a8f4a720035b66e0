//! Lists of the site itself, such as the choices of a picklist: read at the beginning of a walk and put into every raw
//! record that asks for them, so that mapping depends on nothing else.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::address::{Address, segment};
use super::rows;
use super::site::{Call, Site};
use crate::crm::{CrmError, RawText, Source};

/// The site's lists as they were read last; none where the site has not got one.
#[derive(Default)]
pub(super) struct SiteLists(Mutex<HashMap<String, Option<RawText>>>);

/// Whether a list is one of the site itself.
pub(super) fn is_of_site(list: &str) -> bool {
    list.starts_with('/')
}

impl SiteLists {
    /// Reads the lists that a source asks for: all of them at the beginning of a walk, else those not read yet.
    pub(super) async fn prepare(&self, site: &Site, source: &Source, is_beginning: bool) -> Result<(), CrmError> {
        let of_site = source.below.iter().flat_map(|below| &below.lists).filter(|list| is_of_site(list));
        for list in of_site {
            let is_known = self.lock().contains_key(list);
            if is_known && !is_beginning {
                continue;
            }
            let read = read(site, list).await?;
            self.lock().insert(list.clone(), read);
        }
        Ok(())
    }

    /// A list as it was read; none where the site has not got it.
    pub(super) fn get(&self, list: &str) -> Option<RawText> {
        self.lock().get(list).cloned().flatten()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Option<RawText>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(site: &Site, list: &str) -> Result<Option<RawText>, CrmError> {
    list.trim_start_matches('/').split('/').try_for_each(|part| segment(part).map(drop))?;
    match site.read(&Call::get(Address::of(&format!("/resourceful{list}")))).await {
        // Not in this version of the site, or not for this user: the pack has a table of its own.
        Err(CrmError::Refused { status: 403 | 404, .. }) => Ok(None),
        Err(error) => Err(error),
        Ok(answer) => {
            let text: &serde_json::value::RawValue = rows::parsed(&answer, "a JSON array of choices")?;
            let is_array = text.get().starts_with('[');
            if !is_array {
                return Err(rows::unexpected(&answer, "a JSON array of choices"));
            }
            Ok(Some(RawText::Plain(answer.body.slice_ref(text.get().as_bytes()))))
        }
    }
}
