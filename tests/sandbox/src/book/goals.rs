//! The list `goals`: it sits on the primary's record, with an owner, and amounts below, above and at zero.

use super::country::Country;
use super::dice::Dice;
use super::model::{Goal, Money};
use super::person::date;

const IDEAS: &[(&str, u32)] = &[
    ("Retire at 62 & travel Aotearoa", 5),
    ("Pay off the home loan", 1),
    ("Kitchen renovation", 3),
    ("New caravan", 3),
    ("School fees for the twins", 3),
    ("Leave something for the grandchildren", 0),
    ("Cover for the family if I die", 2),
    ("Work four days a week", 10),
    ("Buy a beach house — \"the bach\"", 3),
    ("Help Māia with a deposit", 3),
    ("Downsize to a unit", 3),
    ("Sell the business", 3),
    ("Learn to sail", 10),
    ("Care for Mum at home", 9),
    ("Boat", 6),
];

const IDEAS_OF_BRITAIN: &[(&str, u32)] = &[
    ("Retire at 60 & walk the coast path", 5),
    ("Pay off the mortgage", 1),
    ("Loft conversion", 3),
    ("Use both ISA allowances", 3),
    ("University for the twins", 3),
    ("Settle the inheritance tax", 0),
    ("Cover for the family if I die", 2),
    ("Work four days a week", 10),
    ("A cottage — \"near the sea\"", 3),
    ("Long-term care for Dad", 9),
];

const IDEAS_OF_SOUTH_AFRICA: &[(&str, u32)] = &[
    ("Retire at 60 & see the Garden Route", 5),
    ("Settle the bond on the house", 1),
    ("New bakkie", 3),
    ("School fees for the twins", 3),
    ("Stokvel for the wedding", 3),
    ("Estate duty and executor's fees", 0),
    ("Cover for the family if I die", 2),
    ("Sell the farm", 3),
    ("Gap cover for the hospital", 7),
    ("Frail care for Ma", 9),
];

/// The rows of a client; `couple` adds the owners `partner` and `joint`.
pub(super) fn goals(dice: &mut Dice, couple: bool, country: Country) -> Vec<Goal> {
    let currency = country.currency();
    let ideas = match country {
        Country::Australia | Country::NewZealand => IDEAS,
        Country::UnitedKingdom => IDEAS_OF_BRITAIN,
        Country::SouthAfrica => IDEAS_OF_SOUTH_AFRICA,
    };
    let count = match dice.below(100) {
        0..45 => 0,
        45..70 => 1,
        70..90 => 2,
        _ => 3 + dice.below(3),
    };
    (0..count)
        .map(|at| {
            let (description, category) = dice.pick(ideas);
            Goal {
                index: 1_790_000_000 + at * 977 + dice.below(900),
                status: dice.pick(&["2", "2", "2", "3", "1", "4", "", "7"]).into(),
                category: match dice.below(100) {
                    0..5 => None,
                    5..10 => Some(9999),
                    10..13 => Some(4242),
                    _ => Some(category),
                },
                description: (!dice.percent(2)).then(|| description.into()),
                owner: owner(dice, couple).into(),
                frequency: dice.percent(30).then(|| dice.pick(&[1, 4, 12, 26, 52])),
                target_date: (!dice.percent(15)).then(|| date(dice, 2020, 30)),
                capture_date: dice.percent(60).then(|| date(dice, 2015, 11)),
                target_amount: (!dice.percent(12)).then(|| amount(dice, currency)),
                xpt_external_id: dice.percent(5).then(|| format!("G-{}", dice.below(100_000)).into()),
            }
        })
        .collect()
}

fn owner(dice: &mut Dice, couple: bool) -> &'static str {
    if couple { dice.pick(&["client", "client", "partner", "joint", "Joint"]) } else { "client" }
}

fn amount(dice: &mut Dice, currency: &'static str) -> Money {
    let thousands = 1 + dice.below(900);
    let value = match dice.below(100) {
        0..10 => "0".to_owned(),
        10..55 => format!("-{thousands}000"),
        55..70 => format!("{thousands}000"),
        70..80 => format!("-{thousands}499.95"),
        80..90 => format!("{}e{}", 1.0 + f64::from(thousands) / 1000.0, 3 + thousands % 4),
        90..95 => format!("-{}.5E+5", 1 + thousands % 9),
        _ => format!("{thousands}.00"),
    };
    Money { code: if dice.percent(2) { "USD".into() } else { currency.into() }, value: value.into() }
}
