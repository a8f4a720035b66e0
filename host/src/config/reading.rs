//! Values on their way from the layers into their keys' types. A value that does not fit its key is named and put aside, so
//! that one reading names them all.

use figment::error::{Actual, Kind};
use figment::providers::Serialized;
use figment::value::{Dict, Value};
use figment::{Figment, Source};
use serde::de::DeserializeOwned;

use super::problems::Problems;

/// Values on their way into their keys' types.
pub(super) struct Reading<'a> {
    /// All layers.
    figment: &'a Figment,
    /// The defaults.
    reference: Value,
    /// The values that do not fit their keys.
    pub(super) problems: Problems,
}

impl<'a> Reading<'a> {
    /// Nothing read yet of these layers, of which the first is the defaults.
    pub(super) fn new(figment: &'a Figment, reference: Value) -> Self {
        Self { figment, reference, problems: Problems::default() }
    }

    /// The keys at `path` as a `T` that has defaults for all of them. What does not fit is put aside and named.
    pub(super) fn extract<T: DeserializeOwned + Default>(&mut self, tree: Dict, path: &[String]) -> T {
        self.try_extract(tree, path).unwrap_or_default()
    }

    /// The same for a `T` without: none where what is left is no `T`.
    pub(super) fn try_extract<T: DeserializeOwned>(&mut self, mut tree: Dict, above: &[String]) -> Option<T> {
        loop {
            let error = match Figment::from(Serialized::defaults(&tree)).extract_lossy::<T>() {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let mut path = error.path.clone();
            if let Kind::UnknownField(name, _) = &error.kind
                && path.last() != Some(name)
            {
                path.push(name.clone());
            }
            let whole = |path: &[String]| [above, path].concat();
            let said = format!("{}{}", message(&error.kind), self.place(&whole(&path)));
            // An entry of a list has a place in the path and none in the tree.
            while !put_aside(&mut tree, &path, &self.reference) {
                if path.pop().is_none() {
                    self.problems.add(&whole(&error.path).join("."), said);
                    return None;
                }
            }
            self.problems.put_aside(whole(&path).join("."), said);
        }
    }

    /// Puts the keys aside that are not known at `path`.
    pub(super) fn refuse_unknown(&mut self, tree: &mut Dict, path: &[String], known: &[String]) {
        let unknown: Vec<String> = tree.keys().filter(|key| !known.contains(key)).cloned().collect();
        for key in unknown {
            tree.remove(&key);
            let path = [path, &[key]].concat();
            let said = format!("is not known; the keys here are {}{}", known.join(", "), self.place(&path));
            self.problems.put_aside(path.join("."), said);
        }
    }

    /// Puts the value at `path` aside that is to be something else.
    pub(super) fn refuse(&mut self, path: &[String], value: &Value, wanted: &str) {
        let kind = Kind::InvalidType(value.to_actual(), wanted.to_owned());
        let said = format!("{}{}", message(&kind), self.place(path));
        self.problems.put_aside(path.join("."), said);
    }

    /// The place at which a value was set.
    fn place(&self, path: &[String]) -> String {
        let metadata = (1..=path.len()).rev().find_map(|end| self.figment.find_metadata(&path[..end].join(".")));
        match metadata.map(|metadata| (&metadata.source, &metadata.name)) {
            Some((Some(Source::File(path)), _)) => format!(" (in {})", path.display()),
            Some((_, name)) => format!(" (in {name})"),
            None => String::new(),
        }
    }
}

/// Takes a value out, or puts the default in its place; answers whether there was one.
fn put_aside(tree: &mut Dict, path: &[String], reference: &Value) -> bool {
    let mut inner = tree;
    let Some((last, above)) = path.split_last() else { return false };
    for key in above {
        match inner.get_mut(key) {
            Some(Value::Dict(_, below)) => inner = below,
            _ => return false,
        }
    }
    let was_there = inner.remove(last).is_some();
    if let Some(default) = reference.find_ref(&path.join(".")) {
        inner.insert(last.clone(), default.clone());
    }
    was_there
}

/// The message about a wrong value, which itself is not said: it may be a secret in the wrong place.
pub(super) fn message(kind: &Kind) -> String {
    match kind {
        Kind::UnknownField(_, known) => format!("is not known; the keys here are {}", known.join(", ")),
        Kind::UnknownVariant(_, known) => format!("is to be one of {}", known.join(", ")),
        Kind::InvalidType(found, wanted) | Kind::InvalidValue(found, wanted) => {
            let wanted = plain(wanted);
            let found = match kind_of(found) {
                "a number" if wanted == "a number" => "a number of another kind",
                found => found,
            };
            format!("is {found}, and is to be {wanted}")
        }
        Kind::Message(message) => message.clone(),
        other => other.to_string(),
    }
}

fn kind_of(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) | Actual::Bytes(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a section",
        _ => "something else",
    }
}

/// The plain words for the type that is wanted, which Rust names in its own.
fn plain(wanted: &str) -> &str {
    match wanted {
        "a string" | "path string" | "str" | "string" => "a text in quotation marks",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        wanted if wanted.starts_with(['u', 'i', 'f']) && wanted[1..].parse::<u8>().is_ok() => "a number",
        "usize" => "a number",
        "map" | "a map" => "a section with keys",
        wanted if wanted.starts_with("struct ") => "a section with keys",
        other => other,
    }
}
