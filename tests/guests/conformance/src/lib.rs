//! One component with a route per behaviour that a host must have, or must
//! survive. The host's tests call it; it runs under Spin as well, so that what
//! the tests expect can be compared.

mod hostile;
mod mysql;
mod postgres;

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures::SinkExt;
use http_body_util::BodyExt;
use spin_sdk::http::body::{IncomingBodyExt, stream};
use spin_sdk::http::{
    BoxBody, FullBody, HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    box_body, get, send,
};
use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{Connection, Value};
use spin_sdk::time::sleep;
use spin_sdk::{http_service, variables};

type Body = BoxBody;
type Query = HashMap<String, String>;

#[http_service]
async fn handle(request: Request) -> Response<Body> {
    match answer(request).await {
        Ok(response) => response,
        Err(error) => {
            let mut response = text(format!("{error:#}"));
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            response
        }
    }
}

async fn answer(request: Request) -> Result<Response<Body>> {
    let query: Query = url::form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes())
        .into_owned()
        .collect();
    let path = request.uri().path().to_owned();
    let name = path.rsplit('/').next().unwrap_or("");
    Ok(text(match name {
        "hello" => "hello".to_owned(),
        "headers" => headers(&request),
        "uri" => request.uri().to_string(),
        "echo" => {
            return Ok(Response::new(box_body(FullBody::new(request.into_body().bytes().await?))));
        }
        "forward" => return forward(request.method(), asked(&query, "url")?).await,
        "variable" => variables::get(asked(&query, "name")?).await?,
        "environment" => std::env::var(asked(&query, "name")?)?,
        "file" => std::fs::read_to_string(asked(&query, "path")?)?,
        "write-file" => {
            std::fs::write(asked(&query, "path")?, "x").map(|()| "written".to_owned())?
        }
        "print" => {
            println!("{}", asked(&query, "text")?);
            "printed".to_owned()
        }
        "key-value" => key_value(&query).await?,
        "sql" => sql(request, &query).await?,
        "mysql" => mysql::run(request, &query).await?,
        "mysql-parallel" => mysql::parallel(&query).await?,
        "mysql-hold" => mysql::hold(&query).await?,
        "mysql-give-up" => mysql::give_up(&query).await?,
        "mysql-rows" => mysql::rows(&query).await?,
        "postgres" => postgres::statements(request, &query).await?,
        "postgres-types" => postgres::types(&query).await?,
        "postgres-rows" => postgres::rows(&query).await?,
        "transfer" => transfer(&query).await?,
        "abandon" => abandon(&query).await?,
        "outbound" => outbound(&query).await?,
        "outbound-trailers" => outbound_trailers(&query).await?,
        "pass-on" => return pass_on(request, &query).await,
        "wait" => {
            sleep(milliseconds(&query)?).await;
            "waited".to_owned()
        }
        "stream" => return stream_slowly(&query),
        "share" => return share(),
        "trailers" => return Ok(trailers()),
        "status" => {
            let mut response = text(String::new());
            *response.status_mut() = asked(&query, "code")?.parse()?;
            return Ok(response);
        }
        "compute" => hostile::compute(milliseconds(&query)?),
        "endless" => hostile::endless(),
        "panic" => hostile::panic(),
        "memory" => hostile::memory(),
        "overflow" => hostile::overflow(1).to_string(),
        "headers-without-end" => return hostile::headers_without_end(),
        "call-storm" => hostile::call_storm().await,
        "write-storm" => hostile::write_storm().await?,
        "unread" => hostile::unread().await?,
        "argument-storm" => hostile::argument_storm().await?,
        "request-lines" => hostile::request_lines(asked(&query, "bytes")?.parse()?),
        "error-text" => hostile::error_text(asked(&query, "bytes")?.parse()?).await,
        "open-files" => hostile::open_files(asked(&query, "path")?).await?,
        "length-alone" => hostile::length_alone(asked(&query, "peer")?).await?,
        "directories" => hostile::directories(asked(&query, "count")?.parse()?).await?,
        "print-storm" => hostile::print_storm(),
        "huge-argument" => variables::get("x".repeat(asked(&query, "bytes")?.parse()?)).await?,
        "connect" => std::net::TcpStream::connect(asked(&query, "address")?)
            .map(|_| "connected".to_owned())?,
        "fetch-storm" => hostile::fetch_storm(asked(&query, "url")?).await,
        "outbound-held" => hostile::outbound_held(asked(&query, "url")?).await?,
        "big" => "x".repeat(asked(&query, "bytes")?.parse()?),
        _ => bail!("there is no behaviour `{name}`"),
    }))
}

fn text(text: String) -> Response<Body> {
    Response::new(box_body(FullBody::new(Bytes::from(text))))
}

/// Different each time, and for everyone.
fn share() -> Result<Response<Body>> {
    let mut response = text(format!("{:?}", SystemTime::now()));
    response.headers_mut().insert("cache-control", HeaderValue::from_static("s-maxage=60"));
    Ok(response)
}

fn asked<'a>(query: &'a Query, name: &str) -> Result<&'a str> {
    query.get(name).map(String::as_str).with_context(|| format!("?{name}= is missing"))
}

