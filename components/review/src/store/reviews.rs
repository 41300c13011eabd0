use api::Page;
use database::{Database, Error, Row, Statement, Value};

use super::ratings;
use crate::domain::rating::Tally;
use crate::domain::review::{Draft, Review};

const COLUMNS: &str = "id, hospital_id, author, month, title, body, \
    treatment, explanation, kindness, facilities, cost, honesty, revision";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Newest,
    Highest,
    Lowest,
}

/// The place of a review in its list: the month or the stars, then the id.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub(crate) enum Place {
    Month(String, String),
    Total(i64, String),
}

impl Order {
    pub(crate) fn place(self, review: &Review) -> Place {
        match self {
            Self::Newest => Place::Month(review.month.clone(), review.id.clone()),
            Self::Highest | Self::Lowest => {
                Place::Total(review.draft.stars.total(), review.id.clone())
            }
        }
    }

    fn column(self) -> &'static str {
        if self == Self::Newest { "month" } else { "total" }
    }

    fn index(self) -> &'static str {
        if self == Self::Newest { "reviews_month" } else { "reviews_total" }
    }

    fn direction(self) -> (&'static str, &'static str) {
        if self == Self::Lowest { (">", "ASC") } else { ("<", "DESC") }
    }
}

/// [`Error::Unique`] where the author has a review of this hospital already.
pub(crate) async fn insert(db: &Database, review: &Review) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO reviews ({COLUMNS}, total) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    );
    let Review { id, hospital_id, author, month, draft, revision } = review.clone();
    let mut values: Vec<Value> = vec![id.into(), hospital_id.into(), author.into(), month.into()];
    values.extend([draft.title.into(), draft.body.into()]);
    values.extend(draft.stars.into_array().map(Value::from));
    values.extend([revision.into(), draft.stars.total().into()]);
    // Not `query`, behind which Spin loses what MySQL says of a row that it refuses.
    db.execute(&sql, values).await?;
    ratings::change(db, &review.hospital_id, Tally::of(review.draft.stars)).await
}

/// Writes `review` in place of `old`, which [`find_for_update`] has read.
pub(crate) async fn update(db: &Database, old: &Review, review: &Review) -> Result<(), Error> {
    let sql = "UPDATE reviews SET title = ?2, body = ?3, treatment = ?4, explanation = ?5, kindness = ?6, \
               facilities = ?7, cost = ?8, honesty = ?9, total = ?10, revision = ?11 WHERE id = ?1";
    let difference = Tally::of(review.draft.stars) - Tally::of(old.draft.stars);
    let Review { id, hospital_id, draft, revision, .. } = review.clone();
    let mut values: Vec<Value> = vec![id.into(), draft.title.into(), draft.body.into()];
    values.extend(draft.stars.into_array().map(Value::from));
    values.extend([draft.stars.total().into(), revision.into()]);
    db.query(sql, values).await?;
    ratings::change(db, &hospital_id, difference).await
}

/// Deletes what [`find_for_update`] has read.
pub(crate) async fn delete(db: &Database, review: &Review) -> Result<(), Error> {
    db.query("DELETE FROM reviews WHERE id = ?1", [review.id.as_str().into()]).await?;
    let difference = Tally::default() - Tally::of(review.draft.stars);
    ratings::change(db, &review.hospital_id, difference).await
}

pub(crate) async fn find(
    db: &Database,
    hospital_id: &str,
    id: &str,
) -> Result<Option<Review>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM reviews WHERE id = ?1 AND hospital_id = ?2");
    db.query_one(&sql, [id.into(), hospital_id.into()]).await?.as_ref().map(review).transpose()
}

/// Like [`find`]; nobody changes the review until the transaction ends.
pub(crate) async fn find_for_update(
    db: &Database,
    hospital_id: &str,
    id: &str,
) -> Result<Option<Review>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM reviews WHERE id = ?1 AND hospital_id = ?2 FOR UPDATE");
    db.query_one(&sql, [id.into(), hospital_id.into()]).await?.as_ref().map(review).transpose()
}

pub(crate) async fn list(
    db: &Database,
    hospital_id: &str,
    order: Order,
    after: Option<Place>,
    page: &Page,
) -> Result<Vec<Review>, Error> {
    let (column, (sign, direction)) = (order.column(), order.direction());
    let ordered = db.dialect().in_order_of(order.index());
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM reviews{ordered}"));
    select.condition("hospital_id = ?", [hospital_id.into()]);
    if let Some(place) = after {
        let (key, id) = match place {
            Place::Month(month, id) => (Value::from(month), id),
            Place::Total(total, id) => (Value::from(total), id),
        };
        select.keyset(db, [column, "id"], sign, [key, id.into()]);
    }
    select.push(
        &format!(" ORDER BY {column} {direction}, id {direction} LIMIT ?"),
        [page.rows().into()],
    );
    select.query(db).await?.iter().map(review).collect()
}

/// The latest of all hospitals, each with its hospital's name. Within a month the order tells
/// nothing. Every review has its hospital; the outer join only keeps each database from
/// beginning with all hospitals.
pub(crate) async fn latest(
    db: &Database,
    after: Option<(String, String)>,
    page: &Page,
) -> Result<Vec<(String, Review)>, Error> {
    let columns = COLUMNS
        .split(", ")
        .map(|column| format!("reviews.{}", column.trim_start()))
        .collect::<Vec<_>>()
        .join(", ");
    let mut select = Statement::new(&format!(
        "SELECT {columns}, hospitals.name FROM reviews LEFT JOIN hospitals ON hospitals.id = reviews.hospital_id"
    ));
    if let Some((month, id)) = after {
        select.keyset(db, ["reviews.month", "reviews.id"], "<", [month.into(), id.into()]);
    }
    select.push(" ORDER BY reviews.month DESC, reviews.id DESC LIMIT ?", [page.rows().into()]);
    let rows = select.query(db).await?;
    rows.iter().map(|row| Ok((row.text(13)?, review(row)?))).collect()
}

fn review(row: &Row) -> Result<Review, Error> {
    let mut stars = [0; 6];
    for (index, star) in stars.iter_mut().enumerate() {
        *star = row.integer(index + 6)?;
    }
    Ok(Review {
        id: row.text(0)?,
        hospital_id: row.text(1)?,
        author: row.text(2)?,
        month: row.text(3)?,
        draft: Draft { title: row.text(4)?, body: row.text(5)?, stars: stars.into() },
        revision: row.integer(12)?,
    })
}
