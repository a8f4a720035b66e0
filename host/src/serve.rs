//! The host at work: its listeners and its background jobs, until it is told to stop.
//!
//! Two doors lead to the same routes: the address of the settings, for people and programs that sign in, and a socket in
//! the data folder, for commands of the same user on the same machine.

mod body;
mod connection_limit;
mod error;
mod server;
mod socket;
mod watch;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use error::{ServeError, SocketError};
use server::Server;
use socket::LocalSocket;
pub use socket::{refuse_long, socket_path};

use crate::access::LocalOperator;
use crate::app::{App, NotTakenUp};
use crate::config::Config;
use crate::domain::Timestamp;
use crate::domain::access::{Actor, Who};
use crate::ops::{self, Refusal};
use crate::{api, schedule, watched_folder, web};

/// The time for which open requests, runs and deliveries may go on once the host is told to stop. Containers are killed
/// ten seconds after they are told.
const END: Duration = Duration::from_secs(6);
/// The interval at which the disk of the data folder is looked at.
const LOOK_AT_DISK: Duration = Duration::from_secs(5);
/// The time that signing out of the CRMs may take then.
const SIGN_OUT: Duration = Duration::from_secs(2);

/// The address that people and programs use, which `setting` sets.
///
/// # Errors
/// Names the address and what to do, as where the port is taken.
pub async fn bind(config: &Config, setting: &str) -> Result<TcpListener, ServeError> {
    listen(config.server.listen, setting).await
}

async fn listen(address: SocketAddr, setting: &str) -> Result<TcpListener, ServeError> {
    let setting = setting.to_owned();
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::InUse { address, setting },
        _ => ServeError::NotListening { address, setting, source },
    })
}

/// The address at which figures are served; none where the settings name none.
///
/// # Errors
/// Fails as [`bind`] does.
pub async fn bind_figures(config: &Config) -> Result<Option<TcpListener>, ServeError> {
    match config.metrics {
        Some(address) => listen(address, "[metrics] listen").await.map(Some),
        None => Ok(None),
    }
}

/// Serves people, programs and commands, keeps the schedule and delivers notes, until `shutdown`. Then open requests
/// end, runs stop at their next commit, and everything is on disk when this returns. Nobody holds up the end for long.
///
/// # Errors
/// Returns an error if the socket cannot be made, or the store fails.
pub async fn run(
    app: App,
    (listener, figures): (TcpListener, Option<TcpListener>),
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    app.start().await?;
    end_emergencies(&app).await;
    let socket = LocalSocket::make(&app.config.server.data_dir)?;
    let proxies = app.config.server.trusted_proxies.clone();
    let public = Server::new(routes(&app), proxies, shutdown.clone());
    let local = Server::new(local_routes(&app), Vec::new(), shutdown.clone());
    let metrics = Server::new(api::figures::router(app.clone()), Vec::new(), shutdown.clone());

    let supervisor = &app.supervisor;
    let working = async {
        let take_figures = async {
            if let Some(figures) = &figures {
                supervisor.keep("listener for figures", &shutdown, || metrics.take_network(figures)).await;
            }
        };
        tokio::join!(
            supervisor.keep("schedule", &shutdown, || schedule::run(&app, None, &shutdown)),
            app.notes.run(supervisor, &shutdown),
            supervisor.keep("listener for people and programs", &shutdown, || public.take_network(&listener)),
            supervisor.keep("listener for commands", &shutdown, || socket.serve(&local, &shutdown)),
            supervisor.keep("watch on the disk", &shutdown, || watch_disk(&app, &shutdown)),
            supervisor.keep("watch on sites that are left alone", &shutdown, || async {
                shutdown.run_until_cancelled(app.keep_left_alone()).await;
            }),
            async {
                if let Some(watched) = &app.config.watched_folder {
                    let watch = || watched_folder::run(&app, watched, &shutdown);
                    supervisor.keep("watch on the folder for packs", &shutdown, watch).await;
                }
            },
            supervisor.keep("audit log", &shutdown, || async {
                shutdown.run_until_cancelled(app.audit.run()).await;
            }),
            supervisor.keep("breaker of revisions", &shutdown, || async {
                shutdown.run_until_cancelled(app.keep_breaker()).await;
            }),
            supervisor.keep("keys beside the backups", &shutdown, || async {
                shutdown.run_until_cancelled(app.keep_keys_of_backups()).await;
            }),
            take_figures
        );
    };
    let failing = async {
        if let Some(why) = shutdown.run_until_cancelled(app.store.until_broken()).await {
            tracing::error!(
                why,
                "the store's file failed, and nothing is written until it is opened anew: the host ends"
            );
            shutdown.cancel();
        }
    };
    let ending = async {
        shutdown.cancelled().await;
        let runs = async {
            if tokio::time::timeout(END, app.syncs.shut_down()).await.is_err() {
                tracing::warn!("runs that did not come to a commit are cut off; they go on at the next start");
            }
        };
        tokio::join!(runs, public.close(END), local.close(END), metrics.close(END));
    };
    let too_long = async {
        shutdown.cancelled().await;
        tokio::time::sleep(END + Duration::from_secs(1)).await;
    };
    tokio::select! {
        _ = async { tokio::join!(working, ending, failing) } => {}
        () = too_long => tracing::warn!("tasks that did not end are cut off"),
    }
    app.audit.close().await;
    drop(tokio::time::timeout(SIGN_OUT, app.connections.sign_out()).await);
    socket.remove();
    match app.store.broken() {
        Some(why) => Err(ServeError::StoreFailed(why)),
        None => Ok(()),
    }
}

