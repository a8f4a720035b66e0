//! `tidegate serve`: the host.

use std::process::ExitCode;

use clap::Args;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Global, output};
use crate::app::App;
use crate::serve;
use crate::telemetry::figures;

#[derive(Args)]
#[command(after_help = "Examples:
  tidegate serve
  tidegate serve --config /etc/tidegate.toml --listen 0.0.0.0:8080
  TIDEGATE__LOG__FORMAT=json tidegate serve")]
pub(super) struct Serve {
    /// Where pages and API listen; outranks server.listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

impl Serve {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let listen = self.listen.map(|address| ("server.listen".to_owned(), address));
        let mut config = global.load(listen.into_iter().collect())?;
        let listener = serve::bind(&config, "--listen or [server] listen").await?;
        config.server.listen = listener.local_addr()?;
        // What cannot listen makes no store.
        serve::refuse_long(&config.server.data_dir)?;
        let of_figures = serve::bind_figures(&config).await?;
        if of_figures.is_some() {
            figures::start();
        }
        let app = App::open(config)?;
        announce(&listener, global.json)?;
        if let Some(token) = app.access.offer_set_up(jiff::Timestamp::now()).await? {
            let link = format!("{}/set-up/{}", app.config.server.base_url(), token.expose_secret());
            output::tell(&format!(
                "No practice manager can sign in yet. Within 30 minutes, make an account for one at {link}"
            ));
        }
        serve::run(app, (listener, of_figures), on_signal()).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Says where the host listens: one line of JSON on standard output, or a line for people on standard error.
pub(super) fn announce(listener: &TcpListener, json: bool) -> anyhow::Result<()> {
    let address = format!("http://{}", listener.local_addr()?);
    if json {
        output::line(serde_json::json!({ "event": "listening", "address": address }))
    } else {
        output::tell(&format!("Tidegate is listening on {address}"));
        Ok(())
    }
}

/// Cancelled by an interrupt or a request to terminate; a second one ends the process at once.
pub(super) fn on_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        cancelled.cancel();
        output::tell(
            "Stopping: runs end at their next commit. Interrupt again to stop at once; nothing is lost either way.",
        );
        wait_for_signal().await;
        std::process::exit(130);
    });
    token
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
