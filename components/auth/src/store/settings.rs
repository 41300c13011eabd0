//! What the installation keeps for itself.

use database::{Database, Error};

/// The setting, made of `candidate` where there is none yet. Instances that start at once all
/// get the same one: the primary key lets only the first of them insert. Not in a transaction,
/// which PostgreSQL ends at the refused insert.
pub(crate) async fn get_or_insert(
    database: &Database,
    name: &str,
    candidate: &str,
) -> Result<String, Error> {
    if let Some(value) = get(database, name).await? {
        return Ok(value);
    }
    let insert = "INSERT INTO settings (name, value) VALUES (?1, ?2)";
    // Spin does not tell why a query failed on MySQL, only why an execution did.
    match database.execute(insert, [name.into(), candidate.into()]).await {
        Ok(_) => Ok(candidate.to_owned()),
        Err(Error::Unique(constraint)) => {
            get(database, name).await?.ok_or(Error::Unique(constraint))
        }
        Err(error) => Err(error),
    }
}

async fn get(database: &Database, name: &str) -> Result<Option<String>, Error> {
    let select = "SELECT value FROM settings WHERE name = ?1";
    let row = database.query_one(select, [name.into()]).await?;
    row.map(|row| row.text(0)).transpose()
}
