//! Bodies that several resources answer with: lists and diagnostics.

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::schema;
use crate::audit;
use crate::domain::value::Currency;
use crate::domain::{Diagnostic, Money, Severity};
use crate::store::StoreError;
use crate::store::page::{Page, PageRequest, cursor_of};

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct List<T> {
    /// The page's items.
    items: Vec<T>,
    /// The cursor of the page that follows; null after the last.
    #[schema(required)]
    next: Option<String>,
}

impl<T> List<T> {
    /// The page with its rows as `T`s.
    pub fn of<R>(page: Page<R>) -> Self
    where
        T: From<R>,
    {
        Self::new(page.items.into_iter().map(T::from).collect(), page.next)
    }

    /// Rows that are `T`s already.
    pub fn new(items: Vec<T>, next: Option<String>) -> Self {
        audit::counted(items.len());
        Self { items, next }
    }

    /// A page of a list that is short enough to be held as a whole, by the list's name. `key` names a row by its place and
    /// itself.
    pub fn cut(
        list: &str,
        rows: Vec<T>,
        page: &PageRequest,
        key: impl Fn(usize, &T) -> String,
    ) -> Result<Self, StoreError> {
        let keys: Vec<String> = rows.iter().enumerate().map(|(place, row)| key(place, row)).collect();
        let first = match page.key(list)? {
            None => 0,
            Some(after) => 1 + keys.iter().position(|key| key.as_bytes() == after).ok_or(StoreError::BadCursor)?,
        };
        let last = rows.len().min(first + page.limit);
        let next = (last < rows.len()).then(|| cursor_of(list, keys[last - 1].as_bytes()));
        Ok(Self::new(rows.into_iter().take(last).skip(first).collect(), next))
    }

    /// The same of rows that stand in the order of their keys: the row at which the page before ended may be gone by now.
    pub fn cut_in_order(
        list: &str,
        rows: Vec<T>,
        page: &PageRequest,
        key: impl Fn(&T) -> String,
    ) -> Result<Self, StoreError> {
        let after = page.text::<String>(list)?;
        let mut left = rows.into_iter().filter(|row| after.as_ref().is_none_or(|after| key(row) > *after));
        let items: Vec<T> = left.by_ref().take(page.limit).collect();
        let next = left.next().and(items.last()).map(|last| cursor_of(list, key(last).as_bytes()));
        Ok(Self::new(items, next))
    }
}

/// What was written: all of it for whoever may see it, and its id alone for whoever may only write it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Written<T> {
    /// All of it.
    Whole(T),
    /// What is answered to a caller that may not see it.
    Id(WrittenId),
}

/// The id of what was written, and nothing else of it.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenId {
    /// Its id.
    id: String,
}

impl<T> Written<T> {
    /// What a caller is answered who may see it, or may not.
    pub fn of(is_seen: bool, id: impl std::fmt::Display, whole: impl Into<T>) -> Self {
        if is_seen { Self::Whole(whole.into()) } else { Self::Id(WrittenId { id: id.to_string() }) }
    }
}

/// An amount of money.
#[derive(Serialize, ToSchema)]
#[schema(as = Money)]
pub struct MoneyBody {
    /// The exact amount, a point as separator.
    #[schema(value_type = String, example = "1234.50")]
    amount: Decimal,
    /// The currency, ISO 4217.
    #[schema(value_type = String, example = "AUD")]
    currency: Currency,
}

impl From<Money> for MoneyBody {
    fn from(Money { amount, currency }: Money) -> Self {
        Self { amount, currency }
    }
}

/// Something worth knowing about a record or a field.
#[derive(Serialize, ToSchema)]
#[schema(as = Diagnostic)]
pub struct DiagnosticBody {
    /// The severity: how much the finding matters.
    #[schema(schema_with = schema::severity)]
    severity: Severity,
    /// The canonical field; null where it is about the record as a whole.
    #[schema(required, example = "mobile")]
    field: Option<String>,
    /// A stable code.
    #[schema(example = "not-a-mobile")]
    code: String,
    /// The message: what was found, what was done with it, what would fix it.
    message: String,
}

impl From<Diagnostic> for DiagnosticBody {
    fn from(diagnostic: Diagnostic) -> Self {
        let Diagnostic { severity, field, code, message } = diagnostic;
        Self { severity, field, code, message }
    }
}

/// Each of `diagnostics` as it is answered.
pub fn diagnostics(diagnostics: Vec<Diagnostic>) -> Vec<DiagnosticBody> {
    diagnostics.into_iter().map(DiagnosticBody::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_list_goes_page_by_page() {
        let after = |row: &str| cursor_of("numbers", row.as_bytes());
        let check = |row: Option<&str>, limit, items: &[u32], next: Option<&str>| {
            let page = PageRequest { cursor: row.map(after), limit };
            let list = List::cut("numbers", vec![7_u32, 8, 9], &page, |_, row| row.to_string()).unwrap();
            assert_eq!((&*list.items, list.next), (items, next.map(after)), "{row:?} {limit}");
        };
        check(None, 50, &[7, 8, 9], None);
        check(None, 2, &[7, 8], Some("8"));
        check(Some("8"), 2, &[9], None);
        check(Some("9"), 2, &[], None);
        for none in [after("1"), "8".to_owned(), cursor_of("words", b"8")] {
            let page = PageRequest { cursor: Some(none), limit: 2 };
            let refused = List::cut("numbers", vec![7_u32, 8, 9], &page, |_, row| row.to_string());
            assert!(matches!(refused, Err(StoreError::BadCursor)), "{page:?}");
        }
    }

    #[test]
    fn a_page_goes_on_after_a_row_that_is_gone() {
        let page = |cursor| PageRequest { cursor, limit: 2 };
        let rows = |all: &[&str]| all.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
        let cut = |all: &[&str], cursor| List::cut_in_order("rows", rows(all), &page(cursor), String::clone).unwrap();
        let first = cut(&["a", "b", "c", "d"], None);
        assert_eq!(first.items, ["a", "b"]);
        let second = cut(&["a", "c", "d"], first.next);
        assert_eq!((second.items, second.next), (rows(&["c", "d"]), None));
        assert!(List::cut_in_order("rows", rows(&["a"]), &page(Some("x".to_owned())), String::clone).is_err());
    }
}
