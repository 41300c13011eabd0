//! Which statements a serving thread may plan and run.
//!
//! SQLite looks at no clock while it plans a statement, nor between two functions of a row, and no
//! length of a text bounds either: subqueries within subqueries double what there is to plan, and a
//! view has a text of its own. So a statement is first planned where others do not wait, and is light
//! if that took little and if it calls few functions, each of which takes as long as its arguments are.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};

/// Longest text of a light statement, in bytes.
const TEXT_BYTES: usize = 4 * 1024;
/// Of the thread that plans it.
const PLANNING: Duration = Duration::from_millis(1);
/// Calls of functions, those in views among them.
const CALLS: u32 = 64;
/// Statements that are known; before there are more, all are forgotten.
const KNOWN: usize = 8 * 1024;

/// In lower case. Operators are functions as well: `like`, `->`.
#[rustfmt::skip]
const LINEAR: &[&str] = &[
    "abs", "avg", "ceil", "ceiling", "changes", "char", "coalesce", "concat", "concat_ws", "count",
    "cume_dist", "current_date", "current_time", "current_timestamp", "date", "datetime",
    "dense_rank", "first_value", "floor", "glob", "group_concat", "hex", "ifnull", "iif", "instr",
    "json", "json_array", "json_array_length", "json_extract", "json_group_array",
    "json_group_object", "json_object", "json_quote", "json_type", "json_valid", "julianday", "lag",
    "last_insert_rowid", "last_value", "lead", "length", "like", "lower", "ltrim", "max", "min",
    "mod", "nth_value", "ntile", "nullif", "octet_length", "percent_rank", "quote", "random", "rank",
    "replace", "round", "row_number", "rtrim", "sign", "strftime", "string_agg", "substr",
    "substring", "sum", "time", "total", "total_changes", "trim", "trunc", "typeof", "unicode",
    "unixepoch", "upper", "->", "->>",
];

/// What the authorizer sees while a statement is planned.
#[derive(Default)]
pub(super) struct Plan {
    calls: AtomicU32,
    /// It calls a function that may take longer than its arguments are.
    slow_call: AtomicBool,
    schema: AtomicBool,
    /// Of the connection: it has tables or views that nobody else sees, under any names.
    pub(super) own_schema: AtomicBool,
    /// Of the connection: the guest changed a setting that its successor must not inherit.
    pub(super) changed: AtomicBool,
}

impl Plan {
    pub(super) fn calls(&self, function: &str) {
        self.calls.fetch_add(1, Relaxed);
        if !LINEAR.iter().any(|linear| linear.eq_ignore_ascii_case(function)) {
            self.slow_call.store(true, Relaxed);
        }
    }

    pub(super) fn changes_schema(&self) {
        self.schema.store(true, Relaxed);
    }

    /// What `plan`, which has SQLite plan a statement anew, gives; whether that changes the schema,
    /// and what it weighs. Of what took long to plan that is not known: it may not the next time.
    pub(super) fn of<T, E>(
        &self,
        sql: &str,
        plan: impl FnOnce() -> Result<T, E>,
    ) -> Result<(T, bool, Option<Weight>), E> {
        self.calls.store(0, Relaxed);
        self.slow_call.store(false, Relaxed);
        self.schema.store(false, Relaxed);
        let started = thread_time();
        let planned = plan()?;
        let quick = thread_time().saturating_sub(started) < PLANNING;
        let schema = self.schema.load(Relaxed);
        let few = self.calls.load(Relaxed) <= CALLS && !self.slow_call.load(Relaxed);
        let weight = if !few || schema || sql.len() > TEXT_BYTES {
            Some(Weight::Heavy)
        } else {
            quick.then_some(Weight::Light)
        };
        Ok((planned, schema, weight))
    }
}

fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Weight {
    /// A serving thread may plan and run it.
    Light,
    Heavy,
}

/// What the statements of a database weigh.
#[derive(Default)]
pub(super) struct Weights {
    known: Mutex<HashMap<u64, Weight>>,
    /// Nobody knows which texts have the same key.
    keys: RandomState,
    /// Of the schema that they were planned with. Under another one the same text is another statement.
    version: AtomicU64,
    /// Transactions that change the schema.
    changing: AtomicUsize,
}

impl Weights {
    pub(super) fn version(&self) -> u64 {
        self.version.load(Relaxed)
    }

    /// `seen`: the version of the schema that the connection has.
    pub(super) fn is_light(&self, sql: &str, seen: Option<u64>) -> bool {
        sql.len() <= TEXT_BYTES
            && self.changing.load(Relaxed) == 0
            && seen == Some(self.version())
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
}

/// While it lives no statement is light, and afterwards none is known.
pub(super) struct SchemaChange(Arc<Weights>);

impl SchemaChange {
    pub(super) fn begin(weights: &Arc<Weights>) -> Self {
        weights.changing.fetch_add(1, Relaxed);
        Self(Arc::clone(weights))
    }
}

impl Drop for SchemaChange {
    fn drop(&mut self) {
        let mut known = self.0.known.lock();
        known.clear();
        self.0.version.fetch_add(1, Relaxed);
        self.0.changing.fetch_sub(1, Relaxed);
    }
}
