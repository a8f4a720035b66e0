//! Candidates of one raw record, parsed field by field.

use super::{Ids, wit};
use crate::domain::extension::PREFIX;
use crate::domain::field::FieldValue;
use crate::domain::placeholder;
use crate::domain::record::{self, Extension};
use crate::domain::record::{Cover, Goal};
use crate::domain::{Adviser, Canonical, Client, Diagnostic, EmailAddress, ExternalId, Money, RecordKind};
use crate::pack::text;

/// Fields that a pack may add to one record.
const MOST_EXTENSIONS: usize = 50;

/// The contract's word for a kind.
pub(super) fn wit_kind(kind: RecordKind) -> wit::RecordKind {
    match kind {
        RecordKind::Adviser => wit::RecordKind::Adviser,
        RecordKind::Client => wit::RecordKind::Client,
        RecordKind::Goal => wit::RecordKind::Goal,
        RecordKind::Cover => wit::RecordKind::Cover,
    }
}

/// The record being parsed, and what was said about it so far.
pub(super) struct Candidate<'a> {
    diagnostics: Vec<Diagnostic>,
    /// The domain of made-up email addresses.
    placeholder_domain: &'a str,
    /// The text before the field's name: `goals[0].`, or nothing.
    place: String,
}

impl<'a> Candidate<'a> {
    /// A candidate with the diagnostics of the plugin itself.
    pub(super) fn new(diagnostics: Vec<Diagnostic>, placeholder_domain: &'a str) -> Self {
        Self { diagnostics, placeholder_domain, place: String::new() }
    }

    /// Makes diagnostics that follow be about this record of a list.
    pub(super) fn enter(&mut self, kind: RecordKind, index: usize) {
        self.place = format!("{}[{index}].", kind.plural());
    }

    /// The plugin's diagnostics, and those about what had to be left out here.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// A record of the contract as the domain knows it.
    ///
    /// # Errors
    /// Says what of its kind or id cannot be.
    pub(super) fn record(&mut self, ids: &mut Ids<'_>, record: wit::Canonical) -> Result<Canonical, String> {
        Ok(match record {
            wit::Canonical::Adviser(adviser) => {
                Canonical::Adviser(self.adviser(ids.take(RecordKind::Adviser, &adviser.external_id)?, adviser))
            }
            wit::Canonical::Client(client) => {
                Canonical::Client(self.client(ids.take(RecordKind::Client, &client.external_id)?, client))
            }
            wit::Canonical::Goal(goal) => {
                Canonical::Goal(self.goal(ids.take(RecordKind::Goal, &goal.external_id)?, goal))
            }
            wit::Canonical::Cover(cover) => {
                Canonical::Cover(self.cover(ids.take(RecordKind::Cover, &cover.external_id)?, cover))
            }
        })
    }

    fn adviser(&mut self, external_id: ExternalId, adviser: wit::Adviser) -> Adviser {
        Adviser {
            external_id,
            first_name: self.text("first_name", adviser.first_name),
            last_name: self.text("last_name", adviser.last_name),
            email: self.email(adviser.email),
            active: adviser.active,
        }
    }

    fn client(&mut self, external_id: ExternalId, client: wit::Client) -> Client {
        let is_given = client.email.is_some();
        let mut email = self.email(client.email);
        let mut is_placeholder = client.email_is_placeholder && email.is_some();
        if is_given && email.is_none() {
            email = self.made_up(&external_id);
            is_placeholder = email.is_some();
        }
        let partner_external_id = self.partner(&external_id, client.partner_external_id);
        Client {
            external_id,
            title: client.title.map(title),
            first_name: self.text("first_name", client.first_name),
            middle_name: self.text("middle_name", client.middle_name),
            last_name: self.text("last_name", client.last_name),
            preferred_name: self.text("preferred_name", client.preferred_name),
            date_of_birth: self.parsed("date_of_birth", client.date_of_birth),
            sex: client.sex.map(sex),
            address_line_1: self.text("address_line_1", client.address_line_1),
            address_line_2: self.text("address_line_2", client.address_line_2),
            suburb: self.text("suburb", client.suburb),
            state: self.text("state", client.state),
            postcode: self.text("postcode", client.postcode),
            country_code: self.parsed("country_code", client.country_code),
            email_is_placeholder: is_placeholder,
            email,
            mobile: self.parsed("mobile", client.mobile),
            adviser_external_id: self
                .text("adviser_external_id", client.adviser_external_id)
                .map(|id| ExternalId::of_crm(&id)),
            secondary_adviser_external_id: self
                .text("secondary_adviser_external_id", client.secondary_adviser_external_id)
                .map(|id| ExternalId::of_crm(&id)),
            partner_external_id,
            is_partner: client.is_partner,
            status: status(client.status),
            extensions: self.extensions(client.extensions),
        }
    }

