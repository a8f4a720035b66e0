//! Countries by their two letters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidValue;

/// The officially assigned code elements of ISO 3166-1 alpha-2.
const ASSIGNED: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC \
    CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD \
    GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH \
    KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW \
    MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC \
    SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY \
    UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// An ISO 3166-1 alpha-2 country code in upper case. What an earlier version kept is read as it is, whatever its letters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CountryCode(String);

impl CountryCode {
    /// The value as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A code as an earlier version kept it, whatever its letters.
    pub fn kept(text: String) -> Self {
        Self(text)
    }
}

impl TryFrom<String> for CountryCode {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_assigned = ASSIGNED.split_ascii_whitespace().any(|code| code == text);
        if is_assigned {
            return Ok(Self(text));
        }
        Err(InvalidValue { text, wanted: "a two-letter country code of ISO 3166-1 such as AU".into() })
    }
}

impl FromStr for CountryCode {
    type Err = InvalidValue;

    /// Reads a code in letters of either case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = Self::try_from(text.to_uppercase());
        code.map_err(|invalid| InvalidValue::new(text, invalid.wanted))
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_that_are_assigned() {
        let codes: Vec<&str> = ASSIGNED.split_ascii_whitespace().collect();
        assert!(codes.is_sorted() && codes.iter().all(|code| code.len() == 2));
        assert_eq!(codes.len(), 249);
        let check =
            |text: &str, expected| assert_eq!(CountryCode::try_from(text.to_owned()).is_ok(), expected, "{text}");
        for code in ["AU", "NZ", "GB", "ZA", "HK", "SG"] {
            check(code, true);
        }
        for none in
            ["XX", "XA", "XZ", "XK", "QM", "QZ", "AA", "ZZ", "UK", "EU", "au", "AUS", "A", "", " AU", "AD AE", "D "]
        {
            check(none, false);
        }
    }

    #[test]
    fn what_an_earlier_version_kept_is_read() {
        assert_eq!(serde_json::from_str::<CountryCode>(r#""XX""#).unwrap().as_str(), "XX");
    }
}
