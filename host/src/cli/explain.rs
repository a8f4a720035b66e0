//! `tidegate explain`: where a client's values come from.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::local::Local;
use super::{Global, kinds, local, output};

#[derive(Args)]
#[command(after_help = "Examples:
  tidegate explain 1259                    every field of the client with this CRM id
  tidegate explain 1259 mobile             one field
  tidegate explain 1259 --kind goal        the goals in the client's list
  tidegate explain 0192f0c4-… email --json the client by the practice's own id")]
pub(super) struct Explain {
    /// The client's CRM id, or the practice's own id
    client: String,
    /// One canonical field, such as mobile or date_of_birth
    field: Option<String>,
    /// Which record: the client, or the goals or covers in the client's lists
    #[arg(long, default_value = "client", value_parser = kinds())]
    kind: String,
    /// The connection whose CRM id it is, where several sites use the same
    #[arg(long)]
    connection: Option<String>,
}

impl Explain {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let config = global.load_quietly()?;
        let fields = local::with_host(config, |host| async move { self.ask(&host).await }).await?;
        if global.json {
            output::json(&fields)?;
            return Ok(ExitCode::SUCCESS);
        }
        for field in fields["fields"].as_array().into_iter().flatten() {
            print(field)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(&self, host: &Local) -> anyhow::Result<Value> {
        let id = if self.client.len() == 36 { self.client.clone() } else { self.find(host).await? };
        let field = self.field.as_ref().map(|field| format!("&field={field}")).unwrap_or_default();
        host.get(&format!("clients/{id}/explain?kind={}{field}", self.kind)).await
    }

    async fn find(&self, host: &Local) -> anyhow::Result<String> {
        let mut query = vec![("external_id", self.client.as_str())];
        query.extend(self.connection.as_deref().map(|name| ("connection", name)));
        let found = host.list("clients", &query, 2).await?;
        match found.as_slice() {
            [client] => Ok(client["id"].as_str().unwrap_or_default().to_owned()),
            [] => anyhow::bail!(
                "no client has the CRM id `{}`; it may not be visible to the CRM user, or a rule leaves it out",
                self.client
            ),
            _ => anyhow::bail!("several sites have a client `{}`; name one with --connection", self.client),
        }
    }
}

/// A change of a value in a line.
fn changed(change: &Value) -> String {
    let text = |key: &str| change[key].as_str();
    let [from, to] = ["from", "to"].map(|key| text(key).unwrap_or("(empty)"));
    let by = text("by").unwrap_or("somebody");
    let revision = text("revision").map(|revision| format!(" {revision}")).unwrap_or_default();
    let why = match text("cause") {
        Some("crm") => "the CRM's record changed".to_owned(),
        Some("revision") => format!("another revision reads it so{revision}"),
        Some("crm_or_revision") => format!("the CRM's record and the revision changed{revision}"),
        Some("day") => "by the day".to_owned(),
        Some("edit") => format!("edited here by {by}"),
        Some("override") => "the CRM overrode an edit".to_owned(),
        _ => "a sync brought it".to_owned(),
    };
    let run = text("run_id").map(|run| format!(", run {run}")).unwrap_or_default();
    format!("since {}: {from} → {to}, {why}{run}", text("at").unwrap_or_default())
}

fn print(field: &Value) -> anyhow::Result<()> {
    let text = |key: &str| field[key].as_str();
    output::line(format!("{}: {}", text("field").unwrap_or_default(), text("value").unwrap_or("(empty)")))?;
    if let Some(source) = text("source") {
        output::line(format!("    from  {source} = {}", text("source_value").unwrap_or("(nothing)")))?;
    }
    if let Some(rule) = text("rule") {
        output::line(format!("    rule  {rule}"))?;
    }
    for change in field["history"].as_array().into_iter().flatten() {
        output::line(format!("    {}", changed(change)))?;
    }
    for diagnostic in field["diagnostics"].as_array().into_iter().flatten() {
        let word = |key: &str| diagnostic[key].as_str().unwrap_or_default();
        output::line(format!("    {}  {} ({})", word("severity"), word("message"), word("code")))?;
    }
    Ok(())
}
