//! Rules for the folders that a connection may lead to.
//!
//! Who may add a connection on the page types a path of this machine, whose files are then read: so it stands below one of
//! the folders that whoever runs the host lists, never in the host's own data, and is written as it is, without links:
//! what it leads to is looked at again whenever it is read (`crm`).

use std::path::{Component, Path, PathBuf};

/// The folders that the operator allows.
#[derive(Clone, Debug, Default)]
pub struct FolderRules {
    /// The folders below which connections made on the page may lead.
    roots: Vec<PathBuf>,
    /// The host's own data, where no connection leads.
    data: Option<PathBuf>,
}

impl FolderRules {
    /// The rules of an operator; `data` is the host's data folder.
    pub fn new(roots: Vec<String>, data: &Path) -> Self {
        let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
        // One that is not made yet is no link.
        let data = data.canonicalize().unwrap_or(data);
        Self { roots: roots.into_iter().map(PathBuf::from).collect(), data: Some(data) }
    }

    /// The folder in its one spelling, or why it is not read. An operator stands for any that is named in the settings file.
    ///
    /// # Errors
    /// Returns a sentence that says what would be right.
    pub fn check(&self, folder: &str, is_operator: bool) -> Result<String, String> {
        if !is_plain_path(folder) {
            return Err(format!(
                "`{folder}` is no whole path of a folder, such as /srv/exports/acme: begin it with / and leave out . and .."
            ));
        }
        let path: PathBuf = Path::new(folder).components().collect();
        if self.data.as_ref().is_some_and(|data| path.starts_with(data) || data.starts_with(&path)) {
            return Err(format!("`{folder}` holds this host's own data or is in it; choose a folder apart from it"));
        }
        if is_operator || self.roots.iter().any(|root| path.starts_with(root)) {
            return Ok(path.to_string_lossy().into_owned());
        }
        let below = match self.roots.as_slice() {
            [] => "no folder is allowed yet".to_owned(),
            roots => roots.iter().map(|root| root.display().to_string()).collect::<Vec<_>>().join(", "),
        };
        Err(format!(
            "`{folder}` is below none of the folders that may be read here ({below}); whoever runs this host can allow \
             another by folders in the section [crm] of the settings"
        ))
    }
}

/// Whether a text is the whole path of a folder, without a step that leads elsewhere; the root itself is none.
pub fn is_plain_path(text: &str) -> bool {
    let path = Path::new(text);
    let is_plain = |step| matches!(step, Component::RootDir | Component::Normal(_));
    // A step `.` is no component, and yet none that belongs in a name that is compared.
    path.is_absolute()
        && path.components().count() > 1
        && path.components().all(is_plain)
        && !text.split('/').any(|step| step == ".")
        && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_below_those_that_are_allowed() {
        let rules = FolderRules::new(vec!["/srv/exports".to_owned()], Path::new("/srv/exports/tidegate"));
        let check = |folder: &str, is_operator: bool, expected: Result<&str, &str>| {
            let found = rules.check(folder, is_operator);
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{folder}: {found}"),
                (found, _) => panic!("{folder}: {found:?}"),
            }
        };
        check("/srv/exports/acme", false, Ok("/srv/exports/acme"));
        check("/srv/exports//acme/", false, Ok("/srv/exports/acme"));
        check("/srv/exports-of-others", false, Err("below none of the folders"));
        check("/etc", false, Err("/srv/exports"));
        check("/etc", true, Ok("/etc"));
        for is_operator in [true, false] {
            check("/srv/exports/tidegate", is_operator, Err("own data"));
            check("/srv/exports/tidegate/x", is_operator, Err("own data"));
            check("/srv", is_operator, Err("own data"));
            for bad in ["", "/", "acme", "./acme", "/srv/exports/../../etc", "/srv/exports/./acme", "C:\\exports"] {
                check(bad, is_operator, Err("no whole path"));
            }
        }
        assert!(FolderRules::default().check("/srv/x", false).unwrap_err().contains("no folder is allowed yet"));
    }
}
