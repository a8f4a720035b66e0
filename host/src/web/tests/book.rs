//! Pages of the book: households, people, explanations, records set aside.

use std::collections::BTreeMap;

use askama::Template as _;

use super::super::components::Paging;
use super::super::explain::{ExplainPage, Explained};
use super::super::findings::{self, FindingsPage};
use super::super::household::document_panel::{Choice as Professional, DocumentPanel, Kind};
use super::super::household::lists::{Found, OfHousehold};
use super::super::households::{HouseholdsPage, Row, look_badge, name_and_id};
use super::super::layout::{Layout, Section};
use super::super::listing::{Choice, Sorting};
use super::super::review::{self, ReviewPage};
use super::super::{format, household};
use super::{at, check, clock, layout, layout_with_notice};
use crate::domain::declaration::{ExtensionField, ExtensionForm, Shown};
use crate::domain::field::{FieldError, Section as Ui};
use crate::domain::listed::Listed;
use crate::domain::record::{
    Client, ClientStatus, Cover, CoverOwner, CoverType, Extension, Goal, GoalOwn, GoalOwner, GoalStatus, ListItem,
    Outlook, PremiumFrequency, Recurrence, Sex, Title,
};
use crate::domain::stored::{ExcludedRecord, Household, HouseholdRole, Member, Origin, StoredClient, StoredListed};
use crate::domain::{ClientId, Diagnostic, ExternalId, HouseholdId, Money, RecordKind, RevisionId, RunId, Severity};
use crate::pack::FieldExplanation;
use crate::store::book::{ClientFindings, ClientList, HouseholdRow, NameOrder, RecordFinding};

fn id(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n)
}

fn origin() -> Origin {
    Origin {
        connection: "main".parse().unwrap(),
        revision: RevisionId([0x3f, 0x9a, 0x02, 0xc4, 0x71, 0xbe]),
        changed_at: at("2026-11-21T22:00:11Z"),
    }
}

fn diagnostic(severity: Severity, field: &str, code: &str, message: &str) -> Diagnostic {
    Diagnostic { severity, field: Some(field.to_owned()), code: code.to_owned(), message: message.to_owned() }
}

fn stored(n: u128, client: Client, diagnostics: Vec<Diagnostic>) -> StoredClient {
    StoredClient {
        id: ClientId(id(n)),
        household_id: HouseholdId(id(100)),
        client,
        origin: origin(),
        diagnostics,
        not_visible_since: None,
        edits: Vec::new(),
        overridden: Vec::new(),
        last_changes: Vec::new(),
        former: Vec::new(),
    }
}

