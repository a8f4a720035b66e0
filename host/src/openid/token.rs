//! An ID token's signature (RFC 7515, 7517, 7518): signed by one of the provider's keys, by an algorithm of the list. What
//! the token says is judged by `claims`.
//!
//! By hand over the cryptography that TLS has: the libraries for it bring cryptography of their own, of which the RSA has an
//! open advisory, or C.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::OpenIdError;

/// The longest token that is read, in bytes.
const LONGEST: usize = 64 << 10;
/// The keys that are tried for a token that names none.
const MOST_TRIED: usize = 16;

/// The keys of a provider.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<Key>);

#[derive(Clone, Debug, Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The algorithms that are taken: with a public key alone. `none` and those with a shared secret are in no list of ours.
#[derive(Clone, Copy, Debug)]
enum Algorithm {
    Rsa(&'static RsaParameters),
    Curve { name: &'static str, length: usize, by: &'static dyn VerificationAlgorithm },
    Edwards,
}

/// The algorithm of a name.
fn algorithm(name: &str) -> Option<Algorithm> {
    let curve = |name, length, by| Algorithm::Curve { name, length, by };
    Some(match name {
        "RS256" => Algorithm::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Algorithm::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Algorithm::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => Algorithm::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
        "PS384" => Algorithm::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
        "PS512" => Algorithm::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
        "ES256" => curve("P-256", 32, &signature::ECDSA_P256_SHA256_FIXED),
        "ES384" => curve("P-384", 48, &signature::ECDSA_P384_SHA384_FIXED),
        "EdDSA" => Algorithm::Edwards,
        _ => return None,
    })
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// The result of looking at a signature.
#[derive(Debug)]
pub enum Looked {
    /// It holds; what the token says.
    Holds(Map<String, Value>),
    /// None of the keys is the one that it names, or fits: newer keys may.
    UnknownKey,
    /// The key that it names did not sign it: one that took its place under the same name may have.
    Forged,
}

const NO_TOKEN: OpenIdError = OpenIdError::BadToken("it is no signed token");
pub(super) const FORGED: OpenIdError = OpenIdError::BadToken("its signature is not the provider’s");

impl Keys {
    /// The keys of a set, without those that cannot be read or are for something else.
    pub fn of(set: &Value) -> Self {
        let keys = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let keys = keys.iter().filter_map(|key| serde_json::from_value::<Key>(key.clone()).ok());
        Self(keys.filter(Key::is_for_signatures).collect())
    }

    /// Whether there is none that can be used.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks at the signature of a token.
    ///
    /// # Errors
    /// Returns an error if it is no token, or is signed by an algorithm that is not taken.
    pub fn look(&self, token: &str) -> Result<Looked, OpenIdError> {
        if token.len() > LONGEST {
            return Err(OpenIdError::BadToken("it is longer than 64 KB"));
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signed), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NO_TOKEN);
        };
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| NO_TOKEN);
        let message = &token.as_bytes()[..header.len() + 1 + claims.len()];
        let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| NO_TOKEN)?;
        let algorithm = algorithm(&header.alg)
            .ok_or(OpenIdError::BadToken("it is signed by no algorithm that is taken (RS, PS, ES and EdDSA are)"))?;
        if header.crit.is_some() {
            return Err(OpenIdError::BadToken("it asks for extensions that are not known here"));
        }
        let signed = decoded(signed)?;
        let fits = |key: &&Key| {
            header.kid.as_ref().is_none_or(|kid| key.kid.as_ref() == Some(kid)) && key.fits(&header.alg, algorithm)
        };
        let mut candidates = self.0.iter().filter(fits).take(MOST_TRIED).peekable();
        if candidates.peek().is_none() {
            return Ok(Looked::UnknownKey);
        }
        if candidates.any(|key| key.has_signed(algorithm, message, &signed)) {
            let claims = serde_json::from_slice(&decoded(claims)?).map_err(|_| NO_TOKEN)?;
            return Ok(Looked::Holds(claims));
        }
        // Without a name, the right key may be a newer one.
        Ok(if header.kid.is_none() { Looked::UnknownKey } else { Looked::Forged })
    }
}

impl Key {
    fn is_for_signatures(&self) -> bool {
        self.purpose.as_ref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"))
    }

