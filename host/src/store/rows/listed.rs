//! Rows of goals and covers in clients' lists.

use super::{Row, row_choices, rows};
use crate::domain::Money;
use crate::domain::listed::{AbsenceEvidence, Listed};
use crate::domain::record::{
    Cover, CoverOwner, CoverType, Goal, GoalOwn, GoalOwner, GoalStatus, ListItem, Outlook, PremiumFrequency, Recurrence,
};
use crate::store::engine::Table;
use crate::store::keys::ListKey;

/// A table of lists.
pub type ListTable = Table<&'static ListKey, &'static [u8]>;

/// A table of questions, one a connection.
pub type QuestionTable = Table<&'static [u8; 6], &'static [u8]>;

/// An item of a list that has rows.
pub trait StoredItem: ListItem<Own: Row> + Row {
    /// The lists, by client and connection: [`crate::store::tables::ListRecord`].
    const LISTS: ListTable;
    /// The questions about more of them gone at once than a run may mark, by connection: `AbsenceReview`.
    const QUESTIONS: QuestionTable;
}

/// The tables of each kind.
macro_rules! stored_items {
    ($($item:ident: $lists:literal, $questions:literal;)+) => {
        $(impl StoredItem for $item {
            const LISTS: ListTable = Table::new($lists);
            const QUESTIONS: QuestionTable = Table::new($questions);
        })+
    };
}

stored_items! {
    Goal: "goals", "goal-departures";
    Cover: "covers", "cover-departures";
}

rows! {
    Goal {
        0: external_id,
        1: owner,
        2: category,
        3: name,
        4: target_date,
        5: estimated_cost,
        6: outlook,
        7: extensions,
    }
    GoalOwn { 0: status, 1: recurrence }
    Cover {
        0: external_id,
        1: policy_number,
        2: cover_type,
        3: type_as_given,
        4: insurer,
        5: plan_name,
        6: sum_insured,
        7: premium,
        8: premium_frequency,
        9: owner,
        10: renewal_date,
        11: end_year,
        12: expired,
        13: extensions,
    }
    Listed<T: StoredItem> { 0: id, 1: value, 2: own, 3: changed_at, 4: gone_since, 5: diagnostics }
    Money { 0: amount, 1: currency }
    AbsenceEvidence { 0: walks, 1: by }
}

row_choices! {
    GoalOwner { 0: Client, 1: Partner, 2: Joint }
    Outlook { 0: WillHaveLessMoney, 1: WillHaveMoreMoney, 2: NonFinancial }
    GoalStatus { 0: ToDo, 1: Doing, 2: Done }
    Recurrence { 0: Weekly, 1: Fortnightly, 2: Monthly, 3: Quarterly, 4: HalfYearly, 5: Yearly }
    CoverType { 0: Life, 1: TotalAndPermanentDisability, 2: IncomeProtection, 3: Trauma, 4: General, 5: Other }
    PremiumFrequency { 0: Weekly, 1: Fortnightly, 2: Monthly, 3: Quarterly, 4: HalfYearly, 5: Yearly }
    CoverOwner { 0: Client, 1: Partner, 2: Joint, 3: Other }
}
