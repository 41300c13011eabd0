use api::Page;
use database::{Database, Error, Row, Statement, Value};

use super::ratings;
use super::replies::{self, Reply};
use crate::domain::rating::Tally;
use crate::domain::review::{Draft, Review, Signed, Stars, Status};

const COLUMNS: &str = "id, public_key, hospital_id, year, status, month, title, body, stars, \
    revision, signature, total, statement, hidden_until, hidden_revision, touched, queued";

/// How many [`COLUMNS`] there are: what a query adds to them comes after.
pub(super) const WIDTH: usize = 17;

/// Rows in one INSERT, as for imports.
const ROWS_PER_INSERT: usize = 100;

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
            Self::Highest | Self::Lowest => Place::Total(review.total(), review.id.clone()),
        }
    }

    fn column(self) -> &'static str {
        if self == Self::Newest { "signed_reviews.month" } else { "signed_reviews.total" }
    }

    fn index(self) -> &'static str {
        if self == Self::Newest { "signed_reviews_month" } else { "signed_reviews_total" }
    }

    /// Holds for what the list shows. What is hidden or removed has no stars to be ordered by.
    fn shown(self) -> &'static str {
        if self == Self::Newest { "signed_reviews.month > ''" } else { "signed_reviews.total > 0" }
    }

    fn direction(self) -> (&'static str, &'static str) {
        if self == Self::Lowest { (">", "ASC") } else { ("<", "DESC") }
    }
}

/// [`Error::Unique`] where the key has a review already.
pub(crate) async fn insert(db: &Database, review: &Review) -> Result<(), Error> {
    insert_all(db, std::slice::from_ref(review)).await
}

/// Writes `new` in place of `old`, which was read to be changed, and changes the sums.
pub(crate) async fn replace(db: &Database, old: &Review, new: &Review) -> Result<(), Error> {
    let mut update = Statement::new("UPDATE signed_reviews SET ");
    for (index, (column, value)) in COLUMNS.split(", ").zip(values(new)).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        update.push(&format!("{comma}{} = ?", column.trim_start()), [value]);
    }
    update.condition("id = ?", [old.id.as_str().into()]);
    update.execute(db).await?;
    ratings::change(db, &new.hospital_id, new.tally() - old.tally()).await
}

/// Writes the rows anew in the order of their ids, so that neither their places nor what wrote
/// them tell which is older. `changes` are pairs of old and new.
pub(crate) async fn rewrite(db: &Database, changes: &[(Review, Review)]) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut delete = Statement::new("DELETE FROM signed_reviews");
    delete.condition("id IN ", []);
    delete.push_list(changes.iter().map(|(old, _)| old.id.as_str().into()));
    delete.execute(db).await?;
    let mut new: Vec<Review> = changes.iter().map(|(_, new)| new.clone()).collect();
    new.sort_by(|a, b| a.id.cmp(&b.id));
    for rows in new.chunks(ROWS_PER_INSERT) {
        insert_all(db, rows).await?;
    }
    // In one order, so that two transactions do not wait for each other.
    let mut differences = std::collections::BTreeMap::<&str, Tally>::new();
    for (old, new) in changes {
        let sum = differences.entry(&new.hospital_id).or_default();
        *sum = *sum + (new.tally() - old.tally());
    }
    for (hospital_id, difference) in differences {
        ratings::change(db, hospital_id, difference).await?;
    }
    Ok(())
}

async fn insert_all(db: &Database, reviews: &[Review]) -> Result<(), Error> {
    let mut insert = Statement::new(&format!("INSERT INTO signed_reviews ({COLUMNS}) VALUES "));
    for (index, review) in reviews.iter().enumerate() {
        if index > 0 {
            insert.push(", ", []);
        }
        insert.push_list(values(review));
    }
    // Not `query`, behind which Spin loses what MySQL says of a row that it refuses.
    insert.execute(db).await?;
    Ok(())
}

