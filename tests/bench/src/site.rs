//! The stand-in site as a process of its own, so that what it costs is told apart.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use xplan_sandbox::{Account, Options, Region, Sandbox};

/// The user of the stand-in site.
pub const USER: &str = "bench";
/// Its password; the site is on loopback for the length of a measurement.
pub const PASSWORD: &str = "bench";

/// A running stand-in site; ended when dropped.
pub struct Site {
    child: Child,
    /// `127.0.0.1:40123`
    pub address: String,
}

impl Site {
    /// Starts a site with a book of this size.
    pub fn start(clients: u32) -> anyhow::Result<Self> {
        let binary = std::env::current_exe()?;
        let mut child = Command::new(binary).arg("site").arg(clients.to_string()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().context("the site has no output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        anyhow::ensure!(!address.is_empty(), "the stand-in site did not start");
        Ok(Self { child, address: address.trim().to_owned() })
    }

    /// CPU seconds that the site has used so far.
    pub async fn cpu(&self) -> anyhow::Result<f64> {
        let stats: serde_json::Value =
            reqwest::get(format!("http://{}/admin/stats", self.address)).await?.json().await?;
        stats["cpu_seconds"].as_f64().context("the site's stats have no CPU seconds")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The child's side: serves until it is killed.
pub async fn serve(clients: u32) -> anyhow::Result<()> {
    let accounts = vec![Account::new(USER, PASSWORD)];
    let sandbox = Sandbox::start(Options { clients, region: Region::Au, accounts, ..Options::default() }).await?;
    println!("{}", sandbox.addr());
    std::future::pending().await
}
