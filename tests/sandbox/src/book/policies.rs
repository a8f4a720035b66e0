//! The list `insurance_group`: policies with their covers, on the primary's record.

use super::country::Country;
use super::dice::Dice;
use super::model::{Cover, Money, Policy};
use super::person::date;

/// Short name and full name; invented insurers.
const INSURERS: &[(&str, &str)] = &[
    ("KOWHAI", "Kōwhai Life"),
    ("SCL", "Southern Cross Lifeguard"),
    ("TASMAN", "Tasman Mutual"),
    ("Bellbird", "Bellbird Insurance Ltd"),
    ("WATTLE", "Wattle & Co Assurance"),
    ("HARBOUR", "Harbour General"),
];
const PERSONAL: &[&str] = &[
    "Life",
    "Term Life",
    "TPD",
    "Total & Permanent Disablement",
    "Income Protection",
    "Salary Continuance",
    "Trauma",
    "Critical Illness",
    "Living Expense",
    "Needlestick",
];
const GENERAL: &[&str] = &["Home & Contents", "Motor", "Landlord", "Boat"];

/// The insurers of a country, and its words for what they cover.
struct Market {
    insurers: &'static [(&'static str, &'static str)],
    personal: &'static [&'static str],
    general: &'static [&'static str],
}

impl Market {
    fn of(country: Country) -> Self {
        match country {
            Country::Australia | Country::NewZealand => {
                Self { insurers: INSURERS, personal: PERSONAL, general: GENERAL }
            }
            Country::UnitedKingdom => Self {
                insurers: &[
                    ("THISTLE", "Thistle & Rose Assurance"),
                    ("HARROW", "Harrowgate Mutual"),
                    ("Kestrel", "Kestrel Insurance plc"),
                    ("FENLAND", "Fenland Friendly Society"),
                ],
                personal: &[
                    "Life Assurance",
                    "Whole of Life",
                    "Level Term Assurance",
                    "Family Income Benefit",
                    "Critical Illness",
                    "Critical Illness Cover",
                    "Income Protection",
                    "PHI",
                    "Permanent Health Insurance",
                    "Private Medical Insurance",
                    "Funeral Plan",
                ],
                general: &["Buildings and Contents", "Buildings & Contents", "Motor", "Landlord", "Pet"],
            },
            Country::SouthAfrica => Self {
                insurers: &[
                    ("PROTEA", "Protea Life"),
                    ("BAOBAB", "Baobab Versekeraars"),
                    ("Ubuntu", "Ubuntu Mutual Society"),
                    ("KAROO", "Karoo General"),
                ],
                personal: &[
                    "Life Cover",
                    "Lump Sum Disability",
                    "Capital Disability",
                    "Income Protector",
                    "Income Continuation",
                    "Dread Disease",
                    "Severe Illness",
                    "Funeral",
                    "Funeral Cover",
                    "Gap Cover",
                ],
                general: &["Household Contents", "Building", "Motor", "Bakkie"],
            },
        }
    }
}

/// The rows of a client; `couple` adds the owners `partner` and both.
pub(super) fn policies(dice: &mut Dice, couple: bool, country: Country) -> Vec<Policy> {
    let (currency, market) = (country.currency(), Market::of(country));
    let count = match dice.below(100) {
        0..50 => 0,
        50..80 => 1,
        80..95 => 2,
        _ => 3,
    };
    (0..count)
        .map(|at| {
            let (underwriter, underwriter_description) = dice.pick(market.insurers);
            Policy {
                index: 11 + at * 3,
                policy_number: (!dice.percent(5)).then(|| format!("L-{:07}", dice.below(10_000_000)).into()),
                underwriter: underwriter.into(),
                underwriter_description: underwriter_description.into(),
                plan_name: (!dice.percent(10))
                    .then(|| dice.pick(&["Priority", "Protect Plus", "Essentials", "Legacy 1998"]).into()),
                policy_owners: match dice.below(100) {
                    0..5 => vec![],
                    5..10 => vec!["Super fund trustee".into()],
                    10..30 if couple => vec!["client".into(), "partner".into()],
                    30..50 if couple => vec!["partner".into()],
                    50..55 if couple => vec!["joint".into()],
                    _ => vec!["client".into()],
                },
                installment_premium: (!dice.percent(6)).then(|| premium(dice, currency)),
                frequency_display: (!dice.percent(6)).then(|| {
                    dice.pick(&[
                        "Monthly",
                        "Yearly",
                        "Annually",
                        "Half-Yearly",
                        "Quarterly",
                        "Fortnightly",
                        "Weekly",
                        "Single",
                    ])
                    .into()
                }),
                inception_date: (!dice.percent(5)).then(|| date(dice, 1998, 27)),
                renewal_date: (!dice.percent(15)).then(|| date(dice, 2024, 4)),
                policy_to: (!dice.percent(20)).then(|| date(dice, 2019, 40)),
                covers: covers(dice, currency, &market),
            }
        })
        .collect()
}

fn covers(dice: &mut Dice, currency: &'static str, market: &Market) -> Vec<Cover> {
    let pool = if dice.percent(15) { market.general } else { market.personal };
    let count = dice.pick(&[0, 1, 1, 1, 1, 2, 2, 3]);
    (0..count)
        .map(|_| Cover {
            cover_type: dice.pick(pool).into(),
            sum_insured: (!dice.percent(5))
                .then(|| Money { code: currency.into(), value: format!("{}000", 10 + dice.below(2000)).into() }),
            benefit_status: dice.pick(&["Active", "Active", "Active", "Lapsed", "Cancelled", "Proposed"]).into(),
        })
        .collect()
}

fn premium(dice: &mut Dice, currency: &'static str) -> Money {
    let value = match dice.below(20) {
        0 => "0".to_owned(),
        1 => "-12.50".to_owned(),
        2 => format!("{}e2", 1.0 + f64::from(dice.below(90)) / 10.0),
        _ => format!("{}.{:02}", 20 + dice.below(600), dice.below(100)),
    };
    Money { code: currency.into(), value: value.into() }
}
