//! Connections that were made at run time, and what sites authorised. Secrets stand here sealed only.
//!
//! Records are JSON: few, and readable by later versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::engine::{Readable, Table, Write};
use crate::domain::{ConnectionName, Timestamp};
use crate::store::keys::PRACTICE;
use crate::store::visitor::{Visitor, Whose};
use crate::store::{Store, StoreError};

/// Connections by name; removed ones stay as a memory of their site.
const SETTINGS: Table<(u32, &str), &[u8]> = Table::new("connection-settings");
/// The authorisations that sites gave, by the connection's name, whether that is made here or in the settings file.
const AUTHORISATIONS: Table<(u32, &str), &[u8]> = Table::new("connection-authorisations");

/// The people who confirmed the check that comes before a connection of the settings file, by its name.
const PREFLIGHTS: Table<(u32, &str), &[u8]> = Table::new("connection-preflights");

/// The sizes that a connection's site was found to give at once, by the connection's name: what the connector says of
/// it, which nobody here reads.
const SIZES: Table<(u32, &str), &[u8]> = Table::new("connection-sizes");
/// The moments until which a connection's site asked to be left alone, in milliseconds since 1970.
const LEFT_ALONE: Table<(u32, &str), i64> = Table::new("connection-left-alone");

/// A sealed secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sealed(pub Vec<u8>);

/// A connection as it is kept: what was given for it, and what became of it since.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredConnection {
    /// Its name in addresses.
    pub name: ConnectionName,
    /// The name that people call it by.
    pub title: String,
    /// The CRM's name.
    pub crm: String,
    /// The dialect it speaks.
    pub dialect: String,
    /// The pack folder's name.
    pub pack: String,
    /// The site's host.
    pub forward_host: String,
    /// Whether to use plain HTTP to a stand-in site on this machine.
    pub insecure_http: bool,
    /// The schedule, cron with seconds.
    pub schedule: String,
    /// Whether it is to run.
    pub enabled: bool,
    /// The way to sign in.
    pub auth: StoredSignIn,
    /// The person who confirmed the check before it was enabled.
    pub preflight: Option<By>,
    /// The person who made it.
    pub made: By,
    /// The moment at which it was removed; its clients stay.
    pub removed_at: Option<Timestamp>,
    /// The CRM's own settings by name, beside the others in the row.
    #[serde(flatten)]
    pub settings: BTreeMap<String, Option<String>>,
}

/// The way to sign in: in JSON an object under the name of the way, with its values by name, of which secrets are
/// arrays of bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "WrittenSignIn", into = "WrittenSignIn")]
pub struct StoredSignIn {
    /// The name of the way.
    pub mode: String,
    /// The values that are no secrets, by name.
    pub values: BTreeMap<String, String>,
    /// The values that are secrets, sealed.
    pub secrets: BTreeMap<String, Sealed>,
}

type WrittenSignIn = BTreeMap<String, BTreeMap<String, Option<WrittenValue>>>;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenValue {
    Text(String),
    Secret(Sealed),
}

impl TryFrom<WrittenSignIn> for StoredSignIn {
    type Error = &'static str;

    fn try_from(mut written: WrittenSignIn) -> Result<Self, Self::Error> {
        let (mode, fields) = written.pop_first().ok_or("no way to sign in")?;
        let mut stored = Self { mode, values: BTreeMap::new(), secrets: BTreeMap::new() };
        for (name, value) in fields {
            match value {
                Some(WrittenValue::Text(text)) => drop(stored.values.insert(name, text)),
                Some(WrittenValue::Secret(sealed)) => drop(stored.secrets.insert(name, sealed)),
                None => {}
            }
        }
        Ok(stored)
    }
}

impl From<StoredSignIn> for WrittenSignIn {
    fn from(StoredSignIn { mode, values, secrets }: StoredSignIn) -> Self {
        let values = values.into_iter().map(|(name, text)| (name, Some(WrittenValue::Text(text))));
        let secrets = secrets.into_iter().map(|(name, sealed)| (name, Some(WrittenValue::Secret(sealed))));
        Self::from([(mode, values.chain(secrets).collect())])
    }
}

/// A person who did something, and the moment at which they did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct By {
    /// The person's name, or what the token is for.
    pub who: String,
    /// The moment at which they did it.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// The authorisation that a site gave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredAuthorisation {
    /// The newest pair of tokens.
    pub tokens: Sealed,
    /// The person who authorised it, and the moment.
    pub granted: By,
    /// The host that the tokens are sent to, the gateway included: to no other.
    pub site: String,
    /// The reason why it does not hold any more, in the site's words, and since when.
    pub refused: Option<(Timestamp, String)>,
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(SETTINGS, Whose::Nobodys)?;
    visitor.table(AUTHORISATIONS, Whose::Nobodys)?;
    visitor.table(PREFLIGHTS, Whose::Nobodys)?;
    visitor.table(SIZES, Whose::Nobodys)?;
    visitor.table(LEFT_ALONE, Whose::Nobodys)
}

/// All connections made at run time, as a transaction that writes sees them.
pub(super) fn all(transaction: &Write) -> Result<Vec<StoredConnection>, StoreError> {
    of_table(&transaction.open_table(SETTINGS)?)
}

