//! Documents that wait for two moderators.

use api::Page;
use database::{Database, Error, Row, Statement, Value};

/// Without its content.
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) account_id: String,
    pub(crate) hospital_id: String,
    pub(crate) media_type: String,
    pub(crate) bytes: i64,
    pub(crate) approved_by: Option<String>,
    pub(crate) uploaded_at: i64,
}

const COLUMNS: &str = "id, account_id, hospital_id, media_type, bytes, approved_by, uploaded_at";

fn document(row: Row) -> Result<Document, Error> {
    Ok(Document {
        id: row.text(0)?,
        account_id: row.text(1)?,
        hospital_id: row.text(2)?,
        media_type: row.text(3)?,
        bytes: row.integer(4)?,
        approved_by: row.optional_text(5)?,
        uploaded_at: row.integer(6)?,
    })
}

/// Puts a new one, its content sealed, in the place of the one before. The account is locked.
pub(crate) async fn replace(
    database: &Database,
    document: &Document,
    content: &str,
) -> Result<(), Error> {
    remove_of(database, &document.account_id).await?;
    let insert = format!(
        "INSERT INTO documents ({COLUMNS}, content) VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6, ?7)"
    );
    let values = [
        document.id.as_str().into(),
        document.account_id.as_str().into(),
        document.hospital_id.as_str().into(),
        document.media_type.as_str().into(),
        Value::Integer(document.bytes),
        Value::Integer(document.uploaded_at),
        content.into(),
    ];
    database.query(&insert, values).await?;
    Ok(())
}

/// The oldest first, from behind `after`.
pub(crate) async fn list(
    database: &Database,
    after: Option<(i64, String)>,
    page: &Page,
) -> Result<Vec<Document>, Error> {
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM documents"));
    if let Some((uploaded_at, id)) = after {
        let place = [Value::Integer(uploaded_at), id.into()];
        select.keyset(database, ["uploaded_at", "id"], ">", place);
    }
    select.push(" ORDER BY uploaded_at, id LIMIT ?", [Value::Integer(page.rows())]);
    select.query(database).await?.into_iter().map(document).collect()
}

pub(crate) async fn find(database: &Database, id: &str) -> Result<Option<Document>, Error> {
    one(database, "id = ?1", id).await
}

/// The same, and until the end of the transaction nobody else decides it.
pub(crate) async fn lock(database: &Database, id: &str) -> Result<Option<Document>, Error> {
    one(database, "id = ?1 FOR UPDATE", id).await
}

pub(crate) async fn of(database: &Database, account_id: &str) -> Result<Option<Document>, Error> {
    one(database, "account_id = ?1", account_id).await
}

async fn one(
    database: &Database,
    condition: &'static str,
    value: &str,
) -> Result<Option<Document>, Error> {
    let select = format!("SELECT {COLUMNS} FROM documents WHERE {condition}");
    database.query_one(&select, [value.into()]).await?.map(document).transpose()
}

/// Sealed.
pub(crate) async fn content(database: &Database, id: &str) -> Result<Option<String>, Error> {
    let select = "SELECT content FROM documents WHERE id = ?1";
    database.query_one(select, [id.into()]).await?.map(|row| row.text(0)).transpose()
}

pub(crate) async fn set_approved(
    database: &Database,
    id: &str,
    moderator_id: &str,
) -> Result<(), Error> {
    let update = "UPDATE documents SET approved_by = ?2 WHERE id = ?1";
    database.query(update, [id.into(), moderator_id.into()]).await?;
    Ok(())
}

pub(crate) async fn remove(database: &Database, id: &str) -> Result<(), Error> {
    database.query("DELETE FROM documents WHERE id = ?1", [id.into()]).await?;
    Ok(())
}

pub(crate) async fn remove_of(database: &Database, account_id: &str) -> Result<(), Error> {
    database.query("DELETE FROM documents WHERE account_id = ?1", [account_id.into()]).await?;
    Ok(())
}

/// Deletes what was uploaded before `time`.
pub(crate) async fn prune(database: &Database, time: i64) -> Result<(), Error> {
    database.query("DELETE FROM documents WHERE uploaded_at < ?1", [Value::Integer(time)]).await?;
    Ok(())
}
