//! People: those whom the practice advises, and its professionals.

use super::{Extension, RecordKind};
use crate::field::{Section, ValueType};
use crate::ids::ExternalId;
use crate::value::{CountryCode, Date, E164, EmailAddress};

words! {
    /// The title a person is addressed by; the six that the practice knows.
    Title {
        /// Mr
        Mr = "Mr", "Mr";
        /// Mrs
        Mrs = "Mrs", "Mrs";
        /// Ms
        Ms = "Ms", "Ms";
        /// Miss
        Miss = "Miss", "Miss";
        /// Dr
        Dr = "Dr", "Dr";
        /// Prof
        Prof = "Prof", "Prof";
    }
}

words! {
    /// A person's sex as the CRM records it.
    Sex {
        /// Female.
        Female = "female", "Female";
        /// Male.
        Male = "male", "Male";
        /// Recorded as neither.
        Other = "other", "Other";
    }
}

words! {
    /// The status of a person among the practice's relations, as the CRM counts it.
    ClientStatus {
        /// A client.
        Client = "client", "Client";
        /// A person who may become a client.
        Prospect = "prospect", "Prospect";
        /// A contact only.
        Contact = "contact", "Contact";
        /// A member of a group plan.
        GroupPlanMember = "group_plan_member", "Group plan member";
        /// No longer served.
        Archived = "archived", "Archived";
        /// A person who has died.
        Deceased = "deceased", "Deceased";
        /// Anything else.
        Other = "other", "Other";
    }
}

record! {
    /// A professional of the practice who is a user in the CRM.
    Adviser {
        /// The CRM's id.
        external_id: ExternalId { label: "Adviser ID" }
        /// First name.
        first_name: Option<String> { label: "First name" }
        /// Last name.
        last_name: Option<String> { label: "Last name" }
        /// Email.
        email: Option<EmailAddress> { label: "Email" }
        /// False for a user who can no longer sign in to the CRM.
        active: bool { label: "Active" }
    }
}

record! {
    /// A person whom the practice advises.
    Client {
        /// The CRM's id; null for a client made in the practice and not linked to the CRM.
        external_id: ExternalId { label: "Client ID", section: Some(Section::InCrm), is_optional: true }
        /// The title by which the person is addressed.
        title: Option<Title> { label: "Title", section: Some(Section::Person), is_editable: true }
        /// First name.
        first_name: Option<String> { label: "First name", section: Some(Section::Person), is_editable: true }
        /// Middle name.
        middle_name: Option<String> { label: "Middle name", section: Some(Section::Person), is_editable: true }
        /// Last name.
        last_name: Option<String> { label: "Last name", section: Some(Section::Person), is_editable: true }
        /// The name the person goes by.
        preferred_name: Option<String> { label: "Preferred name", section: Some(Section::Person), is_editable: true }
        /// Date of birth.
        date_of_birth: Option<Date> { label: "Date of birth", section: Some(Section::Person), is_editable: true }
        /// Sex as the CRM records it.
        sex: Option<Sex> { label: "Sex", section: Some(Section::Person), is_editable: true }
        /// The street, or the unit or level in it.
        address_line_1: Option<String> { label: "Address line 1", section: Some(Section::Address), is_editable: true }
        /// The street where the first line is a unit or level.
        address_line_2: Option<String> { label: "Address line 2", section: Some(Section::Address), is_editable: true }
        /// Suburb, town or city.
        suburb: Option<String> { label: "Suburb or town", section: Some(Section::Address), is_editable: true }
        /// The region's state code where it has states.
        state: Option<String> {
            label: "State, province or county", section: Some(Section::Address), is_editable: true, example: Some("VIC"),
        }
        /// Postcode.
        postcode: Option<String> {
            label: "Postcode", section: Some(Section::Address), is_editable: true, example: Some("3053"),
        }
        /// ISO 3166-1 alpha-2.
        country_code: Option<CountryCode> {
            label: "Country code", section: Some(Section::Address), is_editable: true, example: Some("AU"),
        }
        /// The preferred email, or a placeholder.
        email: Option<EmailAddress> { label: "Email", section: Some(Section::Contact), is_editable: true }
        /// True where `email` was made up because the CRM has none; nothing is ever sent there.
        email_is_placeholder: bool { label: "Placeholder email" }
        /// E.164, a mobile line.
        mobile: Option<E164> {
            label: "Mobile", section: Some(Section::Contact), is_editable: true, example: Some("+61491570156"),
        }
        /// The adviser's id in the CRM.
        adviser_external_id: Option<ExternalId> {
            label: "Adviser", section: Some(Section::InCrm), value: ValueType::Id(RecordKind::Adviser),
        }
        /// The id in the CRM of the adviser who stands beside the primary one.
        secondary_adviser_external_id: Option<ExternalId> {
            label: "Secondary adviser", section: Some(Section::InCrm), value: ValueType::Id(RecordKind::Adviser),
        }
        /// The partner's id in the CRM.
        partner_external_id: Option<ExternalId> {
            label: "Partner", section: Some(Section::InCrm), value: ValueType::Id(RecordKind::Client),
        }
        /// True for the partner of a couple, false for its primary and for a single person.
        is_partner: bool { label: "Is partner", section: Some(Section::InCrm) }
        /// The person's status among the practice's relations, as the CRM counts it.
        status: ClientStatus { label: "Status", section: Some(Section::InCrm) }
        /// Fields that the pack adds.
        extensions: Vec<Extension> { label: "More from the pack" }
    }
}

impl Client {
    /// A client of whom only the id and the status are known.
    pub fn unnamed(external_id: ExternalId, status: ClientStatus) -> Self {
        Self {
            external_id,
            title: None,
            first_name: None,
            middle_name: None,
            last_name: None,
            preferred_name: None,
            date_of_birth: None,
            sex: None,
            address_line_1: None,
            address_line_2: None,
            suburb: None,
            state: None,
            postcode: None,
            country_code: None,
            email: None,
            email_is_placeholder: false,
            mobile: None,
            adviser_external_id: None,
            secondary_adviser_external_id: None,
            partner_external_id: None,
            is_partner: false,
            status,
            extensions: Vec::new(),
        }
    }

    /// First and last name, or whichever there is; without either, the preferred or the middle name. Empty where there
    /// is none at all.
    pub fn full_name(&self) -> String {
        let full = [self.first_name.as_deref(), self.last_name.as_deref()].into_iter().flatten();
        let full = full.collect::<Vec<_>>().join(" ");
        let other = || self.preferred_name.clone().or_else(|| self.middle_name.clone());
        if full.is_empty() { other().unwrap_or_default() } else { full }
    }
}
