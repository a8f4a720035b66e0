//! The manifest of a pack: an artifact (OCI image manifest 1.1) with one layer, the archive of the pack's folder.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::reference::is_digest;
use super::{RegistryError, digest_of};

/// The media type of a manifest.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The type of artifact that a pack is.
const PACK: &str = "application/vnd.tidegate.pack.v1";
/// The media types of its layer: an archive as `tidegate pack save` writes it, gzipped …
const GZIPPED: &str = "application/vnd.tidegate.pack.v1.tar+gzip";
/// … or not.
const PLAIN: &str = "application/vnd.tidegate.pack.v1.tar";
/// The media type of a configuration that there is none of, and what it holds.
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// See [`EMPTY_TYPE`].
pub(super) const EMPTY: &str = "{}";

/// A manifest, as far as it concerns a pack.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    artifact_type: Option<String>,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// What a blob is.
#[derive(Clone, Serialize, Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    /// Its media type.
    media_type: String,
    /// Its digest.
    pub(super) digest: String,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl Descriptor {
    fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self { media_type: media_type.to_owned(), digest: digest_of(bytes), size: bytes.len() as u64 }
    }
}

impl Manifest {
    /// The manifest of a pack of this name, by its gzipped archive.
    pub(super) fn of_pack(name: &str, gzipped: &[u8]) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(MANIFEST.to_owned()),
            artifact_type: Some(PACK.to_owned()),
            config: Descriptor::of(EMPTY_TYPE, EMPTY.as_bytes()),
            layers: vec![Descriptor::of(GZIPPED, gzipped)],
            annotations: BTreeMap::from([("org.opencontainers.image.title".to_owned(), name.to_owned())]),
        }
    }

    /// The manifest as it is stored.
    pub(super) fn written(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest is JSON")
    }

    /// The layer of a pack's manifest, of `most` bytes at most.
    ///
    /// # Errors
    /// Says why what it describes is no pack.
    pub(super) fn layer_of(bytes: &[u8], host: &str, most: usize) -> Result<Descriptor, RegistryError> {
        let no_pack = |why: String| RegistryError::NoPack { host: host.to_owned(), why };
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| no_pack(format!("its manifest is none: {error}")))?;
        if manifest.schema_version != 2 || manifest.media_type.as_deref().is_some_and(|other| other != MANIFEST) {
            return Err(no_pack("its manifest is of another kind".to_owned()));
        }
        // Tools of before wrote the type of artifact as that of the configuration.
        let artifact = manifest.artifact_type.unwrap_or(manifest.config.media_type);
        if artifact != PACK {
            return Err(no_pack(format!("it is of the type `{artifact}`, and a pack is `{PACK}`")));
        }
        let layer = match <[Descriptor; 1]>::try_from(manifest.layers) {
            Ok([layer]) => layer,
            Err(layers) => return Err(no_pack(format!("it has {} layers, and a pack has one", layers.len()))),
        };
        if ![GZIPPED, PLAIN].contains(&layer.media_type.as_str()) {
            return Err(no_pack(format!(
                "its layer is of the type `{}`, and a pack's is `{GZIPPED}`",
                layer.media_type
            )));
        }
        if !is_digest(&layer.digest) {
            return Err(no_pack(format!("its layer has no digest of SHA-256, but `{}`", layer.digest)));
        }
        if layer.size > most as u64 {
            let what = "the pack".to_owned();
            return Err(RegistryError::TooLarge { what, host: host.to_owned(), most: most as u64 });
        }
        Ok(layer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn layer(change: impl Fn(&mut Value)) -> Result<Descriptor, String> {
        let mut manifest: Value = serde_json::from_slice(&Manifest::of_pack("acme-au", b"archive").written()).unwrap();
        change(&mut manifest);
        let bytes = manifest.to_string().into_bytes();
        Manifest::layer_of(&bytes, "registry.acme.example", 1_000).map_err(|error| error.to_string())
    }

    #[test]
    fn the_manifest_of_a_pack_is_read_back() {
        let written = Manifest::of_pack("acme-au", b"archive").written();
        assert_eq!(written, Manifest::of_pack("acme-au", b"archive").written());
        let own = layer(|_| {}).unwrap();
        assert_eq!((own.digest, own.size), (digest_of(b"archive"), 7));
        // Digests that others computed.
        assert_eq!(digest_of(b"{}"), "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        // As tools of before write it, and without what may be left out.
        layer(|manifest| {
            manifest["artifactType"] = Value::Null;
            manifest["mediaType"] = Value::Null;
            manifest["config"]["mediaType"] = json!(PACK);
            manifest["layers"][0]["mediaType"] = json!(PLAIN);
        })
        .unwrap();
    }

    #[test]
    fn what_is_no_pack_is_told() {
        let check = |change: &dyn Fn(&mut Value), words: &str| {
            let error = layer(change).unwrap_err();
            assert!(error.contains(words) && error.contains("registry.acme.example"), "{error}");
        };
        check(&|manifest| manifest["schemaVersion"] = json!(1), "of another kind");
        check(&|manifest| manifest["mediaType"] = json!("application/vnd.oci.image.index.v1+json"), "of another kind");
        check(
            &|manifest| manifest["artifactType"] = json!("application/vnd.cncf.helm.config.v1+json"),
            "and a pack is",
        );
        check(&|manifest| manifest["layers"] = json!([]), "it has 0 layers");
        check(&|manifest| manifest["layers"][0]["mediaType"] = json!("text/html"), "`text/html`");
        check(&|manifest| manifest["layers"][0]["digest"] = json!("sha256:../../x"), "no digest");
        check(&|manifest| manifest["layers"][0]["size"] = json!(1_001), "larger than 1000 bytes");
        check(&|manifest| manifest["layers"][0]["size"] = json!(-1), "its manifest is none");
    }
}
