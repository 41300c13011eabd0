//! The counters against guessing. They are in the database so that they survive a restart and
//! hold for all instances together.

use api::now_millis;
use database::{Database, Error, Value};

use crate::domain::throttle::Limit;

/// How long a counter has been empty before it is dropped.
const UNUSED_MILLIS: i64 = 60 * 60 * 1000;

/// How often a bucket is tried that changes while it is looked at.
const ATTEMPTS: usize = 3;

const SET: &str = "UPDATE throttles SET drained_at = ?2 WHERE bucket = ?1";

/// A counter by name, and how much it takes.
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) limit: &'static Limit,
}

/// Charges every bucket, or gives the seconds to wait if one is full, and then none. Call it outside
/// of a transaction and before a guess is compared: guesses that come at once are counted one after
/// another, none of them passes uncounted, and nobody waits until another has been told of its charge.
pub(crate) async fn charge(
    database: &Database,
    buckets: &[&Bucket],
) -> Result<Result<(), u64>, Error> {
    for (number, bucket) in buckets.iter().enumerate() {
        let charged = charge_one(database, bucket).await;
        if !matches!(charged, Ok(Ok(()))) {
            for before in buckets[..number].iter().rev() {
                // What stays drains by itself.
                let _ = refund(database, before).await;
            }
            return charged;
        }
    }
    Ok(Ok(()))
}

/// The same for one bucket in a transaction that is rolled back where it is full, for what is charged
/// only if it is written. The bucket stays locked until the end.
pub(crate) async fn charge_within(
    database: &Database,
    bucket: &Bucket,
) -> Result<Result<(), u64>, Error> {
    let before = lock_or_make(database, &bucket.name).await?;
    match bucket.limit.charge(before, now_millis()) {
        Ok(after) => set(database, &bucket.name, after).await.map(Ok),
        Err(seconds) => Ok(Err(seconds)),
    }
}

/// The statement both looks and charges.
async fn charge_one(database: &Database, bucket: &Bucket) -> Result<Result<(), u64>, Error> {
    let charge = "UPDATE throttles SET drained_at = CASE WHEN drained_at > ?2 THEN drained_at ELSE ?2 END + ?3 \
                  WHERE bucket = ?1 AND drained_at <= ?4";
    let Bucket { name, limit } = bucket;
    for _ in 0..ATTEMPTS {
        let (now, interval) = (now_millis(), limit.interval_millis());
        let [at, more, room] = [now, interval, limit.has_room_until(now)].map(Value::Integer);
        match database.execute(charge, [name.as_str().into(), at, more, room]).await {
            // Of two that wait for each other the database gave up this one.
            Err(Error::Conflict(_)) => continue,
            Ok(0) => {}
            charged => return charged.map(|_| Ok(())),
        }
        match find(database, name).await? {
            Some(before) => match limit.charge(before, now_millis()) {
                // It drained while the charge waited for its turn.
                Ok(_) => {}
                Err(seconds) => return Ok(Err(seconds)),
            },
            None => match make(database, name, now + interval).await {
                // Others made it.
                Err(Error::Unique(_) | Error::Conflict(_)) => {}
                result => return result.map(Ok),
            },
        }
    }
    Ok(Err(1))
}

/// Takes one charge back, of a guess that was right.
pub(crate) async fn refund(database: &Database, bucket: &Bucket) -> Result<(), Error> {
    let update = "UPDATE throttles SET drained_at = drained_at - ?2 WHERE bucket = ?1";
    let interval = Value::Integer(bucket.limit.interval_millis());
    database.query(update, [bucket.name.as_str().into(), interval]).await?;
    Ok(())
}

/// Empties a bucket, which stays for the next charge.
pub(crate) async fn empty(database: &Database, bucket: &Bucket) -> Result<(), Error> {
    set(database, &bucket.name, now_millis()).await
}

/// Drops a bucket.
pub(crate) async fn clear(database: &Database, name: &str) -> Result<(), Error> {
    database.query("DELETE FROM throttles WHERE bucket = ?1", [name.into()]).await?;
    Ok(())
}

/// Drops the counters that are empty again, which then say nothing any more. Those in use are
/// hardly ever among them, or this would wait for everybody who holds one. Call it outside of a
/// transaction, or others of its kind wait for its end.
pub(crate) async fn prune(database: &Database, now: i64) -> Result<(), Error> {
    let delete = "DELETE FROM throttles WHERE drained_at <= ?1";
    database.query(delete, [Value::Integer(now - UNUSED_MILLIS)]).await?;
    Ok(())
}

/// Notes something that holds until `until`; see [`holds`]. Call it in a transaction.
pub(crate) async fn note(database: &Database, name: &str, until: i64) -> Result<(), Error> {
    let noted = database.execute(SET, [name.into(), Value::Integer(until)]).await?;
    // MySQL counts none where another noted the same in the same millisecond.
    if noted > 0 || find(database, name).await?.is_some() {
        return Ok(());
    }
    make_within(database, name, until).await
}

/// Whether what was noted still holds.
pub(crate) async fn holds(database: &Database, name: &str, now: i64) -> Result<bool, Error> {
    Ok(find(database, name).await?.is_some_and(|until| until > now))
}

/// When the bucket is empty again, as it was a moment ago.
async fn find(database: &Database, name: &str) -> Result<Option<i64>, Error> {
    let select = "SELECT drained_at FROM throttles WHERE bucket = ?1";
    drained_at(database, select, name).await
}

/// When the bucket is empty again, which nobody else changes until the end of the transaction.
async fn lock(database: &Database, name: &str) -> Result<Option<i64>, Error> {
    let select = "SELECT drained_at FROM throttles WHERE bucket = ?1 FOR UPDATE";
    drained_at(database, select, name).await
}

async fn drained_at(
    database: &Database,
    select: &'static str,
    name: &str,
) -> Result<Option<i64>, Error> {
    let row = database.query_one(select, [name.into()]).await?;
    row.map(|row| row.integer(0)).transpose()
}

/// Like [`lock`], and makes the bucket where there is none: if that were left for later, it
/// would be locked out of its order. Of those who make it at once one succeeds, and the others
/// run their transaction again.
async fn lock_or_make(database: &Database, name: &str) -> Result<i64, Error> {
    if let Some(drained_at) = lock(database, name).await? {
        return Ok(drained_at);
    }
    // Empty now and not since ever: `prune` would wait for the end of this transaction.
    let now = now_millis();
    make_within(database, name, now).await.map(|()| now)
}

async fn make_within(database: &Database, name: &str, drained_at: i64) -> Result<(), Error> {
    match make(database, name, drained_at).await {
        Err(Error::Unique(_)) => Err(database.conflict("a counter that others made")),
        result => result,
    }
}

async fn make(database: &Database, name: &str, drained_at: i64) -> Result<(), Error> {
    let insert = "INSERT INTO throttles (bucket, drained_at) VALUES (?1, ?2)";
    // Spin does not tell why a query failed on MySQL, only why an execution did.
    database.execute(insert, [name.into(), Value::Integer(drained_at)]).await.map(drop)
}

async fn set(database: &Database, name: &str, drained_at: i64) -> Result<(), Error> {
    database.query(SET, [name.into(), Value::Integer(drained_at)]).await?;
    Ok(())
}