/// In the order of [`COLUMNS`].
fn values(review: &Review) -> [Value; WIDTH] {
    let Signed { draft, revision, signature } = review.text.clone();
    [
        review.id.clone().into(),
        review.public_key.clone().into(),
        review.hospital_id.clone().into(),
        review.year.into(),
        review.status.name().into(),
        review.month.clone().into(),
        draft.title.into(),
        draft.body.into(),
        draft.stars.digits().into(),
        revision.into(),
        signature.into(),
        review.total().into(),
        review.statement.into(),
        review.hidden_until.clone().into(),
        review.hidden_revision.into(),
        review.touched.clone().into(),
        i64::from(review.queued).into(),
    ]
}

pub(crate) async fn find(
    db: &Database,
    hospital_id: &str,
    id: &str,
) -> Result<Option<Review>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM signed_reviews WHERE id = ?1 AND hospital_id = ?2");
    one(db, &sql, [id.into(), hospital_id.into()]).await
}

/// Nobody changes the review until the transaction ends.
pub(crate) async fn find_for_update(db: &Database, id: &str) -> Result<Option<Review>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM signed_reviews WHERE id = ?1 FOR UPDATE");
    if let Some(review) = one(db, &sql, [id.into()]).await? {
        return Ok(Some(review));
    }
    // Whoever waited for a batch has waited for a row that it deleted; the next statement sees the
    // one that it inserted.
    one(db, &sql, [id.into()]).await
}

pub(crate) async fn find_by_key(db: &Database, public_key: &str) -> Result<Option<Review>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM signed_reviews WHERE public_key = ?1");
    one(db, &sql, [public_key.into()]).await
}

async fn one<const N: usize>(
    db: &Database,
    sql: &str,
    values: [Value; N],
) -> Result<Option<Review>, Error> {
    db.query_one(sql, values).await?.as_ref().map(review).transpose()
}

/// What the public sees of a hospital, each review with its hospital's reply.
pub(crate) async fn list(
    db: &Database,
    hospital_id: &str,
    order: Order,
    after: Option<Place>,
    page: &Page,
) -> Result<Vec<(Review, Option<Reply>)>, Error> {
    let (column, (sign, direction)) = (order.column(), order.direction());
    let id = "signed_reviews.id";
    let ordered = db.dialect().in_order_of(order.index());
    let mut select = Statement::new(&format!(
        "SELECT {}, {} FROM signed_reviews{ordered} LEFT JOIN review_replies ON review_replies.review_id = {id}",
        qualified(),
        replies::BESIDE
    ));
    select.condition("signed_reviews.hospital_id = ?", [hospital_id.into()]);
    select.condition(order.shown(), []);
    if let Some(place) = after {
        let (key, last) = match place {
            Place::Month(month, last) => (Value::from(month), last),
            Place::Total(total, last) => (Value::from(total), last),
        };
        select.keyset(db, [column, id], sign, [key, last.into()]);
    }
    select.push(
        &format!(" ORDER BY {column} {direction}, {id} {direction} LIMIT ?"),
        [page.rows().into()],
    );
    let rows = select.query(db).await?;
    rows.iter().map(|row| Ok((review(row)?, replies::beside(row, WIDTH)?))).collect()
}

/// The latest of all hospitals, each with its hospital's name. Within a month the order tells
/// nothing. Every review has its hospital; the outer join only keeps each database from
/// beginning with all hospitals.
pub(crate) async fn latest(
    db: &Database,
    after: Option<(String, String)>,
    page: &Page,
) -> Result<Vec<(String, Review)>, Error> {
    let mut select = Statement::new(&format!(
        "SELECT {}, hospitals.name FROM signed_reviews LEFT JOIN hospitals ON hospitals.id = signed_reviews.hospital_id",
        qualified()
    ));
    select.condition("signed_reviews.status = ?", [Status::Published.name().into()]);
    if let Some((month, id)) = after {
        let columns = ["signed_reviews.month", "signed_reviews.id"];
        select.keyset(db, columns, "<", [month.into(), id.into()]);
    }
    select.push(
        " ORDER BY signed_reviews.month DESC, signed_reviews.id DESC LIMIT ?",
        [page.rows().into()],
    );
    let rows = select.query(db).await?;
    rows.iter().map(|row| Ok((row.text(WIDTH)?, review(row)?))).collect()
}

