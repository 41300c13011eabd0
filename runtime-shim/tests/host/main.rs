//! The host as its users meet it: the real program, real HTTP, a guest that
//! has a route per behaviour (`tests/guests/conformance`).

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod client_tls;
mod composition;
mod configuration;
mod containment;
mod download;
mod earlier;
mod lifecycle;
mod mysql;
mod postgres;
mod program;
mod serving;
mod shared_cache;
mod sqlite;
mod support;
mod unversioned;
