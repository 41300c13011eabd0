//! What the component of `loadtest/component` does, as a program that nothing isolates: the floor
//! that the host is compared with. One thread per core with its own listener and its own database
//! connections, prepared statements, SQLite in WAL: as fast as these libraries go.

mod mariadb;
mod postgres;
mod sqlite;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Json;
use axum::routing::{get, post};
use clap::Parser;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tower_service::Service;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connections that the kernel has accepted and no thread has taken.
const BACKLOG: i32 = 1024;

const SELECT: &str = "SELECT id, score, name FROM measured ORDER BY id LIMIT ";
const INSERT: &str = "INSERT INTO inserted (id, score, name) VALUES ";
const NAME: &str = "a name of some length";

#[derive(Parser)]
struct Options {
    #[arg(long)]
    listen: SocketAddr,
    /// Made and filled where it is not there
    #[arg(long)]
    sqlite: PathBuf,
    /// Of a database in which the component has prepared its tables
    #[arg(long, env = "NATIVE_POSTGRES_URL")]
    postgres: Option<String>,
    #[arg(long, env = "NATIVE_MARIADB_URL")]
    mariadb: Option<String>,
}

#[derive(Serialize)]
struct Line {
    id: i64,
    score: i64,
    name: String,
}

/// Of one thread.
struct Databases {
    sqlite: sqlite::Database,
    postgres: Option<postgres::Database>,
    mariadb: Option<mariadb::Database>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    sqlite::prepare(&options.sqlite)?;
    let cores = std::thread::available_parallelism()?.get();
    let threads: Vec<_> = (0..cores)
        .map(|_| {
            let (listen, sqlite) = (options.listen, options.sqlite.clone());
            let (postgres, mariadb) = (options.postgres.clone(), options.mariadb.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(async {
                    let databases = Databases {
                        sqlite: sqlite::Database::open(&sqlite)?,
                        postgres: match postgres {
                            Some(url) => Some(postgres::Database::connect(&url).await?),
                            None => None,
                        },
                        mariadb: mariadb.map(|url| mariadb::Database::new(&url)).transpose()?,
                    };
                    serve(listener(listen)?, databases).await
                })
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
    }
    Ok(())
}

/// Several threads listen on the same address; the kernel shares connections out.
fn listener(address: SocketAddr) -> Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into()).with_context(|| format!("{address}"))?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into())?)
}

async fn serve(listener: TcpListener, databases: Databases) -> Result<()> {
    let router = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/variable/{times}", get(|| async { "annyeong" }))
        .route("/rows/{database}/{count}", get(rows))
        .route("/insert/{database}", post(insert))
        .with_state(Arc::new(databases));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let router = router.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let answered = router.clone().call(request.map(axum::body::Body::new));
                async move { Ok::<_, Infallible>(answered.await.unwrap_or_else(|e| match e {})) }
            });
            // An error is a client that left.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type Answer<T> = Result<T, (StatusCode, String)>;

fn failed(error: anyhow::Error) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}"))
}

const ABSENT: (StatusCode, String) = (StatusCode::NOT_FOUND, String::new());

async fn rows(
    State(databases): State<Arc<Databases>>,
    Path((database, count)): Path<(String, i64)>,
) -> Answer<Json<Vec<Line>>> {
    let lines = match database.as_str() {
        "sqlite" => databases.sqlite.rows(count),
        "postgres" => databases.postgres.as_ref().ok_or(ABSENT)?.rows(count).await,
        "mariadb" => databases.mariadb.as_ref().ok_or(ABSENT)?.rows(count).await,
        _ => return Err(ABSENT),
    };
    lines.map(Json).map_err(failed)
}

async fn insert(
    State(databases): State<Arc<Databases>>,
    Path(database): Path<String>,
) -> Answer<&'static str> {
    let id = uuid::Uuid::now_v7().to_string();
    let inserted = match database.as_str() {
        "sqlite" => databases.sqlite.insert(&id),
        "postgres" => databases.postgres.as_ref().ok_or(ABSENT)?.insert(id).await,
        "mariadb" => databases.mariadb.as_ref().ok_or(ABSENT)?.insert(id).await,
        _ => return Err(ABSENT),
    };
    inserted.map(|()| "inserted").map_err(failed)
}
