//! A component of an earlier SDK: WASI 0.2 (`wasi:http/incoming-handler`), the interfaces of
//! `fermyon:spin@2.0.0` and what came between those and today's. A route per interface.

use std::collections::HashMap;

use anyhow::{bail, Context, Result};
use futures::SinkExt;
use spin_sdk::http::{
    send, Headers, IncomingRequest, IncomingResponse, Method, OutgoingRequest, OutgoingResponse,
    Request, Response, ResponseOutparam,
};
use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{self, Value};
use spin_sdk::wit::wasi::{config, keyvalue};
use spin_sdk::{http_component, mysql, pg, pg3, variables};
use wasi::clocks::monotonic_clock::subscribe_duration;
use wasi::io::poll::poll;

type Query = HashMap<String, String>;

#[http_component]
async fn handle(request: IncomingRequest, out: ResponseOutparam) {
    let uri = request.uri();
    let (path, query) = uri.split_once('?').unwrap_or((&uri, ""));
    let query: Query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let name = path.rsplit('/').next().unwrap_or("");
    if name == "stream" {
        return stream(out).await;
    }
    if name == "half" {
        let response = OutgoingResponse::new(Headers::new());
        let mut body = response.take_body();
        out.set(response);
        let _ = body.send(b"half".to_vec()).await;
        panic!("as asked");
    }
    let headers = request.headers().entries();
    let body = read(request).await;
    let (status, text) = match answer(name, &query, headers, &body).await {
        Ok(text) => (200, text),
        Err(error) => (422, format!("{error:#}")),
    };
    let response = OutgoingResponse::new(Headers::new());
    let _ = response.set_status_code(status);
    let mut body = response.take_body();
    out.set(response);
    let _ = body.send(text.into_bytes()).await;
}

async fn read(request: IncomingRequest) -> String {
    let body = request.into_body().await.unwrap_or_default();
    String::from_utf8_lossy(&body).into_owned()
}

async fn answer(
    name: &str,
    query: &Query,
    headers: Vec<(String, Vec<u8>)>,
    body: &str,
) -> Result<String> {
    Ok(match name {
        "hello" => "hello".to_owned(),
        "request-line" => request_line(asked(query, "bytes")?.parse()?),
        "echo" => body.to_owned(),
        "headers" => headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value)))
            .collect(),
        "variable" => variables::get(asked(query, "name")?)?,
        "config" => match config::store::get(asked(query, "name")?)? {
            Some(value) => value,
            None => "none".to_owned(),
        },
        "config-all" => config::store::get_all()?
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect(),
        "key-value" => key_value(query)?,
        "keyvalue" => wasi_keyvalue(asked(query, "store")?)?,
        "sql" => sql(query, body)?,
        "mysql" => mysql(asked(query, "address")?, body)?,
        "postgres" => postgres(asked(query, "address")?, body)?,
        "postgres3" => postgres3(asked(query, "address")?, body)?,
        "poll" => poll_list(asked(query, "length")?.parse()?),
        "fetch-storm" => fetch_storm(asked(query, "url")?).await,
        "outbound" => outbound(asked(query, "url")?).await?,
        "outbound-held" => outbound_held(asked(query, "url")?).await?,
        "file" => std::fs::read_to_string(asked(query, "path")?)?,
        "write-file" => {
            std::fs::write(asked(query, "path")?, "x").map(|()| "written".to_owned())?
        }
        "directory" => directory(asked(query, "path")?)?,
        "open-files" => {
            let path = asked(query, "path")?;
            let files = held(|| std::fs::File::open(path));
            format!("{files} {}", held(|| std::net::UdpSocket::bind("0.0.0.0:0")))
        }
        "connect" => std::net::TcpStream::connect(asked(query, "address")?)
            .map(|_| "connected".to_owned())?,
        "panic" => panic!("as asked"),
        _ => bail!("there is no behaviour `{name}`"),
    })
}

