use std::collections::HashMap;

use api::Page;
use database::{Database, Error, Row, Value};

use super::Statement;
use crate::domain::rating::Group;
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
    db.execute(&sql, values).await?;
    Ok(())
}

pub(crate) async fn update(db: &Database, review: &Review) -> Result<(), Error> {
    let sql = "UPDATE reviews SET title = ?2, body = ?3, treatment = ?4, explanation = ?5, kindness = ?6, \
               facilities = ?7, cost = ?8, honesty = ?9, total = ?10, revision = ?11 WHERE id = ?1";
    let Review { id, draft, revision, .. } = review.clone();
    let mut values: Vec<Value> = vec![id.into(), draft.title.into(), draft.body.into()];
    values.extend(draft.stars.into_array().map(Value::from));
    values.extend([draft.stars.total().into(), revision.into()]);
    db.execute(sql, values).await?;
    Ok(())
}

pub(crate) async fn delete(db: &Database, id: &str) -> Result<(), Error> {
    db.execute("DELETE FROM reviews WHERE id = ?1", [id.into()]).await?;
    Ok(())
}

pub(crate) async fn find(
    db: &Database,
    hospital_id: &str,
    id: &str,
) -> Result<Option<Review>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM reviews WHERE id = ?1 AND hospital_id = ?2");
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
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM reviews"));
    select.condition("hospital_id = ?", [hospital_id.into()]);
    if let Some(place) = after {
        let (key, id) = match place {
            Place::Month(month, id) => (Value::from(month), id),
            Place::Total(total, id) => (Value::from(total), id),
        };
        select.condition(&format!("({column}, id) {sign} (?, ?)"), [key, id.into()]);
    }
    select.push(
        &format!(" ORDER BY {column} {direction}, id {direction} LIMIT ?"),
        [page.rows().into()],
    );
    select.query(db).await?.iter().map(review).collect()
}

/// The latest of all hospitals, each with its hospital's name. Within a month the order tells nothing.
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
        "SELECT {columns}, hospitals.name FROM reviews JOIN hospitals ON hospitals.id = reviews.hospital_id"
    ));
    if let Some((month, id)) = after {
        select.condition("(reviews.month, reviews.id) < (?, ?)", [month.into(), id.into()]);
    }
    select.push(" ORDER BY reviews.month DESC, reviews.id DESC LIMIT ?", [page.rows().into()]);
    let rows = select.query(db).await?;
    rows.iter().map(|row| Ok((row.text(13)?, review(row)?))).collect()
}

/// All that a rating is made of: at most 25 rows, read from one index.
pub(crate) async fn groups(db: &Database, hospital_id: &str) -> Result<Vec<Group>, Error> {
    let sql = "SELECT total, count(*), sum(treatment), sum(explanation), sum(kindness), sum(facilities), \
               sum(cost), sum(honesty) FROM reviews WHERE hospital_id = ?1 GROUP BY total";
    let rows = db.query(sql, [hospital_id.into()]).await?;
    rows.iter()
        .map(|row| {
            let mut aspects = [0; 6];
            for (index, sum) in aspects.iter_mut().enumerate() {
                *sum = row.integer(index + 2)?;
            }
            Ok(Group { total: row.integer(0)?, count: row.integer(1)?, aspects })
        })
        .collect()
}

/// How many reviews each of these hospitals has, and the sum of their totals. One without
/// reviews is left out.
pub(crate) async fn totals(
    db: &Database,
    hospitals: &[&str],
) -> Result<HashMap<String, (i64, i64)>, Error> {
    if hospitals.is_empty() {
        return Ok(HashMap::new());
    }
    let mut select = Statement::new("SELECT hospital_id, count(*), sum(total) FROM reviews");
    select.condition("hospital_id IN ", []);
    select.push_list(hospitals.iter().map(|id| Value::from(*id)));
    select.push(" GROUP BY hospital_id", []);
    let rows = select.query(db).await?;
    rows.iter().map(|row| Ok((row.text(0)?, (row.integer(1)?, row.integer(2)?)))).collect()
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
