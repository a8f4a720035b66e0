//! What people do to a book between two walks.

use proptest::prelude::*;
use proptest::sample::Index;
use xplan_sandbox::book::{Address, Contact, Cover, Goal, Money, Policy, Text};
use xplan_sandbox::{Admin, Client};

/// One change, to whichever client the index falls on.
#[derive(Debug, Clone)]
pub enum Edit {
    Change(Index, Change),
    /// Somebody new, with a partner or without.
    Add(Change, Option<Index>),
}

/// A change of one record.
#[derive(Debug, Clone)]
pub enum Change {
    FirstName(Option<&'static str>),
    LastName(Option<&'static str>),
    PreferredName(Option<&'static str>),
    Title(Option<&'static str>),
    Birth(Option<&'static str>),
    Sex(Option<&'static str>),
    Status(&'static str),
    EntityType(&'static str),
    Adviser(Option<u32>),
    Partner(Option<Index>),
    IsPartner(bool),
    /// The preferred email and all email contacts.
    Email(Option<&'static str>),
    /// The email of somebody else.
    SharedEmail(Index),
    /// The preferred telephone number and all telephone contacts.
    Phone(Option<(&'static str, &'static str)>),
    /// All goals: none, or what is left of them with this one in front.
    Goals(Option<(u32, &'static str, &'static str, &'static str)>),
    /// All policies: none, or what is left of them with this one in front.
    Policies(Option<(u32, &'static str, &'static str)>),
    Home(Option<(&'static str, &'static str, &'static str, &'static str, Option<&'static str>)>),
}

pub fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        9 => (any::<Index>(), change()).prop_map(|(who, what)| Edit::Change(who, what)),
        1 => (change(), prop::option::of(any::<Index>())).prop_map(|(what, partner)| Edit::Add(what, partner)),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let names = || {
        prop::option::weighted(
            0.9,
            prop::sample::select(vec!["Ayda", "O'Neil", "O&#39;Neil", "Ōpōtiki", "王", "  ", "Lee ", "N/A"]),
        )
    };
    let titles = prop::option::of(prop::sample::select(vec!["Mr", "MRS.", "doctor", "Sir", "Prof "]));
    let births = prop::sample::select(vec![
        "1964-02-29",
        "1963-02-29",
        "1899-12-29",
        "9061-05-17",
        "soon",
        "1961-03-14T14:00:00Z",
        "1990-12-31T13:00:00Z",
        "1961-03-14T12:34:00Z",
        "1971-2-3",
        "3/02/1971",
        "1900-01-01",
    ]);
    let sexes = prop::option::of(prop::sample::select(vec!["F", "male", "x", "?"]));
    let statuses = prop::sample::select(vec!["Client", "Prospect", "Archived", "Deceased", "Legacy"]);
    let kinds = prop::sample::select(vec!["individual", "Person", "trust"]);
    let emails = prop::sample::select(vec![
        "pat@example.com",
        "PAT@example.com",
        "none",
        "pat@example",
        "a b@example.com",
        "alex..lee@example.com",
        "none@none.com",
    ]);
    let phones = prop::sample::select(vec![
        ("mobile", "+61 491 570 156"),
        ("Mobile", "0011 64 21 555 0123"),
        ("mobile", "0491 570 156"),
        ("phone", "+61 2 5550 1234"),
        ("phone", "+61 (0)491 570 157"),
        ("mobile", "ask first"),
        ("mobile", "+61 491 5O0 156"),
        ("mobile", "Mobile: (+61) 491 570 158"),
        ("phone", "＋61 491 570 159 ext 7"),
    ]);
    let homes = prop::sample::select(vec![
        ("Unit 4, 12 High St", "Carlton", "Victoria", "3053", Some("Australia")),
        ("Level 2\n5 Queen St", " Te Aro ", "", "6011", Some("NZ")),
        ("1 Low St", "Darwin", "nt", "800", None),
        ("1 Low St", "Carlton", "VIC", "305", None),
        ("", "", "", "", None),
        ("7 Rue Haute", "Paris", "Île-de-France", "75001", Some("France")),
        ("9 Far Road", "Perth", "Wessex", "6000", Some("Nowhere")),
    ]);
    let goals = prop::sample::select(vec![
        (1, "client", "Sail round the cape", "-1.5E+5"),
        (1, "Joint", "Sail round the cape", "25000"),
        (2, "partner", " ", "0"),
        (3, "the dog", "Rest", "0.10"),
        (4, "client", "Mum &amp; Dad", "($1,250.50)"),
        (4, "client", "Mum &amp; Dad", "12,5"),
    ]);
    let policies = prop::sample::select(vec![
        (11, "client", "TPD"),
        (11, "partner", "Home & Contents"),
        (12, "Khan Family Trust", "Needlestick"),
        (12, "joint", "life"),
        (13, "client", "TPD (own occ)"),
        (13, "client", "Critical Illness - Std"),
    ]);
    prop_oneof![
        2 => prop::option::weighted(0.7, goals).prop_map(Change::Goals),
        2 => prop::option::weighted(0.7, policies).prop_map(Change::Policies),
        1 => names().prop_map(Change::FirstName),
        1 => names().prop_map(Change::LastName),
        1 => names().prop_map(Change::PreferredName),
        1 => titles.prop_map(Change::Title),
        1 => prop::option::of(births).prop_map(Change::Birth),
        1 => sexes.prop_map(Change::Sex),
        2 => statuses.prop_map(Change::Status),
        1 => kinds.prop_map(Change::EntityType),
        1 => prop::option::of(500..510_u32).prop_map(Change::Adviser),
        5 => prop::option::weighted(0.8, any::<Index>()).prop_map(Change::Partner),
        2 => any::<bool>().prop_map(Change::IsPartner),
        2 => prop::option::of(emails).prop_map(Change::Email),
        1 => any::<Index>().prop_map(Change::SharedEmail),
        2 => prop::option::of(phones).prop_map(Change::Phone),
        1 => prop::option::of(homes).prop_map(Change::Home),
    ]
}

impl Edit {
    /// Does it.
    pub fn apply(&self, crm: &Admin) {
        let ids: Vec<u32> = crm.book(|book| book.clients().map(|client| client.id).collect());
        let pick = |index: &Index| *index.get(&ids);
        match self {
            Self::Change(who, change) => {
                let with = change.with(crm, &pick);
                crm.edit(pick(who), |client| change.apply(client, with));
            }
            Self::Add(change, partner) => {
                let with = change.with(crm, &pick);
                let mut client = crm.book(|book| book.newcomer());
                client.partner_entity_id = partner.as_ref().map(pick);
                change.apply(&mut client, with);
                crm.add(client);
            }
        }
    }
}

/// The other client whom a change is about: id and email.
type With = Option<(u32, Option<Text>)>;

impl Change {
    fn with(&self, crm: &Admin, pick: &impl Fn(&Index) -> u32) -> With {
        let (Self::Partner(Some(other)) | Self::SharedEmail(other)) = self else { return None };
        let id = pick(other);
        Some((id, crm.client(id).and_then(|client| client.preferred_email)))
    }

    fn apply(&self, client: &mut Client, with: With) {
        let text = |text: &Option<&'static str>| text.map(Text::from);
        match self {
            Self::FirstName(name) => client.first_name = text(name),
            Self::LastName(name) => client.last_name = text(name),
            Self::PreferredName(name) => client.preferred_name = text(name),
            Self::Title(title) => client.title = text(title),
            Self::Birth(day) => client.dob = text(day),
            Self::Sex(sex) => client.sex = text(sex),
            Self::Status(status) => client.status = (*status).into(),
            Self::EntityType(kind) => client.entity_type = (*kind).into(),
            Self::Adviser(adviser) => client.client_adviser = *adviser,
            Self::Partner(_) => client.partner_entity_id = with.map(|(id, _)| id),
            Self::IsPartner(is_partner) => client.is_partner = *is_partner,
            Self::Email(email) => set_email(client, text(email)),
            Self::SharedEmail(_) => set_email(client, with.and_then(|(_, email)| email)),
            Self::Phone(phone) => {
                client.contacts.retain(is_email);
                client.preferred_phone = phone.map(|(_, number)| number.into());
                client.contacts.extend(phone.map(|(kind, number)| contact(1, kind, number.into())));
            }
            Self::Goals(row) => {
                client.goals.retain(|known| row.is_some_and(|(index, ..)| known.index != index));
                client.goals.splice(0..0, row.map(goal));
            }
            Self::Policies(row) => {
                client.policies.retain(|known| row.is_some_and(|(index, ..)| known.index != index));
                client.policies.splice(0..0, row.map(policy));
            }
            Self::Home(home) => client.addresses = home.iter().map(|home| address(*home)).collect(),
        }
    }
}

fn is_email(row: &Contact) -> bool {
    row.kind.eq_ignore_ascii_case("email")
}

fn set_email(client: &mut Client, email: Option<Text>) {
    client.contacts.retain(|row| !is_email(row));
    client.contacts.extend(email.clone().map(|email| contact(99, "email", email)));
    client.preferred_email = email;
}

fn goal((index, owner, name, cost): (u32, &'static str, &'static str, &'static str)) -> Goal {
    Goal {
        index,
        status: "2".into(),
        category: Some(5),
        description: Some(name.into()),
        owner: owner.into(),
        frequency: Some(12),
        target_date: Some("2040-02-29".into()),
        capture_date: None,
        target_amount: Some(Money { code: "AUD".into(), value: cost.into() }),
        xpt_external_id: None,
    }
}

/// A policy with two covers of the same type.
fn policy((index, owner, kind): (u32, &'static str, &'static str)) -> Policy {
    let cover = |status: &'static str, sum: &'static str| Cover {
        cover_type: kind.into(),
        sum_insured: Some(Money { code: "AUD".into(), value: sum.into() }),
        benefit_status: status.into(),
    };
    Policy {
        index,
        policy_number: Some("L-7".into()),
        underwriter: "KOWHAI".into(),
        underwriter_description: " ".into(),
        plan_name: None,
        policy_owners: vec![owner.into()],
        installment_premium: None,
        frequency_display: Some("Half-Yearly".into()),
        inception_date: None,
        renewal_date: Some("soon".into()),
        policy_to: Some("2031-06-30".into()),
        covers: vec![cover("Active", "1.25e5"), cover("Lapsed", "($100,000)")],
    }
}

fn contact(index: u32, kind: &'static str, value: Text) -> Contact {
    Contact { index, kind: kind.into(), value, preferred: true }
}

fn address(home: (&'static str, &'static str, &'static str, &'static str, Option<&'static str>)) -> Address {
    let (street, suburb, state, postcode, country) = home;
    Address {
        index: 1,
        kind: "residential".into(),
        street: street.into(),
        suburb: suburb.into(),
        state: state.into(),
        postcode: postcode.into(),
        country: country.map(Text::from),
        preferred: true,
    }
}
