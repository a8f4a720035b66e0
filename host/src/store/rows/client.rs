//! Clients, and what is said about them.

use crate::domain::edit::{FieldChange, LocalEdit, Overridden};
use crate::domain::history::{ChangeCause, FormerValue, LastChange};
use crate::domain::record::{ClientStatus, Extension, Sex, Title};
use crate::domain::{Client, Diagnostic, Severity};
use crate::store::rows::{row_choices, rows};

rows! {
    Client {
        0: external_id,
        1: title,
        2: first_name,
        3: middle_name,
        4: last_name,
        5: preferred_name,
        6: date_of_birth,
        7: sex,
        8: address_line_1,
        9: address_line_2,
        10: suburb,
        11: state,
        12: postcode,
        13: country_code,
        14: email,
        15: email_is_placeholder,
        16: mobile,
        17: adviser_external_id,
        18: partner_external_id,
        19: is_partner,
        20: status,
        21: extensions,
        22: secondary_adviser_external_id,
    }
    Extension { 0: name, 1: value, 2: sensitive }
    Diagnostic { 0: severity, 1: field, 2: code, 3: message }
    FieldChange { 0: field, 1: from, 2: to }
    LocalEdit { 0: field, 1: from, 2: to, 3: by, 4: at }
    Overridden { 0: field, 1: from, 2: to, 3: by, 4: run, 5: at }
    FormerValue { 0: field, 1: value }
    LastChange { 0: field, 1: from, 2: to, 3: at, 4: cause, 5: run, 6: revision, 7: by }
}

row_choices! {
    ChangeCause { 0: Crm, 1: Revision, 2: CrmOrRevision, 3: Day, 4: Edit, 5: Override }
    Title { 0: Mr, 1: Mrs, 2: Ms, 3: Miss, 4: Dr, 5: Prof }
    Sex { 0: Female, 1: Male, 2: Other }
    ClientStatus { 0: Client, 1: Prospect, 2: Contact, 3: GroupPlanMember, 4: Archived, 5: Deceased, 6: Other }
    Severity { 0: Info, 1: Warning, 2: Error }
}
