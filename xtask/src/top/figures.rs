//! What two looks at `/metrics` say about the time between them.

use std::collections::BTreeMap;
use std::time::Instant;

use super::exposition::Sample;

/// What a host told, and when.
pub(super) struct Look {
    at: Instant,
    samples: Vec<Sample>,
}

/// Of one host.
#[derive(Default)]
pub(super) struct Figures {
    /// Processors that were busy, on average.
    pub(super) cpu: f64,
    /// Resident bytes.
    pub(super) memory: f64,
    pub(super) connections: f64,
    pub(super) components: BTreeMap<String, Component>,
}

/// Rates are per second.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Component {
    /// Threads that its instances held, on average.
    pub(super) busy: f64,
    /// Bytes of linear memory.
    pub(super) memory: f64,
    pub(super) requests: f64,
    /// Answered 5xx.
    pub(super) errors: f64,
    /// Told to come back later.
    pub(super) refused: f64,
    pub(super) in_flight: f64,
    pub(super) instances: f64,
    /// Seconds; none where nothing was answered.
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
}

impl Look {
    pub(super) fn new(at: Instant, samples: Vec<Sample>) -> Self {
        Self { at, samples }
    }

    /// What happened since `before`; what is now is this look's.
    pub(super) fn since(&self, before: &Self) -> Figures {
        let seconds = (self.at - before.at).as_secs_f64();
        let all = |_: &Sample| true;
        // A host that was started anew counts from zero.
        let rate = |name, wanted: &dyn Fn(&Sample) -> bool| {
            (self.sum(name, wanted) - before.sum(name, wanted)).max(0.0) / seconds
        };
        let component = |id: &str| {
            let own = |sample: &Sample| sample.label("component") == id;
            let failed = |sample: &Sample| own(sample) && sample.label("status").starts_with('5');
            let buckets = self.buckets(before, id);
            Component {
                busy: rate("guest_busy_seconds_total", &own),
                memory: self.sum("guest_memory_bytes", own),
                requests: rate("http_requests_total", &own),
                errors: rate("http_requests_total", &failed),
                refused: rate("http_requests_rejected_total", &own),
                in_flight: self.sum("http_requests_in_flight", own),
                instances: self.sum("guest_instances", own),
                p50: quantile(&buckets, 0.5),
                p99: quantile(&buckets, 0.99),
            }
        };
        let ids = self.samples.iter().filter(|sample| sample.name == "guest_instances");
        Figures {
            cpu: rate("process_cpu_seconds_total", &all),
            memory: self.sum("process_resident_memory_bytes", all),
            connections: self.sum("http_connections", all),
            components: ids
                .map(|sample| sample.label("component").to_owned())
                .map(|id| (id.clone(), component(&id)))
                .collect(),
        }
    }

    fn sum(&self, name: &str, wanted: impl Fn(&Sample) -> bool) -> f64 {
        let samples = self.samples.iter().filter(|sample| sample.name == name && wanted(sample));
        // Nothing is 0, where `sum` makes it -0.
        samples.fold(0.0, |sum, sample| sum + sample.value)
    }

    /// By their upper bounds: how many answers since `before` took that long at most.
    fn buckets(&self, before: &Self, id: &str) -> Vec<(f64, f64)> {
        let name = "http_request_duration_seconds_bucket";
        let own = |sample: &&Sample| sample.name == name && sample.label("component") == id;
        let mut buckets: Vec<(f64, f64)> = self
            .samples
            .iter()
            .filter(own)
            .filter_map(|sample| {
                let bound = sample.label("le");
                let earlier = before.samples.iter().filter(own);
                let earlier = earlier.filter(|sample| sample.label("le") == bound);
                let earlier: f64 = earlier.map(|sample| sample.value).sum();
                Some((bound.parse().ok()?, (sample.value - earlier).max(0.0)))
            })
            .collect();
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        buckets
    }
}

