//! The list `address`: one street field with units, levels, newlines and post boxes; countries as codes or names.

use super::country::Country;
use super::dice::Dice;
use super::model::{Address, Text};

/// Suburb, state, postcode.
const AUSTRALIA: &[(&str, &str, &str)] = &[
    ("Carlton", "VIC", "3053"),
    ("Geelong", "VIC", "3220"),
    ("Ballarat", "VIC", "3350"),
    ("Bondi", "NSW", "2026"),
    ("Parramatta", "NSW", "2150"),
    ("Wagga Wagga", "NSW", "2650"),
    ("Toowong", "QLD", "4066"),
    ("Cairns", "QLD", "4870"),
    ("Fremantle", "WA", "6160"),
    ("Subiaco", "WA", "6008"),
    ("Glenelg", "SA", "5045"),
    ("Hobart", "TAS", "7000"),
    ("Braddon", "ACT", "2612"),
    ("Darwin", "NT", "0800"),
    ("Alice Springs", "NT", "0870"),
    ("O'Connor", "ACT", "2602"),
];

/// Suburb, postcode.
const NEW_ZEALAND: &[(&str, &str)] = &[
    ("Ponsonby", "1011"),
    ("Takapuna", "0622"),
    ("Ōtāhuhu", "1062"),
    ("Whangārei", "0110"),
    ("Hamilton East", "3216"),
    ("Tauranga", "3110"),
    ("Te Aro", "6011"),
    ("Petone", "5012"),
    ("Riccarton", "8011"),
    ("Dunedin", "9016"),
    ("Taupō", "3330"),
];

/// Town, county, postcode: in each of the six forms, as people type them.
const UNITED_KINGDOM: &[(&str, &str, &str)] = &[
    ("Manchester", "Greater Manchester", "M1 1AE"),
    ("Birmingham", "West Midlands", "b33 8th"),
    ("London", "", "W1A 0AX"),
    ("Croydon", "Surrey", "CR26XH"),
    ("Doncaster", "South Yorkshire", "DN55 1PT"),
    ("London", "Greater London", "sw1a1aa"),
    ("Caernarfon", "Gwynedd", "LL55 1AH"),
    ("Inverness", "Inverness-shire", "IV2 3PX"),
    ("Enniskillen", "Co. Fermanagh", "BT74 7HR"),
    ("Norwich", "Norfolk", "NR1"),
];

/// Suburb, province, postcode.
const SOUTH_AFRICA: &[(&str, &str, &str)] = &[
    ("Sandton", "Gauteng", "2196"),
    ("Hatfield", "GP", "0083"),
    ("Polokwane", "Limpopo", "0699"),
    ("Mbombela", "Mpumalanga", "1200"),
    ("Rondebosch", "Western Cape", "7700"),
    ("Stellenbosch", "Wes-Kaap", "7600"),
    ("Gqeberha", "Eastern Cape", "6001"),
    ("Umhlanga", "KwaZulu-Natal", "4319"),
    ("Bloemfontein", "Free State", "9301"),
    ("Mahikeng", "North West", "2745"),
    ("Kimberley", "Northern Cape", "8301"),
    ("Pretoria", "Transvaal", "181"),
];

/// Street, town, state, postcode, country.
const ABROAD: &[(&str, &str, &str, &str, &str)] = &[
    ("Flat 3\n18 Willow Row", "London", "", "SE1 9AB", "GB"),
    ("221 Ocean Avenue Apt 5C", "Springfield", "IL", "62701", "United States"),
    ("#12-34 Coral Tower\n5 Harbour Walk", "Singapore", "", "018956", "SG"),
    ("Kōwhaistraße 7", "Köln", "NRW", "50667", "Deutschland"),
    ("1-2-3 Sakura", "東京", "", "100-0001", "Japan"),
    ("PO Box 55", "Suva", "", "", "Fiji"),
];

