//! The exporter. Its library keeps a bounded queue and a thread of its own; what does not fit is
//! dropped, so that a slow collector slows nobody down.

use std::env;
use std::time::SystemTime;

use anyhow::{Context, Result};
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor,
};

use super::{Kind, Span};

/// The variables that name a collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

pub struct Spans(BatchSpanProcessor);

impl Spans {
    /// `None` where no collector is named. The library reads this and the other `OTEL_`
    /// variables of the specification.
    pub fn from_environment() -> Result<Option<Self>> {
        let Some(endpoint) = ENDPOINTS.iter().find(|name| env::var_os(name).is_some()) else {
            return Ok(None);
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .build()
            .with_context(|| (*endpoint).to_owned())?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        let resource = match env::var("OTEL_SERVICE_NAME") {
            Ok(_) => Resource::builder().build(),
            Err(_) => Resource::builder().with_service_name("runtime-shim").build(),
        };
        processor.set_resource(&resource);
        Ok(Some(Self(processor)))
    }

    /// Sends what is left.
    pub fn finish(&self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!("the last spans were not sent: {error}");
        }
    }

    pub(crate) fn record(&self, span: Span<'_>) {
        if !span.trace.sampled {
            return;
        }
        let ended = SystemTime::now();
        let (kind, place) = match span.kind {
            Kind::Request => (SpanKind::Server, "http.route"),
            Kind::Call => (SpanKind::Client, "server.address"),
        };
        let mut attributes = vec![
            KeyValue::new("http.request.method", span.method.to_string()),
            KeyValue::new(place, span.place.to_owned()),
            KeyValue::new("spin.component", span.component.to_owned()),
        ];
        if let Some(status) = span.status {
            attributes.push(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        }
        let failed = span.status.is_none_or(|status| status.is_server_error());
        self.0.on_end(SpanData {
            span_context: SpanContext::new(
                TraceId::from(span.trace.id),
                SpanId::from(span.trace.span),
                TraceFlags::SAMPLED,
                false,
                TraceState::default(),
            ),
            parent_span_id: SpanId::from(span.trace.parent),
            parent_span_is_remote: span.kind == Kind::Request,
            span_kind: kind,
            name: format!("{} {}", span.method, span.place).into(),
            start_time: ended.checked_sub(span.duration).unwrap_or(ended),
            end_time: ended,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: if failed { Status::error("") } else { Status::Unset },
            instrumentation_scope: InstrumentationScope::builder("runtime-shim").build(),
        });
    }
}
