//! The countries of ISO 3166, by code and by name.

use crate::text;

/// A line for each country: its alpha-2 code, then the names it goes by, as [`key`] makes them: the ISO short name,
/// common spellings, and for countries that clients often come from the alpha-3 code.
const COUNTRIES: &str = "\
AD andorra
AE unitedarabemirates uae are
AF afghanistan
AG antiguabarbuda
AI anguilla
AL albania
AM armenia
AO angola
AQ antarctica
AR argentina
AS americansamoa
AT austria aut
AU australia aus commonwealthaustralia aust
AW aruba
AX alandislands aland
AZ azerbaijan
BA bosniaherzegovina
BB barbados
BD bangladesh bgd
BE belgium bel
BF burkinafaso
BG bulgaria
BH bahrain
BI burundi
BJ benin
BL stbarthelemy
BM bermuda
BN brunei bruneidarussalam
BO bolivia plurinationalstatebolivia
BQ bonaire bonairesinteustatiussaba caribbeannetherlands
BR brazil brasil
BS bahamas
BT bhutan
BV bouvetisland
BW botswana
BY belarus
BZ belize
CA canada can
CC cocoskeelingislands cocosislands keelingislands
CD democraticrepubliccongo drcongo congodemocraticrepublic drc congokinshasa zaire
CF centralafricanrepublic
CG congo republiccongo congobrazzaville
CH switzerland che
CI cotedivoire ivorycoast
CK cookislands
CL chile
CM cameroon
CN china chn peoplesrepublicchina prc mainlandchina
CO colombia
CR costarica
CU cuba
CV capeverde caboverde
CW curacao
CX christmasisland
CY cyprus cyp
CZ czechia czechrepublic
DE germany deu deutschland federalrepublicgermany
DJ djibouti
DK denmark dnk
DM dominica
DO dominicanrepublic
DZ algeria
EC ecuador
EE estonia
EG egypt egy
EH westernsahara
ER eritrea
ES spain esp
ET ethiopia
FI finland fin
FJ fiji fji
FK falklandislands falklandislandsmalvinas malvinas
FM micronesia federatedstatesmicronesia
FO faroeislands
FR france fra
GA gabon
GB unitedkingdom greatbritain britain uk england scotland wales northernireland gbr unitedkingdomgreatbritainnorthernireland
GD grenada
GE georgia
GF frenchguiana
GG guernsey
GH ghana
GI gibraltar
GL greenland
GM gambia
GN guinea
GP guadeloupe
GQ equatorialguinea
GR greece grc hellas
GS southgeorgiasouthsandwichislands
GT guatemala
GU guam
GW guineabissau
GY guyana
HK hongkong hkg hongkongsar hongkongsarchina
HM heardislandmcdonaldislands
HN honduras
HR croatia hrv
HT haiti
HU hungary
ID indonesia idn
IE ireland irl republicireland eire
IL israel isr
IM isleman
IN india ind
IO britishindianoceanterritory
IQ iraq
IR iran islamicrepubliciran iranislamicrepublic
IS iceland
IT italy ita
JE jersey
JM jamaica
JO jordan
JP japan jpn
KE kenya
KG kyrgyzstan
KH cambodia khm kampuchea
KI kiribati
KM comoros
KN stkittsnevis
KP northkorea koreademocraticpeoplesrepublic democraticpeoplesrepublickorea koreanorth
KR southkorea korea republickorea korearepublic koreasouth kor
KW kuwait
KY caymanislands
KZ kazakhstan
LA laos laopeoplesdemocraticrepublic
LB lebanon lbn
LC stlucia
LI liechtenstein
LK srilanka lka
LR liberia
LS lesotho
LT lithuania
LU luxembourg
LV latvia
LY libya
MA morocco
MC monaco
MD moldova republicmoldova
ME montenegro
MF stmartin stmartinfrenchpart
MG madagascar
MH marshallislands
MK northmacedonia macedonia
ML mali
MM myanmar burma
MN mongolia
MO macau macao macausar
MP northernmarianaislands
MQ martinique
MR mauritania
MS montserrat
MT malta mlt
MU mauritius
MV maldives
MW malawi
MX mexico
MY malaysia mys
MZ mozambique
NA namibia
NC newcaledonia
NE niger
NF norfolkisland
NG nigeria
NI nicaragua
NL netherlands nld holland
NO norway nor
NP nepal npl
NR nauru
NU niue
NZ newzealand nzl aotearoa aotearoanewzealand newzealandaotearoa
OM oman
PA panama
PE peru
PF frenchpolynesia
PG papuanewguinea png
PH philippines phl
PK pakistan pak
PL poland pol
PM stpierremiquelon
PN pitcairn pitcairnislands
PR puertorico
PS palestine statepalestine palestinianterritory
PT portugal prt
PW palau
PY paraguay
QA qatar
RE reunion reunionisland
RO romania
RS serbia
RU russia russianfederation
RW rwanda
SA saudiarabia kingdomsaudiarabia
SB solomonislands
SC seychelles
SD sudan
SE sweden swe
SG singapore sgp
SH sthelena sthelenaascensiontristandacunha
SI slovenia
SJ svalbardjanmayen
SK slovakia
SL sierraleone
SM sanmarino
SN senegal
SO somalia
SR suriname
SS southsudan
ST saotomeprincipe
SV elsalvador
SX sintmaarten sintmaartendutchpart
SY syria syrianarabrepublic
SZ eswatini swaziland
TC turkscaicosislands
TD chad
TF frenchsouthernterritories
TG togo
TH thailand tha
TJ tajikistan
TK tokelau
TL timorleste easttimor
TM turkmenistan
TN tunisia
TO tonga ton
TR turkey turkiye
TT trinidadtobago
TV tuvalu
TW taiwan twn taiwanprovincechina republicchina
TZ tanzania unitedrepublictanzania
UA ukraine
UG uganda
UM unitedstatesminoroutlyingislands usminoroutlyingislands
US unitedstates unitedstatesamerica usa america
UY uruguay
UZ uzbekistan
VA vaticancity holysee vatican
VC stvincentgrenadines stvincent
VE venezuela bolivarianrepublicvenezuela
VG britishvirginislands virginislandsbritish virginislandsuk
VI usvirginislands virginislandsus unitedstatesvirginislands
VN vietnam vnm
VU vanuatu
WF wallisfutuna
WS samoa wsm westernsamoa
YE yemen
YT mayotte
ZA southafrica zaf rsa republicsouthafrica
ZM zambia
ZW zimbabwe
";

