//! Pages of lists: how long one is, and where the next begins.
//!
//! A cursor is the key of a page's last row behind a digest of the list's name and the key, in the letters of base64url: what
//! another list gave, or nobody, is told from what this one gave. Whoever calls a list takes it as it is.

use std::ops::Bound;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::StoreError;

/// The bytes of a cursor before its key.
const CHECK: usize = 6;

/// One page of a list.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The cursor of the next page; none after the last.
    pub next: Option<String>,
}

/// The place where a page begins, and how long it may be.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// `next` of the page before; none for the first.
    pub cursor: Option<String>,
    /// The number of rows, 1 to 500.
    pub limit: usize,
}

impl PageRequest {
    /// The key that the cursor holds; none for the first page. `list` is the name of the list that is asked for.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`] where the list never gave the cursor out.
    pub fn key(&self, list: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| StoreError::BadCursor)?;
        let (check, key) = bytes.split_at_checked(CHECK).ok_or(StoreError::BadCursor)?;
        if check == check_of(list, key) { Ok(Some(key.to_vec())) } else { Err(StoreError::BadCursor) }
    }

    /// The same, of a list whose keys are texts.
    ///
    /// # Errors
    /// Fails as [`PageRequest::key`] does, and where the text is no `T`.
    pub fn text<T: FromStr>(&self, list: &str) -> Result<Option<T>, StoreError> {
        let text = self.key(list)?.map(String::from_utf8).transpose().map_err(|_| StoreError::BadCursor)?;
        text.map(|text| text.parse().map_err(|_| StoreError::BadCursor)).transpose()
    }

    /// A page of a list that is short enough to be held as a whole, by the list's name. `key` names a row by its place and
    /// itself.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`] where the list never gave the cursor out, or the row of it is gone.
    pub fn cut<T>(&self, list: &str, rows: Vec<T>, key: impl Fn(usize, &T) -> String) -> Result<Page<T>, StoreError> {
        let keys: Vec<String> = rows.iter().enumerate().map(|(place, row)| key(place, row)).collect();
        let first = match self.key(list)? {
            None => 0,
            Some(after) => 1 + keys.iter().position(|key| key.as_bytes() == after).ok_or(StoreError::BadCursor)?,
        };
        let last = rows.len().min(first + self.limit());
        let next = (last < rows.len()).then(|| cursor_of(list, keys[last - 1].as_bytes()));
        Ok(Page { items: rows.into_iter().take(last).skip(first).collect(), next })
    }

    /// The same of rows that stand in the order of their keys: the row at which the page before ended may be gone by now.
    ///
    /// # Errors
    /// [`StoreError::BadCursor`] where the list never gave the cursor out.
    pub fn cut_in_order<T>(&self, list: &str, rows: Vec<T>, key: impl Fn(&T) -> String) -> Result<Page<T>, StoreError> {
        let after = self.text::<String>(list)?;
        let mut left = rows.into_iter().filter(|row| after.as_ref().is_none_or(|after| key(row) > *after));
        let items: Vec<T> = left.by_ref().take(self.limit()).collect();
        let next = left.next().and(items.last()).map(|last| cursor_of(list, key(last).as_bytes()));
        Ok(Page { items, next })
    }

    /// Refuses a cursor, for a list that is always one page and gives none out.
    pub(super) fn is_first(&self) -> Result<(), StoreError> {
        if self.cursor.is_none() { Ok(()) } else { Err(StoreError::BadCursor) }
    }

    /// The number of rows that the page may have: what was asked for, within the bounds.
    pub(super) fn limit(&self) -> usize {
        self.limit.clamp(1, 500)
    }
}

/// The key after which a page begins.
#[derive(Clone, Copy)]
pub(super) struct After<const N: usize>(Option<[u8; N]>);

impl<const N: usize> After<N> {
    /// The lower bound within a span that begins with `first`.
    pub fn bound<'a>(&'a self, first: &'a [u8; N]) -> Bound<&'a [u8; N]> {
        match &self.0 {
            Some(after) if after >= first => Bound::Excluded(after),
            _ => Bound::Included(first),
        }
    }

    /// The upper bound within a span that ends with `last`, where a list goes backwards.
    pub fn upper_bound<'a>(&'a self, last: &'a [u8; N]) -> Bound<&'a [u8; N]> {
        match &self.0 {
            Some(after) if after <= last => Bound::Excluded(after),
            _ => Bound::Included(last),
        }
    }

    /// Whether a span that begins with `first` lies before the page, where a list goes backwards.
    pub fn is_before(&self, first: &[u8; N]) -> bool {
        self.0.is_some_and(|after| after <= *first)
    }

