//! Which statements a serving thread may plan and run.
//!
//! SQLite looks at no clock while it plans a statement, nor between two functions of a row, and no
//! length of a text bounds either: subqueries within subqueries double what there is to plan, and a
//! view has a text of its own. So a statement is first planned where others do not wait, and is light
//! if that took little and if its program has few functions, each of which takes as long as its
//! arguments are, and nothing else that goes on for long between two looks.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::Connection;
use rustix::time::{ClockId, clock_gettime};

/// Longest text of a light statement, in bytes.
const TEXT_BYTES: usize = 4 * 1024;
/// Of the thread that plans it.
const PLANNING: Duration = Duration::from_millis(1);
/// Calls of functions, those in views and generated columns among them.
const CALLS: usize = 64;
/// Statements that are known; before there are more, all are forgotten.
const KNOWN: usize = 8 * 1024;

/// In lower case. Operators are functions as well: `->`. Not so `like` and `glob`, which take as long as the
/// product of pattern and text.
#[rustfmt::skip]
const LINEAR: &[&str] = &[
    "abs", "avg", "ceil", "ceiling", "changes", "char", "coalesce", "concat", "concat_ws", "count",
    "cume_dist", "current_date", "current_time", "current_timestamp", "date", "datetime",
    "dense_rank", "first_value", "floor", "group_concat", "hex", "ifnull", "iif", "instr",
    "json", "json_array", "json_array_length", "json_extract", "json_group_array",
    "json_group_object", "json_object", "json_quote", "json_type", "json_valid", "julianday", "lag",
    "last_insert_rowid", "last_value", "lead", "length", "lower", "ltrim", "max", "min",
    "mod", "nth_value", "ntile", "nullif", "octet_length", "percent_rank", "quote", "random", "rank",
    "replace", "round", "row_number", "rtrim", "sign", "strftime", "string_agg", "substr",
    "substring", "sum", "time", "total", "total_changes", "trim", "trunc", "typeof", "unicode",
    "unixepoch", "upper", "->", "->>",
];

/// Of the programs of statements: what may go through a whole table, or does something of its own. A
/// virtual table does what it likes.
const LONG: &[&str] = &[
    "Checkpoint",
    "Count",
    "IncrVacuum",
    "IntegrityCk",
    "JournalMode",
    "LoadAnalysis",
    "ParseSchema",
    "Program",
    "SqlExec",
    "VOpen",
    "Vacuum",
];

/// What the authorizer sees.
#[derive(Default)]
pub(super) struct Seen {
    /// Of the statement that is planned: it changes the schema.
    pub(super) schema: AtomicBool,
    /// Of the statement that is planned: it is a pragma, or contains one.
    pub(super) pragma: AtomicBool,
    /// Of the connection: it has tables or views that nobody else sees, under any names.
    pub(super) own_schema: AtomicBool,
    /// Of the connection: the guest changed a setting that its successor must not inherit.
    pub(super) changed: AtomicBool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Weight {
    /// A serving thread may plan and run it.
    Light,
    Heavy,
}

impl Weight {
    /// Of a statement that took so long to plan. It is planned once more, to see its program.
    pub(super) fn of(connection: &Connection, sql: &str, planning: Duration) -> Self {
        let is_light = sql.len() <= TEXT_BYTES
            && planning < PLANNING
            && has_light_program(connection, sql).unwrap_or(false);
        if is_light { Self::Light } else { Self::Heavy }
    }
}

fn has_light_program(connection: &Connection, sql: &str) -> rusqlite::Result<bool> {
    const OPCODE: usize = 1;
    const P4: usize = 5;
    let mut explained = connection.prepare(&format!("explain {sql}"))?;
    let mut program = explained.raw_query();
    let mut calls = 0;
    while let Some(step) = program.next()? {
        let opcode = step.get_ref(OPCODE)?.as_str()?;
        if LONG.contains(&opcode) {
            return Ok(false);
        }
        if matches!(opcode, "Function" | "PureFunc" | "AggStep" | "AggInverse") {
            calls += 1;
            let function = step.get_ref(P4)?.as_str()?;
            let name = function.split('(').next().unwrap_or_default();
            let is_linear = LINEAR.iter().any(|linear| linear.eq_ignore_ascii_case(name));
            if calls > CALLS || !is_linear {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// CPU time of this thread.
pub(super) fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

/// What the statements of a database weigh.
#[derive(Default)]
pub(super) struct Weights {
    known: Mutex<HashMap<u64, Weight>>,
    /// Nobody knows which texts have the same key.
    keys: RandomState,
    /// Of the schema that they were planned with. Under another one the same text is another statement.
    version: AtomicU64,
    /// What SQLite says when another transaction has changed the schema.
    cookie: AtomicI64,
    /// Transactions that may change the schema.
    changing: AtomicUsize,
}

impl Weights {
    pub(super) fn version(&self) -> u64 {
        self.version.load(Relaxed)
    }

    /// `schema`: the version that the connection has.
    pub(super) fn is_light(&self, sql: &str, schema: Option<u64>) -> bool {
        sql.len() <= TEXT_BYTES
            && self.changing.load(Relaxed) == 0
            && schema == Some(self.version())
            && self.known(sql) == Some(Weight::Light)
    }

    pub(super) fn known(&self, sql: &str) -> Option<Weight> {
        self.known.lock().get(&self.keys.hash_one(sql)).copied()
    }

    /// Unless the schema is no longer of this version.
    pub(super) fn add(&self, sql: &str, weight: Weight, version: u64) {
        let mut known = self.known.lock();
        if version == self.version() {
            if known.len() >= KNOWN {
                known.clear();
            }
            known.insert(self.keys.hash_one(sql), weight);
        }
    }

    /// What was known is forgotten if this is another schema than before.
    pub(super) fn schema_is(&self, cookie: i64) {
        if self.cookie.load(Relaxed) != cookie {
            let mut known = self.known.lock();
            known.clear();
            self.cookie.store(cookie, Relaxed);
            self.version.fetch_add(1, Relaxed);
        }
    }
}

/// While it lives no statement is light.
pub(super) struct SchemaChange(Arc<Weights>);

impl SchemaChange {
    pub(super) fn begin(weights: &Arc<Weights>) -> Self {
        weights.changing.fetch_add(1, Relaxed);
        Self(Arc::clone(weights))
    }
}

impl Drop for SchemaChange {
    fn drop(&mut self) {
        self.0.changing.fetch_sub(1, Relaxed);
    }
}