fn nobody(external_id: &str) -> Client {
    Client {
        external_id: ExternalId(external_id.to_owned()),
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
        status: ClientStatus::Client,
        extensions: Vec::new(),
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn ayda() -> StoredClient {
    let client = Client {
        title: Some(Title::Dr),
        first_name: text("Ayda"),
        middle_name: text("Noor"),
        last_name: text("Khan"),
        preferred_name: text("Ay"),
        date_of_birth: Some("1979-02-28".parse().unwrap()),
        sex: Some(Sex::Female),
        address_line_1: text("Unit 4"),
        address_line_2: text("12 High Street"),
        suburb: text("Carlton"),
        state: text("VIC"),
        postcode: text("3053"),
        country_code: Some("AU".to_owned().try_into().unwrap()),
        email: Some("ayda.khan@example.com".to_owned().try_into().unwrap()),
        mobile: Some("+61491570156".to_owned().try_into().unwrap()),
        adviser_external_id: Some(ExternalId("30590".to_owned())),
        secondary_adviser_external_id: Some(ExternalId("30591".to_owned())),
        partner_external_id: Some(ExternalId("1260".to_owned())),
        extensions: vec![Extension { name: "risk_profile".to_owned(), value: "Balanced".to_owned(), sensitive: false }],
        ..nobody("1259")
    };
    stored(1, client, Vec::new())
}

fn sam() -> StoredClient {
    let client = Client {
        first_name: text("Sam"),
        last_name: text("Khan"),
        email: Some("Sam.Khan@acme.example".to_owned().try_into().unwrap()),
        email_is_placeholder: true,
        adviser_external_id: Some(ExternalId("30590".to_owned())),
        partner_external_id: Some(ExternalId("1259".to_owned())),
        is_partner: true,
        ..nobody("1260")
    };
    let diagnostics = vec![
        diagnostic(
            Severity::Warning,
            "mobile",
            "not-a-mobile",
            "The preferred phone, (02) 5550 1234, is a landline, so there is no mobile. Mark a mobile as preferred.",
        ),
        diagnostic(
            Severity::Warning,
            "title",
            "unknown-title",
            "“Sir” is none of Mr, Mrs, Ms, Miss, Dr and Prof, so there is no title.",
        ),
        diagnostic(Severity::Info, "email", "placeholder-email", "There is no email, so one was made from the name."),
    ];
    stored(2, client, diagnostics)
}

fn household_of(name: &str, people: Vec<StoredClient>, diagnostics: Vec<Diagnostic>) -> HouseholdRow {
    let role = |place| if place == 0 { HouseholdRole::Cfo } else { HouseholdRole::NonCfo };
    let members = people.iter().enumerate().map(|(place, person)| Member {
        client_id: person.id,
        external_id: person.client.external_id.clone(),
        role: role(place),
    });
    let household = Household {
        id: HouseholdId(id(100)),
        name: name.to_owned(),
        members: members.collect(),
        adviser_external_id: people.first().and_then(|person| person.client.adviser_external_id.clone()),
        connection: "main".parse().unwrap(),
        diagnostics,
    };
    HouseholdRow { household, people }
}

fn money(amount: &str) -> Option<Money> {
    Some(Money { amount: amount.parse().unwrap(), currency: "AUD".to_owned().try_into().unwrap() })
}

fn in_list<T: ListItem>(n: u128, of: u128, value: T, own: T::Own, diagnostics: Vec<Diagnostic>) -> StoredListed<T> {
    let Origin { connection, revision, changed_at } = origin();
    let gone_since = (n == 203).then(|| at("2026-11-20T22:00:11Z"));
    StoredListed {
        client_id: ClientId(id(of)),
        household_id: HouseholdId(id(100)),
        connection,
        revision,
        listed: Listed { id: id(n), value, own, changed_at, gone_since, diagnostics },
        is_missed: false,
    }
}

fn goal(name: Option<&str>, owner: GoalOwner, cost: Option<Money>, outlook: Outlook) -> Goal {
    Goal {
        external_id: ExternalId("1259/1".to_owned()),
        owner,
        category: text("Retirement"),
        name: name.map(ToOwned::to_owned),
        target_date: Some("2031-07-01".parse().unwrap()),
        estimated_cost: cost,
        outlook: Some(outlook),
        extensions: Vec::new(),
    }
}

fn cover(cover_type: CoverType, given: &str, owner: CoverOwner, policy: Option<&str>) -> Cover {
    Cover {
        external_id: ExternalId("1259/11/x".to_owned()),
        policy_number: policy.map(ToOwned::to_owned),
        cover_type,
        type_as_given: text(given),
        insurer: text("Kōwhai Life"),
        plan_name: text("Priority"),
        sum_insured: money("900000"),
        premium: money("120.40"),
        premium_frequency: Some(PremiumFrequency::Monthly),
        owner,
        renewal_date: Some("2026-09-01".parse().unwrap()),
        end_year: Some(2041),
        expired: cover_type == CoverType::Other,
        extensions: vec![Extension { name: "benefit_status".to_owned(), value: "Active".to_owned(), sensitive: false }],
    }
}

/// Goals and covers of the couple, in every state.
fn lists() -> Found {
    let doing = GoalOwn { status: GoalStatus::Doing, recurrence: Some(Recurrence::HalfYearly) };
    let none = GoalOwn::default;
    let retire = goal(Some("Retire at 62 & <travel>"), GoalOwner::Joint, money("150000"), Outlook::WillHaveLessMoney);
    let nameless = goal(None, GoalOwner::Partner, None, Outlook::NonFinancial);
    let sell = goal(Some("Sell the business"), GoalOwner::Client, money("250000.50"), Outlook::WillHaveMoreMoney);
    let doubt = diagnostic(Severity::Warning, "category", "unknown-category", "“4242” is no category the rules know.");
    let unknown = diagnostic(Severity::Warning, "type", "unknown-type", "“Needlestick” is no type the rules know.");
    let broken = Diagnostic::error("row-without-number", "Row 3 has no number; it was left out.".to_owned());
    let goals = OfHousehold(vec![ClientList {
        items: vec![
            in_list(201, 1, retire, doing, Vec::new()),
            in_list(202, 1, nameless, none(), vec![doubt]),
            in_list(203, 1, sell, none(), Vec::new()),
        ],
        diagnostics: vec![broken],
    }]);
    let covers = OfHousehold(vec![ClientList {
        items: vec![
            in_list(301, 2, cover(CoverType::Life, "Term Life", CoverOwner::Client, Some("L-1")), (), Vec::new()),
            in_list(302, 2, cover(CoverType::Trauma, "Trauma", CoverOwner::Partner, Some("L-1")), (), Vec::new()),
            in_list(303, 2, cover(CoverType::Other, "Needlestick", CoverOwner::Other, None), (), vec![unknown]),
        ],
        diagnostics: Vec::new(),
    }]);
    Found {
        lists: vec![Box::new(goals), Box::new(covers)],
        departed: Vec::new(),
        may_change: true,
        added: BTreeMap::new(),
    }
}

#[test]
fn lists_of_a_household_for_who_may_not_change_them_and_with_nothing_in_them() {
    let page = |found: &Found| {
        let layout = layout_with_notice(Section::Households);
        view(&couple(), found, layout, &[], None).render().unwrap()
    };
    let seen = page(&Found { may_change: false, ..lists() });
    assert!(!seen.contains("name=\"status\"") && seen.contains("Doing, half-yearly"), "{seen}");
    let empty = page(&Found {
        lists: vec![Box::new(OfHousehold::<Goal>(Vec::new())), Box::new(OfHousehold::<Cover>(Vec::new()))],
        ..lists()
    });
    assert!(empty.contains("Xplan has no goals") && empty.contains("Xplan has no insurance"), "{empty}");
}

fn documents(found: &HouseholdRow) -> DocumentPanel {
    DocumentPanel {
        household: format!("/households/{}", found.household.id),
        professional: "Pat O'Neil".to_owned(),
        because: "the CRM’s adviser",
        choices: vec![Professional { external_id: "30590".to_owned(), name: "Pat O'Neil".to_owned(), is_chosen: true }],
        kinds: vec![Kind { word: "best-life-plan".to_owned(), title: "Best Life Plan".to_owned() }],
        uploads: vec![("/households/1/record/note.written".to_owned(), "Note".to_owned())],
        may_export: true,
        key: "page-1".to_owned(),
    }
}

#[test]
fn documents_of_a_household_for_who_may_export_and_who_may_not() {
    let seen = documents(&couple()).render().unwrap();
    for message in ["Export Best Life Plan", "Look at it first", "File a PDF of your own", "Save primary professional"]
    {
        assert!(seen.contains(message), "{message} is not in {seen}");
    }
    let reader = DocumentPanel { may_export: false, choices: Vec::new(), ..documents(&couple()) };
    let seen = reader.render().unwrap();
    assert!(seen.contains("Look at Best Life Plan") && !seen.contains("<form"), "{seen}");
}

pub(in crate::web) fn couple() -> HouseholdRow {
    let one_sided = Diagnostic::warning(
        "partner_external_id",
        "one-sided-partner",
        "Sam Khan's record names Ayda Khan as partner, and hers names nobody. They are one household here.".to_owned(),
    );
    household_of("Ayda Khan & Sam Khan", vec![ayda(), sam()], vec![one_sided])
}

/// The longest name that people have given: one word that nothing breaks, and twenty that can be broken.
fn longest() -> HouseholdRow {
    let client = Client {
        first_name: text("Taumatawhakatangihangakoauauotamateaturipukakapikimaungahoronukupokaiwhenuakitanatahu"),
        last_name: text(&"de la Fontaine-Featherstonehaugh ".repeat(10)),
        ..ayda().client
    };
    let name = client.full_name();
    household_of(&name, vec![stored(3, client, Vec::new())], Vec::new())
}

fn nameless() -> HouseholdRow {
    let marked = Client { suburb: text("<script>alert(1)</script>"), ..nobody("77") };
    household_of("", vec![stored(4, marked, Vec::new())], Vec::new())
}

/// The page of a household by a pack that adds these fields, with the sensitive values of one person or of none.
fn view(
    found: &HouseholdRow,
    lists: &Found,
    layout: Layout,
    added: &[ExtensionField],
    revealed: Option<ClientId>,
) -> household::HouseholdPage {
    let advisers = advisers();
    let names = household::Names { advisers: &advisers, people: &found.people, added, revealed };
    household::view(found, lists, layout, "Xplan".to_owned(), &names, None, &clock())
}

fn added(name: &str, label: &str, form: ExtensionForm, sensitive: bool, shown: Shown) -> ExtensionField {
    ExtensionField { name: name.to_owned(), label: label.to_owned(), form, sensitive, shown, fills: false }
}

#[test]
fn what_a_pack_adds_has_its_label_and_hides_what_is_sensitive_until_it_is_asked_for() {
    let mut zoe = nobody("7");
    zoe.first_name = Some("Zoe".to_owned());
    let extension =
        |name: &str, value: &str, sensitive| Extension { name: name.to_owned(), value: value.to_owned(), sensitive };
    zoe.extensions = vec![
        extension("ni_number", "AB654321D", true),
        extension("reviewed_on", "2026-03-01", false),
        extension("fee", "1250.5 GBP", false),
        extension("opted_in", "true", false),
        extension("of_an_earlier_pack", "Bo", false),
        extension("secret_of_an_earlier_pack", "RX123456A", true),
        extension("kept_off_pages", "Kept off", false),
    ];
    let wrong = diagnostic(Severity::Warning, "extensions.tax_number", "bad-check-digit", "Tax number: wrong.");
    let found = household_of("Zoe Ng", vec![stored(3, zoe, vec![wrong])], Vec::new());
    let declared = [
        added("ni_number", "National Insurance number", ExtensionForm::Text, true, Shown::Under(Ui::Person)),
        added("tax_number", "Tax number", ExtensionForm::Text, true, Shown::More),
        added("reviewed_on", "Reviewed on", ExtensionForm::Date, false, Shown::More),
        added("fee", "Fee", ExtensionForm::Money, false, Shown::More),
        added("opted_in", "Opted in", ExtensionForm::Flag, false, Shown::More),
        added("kept_off_pages", "Kept off", ExtensionForm::Text, false, Shown::Nowhere),
    ];
    let page = |revealed| view(&found, &lists(), layout(Section::Households), &declared, revealed).render().unwrap();
    let (hidden, shown) = (page(None), page(Some(found.people[0].id)));
    for part in [
        "<dt>National Insurance number</dt>",
        "••••••21D",
        "Tax number: wrong.",
        "1 Mar 2026",
        "£1,250.50",
        "<dt>Opted in</dt>",
        "<dt>Of an earlier pack</dt>",
        "#extensions.ni_number\"",
        "/reveal#person-1\"><button class=\"plain\">Show<span class=\"unseen\"> National Insurance number of Zoe</span>",
    ] {
        assert!(hidden.contains(part), "{part} is not in {hidden}");
    }
    for part in ["AB654321D", "RX123456A", "Kept off"] {
        assert!(!hidden.contains(part), "{part} is in {hidden}");
    }
    assert!(shown.contains("AB654321D") && !shown.contains("/reveal"), "{shown}");
    // Somebody else's stay hidden.
    assert_eq!(page(Some(ClientId(id(999)))), hidden);
}

fn advisers() -> Vec<(ExternalId, String)> {
    vec![(ExternalId("30590".to_owned()), "Pat O'Neil".to_owned())]
}

fn row(found: &HouseholdRow) -> Row {
    Row {
        path: format!("/households/{}", found.household.id),
        name: format::name(&found.household.name),
        people: found.people.iter().map(name_and_id).collect(),
        suburb: found.people[0].client.suburb.clone().unwrap_or_default(),
        adviser: "Pat O'Neil".to_owned(),
        state: look_badge(&found.household.diagnostics, &found.people),
    }
}

#[test]
fn households() {
    let page = |state: &str, found: &[HouseholdRow], next| HouseholdsPage {
        layout: layout(Section::Households),
        state: state.to_owned(),
        by_name: Sorting::by_name("Household", "/households", "", NameOrder::Ascending),
        rows: found.iter().map(row).collect(),
        paging: Paging::new("/households", "", None, next),
    };
    check("households_empty", &page("0 households with 0 clients.", &[], None));
    let all = [couple(), longest(), nameless()];
    check("households", &page("3 households with 4 clients.", &all, Some("opaque")));
    let mut searched = page("Households in which “zzz” is found.", &[], None);
    searched.layout.search = "zzz".to_owned();
    check("households_not_found", &searched);
}

#[test]
fn a_link_that_does_not_fit_is_shown_again_with_what_was_typed() {
    let found = household_of("Zoe Ng", vec![stored(3, nobody(""), Vec::new())], Vec::new());
    let layout = layout(Section::Households);
    let mut page = view(&found, &lists(), layout, &[], None);
    let linking = &mut page.people[0].linking;
    linking.is_linked = false;
    linking.connections = vec!["north".to_owned(), "south".to_owned()];
    linking.refused = Some(household::RefusedLink {
        connection: "south".to_owned(),
        external_id: "\"7".to_owned(),
        problems: vec![FieldError::new("external_id", "Not an ID.")],
    });
    let html = page.render().unwrap();
    for part in [
        "<li><a href=\"#external_id-1\">Not an ID.</a></li>",
        "<details class=\"linking\" open>",
        "<p class=\"problem\" id=\"external_id-1-problem\">Not an ID.</p>",
        "name=\"external_id\" value=\"&#34;7\"",
        "aria-describedby=\"external_id-1-problem\"",
        "<option>north</option><option selected>south</option>",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

#[test]
fn one_household() {
    let page = |found: &HouseholdRow| {
        let layout = layout_with_notice(Section::Households);
        view(found, &lists(), layout, &[], None)
    };
    check("household", &page(&couple()));
    check("household_longest", &page(&longest()));
    check("household_nameless", &page(&nameless()));
}

#[test]
fn an_explanation() {
    let mobile = FieldExplanation {
        field: "mobile".to_owned(),
        value: None,
        source: text("/row/fields/preferred_phone"),
        source_value: text("(02) 5550 1234"),
        rule: text("/client/mobile mobile lines only, with a country code"),
        diagnostics: sam().diagnostics[..1].to_vec(),
    };
    let name = FieldExplanation {
        field: "first_name".to_owned(),
        value: text("Sam"),
        source: text("/row/fields/first_name"),
        source_value: text(" Sam"),
        rule: None,
        diagnostics: Vec::new(),
    };
    let sex =
        FieldExplanation { field: "sex".to_owned(), value: None, source: None, source_value: None, ..name.clone() };
    let page = ExplainPage {
        layout: layout(Section::Households),
        name: "Sam Khan".to_owned(),
        household: "Ayda Khan & Sam Khan".to_owned(),
        household_path: "/households/1".to_owned(),
        revision: Some("5787449685da".to_owned()),
        since: None,
        state: "As the pack xplan-au reads record 1260 of Xplan, as it stood at the last sync.".to_owned(),
        fields: [name, sex, mobile].into_iter().map(Explained::from).collect(),
    };
    check("explain", &page);
}

#[test]
fn records_set_aside() {
    let record = ExcludedRecord {
        connection: "main".parse().unwrap(),
        kind: RecordKind::Client,
        external_id: ExternalId("4711".to_owned()),
        quarantined: true,
        diagnostics: vec![Diagnostic::error(
            "not-json",
            "The CRM's answer is not JSON, so it was set aside.".to_owned(),
        )],
        revision: origin().revision,
        run: RunId(id(9)),
        since: at("2026-11-20T01:00:00Z"),
    };
    let page = |rows: &[ExcludedRecord]| ReviewPage {
        layout: layout(Section::Review),
        state: format::sentence("1 record could not be read and did not come over."),
        empty: "Every record could be read.",
        choices: vec![
            Choice { word: "Could not be read", path: "/review".to_owned(), is_chosen: true },
            Choice { word: "Left out by a rule", path: "/review?of=left-out".to_owned(), is_chosen: false },
        ],
        rows: rows.iter().map(|record| review::row(record, &clock())).collect(),
        paging: Paging::new("/review", "", (!rows.is_empty()).then_some("opaque"), None),
    };
    check("review_empty", &page(&[]));
    check("review", &page(&[record]));
}

#[test]
fn of_whom_something_is_said() {
    let said = |kind, label: Option<&str>| RecordFinding {
        kind,
        label: label.map(str::to_owned),
        diagnostic: diagnostic(Severity::Warning, "category", "unknown-category", "“4242” is no known <category>"),
    };
    let told = |of: HouseholdRow, said| ClientFindings { client: of.people[0].clone(), said };
    let page = |told: &[ClientFindings]| FindingsPage {
        layout: layout(Section::Households),
        heading: format::code("unknown-category"),
        rows: told.iter().map(findings::row).collect(),
        paging: Paging::new("/clients", "diagnostic=unknown-category", None, None),
    };
    check("findings_empty", &page(&[]));
    let of_all =
        vec![said(RecordKind::Client, None), said(RecordKind::Goal, Some("Sail")), said(RecordKind::Cover, None)];
    let each = [couple(), longest(), nameless()].map(|of| told(of, of_all.clone()));
    check("findings", &page(&each));
}
