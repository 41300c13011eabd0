use axum::response::Response;
use spin_sdk::{http::Request, http_service};

#[http_service]
async fn handle(request: Request) -> Response {
    api::serve(axum::Router::new().route("/api/board/posts", axum::routing::get(list)).fallback(api::not_found), request).await
}

async fn list() -> api::Result<String> {
    let db = database::Database::open("sqlite:default").await.map_err(api::Problem::internal)?;
    let rows = db.query("select 1", []).await.map_err(api::Problem::internal)?;
    let x: api::Result<i64> = db.transaction(async |db: &database::Database| {
        db.query_one("select 2", []).await.map_err(|e| E(api::Problem::internal(e)))?;
        Ok(3)
    }).await.map_err(|e: E| e.0);
    Ok(format!("{} {}", rows[0].integer(0).unwrap(), x?))
}
struct E(api::Problem);
impl From<database::Error> for E { fn from(e: database::Error) -> E { E(api::Problem::internal(e)) } }
