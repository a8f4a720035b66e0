//! Goals and covers of a household's people, a section of cards for each kind, and the form for what the practice adds
//! to a goal.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;

use crate::app::App;
use crate::domain::declaration::{ExtensionField, Shown};
use crate::domain::listed::Listed;
use crate::domain::record::{Cover, Extension, Goal};
use crate::domain::record::{
    CoverOwner, CoverType, GoalOwner, GoalStatus, ListItem, Outlook, PremiumFrequency, Recurrence,
};
use crate::domain::stored::{StoredClient, StoredListed};
use crate::domain::{ClientId, RecordKind, Severity, with_listed};
use crate::store::StoreError;
use crate::store::book::{ClientList, HouseholdRow};
use crate::web::components::{Badge, Clock, Finding, Moment, Tone};
use crate::web::format;

use super::fields::{self, Added};

/// The lists of a household's people, one a kind.
pub(in crate::web) struct Found {
    /// The lists, kind by kind.
    pub(in crate::web) lists: Vec<Box<dyn OfKind>>,
    /// The clients whose lists are among these though they left the book.
    pub(in crate::web) departed: Vec<StoredClient>,
    /// Whether the person who looks may change what the practice adds to goals.
    pub(in crate::web) may_change: bool,
    /// The fields that the pack in force adds to goals and covers.
    pub(in crate::web) added: BTreeMap<RecordKind, Vec<ExtensionField>>,
}

impl Found {
    /// Reads the lists.
    pub(in crate::web) async fn read(app: &App, of: &HouseholdRow, may_change: bool) -> Result<Self, StoreError> {
        let id = of.household.id;
        let mut lists: Vec<Box<dyn OfKind>> = Vec::new();
        for kind in RecordKind::LISTED {
            let of_kind: Option<Box<dyn OfKind>> =
                with_listed!(*kind, Item => Box::new(OfHousehold(app.store.lists_of_household::<Item>(id).await?)));
            lists.extend(of_kind);
        }
        Ok(Self { lists, departed: app.store.departed(id).await?, may_change, added: BTreeMap::new() })
    }
}

/// The lists of one kind of a household's people.
pub(in crate::web) struct OfHousehold<T: ListItem>(pub(in crate::web) Vec<ClientList<T>>);

/// Lists of one kind that have a section on the household's page.
pub(in crate::web) trait OfKind: Send + Sync {
    /// The section.
    fn section(&self, seen: &Seen<'_>) -> Box<dyn fmt::Display + Send>;
}

/// The context of a section beside its lists.
pub(in crate::web) struct Seen<'a> {
    people: People<'a>,
    crm: &'a str,
    may_change: bool,
    clock: &'a Clock,
    added: &'a BTreeMap<RecordKind, Vec<ExtensionField>>,
}

impl Seen<'_> {
    /// What a pack added to a record, with its labels.
    fn added(&self, kind: RecordKind, of: &[Extension]) -> Vec<(Cow<'static, str>, String)> {
        let declared = self.added.get(&kind).map_or(&[][..], Vec::as_slice);
        let is_there = |(shown, added): &(Shown, Added)| *shown != Shown::Nowhere && !added.value.is_empty();
        let pair = |(_, added): (Shown, Added)| (Cow::Owned(added.label), added.value);
        fields::added(of, declared).into_iter().filter(is_there).map(pair).collect()
    }
}

/// The sections of the page, one a kind.
pub(in crate::web) struct Lists(Vec<Box<dyn fmt::Display + Send>>);

impl Lists {
    /// The sections, from values alone.
    pub(super) fn new(found: &Found, people: &[StoredClient], crm: &str, clock: &Clock) -> Self {
        let people = People { here: people, departed: &found.departed };
        let seen = Seen { people, crm, may_change: found.may_change, clock, added: &found.added };
        Self(found.lists.iter().map(|lists| lists.section(&seen)).collect())
    }
}

impl fmt::Display for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|section| writeln!(f, "{section}"))
    }
}

impl HtmlSafe for Lists {}

/// The goals of a household.
#[derive(Template)]
#[template(path = "components/goals.html")]
struct Goals {
    crm: String,
    may_change: bool,
    goals: Vec<GoalCard>,
    findings: Vec<Finding>,
}

impl OfKind for OfHousehold<Goal> {
    fn section(&self, seen: &Seen<'_>) -> Box<dyn fmt::Display + Send> {
        let goals = self.0.iter().flat_map(|list| &list.items);
        Box::new(Goals {
            crm: seen.crm.to_owned(),
            may_change: seen.may_change,
            goals: goals.map(|goal| goal_card(goal, seen)).collect(),
            findings: of_lists(&self.0),
        })
    }
}

/// The insurance of a household.
#[derive(Template)]
#[template(path = "components/covers.html")]
struct Covers {
    crm: String,
    policies: Vec<Policy>,
    findings: Vec<Finding>,
}