/// The rows: none for a few, one for most, a postal or a business one beside it for some.
pub(super) fn addresses(dice: &mut Dice, country: Country) -> Vec<Address> {
    let count = match dice.below(100) {
        0..4 => 0,
        4..75 => 1,
        75..95 => 2,
        _ => 3,
    };
    // One in ten marks no row, and the rule for the first residential one has to serve.
    let preferred = if dice.percent(10) { count } else { dice.below(count.max(1)) };
    (0..count)
        .map(|at| {
            let kind = match at {
                0 if dice.percent(90) => "residential",
                0 => "Residential",
                1 => dice.pick(&["postal", "Postal", "mailing"]),
                _ => dice.pick(&["business", "other", "previous"]),
            };
            let mut row = place(dice, country);
            row.index = at * 2 + 1;
            row.kind = kind.into();
            row.preferred = at == preferred;
            row
        })
        .collect()
}

fn place(dice: &mut Dice, of: Country) -> Address {
    if dice.per_mille(20) {
        let (street, suburb, state, postcode, country) = dice.pick(ABROAD);
        return row(street.into(), suburb.into(), state, postcode, Some(country.into()));
    }
    let street = street(dice, of);
    if of == Country::UnitedKingdom {
        let (town, county, postcode) = dice.pick(UNITED_KINGDOM);
        let county = if dice.percent(30) { "" } else { county };
        let country = country(dice, "GB", &["United Kingdom", "UK", "England", "Great Britain", "gb"]);
        return row(street, town.into(), county, postcode, country);
    }
    if of == Country::SouthAfrica {
        let (suburb, province, postcode) = dice.pick(SOUTH_AFRICA);
        let country = country(dice, "ZA", &["South Africa", "RSA", "Suid-Afrika", "za", "ZAF"]);
        return row(street, suburb.into(), province, postcode, country);
    }
    if of == Country::NewZealand {
        let (suburb, postcode) = dice.pick(NEW_ZEALAND);
        let country = country(dice, "NZ", &["New Zealand", "NZL", "Aotearoa", "nz", "N.Z."]);
        return row(street, suburb.into(), "", postcode, country);
    }
    let (suburb, state, postcode) = dice.pick(AUSTRALIA);
    let suburb = if dice.percent(8) { suburb.to_uppercase().into() } else { suburb.into() };
    let state = match dice.below(100) {
        0..2 => "",
        2..4 => "Victoria",
        4 => "vic",
        _ => state,
    };
    let country = country(dice, "AU", &["Australia", "AUS", "au", "AUSTRALIA", "Oz"]);
    row(street, suburb, state, postcode, country)
}

fn row(street: Text, suburb: Text, state: &'static str, postcode: &'static str, country: Option<Text>) -> Address {
    Address {
        index: 0,
        kind: "".into(),
        street,
        suburb,
        state: state.into(),
        postcode: postcode.into(),
        country,
        preferred: false,
    }
}

fn country(dice: &mut Dice, code: &'static str, others: &[&'static str]) -> Option<Text> {
    match dice.below(100) {
        0..10 => None,
        10..35 => Some(dice.pick(others).into()),
        _ => Some(code.into()),
    }
}

fn street(dice: &mut Dice, of: Country) -> Text {
    let word = dice.pick(of.names().words);
    let kind = dice.pick(&["St", "Street", "Rd", "Avenue", "Cres", "Parade", "Tce", "Lane"]);
    let number = 1 + dice.below(250);
    let unit = 1 + dice.below(40);
    match dice.below(100) {
        0..56 => format!("{number} {word} {kind}"),
        56..64 => format!("Unit {unit}\n{number} {word} {kind}"),
        64..72 => format!("Unit {unit}, {number} {word} {kind}"),
        72..78 => format!("{unit}/{number} {word} {kind}"),
        78..82 => format!("Level {unit}, {number} {word} {kind}"),
        82..85 => format!("{word} House\r\n{number} {word} {kind}"),
        85..90 => format!("PO Box {number}"),
        90..94 if of == Country::NewZealand => format!("{number} {word} Road, RD {}", 1 + unit % 9),
        90..94 => format!("Lot {unit} {word} {kind}"),
        94..96 => format!("c/- The Manager\nSuite {unit}\nLevel 2\n{number} {word} {kind}"),
        96..98 => format!("  {number}  {word} {kind} "),
        _ => String::new(),
    }
    .into()
}
