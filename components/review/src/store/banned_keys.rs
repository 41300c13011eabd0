use database::{Database, Error};

/// The review is locked, so no other removal bans the same key.
pub(crate) async fn add(db: &Database, public_key: &str) -> Result<(), Error> {
    let sql = "INSERT INTO banned_review_keys (public_key) VALUES (?1)";
    db.execute(sql, [public_key.into()]).await?;
    Ok(())
}

pub(crate) async fn holds(db: &Database, public_key: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM banned_review_keys WHERE public_key = ?1";
    Ok(db.query_one(sql, [public_key.into()]).await?.is_some())
}
