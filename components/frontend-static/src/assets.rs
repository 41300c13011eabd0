//! The files in `assets/` and the bundled scripts, as `build.rs` embedded them.
//!
//! The style sheet is not among them: it is 4 KB when compressed, and inside the page it
//! spares a slow phone the round trip that would stand between it and the first paint.

use api::Problem;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::compression::Encoding;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

pub(crate) struct Asset {
    /// Holds a hash of the content: what this address answers never changes.
    pub path: &'static str,
    content_type: &'static str,
    identity: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

pub(crate) async fn get(request: Request) -> Result<Response, Problem> {
    let asset = [WRITING_SCRIPT, PASSES_SCRIPT, ICON]
        .into_iter()
        .find(|asset| asset.path == request.uri().path())
        .ok_or_else(Problem::not_found)?;
    let encoding = Encoding::accepted(request.headers());
    let body = match encoding {
        Some(Encoding::Brotli) => asset.brotli,
        Some(Encoding::Gzip) => asset.gzip,
        None => asset.identity,
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    }
    Ok((headers, body).into_response())
}
