//! What Lighthouse found, and what was to be found.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A column of the table.
pub(super) struct Figure {
    pub(super) name: &'static str,
    /// Where it stands in Lighthouse's report.
    pointer: &'static str,
    /// Scores are told from 0 to 1, and shown from 0 to 100.
    factor: f64,
    pub(super) decimals: usize,
    goal: Goal,
    /// What the seed of the project aimed at, and what it got.
    pub(super) seed: [Option<f64>; 2],
}

enum Goal {
    AtLeast(f64),
    /// On a desktop, and on a phone where there is one.
    AtMost(f64, Option<f64>),
    None,
}

const fn score(name: &'static str, pointer: &'static str) -> Figure {
    let (goal, seed) = (Goal::AtLeast(100.0), [None, None]);
    Figure { name, pointer, factor: 100.0, decimals: 0, goal, seed }
}

const fn milliseconds(
    name: &'static str,
    pointer: &'static str,
    goal: Goal,
    seed: [Option<f64>; 2],
) -> Figure {
    Figure { name, pointer, factor: 1.0, decimals: 0, goal, seed }
}

pub(super) const FIGURES: [Figure; 10] = [
    Figure { seed: [None, Some(98.0)], ..score("performance", "/categories/performance/score") },
    score("accessibility", "/categories/accessibility/score"),
    score("best practices", "/categories/best-practices/score"),
    score("SEO", "/categories/seo/score"),
    milliseconds(
        "FCP ms",
        "/audits/first-contentful-paint/numericValue",
        Goal::AtMost(300.0, Some(900.0)),
        [Some(800.0), Some(500.0)],
    ),
    milliseconds(
        "LCP ms",
        "/audits/largest-contentful-paint/numericValue",
        Goal::None,
        [None, None],
    ),
    milliseconds(
        "TTI ms",
        "/audits/interactive/numericValue",
        Goal::AtMost(400.0, None),
        [Some(1000.0), None],
    ),
    milliseconds(
        "TBT ms",
        "/audits/total-blocking-time/numericValue",
        Goal::AtMost(0.0, None),
        [Some(800.0), Some(0.0)],
    ),
    milliseconds(
        "max potential FID ms",
        "/audits/max-potential-fid/numericValue",
        Goal::AtMost(50.0, None),
        [Some(800.0), None],
    ),
    Figure {
        decimals: 3,
        ..milliseconds(
            "CLS",
            "/audits/cumulative-layout-shift/numericValue",
            Goal::AtMost(0.0, Some(0.0)),
            [None, None],
        )
    },
];

impl Figure {
    pub(super) fn of(&self, report: &Value) -> Result<f64> {
        let value = report.pointer(self.pointer).and_then(Value::as_f64);
        Ok(value.with_context(|| format!("Lighthouse does not say {}", self.pointer))?
            * self.factor)
    }

    pub(super) fn shown(&self, value: f64) -> String {
        format!("{value:.*}", self.decimals)
    }

    /// The bound that holds for a preset.
    fn bound(&self, desktop: bool) -> Option<f64> {
        match self.goal {
            Goal::AtLeast(least) => Some(least),
            Goal::AtMost(on_desktop, _) if desktop => Some(on_desktop),
            Goal::AtMost(_, on_phone) => on_phone,
            Goal::None => None,
        }
    }

    pub(super) fn goal(&self, desktop: bool) -> Option<String> {
        let bound = self.shown(self.bound(desktop)?);
        Some(if matches!(self.goal, Goal::AtLeast(_)) { bound } else { format!("≤ {bound}") })
    }

    /// By what is shown: nobody means a fraction of a millisecond.
    pub(super) fn is_missed(&self, value: f64, desktop: bool) -> bool {
        let Some(bound) = self.bound(desktop) else { return false };
        let shown = self.shown(value).parse().unwrap_or(value);
        if matches!(self.goal, Goal::AtLeast(_)) { shown < bound } else { shown > bound }
    }
}

/// Every figure of one report, in the order of [`FIGURES`].
pub(super) fn all(report: &Value) -> Result<Vec<f64>> {
    if let Some(message) = report.pointer("/runtimeError/message").and_then(Value::as_str) {
        bail!("Lighthouse: {message}");
    }
    FIGURES.iter().map(|figure| figure.of(report)).collect()
}

/// What keeps a score below 100: audits that count and were not passed.
pub(super) fn failures(report: &Value) -> BTreeSet<String> {
    let categories = report["categories"].as_object().into_iter().flatten();
    let audits = categories.flat_map(|(_, category)| {
        category["auditRefs"].as_array().map(Vec::as_slice).unwrap_or_default()
    });
    audits
        .filter(|audit| audit["weight"].as_f64().is_some_and(|weight| weight > 0.0))
        .filter_map(|audit| audit["id"].as_str())
        .filter(|id| report["audits"][id]["score"].as_f64().is_some_and(|score| score < 0.995))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FIGURES, all, failures};

    fn report(score: f64) -> serde_json::Value {
        let value = json!({ "numericValue": 300.4, "score": score });
        json!({
            "categories": {
                "performance": { "score": score, "auditRefs": [
                    { "id": "first-contentful-paint", "weight": 10 }, { "id": "interactive", "weight": 0 },
                ] },
                "accessibility": { "score": 1 }, "best-practices": { "score": 1 }, "seo": { "score": 1 },
            },
            "audits": {
                "first-contentful-paint": value, "largest-contentful-paint": value, "interactive": value,
                "total-blocking-time": value, "max-potential-fid": value, "cumulative-layout-shift": value,
            },
        })
    }

    #[test]
    fn figures_are_read_from_where_lighthouse_tells_them() {
        let figures = all(&report(0.98)).unwrap();
        assert_eq!(figures[..4], [98.0, 100.0, 100.0, 100.0]);
        assert_eq!(figures[4..], [300.4; 6]);
        assert!(all(&json!({ "categories": {} })).is_err());
        let failed = json!({ "runtimeError": { "message": "no page" } });
        assert!(format!("{:#}", all(&failed).unwrap_err()).contains("no page"));
    }

    #[test]
    fn a_goal_is_missed_by_what_is_shown() {
        let [performance, .., fcp, _, tti, _, _, _] = &FIGURES;
        assert!(performance.is_missed(99.0, true) && !performance.is_missed(100.0, false));
        assert!(!fcp.is_missed(300.4, true) && fcp.is_missed(301.0, true));
        assert!(!fcp.is_missed(900.0, false) && !tti.is_missed(9_000.0, false));
        assert_eq!(fcp.goal(true).as_deref(), Some("≤ 300"));
        assert_eq!(tti.goal(false), None);
    }

    #[test]
    fn what_was_not_passed_is_named_unless_it_does_not_count() {
        assert!(failures(&report(1.0)).is_empty());
        assert_eq!(
            failures(&report(0.5)).into_iter().collect::<Vec<_>>(),
            ["first-contentful-paint"]
        );
    }
}
