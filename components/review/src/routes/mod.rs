//! One file for each resource, one function for each endpoint.

pub(crate) mod hospitals;
pub(crate) mod imports;
pub(crate) mod reviews;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A segment of a path: ids of hospitals are Base64, which has slashes.
fn segment(id: &str) -> String {
    const UNRESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(id, UNRESERVED).to_string()
}
