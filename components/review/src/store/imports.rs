//! Imports, from their first row to the commit that makes hospitals of them.

use std::collections::HashMap;

use database::{Database, Error, Statement, Value};

use super::texts::{self, Text};
use crate::domain::hospital::Facts;
use crate::domain::import::Changes;

/// Rows in one INSERT: few statements, and far from the limits on parameters of any database.
const ROWS_PER_INSERT: usize = 100;

/// Rows that one statement of a commit goes through: a host gives up a statement that takes
/// longer than some seconds.
const ROWS_PER_STATEMENT: usize = 2_000;

/// Open hospitals that an import says nothing of.
const MISSING: &str = "closed_at IS NULL AND NOT EXISTS \
    (SELECT 1 FROM hospital_import_rows r WHERE r.import_id = ? AND r.id = hospitals.id)";

#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) date: String,
}

/// A row as it waits for the commit.
pub(crate) struct Staged {
    pub(crate) line: u32,
    pub(crate) id: Option<String>,
    /// `None` where the row was rejected.
    pub(crate) facts: Option<Facts>,
}

pub(crate) async fn insert(db: &Database, import: &Import, now: i64) -> Result<(), Error> {
    let sql = "INSERT INTO hospital_imports (id, source, date, created_at, result) VALUES (?1, ?2, ?3, ?4, NULL)";
    let Import { id, source, date } = import;
    let values = [id.as_str().into(), source.as_str().into(), date.as_str().into(), now.into()];
    db.query(sql, values).await?;
    Ok(())
}

/// Forgets imports that were begun before `before` and never committed, with their rows.
pub(crate) async fn drop_unfinished(db: &Database, before: i64) -> Result<(), Error> {
    // Also the rows of an import that was interrupted between its commit and `clear`.
    let older = "SELECT id FROM hospital_imports WHERE created_at < ?1";
    for row in db.query(older, [before.into()]).await? {
        clear_rows(db, row.str(0)?).await?;
    }
    let imports = "DELETE FROM hospital_imports WHERE created_at < ?1 AND result IS NULL";
    db.query(imports, [before.into()]).await?;
    Ok(())
}

/// Lets no other import be committed until the transaction ends. In the order of the ids, so
/// that two wait for one another at the first one that they both see.
pub(crate) async fn lock(db: &Database) -> Result<(), Error> {
    db.query("SELECT id FROM hospital_imports ORDER BY id FOR UPDATE", []).await?;
    Ok(())
}

/// What the import's commit changed, `Some(None)` before it, `None` for an unknown import. It
/// stays so until the transaction ends.
pub(crate) async fn result(db: &Database, id: &str) -> Result<Option<Option<Changes>>, Error> {
    let sql = "SELECT result FROM hospital_imports WHERE id = ?1 FOR UPDATE";
    let Some(row) = db.query_one(sql, [id.into()]).await? else {
        return Ok(None);
    };
    let json = row.optional_text(0)?;
    let changes = json.map(|json| serde_json::from_str(&json)).transpose();
    changes.map(Some).map_err(|_| Error::Column(0, "changes"))
}

/// Takes the lines out again, so that a batch may be sent twice.
pub(crate) async fn unstage(db: &Database, import_id: &str, lines: &[u32]) -> Result<(), Error> {
    let mut delete = Statement::new("DELETE FROM hospital_import_rows");
    delete.condition("import_id = ?", [import_id.into()]);
    delete.condition("line IN ", []);
    delete.push_list(lines.iter().map(|line| Value::from(*line)));
    delete.query(db).await?;
    Ok(())
}

/// The lines of those `ids` that are staged already and were not rejected.
pub(crate) async fn staged_lines(
    db: &Database,
    import_id: &str,
    ids: &[&str],
) -> Result<HashMap<String, i64>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut select = Statement::new("SELECT id, line FROM hospital_import_rows");
    select.condition("import_id = ?", [import_id.into()]);
    select.condition("facts IS NOT NULL", []);
    select.condition("id IN ", []);
    select.push_list(ids.iter().map(|id| Value::from(*id)));
    let rows = select.query(db).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.integer(1)?))).collect()
}

pub(crate) async fn stage(db: &Database, import_id: &str, rows: &[Staged]) -> Result<(), Error> {
    for rows in rows.chunks(ROWS_PER_INSERT) {
        let mut insert = Statement::new(
            "INSERT INTO hospital_import_rows (import_id, line, id, name, kind, region, search, facts) VALUES ",
        );
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                insert.push(", ", []);
            }
            insert.push_list(columns(import_id, row)?);
        }
        insert.query(db).await?;
    }
    let texts: Vec<Text> = rows.iter().filter_map(text).collect();
    texts::add(db, &texts).await
}

fn text(row: &Staged) -> Option<Text> {
    let facts = row.facts.as_ref()?;
    Some(Text { hospital_id: row.id.clone()?, search: facts.search_text() })
}

