//! The log of the public keys of passes.

use api::Page;
use canonical::{NO_PREVIOUS, PassKey};
use database::{Database, Error, Row, Statement, Value};

pub(crate) struct Entry {
    pub(crate) index: i64,
    pub(crate) hospital_id: String,
    pub(crate) year: i64,
    pub(crate) public_key: String,
    pub(crate) previous: String,
    pub(crate) hash: String,
}

const COLUMNS: &str = "position, hospital_id, year, public_key, previous, hash";

fn entry(row: Row) -> Result<Entry, Error> {
    Ok(Entry {
        index: row.integer(0)?,
        hospital_id: row.text(1)?,
        year: row.integer(2)?,
        public_key: row.text(3)?,
        previous: row.text(4)?,
        hash: row.text(5)?,
    })
}

/// In their order, from behind the one with the index `after`.
pub(crate) async fn list(
    database: &Database,
    after: Option<i64>,
    page: &Page,
) -> Result<Vec<Entry>, Error> {
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM pass_keys"));
    if let Some(after) = after {
        select.condition("position > ?", [Value::Integer(after)]);
    }
    select.push(" ORDER BY position LIMIT ?", [Value::Integer(page.rows())]);
    select.query(database).await?.into_iter().map(entry).collect()
}

pub(crate) async fn find(
    database: &Database,
    hospital_id: &str,
    year: i64,
) -> Result<Option<Entry>, Error> {
    let select = format!("SELECT {COLUMNS} FROM pass_keys WHERE hospital_id = ?1 AND year = ?2");
    let values = [hospital_id.into(), Value::Integer(year)];
    database.query_one(&select, values).await?.map(entry).transpose()
}

pub(crate) async fn last(database: &Database) -> Result<Option<Entry>, Error> {
    let select = format!("SELECT {COLUMNS} FROM pass_keys ORDER BY position DESC LIMIT 1");
    database.query_one(&select, []).await?.map(entry).transpose()
}

/// The entry of a key, appended at its first use. Whoever appends waits for whoever does so at
/// the same time, and sees their entry.
pub(crate) async fn find_or_append(
    database: &Database,
    hospital_id: &str,
    year: i64,
    public_key: &str,
) -> Result<Entry, Error> {
    if let Some(entry) = find(database, hospital_id, year).await? {
        return Ok(entry);
    }
    let lock = "SELECT value FROM settings WHERE name = 'pass_key_log' FOR UPDATE";
    database.query(lock, []).await?;
    if let Some(entry) = find(database, hospital_id, year).await? {
        return Ok(entry);
    }
    let last = last(database).await?;
    let index = last.as_ref().map_or(1, |last| last.index + 1);
    let previous = last.map_or_else(|| NO_PREVIOUS.to_owned(), |last| last.hash);
    let key = PassKey { index, hospital_id, year, public_key, previous: &previous };
    let hash = key.hash();
    let entry = Entry {
        index,
        hospital_id: hospital_id.to_owned(),
        year,
        public_key: public_key.to_owned(),
        hash,
        previous,
    };
    insert(database, &entry).await?;
    Ok(entry)
}

async fn insert(database: &Database, entry: &Entry) -> Result<(), Error> {
    let insert = format!("INSERT INTO pass_keys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    let values = [
        Value::Integer(entry.index),
        entry.hospital_id.as_str().into(),
        Value::Integer(entry.year),
        entry.public_key.as_str().into(),
        entry.previous.as_str().into(),
        entry.hash.as_str().into(),
    ];
    database.query(&insert, values).await?;
    Ok(())
}
