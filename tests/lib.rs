//! What the end-to-end tests share: a stand-in CRM, a folder with settings, and the real binary serving from it.
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_client_comes_over() -> anyhow::Result<()> {
//!     let mut host = Host::start(Setup::default()).await?;
//!     let run = host.sync_and_wait().await?;
//!     assert_eq!(run["state"], "done");
//!     let households = host.get("/api/v1/households").await?.ok()?;
//!     # Ok(())
//! }
//! ```
//!
//! Nothing is mocked and nothing is built here: `cargo xtask test` builds the binary and the packs and names them in
//! `TIDEGATE_BIN` and `TIDEGATE_PACKS`. A test that ends with work still under way fails when its [`Host`] is
//! dropped, so that no test passes because it did not look; [`Host::leave_unquiet`] is for those that mean it.

mod harness;

pub use harness::{
    Answer, Host, Setup, TOKEN, copy_folder, copy_pack, file_of, layers, stores, without_examples, without_fixtures,
};
