//! Serves Spin applications on wasmtime. See `main.rs` for the order of things,
//! `request.rs` for one request's way, `limits.rs` for every limit.

pub mod admin;
mod allow_list;
mod answer;
pub mod app;
mod body;
pub mod config;
mod connection;
mod core;
mod database;
mod engine;
pub mod files;
mod guest;
mod guest_output;
pub mod host;
mod imports;
mod instances;
pub mod limits;
pub mod locked_app;
pub mod log;
mod manifest;
pub mod metrics;
pub mod migration;
mod mysql;
mod native_code;
pub mod net;
pub mod otlp;
mod postgres;
mod request;
mod route;
mod runtime_config;
pub mod server;
mod session_pool;
mod shared_cache;
mod trace;
mod variables;
pub mod watch;
