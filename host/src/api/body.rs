//! Bodies that several resources answer with: lists and diagnostics.

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::schema;
use crate::audit;
use crate::domain::value::Currency;
use crate::domain::{Diagnostic, Money, Severity};
use crate::store::StoreError;
use crate::store::page::{Page, PageRequest};

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
        let Page { items, next } = page.cut(list, rows, key)?;
        Ok(Self::new(items, next))
    }

    /// The same of rows that stand in the order of their keys: the row at which the page before ended may be gone by now.
    pub fn cut_in_order(
        list: &str,
        rows: Vec<T>,
        page: &PageRequest,
        key: impl Fn(&T) -> String,
    ) -> Result<Self, StoreError> {
        let Page { items, next } = page.cut_in_order(list, rows, key)?;
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
