//! Imports, from their first row to the commit that makes hospitals of them.

use std::collections::HashMap;

use database::{Database, Error, Value};

use super::Statement;
use crate::domain::hospital::Facts;
use crate::domain::import::Changes;

/// Rows in one INSERT: few statements, and far from the limits on parameters of any database.
const ROWS_PER_INSERT: usize = 100;

/// Open hospitals that the import `?1` says nothing of.
const MISSING: &str = "closed_at IS NULL AND NOT EXISTS \
    (SELECT 1 FROM hospital_import_rows r WHERE r.import_id = ?1 AND r.id = hospitals.id)";

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
    db.execute(sql, values).await?;
    Ok(())
}

/// Forgets imports that were begun before `before` and never committed, with their rows.
pub(crate) async fn drop_unfinished(db: &Database, before: i64) -> Result<(), Error> {
    let imports = "DELETE FROM hospital_imports WHERE created_at < ?1 AND result IS NULL";
    db.execute(imports, [before.into()]).await?;
    // Also those of an import that was interrupted between its commit and `clear`.
    let rows = "DELETE FROM hospital_import_rows WHERE import_id NOT IN \
                (SELECT id FROM hospital_imports WHERE result IS NULL)";
    db.execute(rows, []).await?;
    Ok(())
}

/// What the import's commit changed, `Some(None)` before it, `None` for an unknown import.
pub(crate) async fn result(db: &Database, id: &str) -> Result<Option<Option<Changes>>, Error> {
    let sql = "SELECT result FROM hospital_imports WHERE id = ?1";
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
    Ok(())
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
    let missing = format!("SELECT count(*) FROM hospitals WHERE {MISSING}");
    Ok(Changes {
        inserted: fate("inserted"),
        updated: fate("updated"),
        reopened: fate("reopened"),
        unchanged: fate("unchanged"),
        closed: count(db, &missing, [import_id.into()]).await?,
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
    let close = format!("UPDATE hospitals SET closed_at = ?2 WHERE {MISSING}");
    db.execute(&close, [import(), now.into()]).await?;
    db.execute(
        "DELETE FROM hospitals WHERE EXISTS (SELECT 1 FROM hospital_import_rows r \
         WHERE r.import_id = ?1 AND r.id = hospitals.id AND r.facts IS NOT NULL \
         AND (r.facts <> hospitals.facts OR hospitals.closed_at IS NOT NULL))",
        [import()],
    )
    .await?;
    // In the order of the indexes, which halves the time of a first import.
    db.execute(
        "INSERT INTO hospitals (id, name, kind, region, search, facts, import_id, closed_at) \
         SELECT r.id, r.name, r.kind, r.region, r.search, r.facts, r.import_id, NULL \
         FROM hospital_import_rows r WHERE r.import_id = ?1 AND r.facts IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM hospitals h WHERE h.id = r.id) ORDER BY r.name",
        [import()],
    )
    .await?;
    // What did not change is now known to be so on this import's date.
    db.execute(
        "UPDATE hospitals SET import_id = ?1 WHERE import_id <> ?1 AND EXISTS \
         (SELECT 1 FROM hospital_import_rows r WHERE r.import_id = ?1 AND r.id = hospitals.id AND r.facts IS NOT NULL)",
        [import()],
    )
    .await?;
    refresh_facets(db).await?;
    let result = serde_json::to_string(changes).map_err(|_| Error::Column(0, "changes"))?;
    db.execute("UPDATE hospital_imports SET result = ?2 WHERE id = ?1", [import(), result.into()])
        .await?;
    Ok(())
}

async fn refresh_facets(db: &Database) -> Result<(), Error> {
    db.execute("DELETE FROM hospital_facets", []).await?;
    for facet in ["region", "kind"] {
        let sql = format!(
            "INSERT INTO hospital_facets (facet, value) SELECT DISTINCT '{facet}', {facet} FROM hospitals"
        );
        db.execute(&sql, []).await?;
    }
    Ok(())
}

/// Forgets the rows of an import that is committed.
pub(crate) async fn clear(db: &Database, import_id: &str) -> Result<(), Error> {
    db.execute("DELETE FROM hospital_import_rows WHERE import_id = ?1", [import_id.into()]).await?;
    Ok(())
}