/// All that are published, by month and id, from the one after `after` on.
pub(crate) async fn published(
    db: &Database,
    after: Option<(String, String)>,
    rows: i64,
) -> Result<Vec<Review>, Error> {
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM signed_reviews"));
    select.condition("status = ?", [Status::Published.name().into()]);
    if let Some((month, id)) = after {
        select.keyset(db, ["month", "id"], ">", [month.into(), id.into()]);
    }
    select.push(" ORDER BY month, id LIMIT ?", [rows.into()]);
    reviews(&select.query(db).await?)
}

/// What a batch has to look at, from the one after `after` on.
pub(crate) async fn queued(db: &Database, after: &str, rows: i64) -> Result<Vec<Review>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM signed_reviews WHERE queued = 1 AND id > ?1 ORDER BY id LIMIT ?2"
    );
    reviews(&db.query(&sql, [after.into(), rows.into()]).await?)
}

/// Those of `ids`, which is not empty, that are there; nobody changes them until the transaction
/// ends.
pub(crate) async fn of_ids_for_update(db: &Database, ids: &[&str]) -> Result<Vec<Review>, Error> {
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM signed_reviews"));
    select.condition("id IN ", []);
    select.push_list(ids.iter().map(|id| Value::from(*id)));
    select.push(" ORDER BY id FOR UPDATE", []);
    reviews(&select.query(db).await?)
}

/// Those of `ids` that are there.
pub(crate) async fn of_ids(db: &Database, ids: &[&str]) -> Result<Vec<Review>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM signed_reviews"));
    select.condition("id IN ", []);
    select.push_list(ids.iter().map(|id| Value::from(*id)));
    reviews(&select.query(db).await?)
}

/// Hidden ones whose last day is before `today`.
pub(crate) async fn hidden_before(
    db: &Database,
    today: &str,
    rows: i64,
) -> Result<Vec<String>, Error> {
    let sql = "SELECT id FROM signed_reviews WHERE status = ?1 AND hidden_until < ?2 LIMIT ?3";
    let values = [Status::Hidden.name().into(), today.into(), rows.into()];
    db.query(sql, values).await?.iter().map(|row| row.text(0)).collect()
}

fn qualified() -> String {
    let columns = COLUMNS.split(", ").map(|column| format!("signed_reviews.{}", column.trim()));
    columns.collect::<Vec<_>>().join(", ")
}

fn reviews(rows: &[Row]) -> Result<Vec<Review>, Error> {
    rows.iter().map(review).collect()
}

fn review(row: &Row) -> Result<Review, Error> {
    let status = Status::named(row.str(4)?).ok_or(Error::Column(4, "a status"))?;
    let draft = Draft { title: row.text(6)?, body: row.text(7)?, stars: stars(row, 8)? };
    Ok(Review {
        id: row.text(0)?,
        public_key: row.text(1)?,
        hospital_id: row.text(2)?,
        year: row.integer(3)?,
        status,
        month: row.text(5)?,
        text: Signed { draft, revision: row.integer(9)?, signature: row.text(10)? },
        statement: row.integer(12)?,
        hidden_until: row.optional_text(13)?,
        hidden_revision: row.integer(14)?,
        touched: row.text(15)?,
        queued: row.integer(16)? != 0,
    })
}

pub(super) fn stars(row: &Row, column: usize) -> Result<Stars, Error> {
    Stars::from_digits(row.str(column)?).ok_or(Error::Column(column, "six digits"))
}
