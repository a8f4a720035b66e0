//! The hand-written loop that a practice's developer would write instead: the same fetch and the same mapping, natively,
//! upserted into SQLite page by page. No fingerprints, households, search, revisions or quarantine.

use std::path::Path;

use anyhow::Context as _;
use rusqlite::{Connection, params};
use tidegate::crm::spec::SiteAccess;
use tidegate::crm::xplan::{self, Xplan};
use tidegate::crm::{Connector as _, RawPage, Source};
use tidegate::domain::RecordKind;
use tidegate::pack::RawInput;
use tidegate_sdk::harness::{self, NativeHost, Pack};
use tidegate_sdk::{Canonical, Client, Session, Verdict};
use xplan_anz::XplanAnz;

use crate::mapping::to_guest;
use crate::site::{PASSWORD, USER};

/// Walks the site's book into `folder/book.sqlite`.
pub async fn run(site: &str, folder: &Path) -> anyhow::Result<()> {
    let packs = std::env::var_os("TIDEGATE_PACKS").context("TIDEGATE_PACKS is not set")?;
    let pack = Pack::load(Path::new(&packs).join("xplan-au")).map_err(anyhow::Error::msg)?;
    let rules = pack.rules_json().to_string();
    let session = Session::<XplanAnz>::configure(&rules).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let source = client_source(&session)?;
    let context = harness::context("AU");
    let mut database = open(&folder.join("book.sqlite"))?;

    let connector = connect(site)?;
    let mut after = None;
    loop {
        let page = connector.page(&source, after.as_ref()).await?;
        let records = inputs(&page)?.iter().map(to_guest).collect();
        let outcomes = session.map(&NativeHost, &context, records);
        let transaction = database.transaction()?;
        for outcome in outcomes {
            let Verdict::Mapped(mapped) = outcome.verdict else { continue };
            for record in mapped.records {
                if let Canonical::Client(client) = record {
                    upsert(&transaction, &client)?;
                }
            }
        }
        transaction.commit()?;
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// All raw clients of the site's book.
pub async fn all_raw(site: &str, pack: &Path) -> anyhow::Result<Vec<RawInput>> {
    let pack = Pack::load(pack).map_err(anyhow::Error::msg)?;
    let session = Session::<XplanAnz>::configure(&pack.rules_json().to_string());
    let source = client_source(&session.map_err(|problems| anyhow::anyhow!("{problems:?}"))?)?;
    let connector = connect(site)?;
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = connector.page(&source, after.as_ref()).await?;
        all.extend(inputs(&page)?);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn connect(site: &str) -> anyhow::Result<Xplan> {
    let values = [("username", USER), ("password", PASSWORD)];
    let access = SiteAccess::to_stand_in(&xplan::KIND, site, &values);
    let access = access.map_err(|errors| anyhow::anyhow!("the stand-in site is refused: {errors:?}"))?;
    Ok(Xplan::new(&access, None)?)
}

fn client_source(session: &Session<XplanAnz>) -> anyhow::Result<Source> {
    let sources = session.sources();
    let source = sources.into_iter().find(|source| source.kind == tidegate_sdk::RecordKind::Client);
    let source = source.context("the pack reads no clients")?;
    let (kind, below) = (RecordKind::Client, Vec::new());
    Ok(Source { kind, resource: source.resource, fields: source.fields, lists: source.lists, below })
}

fn inputs(page: &RawPage) -> anyhow::Result<Vec<RawInput>> {
    let input = |raw: &tidegate::crm::RawRecord| {
        Ok(RawInput { kind: RecordKind::Client, id: raw.id.clone(), json: raw.to_json()? })
    };
    page.records.iter().map(input).collect()
}

fn open(path: &Path) -> anyhow::Result<Connection> {
    let database = Connection::open(path)?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE client (external_id TEXT PRIMARY KEY, title INTEGER, first_name TEXT, middle_name TEXT, last_name TEXT,
           preferred_name TEXT, date_of_birth TEXT, sex INTEGER, address_line_1 TEXT, address_line_2 TEXT, suburb TEXT,
           state TEXT, postcode TEXT, country_code TEXT, email TEXT, email_is_placeholder INTEGER, mobile TEXT,
           adviser_external_id TEXT, partner_external_id TEXT, is_partner INTEGER, status INTEGER) WITHOUT ROWID;",
    )?;
    Ok(database)
}

fn upsert(transaction: &Connection, client: &Client) -> rusqlite::Result<usize> {
    let mut statement = transaction
        .prepare_cached("INSERT OR REPLACE INTO client VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")?;
    statement.execute(params![
        client.external_id,
        client.title.map(|title| title as u8),
        client.first_name,
        client.middle_name,
        client.last_name,
        client.preferred_name,
        client.date_of_birth,
        client.sex.map(|sex| sex as u8),
        client.address_line_1,
        client.address_line_2,
        client.suburb,
        client.state,
        client.postcode,
        client.country_code,
        client.email,
        client.email_is_placeholder,
        client.mobile,
        client.adviser_external_id,
        client.partner_external_id,
        client.is_partner,
        client.status as u8,
    ])
}
