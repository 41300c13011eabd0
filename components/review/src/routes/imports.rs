//! The operator's import of hospitals: start it, send its rows in batches, commit it. Nothing
//! is seen of it before the commit, so that it may be interrupted at any point.

use std::collections::HashMap;

use api::{Body, Path, Problem, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use database::Database;
use serde::{Deserialize, Serialize};
use session::Operator;
use uuid::Uuid;

use crate::config::Config;
use crate::domain::import::{self, Changes, Finding, Judged, Row};
use crate::store;
use crate::store::imports::{Import, Staged};

/// An import that was not committed within a day was interrupted.
const UNFINISHED_MILLIS: i64 = 24 * 60 * 60 * 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    source: String,
    date: String,
}

#[derive(Serialize)]
struct Started {
    id: String,
    source: String,
    date: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    rows: Vec<Row>,
}

#[derive(Serialize)]
pub(crate) struct Verdict {
    accepted: usize,
    /// One for each row that was rejected, with the first reason.
    rejected: Vec<Finding>,
    /// Cells that were left out of rows that were accepted.
    warnings: Vec<Finding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Commit {
    force: bool,
}

pub(crate) async fn start(
    _: Operator,
    State(config): State<&'static Config>,
    Body(start): Body<Start>,
) -> api::Result<impl IntoResponse> {
    let import = start.check()?;
    let db = store::open(config).await?.patient();
    let now = now_millis();
    store::imports::drop_unfinished(&db, now - UNFINISHED_MILLIS).await?;
    store::imports::insert(&db, &import, now).await?;
    let Import { id, source, date } = import;
    Ok((StatusCode::CREATED, Json(Started { id, source, date })))
}

/// A batch may be sent again: its lines then replace those of the first time.
pub(crate) async fn stage(
    _: Operator,
    State(config): State<&'static Config>,
    Path([id]): Path<[String; 1]>,
    Body(batch): Body<Batch>,
) -> api::Result<Json<Verdict>> {
    let judged: Vec<Judged> = batch.check()?.into_iter().map(Row::judge).collect();
    let db = store::open(config).await?.patient();
    db.transaction(async |db: &Database| {
        if committed(db, &id).await?.is_some() {
            return Err(Problem::conflict(
                "import_committed",
                "This import is committed. Start another one.",
            ));
        }
        let mut rows = judged.clone();
        let lines: Vec<u32> = rows.iter().map(|row| row.line).collect();
        store::imports::unstage(db, &id, &lines).await?;
        let ids: Vec<&str> = rows.iter().filter_map(|row| row.id.as_deref()).collect();
        let taken = store::imports::staged_lines(db, &id, &ids).await?;
        reject_duplicates(&mut rows, taken);
        let (verdict, staged) = Verdict::split(rows);
        store::imports::stage(db, &id, &staged).await?;
        Ok(Json(verdict))
    })
    .await
}

/// May be sent again: the answer is that of the first time.
pub(crate) async fn commit(
    _: Operator,
    State(config): State<&'static Config>,
    Path([id]): Path<[String; 1]>,
    Body(commit): Body<Commit>,
) -> api::Result<Json<Changes>> {
    let db = store::open(config).await?.patient();
    let changes = db
        .transaction(async |db: &Database| -> api::Result<Changes> {
            store::imports::lock(db).await?;
            if let Some(changes) = committed(db, &id).await? {
                return Ok(changes);
            }
            let existing = store::imports::existing(db).await?;
            let changes = store::imports::changes(db, &id).await?;
            check(&changes, existing, commit.force)?;
            store::imports::apply(db, &id, &changes, now_millis()).await?;
            Ok(changes)
        })
        .await?;
    // Apart, so that others write in between.
    store::imports::clear(&db, &id).await?;
    Ok(Json(changes))
}

async fn committed(db: &Database, id: &str) -> api::Result<Option<Changes>> {
    if Uuid::parse_str(id).is_err() {
        return Err(Problem::not_found());
    }
    store::imports::result(db, id).await?.ok_or_else(Problem::not_found)
}

fn check(changes: &Changes, existing: i64, force: bool) -> api::Result<()> {
    if changes.inserted + changes.updated + changes.reopened + changes.unchanged == 0 {
        return Err(Problem::conflict(
            "empty_import",
            "No row was accepted, so there is nothing to commit.",
        ));
    }
    if !force && changes.too_many(existing) {
        let detail = format!(
            "The import {}. Nothing was changed. Use force to take it.",
            changes.describe(existing)
        );
        return Err(Problem::conflict("too_many_changes", detail));
    }
    Ok(())
}

/// Of the rows with one id the first is kept. `taken` are those of earlier batches.
fn reject_duplicates(rows: &mut [Judged], mut taken: HashMap<String, i64>) {
    for row in rows {
        let (Some(id), Ok(_)) = (&row.id, &row.facts) else { continue };
        if let Some(first) = taken.get(id) {
            row.facts = Err(Finding {
                line: row.line,
                field: "id",
                code: "duplicate",
                detail: format!("stands in line {first} already"),
            });
        } else {
            taken.insert(id.clone(), i64::from(row.line));
        }
    }
}

impl Start {
    fn check(self) -> api::Result<Import> {
        let mut fields = api::Fields::default();
        let source = fields.text("source", text::line(&self.source, 1..=100));
        if !import::is_day(&self.date) {
            fields.refuse("date", "invalid_date", "must be a date such as 2026-09-30");
        }
        fields.check()?;
        Ok(Import { id: Uuid::now_v7().to_string(), source, date: self.date })
    }
}

impl Batch {
    fn check(self) -> api::Result<Vec<Row>> {
        if !(1..=import::MAX_ROWS).contains(&self.rows.len()) {
            let detail = format!("must be 1 to {} rows", import::MAX_ROWS);
            return Err(Problem::invalid_field("rows", "out_of_range", detail));
        }
        let mut lines = std::collections::HashSet::new();
        for (index, row) in self.rows.iter().enumerate() {
            if row.line == 0 || !lines.insert(row.line) {
                let field = format!("rows[{index}].line");
                return Err(Problem::invalid_field(
                    field,
                    "invalid_line",
                    "must be from 1 and stand once in a batch",
                ));
            }
        }
        Ok(self.rows)
    }
}

impl Verdict {
    fn split(rows: Vec<Judged>) -> (Self, Vec<Staged>) {
        let mut verdict = Self { accepted: 0, rejected: Vec::new(), warnings: Vec::new() };
        let mut staged = Vec::with_capacity(rows.len());
        for Judged { line, id, facts, warnings } in rows {
            let facts = match facts {
                Ok(facts) => {
                    verdict.accepted += 1;
                    verdict.warnings.extend(warnings);
                    Some(facts)
                }
                Err(finding) => {
                    verdict.rejected.push(finding);
                    None
                }
            };
            staged.push(Staged { line, id, facts });
        }
        (verdict, staged)
    }
}