fn of_table(table: &impl Readable<(u32, &'static str), &'static [u8]>) -> Result<Vec<StoredConnection>, StoreError> {
    table.scan((PRACTICE, "")..(PRACTICE + 1, ""))?.map(|entry| read(entry?.1.value())).collect()
}

impl Store {
    /// All connections made at run time, removed ones too, by name.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn stored_connections(&self) -> Result<Vec<StoredConnection>, StoreError> {
        self.read(|transaction| of_table(&transaction.open_table(SETTINGS)?)).await
    }

    /// Keeps a connection, in place of an earlier one of its name.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_connection(&self, connection: StoredConnection) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut table = transaction.open_table(SETTINGS)?;
            table.put((PRACTICE, connection.name.as_str()), written(&connection)?.as_slice())?;
            Ok(())
        })
        .await
    }

    /// The person who confirmed the check of a connection of the settings file.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn preflight(&self, of: ConnectionName) -> Result<Option<By>, StoreError> {
        self.read(move |transaction| {
            let table = transaction.open_table(PREFLIGHTS)?;
            table.get((PRACTICE, of.as_str()))?.map(|row| read(row.value())).transpose()
        })
        .await
    }

    /// Keeps who confirmed the check of a connection of the settings file.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_preflight(&self, of: ConnectionName, by: By) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut table = transaction.open_table(PREFLIGHTS)?;
            table.put((PRACTICE, of.as_str()), written(&by)?.as_slice())?;
            Ok(())
        })
        .await
    }

    /// The sizes that the connection's site was found to give at once; empty where they are the usual.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn sizes(&self, of: ConnectionName) -> Result<Vec<u8>, StoreError> {
        self.read(move |transaction| {
            let table = transaction.open_table(SIZES)?;
            Ok(table.get((PRACTICE, of.as_str()))?.map(|row| row.value().to_vec()).unwrap_or_default())
        })
        .await
    }

    /// Keeps how much the connection's site was found to give at once. What is kept already costs no write.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_sizes(&self, of: ConnectionName, sizes: Vec<u8>) -> Result<(), StoreError> {
        if self.sizes(of.clone()).await? == sizes {
            return Ok(());
        }
        self.write(move |transaction| {
            let mut table = transaction.open_table(SIZES)?;
            table.put((PRACTICE, of.as_str()), sizes.as_slice())?;
            Ok(())
        })
        .await
    }

    /// The moment until which the connection's site asked to be left alone, as it was kept last.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn left_alone_until(&self, of: ConnectionName) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |transaction| {
            let table = transaction.open_table(LEFT_ALONE)?;
            let kept = table.get((PRACTICE, of.as_str()))?.map(|row| row.value());
            Ok(kept.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
        })
        .await
    }

    /// Keeps until when the connection's site asked to be left alone; none where it may be asked.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_left_alone(&self, of: ConnectionName, until: Option<Timestamp>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut table = transaction.open_table(LEFT_ALONE)?;
            match until {
                Some(until) => table.put((PRACTICE, of.as_str()), until.as_millisecond())?,
                None => drop(table.delete((PRACTICE, of.as_str()))?),
            }
            Ok(())
        })
        .await
    }

    /// The authorisation that the connection's site gave.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn authorisation(&self, of: ConnectionName) -> Result<Option<StoredAuthorisation>, StoreError> {
        self.read(move |transaction| {
            let table = transaction.open_table(AUTHORISATIONS)?;
            table.get((PRACTICE, of.as_str()))?.map(|row| read(row.value())).transpose()
        })
        .await
    }

    /// Keeps what a connection's site authorised; `None` forgets it.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_authorisation(
        &self,
        of: ConnectionName,
        authorisation: Option<StoredAuthorisation>,
    ) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut table = transaction.open_table(AUTHORISATIONS)?;
            match authorisation {
                Some(kept) => table.put((PRACTICE, of.as_str()), written(&kept)?.as_slice())?,
                None => drop(table.delete((PRACTICE, of.as_str()))?),
            }
            Ok(())
        })
        .await
    }
}

pub(super) fn written(record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(|error| StoreError::Unwritable { what: "a connection", source: error.into() })
}

pub(super) fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::unreadable_json("a connection", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows as earlier versions wrote them.
    #[test]
    fn rows_of_before_are_read() {
        let check = |auth: &str, gateway: &str, mode: &str, values: &[(&str, &str)], secrets: &[(&str, &[u8])]| {
            let row = format!(
                r#"{{"name":"south","title":"South","crm":"a","dialect":"b","pack":"c","forward_host":"d.example",
                "gateway_host":{gateway},"insecure_http":false,"schedule":"0 0 * * * *","enabled":true,"auth":{auth},
                "preflight":null,"made":{{"who":"Pat","at":"2026-03-02T01:30:00Z"}},"removed_at":null}}"#
            );
            let stored: StoredConnection = read(row.as_bytes()).unwrap();
            let sealed = |(name, bytes): &(&str, &[u8])| ((*name).to_owned(), Sealed(bytes.to_vec()));
            let text = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
            assert_eq!(stored.auth.mode, mode);
            assert_eq!(stored.auth.values, values.iter().map(text).collect());
            assert_eq!(stored.auth.secrets, secrets.iter().map(sealed).collect());
            let host: Option<String> = serde_json::from_str(gateway).unwrap();
            assert_eq!(stored.settings, BTreeMap::from([("gateway_host".to_owned(), host)]));
            assert_eq!(read::<StoredConnection>(&written(&stored).unwrap()).unwrap(), stored);
        };
        let basic = r#"{"basic":{"username":"svc","password":[1,2],"app_id":null}}"#;
        check(basic, "null", "basic", &[("username", "svc")], &[("password", &[1, 2])]);
        let oauth = r#"{"oauth":{"client_id":"tidegate","client_secret":[],"app_id":[3]}}"#;
        let secrets: [(&str, &[u8]); 2] = [("client_secret", &[]), ("app_id", &[3])];
        check(oauth, r#""gateway.example""#, "oauth", &[("client_id", "tidegate")], &secrets);
    }
}
