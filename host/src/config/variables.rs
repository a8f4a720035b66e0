//! Variables of the environment that look like the host's and are not: a setting that is misspelt is ignored otherwise.

use std::ffi::OsString;

use super::layers::PREFIX;

/// The beginning of the names of all variables that concern the host.
const OURS: &str = "TIDEGATE_";
/// The names that are no settings: the key, and what the project's own tests are told by.
const KNOWN: [&str; 11] =
    ["SECRET_KEY", "BIN", "PACKS", "KILLS", "SEED", "SITE_TAKES", "SWAPS", "BOOK", "READS", "FAIL_AT", "PANIC_IN"];
/// The sections of the settings that have keys.
const SECTIONS: [&str; 13] = [
    "PRACTICE",
    "SERVER",
    "PACKS",
    "STORAGE",
    "LOG",
    "DOCUMENTS",
    "METRICS",
    "CRM",
    "NETWORK",
    "NOTES",
    "PEOPLE",
    "OPENID",
    "BACKUP",
];
/// The section that has a section for each connection.
const CONNECTIONS: &str = "CONNECTIONS";

/// The warnings about the variables that there are, one sentence each. Their values are in none.
pub(super) fn ignored(variables: impl Iterator<Item = (OsString, OsString)>) -> Vec<String> {
    let said = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok()?;
        let is_text = value.to_str().is_some();
        about(&name).or_else(|| {
            (name.starts_with(OURS) && !is_text)
                .then(|| format!("the environment variable {name} holds no UTF-8 text and is ignored"))
        })
    };
    let mut said: Vec<String> = variables.filter_map(said).collect();
    said.sort();
    said
}

fn about(name: &str) -> Option<String> {
    let capitals = name.to_ascii_uppercase();
    if capitals != name && capitals.starts_with(OURS) {
        return Some(format!(
            "the environment variable {name} is ignored; settings are written in capitals: {capitals}"
        ));
    }
    let rest = name.strip_prefix(OURS)?;
    if name.starts_with(PREFIX) || KNOWN.contains(&rest) || is_of_a_service(rest) {
        return None;
    }
    let letters = rest.replace('_', "");
    let advice = match spelling(rest) {
        _ if ["SECRETKEY", "SECRETKEYS"].contains(&&*letters) => format!("the key is {OURS}SECRET_KEY"),
        Some(right) => format!("the setting is {right}"),
        None => format!("settings are {PREFIX}<SECTION>__<KEY>, with two underscores between the parts"),
    };
    Some(format!("the environment variable {name} is not known and is ignored; {advice}"))
}

/// The spelling of the setting that is meant.
fn spelling(rest: &str) -> Option<String> {
    let plain = rest.trim_matches('_').to_ascii_uppercase().replace("__", "_");
    let (section, key) = plain.split_once('_')?;
    if SECTIONS.contains(&section) {
        return Some(format!("{PREFIX}{section}__{key}"));
    }
    let (connection, key) = (section == CONNECTIONS).then(|| key.split_once('_')).flatten()?;
    let key = key.strip_prefix("AUTH_").map_or_else(|| key.to_owned(), |key| format!("AUTH__{key}"));
    Some(format!("{PREFIX}{CONNECTIONS}__{connection}__{key}"))
}

/// Kubernetes tells every container of each service: of one that is called `tidegate` by these.
fn is_of_a_service(rest: &str) -> bool {
    rest == "PORT" || rest.starts_with("PORT_") || rest.starts_with("SERVICE_HOST") || rest.starts_with("SERVICE_PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_misspelt_is_named_with_its_right_spelling() {
        let check = |name: &str, expected: &str| {
            let said = about(name).unwrap_or_else(|| panic!("{name} is known"));
            assert!(said.contains(name) && said.ends_with(expected), "{said}");
        };
        check("TIDEGATE_SECRETKEY", "the key is TIDEGATE_SECRET_KEY");
        check("TIDEGATE_SECRET_KEYS", "the key is TIDEGATE_SECRET_KEY");
        check("tidegate__server__listen", "in capitals: TIDEGATE__SERVER__LISTEN");
        check("TIDEGATE_SERVER_LISTEN", "the setting is TIDEGATE__SERVER__LISTEN");
        check("TIDEGATE_SERVER__DATA_DIR", "the setting is TIDEGATE__SERVER__DATA_DIR");
        check("TIDEGATE_CRM_REQUEST_TIMEOUT", "the setting is TIDEGATE__CRM__REQUEST_TIMEOUT");
        check("TIDEGATE_CONNECTIONS_MAIN_FORWARD_HOST", "TIDEGATE__CONNECTIONS__MAIN__FORWARD_HOST");
        check("TIDEGATE_CONNECTIONS_MAIN_AUTH_MODE", "TIDEGATE__CONNECTIONS__MAIN__AUTH__MODE");
        check("TIDEGATE_DATA_DIR", "two underscores between the parts");
        check("TIDEGATE_SECRET_KEY_FILE", "two underscores between the parts");
        check("TIDEGATE_SERVER", "two underscores between the parts");
        for known in [
            "TIDEGATE_SECRET_KEY",
            "TIDEGATE__SERVER__LISTEN",
            "TIDEGATE_BIN",
            "TIDEGATE_SERVICE_HOST",
            "TIDEGATE_PORT",
            "PATH",
        ] {
            assert_eq!(about(known), None);
        }
    }

    /// The sections that are known here are those of the settings.
    #[test]
    fn every_section_is_known() {
        let reference: toml::Table = super::super::REFERENCE.parse().unwrap();
        for section in reference.keys().map(|name| name.to_uppercase()) {
            assert!(SECTIONS.contains(&section.as_str()) || section == CONNECTIONS, "{section}");
        }
    }
}
