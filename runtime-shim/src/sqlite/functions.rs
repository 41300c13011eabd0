//! Functions that in SQLite take as long as the product of their arguments' lengths, and cannot be
//! stopped. Here they take as long as the sum.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use memchr::memmem;
use rusqlite::functions::{Context, FunctionFlags, SqlFnOutput};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result, ffi};

use super::session::{Clock, failure};

/// Takes the place of SQLite's own. No text that they make is longer than `longest` bytes.
pub(crate) fn add(connection: &Connection, longest: &Arc<AtomicI32>, clock: &Clock) -> Result<()> {
    let longest = Arc::clone(longest);
    define(connection, "instr", 2, clock, |context| Ok(instr(context)))?;
    define(connection, "replace", 3, clock, move |context| {
        replace(context, usize::try_from(longest.load(Relaxed)).unwrap_or(0))
    })?;
    for (name, start, end) in [("trim", true, true), ("ltrim", true, false), ("rtrim", false, true)]
    {
        define(connection, name, 2, clock, move |context| Ok(trim(context, start, end)))?;
    }
    Ok(())
}

/// Has SQLite call `work` in the place of its own `name`, as long as there is time.
fn define<T: SqlFnOutput>(
    connection: &Connection,
    name: &str,
    arguments: i32,
    clock: &Clock,
    work: impl Fn(&Context<'_>) -> Result<T> + Send + 'static,
) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    let clock = clock.clone();
    connection.create_scalar_function(name, arguments, flags, move |context| {
        clock.check()?;
        work(context)
    })
}

/// The place of the second argument in the first, from 1: in bytes of blobs, in characters of text.
fn instr(context: &Context<'_>) -> Option<i64> {
    let place = if let (ValueRef::Blob(whole), ValueRef::Blob(part)) =
        (context.get_raw(0), context.get_raw(1))
    {
        memmem::find(whole, part)
    } else {
        let (whole, part) = (as_text(context, 0)?, as_text(context, 1)?);
        memmem::find(whole.as_bytes(), part.as_bytes()).map(|at| whole[..at].chars().count())
    };
    Some(place.map_or(0, |place| place as i64 + 1))
}

fn replace(context: &Context<'_>, limit: usize) -> Result<Value> {
    let [Some(whole), Some(part), Some(by)] = [0, 1, 2].map(|index| as_text(context, index)) else {
        return Ok(Value::Null);
    };
    if part.is_empty() {
        return Ok(Value::Text(whole.into_owned()));
    }
    let times = memmem::find_iter(whole.as_bytes(), part.as_bytes()).count();
    let length = (whole.len() - times * part.len()).saturating_add(times.saturating_mul(by.len()));
    if length > limit {
        return Err(failure(ffi::SQLITE_TOOBIG));
    }
    Ok(Value::Text(whole.replace(&*part, &by)))
}

/// The first argument without what the second has of its ends.
fn trim(context: &Context<'_>, start: bool, end: bool) -> Option<String> {
    let (text, set) = (as_text(context, 0)?, as_text(context, 1)?);
    let set: HashSet<char> = set.chars().collect();
    let mut rest = &*text;
    if start {
        rest = rest.trim_start_matches(|c| set.contains(&c));
    }
    if end {
        rest = rest.trim_end_matches(|c| set.contains(&c));
    }
    Some(rest.to_owned())
}

/// An argument of a function as SQLite reads it where it wants text.
fn as_text<'a>(context: &'a Context<'_>, index: usize) -> Option<Cow<'a, str>> {
    match context.get_raw(index) {
        ValueRef::Null => None,
        ValueRef::Integer(value) => Some(value.to_string().into()),
        ValueRef::Real(value) => real(value).map(Cow::from),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes)),
    }
}

thread_local! {
    /// Without any data: only SQLite knows how its version writes a number.
    static WRITER: rusqlite::Result<Connection> = Connection::open_in_memory();
}

/// As SQLite writes it.
fn real(value: f64) -> Option<String> {
    WRITER.with(|writer| {
        let mut select = writer.as_ref().ok()?.prepare_cached("select cast(?1 as text)").ok()?;
        select.query_row([value], |row| row.get(0)).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SQLite's own functions say, and these.
    #[test]
    fn they_say_what_those_of_sqlite_say() {
        let [theirs, ours] = [(); 2].map(|()| Connection::open_in_memory().unwrap());
        add(&ours, &Arc::new(AtomicI32::new(1000)), &Clock::new()).unwrap();
        for expression in [
            "instr('가나다', '다')",
            "instr('abc', 'd')",
            "instr('abc', '')",
            "instr('', '')",
            "instr(12345, 34)",
            "instr(null, 'a')",
            "instr('a', null)",
            "instr(x'616263', x'63')",
            "instr(x'616263', 'c')",
            "replace('abcabc', 'b', 'xyz')",
            "replace('aaaa', 'aa', 'b')",
            "replace('abc', '', 'x')",
            "replace(5, '', 'x')",
            "replace(151, 5, 7)",
            "replace('abc', 'b', null)",
            "replace(x'616263', 'b', '나')",
            "trim('xxaxx', 'x')",
            "ltrim('가나가', '가')",
            "rtrim('abc', 'cb')",
            "trim('abc', '')",
            "replace(0.1 + 0.2, 'x', '')",
            "replace(1.0 / 3, 'x', '')",
            "replace(1e15, 'x', '')",
            "replace(1e20, 'x', '')",
            "replace(-1.5e300, 'x', '')",
            "replace(0.0001, 'x', '')",
            "replace(1e-5, 'x', '')",
            "replace(9e999, 'x', '')",
            "replace(-9e999, 'x', '')",
        ] {
            let said = |connection: &Connection| -> (String, String) {
                let select = format!("select typeof({expression}), quote({expression})");
                connection.query_row(&select, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
            };
            assert_eq!(said(&ours), said(&theirs), "{expression}");
        }
        let long = "select replace(zeroblob(500), char(0), 'abc')";
        assert!(ours.query_row(long, [], |row| row.get::<_, Value>(0)).is_err());
    }
}
