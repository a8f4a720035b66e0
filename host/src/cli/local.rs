//! The way in which a command reaches the host: through the socket of the one that runs, else through one started for
//! the command alone. Either way it speaks the API, so that there is one way to do a thing.

use std::future::Future;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use futures::{Stream, StreamExt as _};
use serde_json::Value;
use tokio::net::UnixStream;

use super::{output, owner};
use crate::app::App;
use crate::config::{Config, Storage};
use crate::serve;
use crate::store;

/// The API of a host on this machine.
pub(super) struct Local {
    client: reqwest::Client,
}

impl Local {
    /// The host that keeps its data in `data_dir`, running or about to.
    pub(super) fn of(data_dir: &Path) -> anyhow::Result<Self> {
        crate::crm::install_tls();
        let client = reqwest::Client::builder().unix_socket(serve::socket_path(data_dir)).build()?;
        Ok(Self { client })
    }
}

/// The number of times that a command looks for a host that holds the data folder and does not answer yet, and the
/// pause in between.
const LOOKS: u32 = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// The interval at which a host is asked whether it is alive while it does a command's work, and the longest time for
/// which it may be silent. The work itself may take its time: a pack is compiled, a site is waited for.
const BETWEEN_SIGNS: Duration = Duration::from_secs(5);
const LONGEST_SILENCE: Duration = Duration::from_secs(20);

/// The error about a host that does not answer.
pub(super) fn silent(longest: Duration) -> anyhow::Error {
    anyhow::anyhow!(
        "the host that runs on this data folder does not answer within {}: its process is stopped or stuck. Let it go \
         on (kill -CONT), or end it and start it again; what was accepted is on disk",
        match longest.as_secs() {
            1 => "a second".to_owned(),
            seconds => format!("{seconds} seconds"),
        }
    )
}

