//! What no walk may take from a practice, whatever went wrong during it: who and what is in it, and what people wrote.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::Host;

use super::expected::Practice;
use super::{by_external_id, rows};

/// Goals of which the practice says how far they are, between two walks.
const WRITTEN: usize = 12;

/// A practice as it was, by the CRM's ids; goals and covers that are gone from the book included.
pub struct Kept {
    clients: BTreeMap<String, Value>,
    goals: BTreeMap<String, Value>,
    covers: BTreeMap<String, Value>,
}

impl Kept {
    /// Whether there was a client with this id in the CRM.
    pub fn has(&self, client: &str) -> bool {
        self.clients.contains_key(client)
    }

    /// What is there. Nothing is there twice, and nobody is taken for gone, because nobody goes.
    pub async fn of(host: &Host) -> Result<Self> {
        let clients = by_external_id(rows(host, "clients").await?)?;
        for client in clients.values() {
            ensure!(client["visibility"] == "visible", "taken for gone: {client}");
        }
        let [goals, covers] = [rows(host, "goals").await?, rows(host, "covers").await?];
        Ok(Self { clients, goals: by_external_id(goals)?, covers: by_external_id(covers)? })
    }

    /// Fails unless what there was is still there, as the same records: of everybody whom the book brings over.
    pub fn is_in(&self, now: &Self, expected: &Practice) -> Result<()> {
        let comes_over = |id: &str| expected.clients.contains_key(id.split('/').next().unwrap_or_default());
        let parts = [
            (&self.clients, &now.clients, None),
            (&self.goals, &now.goals, Some(&expected.goals)),
            (&self.covers, &now.covers, Some(&expected.covers)),
        ];
        for (before, now, listed) in parts {
            for (id, before) in before.iter().filter(|(id, _)| comes_over(id)) {
                let found = now.get(id).with_context(|| format!("lost: {before}"))?;
                for own in ["id", "status", "recurrence"] {
                    // A client's status is the CRM's.
                    let is_kept = own == "status" && listed.is_none() || found[own] == before[own];
                    ensure!(is_kept, "the {own} of {before} became {}", found[own]);
                }
                let stands = listed.is_some_and(|listed| listed.contains_key(id));
                ensure!(!stands || before["gone_since"].is_string() || found["gone_since"].is_null(), "gone: {found}");
            }
        }
        Ok(())
    }
}

/// Has people say of some goals how far they are, and how often they come again.
pub async fn write(host: &Host) -> Result<()> {
    for (at, goal) in rows(host, "goals").await?.iter().step_by(5).take(WRITTEN).enumerate() {
        let id = goal["id"].as_str().context("a goal has an id")?;
        let status = ["doing", "done", "to_do"][at % 3];
        host.patch(&format!("/api/v1/goals/{id}"), &json!({ "status": status, "recurrence": "yearly" })).await?.ok()?;
    }
    Ok(())
}
