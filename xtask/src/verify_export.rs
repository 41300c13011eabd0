//! Checks a file of `/api/review/export.ndjson` without asking anybody: see `docs/passes.md`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use canonical::{Action, ModerationAct, NO_PREVIOUS, PassKey, Statement};
use clap::Args;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::Deserialize;
use uuid::Uuid;

/// No line of ours is longer: a body of 5,000 characters takes at most 60,000 bytes as JSON.
const MAX_LINE_BYTES: u64 = 1 << 20;

#[derive(Args)]
pub(crate) struct Options {
    /// What GET /api/review/export.ndjson answered
    file: PathBuf,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Key {
        index: i64,
        hospital_id: String,
        year: i64,
        public_key: String,
        previous: String,
        hash: String,
    },
    Act {
        index: i64,
        day: String,
        act: String,
        hospital_id: String,
        review_id: String,
        reason: String,
        previous: String,
        hash: String,
    },
    Review(Review),
    End {
        keys: usize,
        acts: usize,
        reviews: usize,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Review {
    id: String,
    hospital_id: String,
    year: i64,
    revision: i64,
    title: String,
    body: String,
    stars: Stars,
    public_key: String,
    signature: String,
    month: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stars {
    treatment: i64,
    explanation: i64,
    kindness: i64,
    facilities: i64,
    cost: i64,
    honesty: i64,
}

/// What was read so far, and holds.
#[derive(Default)]
struct Checked {
    /// Hospital and year of each key of the log.
    keys: HashSet<(String, i64)>,
    last_key: Option<String>,
    acts: usize,
    last_act: Option<String>,
    reviews: HashSet<String>,
    review_keys: HashSet<String>,
    ended: bool,
}

/// Says what holds, or which line is the first that does not.
pub(crate) fn run(options: &Options) -> Result<()> {
    let name = options.file.display();
    let file = File::open(&options.file).with_context(|| format!("{name}"))?;
    let checked = check(BufReader::new(file)).with_context(|| format!("{name}"))?;
    println!(
        "{name}: {} reviews are signed by their keys, {} pass keys and {} acts are chained",
        checked.reviews.len(),
        checked.keys.len(),
        checked.acts
    );
    if let Some(hash) = &checked.last_key {
        println!("last pass key: {hash}");
    }
    if let Some(hash) = &checked.last_act {
        println!("last act: {hash}");
    }
    Ok(())
}

fn check(mut file: impl BufRead) -> Result<Checked> {
    let mut checked = Checked::default();
    for number in 1_u64.. {
        let mut line = String::new();
        let read = (&mut file).take(MAX_LINE_BYTES).read_line(&mut line);
        if read.with_context(|| format!("line {number}"))? == 0 {
            ensure!(
                checked.ended,
                "line {number}: the file ends without its end, so it is not whole"
            );
            return Ok(checked);
        }
        checked.take(&line).with_context(|| format!("line {number}"))?;
    }
    bail!("no file is so long")
}

impl Checked {
    fn take(&mut self, line: &str) -> Result<()> {
        ensure!(!self.ended, "something follows the end");
        ensure!(line.ends_with('\n'), "the line breaks off");
        match serde_json::from_str(line).context("not a line of an export")? {
            Line::Key { index, hospital_id, year, public_key, previous, hash } => {
                ensure!(self.acts == 0 && self.reviews.is_empty(), "a pass key after the key log");
                let entry = PassKey {
                    index,
                    hospital_id: &hospital_id,
                    year,
                    public_key: &public_key,
                    previous: &previous,
                };
                follows("key log", index, &previous, self.keys.len(), self.last_key.as_deref())?;
                ensure!(
                    entry.hash() == hash,
                    "the key log: this entry's hash is not that of its fields"
                );
                let is_new = self.keys.insert((hospital_id.clone(), year));
                ensure!(is_new, "the key log has two keys of {hospital_id} for {year}");
                self.last_key = Some(hash);
            }
            Line::Act { index, day, act, hospital_id, review_id, reason, previous, hash } => {
                ensure!(self.reviews.is_empty(), "an act after the moderation log");
                let entry = ModerationAct {
                    index,
                    day: &day,
                    act: &act,
                    hospital_id: &hospital_id,
                    review_id: &review_id,
                    reason: &reason,
                    previous: &previous,
                };
                follows("moderation log", index, &previous, self.acts, self.last_act.as_deref())?;
                ensure!(
                    entry.hash() == hash,
                    "the moderation log: this entry's hash is not that of its fields"
                );
                self.acts += 1;
                self.last_act = Some(hash);
            }
            Line::Review(review) => self.review(review)?,
            Line::End { keys, acts, reviews } => {
                let there = (self.keys.len(), self.acts, self.reviews.len());
                ensure!(
                    (keys, acts, reviews) == there,
                    "the end counts {keys} keys, {acts} acts and {reviews} reviews, but there are {}, {} and {}",
                    there.0,
                    there.1,
                    there.2
                );
                self.ended = true;
            }
        }
        Ok(())
    }

    fn review(&mut self, review: Review) -> Result<()> {
        let Review { id, hospital_id, year, public_key, .. } = &review;
        ensure!(Uuid::parse_str(id).is_ok(), "the review's id is no UUID");
        ensure!(is_month(&review.month), "the review's month is none");
        ensure!(
            self.keys.contains(&(hospital_id.clone(), *year)),
            "the key log has no key of {hospital_id} for {year}, so no pass for this review"
        );
        ensure!(review.is_signed(), "the signature is not the key's for this text");
        ensure!(
            self.review_keys.insert(public_key.clone()),
            "the review key {public_key} has written a second review"
        );
        ensure!(self.reviews.insert(id.clone()), "the review {id} is there twice");
        Ok(())
    }
}

/// Whether an entry is the next one of its chain, of which `count` are there.
fn follows(log: &str, index: i64, previous: &str, count: usize, last: Option<&str>) -> Result<()> {
    let expected = count + 1;
    ensure!(
        usize::try_from(index) == Ok(expected),
        "the {log}: entry {index} stands where {expected} should"
    );
    ensure!(
        previous == last.unwrap_or(NO_PREVIOUS),
        "the {log}: entry {index} does not follow the entry before it"
    );
    Ok(())
}

fn is_month(text: &str) -> bool {
    let month = text.split_once('-').and_then(|(year, month)| {
        let digits = year.len() == 4 && month.len() == 2;
        digits.then_some((year.parse::<u16>().ok()?, month.parse::<u8>().ok()?))
    });
    month.is_some_and(|(_, month)| (1..=12).contains(&month))
}

impl Review {
    fn is_signed(&self) -> bool {
        let Stars { treatment, explanation, kindness, facilities, cost, honesty } = self.stars;
        let stars = [treatment, explanation, kindness, facilities, cost, honesty];
        let statement = Statement {
            hospital_id: &self.hospital_id,
            year: self.year,
            revision: self.revision,
            action: Action::Publish { title: &self.title, body: &self.body, stars },
        };
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let key = bytes(&self.public_key).and_then(|bytes| bytes.try_into().ok());
        let key = key.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        let signature = bytes(&self.signature).and_then(|bytes| Signature::from_slice(&bytes).ok());
        let (Some(key), Some(signature)) = (key, signature) else { return false };
        stars.iter().all(|star| (1..=5).contains(star))
            && key.verify_strict(&statement.message(), &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};
    use serde_json::{Value, json};

    use super::*;

    fn keys() -> Vec<Value> {
        chain(&[("SYN-0001", 2026), ("SYN-0002", 2026)], |index, (hospital_id, year), previous| {
            let public_key = URL_SAFE_NO_PAD.encode([7; 32]);
            let entry =
                PassKey { index, hospital_id, year: *year, public_key: &public_key, previous };
            json!({ "type": "key", "index": index, "hospital_id": hospital_id, "year": year,
                    "public_key": public_key, "previous": previous, "hash": entry.hash() })
        })
    }

    fn acts() -> Vec<Value> {
        chain(&["hidden", "restored"], |index, act, previous| {
            let (day, hospital_id, review_id) = ("2026-11-24", "SYN-0001", id(9));
            let entry = ModerationAct {
                index,
                day,
                act,
                hospital_id,
                review_id: &review_id,
                reason: "",
                previous,
            };
            json!({ "type": "act", "index": index, "day": day, "act": act, "reason": "",
                    "hospital_id": hospital_id, "review_id": review_id, "previous": previous,
                    "hash": entry.hash() })
        })
    }

    fn chain<T>(entries: &[T], entry: impl Fn(i64, &T, &str) -> Value) -> Vec<Value> {
        let mut lines: Vec<Value> = Vec::new();
        for (index, it) in (1..).zip(entries) {
            let previous = lines.last().map_or(NO_PREVIOUS, |last| last["hash"].as_str().unwrap());
            let line = entry(index, it, previous);
            lines.push(line);
        }
        lines
    }

    fn id(number: u8) -> String {
        Uuid::from_bytes([number; 16]).to_string()
    }

    fn review(seed: u8, hospital_id: &str) -> Value {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let (title, body, stars) =
            ("설명이 자세해요", "진료 전에 비용을 먼저 알려 줘요.", [5, 4, 3, 2, 1, 5]);
        let action = Action::Publish { title, body, stars };
        let message = Statement { hospital_id, year: 2026, revision: 2, action }.message();
        json!({ "type": "review", "id": id(seed), "hospital_id": hospital_id, "year": 2026,
                "revision": 2, "title": title, "body": body, "month": "2026-11",
                "stars": { "treatment": 5, "explanation": 4, "kindness": 3, "facilities": 2, "cost": 1, "honesty": 5 },
                "public_key": URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes()),
                "signature": URL_SAFE_NO_PAD.encode(key.sign(&message).to_bytes()) })
    }

    /// Two keys, two acts, two reviews and the end: lines 1 to 7.
    fn sound() -> Vec<Value> {
        let reviews = vec![review(1, "SYN-0001"), review(2, "SYN-0002")];
        let end = vec![json!({ "type": "end", "keys": 2, "acts": 2, "reviews": 2 })];
        [keys(), acts(), reviews, end].concat()
    }

    fn said(lines: &[Value]) -> String {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        said_of(&text)
    }

    fn said_of(text: &str) -> String {
        check(text.as_bytes()).err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    #[test]
    fn a_sound_file_holds() {
        assert_eq!(said(&sound()), "");
        assert_eq!(said(&[json!({ "type": "end", "keys": 0, "acts": 0, "reviews": 0 })]), "");
    }

    #[test]
    fn every_field_that_is_tampered_with_is_found_in_its_line() {
        let sound = sound();
        for (index, line) in sound.iter().enumerate() {
            for (field, value) in line.as_object().unwrap() {
                // The first says what the line is; a review's id and month are not signed.
                if field == "type"
                    || (line["type"] == "review" && ["id", "month"].contains(&field.as_str()))
                {
                    continue;
                }
                let mut lines = sound.clone();
                lines[index][field] = match value {
                    Value::String(text) => {
                        let rest = text.chars().skip(1);
                        let first = if text.starts_with('a') { 'b' } else { 'a' };
                        std::iter::once(first).chain(rest).collect::<String>().into()
                    }
                    Value::Object(stars) => {
                        let mut stars = stars.clone();
                        stars.insert("cost".into(), 4.into());
                        stars.into()
                    }
                    other => (other.as_i64().unwrap() + 1).into(),
                };
                let said = said(&lines);
                assert!(said.starts_with(&format!("line {}: ", index + 1)), "{field}: {said}");
            }
        }
    }

    #[test]
    fn what_is_missing_or_moved_is_found() {
        let sound = sound();
        let without = |index: usize| {
            let mut lines = sound.clone();
            lines.remove(index);
            said(&lines)
        };
        assert!(without(0).contains("line 1: the key log: entry 2 stands where 1 should"));
        assert!(without(1).contains("line 5: the key log has no key of SYN-0002"));
        assert!(without(2).contains("line 3: the moderation log: entry 2"));
        assert!(without(3).contains("line 6: the end counts"));
        assert!(without(4).contains("line 6: the end counts"));
        assert!(without(6).contains("line 7: the file ends without its end"));
        let mut swapped = sound.clone();
        swapped.swap(0, 1);
        assert!(said(&swapped).starts_with("line 1: the key log"));
        let mut late = sound.clone();
        late.swap(1, 2);
        assert!(said(&late).contains("line 3: a pass key after the key log"));
    }

    #[test]
    fn a_key_writes_one_review_and_a_hospital_has_one_key() {
        let mut twice = sound();
        twice[5] = review(1, "SYN-0002");
        twice[5]["id"] = id(3).into();
        assert!(said(&twice).contains("has written a second review"));
        let mut same_id = sound();
        same_id[5]["id"] = same_id[4]["id"].clone();
        assert!(said(&same_id).contains("is there twice"));
        let two = chain(&["a", "b"], |index, key, previous| {
            let entry =
                PassKey { index, hospital_id: "SYN-0001", year: 2026, public_key: key, previous };
            json!({ "type": "key", "index": index, "hospital_id": "SYN-0001", "year": 2026,
                    "public_key": key, "previous": previous, "hash": entry.hash() })
        });
        assert!(said(&two).contains("two keys of SYN-0001 for 2026"));
    }

    #[test]
    fn what_is_no_export_is_refused() {
        assert!(said_of("").contains("line 1: the file ends without its end"));
        assert!(said_of("<html>\n").contains("line 1: not a line of an export"));
        assert!(
            said_of("{\"type\":\"end\",\"keys\":0,\"acts\":0,\"reviews\":0}")
                .contains("breaks off")
        );
        let long = format!("{{\"type\":\"{}\"}}\n", "x".repeat(2 << 20));
        assert!(said_of(&long).contains("line 1: the line breaks off"));
        let after = [sound(), vec![review(3, "SYN-0001")]].concat();
        assert!(said(&after).contains("line 8: something follows the end"));
    }
}
