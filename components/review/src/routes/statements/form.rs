//! The bodies of statements. A text is taken only as it will be stored, because that is what the
//! key has signed.

use api::Fields;
use serde::{Deserialize, Serialize};
use text::Refusal;

use crate::domain::aspect::NAMES;
use crate::domain::moderation;
use crate::domain::review::{self, Draft, Stars, is_star};
use crate::domain::statement::{PASS_BYTES, PUBLIC_KEY_BYTES, SIGNATURE_BYTES, is_bytes};

/// Beyond this JSON's numbers are not exact in every language (RFC 8259 section 6).
const MAX_REVISION: i64 = (1 << 53) - 1;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReview {
    pub(super) hospital_id: String,
    pub(super) year: i64,
    pub(super) revision: i64,
    title: String,
    body: String,
    stars: Stars,
    pub(super) public_key: String,
    pub(super) pass: String,
    pub(super) signature: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    pub(super) revision: i64,
    title: String,
    body: String,
    stars: Stars,
    pub(super) signature: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Withdrawal {
    pub(super) revision: i64,
    pub(super) signature: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Appeal {
    pub(super) revision: i64,
    statement: String,
    pub(super) signature: String,
}

impl NewReview {
    pub(super) fn check(&self) -> api::Result<Draft> {
        let mut fields = Fields::default();
        let draft = draft(&mut fields, &self.title, &self.body, self.stars);
        if self.revision != 1 {
            fields.refuse("revision", "out_of_range", "must be 1: it is the key's first statement");
        }
        bytes(&mut fields, "public_key", &self.public_key, PUBLIC_KEY_BYTES);
        bytes(&mut fields, "pass", &self.pass, PASS_BYTES);
        bytes(&mut fields, "signature", &self.signature, SIGNATURE_BYTES);
        fields.check()?;
        Ok(draft)
    }
}

impl Edit {
    pub(super) fn check(&self) -> api::Result<Draft> {
        let mut fields = Fields::default();
        let draft = draft(&mut fields, &self.title, &self.body, self.stars);
        later(&mut fields, self.revision, &self.signature);
        fields.check()?;
        Ok(draft)
    }
}

impl Withdrawal {
    pub(super) fn check(&self) -> api::Result<()> {
        let mut fields = Fields::default();
        later(&mut fields, self.revision, &self.signature);
        fields.check()
    }
}

impl Appeal {
    pub(super) fn check(&self) -> api::Result<String> {
        let mut fields = Fields::default();
        let statement =
            exact(&mut fields, "statement", &self.statement, moderation::appeal(&self.statement));
        later(&mut fields, self.revision, &self.signature);
        fields.check()?;
        Ok(statement)
    }
}

fn draft(fields: &mut Fields, title: &str, body: &str, stars: Stars) -> Draft {
    let draft = Draft {
        title: exact(fields, "title", title, review::title(title)),
        body: exact(fields, "body", body, review::body(body)),
        stars,
    };
    for (name, value) in NAMES.into_iter().zip(stars.into_array()) {
        if !is_star(value) {
            fields.refuse(&format!("stars.{name}"), "out_of_range", "must be 1 to 5");
        }
    }
    draft
}

/// The text, if `sent` is what would be kept of it.
fn exact(fields: &mut Fields, name: &str, sent: &str, kept: Result<String, Refusal>) -> String {
    if kept.as_ref().is_ok_and(|kept| kept != sent) {
        let detail = "must be in NFC, its lines ended by LF, without white space at either end, \
                      before it is signed";
        fields.refuse(name, "not_normalised", detail);
        return String::new();
    }
    fields.text(name, kept)
}

/// What every statement after the first has.
fn later(fields: &mut Fields, revision: i64, signature: &str) {
    if !(1..=MAX_REVISION).contains(&revision) {
        fields.refuse("revision", "out_of_range", format!("must be 1 to {MAX_REVISION}"));
    }
    bytes(fields, "signature", signature, SIGNATURE_BYTES);
}

fn bytes(fields: &mut Fields, name: &str, value: &str, length: usize) {
    if !is_bytes(value, length) {
        let detail = format!("must be {length} bytes in base64url without padding");
        fields.refuse(name, "invalid_bytes", detail);
    }
}
