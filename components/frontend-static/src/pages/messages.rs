//! What the scripts say. The texts stand with all the others; a page hands them over as JSON.

use std::collections::BTreeMap;

use api::Problem;
use serde::Serialize;

use crate::texts::{Messages, Texts};

/// Mistakes that review finds in a statement, by field and code.
const MISTAKES: &[(&str, &[&str])] = &[
    ("title", &["required", "too_short", "too_long", "control_character", "not_normalised"]),
    ("body", &["required", "too_short", "too_long", "control_character", "not_normalised"]),
    ("statement", &["required", "too_short", "too_long", "control_character", "not_normalised"]),
    ("stars", &["required"]),
    ("stars.treatment", &["required"]),
    ("stars.explanation", &["required"]),
    ("stars.kindness", &["required"]),
    ("stars.facilities", &["required"]),
    ("stars.cost", &["required"]),
    ("stars.honesty", &["required"]),
    ("", &["other"]),
];

/// Refusals that name no field, by code.
const REFUSALS: &[&str] = &[
    "hospital_closed",
    "key_banned",
    "no_proof",
    "not_hidden",
    "not_this_year",
    "pass_already_issued",
    "pass_already_used",
    "pass_invalid",
    "proof_expired",
    "review_removed",
    "revision_too_low",
    "too_many_requests",
    "unauthorized",
];

#[derive(Serialize)]
struct All<'a> {
    #[serde(flatten)]
    messages: &'a Messages,
    mistakes: BTreeMap<String, String>,
    refusals: BTreeMap<&'static str, &'static str>,
}

/// For a `<script type="application/json">`, which nothing in it can end.
pub(crate) fn json(t: &Texts) -> Result<String, Problem> {
    let mistakes = MISTAKES.iter().flat_map(|(field, codes)| {
        codes.iter().map(move |code| (format!("{field}/{code}"), (t.field_error)(field, code)))
    });
    let refusals = REFUSALS.iter().filter_map(|code| Some((*code, (t.refusal)(code)?)));
    let all =
        All { messages: &t.messages, mistakes: mistakes.collect(), refusals: refusals.collect() };
    let json = serde_json::to_string(&all).map_err(Problem::internal)?;
    Ok(json.replace('<', "\\u003c"))
}

#[cfg(test)]
mod tests {
    use super::{REFUSALS, json};
    use crate::texts::{EN, KO};

    #[test]
    fn every_refusal_is_explained_in_each_language_and_nothing_ends_the_script() {
        for t in [&KO, &EN] {
            let unexplained: Vec<_> =
                REFUSALS.iter().filter(|code| (t.refusal)(code).is_none()).collect();
            assert!(unexplained.is_empty(), "{unexplained:?}");
            assert!(!json(t).unwrap().contains('<'));
        }
    }
}
