//! The real binary, serving from a folder of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use xplan_sandbox::{Admin, Sandbox};

use super::folder::from_environment;
use super::{Answer, Setup, TOKEN, compiled, quiet};

/// How long a host may take to listen and be ready. A debug build compiles its pack on first use.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long a small sync may take.
const SYNCED_WITHIN: Duration = Duration::from_secs(180);
/// How often something is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// A host process with its folder and its stand-in site. Dropped, it is killed and its folder removed, after the
/// quiet state was asserted.
pub struct Host {
    /// The stand-in site; stays up while the host is killed and restarted.
    pub site: Sandbox,
    process: Option<Process>,
    folder: TempDir,
    settings: PathBuf,
    http: reqwest::Client,
    asserts_quiet: bool,
}

struct Process {
    child: Child,
    address: SocketAddr,
}

impl Host {
    /// Starts a site and a host for it, and waits until the host is ready. Nothing is synced yet.
    ///
    /// # Errors
    /// Where the site or the host does not start, with the end of the host's log.
    pub async fn start(setup: Setup) -> Result<Self> {
        let mut host = Self::prepare(setup).await?;
        host.restart().await?;
        Ok(host)
    }

    /// Starts a site and writes a host's folder for it, without starting the host: for tests of commands.
    ///
    /// # Errors
    /// Where the site does not start.
    pub async fn prepare(setup: Setup) -> Result<Self> {
        // A second test's call finds it installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let site = Sandbox::start(setup.site.clone()).await?;
        let folder = TempDir::with_prefix("tidegate-")?;
        let settings = setup.write(folder.path(), site.addr())?;
        compiled::copy_to(&settings).await?;
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { site, process: None, folder, settings, http, asserts_quiet: true })
    }

    /// Starts the host on its folder, after [`Host::kill`], [`Host::stop`] or [`Host::prepare`].
    ///
    /// # Errors
    /// Where it does not start, with the end of its log, or where it runs already.
    pub async fn restart(&mut self) -> Result<()> {
        self.start_process(&[]).await
    }

    /// The same, with variables in its environment.
    ///
    /// # Errors
    /// As [`Host::restart`].
    pub async fn restart_with(&mut self, variables: &[(&str, &str)]) -> Result<()> {
        self.start_process(variables).await
    }

    /// The same, with a host that ends by itself, as in a power cut, when it first comes to a place of a note's way. It
    /// may do so before it is ready.
    ///
    /// # Errors
    /// As [`Host::restart`], unless it came to the place.
    pub async fn restart_dying_at(&mut self, place: &str) -> Result<()> {
        let started = self.start_process(&[("TIDEGATE_FAIL_AT", place)]).await;
        if let Some(process) = &mut self.process
            && started.is_err()
            && process.child.wait().await?.code().is_none()
        {
            return Ok(());
        }
        started
    }

    /// The same, with a host that is not ready to serve all, which `/readyz` says.
    ///
    /// # Errors
    /// Where it does not listen, with the end of its log, or where it runs already.
    pub async fn restart_unready(&mut self) -> Result<()> {
        self.start_listening(&[]).await
    }

    async fn start_process(&mut self, variables: &[(&str, &str)]) -> Result<()> {
        self.start_listening(variables).await?;
        self.ready().await.with_context(|| self.log_tail())
    }

    async fn start_listening(&mut self, variables: &[(&str, &str)]) -> Result<()> {
        // Two would race for the store, and whichever came second would end at once.
        ensure!(self.process.is_none(), "the host runs: stop or kill it before it is started again");
        let log = fs::File::options().create(true).append(true).open(self.log_path())?;
        let mut child = self
            .command(&["serve", "--json"])?
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("the host's binary runs")?;
        let stdout = child.stdout.take().context("stdout is a pipe")?;
        // It is known before it listens, so that one which dies at once is waited for.
        let process = self.process.insert(Process { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) });
        let mut lines = BufReader::new(stdout).lines();
        let listening = tokio::time::timeout(READY_WITHIN, async {
            while let Some(line) = lines.next_line().await? {
                let event: Value = serde_json::from_str(&line).with_context(|| format!("not a JSON line: {line}"))?;
                if event["event"] == "listening" {
                    let address = event["address"].as_str().context("listening has an address")?;
                    return Ok(address.trim_start_matches("http://").parse()?);
                }
            }
            bail!("it ended without listening")
        })
        .await
        .context("it does not listen")
        .flatten();
        match listening {
            Ok(address) => process.address = address,
            Err(error) => return Err(error.context(self.log_tail())),
        }
        // What else it prints is read, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(())
    }

    async fn ready(&self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if self.http.get(self.url("/readyz")).send().await?.status().is_success() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("/readyz did not say yes within {READY_WITHIN:?}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Ends the host as a power cut would (SIGKILL). The site stays up.
    ///
    /// # Errors
    /// Where the process cannot be ended.
    pub async fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the host runs")?;
        // One that has ended by itself has no number any more, and cannot be ended again.
        if process.child.id().is_some() {
            process.child.kill().await?;
        }
        Ok(())
    }

    /// The number of the host's process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref()?.child.id()
    }

    /// Waits until the host has ended by itself, or so long; answers whether it has.
    pub async fn dies_within(&mut self, longest: Duration) -> bool {
        match &mut self.process {
            Some(process) => tokio::time::timeout(longest, process.child.wait()).await.is_ok(),
            None => false,
        }
    }

    /// The exit code of a host that ends by itself, within so long.
    pub async fn ends_within(&mut self, longest: Duration) -> Option<i32> {
        let process = self.process.as_mut()?;
        tokio::time::timeout(longest, process.child.wait()).await.ok()?.ok()?.code()
    }

    /// Asks the host to stop (SIGTERM) and waits until it has; answers its exit code.
    ///
    /// # Errors
    /// Where it does not stop within half a minute.
    pub async fn stop(&mut self) -> Result<Option<i32>> {
        let mut process = self.process.take().context("the host runs")?;
        let pid = process.child.id().context("the host runs")?;
        Command::new("kill").arg(pid.to_string()).status().await?;
        let status = tokio::time::timeout(Duration::from_secs(30), process.child.wait()).await;
        Ok(status.context("the host stops when it is asked to")??.code())
    }

    /// The most memory that the host has had so far, in bytes.
    ///
    /// # Errors
    /// Where it does not run, or the system does not tell.
    pub fn peak_memory(&self) -> Result<u64> {
        Ok(self.memory()?.1)
    }

    /// The memory that the host has now, and the most that it has had so far, in bytes.
    ///
    /// # Errors
    /// Where it does not run, or the system does not tell.
    pub fn memory(&self) -> Result<(u64, u64)> {
        let process = self.process.as_ref().context("the host runs")?;
        let pid = process.child.id().context("the host runs")?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
            anyhow::Ok(line.with_context(|| format!("no {name}"))?.parse::<u64>()? << 10)
        };
        Ok((bytes("VmRSS:")?, bytes("VmHWM:")?))
    }

    /// A command of the binary with this host's settings: `&["note", "list", "--json"]`.
    ///
    /// # Errors
    /// Where `TIDEGATE_BIN` is not set.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(from_environment("TIDEGATE_BIN")?);
        command.args(arguments).arg("--config").arg(&self.settings).current_dir(self.folder.path());
        Ok(command)
    }

    /// Runs a command of the binary to its end.
    ///
    /// # Errors
    /// Where it cannot be started; an exit code other than 0 is in the answer.
    pub async fn run(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.command(arguments)?.stdin(Stdio::null()).output().await?)
    }

    /// The full URL of a path: of a page or of the API.
    ///
    /// # Panics
    /// Where the host is not running.
    pub fn url(&self, path: &str) -> String {
        let process = self.process.as_ref().expect("the host runs");
        format!("http://{}{path}", process.address)
    }

    /// The path of the set-up link that a host without accounts prints: where a browser makes the first one.
    ///
    /// # Errors
    /// Where it has printed none.
    pub fn set_up_path(&self) -> Result<String> {
        let log = fs::read_to_string(self.log_path())?;
        let token = log.rsplit_once("/set-up/").and_then(|(_, rest)| rest.split_whitespace().next());
        Ok(format!("/set-up/{}", token.with_context(|| format!("no set-up link; {}", self.log_tail()))?))
    }

    /// Makes the first account; answers its session's cookie.
    ///
    /// # Errors
    /// Where there is one already.
    pub async fn sign_up(&self) -> Result<String> {
        let form = "name=Pat+Lee&email=pat.lee%40example.com&password=a+tide+gate+lets+water+out";
        let request = self.http.post(self.url(&self.set_up_path()?)).header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer = self.send(request).await?;
        let cookie = answer.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        ensure!(cookie.starts_with("__Host-"), "{} {}", answer.status, answer.text);
        Ok(cookie)
    }

    /// Presses a button of a page, and reads the page that it leads to.
    ///
    /// # Errors
    /// As [`Host::get`].
    pub async fn press(&self, path: &str, cookie: &str) -> Result<Answer> {
        let request = self.http.post(self.url(path)).header("cookie", cookie).header("sec-fetch-site", "same-origin");
        self.follow(self.send(request).await?, cookie).await
    }

    /// The page that a form's answer leads to; the answer itself where it leads nowhere.
    ///
    /// # Errors
    /// As [`Host::get`].
    pub async fn follow(&self, answer: Answer, cookie: &str) -> Result<Answer> {
        if answer.status != 303 {
            return Ok(answer);
        }
        self.send(self.http.get(self.url(answer.header("location"))).header("cookie", cookie)).await
    }

    /// What the stand-in site saw, and what can be done to it.
    pub fn crm(&self) -> Admin {
        self.site.admin()
    }

    /// The folder with `tidegate.toml`, `data` and `host.log`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gets a path with the bootstrap token.
    ///
    /// # Errors
    /// Where no answer comes; an answer that says no is an answer.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(self.http.get(self.url(path)).bearer_auth(TOKEN)).await
    }

    /// Posts JSON with the bootstrap token.
    ///
    /// # Errors
    /// As [`Host::get`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(self.http.post(self.url(path)).bearer_auth(TOKEN).json(body)).await
    }

    /// Patches what is at a path.
    ///
    /// # Errors
    /// As [`Host::get`].
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(self.http.patch(self.url(path)).bearer_auth(TOKEN).json(body)).await
    }

    /// Posts an event under an idempotency key.
    ///
    /// # Errors
    /// As [`Host::get`].
    pub async fn post_event(&self, key: &str, event: &Value) -> Result<Answer> {
        let request = self.http.post(self.url("/api/v1/events")).bearer_auth(TOKEN).header("idempotency-key", key);
        self.send(request.json(event)).await
    }

    /// A client without token or redirects, for requests of another kind.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Sends a request that was made with [`Host::http`].
    ///
    /// # Errors
    /// As [`Host::get`].
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer> {
        Answer::read(request.send().await?).await
    }

    /// Asks for a run of the connection `main`; answers it as it begins.
    ///
    /// # Errors
    /// Where the host refuses.
    pub async fn sync(&self) -> Result<Value> {
        self.post("/api/v1/connections/main/sync", &Value::Null).await?.ok()
    }

    /// Asks for a run of the connection `main` and waits for its end; answers the finished run, failed ones too.
    ///
    /// # Errors
    /// Where the host refuses, or the run does not end.
    pub async fn sync_and_wait(&self) -> Result<Value> {
        let run = self.sync().await?;
        let id = run["id"].as_str().context("a run has an id")?;
        self.wait_for_run(id).await
    }

    /// Waits for a run's end; answers it.
    ///
    /// # Errors
    /// Where it does not end.
    pub async fn wait_for_run(&self, id: &str) -> Result<Value> {
        self.wait_for(&format!("/api/v1/runs/{id}"), |run| run["state"] != "queued" && run["state"] != "running").await
    }

    /// Gets a path again and again until its JSON is as wanted; answers that JSON.
    ///
    /// # Errors
    /// Where it does not become so, with what it was last.
    pub async fn wait_for(&self, path: &str, is_wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + SYNCED_WITHIN;
        loop {
            let found = self.get(path).await?.ok()?;
            if is_wanted(&found) {
                return Ok(found);
            }
            if Instant::now() > deadline {
                bail!("{path} did not become as wanted within {SYNCED_WITHIN:?}; it was {found}\n{}", self.log_tail());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Lets the test end with work under way, or with the host killed.
    pub fn leave_unquiet(&mut self) {
        self.asserts_quiet = false;
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("host.log")
    }

    /// The end of the host's log, for a failed test's message.
    pub fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        format!("the host's log ends:\n{}", lines[lines.len().saturating_sub(30)..].join("\n"))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if !self.asserts_quiet || std::thread::panicking() {
            return;
        }
        // A host that was stopped or never listened has nothing under way that could be asked for.
        if let Some(process) = self.process.as_ref().filter(|process| process.address.port() != 0) {
            let unfinished = quiet::unfinished(process.address).expect("the host tells what is under way");
            let words = "a test ended with something under way; where it failed before, this hides why";
            assert!(unfinished.is_empty(), "{words}:\n{}\n{}", unfinished.join("\n"), self.log_tail());
        }
    }
}
