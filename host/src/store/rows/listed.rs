//! What stands in clients' lists.

use super::Row;
use crate::domain::listed::{GoalOwn, ListItem, Listed, Unseen};
use crate::domain::record::{CoverOwner, CoverType, GoalOwner, GoalStatus, Outlook, PremiumFrequency, Recurrence};
use crate::domain::{Cover, Goal, Money};
use crate::store::rows::{row_choices, rows};

/// What stands in a list, and has rows.
pub(in crate::store) trait StoredItem: ListItem<Own: Row> + Row {}

impl<T: ListItem<Own: Row> + Row> StoredItem for T {}

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
    Listed<T: Row, O: Row> { 0: id, 1: value, 2: own, 3: changed_at, 4: gone_since, 5: diagnostics }
    Money { 0: amount, 1: currency }
    Unseen { 0: walks, 1: by }
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
