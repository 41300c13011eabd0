//! `spin:postgres`, by the address in `?address=`.

use std::time::Instant;

use anyhow::{Result, anyhow};
use spin_sdk::http::Request;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::pg::wit::postgres::{Connection as Plain, ConnectionBuilder};
use spin_sdk::pg::{
    Certificate, Connection, DbValue, Interval, OpenOptions, ParameterValue as Value, PgError,
    QueryError, RangeBoundKind,
};
use spin_sdk::time::sleep;

use super::{Query, asked, milliseconds};

/// Runs the statements of the body, one per line, on one connection; what begins with `!` is
/// executed, anything else queried. With `&go-on` an error is a line like any other, with `&ms=`
/// the connection is held that long, with `&plain=open` or `build` it is opened synchronously.
pub(crate) async fn statements(request: Request, query: &Query) -> Result<String> {
    let address = asked(query, "address")?;
    if let Some(way) = query.get("plain") {
        return plain(address, way);
    }
    let ca_root = query.get("ca").cloned().map(Certificate::Text);
    let connection = Connection::open_with_options(address, OpenOptions { ca_root });
    let connection = connection.await.map_err(failed)?;
    let statements = String::from_utf8(request.into_body().bytes().await?.to_vec())?;
    let mut lines = String::new();
    for statement in statements.lines() {
        match answered(&connection, statement).await {
            Ok(found) => lines.push_str(&found),
            Err(error) if query.contains_key("go-on") => lines.push_str(&format!("{error}\n")),
            Err(error) => return Err(error),
        }
    }
    if query.contains_key("ms") {
        sleep(milliseconds(query)?).await;
    }
    Ok(lines)
}

async fn answered(connection: &Connection, statement: &str) -> Result<String> {
    if let Some(statement) = statement.strip_prefix('!') {
        let count = connection.execute(statement, []).await.map_err(failed)?;
        return Ok(format!("{count} rows\n"));
    }
    let mut found = connection.query(statement, []).await.map_err(failed)?;
    let mut lines = String::new();
    while let Some(row) = found.rows().next().await {
        let values: Vec<String> = row.iter().map(shown).collect();
        lines.push_str(&values.join("|"));
        lines.push('\n');
    }
    found.result().await.map_err(failed)?;
    Ok(lines)
}

fn plain(address: &str, way: &str) -> Result<String> {
    let opened = match way {
        "build" => ConnectionBuilder::new(address).build(),
        _ => Plain::open(address),
    };
    let connection = opened.map_err(|error| failed(error.into()))?;
    let found = connection.query("select 1::int8", &[]).map_err(|error| failed(error.into()))?;
    let touched = connection.execute("select 1 limit 0", &[]);
    let touched = touched.map_err(|error| failed(error.into()))?;
    Ok(format!("{} rows, {touched} rows\n", found.rows.len()))
}

fn shown(value: &DbValue) -> String {
    match value {
        DbValue::DbNull => "null".to_owned(),
        DbValue::Str(text) => text.clone(),
        DbValue::Int64(number) => number.to_string(),
        DbValue::Int32(number) => number.to_string(),
        DbValue::Boolean(value) => value.to_string(),
        other => format!("{other:?}"),
    }
}

fn failed(error: spin_sdk::pg::Error) -> anyhow::Error {
    let spin_sdk::pg::Error::PgError(error) = error else { return anyhow!("{error}") };
    match error {
        PgError::ConnectionFailed(why) => anyhow!("connection-failed: {why}"),
        PgError::BadParameter(why) => anyhow!("bad-parameter: {why}"),
        PgError::ValueConversionFailed(why) => anyhow!("value-conversion-failed: {why}"),
        PgError::Other(why) => anyhow!("other: {why}"),
        PgError::QueryFailed(QueryError::Text(why)) => anyhow!("query-failed: {why}"),
        PgError::QueryFailed(QueryError::DbError(error)) => {
            let extra = |name: &str| {
                let found = error.extras.iter().find(|(key, _)| key == name);
                found.map_or("-", |(_, value)| value).to_owned()
            };
            let (constraint, table) = (extra("constraint"), extra("table"));
            let (code, message) = (&error.code, &error.message);
            anyhow!("db-error {code}: {message} (constraint {constraint}, table {table})")
        }
    }
}

