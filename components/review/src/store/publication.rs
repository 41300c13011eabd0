//! How far the batch of a day has come. Whoever goes on with it holds the one row.

use database::{Database, Error, Row};

/// After every id.
const END: &str = "~";

/// The last id that the batch of a day looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) day: String,
    pub(crate) id: String,
}

impl Place {
    pub(crate) fn start(day: &str) -> Self {
        Self { day: day.to_owned(), id: String::new() }
    }

    pub(crate) fn end(day: &str) -> Self {
        Self { day: day.to_owned(), id: END.to_owned() }
    }
}

pub(crate) async fn place(db: &Database) -> Result<Place, Error> {
    read(db, "SELECT day, place FROM review_publication WHERE id = 1").await
}

/// Nobody else publishes until the transaction ends.
pub(crate) async fn lock(db: &Database) -> Result<Place, Error> {
    read(db, "SELECT day, place FROM review_publication WHERE id = 1 FOR UPDATE").await
}

async fn read(db: &Database, sql: &str) -> Result<Place, Error> {
    let row = db.query_one(sql, []).await?;
    let place = |row: Row| Ok(Place { day: row.text(0)?, id: row.text(1)? });
    place(row.ok_or_else(|| Error::Statement("review_publication has no row".into()))?)
}

pub(crate) async fn advance(db: &Database, place: &Place) -> Result<(), Error> {
    let sql = "UPDATE review_publication SET day = ?1, place = ?2 WHERE id = 1";
    db.execute(sql, [place.day.as_str().into(), place.id.as_str().into()]).await?;
    Ok(())
}
