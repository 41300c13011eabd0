//! Programs that are given a request as CGI programs are (RFC 3875), by the executor `wagi`: it is
//! in their environment, arguments and stdin, and what they write on stdout is the response.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, PROXY_AUTHORIZATION};
use http::request::Parts;
use http::{HeaderName, StatusCode, Uri, Version};
use percent_encoding::percent_decode_str;
use wasmtime::{bail, ensure, format_err};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi_http::WasiBody;

use crate::guest;
use crate::handler::Answer;
use crate::inbound_http;
use crate::limits::{Limits, size};
use crate::request::{CLIENT_ADDR, FULL_URL, MATCHED_ROUTE, PATH_INFO};

/// What a program exports.
pub(crate) const INTERFACE: &str = "wasi:cli/run@0.2.0";

/// A program's request, until it is answered.
pub(crate) struct Exchange {
    answer: Answer,
    stdout: MemoryOutputPipe,
    /// Of what it may write, and of headers among it, in bytes.
    limit: usize,
    header_limit: usize,
}

impl Exchange {
    pub(crate) fn new(answer: Answer, limits: &Limits) -> Self {
        let limit = size(limits.program_output_bytes);
        // A byte more than it may write tells that it wrote more.
        let stdout = MemoryOutputPipe::new(limit.saturating_add(1));
        Self { answer, stdout, limit, header_limit: size(limits.max_header_bytes) }
    }

    /// Where the program writes.
    pub(crate) fn stdout(&self) -> MemoryOutputPipe {
        self.stdout.clone()
    }

    /// The program has ended, or was ended for the reason given.
    pub(crate) fn finish(self, ended: wasmtime::Result<()>) {
        let output = self.stdout.contents();
        let answered = if output.len() > self.limit {
            Err(format_err!(
                "the program wrote more than {} bytes (program_output_bytes)",
                self.limit
            ))
        } else {
            ended.and_then(|()| response(&output, self.header_limit))
        };
        let _ = self.answer.send(answered);
    }

    /// Whether what the program wrote was too much for it to go on.
    pub(crate) fn is_full(&self) -> bool {
        self.stdout.contents().len() > self.limit
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
    let decoded = percent_decode_str(&path).decode_utf8_lossy();
    // A program would see what stands before a NUL alone, and think it the whole path.
    let decoded = if decoded.contains('\0') { String::new() } else { decoded.into_owned() };
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
        let Some(variable) = variable(name) else { continue };
        let value = String::from_utf8_lossy(value.as_bytes());
        // Of a header that is there more than once (RFC 9110 section 5.3, RFC 9113 section 8.2.3).
        let comma = if name == COOKIE { "; " } else { ", " };
        let all = variables.entry(variable).and_modify(|all| all.push_str(comma)).or_default();
        all.push_str(&value);
    }
    // Over HTTP/2 the host is no header (RFC 9113 section 8.3.1).
    if request.version == Version::HTTP_2
        && let Some(authority) = url.authority()
    {
        variables.entry("HTTP_HOST".to_owned()).or_insert_with(|| authority.to_string());
    }
    variables
}

/// The variable of a header. None of credentials, as the RFC advises; nor of `Proxy`, whose
/// variable many clients take for an address that they shall use; nor of a name with `_`, which
/// would be the variable of another header.
fn variable(header: &HeaderName) -> Option<String> {
    let is_secret = matches!(*header, AUTHORIZATION | PROXY_AUTHORIZATION);
    let name = header.as_str();
    if is_secret || guest::is_of_connection(header) || name == "proxy" || name.contains('_') {
        return None;
    }
    let variable = name.to_uppercase().replace('-', "_");
    Some(match variable.strip_prefix("SPIN_") {
        Some("PATH_INFO") => "PATH_INFO".to_owned(),
        Some(own) => format!("X_{own}"),
        None => format!("HTTP_{variable}"),
    })
}

