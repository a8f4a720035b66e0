//! The fields that plugins read, and what the rules call them.

use crate::fields;

fields! {
    /// A client's row.
    pub enum ClientField {
        /// The entity's number; part of every row, not asked for.
        Id = "id",
        /// The list of the entity's statuses; part of every row, not asked for.
        Status = "status",
        /// Whether the entity is a person, a company or a trust.
        EntityType = "entity_type",
        /// The title by which the person is addressed.
        Title = "title",
        /// Given name.
        FirstName = "first_name",
        /// Middle names.
        MiddleName = "middle_name",
        /// Family name.
        LastName = "last_name",
        /// The name that the person likes to be called.
        PreferredName = "preferred_name",
        /// Date of birth.
        DateOfBirth = "date_of_birth",
        /// Sex.
        Sex = "sex",
        /// The preferred email address.
        Email = "email",
        /// The preferred telephone number.
        Phone = "phone",
        /// The adviser's number.
        Adviser = "adviser",
        /// The number of the adviser beside the primary one.
        SecondaryAdviser = "secondary_adviser",
        /// The partner's number.
        Partner = "partner",
        /// Whether the record is the partner's of a couple.
        IsPartner = "is_partner",
    }
}

impl ClientField {
    /// The number of the first fields that are part of every row and need not be asked for.
    pub const MEMBERS: usize = 2;
}

fields! {
    /// A row of a client's contact list.
    pub enum ContactField {
        /// The kind of contact.
        Type = "type",
        /// The number or address.
        Value = "value",
        /// Whether it is the preferred one.
        Preferred = "preferred",
    }
}

fields! {
    /// A row of a client's address list.
    pub enum AddressField {
        /// The kind of address.
        Type = "type",
        /// Street, with number and unit.
        Street = "street",
        /// Suburb or town.
        Suburb = "suburb",
        /// State or province.
        State = "state",
        /// Postcode.
        Postcode = "postcode",
        /// Country, as a code or a name.
        Country = "country",
        /// Whether it is the preferred one.
        Preferred = "preferred",
    }
}

fields! {
    /// A user's row.
    pub enum UserField {
        /// The user's number; part of every row, not asked for.
        Id = "id",
        /// Given name.
        FirstName = "first_name",
        /// Family name.
        LastName = "last_name",
        /// Email address.
        Email = "email",
    }
}

impl UserField {
    /// The number of the first fields that are part of every row and need not be asked for.
    pub const MEMBERS: usize = 1;
}

fields! {
    /// A row of a client's list of goals.
    pub enum GoalField {
        /// The row's number; part of every row.
        Id = "id",
        /// The owner of the goal.
        Owner = "owner",
        /// The category, as a code.
        Category = "category",
        /// The goal's name.
        Name = "name",
        /// The date by which it is to be reached.
        TargetDate = "target_date",
        /// The amount that it costs (below zero) or brings.
        EstimatedCost = "estimated_cost",
    }
}

fields! {
    /// A choice of a picklist.
    pub enum ChoiceField {
        /// The code that fields hold.
        Code = "code",
        /// The text that it stands for.
        Text = "text",
    }
}

fields! {
    /// A row of a client's list of insurance policies.
    pub enum PolicyField {
        /// The row's number; part of every row.
        Id = "id",
        /// The insurer's number of the policy.
        PolicyNumber = "policy_number",
        /// The insurer's name.
        Insurer = "insurer",
        /// The insurer's short name, where there is no name.
        InsurerCode = "insurer_code",
        /// The insurer's name of the plan.
        PlanName = "plan_name",
        /// The owner of the policy: a list, or one word.
        Owners = "owners",
        /// The premium of the whole policy.
        Premium = "premium",
        /// The interval at which the premium falls due.
        PremiumFrequency = "premium_frequency",
        /// The date on which it is next renewed.
        RenewalDate = "renewal_date",
        /// The day on which it ends.
        PolicyTo = "policy_to",
        /// The list of its covers.
        Covers = "covers",
    }
}

fields! {
    /// A cover of a policy.
    pub enum CoverField {
        /// The cover's number, where it has one.
        Id = "id",
        /// The risk that it insures against, in the site's words.
        Type = "type",
        /// The sum insured.
        SumInsured = "sum_insured",
        /// The premium of this cover alone, where it is told.
        Premium = "premium",
        /// The status of the cover with the insurer.
        Status = "status",
    }
}
