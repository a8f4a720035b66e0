//! Covers of insurance policies.

use super::{Extension, ListItem};
use crate::ids::ExternalId;
use crate::value::{Date, Money};

words! {
    /// The risk that a cover insures against.
    CoverType {
        /// Life.
        Life = "life", "Life";
        /// Total and permanent disability.
        TotalAndPermanentDisability = "total_and_permanent_disability", "Total and permanent disability";
        /// Income protection.
        IncomeProtection = "income_protection", "Income protection";
        /// Trauma or critical illness.
        Trauma = "trauma", "Trauma or critical illness";
        /// General insurance: home, contents, motor.
        General = "general", "General insurance";
        /// A type that the pack's table does not know.
        Other = "other", "Other";
    }
}

words! {
    /// The interval at which a premium falls due.
    PremiumFrequency {
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

words! {
    /// The owner of a policy.
    CoverOwner {
        /// The client whose list it stands in.
        Client = "client", "Client";
        /// The partner of that client.
        Partner = "partner", "Partner";
        /// Both.
        Joint = "joint", "Joint";
        /// Somebody else: a trust, a company, a fund.
        Other = "other", "Other";
    }
}

record! {
    /// One cover of an insurance policy.
    Cover {
        /// The CRM's id: the client's, the policy's and the cover's.
        external_id: ExternalId { label: "Cover ID" }
        /// The insurer's number of the policy; covers of one policy share it.
        policy_number: Option<String> { label: "Policy number" }
        /// The risk that it insures against.
        cover_type as "type": CoverType { label: "Type" }
        /// The CRM's own word for the type.
        type_as_given: Option<String> { label: "Type in the CRM" }
        /// The insurer's name.
        insurer: Option<String> { label: "Insurer" }
        /// The insurer's name of the plan.
        plan_name: Option<String> { label: "Plan name" }
        /// The sum insured.
        sum_insured: Option<Money> { label: "Sum insured" }
        /// The premium of the cover, or of the whole policy where the CRM tells no other.
        premium: Option<Money> { label: "Premium" }
        /// The interval at which the premium falls due.
        premium_frequency: Option<PremiumFrequency> { label: "Premium frequency" }
        /// The owner of the policy, seen from the client.
        owner: CoverOwner { label: "Owner" }
        /// The date on which it comes up for renewal.
        renewal_date: Option<Date> { label: "Renewal date" }
        /// The calendar year in which the policy ends.
        end_year: Option<u16> { label: "End year" }
        /// Whether the policy had ended on the day of the mapping.
        expired: bool { label: "Expired" }
        /// Fields that the pack adds.
        extensions: Vec<Extension> { label: "More from the pack" }
    }
}

impl ListItem for Cover {
    type Own = ();

    fn external_id(&self) -> &ExternalId {
        &self.external_id
    }

    fn label(&self) -> Option<String> {
        let parts: Vec<&str> =
            [&self.type_as_given, &self.policy_number].into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    fn is_of_partner(&self) -> bool {
        matches!(self.owner, CoverOwner::Partner | CoverOwner::Joint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_knows_a_cover_by_its_type_and_policy() {
        let check = |given: Option<&str>, policy: Option<&str>, expected: Option<&str>| {
            let cover = Cover {
                external_id: ExternalId("7/1".to_owned()),
                policy_number: policy.map(str::to_owned),
                cover_type: CoverType::Other,
                type_as_given: given.map(str::to_owned),
                insurer: None,
                plan_name: None,
                sum_insured: None,
                premium: None,
                premium_frequency: None,
                owner: CoverOwner::Client,
                renewal_date: None,
                end_year: None,
                expired: false,
                extensions: Vec::new(),
            };
            assert_eq!(cover.label().as_deref(), expected);
        };
        check(Some("Term Life"), Some("L-1"), Some("Term Life, L-1"));
        check(None, Some("L-1"), Some("L-1"));
        check(None, None, None);
    }
}
