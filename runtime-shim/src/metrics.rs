//! What `/metrics` tells, in Prometheus' text format. The handles of a
//! component are looked up once, so that counting is an addition.

use std::sync::OnceLock;

use http::StatusCode;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Counter, CounterVec, Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter,
    IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};
use rustix::param::page_size;
use rustix::time::{ClockId, clock_gettime};

/// From what a warm answer takes to the deadline of a request, in seconds.
const LATENCY_BUCKETS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
];
/// Status codes are three digits, the first not 0.
const STATUS_CODES: usize = 900;

pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    latency: HistogramVec,
    queue_wait: HistogramVec,
    in_flight: IntGaugeVec,
    rejected: IntCounterVec,
    shared: IntCounterVec,
    traps: IntCounterVec,
    instances: IntGaugeVec,
    instances_made: IntCounterVec,
    memory: IntGaugeVec,
    busy: CounterVec,
    outbound: IntCounterVec,
    sessions: IntGaugeVec,
    session_wait: HistogramVec,
    pub connections: IntGauge,
    /// Requests that no route leads anywhere.
    pub unrouted: RouteMetrics,
}

/// Answers at one route, by status code.
pub struct RouteMetrics {
    requests: IntCounterVec,
    component: String,
    route: String,
    answered: Vec<OnceLock<IntCounter>>,
}

/// The handles of one component.
pub struct ComponentMetrics {
    pub latency: Histogram,
    pub queue_wait: Histogram,
    pub in_flight: IntGauge,
    pub rejected: IntCounter,
    pub shared: IntCounter,
    pub traps: IntCounter,
    pub instances: IntGauge,
    pub instances_made: IntCounter,
    pub memory: IntGauge,
    pub busy: Counter,
    pub outbound: IntCounter,
    pub postgres: PoolMetrics,
    pub mysql: PoolMetrics,
}

/// The handles of one pool of connections to a database.
#[derive(Clone)]
pub struct PoolMetrics {
    pub in_use: IntGauge,
    pub wait: Histogram,
}

impl Metrics {
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let of = "component";
        let counter =
            |name, help| registered(&registry, IntCounterVec::new(Opts::new(name, help), &[of]));
        let gauge = |name, help, label| {
            registered(&registry, IntGaugeVec::new(Opts::new(name, help), &[label]))
        };
        let histogram = |name, help, label| {
            let options = HistogramOpts::new(name, help).buckets(LATENCY_BUCKETS.to_vec());
            registered(&registry, HistogramVec::new(options, &[label]))
        };
        // On the clock, which costs two reads of it; the kernel's count of a thread's CPU time
        // would cost two calls.
        let busy = Opts::new("guest_busy_seconds_total", "Time that instances held their threads");
        let build = gauge("runtime_shim_build_info", "Version of this host", "version")?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let requests = Opts::new("http_requests_total", "Answered requests");
        let requests = IntCounterVec::new(requests, &[of, "route", "status"]);
        let requests = registered(&registry, requests)?;
        let connections = IntGauge::new("http_connections", "Open client connections");
        Ok(Self {
            unrouted: RouteMetrics::new(&requests, "", ""),
            requests,
            latency: histogram("http_request_duration_seconds", "Time to the response head", of)?,
            queue_wait: histogram(
                "http_request_queue_seconds",
                "Time until an instance took the request",
                of,
            )?,
            in_flight: gauge("http_requests_in_flight", "Requests being answered", of)?,
            rejected: counter("http_requests_rejected_total", "Requests told to come back later")?,
            shared: counter(
                "http_shared_cache_hits_total",
                "Requests answered from the shared cache",
            )?,
            traps: counter("guest_traps_total", "Instances that ended in a trap or were stopped")?,
            instances: gauge("guest_instances", "Live instances", of)?,
            instances_made: counter("guest_instances_created_total", "Instances made")?,
            memory: gauge("guest_memory_bytes", "Linear memory of live instances", of)?,
            busy: registered(&registry, CounterVec::new(busy, &[of]))?,
            outbound: counter("outbound_requests_total", "HTTP calls made by components")?,
            sessions: gauge(
                "database_connections_in_use",
                "Connections to a database that guests hold",
                "pool",
            )?,
            session_wait: histogram(
                "database_connection_wait_seconds",
                "Time until a guest got its connection",
                "pool",
            )?,
            connections: registered(&registry, connections)?,
            registry,
        })
    }

    pub fn component(&self, id: &str) -> ComponentMetrics {
        let of = [id];
        ComponentMetrics {
            latency: self.latency.with_label_values(&of),
            queue_wait: self.queue_wait.with_label_values(&of),
            in_flight: self.in_flight.with_label_values(&of),
            rejected: self.rejected.with_label_values(&of),
            shared: self.shared.with_label_values(&of),
            traps: self.traps.with_label_values(&of),
            instances: self.instances.with_label_values(&of),
            instances_made: self.instances_made.with_label_values(&of),
            memory: self.memory.with_label_values(&of),
            busy: self.busy.with_label_values(&of),
            outbound: self.outbound.with_label_values(&of),
            postgres: self.pool(&format!("postgres/{id}")),
            mysql: self.pool(&format!("mysql/{id}")),
        }
    }

    pub fn route(&self, component: &str, route: &str) -> RouteMetrics {
        RouteMetrics::new(&self.requests, component, route)
    }

    pub fn pool(&self, name: &str) -> PoolMetrics {
        PoolMetrics {
            in_use: self.sessions.with_label_values(&[name]),
            wait: self.session_wait.with_label_values(&[name]),
        }
    }

    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut families = self.registry.gather();
        let written = process().and_then(|process| {
            families.extend(process);
            TextEncoder::new().encode(&families, &mut text)
        });
        if let Err(error) = written {
            tracing::error!("metrics cannot be written: {error}");
        }
        text
    }
}

