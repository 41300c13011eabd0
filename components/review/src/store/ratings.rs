//! What the reviews of each hospital add up to. Counting a hundred thousand reviews would make
//! every list that shows their hospital slow, so the sums are kept, and changed by difference in
//! the transaction that changes a review: no order of transactions makes them drift.

use std::collections::HashMap;

use database::{Database, Error, Row, Statement, Value};

use crate::domain::rating::Tally;

const COLUMNS: [&str; 11] = [
    "treatment",
    "explanation",
    "kindness",
    "facilities",
    "cost",
    "honesty",
    "one",
    "two",
    "three",
    "four",
    "five",
];

/// The tallies of these hospitals. One without reviews is left out.
pub(crate) async fn of(db: &Database, hospitals: &[&str]) -> Result<HashMap<String, Tally>, Error> {
    if hospitals.is_empty() {
        return Ok(HashMap::new());
    }
    let columns = COLUMNS.join(", ");
    let mut select = Statement::new(&format!("SELECT hospital_id, {columns} FROM signed_ratings"));
    select.condition("hospital_id IN ", []);
    select.push_list(hospitals.iter().map(|id| Value::from(*id)));
    let rows = select.query(db).await?;
    rows.iter().map(|row| Ok((row.text(0)?, tally(row)?))).collect()
}

/// Adds `difference` to the hospital's tally. The row stays locked until the transaction ends,
/// so this comes late in it.
pub(crate) async fn change(
    db: &Database,
    hospital_id: &str,
    difference: Tally,
) -> Result<(), Error> {
    // MySQL would not count a row that stays as it is.
    if difference == Tally::default() {
        return Ok(());
    }
    let mut update = Statement::new("UPDATE signed_ratings SET ");
    for (index, (column, value)) in COLUMNS.iter().zip(values(difference)).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        update.push(&format!("{comma}{column} = {column} + ?"), [value]);
    }
    update.condition("hospital_id = ?", [hospital_id.into()]);
    if update.execute(db).await? > 0 {
        return Ok(());
    }
    match insert(db, hospital_id, difference).await {
        // Another transaction wrote the first review; the next attempt finds its row.
        Err(Error::Unique(_)) => Err(db.conflict("the first review of a hospital")),
        result => result,
    }
}

async fn insert(db: &Database, hospital_id: &str, tally: Tally) -> Result<(), Error> {
    let columns = COLUMNS.join(", ");
    let mut insert =
        Statement::new(&format!("INSERT INTO signed_ratings (hospital_id, {columns}) VALUES "));
    insert.push_list([hospital_id.into()].into_iter().chain(values(tally)));
    // Not `query`, behind which Spin loses what MySQL says of a row that it refuses.
    insert.execute(db).await?;
    Ok(())
}

fn values(tally: Tally) -> impl Iterator<Item = Value> {
    tally.aspects.into_iter().chain(tally.distribution).map(Value::from)
}

fn tally(row: &Row) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let sums = tally.aspects.iter_mut().chain(&mut tally.distribution);
    for (column, sum) in sums.enumerate() {
        *sum = row.integer(column + 1)?;
    }
    Ok(tally)
}