    fn goal(&mut self, external_id: ExternalId, goal: wit::Goal) -> Goal {
        Goal {
            external_id,
            owner: match goal.owner {
                wit::GoalOwner::Client => record::GoalOwner::Client,
                wit::GoalOwner::Partner => record::GoalOwner::Partner,
                wit::GoalOwner::Joint => record::GoalOwner::Joint,
            },
            category: self.text("category", goal.category),
            name: self.text("name", goal.name),
            target_date: self.parsed("target_date", goal.target_date),
            estimated_cost: self.money("estimated_cost", goal.estimated_cost),
            outlook: goal.outlook.map(outlook),
            extensions: self.extensions(goal.extensions),
        }
    }

    fn cover(&mut self, external_id: ExternalId, cover: wit::Cover) -> Cover {
        Cover {
            external_id,
            policy_number: self.text("policy_number", cover.policy_number),
            cover_type: cover_type(cover.type_),
            type_as_given: self.text("type_as_given", cover.type_as_given),
            insurer: self.text("insurer", cover.insurer),
            plan_name: self.text("plan_name", cover.plan_name),
            sum_insured: self.money("sum_insured", cover.sum_insured),
            premium: self.money("premium", cover.premium),
            premium_frequency: cover.premium_frequency.map(frequency),
            owner: match cover.owner {
                wit::CoverOwner::Client => record::CoverOwner::Client,
                wit::CoverOwner::Partner => record::CoverOwner::Partner,
                wit::CoverOwner::Joint => record::CoverOwner::Joint,
                wit::CoverOwner::Other => record::CoverOwner::Other,
            },
            renewal_date: self.parsed("renewal_date", cover.renewal_date),
            end_year: cover.end_year.and_then(|year| self.read("end_year", &year.to_string())),
            expired: cover.expired,
            extensions: self.extensions(cover.extensions),
        }
    }

    fn warn(&mut self, field: &str, code: &str, message: String) {
        self.diagnostics.push(Diagnostic::warning(&format!("{}{field}", self.place), code, message));
    }

    fn text(&mut self, field: &str, candidate: Option<String>) -> Option<String> {
        let clean = text::value(candidate?, text::VALUE);
        if clean.cut {
            let kept = text::VALUE;
            self.warn(field, "too-long", format!("The value is very long; its first {kept} characters were kept."));
        }
        if clean.stripped {
            let words = "Characters that nobody sees, such as controls, were taken out of the value.".to_owned();
            self.diagnostics.push(Diagnostic::info(&format!("{}{field}", self.place), "unseen-characters", words));
        }
        Some(clean.text).filter(|text| !text.is_empty())
    }

    /// A value that its type reads.
    fn parsed<T: FieldValue>(&mut self, field: &str, candidate: Option<String>) -> Option<T> {
        let text = self.text(field, candidate)?;
        self.read(field, &text)
    }

