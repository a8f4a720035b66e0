//! What belongs to a pack, by the names in its folder.

use std::ffi::OsStr;

/// The file that says what a pack is.
pub(super) const PACK_FILE: &str = "pack.toml";
/// The file with its rules.
pub(super) const RULES: &str = "rules.toml";
/// The folder in a pack's own in which its base lies.
pub(super) const BASE: &str = "base";
/// The file with the digests of a pack's files.
pub const SUM: &str = "pack.sum";
/// The file with its signature.
pub const SIGNATURE: &str = "pack.sum.minisig";

/// What names end with that editors and programs give to a file that is open, was kept from before, or is still written.
const STRAY_ENDS: [&str; 11] = [
    "~",
    ".swp",
    ".swo",
    ".swx",
    ".tmp",
    ".part",
    ".partial",
    ".filepart",
    ".crdownload",
    "___jb_tmp___",
    "___jb_old___",
];

/// What systems keep of a folder's looks.
const STRAY_NAMES: [&str; 2] = ["Thumbs.db", "desktop.ini"];

/// Whether a name is of what stands beside a pack's files and is none of them: what containers, editors and systems keep
/// there. It is neither read nor part of any digest, wherever a pack's folder is read.
pub fn is_stray(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.')
        || name.starts_with("~$")
        || (name.len() > 1 && name.starts_with('#') && name.ends_with('#'))
        || STRAY_ENDS.iter().any(|end| name.ends_with(end))
        || STRAY_NAMES.iter().any(|stray| name.eq_ignore_ascii_case(stray))
}

/// The folders of a pack, besides that of its base.
const FOLDERS: [&str; 5] = ["dialects", "documents", "events", "fixtures", "notes"];

/// Whether something directly in a pack's folder is part of the pack, by its name: its own files, folders and component, its
/// base, and what people read. All else that lies there (an author's key, a store, an archive, what editors are told of the
/// rules) is neither digested, signed, kept nor sent.
pub(super) fn is_part(name: &OsStr, is_folder: bool) -> bool {
    let Some(name) = name.to_str().filter(|_| !is_stray(name)) else { return false };
    if is_folder {
        return FOLDERS.contains(&name) || name == BASE;
    }
    let is_for_people = ["LICENSE", "LICENCE", "NOTICE", "COPYING"].iter().any(|begin| name.starts_with(begin));
    [PACK_FILE, RULES, SUM, SIGNATURE].contains(&name)
        || is_for_people
        || [".wasm", ".md"].iter().any(|end| name.ends_with(end))
}
