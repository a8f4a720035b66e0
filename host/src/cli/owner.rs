//! Whose the files of a data folder are. A command that another account runs there, as root does with sudo, would leave files that
//! the host cannot open, which runs as the account that the store belongs to.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::output;
use crate::store::STORE_FILES;

/// Refuses to work on a store of another account.
///
/// # Errors
/// Names both accounts, and how the command is run as the right one.
pub(super) fn refuse_for_another(data_dir: &Path) -> anyhow::Result<()> {
    let store = data_dir.join(STORE_FILES[0]);
    match (owner_of(&store), maker_in(data_dir)) {
        (Some(owner), Some(maker)) if owner != maker => anyhow::bail!(
            "{} belongs to the account {owner}, and this is {maker}: what it made there, a host that runs as {owner} could not open. \
             Nothing was done; run the command as that account (sudo -u '#{owner}' tidegate …)",
            store.display()
        ),
        _ => Ok(()),
    }
}

/// Warns where what was made in a folder is not its owner's: a host that runs as that account could not open it.
pub(super) fn warn_of_another(data_dir: &Path) {
    if let (Some(owner), Some(maker)) = (owner_of(data_dir), maker_in(data_dir))
        && owner != maker
    {
        let folder = data_dir.display();
        output::tell(&format!(
            "warning: {folder} belongs to the account {owner}, and what was made in it to {maker}: before a host runs as {owner}, give \
             it to that account (chown -R {owner} {folder})"
        ));
    }
}

fn owner_of(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|found| found.uid())
}

/// The account that a file of this process belongs to in a folder: some file systems give all to one, whoever makes it. None where
/// none can be made.
fn maker_in(folder: &Path) -> Option<u32> {
    let file = tempfile::Builder::new().prefix(".tidegate-").tempfile_in(folder).ok()?;
    file.as_file().metadata().ok().map(|made| made.uid())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    #[test]
    fn a_store_of_another_account_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join(STORE_FILES[0]);
        assert!(refuse_for_another(folder.path()).is_ok(), "there is none");
        fs::write(&store, "a store").unwrap();
        assert!(refuse_for_another(folder.path()).is_ok());
        // None but root can give a file away.
        if chown(&store, Some(10_001), None).is_ok() {
            let refused = refuse_for_another(folder.path()).unwrap_err().to_string();
            assert!(
                refused.contains("belongs to the account 10001") && refused.contains("sudo -u '#10001'"),
                "{refused}"
            );
        }
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [STORE_FILES[0]]);
    }
}
