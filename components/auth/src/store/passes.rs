//! Passes: who has been given one, and what was answered. Not what it is used for: that is
//! blinded before it gets here.

use database::{Database, Error, Row, Value};
use uuid::Uuid;

use crate::domain::pass::Evaluation;

#[derive(Clone)]
pub(crate) struct Pass {
    pub(crate) blinded_element: String,
    pub(crate) evaluation: Evaluation,
}

fn pass(row: Row) -> Result<Pass, Error> {
    let evaluation = Evaluation { evaluated_element: row.text(1)?, proof: row.text(2)? };
    Ok(Pass { blinded_element: row.text(0)?, evaluation })
}

pub(crate) async fn find(
    database: &Database,
    account_id: &str,
    hospital_id: &str,
    year: i64,
) -> Result<Option<Pass>, Error> {
    let select = "SELECT blinded_element, evaluated_element, proof FROM passes \
                  WHERE account_id = ?1 AND hospital_id = ?2 AND year = ?3";
    let values = [account_id.into(), hospital_id.into(), Value::Integer(year)];
    database.query_one(select, values).await?.map(pass).transpose()
}

pub(crate) async fn insert(
    database: &Database,
    account_id: &str,
    hospital_id: &str,
    year: i64,
    pass: &Pass,
) -> Result<(), Error> {
    let insert = "INSERT INTO passes (id, account_id, hospital_id, year, blinded_element, evaluated_element, proof) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values = [
        // Version 4: version 7 would tell when the pass was issued.
        Uuid::new_v4().to_string().into(),
        account_id.into(),
        hospital_id.into(),
        Value::Integer(year),
        pass.blinded_element.as_str().into(),
        pass.evaluation.evaluated_element.as_str().into(),
        pass.evaluation.proof.as_str().into(),
    ];
    database.query(insert, values).await?;
    Ok(())
}

/// How many there are for a hospital and year.
pub(crate) async fn count(database: &Database, hospital_id: &str, year: i64) -> Result<i64, Error> {
    let select = "SELECT count(*) FROM passes WHERE hospital_id = ?1 AND year = ?2";
    let row = database.query_one(select, [hospital_id.into(), Value::Integer(year)]).await?;
    row.map_or(Ok(0), |row| row.integer(0))
}

/// Whether the account has a pass of this year, for any hospital.
pub(crate) async fn has_any(
    database: &Database,
    account_id: &str,
    year: i64,
) -> Result<bool, Error> {
    let select = "SELECT 1 FROM passes WHERE account_id = ?1 AND year = ?2 LIMIT 1";
    let values = [account_id.into(), Value::Integer(year)];
    Ok(database.query_one(select, values).await?.is_some())
}

/// Gives the passes of a year from one account to another one, which keeps what it has itself.
pub(crate) async fn hand_over(
    database: &Database,
    from: &str,
    to: &str,
    year: i64,
) -> Result<(), Error> {
    let select = "SELECT id, hospital_id FROM passes WHERE account_id = ?1 AND year = ?2";
    for row in database.query(select, [from.into(), Value::Integer(year)]).await? {
        if find(database, to, row.str(1)?, year).await?.is_none() {
            let update = "UPDATE passes SET account_id = ?2 WHERE id = ?1";
            database.query(update, [row.text(0)?.into(), to.into()]).await?;
        }
    }
    Ok(())
}

/// Gives all passes of an account another name, which no account has.
pub(crate) async fn rename(database: &Database, account_id: &str, name: &str) -> Result<(), Error> {
    let update = "UPDATE passes SET account_id = ?2 WHERE account_id = ?1";
    database.query(update, [account_id.into(), name.into()]).await?;
    Ok(())
}
