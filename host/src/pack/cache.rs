//! Compiled components on disk, so that a start need not compile.
//!
//! Compiled code is trusted like the host's own: nothing may be loaded that this host did not write. Each file carries
//! a keyed BLAKE3 hash under a random key that only the host's account can read; a file that does not match is not
//! looked at further, and the component is compiled again.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use wasmtime::component::Component;
use wasmtime::{Engine, Result};

use super::{PackError, compile, limits, private_file};

/// Bytes of a key and of a hash.
const HASH: usize = blake3::OUT_LEN;

/// The key's file.
const KEY: &str = "key";

/// A folder of compiled components, for one engine.
pub(super) struct Cache {
    folder: PathBuf,
    key: [u8; HASH],
    /// Tells engines apart: version, settings and the processor's features.
    engine: u64,
    /// The program that compiles, in a process of its own.
    compiler: Option<PathBuf>,
}

impl Cache {
    /// Opens the folder, making it and its key on first use.
    pub(super) fn open(
        folder: &Path,
        engine: &Engine,
        compiler: Option<&Path>,
    ) -> std::result::Result<Self, PackError> {
        let failed = PackError::io(format!("the cache folder {}", folder.display()));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(&failed)?;
        // One that is there may be open to others, who could look for the key in it.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(&failed)?;
        let key = read_or_make_key(&folder.join(KEY)).map_err(&failed)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { folder: folder.to_owned(), key, engine: hasher.finish(), compiler: compiler.map(Path::to_owned) })
    }

    /// The component, from the cache or compiled (and then kept).
    ///
    /// # Errors
    /// Returns what the compiler says about the component.
    pub(super) fn component(&self, engine: &Engine, bytes: &[u8], digest: &blake3::Hash) -> Result<Component> {
        let path = self.folder.join(format!("{}-{:016x}.compiled", digest.to_hex(), self.engine));
        if let Some(component) = self.load(engine, &path) {
            return Ok(component);
        }
        let code = compile::code(engine, self.compiler.as_deref(), &self.folder, bytes)?;
        if let Err(error) = self.keep(&path, &code) {
            // The component works; only the next start will be slower.
            tracing::warn!(path = %path.display(), %error, "compiled code could not be kept");
        }
        deserialize(engine, &code)
    }

    /// Whether this host has found these templates to be usable before.
    pub(super) fn is_verified(&self, digest: &blake3::Hash) -> bool {
        fs::read(self.verified(digest)).is_ok_and(|kept| {
            kept.get(..HASH).is_some_and(|hash| blake3::keyed_hash(&self.key, digest.as_bytes()) == *hash)
        })
    }

    /// These templates are usable.
    pub(super) fn note_verified(&self, digest: &blake3::Hash) {
        if let Err(error) = self.keep(&self.verified(digest), digest.as_bytes()) {
            // Only the next start will be slower.
            tracing::warn!(%error, "that a pack's templates are usable could not be kept");
        }
    }

    fn verified(&self, digest: &blake3::Hash) -> PathBuf {
        self.folder.join(format!("{}-{}.verified", digest.to_hex(), env!("CARGO_PKG_VERSION")))
    }

    fn load(&self, engine: &Engine, path: &Path) -> Option<Component> {
        let file = fs::read(path).ok()?;
        let (hash, code) = file.split_at_checked(HASH)?;
        if blake3::keyed_hash(&self.key, code) != *hash {
            tracing::warn!(path = %path.display(), "compiled code was changed by somebody else; compiling again");
            return None;
        }
        deserialize(engine, code)
            .inspect_err(|error| tracing::info!(%error, "compiled code does not fit; compiling again"))
            .ok()
    }

    fn keep(&self, path: &Path, code: &[u8]) -> io::Result<()> {
        let hash = blake3::keyed_hash(&self.key, code);
        private_file::write(path, &[hash.as_bytes(), code])?;
        self.prune()
    }

    /// Removes all but the newest files; the key is never among them.
    fn prune(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name() != KEY {
                files.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        files.sort();
        let stale = files.len().saturating_sub(limits::COMPILED_KEPT);
        files[..stale].iter().try_for_each(|(_, path)| fs::remove_file(path))
    }
}

/// Loads what this host compiled: `code` comes from the compiler itself, or from a file whose hash was checked.
fn deserialize(engine: &Engine, code: &[u8]) -> Result<Component> {
    #[expect(unsafe_code, reason = "the one way to load compiled code")]
    // SAFETY: `code` is the answer of `compile::code`, or was written by `keep` of this host from such an answer:
    // nobody without the key can make another text with this hash, and these very bytes were checked.
    unsafe {
        Component::deserialize(engine, code)
    }
}

fn read_or_make_key(path: &Path) -> io::Result<[u8; HASH]> {
    match fs::read(path).map(<[u8; HASH]>::try_from) {
        Ok(Ok(key)) => Ok(key),
        // A key of another length is of no use; what it protected is compiled again.
        Ok(Err(_)) => make_key(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(path),
        Err(error) => Err(error),
    }
}

fn make_key(path: &Path) -> io::Result<[u8; HASH]> {
    let key: [u8; HASH] = rand::random();
    private_file::write(path, &[&key])?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::engine::Sandbox;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    fn compiled_file(folder: &Path) -> PathBuf {
        let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|extension| extension == "compiled")).unwrap()
    }

    #[test]
    fn compiled_code_is_kept_and_what_was_changed_is_not_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("cache");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let sandbox = Sandbox::new().unwrap();
        let digest = blake3::hash(COMPONENT);
        let cache = Cache::open(&folder, &sandbox.engine, None).unwrap();
        cache.component(&sandbox.engine, COMPONENT, &digest).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);

        let path = compiled_file(&folder);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Cache::open(&folder, &sandbox.engine, None).unwrap();
        assert!(again.load(&sandbox.engine, &path).is_some(), "the second start loads it");

        let good = fs::read(&path).unwrap();
        let refuses = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            assert!(again.load(&sandbox.engine, &path).is_none());
        };
        refuses(&good[..good.len() - 1]);
        refuses(&good[..HASH - 1]);
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        refuses(&flipped);

        again.component(&sandbox.engine, COMPONENT, &digest).unwrap();
        assert_eq!(fs::read(&path).unwrap(), good, "compiled again and kept");

        fs::write(folder.join(KEY), [7; HASH]).unwrap();
        let other_key = Cache::open(&folder, &sandbox.engine, None).unwrap();
        assert!(other_key.load(&sandbox.engine, &path).is_none(), "written under another key");
    }

    #[test]
    fn old_files_go_and_the_key_stays() {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::new().unwrap();
        let cache = Cache::open(folder.path(), &sandbox.engine, None).unwrap();
        for number in 0..limits::COMPILED_KEPT + 3 {
            cache.keep(&folder.path().join(format!("{number}.compiled")), b"code").unwrap();
        }
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), limits::COMPILED_KEPT + 1);
        assert!(left.contains(&KEY.into()), "{left:?}");
    }
}