/// As Prometheus' `histogram_quantile`: answers are spread evenly within a bucket, and nothing is
/// known about those above the last bound.
fn quantile(buckets: &[(f64, f64)], quantile: f64) -> Option<f64> {
    let (_, all) = *buckets.last()?;
    let rank = all * quantile;
    let (mut lower, mut below) = (0.0, 0.0);
    for &(bound, count) in buckets {
        if count >= rank && count > below {
            let share = (rank - below) / (count - below);
            return Some(if bound.is_finite() { lower + (bound - lower) * share } else { lower });
        }
        if bound.is_finite() {
            lower = bound;
        }
        below = count;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::exposition::parse;
    use super::{Component, Look, quantile};

    const BEFORE: &str = "process_cpu_seconds_total 10\nprocess_resident_memory_bytes 1000\n\
        http_connections 3\nguest_instances{component=\"a\"} 1\nguest_memory_bytes{component=\"a\"} 5\n\
        guest_busy_seconds_total{component=\"a\"} 1\nhttp_requests_in_flight{component=\"a\"} 0\n\
        http_requests_total{component=\"a\",route=\"/\",status=\"200\"} 100\n\
        http_requests_rejected_total{component=\"a\"} 7\n\
        http_request_duration_seconds_bucket{component=\"a\",le=\"0.001\"} 100\n\
        http_request_duration_seconds_bucket{component=\"a\",le=\"+Inf\"} 100\n";
    const AFTER: &str = "process_cpu_seconds_total 11\nprocess_resident_memory_bytes 2000\n\
        http_connections 4\nguest_instances{component=\"a\"} 2\nguest_memory_bytes{component=\"a\"} 6\n\
        guest_busy_seconds_total{component=\"a\"} 2\nhttp_requests_in_flight{component=\"a\"} 1\n\
        http_requests_total{component=\"a\",route=\"/\",status=\"200\"} 140\n\
        http_requests_total{component=\"a\",route=\"/\",status=\"503\"} 20\n\
        http_requests_rejected_total{component=\"a\"} 27\n\
        http_request_duration_seconds_bucket{component=\"a\",le=\"0.001\"} 160\n\
        http_request_duration_seconds_bucket{component=\"a\",le=\"+Inf\"} 160\n\
        http_requests_total{component=\"\",route=\"\",status=\"404\"} 9\n";

    fn looks() -> (Look, Look) {
        let at = Instant::now();
        let later = at + Duration::from_secs(2);
        (Look::new(at, parse(BEFORE)), Look::new(later, parse(AFTER)))
    }

    #[test]
    fn rates_are_per_second_and_gauges_are_as_they_stand() {
        let (before, after) = looks();
        let figures = after.since(&before);
        assert_eq!((figures.cpu, figures.memory, figures.connections), (0.5, 2000.0, 4.0));
        let expected = Component {
            busy: 0.5,
            memory: 6.0,
            requests: 30.0,
            errors: 10.0,
            refused: 10.0,
            in_flight: 1.0,
            instances: 2.0,
            p50: Some(0.0005),
            p99: Some(0.00099),
        };
        assert_eq!(
            figures.components.into_iter().collect::<Vec<_>>(),
            [("a".to_owned(), expected)]
        );
    }

    #[test]
    fn a_host_that_was_started_anew_has_no_negative_rates() {
        let (before, after) = looks();
        let backwards = Look::new(after.at + Duration::from_secs(1), before.samples);
        let figures = backwards.since(&after);
        assert_eq!((figures.cpu, figures.components["a"].requests), (0.0, 0.0));
        assert_eq!(figures.components["a"].p99, None);
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        let infinity = f64::INFINITY;
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[(1.0, 0.0), (infinity, 0.0)], 0.5), None);
        assert_eq!(quantile(&[(1.0, 10.0), (2.0, 20.0), (infinity, 20.0)], 0.75), Some(1.5));
        assert_eq!(quantile(&[(1.0, 10.0), (infinity, 20.0)], 0.99), Some(1.0));
        assert_eq!(quantile(&[(1.0, 0.0), (2.0, 4.0), (infinity, 4.0)], 0.0), Some(1.0));
    }
}