/// The ISO 3166-1 alpha-2 code of a country, from the code itself or from one of its names. Case, accents,
/// punctuation and small words (`and`, `the`, `of`) do not matter.
#[must_use]
pub fn code(text: &str) -> Option<&'static str> {
    let key = key(text);
    let mut countries = COUNTRIES.lines().filter_map(|line| line.split_once(' '));
    if key.len() == 2 {
        let known = countries.clone().find(|(code, _)| code.eq_ignore_ascii_case(&key));
        if let Some((code, _)) = known {
            return Some(code);
        }
    }
    let known = countries.find(|(_, names)| names.split(' ').any(|name| name == key));
    known.map(|(code, _)| code)
}

/// A name for comparison: lower-case ASCII letters and digits, small words left out, `saint` as `st`.
fn key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    let joined = text.replace(['.', '\'', '’'], "");
    for word in joined.split(|c: char| !c.is_alphanumeric()) {
        let word = text::ascii(word).to_ascii_lowercase();
        match word.as_str() {
            "and" | "the" | "of" => {}
            "saint" => key.push_str("st"),
            word => key.push_str(word),
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{COUNTRIES, code, key};

    #[test]
    fn countries_are_known_by_code_and_name() {
        for (text, expected) in [
            ("AU", "AU"),
            ("nz", "NZ"),
            ("Australia", "AU"),
            ("NEW ZEALAND", "NZ"),
            ("U.K.", "GB"),
            ("The Netherlands", "NL"),
            ("Côte d'Ivoire", "CI"),
            ("Bosnia & Herzegovina", "BA"),
            ("Saint Lucia", "LC"),
            ("Hong Kong SAR", "HK"),
            ("Viet Nam", "VN"),
            ("Korea (South)", "KR"),
            ("GBR", "GB"),
        ] {
            assert_eq!(code(text), Some(expected), "{text}");
        }
        for text in ["", "Atlantis", "ZZ", "A", "Austr", "  "] {
            assert_eq!(code(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_table_is_whole_and_unambiguous() {
        let mut names = BTreeSet::new();
        for (code, of_country) in COUNTRIES.lines().filter_map(|line| line.split_once(' ')) {
            assert!(code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()));
            for name in of_country.split(' ') {
                assert_eq!(key(name), name, "{code}");
                assert!(names.insert(name), "{name} stands twice");
            }
        }
        assert_eq!(COUNTRIES.lines().count(), 249);
    }
}
