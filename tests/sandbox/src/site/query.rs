//! The part of an address after the question mark, in the dialect's flattened form (`fields.0=first_name`).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answer::Refusal;

/// The most rows a page may have.
pub(crate) const LARGEST_PAGE: usize = 500;

/// A query as it was sent; looked through anew for each name, for there are few.
#[derive(Clone, Copy)]
pub(crate) struct Query<'a>(pub(crate) &'a str);

impl<'a> Query<'a> {
    fn pairs(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.split('&').filter_map(|pair| pair.split_once('='))
    }

    /// The value exactly as sent.
    pub(crate) fn raw(self, name: &str) -> Option<&'a str> {
        self.pairs().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The value with percent and plus signs decoded; an empty one counts as none.
    pub(crate) fn get(self, name: &str) -> Option<Cow<'a, str>> {
        self.raw(name).map(decoded).filter(|value| !value.is_empty())
    }

    /// The values of `name.0`, `name.1`, …, in the order sent.
    pub(crate) fn list(self, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        self.pairs().filter_map(move |(key, value)| {
            let index = key.strip_prefix(name)?.strip_prefix('.')?;
            index.bytes().all(|digit| digit.is_ascii_digit()).then(|| decoded(value))
        })
    }

    /// The values of a list of whole numbers; `None` when the list is not there at all.
    pub(crate) fn numbers(self, name: &str) -> Result<Option<Vec<u32>>, Refusal> {
        let numbers = self
            .list(name)
            .map(|value| value.parse().map_err(|_| Refusal::bad(format!("{name}: \"{value}\" is not a whole number"))))
            .collect::<Result<Vec<u32>, _>>()?;
        Ok((!numbers.is_empty()).then_some(numbers))
    }

    /// A switch: `1` or `0` in addresses.
    pub(crate) fn switch(self, name: &str) -> Result<bool, Refusal> {
        match self.raw(name) {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(other) => Err(Refusal::bad(format!("{name} is 1 or 0 in an address, not \"{other}\""))),
        }
    }
}

/// Which page is asked for.
pub(crate) struct Paging {
    pub(crate) size: usize,
    /// The number that the last page ended with.
    pub(crate) after: Option<u32>,
    pub(crate) descending: bool,
}

impl Paging {
    pub(crate) fn of(query: Query<'_>) -> Result<Self, Refusal> {
        let size = page_size(query, "page_size")?;
        if let Some(sort) = query.raw("page_sort").filter(|sort| *sort != "id") {
            return Err(Refusal::bad(format!("page_sort: only \"id\" can be sorted by here, not \"{sort}\"")));
        }
        let descending = match query.raw("page_dir") {
            None => false,
            Some(way) if way.eq_ignore_ascii_case("asc") => false,
            Some(way) if way.eq_ignore_ascii_case("desc") => true,
            Some(way) => {
                return Err(Refusal::bad(format!("page_dir is asc or desc, not \"{way}\"")));
            }
        };
        let after = query.raw("page_bookmark").filter(|mark| !mark.is_empty()).map(bookmarked).transpose()?;
        Ok(Self { size, after, descending })
    }

    /// Of a query in the Open dialect.
    pub(crate) fn open(query: Query<'_>) -> Result<Self, Refusal> {
        let after = query.get("PageBookmark").map(|mark| bookmarked(&mark)).transpose()?;
        Ok(Self { size: page_size(query, "PageSize")?, after, descending: false })
    }
}

/// The bookmark of the row with this number: `{"id":N}` in base64.
pub(crate) fn bookmark(id: u32) -> String {
    STANDARD.encode(format!("{{\"id\":{id}}}"))
}

fn page_size(query: Query<'_>, name: &str) -> Result<usize, Refusal> {
    let Some(text) = query.raw(name) else { return Ok(100) };
    let size = text.parse().ok().filter(|size| (1..=LARGEST_PAGE).contains(size));
    size.ok_or_else(|| Refusal::bad(format!("{name} is 1 to {LARGEST_PAGE}, not \"{text}\"")))
}

/// What a bookmark stands for. It is taken as sent: one that was URL-encoded on the way is not one.
fn bookmarked(mark: &str) -> Result<u32, Refusal> {
    #[derive(serde::Deserialize)]
    struct Mark {
        id: u32,
    }
    STANDARD
        .decode(mark)
        .ok()
        .and_then(|json| serde_json::from_slice::<Mark>(&json).ok())
        .map(|mark| mark.id)
        .ok_or_else(|| {
            Refusal::bad(format!(
                "page_bookmark \"{mark}\" is not a bookmark of this list; send it raw, not URL-encoded"
            ))
        })
}

/// Undoes URL encoding; text that needs none is not copied.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match (bytes[at], hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (_, Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', None) => out.push(b' '),
            (byte, None) => out.push(byte),
        }
        at += 1;
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_values() {
        let check = |input: &str, expected: &str| assert_eq!(decoded(input), expected, "{input}");
        check("plain", "plain");
        check("a+b%20c", "a b c");
        check("M%C4%81ori", "Māori");
        check("100%", "100%");
        check("%zz%4", "%zz%4");
        check("%é9", "%é9");
    }

    #[test]
    fn reads_lists_and_switches() {
        let query = Query("fields.0=dob&fields.10=title&fieldset.0=no&fields.x=no&include_client_status=1&empty=");
        assert_eq!(query.list("fields").collect::<Vec<_>>(), ["dob", "title"]);
        assert!(query.switch("include_client_status").is_ok_and(|on| on));
        assert!(query.get("empty").is_none());
        assert!(Query("a=true").switch("a").is_err());
    }

    #[test]
    fn bookmarks_are_taken_raw() {
        let mark = bookmark(1259);
        assert_eq!(mark, "eyJpZCI6MTI1OX0=");
        let after = |mark: &str| Paging::of(Query(&format!("page_bookmark={mark}"))).map(|paging| paging.after);
        assert_eq!(after(&mark).ok(), Some(Some(1259)));
        assert!(after(&mark.replace('=', "%3D")).is_err());
    }

    #[test]
    fn refuses_pages_that_cannot_be() {
        for query in ["page_size=0", "page_size=501", "page_size=x", "page_sort=name", "page_dir=up"] {
            assert!(Paging::of(Query(query)).is_err(), "{query}");
        }
    }
}
