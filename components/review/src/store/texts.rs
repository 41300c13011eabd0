//! The index of a search for hospitals: of each text the tokens that it is found by. It may hold
//! more texts than hospitals have, never fewer; see the migrations.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use database::{Database, Dialect, Error, Statement, Value};

use crate::domain::hospital::Facts;

/// Rows in one INSERT, as for imports.
const ROWS_PER_INSERT: usize = 100;

/// Hospitals of an older version that one request adds to the index: it should not feel it.
const HOSPITALS_PER_STEP: i64 = 200;

/// Whether every hospital is known to be in the index. A cache: the database knows it too.
static COMPLETE: AtomicBool = AtomicBool::new(false);

/// What a search looks through for one hospital.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Text {
    pub(crate) hospital_id: String,
    pub(crate) search: String,
}

/// Only hospitals whose text may have all of `terms`, if the index is complete.
pub(crate) fn narrow(db: &Database, select: &mut Statement, terms: &[String]) {
    if !COMPLETE.load(Ordering::Relaxed) {
        return;
    }
    let tokens: Vec<String> = terms.iter().map(|term| text::term_tokens(term)).collect();
    let number = select.bind(db.dialect().tokens(&tokens.join(" ")));
    let has_tokens = db.dialect().has_tokens("hospital_texts", number);
    select.numbered_condition(&format!(
        "id IN (SELECT hospital_id FROM hospital_texts WHERE {has_tokens})"
    ));
}

/// Adds those of `texts` that are not in the index.
pub(crate) async fn add(db: &Database, texts: &[Text]) -> Result<(), Error> {
    for texts in texts.chunks(ROWS_PER_INSERT) {
        let known = known(db, texts).await?;
        let new: Vec<&Text> = texts.iter().filter(|text| !known.contains(*text)).collect();
        insert(db, &new).await?;
    }
    Ok(())
}

async fn known(db: &Database, texts: &[Text]) -> Result<HashSet<Text>, Error> {
    let mut select = Statement::new("SELECT hospital_id, search FROM hospital_texts");
    select.condition("hospital_id IN ", []);
    select.push_list(texts.iter().map(|text| text.hospital_id.as_str().into()));
    let rows = select.query(db).await?;
    rows.iter().map(|row| Ok(Text { hospital_id: row.text(0)?, search: row.text(1)? })).collect()
}

async fn insert(db: &Database, texts: &[&Text]) -> Result<(), Error> {
    if texts.is_empty() {
        return Ok(());
    }
    let mut insert =
        Statement::new("INSERT INTO hospital_texts (hospital_id, search, tokens) VALUES ");
    for (index, Text { hospital_id, search }) in texts.iter().enumerate() {
        if index > 0 {
            insert.push(", ", []);
        }
        let tokens = text::tokens(search);
        insert.push_list([hospital_id.as_str().into(), search.as_str().into(), tokens.into()]);
    }
    insert.query(db).await?;
    Ok(())
}

/// Adds some of the hospitals that an older version wrote, if there are any left. Returns
/// whether the index is complete. Only SQLite has been used by such a version.
pub(crate) async fn continue_index(db: &Database) -> Result<bool, Error> {
    if COMPLETE.load(Ordering::Relaxed) {
        return Ok(true);
    }
    let complete = db.dialect() != Dialect::Sqlite || no_older(db).await?;
    if complete {
        COMPLETE.store(true, Ordering::Relaxed);
    } else {
        db.transaction(index_older).await?;
    }
    Ok(complete)
}

async fn no_older(db: &Database) -> Result<bool, Error> {
    let sql = "SELECT hospital_id FROM hospitals_without_text LIMIT 1";
    Ok(db.query_one(sql, []).await?.is_none())
}

async fn index_older(db: &Database) -> Result<(), Error> {
    let sql = "SELECT w.hospital_id, h.facts FROM hospitals_without_text w \
               JOIN hospitals h ON h.id = w.hospital_id ORDER BY w.hospital_id LIMIT ?1";
    let rows = db.query(sql, [HOSPITALS_PER_STEP.into()]).await?;
    let mut texts = Vec::with_capacity(rows.len());
    for row in &rows {
        let facts: Facts =
            serde_json::from_str(row.str(1)?).map_err(|_| Error::Column(1, "facts"))?;
        texts.push(Text { hospital_id: row.text(0)?, search: facts.search_text() });
    }
    add(db, &texts).await?;
    for Text { hospital_id, search } in texts {
        let update = "UPDATE hospitals SET search = ?2 WHERE id = ?1";
        db.query(update, [hospital_id.as_str().into(), search.into()]).await?;
        let done = "DELETE FROM hospitals_without_text WHERE hospital_id = ?1";
        db.query(done, [Value::from(hospital_id)]).await?;
    }
    Ok(())
}
