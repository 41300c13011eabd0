//! The counters against guessing. They are in the database so that they survive a restart and
//! hold for all instances together.

use database::{Database, Error, Value};

use crate::domain::throttle::Limit;

/// A counter by name, and how much it takes.
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) limit: &'static Limit,
}

/// Charges every bucket, or, if one is full, none, and gives the seconds to wait. Call it in a
/// transaction of its own, which has ended before the guess is compared: then guesses that
/// come at once are counted one after another, and none of them passes uncounted.
pub(crate) async fn charge(
    database: &Database,
    buckets: &[&Bucket],
    now: i64,
) -> Result<Result<(), u64>, Error> {
    let mut charged = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        let before = drained_at(database, &bucket.name).await?;
        match bucket.limit.charge(before.unwrap_or_default(), now) {
            Ok(after) => charged.push((&bucket.name, before, after)),
            Err(seconds) => return Ok(Err(seconds)),
        }
    }
    for (name, before, after) in charged {
        replace(database, name, before, after).await?;
    }
    Ok(Ok(()))
}

/// Takes one charge back, of a guess that was right.
pub(crate) async fn refund(database: &Database, bucket: &Bucket) -> Result<(), Error> {
    let update = "UPDATE throttles SET drained_at = drained_at - ?2 WHERE bucket = ?1";
    let interval = Value::Integer(bucket.limit.interval_millis());
    database.execute(update, [bucket.name.as_str().into(), interval]).await?;
    Ok(())
}

/// Empties a bucket.
pub(crate) async fn clear(database: &Database, name: &str) -> Result<(), Error> {
    database.execute("DELETE FROM throttles WHERE bucket = ?1", [name.into()]).await?;
    Ok(())
}

/// Drops the counters that are empty again, which then say nothing any more.
pub(crate) async fn prune(database: &Database, now: i64) -> Result<(), Error> {
    let delete = "DELETE FROM throttles WHERE drained_at <= ?1";
    database.execute(delete, [Value::Integer(now)]).await?;
    Ok(())
}

/// Notes something that holds until `until`; see [`holds`].
pub(crate) async fn note(database: &Database, name: &str, until: i64) -> Result<(), Error> {
    let before = drained_at(database, name).await?;
    replace(database, name, before, until).await
}

/// Whether what was noted still holds.
pub(crate) async fn holds(database: &Database, name: &str, now: i64) -> Result<bool, Error> {
    Ok(drained_at(database, name).await?.is_some_and(|until| until > now))
}

async fn drained_at(database: &Database, name: &str) -> Result<Option<i64>, Error> {
    let select = "SELECT drained_at FROM throttles WHERE bucket = ?1";
    let row = database.query_one(select, [name.into()]).await?;
    row.map(|row| row.integer(0)).transpose()
}

/// Compares and sets: where the database lets two transactions read the same value, only one
/// of them may count on it. The other is told to come again rather than let past the limit.
async fn replace(
    database: &Database,
    name: &str,
    before: Option<i64>,
    after: i64,
) -> Result<(), Error> {
    let changed = match before {
        Some(before) => {
            let update =
                "UPDATE throttles SET drained_at = ?3 WHERE bucket = ?1 AND drained_at = ?2";
            database
                .execute(update, [name.into(), Value::Integer(before), Value::Integer(after)])
                .await
        }
        None => {
            let insert = "INSERT INTO throttles (bucket, drained_at) VALUES (?1, ?2)";
            database.execute(insert, [name.into(), Value::Integer(after)]).await
        }
    };
    match changed {
        Ok(1) => Ok(()),
        Ok(_) | Err(Error::Unique(_)) => {
            Err(Error::Unavailable("a counter changed meanwhile".into()))
        }
        Err(error) => Err(error),
    }
}
