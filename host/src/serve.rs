//! The host at work: its listeners and its background jobs, until it is told to stop.
//!
//! Two doors lead to the same routes: the address of the settings, for people and programs that sign in, and a socket in
//! the data folder, for commands of the same user on the same machine.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use axum::Router;
use axum::middleware::from_fn;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::access::LocalOperator;
use crate::app::App;
use crate::config::Config;
use crate::{api, schedule, web};

/// Where commands on this machine reach the host.
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("tidegate.sock")
}

/// The address that people and programs use.
///
/// # Errors
/// Names the address and what to do, as where the port is taken.
pub async fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    listen(config.server.listen, "--listen or [server] listen").await
}

async fn listen(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("{address} is in use by another program; choose another with {setting}")
        }
        _ => anyhow::anyhow!("{address} cannot be listened on: {error}; choose another with {setting}"),
    })
}

/// Serves people, programs and commands, keeps the schedule and delivers notes, until `shutdown`. Then open requests
/// end, runs stop at their next commit, and everything is on disk when this returns.
///
/// # Errors
/// Where the socket cannot be made or a listener fails.
pub async fn run(app: App, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    app.start().await?;
    let mut jobs = JoinSet::new();
    let zone = app.config.practice.time_zone.clone();
    let schedule = schedule::run(app.syncs.clone(), app.store.clone(), app.connections.clone(), zone, shutdown.clone());
    jobs.spawn(schedule);
    let notes = app.notes.clone();
    let until = shutdown.clone();
    jobs.spawn(async move { notes.run(until).await });

    if let Some(address) = app.config.metrics {
        let figures = listen(address, "[metrics] listen").await?;
        let until = shutdown.clone().cancelled_owned();
        let serving = axum::serve(figures, api::figures::router(app.clone())).with_graceful_shutdown(until);
        jobs.spawn(async move { drop(serving.await) });
    }
    let socket = listen_locally(&app.config.server.data_dir)?;
    let routes = routes(&app);
    let local = axum::serve(socket, local_routes(&app)).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let public = axum::serve(listener, routes).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    // A listener waits for its open requests, and those that follow a run end when the run stops.
    let stop_runs = async {
        shutdown.cancelled().await;
        app.syncs.shut_down().await;
    };
    let serving = async {
        let outcome = tokio::try_join!(public.into_future(), local.into_future());
        shutdown.cancel();
        outcome
    };
    let (outcome, ()) = tokio::join!(serving, stop_runs);
    while jobs.join_next().await.is_some() {}
    app.connections.sign_out().await;
    drop(std::fs::remove_file(socket_path(&app.config.server.data_dir)));
    outcome.context("a listener failed")?;
    Ok(())
}

/// Serves commands of this process only, while `work` goes on: for a command given where no host is running. Nothing is
/// scheduled or delivered.
///
/// # Errors
/// Where the socket cannot be made, or as `work` fails.
pub async fn run_locally<T>(app: App, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    app.integrations.start().await?;
    let socket = listen_locally(&app.config.server.data_dir)?;
    let shutdown = CancellationToken::new();
    let serving = axum::serve(socket, local_routes(&app)).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let serving = tokio::spawn(serving.into_future());
    let answer = work.await;
    shutdown.cancel();
    app.syncs.shut_down().await;
    app.connections.sign_out().await;
    drop(serving.await);
    drop(std::fs::remove_file(socket_path(&app.config.server.data_dir)));
    answer
}

fn routes(app: &App) -> Router {
    web::router(app.clone()).merge(api::router(app.clone())).layer(from_fn(api::log_request))
}

fn local_routes(app: &App) -> Router {
    api::router(app.clone()).layer(axum::Extension(LocalOperator)).layer(from_fn(api::log_request))
}

/// The store's lock says that no other host is alive, so that a socket found here is left over.
fn listen_locally(data_dir: &Path) -> anyhow::Result<UnixListener> {
    let path = socket_path(data_dir);
    drop(std::fs::remove_file(&path));
    let listener = UnixListener::bind(&path)
        .with_context(|| format!("{} cannot be made; a shorter data-dir may help", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}
