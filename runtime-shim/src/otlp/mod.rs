//! Spans for a collector, by OTLP over HTTP: <https://opentelemetry.io/docs/specs/otlp/>. The
//! cargo feature `otlp` compiles the exporter in; the environment says where it sends to.

#[cfg(feature = "otlp")]
mod exporter;
#[cfg(feature = "otlp")]
pub use exporter::Spans;

use std::time::Duration;

use http::{Method, StatusCode};

use crate::trace::TraceContext;

/// Without the feature there are none.
#[cfg(not(feature = "otlp"))]
pub enum Spans {}

#[cfg(not(feature = "otlp"))]
impl Spans {
    /// Says so where spans were expected.
    pub fn from_environment() -> anyhow::Result<Option<Self>> {
        if std::env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
            tracing::warn!("OTEL_EXPORTER_OTLP_ENDPOINT: this host is built without `otlp`");
        }
        Ok(None)
    }

    pub fn finish(&self) {
        match *self {}
    }

    pub(crate) fn record(&self, _: Span<'_>) {
        match *self {}
    }
}

/// A request that was answered, or a call that a component made.
#[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "read by the exporter"))]
pub(crate) struct Span<'a> {
    pub trace: TraceContext,
    pub kind: Kind,
    pub component: &'a str,
    pub method: &'a Method,
    /// The route of a request, the host of a call.
    pub place: &'a str,
    /// `None`: there was no answer.
    pub status: Option<StatusCode>,
    pub duration: Duration,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Request,
    Call,
}