fn columns(import_id: &str, row: &Staged) -> Result<[Value; 8], Error> {
    let key = [import_id.into(), row.line.into(), row.id.clone().into()];
    let [import_id, line, id] = key;
    let Some(facts) = &row.facts else {
        return Ok([
            import_id,
            line,
            id,
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
        ]);
    };
    let json = serde_json::to_string(facts).map_err(|_| Error::Column(7, "facts"))?;
    Ok([
        import_id,
        line,
        id,
        facts.name.as_str().into(),
        facts.kind.as_str().into(),
        facts.region.as_str().into(),
        facts.search_text().into(),
        json.into(),
    ])
}

/// How many hospitals there are.
pub(crate) async fn existing(db: &Database) -> Result<i64, Error> {
    count(db, "SELECT count(*) FROM hospitals", []).await
}

/// What the import would change.
pub(crate) async fn changes(db: &Database, import_id: &str) -> Result<Changes, Error> {
    let staged = "SELECT CASE WHEN r.facts IS NULL THEN 'rejected' WHEN h.id IS NULL THEN 'inserted' \
                  WHEN h.closed_at IS NOT NULL THEN 'reopened' WHEN h.facts = r.facts THEN 'unchanged' \
                  ELSE 'updated' END AS fate, count(*) \
                  FROM hospital_import_rows r LEFT JOIN hospitals h ON h.id = r.id \
                  WHERE r.import_id = ?1 GROUP BY fate";
    let mut fates = HashMap::new();
    for row in db.query(staged, [import_id.into()]).await? {
        fates.insert(row.text(0)?, row.integer(1)?);
    }
    let fate = |name: &str| fates.get(name).copied().unwrap_or(0);
    let mut missing = Statement::new("SELECT count(*) FROM hospitals");
    missing.condition(MISSING, [import_id.into()]);
    let missing = missing.query(db).await?;
    Ok(Changes {
        inserted: fate("inserted"),
        updated: fate("updated"),
        reopened: fate("reopened"),
        unchanged: fate("unchanged"),
        closed: missing.first().map_or(Ok(0), |row| row.integer(0))?,
        rejected: fate("rejected"),
    })
}

