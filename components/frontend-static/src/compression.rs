//! Pages made small on their way out.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Mutex;

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;

/// Below this a page fits one packet anyway.
const LEAST_BYTES: usize = 1_024;

/// For a page that is kept and sent many times; 11 is for what is compressed at build time.
const KEPT_QUALITY: i32 = 5;

/// For a page that is sent once: a third of the time for a tenth more bytes.
const ONCE_QUALITY: i32 = 2;

/// 64 KiB reach back over the whole of nearly every page, and are cheap to set up.
const BROTLI_WINDOW_BITS: i32 = 16;

/// The default. Higher levels cost twice the time for 2 % of a page.
const GZIP_LEVEL: u32 = 6;

/// The compressed pages an instance keeps: the fronts of the lists and the threads that are
/// being read now. At about 10 KB each this is below 1 MB.
const KEPT_PAGES: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// The best one that the client takes (RFC 9110 section 12.5.3).
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
        [Self::Brotli, Self::Gzip].into_iter().find(|encoding| {
            accepted.split(',').any(|part| {
                let (name, weight) = part.split_once(';').unwrap_or((part, ""));
                let refused =
                    weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()) == Some(0.0_f32);
                name.trim().eq_ignore_ascii_case(encoding.name()) && !refused
            })
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    fn compress(self, page: &[u8], brotli_quality: i32) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(page.len() / 3);
        match self {
            Self::Brotli => {
                let params = brotli::enc::BrotliEncoderParams {
                    quality: brotli_quality,
                    size_hint: page.len(),
                    lgwin: BROTLI_WINDOW_BITS,
                    ..Default::default()
                };
                brotli::BrotliCompress(&mut &*page, &mut out, &params)?;
            }
            Self::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(out, flate2::Compression::new(GZIP_LEVEL));
                encoder.write_all(page)?;
                out = encoder.finish()?;
            }
        }
        Ok(out)
    }
}

struct KeptPage {
    tag: HeaderValue,
    encoding: Encoding,
    compressed: Bytes,
}

/// Pages as the public sees them, which are the same for everyone, by the tag of their
/// content. An insider's page is never kept.
static KEPT: Mutex<VecDeque<KeptPage>> = Mutex::new(VecDeque::new());

/// The page in the best encoding that the client takes, and which one that is. With
/// `public_tag` the result is kept for the next reader.
pub(crate) fn compress(
    request: &HeaderMap,
    page: Bytes,
    public_tag: Option<&HeaderValue>,
) -> (Bytes, Option<Encoding>) {
    let Some(encoding) = Encoding::accepted(request).filter(|_| page.len() >= LEAST_BYTES) else {
        return (page, None);
    };
    if let Some(compressed) = public_tag.and_then(|tag| kept(tag, encoding)) {
        return (compressed, Some(encoding));
    }
    let quality = if public_tag.is_some() { KEPT_QUALITY } else { ONCE_QUALITY };
    let Ok(compressed) = encoding.compress(&page, quality).map(Bytes::from) else {
        return (page, None);
    };
    if let Some(tag) = public_tag {
        keep(KeptPage { tag: tag.clone(), encoding, compressed: compressed.clone() });
    }
    (compressed, Some(encoding))
}

fn kept(tag: &HeaderValue, encoding: Encoding) -> Option<Bytes> {
    let pages = KEPT.lock().ok()?;
    let page = pages.iter().find(|page| page.encoding == encoding && page.tag == tag)?;
    Some(page.compressed.clone())
}

fn keep(page: KeptPage) {
    let Ok(mut pages) = KEPT.lock() else { return };
    pages.truncate(KEPT_PAGES - 1);
    pages.push_front(page);
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::http::{HeaderMap, HeaderValue, header};
    use bytes::Bytes;

    use super::{Encoding, compress};

    fn accepts(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_best_encoding_that_is_not_refused_is_taken() {
        assert_eq!(Encoding::accepted(&accepts("gzip, deflate, br")), Some(Encoding::Brotli));
        assert_eq!(Encoding::accepted(&accepts("gzip, br;q=0")), Some(Encoding::Gzip));
        assert_eq!(Encoding::accepted(&accepts("GZIP;q=0.5")), Some(Encoding::Gzip));
        assert_eq!(Encoding::accepted(&accepts("identity")), None);
        assert_eq!(Encoding::accepted(&HeaderMap::new()), None);
    }

    #[test]
    fn both_encodings_give_the_page_back() {
        let page = Bytes::from("진맥 ".repeat(1_000));
        let (br, encoding) = compress(&accepts("br"), page.clone(), None);
        assert_eq!(encoding, Some(Encoding::Brotli));
        let mut out = Vec::new();
        brotli::BrotliDecompress(&mut &*br, &mut out).unwrap();
        assert_eq!(out, page);
        let (gzip, _) = compress(&accepts("gzip"), page.clone(), None);
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(&*gzip).read_to_end(&mut out).unwrap();
        assert_eq!(out, page);
    }

    #[test]
    fn a_kept_page_is_found_by_its_tag_and_encoding_only() {
        let tag = HeaderValue::from_static("\"0.kept\"");
        let page = Bytes::from("a".repeat(2_000));
        let (first, _) = compress(&accepts("br"), page.clone(), Some(&tag));
        let other = Bytes::from("b".repeat(2_000));
        assert_eq!(compress(&accepts("br"), other.clone(), Some(&tag)).0, first);
        assert_ne!(compress(&accepts("gzip"), other.clone(), Some(&tag)).0, first);
        assert_ne!(compress(&accepts("br"), other, None).0, first);
    }
}
