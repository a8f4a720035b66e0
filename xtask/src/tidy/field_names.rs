//! Only `plugins/` and `rules/` know how a CRM names its fields: the names that the rules hold do not stand in the
//! host.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::files::{File, Finding};

/// The keys of a rules file under which the CRM's names stand.
const NAMING_KEYS: [&str; 3] = ["fields", "list", "resource"];

/// Refuses a CRM's name in the host's texts.
pub fn check(files: &[File]) -> Result<Vec<Finding>> {
    let canonical = canonical_names(files);
    let mut names = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.starts_with("rules/") && file.path.ends_with("/rules.toml")) {
        let rules: toml::Table = file.text.parse().with_context(|| format!("{} is not TOML", file.path))?;
        collect(&toml::Value::Table(rules), false, &mut names);
    }
    names.retain(|name| is_telling(name) && !canonical.contains(name));
    let host = files.iter().filter(|file| file.belongs_to("host") && (file.is("rs") || file.is("html")));
    Ok(host.flat_map(|file| in_file(file, &names)).collect())
}

fn in_file(file: &File, names: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.code() {
        // Every second piece between quotation marks is inside them.
        for word in line.split('"').skip(1).step_by(2).flat_map(words) {
            if names.contains(word) {
                findings.push(file.finding(
                    number,
                    format!("`{word}` is a CRM's own name: only plugins/ and rules/ know what it means"),
                ));
            }
        }
    }
    findings
}

/// The names of the contract's fields, as they stand in JSON: `first_name`.
fn canonical_names(files: &[File]) -> BTreeSet<String> {
    let contract = files.iter().filter(|file| file.path.starts_with("wit/"));
    contract
        .flat_map(File::lines)
        .filter_map(|(_, line)| line.trim().split_once(": "))
        .map(|(name, _)| name.trim_start_matches('%').replace('-', "_"))
        .collect()
}

/// Adds the texts that stand anywhere below a naming key.
fn collect(value: &toml::Value, naming: bool, names: &mut BTreeSet<String>) {
    match value {
        toml::Value::String(text) if naming => {
            names.insert(text.clone());
        }
        toml::Value::Array(items) => items.iter().for_each(|item| collect(item, naming, names)),
        toml::Value::Table(table) => {
            for (key, inner) in table {
                collect(inner, naming || NAMING_KEYS.contains(&key.as_str()), names);
            }
        }
        _ => {}
    }
}

/// Whether a name is a CRM's own rather than a word of everyone's (`value`, `type`): those it shares with the host.
fn is_telling(name: &str) -> bool {
    name.contains(['_', '-'])
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    fn check_one(path: &str, text: &str) -> Vec<String> {
        let files = [
            file("wit/v1/mapper.wit", "record client {\n    first-name: option<string>,\n}"),
            file(
                "rules/x/rules.toml",
                "[client]\nresource = \"client-v4\"\nnote = \"some_thing\"\n[client.fields]\nfirst = \"first_name\"\n\
                 email = \"preferred_email\"\nkind = \"type\"\n",
            ),
            file(path, text),
        ];
        check(&files).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_crms_name_in_the_host_is_refused() {
        let refused = |path: &str, text: &str| assert_eq!(check_one(path, text).len(), 1, "{path}: {text}");
        refused("host/src/sync/merge.rs", "row.get(\"preferred_email\")");
        refused("host/src/api/clients.rs", "format!(\"fields.{preferred_email}\")");
        refused("host/templates/client.html", "<dt data-field=\"preferred_email\">");
        refused("host/src/crm/xplan/walk.rs", "let path = \"/entity/client-v4/7\";");
    }

    #[test]
    fn canonical_names_ordinary_words_and_identifiers_are_not() {
        let allowed = |path: &str, text: &str| assert_eq!(check_one(path, text), [""; 0], "{path}: {text}");
        allowed("host/src/sync/merge.rs", "(\"first_name\", \"type\", \"some_thing\")");
        allowed("host/src/sync/merge.rs", "let preferred_email = 1;");
        allowed("plugins/xplan/src/row.rs", "row.get(\"preferred_email\")");
    }
}
