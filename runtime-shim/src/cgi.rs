//! Programs that are given a request as CGI programs are (RFC 3875), by the executor `wagi`: it is
//! in their environment, arguments and stdin, and what they write on stdout is the response.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use futures::channel::oneshot;
use http::header::{CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{StatusCode, Uri};
use httparse::Status;
use percent_encoding::percent_decode_str;
use wasmtime::error::Context;
use wasmtime::{bail, ensure, format_err};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi_http::WasiBody;

use crate::inbound_http::Response;
use crate::request::{CLIENT_ADDR, FULL_URL, MATCHED_ROUTE, PATH_INFO};

/// What a program exports.
pub(crate) const INTERFACE: &str = "wasi:cli/run@0.2.0";

/// Headers of a response, and the status among them.
const MAX_HEADERS: usize = 128;

/// A program's request, until it is answered.
pub(crate) struct Exchange {
    pub(crate) answer: oneshot::Sender<wasmtime::Result<http::Response<WasiBody>>>,
    stdout: MemoryOutputPipe,
    /// Of what it may write, in bytes.
    limit: usize,
}

impl Exchange {
    pub(crate) fn new(
        answer: oneshot::Sender<wasmtime::Result<http::Response<WasiBody>>>,
        limit: usize,
    ) -> Self {
        Self { answer, stdout: MemoryOutputPipe::new(limit), limit }
    }

    /// Where the program writes.
    pub(crate) fn stdout(&self) -> MemoryOutputPipe {
        self.stdout.clone()
    }

    /// The program has ended.
    pub(crate) fn finish(self) {
        let output = self.stdout.contents();
        let answered = if output.len() < self.limit {
            response(&output)
        } else {
            Err(format_err!(
                "the program wrote {} bytes or more (program_output_bytes)",
                self.limit
            ))
        };
        let _ = self.answer.send(answered);
    }
}

/// Whether a program ended itself by saying that all went well.
pub(crate) fn is_success(error: &anyhow::Error) -> bool {
    error.root_cause().downcast_ref().is_some_and(|I32Exit(status)| *status == 0)
}

/// The words of `template`, Spin's `argv`.
pub(crate) fn arguments(template: &str, request: &Parts) -> Vec<String> {
    let words = request.uri.query().unwrap_or_default().replace('&', " ");
    let line = template.replace("${SCRIPT_NAME}", request.uri.path()).replace("${ARGS}", &words);
    line.split(' ').map(str::to_owned).collect()
}

/// The meta-variables (RFC 3875 section 4.1), and Spin's. `length` is that of the body in bytes.
pub(crate) fn environment(request: &Parts, length: usize) -> BTreeMap<String, String> {
    let header = |name| {
        let value = request.headers.get(name);
        value
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default()
    };
    let url = Uri::try_from(header(FULL_URL)).unwrap_or_default();
    let client: Option<SocketAddr> = header(CLIENT_ADDR).parse().ok();
    let client = client.map(|client| client.ip().to_string()).unwrap_or_default();
    let (route, path) = (header(MATCHED_ROUTE), header(PATH_INFO));
    let decoded = percent_decode_str(&path).decode_utf8_lossy().into_owned();
    let mut variables = BTreeMap::from(
        [
            ("AUTH_TYPE", String::new()),
            ("CONTENT_LENGTH", length.to_string()),
            ("CONTENT_TYPE", header(CONTENT_TYPE)),
            ("GATEWAY_INTERFACE", "CGI/1.1".to_owned()),
            ("PATH_TRANSLATED", decoded),
            ("QUERY_STRING", request.uri.query().unwrap_or_default().to_owned()),
            ("REMOTE_ADDR", client.clone()),
            ("REMOTE_HOST", client),
            ("REMOTE_USER", String::new()),
            ("REQUEST_METHOD", request.method.to_string()),
            ("SCRIPT_NAME", route.strip_suffix("/...").unwrap_or(&route).to_owned()),
            ("SERVER_NAME", url.host().unwrap_or_default().to_owned()),
            ("SERVER_PORT", url.port_u16().unwrap_or(80).to_string()),
            ("SERVER_PROTOCOL", format!("{:?}", request.version)),
            ("SERVER_SOFTWARE", "WAGI/1".to_owned()),
            ("X_RAW_PATH_INFO", path),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    for (name, value) in &request.headers {
        let Some(name) = variable(name.as_str()) else { continue };
        let value = String::from_utf8_lossy(value.as_bytes());
        // Of a header that is there more than once (RFC 9110 section 5.3).
        let all = variables.entry(name).and_modify(|all| all.push_str(", ")).or_default();
        all.push_str(&value);
    }
    variables
}

/// The variable of a header. None of `Authorization`, as the RFC advises, nor of `Proxy`, whose
/// variable many clients take for an address that they shall use.
fn variable(header: &str) -> Option<String> {
    let name = header.to_uppercase().replace('-', "_");
    match (header, name.strip_prefix("SPIN_")) {
        ("authorization" | "connection" | "proxy", _) => None,
        ("spin-path-info", _) => Some("PATH_INFO".to_owned()),
        (_, Some(own)) => Some(format!("X_{own}")),
        (_, None) => Some(format!("HTTP_{name}")),
    }
}

/// What `output` says (RFC 3875 section 6).
fn response(output: &Bytes) -> wasmtime::Result<http::Response<WasiBody>> {
    ensure!(!output.is_empty(), "the program wrote nothing to stdout");
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let parsed = httparse::parse_headers(output, &mut fields);
    let Status::Complete((head, fields)) = parsed.context("the program wrote no headers")? else {
        bail!("no empty line follows the headers that the program wrote");
    };
    let mut status = None;
    let mut headers = Vec::with_capacity(fields.len());
    for field in fields {
        let value = String::from_utf8_lossy(field.value);
        if field.name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().unwrap_or_default();
            status = Some(code.parse::<u16>().context("the program's status is no number")?);
        } else {
            headers.push((field.name.to_ascii_lowercase(), value.into_owned()));
        }
    }
    let has = |name: &str| headers.iter().any(|(own, _)| own == name);
    let status = match status {
        Some(status) => status,
        None if has(LOCATION.as_str()) => StatusCode::FOUND.as_u16(),
        None if has(CONTENT_TYPE.as_str()) => StatusCode::OK.as_u16(),
        None => bail!("the program wrote neither Content-Type nor Location nor Status"),
    };
    Response::new(status, headers, output[head..].to_vec()).into_http()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(output: &str) -> Result<http::Response<WasiBody>, String> {
        response(&Bytes::copy_from_slice(output.as_bytes())).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_program_says_its_status_or_leaves_it_to_its_headers() {
        for (output, status) in [
            ("Content-Type: text/plain\n\nbody", 200),
            ("content-type:text/plain\r\nX-A: b\r\n\r\n", 200),
            ("Status: 404 Not Found\n\n", 404),
            ("Status: 201\nLocation: /a\n\n", 201),
            ("Location: /a\n\n", 302),
        ] {
            assert_eq!(answered(output).expect(output).status(), status, "{output}");
        }
        let cookies = answered("Content-Type: a/b\nSet-Cookie: a=1\nSet-Cookie: b=2\n\n");
        assert_eq!(cookies.expect("a response").headers().get_all("set-cookie").iter().count(), 2);
        for (output, why) in [
            ("", "nothing"),
            ("Content-Type: text/plain", "empty line"),
            ("hello\n\n", "no headers"),
            ("X-A: b\n\n", "neither"),
            ("Status: fine\n\n", "no number"),
            ("Status: 99\n\n", "status code"),
        ] {
            let error = answered(output).map(drop).expect_err(output);
            assert!(error.contains(why), "{output}: {error}");
        }
    }

    #[test]
    fn headers_become_variables() {
        let request = http::Request::get("/cgi/a%20b?x=1&y")
            .header("spin-full-url", "http://example.org:81/cgi/a%20b?x=1&y")
            .header("spin-path-info", "/a%20b")
            .header("spin-matched-route", "/cgi/...")
            .header("spin-path-match-name", "value")
            .header("spin-client-addr", "[::1]:5")
            .header("x-a", "1")
            .header("x-a", "2")
            .header("authorization", "secret")
            .header("proxy", "evil");
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let variables = environment(&parts, 7);
        for (name, value) in [
            ("CONTENT_LENGTH", "7"),
            ("HTTP_X_A", "1, 2"),
            ("PATH_INFO", "/a%20b"),
            ("PATH_TRANSLATED", "/a b"),
            ("QUERY_STRING", "x=1&y"),
            ("REMOTE_ADDR", "::1"),
            ("SCRIPT_NAME", "/cgi"),
            ("SERVER_NAME", "example.org"),
            ("SERVER_PORT", "81"),
            ("X_MATCHED_ROUTE", "/cgi/..."),
            ("X_PATH_MATCH_NAME", "value"),
        ] {
            assert_eq!(variables.get(name).map(String::as_str), Some(value), "{name}");
        }
        let hidden = ["HTTP_AUTHORIZATION", "HTTP_PROXY", "HTTP_SPIN_PATH_INFO"];
        assert!(hidden.iter().all(|name| !variables.contains_key(*name)));
        let argv = arguments("${SCRIPT_NAME} ${ARGS}", &parts);
        assert_eq!(argv, ["/cgi/a%20b", "x=1", "y"]);
    }
}
