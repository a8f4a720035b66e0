//! Packs in registries (OCI distribution 1.1): pulled by digest or tag, pushed under a tag. Every byte is held against the
//! digest by which it was asked for, and everything that comes is bounded while it comes.
//!
//! Serves `cli`, where a person names the registry. A pack is an artifact with one layer, the archive of its folder. By hand
//! over the HTTP client that the CRMs are asked with, because a pull has to bound manifests and tokens, to say what came in
//! place of them, and to choose where passwords go.

mod challenge;
mod client;
mod error;
mod manifest;
mod reference;

use std::io::Read as _;

use flate2::Compression;
use flate2::read::GzEncoder;
use sha2::{Digest as _, Sha256};

use self::client::{Client, Scope};
pub use self::error::RegistryError;
use self::manifest::{EMPTY, Manifest};
pub use self::reference::Reference;
use crate::config::packs::Registries;
use crate::crm::proxy::Proxy;

/// The most bytes of a manifest, as registries have it.
const MANIFEST: usize = 4 << 20;

/// A pack that was pulled.
#[derive(Debug)]
pub struct Pulled {
    /// Where it is, by its digest.
    pub reference: Reference,
    /// The archive of its folder: tar, gzipped or not.
    pub archive: Vec<u8>,
}

/// `sha256:` and the digest of bytes in hexadecimal, as registries write it.
fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}

/// Pulls the archive of a pack, of `most` bytes at most.
///
/// # Errors
/// Says what came in place of the pack, from which host; nothing of it is handed on.
pub async fn pull(
    reference: &Reference,
    (registries, proxy): (&Registries, Option<&Proxy>),
    most: usize,
) -> Result<Pulled, RegistryError> {
    if registries.digest_only && reference.digest.is_none() {
        return Err(RegistryError::NotPinned(reference.to_string()));
    }
    let mut client = Client::new(reference, (registries, proxy), Scope::Pull)?;
    let (bytes, digest) = client.manifest(reference, MANIFEST).await?;
    let layer = Manifest::layer_of(&bytes, &client.host, most)?;
    let archive = client.blob(&layer).await?;
    Ok(Pulled { reference: reference.pinned(digest), archive })
}

/// Pushes the archive of a pack, a plain tar, under a tag. Answers where it is, by its digest. The same files of the same
/// name are the same digest.
///
/// # Errors
/// Says what the registry refused. What was stored by then is stored; the tag is set last.
pub async fn push(
    reference: &Reference,
    (registries, proxy): (&Registries, Option<&Proxy>),
    (name, archive): (&str, &[u8]),
) -> Result<Reference, RegistryError> {
    let Some(tag) = reference.tag.as_deref().filter(|_| reference.digest.is_none()) else {
        return Err(RegistryError::NoTag(reference.to_string()));
    };
    let mut gzipped = Vec::new();
    GzEncoder::new(archive, Compression::default()).read_to_end(&mut gzipped).map_err(RegistryError::NotPacked)?;
    let mut client = Client::new(reference, (registries, proxy), Scope::Push)?;
    client.upload(EMPTY.as_bytes().to_vec()).await?;
    let manifest = Manifest::of_pack(name, &gzipped);
    client.upload(gzipped).await?;
    let bytes = manifest.written();
    let digest = digest_of(&bytes);
    client.tag(tag, bytes, &digest).await?;
    Ok(reference.pinned(digest))
}
