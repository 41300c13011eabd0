//! The requests and responses of `fermyon:spin`, before it had versions: whole bodies, and headers
//! that are text. SDKs 1 took them through `inbound-http` and sent them through `http`.

use bytes::Bytes;
use futures::FutureExt;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::{BodyExt, Full};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{ensure, format_err};
use wasmtime_wasi_http::WasiBody;

use crate::guest;

/// What a component of that time exports.
pub(crate) const INTERFACE: &str = "fermyon:spin/inbound-http";

#[derive(Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Method {
    #[component(name = "get")]
    Get,
    #[component(name = "post")]
    Post,
    #[component(name = "put")]
    Put,
    #[component(name = "delete")]
    Delete,
    #[component(name = "patch")]
    Patch,
    #[component(name = "head")]
    Head,
    #[component(name = "options")]
    Options,
}

/// In the order of [`Method`].
static METHODS: [(http::Method, Method); 7] = [
    (http::Method::GET, Method::Get),
    (http::Method::POST, Method::Post),
    (http::Method::PUT, Method::Put),
    (http::Method::DELETE, Method::Delete),
    (http::Method::PATCH, Method::Patch),
    (http::Method::HEAD, Method::Head),
    (http::Method::OPTIONS, Method::Options),
];

type Headers = Vec<(String, String)>;

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Request {
    method: Method,
    pub(crate) uri: String,
    headers: Headers,
    /// Never anything.
    params: Headers,
    body: Option<Vec<u8>>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Response {
    status: u16,
    headers: Option<Headers>,
    body: Option<Vec<u8>>,
}

/// Whether there is a word for `method`.
pub(crate) fn is_known(method: &http::Method) -> bool {
    Method::of(method).is_some()
}

impl Method {
    fn of(method: &http::Method) -> Option<Self> {
        METHODS.iter().find(|(known, _)| known == method).map(|(_, own)| *own)
    }
}

/// Of a body that has arrived.
pub(crate) fn bytes(body: WasiBody) -> Bytes {
    let body = body.collect().now_or_never().and_then(Result::ok);
    body.map(|body| body.to_bytes()).unwrap_or_default()
}

pub(crate) fn whole(body: Bytes) -> WasiBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

fn text(headers: &HeaderMap) -> Headers {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

impl Request {
    /// Of one that has arrived and whose method [`is_known`].
    pub(crate) fn of(request: http::Request<WasiBody>) -> Self {
        let (mut parts, body) = request.into_parts();
        // Guests of SDKs 1 that pass a request on would pass it on as well.
        parts.headers.remove(CONNECTION);
        Self {
            method: Method::of(&parts.method).unwrap_or(Method::Get),
            uri: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            headers: text(&parts.headers),
            params: Vec::new(),
            body: Some(bytes(body).to_vec()),
        }
    }

    /// `limit`: bytes of headers.
    pub(crate) fn into_http(self, limit: usize) -> wasmtime::Result<http::Request<WasiBody>> {
        let mut request = http::Request::builder()
            .method(&METHODS[self.method as usize].0)
            .uri(self.uri)
            .body(whole(self.body.unwrap_or_default().into()))?;
        append(request.headers_mut(), self.headers, limit)?;
        // The body's own is right, and what the guest copied from elsewhere is not.
        request.headers_mut().remove(CONTENT_LENGTH);
        Ok(request)
    }
}

impl Response {
    pub(crate) fn of(parts: &http::response::Parts, body: &[u8]) -> Self {
        Self {
            status: parts.status.as_u16(),
            headers: Some(text(&parts.headers)),
            body: Some(body.to_vec()),
        }
    }

    /// `limit`: bytes of headers.
    pub(crate) fn into_http(self, limit: usize) -> wasmtime::Result<http::Response<WasiBody>> {
        let headers = self.headers.unwrap_or_default();
        response(self.status, headers, self.body.unwrap_or_default().into(), limit)
    }
}

/// What a guest says, checked.
/// `limit`: bytes of headers.
pub(crate) fn response(
    status: u16,
    headers: Headers,
    body: Bytes,
    limit: usize,
) -> wasmtime::Result<http::Response<WasiBody>> {
    let is_empty = body.is_empty();
    let mut response = http::Response::new(whole(body));
    *response.status_mut() =
        StatusCode::from_u16(status).map_err(|error| format_err!("the guest's status: {error}"))?;
    append(response.headers_mut(), headers, limit)?;
    if !is_empty {
        // The body's own is right.
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    Ok(response)
}

fn append(map: &mut HeaderMap, headers: Headers, limit: usize) -> wasmtime::Result<()> {
    let size: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    ensure!(size <= limit, "{size} bytes of headers are more than {limit} (max_header_bytes)");
    for (name, value) in headers {
        let named = HeaderName::try_from(&name);
        let named = named.map_err(|error| format_err!("the guest's header {name:?}: {error}"))?;
        if !guest::is_of_connection(&named) {
            let value = HeaderValue::try_from(value);
            let value = value.map_err(|error| format_err!("the guest's header {name}: {error}"))?;
            map.try_append(named, value)?;
        }
    }
    Ok(())
}
