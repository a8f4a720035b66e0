//! Stores of former formats, kept as fixtures: how one is packed and unpacked, and what has to be found in it.
//!
//! A folder `tests/fixtures/stores/format-<n>` has the files of a host's data folder (`data.zip`) and what was in them
//! when the version of that time was stopped (`holds.json`). `cargo xtask store-fixture` makes one; the test `upgrade`
//! opens all of them with the host of today. What is held is told in words of the tests' own, so that a change of the
//! API changes [`Holds`] and no fixture.

mod holds;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xplan_sandbox::{Options, Region};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

pub use self::holds::Holds;
use super::Setup;

/// What of a data folder is a host's state: the store, the key that its secrets are sealed with, and the mark that there
/// is a store. The rest is made anew.
const FILES: [&str; 3] = ["tidegate.redb", "secret.key", "tidegate.made"];
/// The password of the fixture's only account, which [`super::Host::sign_up`] makes.
pub const PASSWORD: &str = "a tide gate lets water out";
/// The email of that account.
pub const EMAIL: &str = "pat.lee@example.com";

/// Where the fixtures are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stores")
}

/// The settings and the site of a fixture's host. The sites' addresses are part of a store, so that they are fixed: ports
/// that the system gives to no program that asks for any.
pub fn setup() -> Setup {
    let mut setup = Setup::with_clients(40);
    setup.site.listen = SocketAddr::from(([127, 0, 0, 1], 18_083));
    setup.settings =
        "\n[crm]\nstand-in-sites = true\nrequest-timeout = \"5s\"\n\n[notes]\nsite-lag = \"1s\"\n".to_owned();
    setup
}

/// The second site of a fixture, which is connected while the host runs.
pub fn south() -> Options {
    let listen = SocketAddr::from(([127, 0, 0, 1], 18_084));
    Options { listen, clients: 12, region: Region::Nz, ..Options::default() }
}

/// Packs the data folder of a host that was stopped; answers the archive's size in bytes.
///
/// # Errors
/// Where a file of it is missing, or the archive cannot be written.
pub fn pack(data: &Path, archive: &Path) -> Result<u64> {
    let mut zip = ZipWriter::new(File::create(archive)?);
    let options = SimpleFileOptions::default().compression_level(Some(9));
    for name in FILES {
        zip.start_file(name, options)?;
        zip.write_all(&fs::read(data.join(name)).with_context(|| format!("{name} of the data folder"))?)?;
    }
    zip.finish()?;
    Ok(fs::metadata(archive)?.len())
}

/// Puts a packed data folder in place of the one of a host that has not been started.
///
/// # Errors
/// Where the archive holds anything else, or cannot be read.
pub fn unpack(archive: &Path, data: &Path) -> Result<()> {
    let mut zip = ZipArchive::new(File::open(archive)?)?;
    for at in 0..zip.len() {
        let mut file = zip.by_index(at)?;
        let name = file.name()?.into_owned();
        ensure!(FILES.contains(&&*name), "{name} is no file of a data folder");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        fs::write(data.join(name), bytes)?;
    }
    Ok(())
}