async fn count(
    db: &Database,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<i64, Error> {
    db.query_one(sql, values).await?.map_or(Ok(0), |row| row.integer(0))
}

/// Makes hospitals of the staged rows and closes those that are missing among them. Only
/// what changes is written anew: with all of its indexes a row costs a hundred times what it
/// costs to compare one.
pub(crate) async fn apply(
    db: &Database,
    import_id: &str,
    changes: &Changes,
    now: i64,
) -> Result<(), Error> {
    let import = || Value::from(import_id);
    for ids in ranges_of_ids(db).await? {
        let mut close = Statement::new("UPDATE hospitals SET closed_at = ");
        close.push("?", [now.into()]);
        close.condition(MISSING, [import()]);
        ids.narrow(&mut close, "hospitals.id");
        close.query(db).await?;
        let mut delete = Statement::new("DELETE FROM hospitals");
        delete.condition(
            "EXISTS (SELECT 1 FROM hospital_import_rows r WHERE r.import_id = ? \
             AND r.id = hospitals.id AND r.facts IS NOT NULL \
             AND (r.facts <> hospitals.facts OR hospitals.closed_at IS NOT NULL))",
            [import()],
        );
        ids.narrow(&mut delete, "hospitals.id");
        delete.query(db).await?;
        // What did not change is now known to be so on this import's date.
        let mut confirm = Statement::new("UPDATE hospitals SET import_id = ");
        confirm.push("?", [import()]);
        confirm.condition(
            "EXISTS (SELECT 1 FROM hospital_import_rows r WHERE r.import_id = ? \
             AND r.id = hospitals.id AND r.facts IS NOT NULL)",
            [import()],
        );
        ids.narrow(&mut confirm, "hospitals.id");
        confirm.query(db).await?;
    }
    for lines in ranges_of_lines(db, import_id).await? {
        add_to_index(db, import_id, &lines).await?;
        insert_new(db, import_id, &lines).await?;
    }
    refresh_facets(db).await?;
    let result = serde_json::to_string(changes).map_err(|_| Error::Column(0, "changes"))?;
    db.query("UPDATE hospital_imports SET result = ?2 WHERE id = ?1", [import(), result.into()])
        .await?;
    Ok(())
}

/// Usually there is nothing to add: it was done as the rows came. But another import may have
/// been committed since, and have taken out of the index what only its hospitals had until then.
async fn add_to_index(db: &Database, import_id: &str, lines: &Range<i64>) -> Result<(), Error> {
    let mut select = Statement::new("SELECT r.id, r.search FROM hospital_import_rows r");
    select.condition("r.import_id = ?", [import_id.into()]);
    lines.narrow(&mut select, "r.line");
    select.condition("r.facts IS NOT NULL", []);
    select.condition(
        "NOT EXISTS (SELECT 1 FROM hospital_texts t WHERE t.hospital_id = r.id AND t.search = r.search)",
        [],
    );
    let rows = select.query(db).await?;
    let texts: Vec<Text> = rows
        .iter()
        .map(|row| Ok(Text { hospital_id: row.text(0)?, search: row.text(1)? }))
        .collect::<Result<_, Error>>()?;
    texts::add(db, &texts).await
}

async fn insert_new(db: &Database, import_id: &str, lines: &Range<i64>) -> Result<(), Error> {
    let mut insert = Statement::new(
        "INSERT INTO hospitals (id, name, kind, region, search, facts, import_id, closed_at) \
         SELECT r.id, r.name, r.kind, r.region, r.search, r.facts, r.import_id, NULL \
         FROM hospital_import_rows r",
    );
    insert.condition("r.import_id = ?", [import_id.into()]);
    lines.narrow(&mut insert, "r.line");
    insert.condition("r.facts IS NOT NULL", []);
    insert.condition("NOT EXISTS (SELECT 1 FROM hospitals h WHERE h.id = r.id)", []);
    // In the order of the indexes, which halves the time of a first import.
    insert.push(" ORDER BY r.name", []);
    insert.query(db).await?;
    Ok(())
}

async fn refresh_facets(db: &Database) -> Result<(), Error> {
    db.query("DELETE FROM hospital_facets", []).await?;
    for facet in ["region", "kind"] {
        let sql = format!(
            "INSERT INTO hospital_facets (facet, value) SELECT DISTINCT '{facet}', {facet} FROM hospitals"
        );
        db.query(&sql, []).await?;
    }
    Ok(())
}

/// Forgets the rows of an import that is committed, and the texts that no hospital has any
/// longer and no other import waits to give it.
pub(crate) async fn clear(db: &Database, import_id: &str) -> Result<(), Error> {
    clear_rows(db, import_id).await?;
    for ids in ranges_of_ids(db).await? {
        db.transaction(async |db: &Database| -> Result<(), Error> {
            // A commit relies on what it has found in the index.
            lock(db).await?;
            let mut delete = Statement::new("DELETE FROM hospital_texts");
            delete.condition(
                "NOT EXISTS (SELECT 1 FROM hospitals h \
                 WHERE h.id = hospital_texts.hospital_id AND h.search = hospital_texts.search)",
                [],
            );
            ids.narrow(&mut delete, "hospital_texts.hospital_id");
            delete.query(db).await?;
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn clear_rows(db: &Database, import_id: &str) -> Result<(), Error> {
    for lines in ranges_of_lines(db, import_id).await? {
        let mut delete = Statement::new("DELETE FROM hospital_import_rows");
        delete.condition("import_id = ?", [import_id.into()]);
        lines.narrow(&mut delete, "line");
        delete.query(db).await?;
    }
    Ok(())
}

/// Values above `from` and up to `to`, where there is such a bound.
struct Range<T> {
    from: Option<T>,
    to: Option<T>,
}

impl<T: Clone + Into<Value>> Range<T> {
    fn narrow(&self, statement: &mut Statement, column: &str) {
        if let Some(from) = &self.from {
            statement.condition(&format!("{column} > ?"), [from.clone().into()]);
        }
        if let Some(to) = &self.to {
            statement.condition(&format!("{column} <= ?"), [to.clone().into()]);
        }
    }
}

/// All ids of hospitals, [`ROWS_PER_STATEMENT`] in each range.
async fn ranges_of_ids(db: &Database) -> Result<Vec<Range<String>>, Error> {
    let mut ranges = vec![Range { from: None, to: None }];
    loop {
        let mut select = Statement::new("SELECT id FROM hospitals");
        let Some(last) = ranges.last_mut() else { return Ok(ranges) };
        last.narrow(&mut select, "id");
        let offset = ROWS_PER_STATEMENT - 1;
        select.push(&format!(" ORDER BY id LIMIT 1 OFFSET {offset}"), []);
        let rows = select.query(db).await?;
        let Some(row) = rows.first() else { return Ok(ranges) };
        let bound = row.text(0)?;
        last.to = Some(bound.clone());
        ranges.push(Range { from: Some(bound), to: None });
    }
}

/// All lines of the import.
async fn ranges_of_lines(db: &Database, import_id: &str) -> Result<Vec<Range<i64>>, Error> {
    let sql = "SELECT max(line) FROM hospital_import_rows WHERE import_id = ?1";
    let row = db.query_one(sql, [import_id.into()]).await?;
    let last = row.map_or(Ok(None), |row| row.optional_integer(0))?.unwrap_or(0);
    let range = |from| Range { from: Some(from), to: Some(from + ROWS_PER_STATEMENT as i64) };
    Ok((0..last).step_by(ROWS_PER_STATEMENT).map(range).collect())
}
