//! A component as those of SDKs 1: `fermyon:spin` before it had versions, its handler included.
//! A route per interface; the query is the argument, the body the statement or the value.

wit_bindgen::generate!({ path: "wit", world: "http-trigger" });

use exports::fermyon::spin::inbound_http::{Guest, Request, Response};
use fermyon::spin::http_types::Method;
use fermyon::spin::rdbms_types::{ParameterValue, RowSet};
use fermyon::spin::{config, http, key_value, mysql, postgres, sqlite};

struct Component;

export!(Component);

impl Guest for Component {
    fn handle_request(request: Request) -> Response {
        let (path, query) = request.uri.split_once('?').unwrap_or((&request.uri, ""));
        let name = path.rsplit('/').next().unwrap_or_default();
        let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default());
        let (status, text) = match answer(name, query, &body, &request) {
            Ok(text) => (200, text),
            Err(why) => (422, why),
        };
        let headers = [("x-guest", "a"), ("x-guest", "b"), ("connection", "close")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let status = if name == "status" { query.parse().unwrap_or(0) } else { status };
        Response { status, headers: Some(headers), body: Some(text.into_bytes()) }
    }
}

type Answer = Result<String, String>;

fn answer(name: &str, query: &str, body: &str, request: &Request) -> Answer {
    Ok(match name {
        "status" => String::new(),
        "hello" => format!("{:?} {} {}", request.method, request.uri, request.params.len()),
        "echo" => body.to_owned(),
        "headers" => {
            let line = |(name, value): &(String, String)| format!("{name}: {value}\n");
            request.headers.iter().map(line).collect()
        }
        "panic" => panic!("as asked"),
        "config" => config::get_config(query).map_err(shown)?,
        "outbound" => outbound(query)?,
        "key-value" => key_value(query, body)?,
        "sqlite" => sqlite(query, body)?,
        "mysql" => {
            mysql::execute(query, "do ?", &[ParameterValue::Uint64(u64::MAX)]).map_err(shown)?;
            table(&mysql::query(query, body, &[]).map_err(shown)?)
        }
        "postgres" => {
            let seven = [ParameterValue::Int64(7)];
            let number = postgres::execute(query, "select $1::bigint", &seven).map_err(shown)?;
            format!("{number} {}", table(&postgres::query(query, body, &[]).map_err(shown)?))
        }
        _ => return Err(format!("there is no behaviour `{name}`")),
    })
}

fn shown(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn outbound(url: &str) -> Answer {
    let (headers, params) = (vec![("x-sent".to_owned(), "yes".to_owned())], Vec::new());
    let request = Request {
        method: Method::Post,
        uri: url.to_owned(),
        headers,
        params,
        body: Some(b"sent".to_vec()),
    };
    let response = http::send_request(&request).map_err(shown)?;
    let body = response.body.unwrap_or_default();
    Ok(format!("{} {}", response.status, String::from_utf8_lossy(&body)))
}

/// Every function, in one tale; `name` is the store's.
fn key_value(name: &str, value: &str) -> Answer {
    let store = key_value::open(name).map_err(shown)?;
    let missing = key_value::get(store, "u-none");
    key_value::set(store, "u-a", value.as_bytes()).map_err(shown)?;
    let found = key_value::get(store, "u-a").map_err(shown)?;
    let keys = key_value::get_keys(store).map_err(shown)?;
    let before = key_value::exists(store, "u-a").map_err(shown)?;
    key_value::delete(store, "u-a").map_err(shown)?;
    let after = key_value::exists(store, "u-a").map_err(shown)?;
    key_value::close(store);
    let closed = key_value::exists(store, "u-a");
    let found = String::from_utf8_lossy(&found);
    Ok(format!("{missing:?} {found} {} {before} {after} {closed:?}", keys.join(",")))
}

fn sqlite(name: &str, statements: &str) -> Answer {
    let connection = sqlite::open(name).map_err(shown)?;
    let mut lines = String::new();
    for statement in statements.lines() {
        let found = sqlite::execute(connection, statement, &[]).map_err(shown)?;
        for row in found.rows {
            lines.push_str(&format!("{:?} {:?}\n", found.columns, row.values));
        }
    }
    sqlite::close(connection);
    let closed = sqlite::execute(connection, "select 1", &[]);
    Ok(lines + &shown(closed.map(drop)))
}

fn table(found: &RowSet) -> String {
    let columns: Vec<_> = found.columns.iter().map(|column| &column.name).collect();
    format!("{columns:?} {:?}", found.rows)
}
