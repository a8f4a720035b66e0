//! A stand-in Xplan site: the Resourceful dialect over real HTTP, with an invented book of Australian and New Zealand
//! clients, and with faults on request.
//!
//! For the host's tests, its demonstration and its measurements. It follows what is publicly known of the API and, where
//! nothing is, the shapes that the shipped rules agree on. It never talks to anything, and every person in it is invented.
//!
//! `book` invents the clients, `site` answers calls, `oauth` authorises integrations, `faults` says what goes wrong, `server` puts it on a listener,
//! `admin` is the view from behind. Each depends on those before it in this list only, `server` on all.

pub mod admin;
pub mod book;
pub mod faults;
mod json;
mod lock;
mod oauth;
pub mod options;
mod server;
mod site;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use admin::Admin;
pub use book::{Book, Client, GROUPS, NumberKind};
pub use faults::{Fault, FaultPlan, Rule};
pub use oauth::{OAuthOptions, TokenAnswer};
pub use options::{Account, Options, Region};
pub use site::{Attachment, Note, NoteHabits, Stats};

/// What the admin endpoint understands, one line a request.
pub const ADMIN_HELP: &str = admin::http::HELP;

/// The largest book.
pub const MOST_CLIENTS: u32 = 1_000_000;

/// A running site. Dropping it stops it at once; [`Sandbox::stop`] lets open requests end.
pub struct Sandbox {
    addr: SocketAddr,
    site: Arc<site::Site>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Sandbox {
    /// Starts a site on the current Tokio runtime and returns once it listens.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the book's size is out of range.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        if !(1..=MOST_CLIENTS).contains(&options.clients) {
            let message = format!("a book has 1 to {MOST_CLIENTS} clients, not {}", options.clients);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        let site = Arc::new(site::Site::new(options));
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(server::serve(listener, Arc::clone(&site), stopped));
        Ok(Self { addr, site, stop, serving })
    }

    /// The address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://` and the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The view from behind; stays usable after the site has stopped.
    pub fn admin(&self) -> Admin {
        Admin(Arc::clone(&self.site))
    }

    /// Stops listening, lets open requests end, and returns when all is done.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
