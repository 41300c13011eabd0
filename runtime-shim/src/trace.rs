//! W3C trace context: <https://www.w3.org/TR/trace-context/>. Every request has
//! a trace id, taken over from its caller or made here; errors and log lines carry it.

use std::fmt;
use std::io::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A trace and the place of one span in it. Shown as the id of the trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceContext {
    pub id: u128,
    pub span: u64,
    /// The span that caused this one; 0 for the first of a trace.
    pub parent: u64,
    /// Somebody records the spans of this trace.
    pub sampled: bool,
}

impl TraceContext {
    /// Continues the trace of `headers` with a span of its own, or starts one.
    pub fn of(headers: &HeaderMap, sample: bool) -> Self {
        let caller = headers.get(TRACEPARENT).and_then(|value| Self::parse(value.to_str().ok()?));
        match caller {
            Some(caller) => caller.child(),
            None => {
                let (id, span) = (fastrand::u128(1..), fastrand::u64(1..));
                Self { id, span, parent: 0, sampled: sample }
            }
        }
    }

    /// A span that this one causes.
    pub fn child(self) -> Self {
        Self { span: fastrand::u64(1..), parent: self.span, ..self }
    }

    fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split('-');
        let (version, id, parent, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, length| {
            text.len() == length
                && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let known = version == "00" && parts.next().is_none();
        if !(known && hex(id, 32) && hex(parent, 16) && hex(flags, 2)) {
            return None;
        }
        let id = u128::from_str_radix(id, 16).ok().filter(|id| *id != 0)?;
        let span = u64::from_str_radix(parent, 16).ok().filter(|span| *span != 0)?;
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self { id, span, parent: 0, sampled })
    }

    /// The header for whom this span calls.
    pub fn header(self) -> HeaderValue {
        let Self { id, span, sampled, .. } = self;
        let mut text = [0; 55];
        // There is as much room as it takes.
        let _ = write!(&mut text[..], "00-{id:032x}-{span:016x}-{:02x}", u8::from(sampled));
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_continued_and_a_broken_one_replaced() {
        let mut headers = HeaderMap::new();
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.insert(TRACEPARENT, HeaderValue::from_static(given));
        let trace = TraceContext::of(&headers, false);
        assert_eq!(trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
        let next = trace.header();
        let next = next.to_str().expect("ascii");
        assert!(next.starts_with(&given[..36]) && next.ends_with("-01") && next != given, "{next}");
        assert_eq!(TraceContext::parse(next).map(|next| next.span), Some(trace.span));
        assert_eq!(trace.parent, 0xb7ad6b7169203331);
        for broken in
            ["", "00-0-0-0", "00-00000000000000000000000000000000-b7ad6b7169203331-01", "zz"]
        {
            assert_eq!(TraceContext::parse(broken), None, "{broken}");
        }
    }
}