fn milliseconds(query: &Query) -> Result<Duration> {
    Ok(Duration::from_millis(asked(query, "ms")?.parse()?))
}

fn headers(request: &Request) -> String {
    let mut lines: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    lines.sort();
    lines.concat()
}

async fn key_value(query: &Query) -> Result<String> {
    let store = Store::open(query.get("store").map_or("default", String::as_str)).await?;
    let key = query.get("key").map_or("", String::as_str);
    Ok(match asked(query, "do")? {
        "get" => match store.get(key).await? {
            Some(value) => String::from_utf8(value)?,
            None => "none".to_owned(),
        },
        "set" => store.set(key, asked(query, "value")?).await.map(|()| "set".to_owned())?,
        "delete" => store.delete(key).await.map(|()| "deleted".to_owned())?,
        "exists" => store.exists(key).await?.to_string(),
        "keys" => store.get_keys().await.collect().await?.join(","),
        other => bail!("do={other}"),
    })
}

/// Runs the statements of the body, one per line, on one connection.
async fn sql(request: Request, query: &Query) -> Result<String> {
    let database = query.get("database").map_or("default", String::as_str);
    let connection = Connection::open(database).await?;
    let statements = String::from_utf8(request.into_body().bytes().await?.to_vec())?;
    let mut lines = String::new();
    for statement in statements.lines() {
        let found = connection.execute(statement, []).await?;
        for row in found.collect().await? {
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

/// Reads a number, waits, writes it one higher: two at once lose an update
/// unless the transaction keeps them apart.
async fn transfer(query: &Query) -> Result<String> {
    let connection = Connection::open_default().await?;
    run(&connection, "begin immediate").await?;
    let found = connection.execute("select value from counter", []).await?.collect().await?;
    let value: i64 = found.first().and_then(|row| row.get(0)).context("no counter")?;
    sleep(milliseconds(query)?).await;
    connection
        .execute("update counter set value = ?", [Value::Integer(value + 1)])
        .await?
        .result()
        .await?;
    run(&connection, "commit").await?;
    Ok(value.to_string())
}

/// Leaves a transaction open: with `leak` even its connection is never closed.
async fn abandon(query: &Query) -> Result<String> {
    let connection = Connection::open_default().await?;
    run(&connection, "begin immediate").await?;
    run(&connection, "insert into abandoned values (1)").await?;
    if query.contains_key("leak") {
        std::mem::forget(connection);
    }
    Ok("abandoned".to_owned())
}

async fn run(connection: &Connection, statement: &str) -> Result<()> {
    Ok(connection.execute(statement, []).await?.result().await?)
}

async fn outbound(query: &Query) -> Result<String> {
    told(get(asked(query, "url")?).await?).await
}

/// What somebody else answers, as it is.
async fn forward(method: &Method, url: &str) -> Result<Response<Body>> {
    let mut request = Request::new(box_body(FullBody::new(Bytes::new())));
    *request.method_mut() = method.clone();
    *request.uri_mut() = url.parse()?;
    Ok(send(request).await?.map(box_body))
}

async fn outbound_trailers(query: &Query) -> Result<String> {
    let mut request = Request::new(body_with_trailers());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = asked(query, "url")?.parse()?;
    request.headers_mut().insert("trailer", HeaderValue::from(SUM));
    told(send(request).await?).await
}

async fn told(response: Response) -> Result<String> {
    let status = response.status().as_u16();
    let body = response.into_body().bytes().await?;
    Ok(format!("{status} {}", String::from_utf8_lossy(&body)))
}

const SUM: HeaderName = HeaderName::from_static("x-sum");

/// Four bytes, and their number behind them.
fn body_with_trailers() -> Body {
    let trailers = HeaderMap::from_iter([(SUM, HeaderValue::from_static("4"))]);
    let body = FullBody::new(Bytes::from_static(b"body"));
    box_body(body.with_trailers(async { Some(Ok(trailers)) }))
}

/// HTTP/1.1 has no trailers but those that its head names.
fn trailers() -> Response<Body> {
    let mut response = Response::new(body_with_trailers());
    response.headers_mut().insert("trailer", HeaderValue::from(SUM));
    response
}

/// The request to another place, and what comes back, with the lengths that were said.
async fn pass_on(request: Request, query: &Query) -> Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let mut request = Request::new(body);
    *request.method_mut() = parts.method;
    *request.uri_mut() = asked(query, "url")?.parse()?;
    if let Some(length) = parts.headers.get("content-length") {
        request.headers_mut().insert("content-length", length.clone());
    }
    Ok(send(request).await?.map(box_body))
}

/// `count` chunks with a pause before each.
fn stream_slowly(query: &Query) -> Result<Response<Body>> {
    let (pause, count) = (milliseconds(query)?, asked(query, "count")?.parse::<u64>()?);
    let (mut chunks, body) = stream::<String>();
    spin_sdk::wasip3::spawn(async move {
        for number in 0..count {
            sleep(pause).await;
            if chunks.send(format!("{number}\n")).await.is_err() {
                return;
            }
        }
    });
    Ok(Response::new(box_body(body)))
}