fn asked<'a>(query: &'a Query, name: &str) -> Result<&'a str> {
    query.get(name).map(String::as_str).with_context(|| format!("?{name}= is missing"))
}

async fn stream(out: ResponseOutparam) {
    let response = OutgoingResponse::new(Headers::new());
    let mut body = response.take_body();
    out.set(response);
    for number in 0..3 {
        if body.send(format!("{number}\n").into_bytes()).await.is_err() {
            return;
        }
    }
}

fn key_value(query: &Query) -> Result<String> {
    let store = Store::open(query.get("store").map_or("default", String::as_str))?;
    let key = query.get("key").map_or("", String::as_str);
    Ok(match asked(query, "do")? {
        "get" => match store.get(key)? {
            Some(value) => String::from_utf8(value)?,
            None => "none".to_owned(),
        },
        "set" => store.set(key, asked(query, "value")?.as_bytes()).map(|()| "set".to_owned())?,
        "delete" => store.delete(key).map(|()| "deleted".to_owned())?,
        "exists" => store.exists(key)?.to_string(),
        "keys" => store.get_keys()?.join(","),
        other => bail!("do={other}"),
    })
}

/// Every function of `wasi:keyvalue`, in one tale.
fn wasi_keyvalue(store: &str) -> Result<String> {
    use keyvalue::{atomics, batch, store};
    let bucket = store::open(store)?;
    let pair = |key: &str, value: &str| (key.to_owned(), value.as_bytes().to_vec());
    batch::set_many(&bucket, &[pair("w-a", "1"), pair("w-b", "2")])?;
    let found = batch::get_many(&bucket, &["w-a".to_owned(), "w-c".to_owned()])?;
    let found: Vec<_> = found
        .into_iter()
        .map(|(key, value)| format!("{key}={}", value.map_or(0, |value| value.len())))
        .collect();
    let counted = atomics::increment(&bucket, "w-n", 2)? + atomics::increment(&bucket, "w-n", 3)?;
    let cas = atomics::Cas::new(&bucket, "w-a")?;
    let swapped = atomics::swap(cas, b"3").is_ok();
    let late = atomics::Cas::new(&bucket, "w-a")?;
    bucket.set("w-a", b"4")?;
    let refused = match atomics::swap(late, b"5") {
        Err(atomics::CasError::CasFailed(again)) => again.current()? == Some(b"4".to_vec()),
        _ => false,
    };
    let keys = bucket.list_keys(None)?.keys.join(",");
    batch::delete_many(&bucket, &["w-a".to_owned(), "w-b".to_owned()])?;
    bucket.delete("w-n")?;
    let left = bucket.exists("w-a")?;
    Ok(format!("{} {counted} {swapped} {refused} {keys} {left}", found.join(",")))
}

/// Runs the statements of the body, one per line, on one connection.
fn sql(query: &Query, body: &str) -> Result<String> {
    let database = query.get("database").map_or("default", String::as_str);
    let connection = sqlite::Connection::open(database)?;
    let mut lines = String::new();
    for statement in body.lines() {
        for row in connection.execute(statement, &[])?.rows {
            let values: Vec<String> = row.values.iter().map(shown).collect();
            lines.push_str(&values.join("|"));
            lines.push('\n');
        }
    }
    Ok(lines)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Integer(value) => value.to_string(),
        Value::Real(value) => value.to_string(),
        Value::Text(value) => value.clone(),
        Value::Blob(value) => format!("{} bytes", value.len()),
        Value::Null => "null".to_owned(),
    }
}

fn mysql(address: &str, body: &str) -> Result<String> {
    let connection = mysql::Connection::open(address)?;
    let mut lines = String::new();
    for statement in body.lines() {
        lines.push_str(&table(connection.query(statement, &[])?));
    }
    connection.execute("do ?", &[mysql::ParameterValue::Uint64(u64::MAX)])?;
    Ok(lines)
}

