//! One file for each resource, one function for each endpoint.

pub(crate) mod complaints;
pub(crate) mod export;
pub(crate) mod hospitals;
pub(crate) mod imports;
pub(crate) mod moderation;
pub(crate) mod publications;
pub(crate) mod replies;
pub(crate) mod reviews;
pub(crate) mod statements;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A segment of a path, or a value of a query: ids of hospitals are Base64, which has slashes.
pub(crate) fn segment(id: &str) -> String {
    const UNRESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(id, UNRESERVED).to_string()
}
