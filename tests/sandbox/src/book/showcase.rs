//! A couple as an adviser keeps one who keeps everything: for whoever looks at a book for the first time.

use serde_json::{Value, json};

use super::{Book, Client, GROUPS};
use crate::options::Region;

impl Book {
    /// A couple with two homes' worth of goals and covers, the primary client first; to be added and linked. `year` is
    /// the present one, which their dates follow.
    pub fn showcase(&self, year: i16) -> [Client; 2] {
        let place = Place::of(self.region);
        let adviser = self.users.first().map(|user| user.id);
        let mut numbers = place.numbers.as_array().cloned().unwrap_or_default().into_iter();
        [abigail(&place, year), daniel(&place)].map(|mut record| {
            record["state_number"] = numbers.next().unwrap_or_default();
            record["client_adviser"] = json!(adviser);
            record["group"] = json!(GROUPS[0].0);
            record["addresses"] = json!([place.home]);
            serde_json::from_value(record).expect("it has every field of a client")
        })
    }
}

/// What differs by country.
struct Place {
    currency: &'static str,
    mobiles: [&'static str; 2],
    home: Value,
    /// The numbers that the state gave to the two.
    numbers: Value,
}

impl Place {
    fn of(region: Region) -> Self {
        let home = |suburb: &str, state: &str, postcode: &str, country: &str| {
            json!({
                "index": 1, "type": "residential", "street": "Unit 4\n12 Harbour Street", "suburb": suburb,
                "state": state, "postcode": postcode, "country": country, "preferred": true,
            })
        };
        match region {
            Region::Nz => Self {
                currency: "NZD",
                mobiles: ["+64 21 555 0156", "+64 21 555 0157"],
                home: home("Takapuna", "", "0622", "NZ"),
                numbers: json!([
                    { "kind": "ird_number", "value": "49-091-850" },
                    { "kind": "ird_number", "value": "136410132" },
                ]),
            },
            Region::Uk => Self {
                currency: "GBP",
                mobiles: ["+44 7400 123456", "+44 7400 123457"],
                home: home("Whitby", "North Yorkshire", "yo21 3pr", "GB"),
                numbers: json!([
                    { "kind": "national_insurance_number", "value": "ab 65 43 21 d" },
                    { "kind": "national_insurance_number", "value": "RX654321" },
                ]),
            },
            Region::Za => Self {
                currency: "ZAR",
                mobiles: ["+27 71 123 4567", "+27 71 123 4568"],
                home: home("Rondebosch", "Western Cape", "7700", "ZA"),
                numbers: json!([
                    { "kind": "identity_number", "value": "780314 0123 08 4" },
                    { "kind": "identity_number", "value": "7511025123083" },
                ]),
            },
            Region::Au | Region::Mix => Self {
                currency: "AUD",
                mobiles: ["+61 491 570 156", "+61 491 570 157"],
                home: home("Carlton", "VIC", "3053", "AU"),
                numbers: json!([null, null]),
            },
        }
    }

    fn money(&self, amount: &str) -> Value {
        json!({ "code": self.currency, "value": amount })
    }
}

fn abigail(place: &Place, year: i16) -> Value {
    let email = "abigail.abbott@example.com";
    let goal = |index: u32, category: u32, description: &str, owner: &str, years: i16, amount: &str| {
        json!({
            "index": index, "status": "2", "category": category, "description": description, "owner": owner,
            "frequency": null, "target_date": format!("{}-06-30", year + years), "capture_date": null,
            "target_amount": place.money(amount), "xpt_external_id": null,
        })
    };
    let policy = |index: u32,
                  number: &str,
                  insurer: [&str; 2],
                  plan: &str,
                  owners: &[&str],
                  premium: &str,
                  covers: &[(&str, &str)]| {
        let covers: Vec<Value> = covers
            .iter()
            .map(|(kind, sum)| json!({ "cover_type": kind, "sum_insured": place.money(sum), "benefit_status": "Active" }))
            .collect();
        json!({
            "index": index, "policy_number": number, "underwriter": insurer[0], "underwriter_description": insurer[1],
            "plan_name": plan, "policy_owners": owners, "installment_premium": place.money(premium),
            "frequency_display": "Monthly", "inception_date": format!("{}-03-01", year - 4),
            "renewal_date": format!("{}-03-01", year + 1), "policy_to": format!("{}-03-01", year + 20), "covers": covers,
        })
    };
    let meridian = ["MERIDIAN", "Meridian Mutual"];
    json!({
        "id": 0, "status": "Client", "entity_type": "individual", "hidden": false, "partner_entity_id": null,
        "is_partner": false, "title": "Ms", "first_name": "Abigail", "middle_name": "Rose", "last_name": "Abbott",
        "preferred_name": "Abby", "dob": "1978-03-14", "sex": "F", "preferred_email": email,
        "preferred_phone": place.mobiles[0], "client_active_date": "2015-02-02", "external_id": null,
        "contacts": [
            { "index": 1, "type": "mobile", "value": place.mobiles[0], "preferred": true },
            { "index": 3, "type": "email", "value": email, "preferred": true },
        ],
        "goals": [
            goal(1, 5, "Retire together at 62", "joint", 14, "-950000"),
            goal(2, 1, "Pay off the home loan", "joint", 6, "-310000"),
            goal(3, 3, "Help Ruby with a first home", "client", 4, "-80000"),
            goal(4, 10, "Walk the coast path", "partner", 2, "0"),
        ],
        "policies": [
            policy(11, "L-0000101", meridian, "Protect Plus", &["client"], "124.50",
                &[("Life", "900000"), ("TPD", "600000"), ("Trauma", "150000")]),
            policy(14, "L-0000102", meridian, "Income Plus", &["partner"], "88.20", &[("Income Protection", "7200")]),
            policy(17, "H-0000103", ["HARBOUR", "Harbour General"], "Home", &["client", "partner"], "142.00",
                &[("Home & Contents", "780000")]),
        ],
    })
}

fn daniel(place: &Place) -> Value {
    let email = "daniel.abbott@example.com";
    json!({
        "id": 0, "status": "Client", "entity_type": "individual", "hidden": false, "partner_entity_id": null,
        "is_partner": true, "title": "Mr", "first_name": "Daniel", "middle_name": null, "last_name": "Abbott",
        "preferred_name": null, "dob": "1975-11-02", "sex": "M", "preferred_email": email,
        "preferred_phone": place.mobiles[1], "client_active_date": "2015-02-02", "external_id": null,
        "contacts": [
            { "index": 1, "type": "mobile", "value": place.mobiles[1], "preferred": true },
            { "index": 3, "type": "email", "value": email, "preferred": true },
        ],
        "goals": [],
        "policies": [],
    })
}
