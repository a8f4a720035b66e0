//! Bodies that several resources answer with: lists and diagnostics.

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::schema;
use crate::domain::value::Currency;
use crate::domain::{Diagnostic, Money, Severity};
use crate::store::StoreError;
use crate::store::book::{Page, PageRequest};

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
        Self { items: page.items.into_iter().map(T::from).collect(), next: page.next }
    }

    /// Rows that are `T`s already.
    pub fn new(items: Vec<T>, next: Option<String>) -> Self {
        Self { items, next }
    }

    /// A page of a list that is short enough to be held as a whole. `key` names a row by its place and itself.
    pub fn cut(rows: Vec<T>, page: &PageRequest, key: impl Fn(usize, &T) -> String) -> Result<Self, StoreError> {
        let keys: Vec<String> = rows.iter().enumerate().map(|(place, row)| key(place, row)).collect();
        let first = match &page.cursor {
            None => 0,
            Some(cursor) => 1 + keys.iter().position(|key| key == cursor).ok_or(StoreError::BadCursor)?,
        };
        let last = rows.len().min(first + page.limit);
        let next = (last < rows.len()).then(|| keys[last - 1].clone());
        Ok(Self::new(rows.into_iter().take(last).skip(first).collect(), next))
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
        let check = |cursor: Option<&str>, limit, items: &[u32], next: Option<&str>| {
            let page = PageRequest { cursor: cursor.map(ToOwned::to_owned), limit };
            let list = List::cut(vec![7_u32, 8, 9], &page, |_, row| row.to_string()).unwrap();
            assert_eq!((&*list.items, list.next.as_deref()), (items, next), "{cursor:?} {limit}");
        };
        check(None, 50, &[7, 8, 9], None);
        check(None, 2, &[7, 8], Some("8"));
        check(Some("8"), 2, &[9], None);
        check(Some("9"), 2, &[], None);
        let elsewhere = PageRequest { cursor: Some("1".to_owned()), limit: 2 };
        assert!(matches!(List::cut(vec![7_u32], &elsewhere, |_, row| row.to_string()), Err(StoreError::BadCursor)));
    }
}
