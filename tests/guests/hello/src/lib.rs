//! The smallest component: what a request costs when nothing is done for it.

use spin_sdk::http::Request;
use spin_sdk::http_service;

#[http_service]
async fn handle(_request: Request) -> &'static str {
    "Hello, world"
}