/// A parameter of each type, through a column of its own type, and back.
pub(crate) async fn types(query: &Query) -> Result<String> {
    use RangeBoundKind::{Exclusive, Inclusive};
    let connection = Connection::open(asked(query, "address")?).await.map_err(failed)?;
    let day = (2024, 2, 29);
    let moment = (2024, 2, 29, 23, 59, 58, 123_456_000);
    let text = || "한글 👩‍⚕️".to_owned();
    let json = || br#"{"a": [1, null]}"#.to_vec();
    let uuid = "0190b1a4-7c1e-7000-8000-00000000abcd".to_owned();
    let decimal = || "-123456789012345678901234567890.1200".to_owned();
    let both = [
        ("bool", Value::Boolean(true)),
        ("\"char\"", Value::Int8(-7)),
        ("int2", Value::Int16(i16::MIN)),
        ("int4", Value::Int32(i32::MAX)),
        ("int8", Value::Int64(i64::MIN)),
        ("int4", Value::Int64(5)),
        ("int8", Value::Int32(5)),
        ("numeric", Value::Int64(-70_000)),
        ("float4", Value::Floating32(1.5)),
        ("float8", Value::Floating64(-0.1)),
        ("text", Value::Str(text())),
        ("varchar", Value::Str(String::new())),
        ("jsonb", Value::Str("[1]".to_owned())),
        ("bytea", Value::Binary(vec![0, 255])),
        ("date", Value::Date(day)),
        ("time", Value::Time((1, 2, 3, 4_000))),
        ("timestamp", Value::Datetime(moment)),
        ("timestamptz", Value::Datetime(moment)),
        ("timestamptz", Value::Timestamp(-1)),
        ("uuid", Value::Uuid(uuid)),
        ("jsonb", Value::Jsonb(json())),
        ("numeric", Value::Decimal(decimal())),
        ("int4range", Value::RangeInt32((Some((1, Inclusive)), Some((5, Exclusive))))),
        ("int8range", Value::RangeInt64((None, Some((5, Exclusive))))),
        ("int8range", Value::RangeInt64((Some((3, Exclusive)), Some((3, Exclusive))))),
        ("numrange", Value::RangeDecimal((Some((decimal(), Exclusive)), None))),
        ("int4[]", Value::ArrayInt32(vec![Some(1), None])),
        ("int8[]", Value::ArrayInt64(vec![])),
        ("text[]", Value::ArrayStr(vec![Some(text()), None])),
        ("numeric[]", Value::ArrayDecimal(vec![Some("1.50".to_owned()), None])),
        ("interval", Value::Interval(Interval { micros: -1, days: 2, months: -3 })),
        ("inet", Value::DbNull),
    ];
    let mut lines = String::new();
    for (ty, value) in both {
        let found = connection.query(format!("select $1::{ty}"), [value]).await.map_err(failed)?;
        let kind = format!("{:?}", found.columns()[0].data_type);
        let rows = found.collect().await.map_err(failed)?;
        lines.push_str(&format!("{ty}: {kind} {:?}\n", rows[0][0]));
    }
    Ok(lines)
}

/// Reads `count` rows of three columns in one piece, `times` times over; says how many bytes of
/// text came and how many microseconds it took.
pub(crate) async fn rows(query: &Query) -> Result<String> {
    let (count, times): (usize, u32) =
        (asked(query, "count")?.parse()?, asked(query, "times")?.parse()?);
    let connection = Connection::open(asked(query, "address")?).await.map_err(failed)?;
    let sql = "select i::int8, 'a name of some length ' || i, i * 1000::int8 \
               from generate_series(1, $1::int8) i";
    let (started, mut bytes) = (Instant::now(), 0);
    for _ in 0..times {
        let found = connection.query(sql, [Value::Int64(i64::try_from(count)?)]).await;
        let (_, mut stream, end) = found.map_err(failed)?.into_inner();
        let (_, rows) = stream.read(Vec::with_capacity(count)).await;
        for row in &rows {
            if let Some(DbValue::Str(text)) = row.get(1) {
                bytes += text.len();
            }
        }
        if rows.len() != count {
            return Err(anyhow!("{} rows came in one piece", rows.len()));
        }
        end.await.map_err(|error| failed(error.into()))?;
    }
    Ok(format!("{bytes} bytes in {} us\n", started.elapsed().as_micros()))
}
