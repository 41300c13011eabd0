//! Middleware that lets nobody pass who says so, writes on requests, and answers whether it may use
//! the key-value store.

use spin_sdk::http::{HeaderValue, Request, Response, StatusCode, box_body, next};
use spin_sdk::http_service;
use spin_sdk::key_value::Store;

type Body = spin_sdk::http::BoxBody;

#[http_service]
async fn handle(mut request: Request) -> anyhow::Result<Response<Body>> {
    if request.headers().contains_key("x-stop") {
        let mut response = Response::new(box_body(String::new()));
        *response.status_mut() = StatusCode::FORBIDDEN;
        return Ok(response);
    }
    request.headers_mut().remove("host");
    request.headers_mut().append("x-seen-by", HeaderValue::from_static("middleware"));
    let stored = Store::open_default().await.is_ok();
    let mut response = next(request).await?.map(box_body);
    response.headers_mut().append("x-stored", HeaderValue::from_str(&stored.to_string())?);
    Ok(response)
}