    /// Whether a span that ends with `last` lies before the page.
    pub fn is_past(&self, last: &[u8; N]) -> bool {
        self.0.is_some_and(|after| after >= *last)
    }

    /// Whether the page begins within a span.
    pub fn lies_within(&self, first: &[u8; N], last: &[u8; N]) -> bool {
        self.0.is_some_and(|after| (first..=last).contains(&&after))
    }
}

/// Reads the cursor of a request to the list of this name, which has to lie within one of the spans that it goes through.
pub(super) fn read_cursor<const N: usize>(
    list: &str,
    page: &PageRequest,
    spans: &[([u8; N], [u8; N])],
) -> Result<After<N>, StoreError> {
    let Some(key) = page.key(list)? else { return Ok(After(None)) };
    let key = <[u8; N]>::try_from(key).map_err(|_| StoreError::BadCursor)?;
    let is_ours = spans.iter().any(|(first, last)| (first..=last).contains(&&key));
    if is_ours { Ok(After(Some(key))) } else { Err(StoreError::BadCursor) }
}

/// The cursor of a page of the list of this name that ends with this key.
pub fn cursor_of(list: &str, key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode([check_of(list, key).as_slice(), key].concat())
}

fn check_of(list: &str, key: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(list.len() as u64).to_le_bytes()).update(list.as_bytes()).update(key);
    let mut check = [0; CHECK];
    hasher.finalize_xof().fill(&mut check);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(cursor: &str) -> PageRequest {
        PageRequest { cursor: Some(cursor.to_owned()), limit: 2 }
    }

    #[test]
    fn a_cursor_is_of_the_list_that_gave_it() {
        let cursor = cursor_of("goals", b"key");
        assert_eq!(asked(&cursor).key("goals").unwrap().as_deref(), Some(&b"key"[..]));
        assert!(PageRequest { cursor: None, limit: 2 }.key("goals").unwrap().is_none());
        let other_end = if cursor.ends_with('A') { "B" } else { "A" };
        let changed = format!("{}{other_end}", &cursor[..cursor.len() - 1]);
        let padded = format!("{cursor}=");
        let others = [&*cursor_of("covers", b"key"), &changed, &padded, "5", "018", "", "a/b", "ā", "AAAA", "AAAAAAAA"];
        for other in others {
            assert!(matches!(asked(other).key("goals"), Err(StoreError::BadCursor)), "{other}");
        }
        assert!(asked(&cursor).is_first().is_err());
    }

    #[test]
    fn a_key_that_is_a_text_is_read_as_one() {
        let check = |key: &[u8], expected: Option<u32>| {
            assert_eq!(asked(&cursor_of("rows", key)).text("rows").ok().flatten(), expected);
        };
        check(b"18", Some(18));
        check(b"x", None);
        check(&[0xff], None);
    }

    #[test]
    fn a_short_list_goes_page_by_page() {
        let after = |row: &str| cursor_of("numbers", row.as_bytes());
        let check = |row: Option<&str>, limit, items: &[u32], next: Option<&str>| {
            let page = PageRequest { cursor: row.map(after), limit };
            let list = page.cut("numbers", vec![7_u32, 8, 9], |_, row| row.to_string()).unwrap();
            assert_eq!((&*list.items, list.next), (items, next.map(after)), "{row:?} {limit}");
        };
        check(None, 50, &[7, 8, 9], None);
        check(None, 2, &[7, 8], Some("8"));
        check(None, 0, &[7], Some("7"));
        check(Some("8"), 2, &[9], None);
        check(Some("9"), 2, &[], None);
        for none in [after("1"), "8".to_owned(), cursor_of("words", b"8")] {
            let page = PageRequest { cursor: Some(none), limit: 2 };
            let refused = page.cut("numbers", vec![7_u32, 8, 9], |_, row| row.to_string());
            assert!(matches!(refused, Err(StoreError::BadCursor)), "{page:?}");
        }
    }

    #[test]
    fn a_page_goes_on_after_a_row_that_is_gone() {
        let page = |cursor| PageRequest { cursor, limit: 2 };
        let rows = |all: &[&str]| all.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
        let cut = |all: &[&str], cursor| page(cursor).cut_in_order("rows", rows(all), String::clone).unwrap();
        let first = cut(&["a", "b", "c", "d"], None);
        assert_eq!(first.items, ["a", "b"]);
        let second = cut(&["a", "c", "d"], first.next);
        assert_eq!((second.items, second.next), (rows(&["c", "d"]), None));
        assert!(page(Some("x".to_owned())).cut_in_order("rows", rows(&["a"]), String::clone).is_err());
    }
}