/// Ends what is open in an emergency, where the settings have turned emergency access off.
async fn end_emergencies(app: &App) {
    if !app.config.emergency_lasts.is_zero() {
        return;
    }
    let now = Timestamp::now();
    let actor = Actor::of_the_practice(Who::Host, "the setting people.emergency-lasts");
    let ended = async {
        for open in app.store.open_emergencies(now).await? {
            ops::emergency::end(app, &actor, open.id, now).await?;
        }
        Ok::<_, Refusal>(())
    };
    if let Err(error) = ended.await {
        tracing::error!(%error, "emergency access is turned off, and what was open could not be ended");
    }
}

/// Looks at the disk of the data folder now and then.
async fn watch_disk(app: &App, shutdown: &CancellationToken) {
    while !shutdown.is_cancelled() {
        app.store.space().look();
        shutdown.run_until_cancelled(tokio::time::sleep(LOOK_AT_DISK)).await;
    }
}

/// Serves commands of this process only, while `work` goes on: for a command given where no host is running. Nothing is
/// scheduled or delivered.
///
/// # Errors
/// Returns an error if the socket cannot be made, or if `work` fails.
pub async fn run_locally<T, E: From<ServeError>>(app: App, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    app.integrations.start().await.map_err(|error| ServeError::from(NotTakenUp::from(error)))?;
    let socket = LocalSocket::make(&app.config.server.data_dir).map_err(ServeError::from)?;
    let shutdown = CancellationToken::new();
    let server = Server::new(local_routes(&app), Vec::new(), shutdown.clone());
    let answer = tokio::select! {
        () = socket.serve(&server, &shutdown) => Err(ServeError::SocketGone.into()),
        () = app.keep_breaker() => Err(ServeError::SocketGone.into()),
        answer = work => answer,
    };
    shutdown.cancel();
    app.syncs.shut_down().await;
    server.close(END).await;
    app.audit.close().await;
    drop(tokio::time::timeout(SIGN_OUT, app.connections.sign_out()).await);
    socket.remove();
    answer
}

fn routes(app: &App) -> Router {
    web::router(app.clone()).merge(api::router(app.clone())).layer(from_fn(api::log_request))
}

fn local_routes(app: &App) -> Router {
    api::router(app.clone()).layer(axum::Extension(LocalOperator)).layer(from_fn(api::log_request))
}