    fn read<T: FieldValue>(&mut self, field: &str, text: &str) -> Option<T> {
        match T::parse(text) {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.warn(field, "not-usable", format!("{invalid}; the value was left out."));
                None
            }
        }
    }

    fn email(&mut self, candidate: Option<String>) -> Option<EmailAddress> {
        self.parsed("email", candidate)
    }

    /// An address of the client's number, where the plugin's was refused: it would have made one up had it known, and
    /// everybody needs one.
    fn made_up(&mut self, id: &ExternalId) -> Option<EmailAddress> {
        let made_up = placeholder::of_id(id, self.placeholder_domain)?;
        let message = "The address that was mapped cannot be used; a placeholder was made up, and nothing is ever sent \
                       to it.";
        self.diagnostics.push(Diagnostic::info("email", "placeholder-email", message.to_owned()));
        Some(made_up)
    }

    fn money(&mut self, field: &str, candidate: Option<wit::Money>) -> Option<Money> {
        let wit::Money { amount, currency } = candidate?;
        self.read(field, &format!("{amount} {currency}"))
    }

    fn partner(&mut self, own: &ExternalId, candidate: Option<String>) -> Option<ExternalId> {
        let partner = ExternalId::of_crm(&self.text("partner_external_id", candidate)?);
        if partner != *own {
            return Some(partner);
        }
        let message = "The record names itself as its partner; the link was left out.".to_owned();
        self.warn("partner_external_id", "own-partner", message);
        None
    }

    fn extensions(&mut self, candidates: Vec<wit::Extension>) -> Vec<Extension> {
        let mut kept: Vec<Extension> = Vec::with_capacity(candidates.len().min(MOST_EXTENSIONS));
        for candidate in candidates {
            let is_usable = text::is_field_name(&candidate.name)
                && kept.len() < MOST_EXTENSIONS
                && kept.iter().all(|extension| extension.name != candidate.name);
            if !is_usable {
                let name: String = candidate.name.escape_debug().take(100).collect();
                let message = format!(
                    "The added field `{name}` was left out: names are snake_case, unique and at most \
                     {MOST_EXTENSIONS} a record."
                );
                self.warn("extensions", "unusable-extension", message);
            } else if let Some(value) = self.text(&format!("{PREFIX}{}", candidate.name), Some(candidate.value)) {
                // The pack's declaration says what is sensitive.
                kept.push(Extension { name: candidate.name, value, sensitive: false });
            }
        }
        kept
    }
}

fn title(title: wit::Title) -> record::Title {
    match title {
        wit::Title::Mr => record::Title::Mr,
        wit::Title::Mrs => record::Title::Mrs,
        wit::Title::Ms => record::Title::Ms,
        wit::Title::Miss => record::Title::Miss,
        wit::Title::Dr => record::Title::Dr,
        wit::Title::Prof => record::Title::Prof,
    }
}

fn sex(sex: wit::Sex) -> record::Sex {
    match sex {
        wit::Sex::Female => record::Sex::Female,
        wit::Sex::Male => record::Sex::Male,
        wit::Sex::Other => record::Sex::Other,
    }
}

fn status(status: wit::ClientStatus) -> record::ClientStatus {
    match status {
        wit::ClientStatus::Client => record::ClientStatus::Client,
        wit::ClientStatus::Prospect => record::ClientStatus::Prospect,
        wit::ClientStatus::Contact => record::ClientStatus::Contact,
        wit::ClientStatus::GroupPlanMember => record::ClientStatus::GroupPlanMember,
        wit::ClientStatus::Archived => record::ClientStatus::Archived,
        wit::ClientStatus::Deceased => record::ClientStatus::Deceased,
        wit::ClientStatus::Other => record::ClientStatus::Other,
    }
}

fn outlook(outlook: wit::Outlook) -> record::Outlook {
    match outlook {
        wit::Outlook::WillHaveLessMoney => record::Outlook::WillHaveLessMoney,
        wit::Outlook::WillHaveMoreMoney => record::Outlook::WillHaveMoreMoney,
        wit::Outlook::NonFinancial => record::Outlook::NonFinancial,
    }
}

fn cover_type(cover_type: wit::CoverType) -> record::CoverType {
    match cover_type {
        wit::CoverType::Life => record::CoverType::Life,
        wit::CoverType::TotalAndPermanentDisability => record::CoverType::TotalAndPermanentDisability,
        wit::CoverType::IncomeProtection => record::CoverType::IncomeProtection,
        wit::CoverType::Trauma => record::CoverType::Trauma,
        wit::CoverType::General => record::CoverType::General,
        wit::CoverType::Other => record::CoverType::Other,
    }
}

fn frequency(frequency: wit::PremiumFrequency) -> record::PremiumFrequency {
    match frequency {
        wit::PremiumFrequency::Weekly => record::PremiumFrequency::Weekly,
        wit::PremiumFrequency::Fortnightly => record::PremiumFrequency::Fortnightly,
        wit::PremiumFrequency::Monthly => record::PremiumFrequency::Monthly,
        wit::PremiumFrequency::Quarterly => record::PremiumFrequency::Quarterly,
        wit::PremiumFrequency::HalfYearly => record::PremiumFrequency::HalfYearly,
        wit::PremiumFrequency::Yearly => record::PremiumFrequency::Yearly,
    }
}
