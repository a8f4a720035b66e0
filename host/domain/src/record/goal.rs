//! Goals: what a client wants to reach, and what the practice adds to that.

use super::{Extension, ListItem};
use crate::ids::ExternalId;
use crate::value::{Date, Money};

words! {
    /// The owner of a goal: the client, the partner or both.
    GoalOwner {
        /// The client whose list it stands in.
        Client = "client", "Client";
        /// The partner of that client.
        Partner = "partner", "Partner";
        /// Both.
        Joint = "joint", "Joint";
    }
}

words! {
    /// The effect of reaching a goal on the household's money.
    Outlook {
        /// A negative amount in the CRM.
        WillHaveLessMoney = "will_have_less_money", "Will have less money";
        /// A positive amount in the CRM.
        WillHaveMoreMoney = "will_have_more_money", "Will have more money";
        /// No amount, or zero. Of an amount that cannot be read there is no outlook.
        NonFinancial = "non_financial", "Non-financial";
    }
}

words! {
    /// The status of a goal in the practice's work; the practice's own.
    GoalStatus {
        /// Not begun, as every goal is when it is first imported.
        ToDo = "to_do", "To-do";
        /// Begun.
        Doing = "doing", "Doing";
        /// Reached.
        Done = "done", "Done";
    }
}

words! {
    /// The interval at which a goal comes again; the practice's own, because the CRM does not tell.
    Recurrence {
        /// Every week.
        Weekly = "weekly", "Weekly";
        /// Every two weeks.
        Fortnightly = "fortnightly", "Fortnightly";
        /// Every month.
        Monthly = "monthly", "Monthly";
        /// Every three months.
        Quarterly = "quarterly", "Quarterly";
        /// Every six months.
        HalfYearly = "half_yearly", "Half-yearly";
        /// Every year.
        Yearly = "yearly", "Yearly";
    }
}

record! {
    /// Something a client wants to reach.
    Goal {
        /// The CRM's id, with the client's.
        external_id: ExternalId { label: "Goal ID" }
        /// The owner of the goal, seen from the client.
        owner: GoalOwner { label: "Owner" }
        /// The category's name.
        category: Option<String> { label: "Category", example: Some("Retirement") }
        /// The goal's name.
        name: Option<String> { label: "Name" }
        /// The date by which it is to be reached.
        target_date: Option<Date> { label: "Target date" }
        /// The amount without its sign.
        estimated_cost: Option<Money> { label: "Estimated cost" }
        /// The effect of reaching it on the household's money; null where the CRM's amount cannot be read.
        outlook: Option<Outlook> { label: "Outlook" }
        /// Fields that the pack adds.
        extensions: Vec<Extension> { label: "More from the pack" }
    }
}

record! {
    /// The values that the practice adds to a goal.
    #[derive(Copy)]
    GoalOwn {
        /// The status of the goal in the practice's work; to do when it is first imported.
        status: GoalStatus { label: "Status", is_editable: true }
        /// The interval at which the goal comes again; null for once.
        recurrence: Option<Recurrence> { label: "Recurrence", is_editable: true }
    }
}

impl Default for GoalOwn {
    fn default() -> Self {
        Self { status: GoalStatus::ToDo, recurrence: None }
    }
}

impl ListItem for Goal {
    type Own = GoalOwn;

    fn external_id(&self) -> &ExternalId {
        &self.external_id
    }

    fn label(&self) -> Option<String> {
        self.name.clone()
    }

    fn is_of_partner(&self) -> bool {
        matches!(self.owner, GoalOwner::Partner | GoalOwner::Joint)
    }
}