impl OfKind for OfHousehold<Cover> {
    fn section(&self, seen: &Seen<'_>) -> Box<dyn fmt::Display + Send> {
        Box::new(Covers {
            crm: seen.crm.to_owned(),
            policies: self.0.iter().flat_map(|list| policies(&list.items, seen)).collect(),
            findings: of_lists(&self.0),
        })
    }
}

/// One goal.
struct GoalCard {
    id: String,
    name: String,
    badges: Vec<Badge>,
    gone: Option<Moment>,
    /// The CRM's list did not show it when it was read last.
    is_missed: bool,
    fields: Vec<(Cow<'static, str>, String)>,
    findings: Vec<Finding>,
    statuses: Vec<Choice>,
    recurrences: Vec<Choice>,
    /// The practice's own values in words, for people who may not change them.
    own: String,
    explain: String,
}

/// One thing to choose.
struct Choice {
    value: &'static str,
    word: String,
    is_chosen: bool,
}

/// The covers that share a policy's number.
struct Policy {
    heading: String,
    note: Option<String>,
    cards: Vec<CoverCard>,
}

/// One cover.
struct CoverCard {
    id: String,
    name: String,
    badges: Vec<Badge>,
    gone: Option<Moment>,
    /// The CRM's list did not show it when it was read last.
    is_missed: bool,
    fields: Vec<(Cow<'static, str>, String)>,
    findings: Vec<Finding>,
    explain: String,
}

/// The people whom an owner may mean, seen from a client.
struct People<'a> {
    here: &'a [StoredClient],
    departed: &'a [StoredClient],
}

impl People<'_> {
    fn name(&self, of: ClientId) -> String {
        let person = self.here.iter().chain(self.departed).find(|person| person.id == of);
        person.map_or_else(|| "The client".to_owned(), |person| format::name(&person.client.full_name()))
    }

    fn partner(&self, of: ClientId) -> String {
        let other = self.here.iter().chain(self.departed).find(|person| person.id != of);
        let name = |person: &StoredClient| format::name(&person.client.full_name());
        other.map_or_else(|| format!("The partner of {}", self.name(of)), name)
    }

    /// The client whose record it is, where they are not in the household any more.
    fn record_of(&self, of: ClientId) -> Option<(Cow<'static, str>, String)> {
        let is_departed = self.departed.iter().any(|person| person.id == of);
        is_departed
            .then(|| ("Stands in the record of".into(), format!("{}, who is no longer in the book", self.name(of))))
    }
}

fn of_lists<T: ListItem>(lists: &[ClientList<T>]) -> Vec<Finding> {
    lists.iter().flat_map(|list| &list.diagnostics).map(Finding::from).collect()
}

fn goal_card(stored: &StoredListed<Goal>, seen: &Seen<'_>) -> GoalCard {
    let Seen { people, clock, .. } = seen;
    let (goal, own) = (&stored.listed.value, stored.listed.own);
    let tone = match own.status {
        GoalStatus::ToDo => Tone::Neutral,
        GoalStatus::Doing => Tone::Attention,
        GoalStatus::Done => Tone::Good,
    };
    let owner = match goal.owner {
        GoalOwner::Client => people.name(stored.client_id),
        GoalOwner::Partner => people.partner(stored.client_id),
        GoalOwner::Joint => "Joint".to_owned(),
    };
    let recurrence = |choice: Option<Recurrence>| Choice {
        value: choice.map_or("", Recurrence::as_str),
        word: choice.map_or("Once", Recurrence::label).to_owned(),
        is_chosen: own.recurrence == choice,
    };
    let recurrences = [None].into_iter().chain(Recurrence::ALL.iter().copied().map(Some));
    let mut fields = filled([
        ("Owner", Some(owner)),
        ("Category", goal.category.clone()),
        ("Target date", goal.target_date.map(format::date)),
        ("Estimated cost", goal.estimated_cost.as_ref().map(format::money)),
        ("Outlook", Some(goal.outlook.map_or("Not known", Outlook::label).to_owned())),
    ]);
    fields.extend(seen.added(RecordKind::Goal, &goal.extensions));
    fields.extend(people.record_of(stored.client_id));
    let recurs = own.recurrence.map(|word| format!(", {}", word.as_str().replace('_', "-")));
    GoalCard {
        id: stored.listed.id.to_string(),
        name: goal.name.clone().unwrap_or_else(|| "Goal without a name".to_owned()),
        badges: [Some(Badge::new(tone, own.status.label())), gone_badge(&stored.listed)]
            .into_iter()
            .flatten()
            .collect(),
        gone: stored.listed.gone_since.map(|since| Moment::new(since, clock)),
        is_missed: stored.is_missed,
        fields,
        findings: findings(&stored.listed),
        statuses: GoalStatus::ALL
            .iter()
            .map(|choice| Choice {
                value: choice.as_str(),
                word: choice.label().to_owned(),
                is_chosen: *choice == own.status,
            })
            .collect(),
        recurrences: recurrences.map(recurrence).collect(),
        own: format!("{}{}", own.status.label(), recurs.unwrap_or_default()),
        explain: format!(
            "/households/{}/clients/{}/explain?goal={}",
            stored.household_id, stored.client_id, stored.listed.id
        ),
    }
}

