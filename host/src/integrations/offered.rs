//! The CRM that a pack in the folder of packs is for, told without loading it: for the choice of packs in a form.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use crate::pack::layer_folders;

/// The largest `pack.toml` that is looked at, in bytes.
const LARGEST: u64 = 256 << 10;

/// The line that says it.
#[derive(Deserialize)]
struct Line {
    crm: Option<String>,
}

/// The CRM that a pack names, itself or in the nearest of its bases; none where that cannot be told.
pub(super) fn crm_of(pack: &Path) -> Option<String> {
    layer_folders(pack).iter().find_map(|folder| {
        let mut text = String::new();
        File::open(folder.join("pack.toml")).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
        toml::from_str::<Line>(&text).ok()?.crm
    })
}