fn postgres(address: &str, body: &str) -> Result<String> {
    let connection = pg::Connection::open(address)?;
    let mut lines = String::new();
    for statement in body.lines() {
        lines.push_str(&table(connection.query(statement, &[])?));
    }
    let number = connection.execute("select $1::bigint", &[pg::ParameterValue::Int64(7)])?;
    let unsigned = connection.execute("select $1::bigint", &[pg::ParameterValue::Uint8(7)]);
    Ok(format!("{lines}{number} {unsigned:?}\n"))
}

/// Columns with their types, then rows; both databases had the same types then.
fn table(found: pg::RowSet) -> String {
    let columns: Vec<_> = found
        .columns
        .iter()
        .map(|column| format!("{}:{:?}", column.name, column.data_type))
        .collect();
    let mut lines = columns.join("|") + "\n";
    for row in found.rows {
        let values: Vec<_> = row.iter().map(|value| format!("{value:?}")).collect();
        lines.push_str(&(values.join("|") + "\n"));
    }
    lines
}

fn postgres3(address: &str, body: &str) -> Result<String> {
    let connection = pg3::Connection::open(address)?;
    let mut lines = String::new();
    for statement in body.lines() {
        let found = connection.query(statement, &[])?;
        for (column, value) in found.columns.iter().zip(found.rows.iter().flatten()) {
            lines.push_str(&format!("{}:{:?} {value:?}\n", column.name, column.data_type));
        }
    }
    let date = pg3::ParameterValue::Date((2026, 2, 28));
    let found = connection.query("select $1::date + 1 as next", &[date])?;
    Ok(format!("{lines}{:?}\n", found.rows))
}

async fn outbound(url: &str) -> Result<String> {
    let response: Response = send(Request::new(Method::Get, url)).await?;
    Ok(format!("{} {}", response.status(), String::from_utf8_lossy(response.body())))
}

/// Requests that are never sent, with so many bytes where a method and a host stand. Whether the
/// host took them.
fn request_line(bytes: usize) -> String {
    let (text, request) = ("X".repeat(bytes), OutgoingRequest::new(Headers::new()));
    let method = request.set_method(&Method::Other(text.clone()));
    format!("{} {}", method.is_ok(), request.set_authority(Some(&text)).is_ok())
}

/// More calls at once than any program needs.
async fn fetch_storm(url: &str) -> String {
    const CALLS: usize = 1000;
    let calls = (0..CALLS).map(|_| send::<_, Response>(Request::new(Method::Get, url)));
    let answered = futures::future::join_all(calls).await;
    let refused = answered.iter().filter(|answer| answer.is_err()).count();
    format!("{refused} of {CALLS} refused")
}

/// How many responses it may keep unread, how many more once one was read, and once one was
/// dropped.
async fn outbound_held(url: &str) -> Result<String> {
    let mut held = Vec::new();
    let all = keep(url, &mut held).await;
    held.pop().context("none")?.into_body().await?;
    let after_reading = keep(url, &mut held).await;
    held.pop();
    let after_dropping = keep(url, &mut held).await;
    Ok(format!("{all} {after_reading} {after_dropping}"))
}

/// Calls until one is refused.
async fn keep(url: &str, held: &mut Vec<IncomingResponse>) -> usize {
    const MANY: usize = 30;
    let before = held.len();
    while held.len() < MANY {
        let Ok(response) = send(Request::new(Method::Get, url)).await else { break };
        held.push(response);
    }
    held.len() - before
}

/// Waits for one thing so many times at once; how often it was ready.
fn poll_list(length: usize) -> String {
    let ready = subscribe_duration(0);
    poll(&vec![&ready; length]).len().to_string()
}

/// How many of them it may have at once.
fn held<T>(open: impl Fn() -> std::io::Result<T>) -> usize {
    (0..1_000).map_while(|_| open().ok()).collect::<Vec<_>>().len()
}

fn directory(path: &str) -> Result<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names.join(","))
}
