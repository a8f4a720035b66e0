//! Goals and covers that the book no longer has: they are gone after two walks that came to their end, and not before.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tidegate_tests::Host;

use super::listed::Listed;

/// Walks that make something gone.
const WALKS: u32 = 2;

/// More at once wait for a person, in a book of any size.
const ASKED_ABOVE: u64 = 10;

/// How many walks missed each goal or cover, at least and at most: of a walk that was spoilt or killed nobody knows.
#[derive(Default)]
pub struct Missed(BTreeMap<(&'static str, String), (u32, u32)>);

impl Missed {
    /// Counts a walk, and perhaps more, that could have seen those that stand in the book, and checks what came of those
    /// that do not.
    pub fn walked(&mut self, list: &'static str, missing: &[Value], stands: &Listed, may_be_more: u32) -> Result<()> {
        self.0.retain(|(of, id), _| *of != list || !stands.contains_key(id));
        for row in missing {
            let id = row["external_id"].as_str().context("a record has an id in the CRM")?.to_owned();
            let (least, most) = self.0.entry((list, id)).or_default();
            (*least, *most) = (*least + 1, *most + 1 + may_be_more);
            let is_gone = row["gone_since"].is_string();
            ensure!(!is_gone || *most >= WALKS, "{list}: gone after one walk: {row}");
            ensure!(is_gone || *least < WALKS, "{list}: missed by {least} walks and not gone: {row}");
            ensure!(is_gone != (row["is_missed"] == true), "{list}: gone or missed: {row}");
            if is_gone {
                *least = WALKS;
            }
        }
        Ok(())
    }
}

/// Says that all of which a run asks are gone.
pub async fn confirm(host: &Host) -> Result<()> {
    for kind in ["goal", "cover"] {
        let path = "/api/v1/connections/main/departures";
        let asked = host.get(&format!("{path}?kind={kind}")).await?.ok()?;
        if asked["standing"] == "waiting" {
            ensure!(asked["missing"].as_u64() > Some(ASKED_ABOVE), "asked about few: {asked}");
            let run = asked["run_id"].as_str().context("a run asks")?;
            host.post(&format!("{path}/confirm?kind={kind}&run_id={run}"), &Value::Null).await?.ok()?;
        }
    }
    Ok(())
}