/// What `output` says (RFC 3875 section 6). Like Spin, it passes over lines that are no headers.
fn response(output: &Bytes, limit: usize) -> wasmtime::Result<http::Response<WasiBody>> {
    ensure!(!output.is_empty(), "the program wrote nothing to stdout");
    let Some((head, body)) = divided(output) else {
        bail!("no empty line follows the headers that the program wrote");
    };
    ensure!(
        head.len() <= limit,
        "the program's headers are more than {limit} bytes (max_header_bytes)"
    );
    let mut status = None;
    let mut headers = Vec::new();
    for line in String::from_utf8_lossy(&head).lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == "status" {
            let code = value.split(' ').next().unwrap_or_default();
            let Ok(code) = code.parse() else { bail!("the program's status is no number") };
            status = Some(code);
        } else if HeaderName::try_from(&name).is_ok() {
            headers.push((name, value.to_owned()));
        }
    }
    let has = |name: HeaderName| headers.iter().any(|(own, _)| name.as_str() == own);
    let status = match status {
        Some(status) => status,
        None if has(LOCATION) => StatusCode::FOUND.as_u16(),
        None if has(CONTENT_TYPE) => StatusCode::OK.as_u16(),
        None => bail!("the program wrote neither Content-Type nor Location nor Status"),
    };
    inbound_http::response(status, headers, body, limit)
}

/// Headers and body, without the empty line between them.
fn divided(output: &Bytes) -> Option<(Bytes, Bytes)> {
    let ends = output.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    for (end, _) in ends {
        let rest = &output[end + 1..];
        for empty in [&b"\n"[..], b"\r\n"] {
            if rest.starts_with(empty) {
                return Some((output.slice(..end), output.slice(end + 1 + empty.len()..)));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(output: &str) -> Result<http::Response<WasiBody>, String> {
        response(&Bytes::copy_from_slice(output.as_bytes()), 1024)
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_program_says_its_status_or_leaves_it_to_its_headers() {
        for (output, status) in [
            ("Content-Type: text/plain\n\nbody", 200),
            ("content-type:text/plain\r\nX-A: b\r\n\r\n", 200),
            ("Status: 404 Not Found\n\n", 404),
            ("Status: 201\nLocation: /a\n\n", 201),
            ("Location: /a\n\n", 302),
            ("a line that is none\nContent-Type : text/plain\n\n", 200),
            ("Bad Header: x\nContent-Type: text/plain\n\n", 200),
        ] {
            assert_eq!(answered(output).expect(output).status(), status, "{output}");
        }
        let cookies = answered("Content-Type: a/b\nSet-Cookie: a=1\nSet-Cookie: b=2\n\n");
        assert_eq!(cookies.expect("a response").headers().get_all("set-cookie").iter().count(), 2);
        for (output, why) in [
            ("", "nothing"),
            ("Content-Type: text/plain", "empty line"),
            ("hello\n\n", "neither"),
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
            .version(Version::HTTP_2)
            .header("spin-full-url", "http://example.org:81/cgi/a%20b?x=1&y")
            .header("spin-path-info", "/a%20b")
            .header("spin-matched-route", "/cgi/...")
            .header("spin-path-match-name", "value")
            .header("spin-client-addr", "[::1]:5")
            .header("x-a", "1")
            .header("x-a", "2")
            .header("authorization", "secret")
            .header("proxy", "evil")
            .header("spin_client_addr", "6.6.6.6:1")
            .header("x_a", "3")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .header("transfer-encoding", "chunked");
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let variables = environment(&parts, 7);
        for (name, value) in [
            ("CONTENT_LENGTH", "7"),
            ("HTTP_COOKIE", "a=1; b=2"),
            ("HTTP_HOST", "example.org:81"),
            ("HTTP_X_A", "1, 2"),
            ("PATH_INFO", "/a%20b"),
            ("PATH_TRANSLATED", "/a b"),
            ("QUERY_STRING", "x=1&y"),
            ("REMOTE_ADDR", "::1"),
            ("SCRIPT_NAME", "/cgi"),
            ("SERVER_NAME", "example.org"),
            ("SERVER_PORT", "81"),
            ("X_CLIENT_ADDR", "[::1]:5"),
            ("X_MATCHED_ROUTE", "/cgi/..."),
            ("X_PATH_MATCH_NAME", "value"),
        ] {
            assert_eq!(variables.get(name).map(String::as_str), Some(value), "{name}");
        }
        let hidden =
            ["HTTP_AUTHORIZATION", "HTTP_PROXY", "HTTP_SPIN_PATH_INFO", "HTTP_TRANSFER_ENCODING"];
        assert!(hidden.iter().all(|name| !variables.contains_key(*name)));
        let argv = arguments("${SCRIPT_NAME} ${ARGS}", &parts);
        assert_eq!(argv, ["/cgi/a%20b", "x=1", "y"]);
    }
}
