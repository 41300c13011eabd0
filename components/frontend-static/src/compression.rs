//! Pages made small on their way out.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Mutex;

use axum::http::{HeaderMap, HeaderValue, header};
use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use crate::head::{self, Head};

/// Below this a page fits one packet anyway.
const LEAST_BYTES: usize = 1_024;

/// With our window 5 takes thirty times as long, for a fiftieth fewer bytes.
const BROTLI_QUALITY: i32 = 3;

/// ISLAST and ISLASTEMPTY: a meta-block that ends a stream (RFC 7932, section 9.2).
const BROTLI_END: u8 = 0b11;

/// DEFLATE, no flags, no time, unknown system (RFC 1952, section 2.3).
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Higher levels cost twice the time for 2 % of a page.
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

    fn compress(self, page: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli => brotli(page),
            Self::Gzip => gzip(page),
        }
    }
}

/// The head as it was compressed before, and the rest as meta-blocks that refer to nothing
/// before them.
fn brotli(page: &[u8]) -> io::Result<Vec<u8>> {
    let head = Head::of(page);
    let mut rest = &page[head.map_or(0, |head| head.html.len())..];
    let mut out = Vec::with_capacity(page.len() / 3);
    out.extend_from_slice(head.map_or(&[], |head| head.brotli));
    let params = BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        size_hint: rest.len(),
        lgwin: head::BROTLI_WINDOW_BITS,
        catable: head.is_some(),
        bare_stream: head.is_some(),
        use_dictionary: head.is_none(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut rest, &mut out, &params)?;
    if head.is_some() {
        out.push(BROTLI_END);
    }
    Ok(out)
}

/// As [`brotli`] does, in the frame that RFC 1952 puts around DEFLATE.
fn gzip(page: &[u8]) -> io::Result<Vec<u8>> {
    let head = Head::of(page);
    let mut out = Vec::with_capacity(page.len() / 3);
    out.extend_from_slice(&GZIP_HEADER);
    out.extend_from_slice(head.map_or(&[], |head| head.deflate));
    let mut encoder = DeflateEncoder::new(out, Compression::new(GZIP_LEVEL));
    encoder.write_all(&page[head.map_or(0, |head| head.html.len())..])?;
    let mut out = encoder.finish()?;
    let mut crc = Crc::new();
    crc.update(page);
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&crc.amount().to_le_bytes());
    Ok(out)
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
    let Ok(compressed) = encoding.compress(&page).map(Bytes::from) else {
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
    use flate2::read::GzDecoder;

    use super::{Encoding, GZIP_HEADER, compress};
    use crate::head;

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
    fn both_encodings_give_the_page_back_with_each_head_and_without_one() {
        let heads = ["", head::KO.html, head::EN.html];
        for (head, rest) in heads.into_iter().flat_map(|head| [(head, 0), (head, 1), (head, 9_000)])
        {
            let page = format!("{head}{}", "<p>진맥</p> ".repeat(rest));
            let mut out = Vec::new();
            let br = Encoding::Brotli.compress(page.as_bytes()).unwrap();
            brotli::BrotliDecompress(&mut &*br, &mut out).unwrap();
            assert!(out == page.as_bytes(), "Brotli of {} bytes and {rest} more", head.len());
            out.clear();
            let gzip = Encoding::Gzip.compress(page.as_bytes()).unwrap();
            GzDecoder::new(&*gzip).read_to_end(&mut out).unwrap();
            assert!(out == page.as_bytes(), "gzip of {} bytes and {rest} more", head.len());
        }
    }

    #[test]
    fn a_head_is_not_compressed_anew() {
        for head in [&head::KO, &head::EN] {
            let br = Encoding::Brotli.compress(head.html.as_bytes()).unwrap();
            assert!(br.starts_with(head.brotli) && br.len() < head.brotli.len() + 8);
            let gzip = Encoding::Gzip.compress(head.html.as_bytes()).unwrap();
            assert!(gzip[GZIP_HEADER.len()..].starts_with(head.deflate));
        }
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
