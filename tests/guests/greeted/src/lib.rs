//! A component that answers with what its dependency says, and what middleware wrote on the request.
//! Everybody may be given the same answer.

mod parts {
    wit_bindgen::generate!({ path: "../greeter/wit", world: "user" });
}

use parts::test::parts::greeter;
use spin_sdk::http::{HeaderValue, Request, Response};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> Response<String> {
    let seen = request.headers().get_all("x-seen-by").iter();
    let seen: Vec<_> = seen.map(|value| value.to_str().unwrap_or_default()).collect();
    let language = std::env::var("LANGUAGE").unwrap_or_default();
    let greeting = greeter::greet(request.uri().path());
    let mut response = Response::new(format!("{greeting} | {} | {language}", seen.join(",")));
    let shared = HeaderValue::from_static("public, s-maxage=60");
    response.headers_mut().insert("cache-control", shared);
    response
}
