//! Prometheus' text format, as far as our host writes it: a sample a line, without timestamps.
//!
//! The kept parsers bring regular expressions and calendars, which a newcomer's first build would
//! have to wait for.

use std::collections::BTreeMap;

/// One series and its value.
#[derive(Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

impl Sample {
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// Lines that are no sample are passed over, as scrapers do with what they do not know.
pub(super) fn parse(text: &str) -> Vec<Sample> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, labels(rest.strip_suffix('}')?)?),
        None => (series, BTreeMap::new()),
    };
    Some(Sample { name: name.to_owned(), labels, value: value.parse().ok()? })
}

fn labels(mut text: &str) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let (value, rest) = quoted(rest)?;
        labels.insert(name.to_owned(), value);
        text = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(labels)
}

/// A value up to its closing quotation mark, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_labels_and_values_are_told_apart() {
        let text = "# HELP a Some text\n# TYPE a counter\na 1\nb{c=\"d\",e=\"f,}\\\"\\\\\\n\"} 2.5e-1\n\
                    h_bucket{le=\"+Inf\"} 7\ng NaN\n";
        let samples = parse(text);
        let values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
        assert_eq!(values[..3], [1.0, 0.25, 7.0]);
        assert!(values[3].is_nan());
        assert_eq!((samples[1].name.as_str(), samples[1].label("c")), ("b", "d"));
        assert_eq!(samples[1].label("e"), "f,}\"\\\n");
        assert_eq!((samples[2].label("le"), samples[0].label("le")), ("+Inf", ""));
    }

    #[test]
    fn what_is_no_sample_is_passed_over() {
        assert_eq!(parse("\na\na b\na{ 1\na{b=\"c} 1\na{b=\"c\\\"} 1\na{b} 1\n<html>\n"), []);
    }

    #[test]
    fn everything_that_the_host_tells_is_understood() {
        let known = include_str!("../../../runtime-shim/tests/metrics.txt");
        let text: String = known.lines().map(|series| format!("{series} 0\n")).collect();
        assert_eq!(parse(&text).len(), known.lines().count());
    }
}