/// Covers of one client by policy; those without a number stand alone.
fn policies(covers: &[StoredListed<Cover>], seen: &Seen<'_>) -> Vec<Policy> {
    let mut policies: Vec<(Option<&str>, Vec<&StoredListed<Cover>>)> = Vec::new();
    for cover in covers {
        let number = cover.listed.value.policy_number.as_deref();
        match policies.iter_mut().find(|(known, _)| known.is_some() && *known == number) {
            Some((_, covers)) => covers.push(cover),
            None => policies.push((number, vec![cover])),
        }
    }
    let policy = |(number, covers): (Option<&str>, Vec<&StoredListed<Cover>>)| {
        let first = &covers[0].listed.value;
        let named = [first.insurer.as_deref(), first.plan_name.as_deref()].into_iter().flatten();
        let policy = number.map_or("Policy without a number".to_owned(), |number| format!("Policy {number}"));
        Policy {
            heading: named.fold(policy, |heading, named| format!("{heading}, {named}")),
            note: (covers.len() > 1).then(|| format!("{} covers belong to this policy.", covers.len())),
            cards: covers.into_iter().map(|cover| cover_card(cover, seen)).collect(),
        }
    };
    policies.into_iter().map(policy).collect()
}

fn cover_card(stored: &StoredListed<Cover>, seen: &Seen<'_>) -> CoverCard {
    let Seen { people, clock, .. } = seen;
    let cover = &stored.listed.value;
    let owner = match cover.owner {
        CoverOwner::Client => people.name(stored.client_id),
        CoverOwner::Partner => people.partner(stored.client_id),
        CoverOwner::Joint => "Joint".to_owned(),
        CoverOwner::Other => "Another party".to_owned(),
    };
    let premium = cover.premium.as_ref().map(|premium| match cover.premium_frequency {
        Some(frequency) => format!("{} {}", format::money(premium), every(frequency)),
        None => format::money(premium),
    });
    let given = cover.type_as_given.clone();
    let unknown = (cover.cover_type == CoverType::Other).then(|| Badge::new(Tone::Attention, "Type not known"));
    let expired = cover.expired.then(|| Badge::new(Tone::Trouble, "Expired"));
    let mut fields = filled([
        ("Type in the CRM", given.clone().filter(|_| cover.cover_type != CoverType::Other)),
        ("Sum insured", cover.sum_insured.as_ref().map(format::money)),
        ("Premium", premium),
        ("Owner", Some(owner)),
        ("Renewal date", cover.renewal_date.map(format::date)),
        ("End year", cover.end_year.map(|year| year.to_string())),
    ]);
    fields.extend(seen.added(RecordKind::Cover, &cover.extensions));
    fields.extend(people.record_of(stored.client_id));
    CoverCard {
        id: stored.listed.id.to_string(),
        name: match cover.cover_type {
            CoverType::Other => given.unwrap_or_else(|| "Cover of a type not stated".to_owned()),
            known => known.label().to_owned(),
        },
        badges: [unknown, expired, gone_badge(&stored.listed)].into_iter().flatten().collect(),
        gone: stored.listed.gone_since.map(|since| Moment::new(since, clock)),
        is_missed: stored.is_missed,
        fields,
        findings: findings(&stored.listed),
        explain: format!(
            "/households/{}/clients/{}/explain?cover={}",
            stored.household_id, stored.client_id, stored.listed.id
        ),
    }
}

fn filled<const N: usize>(fields: [(&'static str, Option<String>); N]) -> Vec<(Cow<'static, str>, String)> {
    fields.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect()
}

fn gone_badge<T: ListItem>(listed: &Listed<T>) -> Option<Badge> {
    listed.gone_since.map(|_| Badge::new(Tone::Attention, "Gone"))
}

/// The findings about a record; notes of how a value was made are for the page that explains it.
fn findings<T: ListItem>(listed: &Listed<T>) -> Vec<Finding> {
    listed.diagnostics.iter().filter(|found| found.severity >= Severity::Warning).map(Finding::from).collect()
}

fn every(frequency: PremiumFrequency) -> &'static str {
    match frequency {
        PremiumFrequency::Weekly => "a week",
        PremiumFrequency::Fortnightly => "a fortnight",
        PremiumFrequency::Monthly => "a month",
        PremiumFrequency::Quarterly => "a quarter",
        PremiumFrequency::HalfYearly => "half-yearly",
        PremiumFrequency::Yearly => "a year",
    }
}
