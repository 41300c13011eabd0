//! Middleware that writes on requests and answers whether it may use the key-value store.

use spin_sdk::http::{HeaderValue, IntoResponse, Request};
use spin_sdk::http_service;
use spin_sdk::key_value::Store;

#[http_service]
async fn handle(mut request: Request) -> anyhow::Result<impl IntoResponse> {
    if request.uri().path().ends_with("/stopped") {
        return Ok(spin_sdk::http::Response::builder()
            .status(403)
            .body(String::new())?
            .into_response()?);
    }
    request.headers_mut().remove("host");
    request.headers_mut().append("x-seen-by", HeaderValue::from_static("middleware"));
    let stored = Store::open_default().await.is_ok();
    let mut response = spin_sdk::http::next(request).await?;
    response.headers_mut().append("x-stored", HeaderValue::from_str(&stored.to_string())?);
    Ok(response.into_response()?)
}
