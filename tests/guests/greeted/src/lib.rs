//! A component that answers with what its dependency says, and what middleware wrote on the request.

mod parts {
    wit_bindgen::generate!({ path: "../greeter/wit", world: "user" });
}

use parts::test::parts::greeter;
use spin_sdk::http::Request;
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> String {
    let seen = request.headers().get_all("x-seen-by").iter();
    let seen: Vec<_> = seen.map(|value| value.to_str().unwrap_or_default()).collect();
    let language = std::env::var("LANGUAGE").unwrap_or_default();
    format!("{} | {} | {language}", greeter::greet(request.uri().path()), seen.join(","))
}