/// Whether a host listens at its socket. One whose queue of callers is full does, and takes none.
pub(super) async fn listens(socket: &Path) -> bool {
    match UnixStream::connect(socket).await {
        Ok(_) => true,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// The answer to a data folder without a store. It may be the wrong folder: a new store in it would answer that all is well, and
/// stand in the way of the one that was meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WithoutStore {
    /// The command is refused.
    Refuse,
    /// A store is made, and told of: for what is done before a host's first start.
    Make,
    /// The command works on a store of its own, which is gone with it: for what looks and keeps nothing.
    Borrow,
}

/// Does `work` with the running host, or with one opened for it on the store that is there. A host that is just starting is
/// waited for; one that is silent is not.
pub(super) async fn with_host<T, F, Work>(config: Config, work: Work) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
    Work: FnOnce(Local) -> F,
{
    with_host_or(config, WithoutStore::Refuse, work).await
}

/// The same, with another answer where there is no store.
pub(super) async fn with_host_or<T, F, Work>(
    mut config: Config,
    without_store: WithoutStore,
    work: Work,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
    Work: FnOnce(Local) -> F,
{
    let mut host = Local::of(&config.server.data_dir)?;
    let socket = serve::socket_path(&config.server.data_dir);
    let mut looks = 1..=LOOKS;
    loop {
        if listens(&socket).await {
            return watched(&config.server.data_dir, work).await;
        }
        let is_new = is_new(&config.server.data_dir);
        let borrowed = match without_store {
            _ if !is_new => None,
            _ if !config.is_given => return Err(no_settings(&config.server.data_dir)),
            WithoutStore::Refuse => return Err(no_store(&config.server.data_dir)),
            WithoutStore::Make => None,
            WithoutStore::Borrow => Some(tempfile::tempdir()?),
        };
        if let Some(folder) = &borrowed {
            folder.path().clone_into(&mut config.server.data_dir);
            // What the settings keep free is meant of another disk.
            config.storage = Storage { warn_below: 0, refuse_below: 0, reserve: 0 };
            host = Local::of(folder.path())?;
        }
        owner::refuse_for_another(&config.server.data_dir)?;
        serve::refuse_long(&config.server.data_dir).map_err(serve::ServeError::from)?;
        match App::open(config.clone()) {
            Ok(app) => {
                if is_new && borrowed.is_none() {
                    tell_new_store(&config.server.data_dir);
                }
                return serve::run_locally(app, async { work(host).await }).await;
            }
            Err(error) if error.is_held_by_another() && looks.next().is_some() => {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Does `work` with the host that runs on this data folder; nothing where none does.
pub(super) async fn with_running<T, F, Work>(data_dir: &Path, work: Work) -> anyhow::Result<Option<T>>
where
    F: Future<Output = anyhow::Result<T>>,
    Work: FnOnce(Local) -> F,
{
    let is_running = listens(&serve::socket_path(data_dir)).await;
    if is_running { watched(data_dir, work).await.map(Some) } else { Ok(None) }
}

/// Does `work` with a host that listens, for as long as it gives signs of life.
async fn watched<T, F, Work>(data_dir: &Path, work: Work) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
    Work: FnOnce(Local) -> F,
{
    let (host, watch) = (Local::of(data_dir)?, Local::of(data_dir)?);
    tokio::select! {
        done = work(host) => done,
        () = watch.until_silent() => Err(silent(LONGEST_SILENCE)),
    }
}

/// Whether there is no store in this data folder. Half of a backup is told of when it is opened.
pub(super) fn is_new(data_dir: &Path) -> bool {
    !store::is_in(data_dir) && !data_dir.join(store::RESTORING).exists()
}

/// Says that a store was made where there was none: it may be the wrong folder.
pub(super) fn tell_new_store(data_dir: &Path) {
    output::tell(&format!("There was no store in {}: a new one was made.", data_dir.display()));
    owner::warn_of_another(data_dir);
}

/// The error about a data folder in which nothing was meant to be made.
fn no_store(data_dir: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "there is no store in {}, and none was made: name the data folder with --data-dir or [server] data-dir; for a new one, \
         start the host first (tidegate serve)",
        data_dir.display()
    )
}

/// The error about a command in a folder that is nobody's.
pub(super) fn no_settings(data_dir: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "there are no settings here (tidegate.toml), and no host has its data in {}: name the settings with --config, or the data \
         folder with --data-dir",
        data_dir.display()
    )
}

impl Local {
    /// Ends once the host gives no sign of life for [`LONGEST_SILENCE`]. That it has ended is for the work to find out.
    async fn until_silent(&self) {
        loop {
            let sign = self.client.get("http://tidegate/healthz").send();
            if tokio::time::timeout(LONGEST_SILENCE, sign).await.is_err() {
                return;
            }
            tokio::time::sleep(BETWEEN_SIGNS).await;
        }
    }

    /// `GET /api/v1/<path>` as JSON.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        answer(self.client.get(url(path)).send().await).await
    }

    /// `POST /api/v1/<path>` without a body.
    pub(super) async fn post(&self, path: &str) -> anyhow::Result<Value> {
        answer(self.client.post(url(path)).send().await).await
    }

    /// `POST /api/v1/<path>` with JSON.
    pub(super) async fn post_json(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.client.post(url(path)).json(body).send().await).await
    }

    /// `PATCH /api/v1/<path>` with JSON.
    pub(super) async fn patch_json(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.client.patch(url(path)).json(body).send().await).await
    }

    /// `DELETE /api/v1/<path>`.
    pub(super) async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        answer(self.client.delete(url(path)).send().await).await
    }

    /// `POST /api/v1/<path>` with a file as its body.
    pub(super) async fn post_bytes(&self, path: &str, query: &[(&str, &str)], bytes: Vec<u8>) -> anyhow::Result<Value> {
        answer(self.client.post(url(path)).query(query).body(bytes).send().await).await
    }

    /// Reports an event; answers its note.
    pub(super) async fn post_event(&self, event: &Value, key: &str) -> anyhow::Result<Value> {
        let request = self.client.post(url("events")).header("Idempotency-Key", key).json(event);
        answer(request.send().await).await
    }

    /// Waits for a host that is just starting, a few seconds at most.
    pub(super) async fn wait_until_ready(&self) -> anyhow::Result<()> {
        for _ in 0..100 {
            if self.get("connections").await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the host did not become ready within 5 seconds")
    }

    /// What `/api/v1/<path>` answers to a question.
    pub(super) async fn ask(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        answer(self.client.get(url(path)).query(query).send().await).await
    }

    /// What `/api/v1/<path>` answers to a question, as it comes.
    pub(super) async fn stream(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> anyhow::Result<impl Stream<Item = reqwest::Result<bytes::Bytes>> + use<>> {
        let response = self.client.get(url(path)).query(query).send().await.context("the host does not answer")?;
        if !response.status().is_success() {
            answer(Ok(response)).await?;
            anyhow::bail!("the host refused");
        }
        Ok(response.bytes_stream())
    }

    /// The first `limit` items of a list that a person bounds by `--limit`; says where there are more.
    pub(super) async fn first(&self, path: &str, query: &[(&str, &str)], limit: usize) -> anyhow::Result<Vec<Value>> {
        let (items, more) = self.pages(path, query, limit).await?;
        if more {
            output::tell(&format!("There are more than the first {limit}; --limit N shows N."));
        }
        Ok(items)
    }

    /// All items of a list, page by page, at most `most`.
    pub(super) async fn list(&self, path: &str, query: &[(&str, &str)], most: usize) -> anyhow::Result<Vec<Value>> {
        Ok(self.pages(path, query, most).await?.0)
    }

    /// The same, and whether there are more.
    async fn pages(&self, path: &str, query: &[(&str, &str)], most: usize) -> anyhow::Result<(Vec<Value>, bool)> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let limit = (most - items.len()).min(200).to_string();
            let mut request = self.client.get(url(path)).query(query).query(&[("limit", &limit)]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let mut page = answer(request.send().await).await?;
            let rows = page["items"].take();
            items.extend(rows.as_array().cloned().context("the list has no items")?);
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() || items.len() >= most {
                return Ok((items, cursor.is_some()));
            }
        }
    }

    /// The JSON of each server-sent event under `/api/v1/<path>`, until the host closes the stream.
    pub(super) async fn events(&self, path: &str) -> anyhow::Result<impl Stream<Item = anyhow::Result<Value>> + use<>> {
        let response = self.client.get(url(path)).send().await?;
        let bytes = response.error_for_status()?.bytes_stream();
        let lines = tokio_util::io::StreamReader::new(bytes.map(|chunk| chunk.map_err(io::Error::other)));
        let lines = tokio_util::codec::FramedRead::new(lines, tokio_util::codec::LinesCodec::new());
        Ok(lines.filter_map(|line| async {
            match line {
                Ok(line) => line.strip_prefix("data:").map(|data| Ok(serde_json::from_str(data.trim())?)),
                Err(error) => Some(Err(error.into())),
            }
        }))
    }
}

fn url(path: &str) -> String {
    format!("http://tidegate/api/v1/{path}")
}

/// A field's error in one line: `data.score: it must be a number from 0 to 100`.
fn field_error(error: &Value) -> String {
    let text = |key: &str| error[key].as_str().unwrap_or_default();
    let field = text("pointer").trim_start_matches('/').replace('/', ".");
    if field.is_empty() { text("detail").to_owned() } else { format!("{field}: {}", text("detail")) }
}

/// The JSON of an answer; a problem document becomes an error in its own words.
async fn answer(response: reqwest::Result<reqwest::Response>) -> anyhow::Result<Value> {
    let response = response.context("the host does not answer")?;
    let status = response.status();
    if status == reqwest::StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    let body: Value = response.json().await.context("the host's answer is no JSON")?;
    // A pack that was refused is answered with its gates, which say more than a problem would.
    if status.is_success() || body["gates"].is_array() {
        return Ok(body);
    }
    let errors: Vec<String> = body["errors"].as_array().into_iter().flatten().map(field_error).collect();
    if !errors.is_empty() {
        anyhow::bail!("{}", errors.join("; "));
    }
    let message = ["detail", "title"].into_iter().find_map(|key| body[key].as_str());
    anyhow::bail!("{}", message.unwrap_or_else(|| status.canonical_reason().unwrap_or("the host refused")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[tokio::test]
    async fn a_host_that_is_just_starting_or_ending_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("tidegate.toml");
        std::fs::write(&settings, "").unwrap();
        let config = Config::load(Some(&settings), &Vec::new()).unwrap();
        let held = Store::open(&config.server.data_dir).unwrap();
        let ask = tokio::spawn(with_host(config, |host| async move { host.get("connections").await }));
        tokio::time::sleep(3 * BETWEEN_LOOKS).await;
        assert!(!ask.is_finished());
        drop(held);
        assert_eq!(ask.await.unwrap().unwrap()["items"], serde_json::json!([]));
    }
}