/// What was made, after `registry` has it too.
fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<C>,
) -> prometheus::Result<C> {
    let made = made?;
    registry.register(Box::new(made.clone())).map(|()| made)
}

/// What the kernel says of this process now. The library's own collector counts whole seconds.
fn process() -> prometheus::Result<Vec<MetricFamily>> {
    let cpu = Counter::new("process_cpu_seconds_total", "User and system CPU time")?;
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    cpu.inc_by(spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9);
    let mut families = cpu.collect();
    if let Some(bytes) = resident_bytes() {
        let memory = IntGauge::new("process_resident_memory_bytes", "Resident memory")?;
        memory.set(bytes);
        families.extend(memory.collect());
    }
    Ok(families)
}

/// Only Linux tells (proc(5)).
fn resident_bytes() -> Option<i64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: i64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * i64::try_from(page_size()).ok()?)
}

impl RouteMetrics {
    fn new(requests: &IntCounterVec, component: &str, route: &str) -> Self {
        Self {
            requests: requests.clone(),
            component: component.to_owned(),
            route: route.to_owned(),
            answered: (0..STATUS_CODES).map(|_| OnceLock::new()).collect(),
        }
    }

    pub fn answered(&self, status: StatusCode) {
        let code = usize::from(status.as_u16());
        let Some(place) = self.answered.get(code.wrapping_sub(100)) else { return };
        let labels = [self.component.as_str(), self.route.as_str(), status.as_str()];
        place.get_or_init(|| self.requests.with_label_values(&labels)).inc();
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::Metrics;

    /// The file is what alerts, dashboard and other tools are held against, so a name or a label
    /// that changes here has to change there.
    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_told_is_what_the_tools_know() {
        let metrics = Metrics::new().expect("metrics");
        let _component = metrics.component("board");
        let route = metrics.route("board", "/api/board/...");
        route.answered(StatusCode::OK);
        route.answered(StatusCode::SERVICE_UNAVAILABLE);
        let text = String::from_utf8(metrics.text()).expect("text");
        let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        let mut told: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            // One bucket stands for all.
            .filter(|line| !line.contains("le=\"") || line.contains("le=\"+Inf\""))
            .filter_map(|line| Some(line.rsplit_once(' ')?.0))
            .collect();
        told.sort_unstable();
        let known: Vec<&str> = include_str!("../tests/metrics.txt").lines().collect();
        assert_eq!(told, known, "tests/metrics.txt");
    }
}
