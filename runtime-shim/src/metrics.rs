//! What `/metrics` tells, in Prometheus' text format. The handles of a
//! component are looked up once, so that counting is an addition.

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

/// From what a warm answer takes to the deadline of a request, in seconds.
const LATENCY_BUCKETS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    latency: HistogramVec,
    in_flight: IntGaugeVec,
    rejected: IntCounterVec,
    traps: IntCounterVec,
    instances: IntGaugeVec,
    instances_made: IntCounterVec,
    outbound: IntCounterVec,
    pub connections: IntGauge,
}

/// The handles of one component.
pub struct ComponentMetrics {
    /// By status class, `CLASSES`.
    requests: [IntCounter; 5],
    pub latency: Histogram,
    pub in_flight: IntGauge,
    pub rejected: IntCounter,
    pub traps: IntCounter,
    pub instances: IntGauge,
    pub instances_made: IntCounter,
    pub outbound: IntCounter,
}

impl Metrics {
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone())).map(|()| counter)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone())).map(|()| gauge)
        };
        let buckets =
            HistogramOpts::new("http_request_duration_seconds", "Time to the response head")
                .buckets(LATENCY_BUCKETS.to_vec());
        let latency = HistogramVec::new(buckets, &["component"])?;
        registry.register(Box::new(latency.clone()))?;
        let connections = IntGauge::new("http_connections", "Open client connections")?;
        registry.register(Box::new(connections.clone()))?;
        let build = gauge("runtime_shim_build_info", "Version of this host", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let of = ["component"];
        Ok(Self {
            requests: counter(
                "http_requests_total",
                "Answered requests",
                &["component", "status"],
            )?,
            latency,
            in_flight: gauge("http_requests_in_flight", "Requests being answered", &of)?,
            rejected: counter(
                "http_requests_rejected_total",
                "Requests told to come back later",
                &of,
            )?,
            traps: counter(
                "guest_traps_total",
                "Instances that ended in a trap or were stopped",
                &of,
            )?,
            instances: gauge("guest_instances", "Live instances", &of)?,
            instances_made: counter("guest_instances_created_total", "Instances made", &of)?,
            outbound: counter("outbound_requests_total", "HTTP calls made by components", &of)?,
            connections,
            registry,
        })
    }

    pub fn component(&self, id: &str) -> ComponentMetrics {
        let of = [id];
        ComponentMetrics {
            requests: CLASSES.map(|class| self.requests.with_label_values(&[id, class])),
            latency: self.latency.with_label_values(&of),
            in_flight: self.in_flight.with_label_values(&of),
            rejected: self.rejected.with_label_values(&of),
            traps: self.traps.with_label_values(&of),
            instances: self.instances.with_label_values(&of),
            instances_made: self.instances_made.with_label_values(&of),
            outbound: self.outbound.with_label_values(&of),
        }
    }

    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!("metrics cannot be written: {error}");
        }
        text
    }
}

impl ComponentMetrics {
    pub fn answered(&self, status: http::StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len());
        self.requests[class - 1].inc();
    }
}