    fn fits(&self, name: &str, algorithm: Algorithm) -> bool {
        let (kty, crv) = match algorithm {
            Algorithm::Rsa(_) => ("RSA", None),
            Algorithm::Curve { name, .. } => ("EC", Some(name)),
            Algorithm::Edwards => ("OKP", Some("Ed25519")),
        };
        self.kty == kty
            && crv.is_none_or(|crv| self.crv.as_deref() == Some(crv))
            && self.alg.as_ref().is_none_or(|alg| alg == name)
    }

    fn has_signed(&self, algorithm: Algorithm, message: &[u8], signed: &[u8]) -> bool {
        let part = |text: &Option<String>| text.as_ref().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        match algorithm {
            Algorithm::Rsa(parameters) => {
                let (Some(n), Some(e)) = (part(&self.n), part(&self.e)) else { return false };
                // Some providers write the zero before a number that makes it positive elsewhere.
                let bare = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
                RsaPublicKeyComponents { n: bare(&n), e: bare(&e) }.verify(parameters, message, signed).is_ok()
            }
            Algorithm::Curve { length, by, .. } => {
                let (Some(x), Some(y)) = (part(&self.x), part(&self.y)) else { return false };
                if x.len() != length || y.len() != length {
                    return false;
                }
                let point = [&[4][..], &x, &y].concat();
                UnparsedPublicKey::new(by, point).verify(message, signed).is_ok()
            }
            Algorithm::Edwards => {
                let Some(x) = part(&self.x) else { return false };
                UnparsedPublicKey::new(&signature::ED25519, x).verify(message, signed).is_ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    fn encoded(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A key with its public half as a provider publishes it.
    fn key(kid: &str) -> (EcdsaKeyPair, Value) {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let public = json!({
            "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "x": encoded(&point[1..33]), "y": encoded(&point[33..]),
        });
        (pair, public)
    }

    fn signed(pair: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", encoded(signature.as_ref()))
    }

    #[test]
    fn a_token_holds_by_a_key_of_the_provider_and_by_no_other() {
        let (pair, public) = key("a");
        let (foreign, other) = key("b");
        let keys = Keys::of(&json!({"keys": [public, {"kty": "RSA"}, {"kty": "oct", "k": "c2VjcmV0"}, 7]}));
        let claims = json!({"sub": "1"});
        let good = signed(&pair, &json!({"alg": "ES256", "kid": "a"}), &claims);
        assert!(matches!(keys.look(&good), Ok(Looked::Holds(said)) if said["sub"] == "1"));
        let nameless = signed(&pair, &json!({"alg": "ES256"}), &claims);
        assert!(matches!(keys.look(&nameless), Ok(Looked::Holds(_))));

        // Another key, under its own name, under the right one's, and without a name.
        let check = |header: Value| keys.look(&signed(&foreign, &header, &claims));
        assert!(matches!(check(json!({"alg": "ES256", "kid": "b"})), Ok(Looked::UnknownKey)));
        assert!(matches!(check(json!({"alg": "ES256", "kid": "a"})), Ok(Looked::Forged)));
        assert!(matches!(check(json!({"alg": "ES256"})), Ok(Looked::UnknownKey)));
        assert!(
            matches!(check(json!({"alg": "RS256", "kid": "a"})), Ok(Looked::UnknownKey)),
            "the key is of another kind"
        );
        for alg in ["none", "None", "", "HS256", "ES256K", "es256"] {
            let refused = check(json!({"alg": alg, "kid": "a"})).unwrap_err();
            assert!(refused.to_string().contains("no algorithm"), "{alg}: {refused}");
        }
        let critical = check(json!({"alg": "ES256", "kid": "a", "crit": ["b64"], "b64": false})).unwrap_err();
        assert!(critical.to_string().contains("extensions"), "{critical}");

        // What it says, changed; what is no token.
        let changed = good.replace(&encoded(claims.to_string()), &encoded(json!({"sub": "2"}).to_string()));
        assert!(matches!(keys.look(&changed), Ok(Looked::Forged)));
        let cut = keys.look(&good[..good.len() - 4]);
        assert!(matches!(cut, Ok(Looked::Forged) | Err(NO_TOKEN)), "{cut:?}");
        for none in ["", "..", "a.b", "a.b.c.d", "e30.e30.", &"x".repeat(LONGEST + 1)] {
            assert!(keys.look(none).is_err(), "{none}");
        }
        // A key that is for something else is none for this.
        let mut sealing = other;
        sealing["use"] = json!("enc");
        assert!(Keys::of(&json!({"keys": [sealing]})).is_empty());
    }
}
