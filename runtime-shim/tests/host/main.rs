//! The host as its users meet it: the real program, real HTTP, a guest that
//! has a route per behaviour (`tests/guests/conformance`).

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod configuration;
mod containment;
mod lifecycle;
mod postgres;
mod mysql;
mod serving;
mod sqlite;
mod support;
