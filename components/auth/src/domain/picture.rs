//! The picture of an image file alone: without what a camera or a program wrote into the file beside
//! it, such as where and when it was taken, and without what stands behind it. Libraries that take
//! such things out of a JPEG leave what follows its end, where phones put a second one.

/// The markers of ITU-T T.81, table B.1. Each follows 0xff.
mod marker {
    pub(super) const RESTART: std::ops::RangeInclusive<u8> = 0xd0..=0xd7;
    pub(super) const START: u8 = 0xd8;
    pub(super) const END: u8 = 0xd9;
    pub(super) const SCAN: u8 = 0xda;
    pub(super) const APPLICATION: std::ops::RangeInclusive<u8> = 0xe0..=0xef;
    /// An application's that belongs to the picture: it tells how the colours are written.
    pub(super) const ADOBE: u8 = 0xee;
    pub(super) const COMMENT: u8 = 0xfe;
}

/// A segment's length counts itself.
const LENGTH_BYTES: usize = 2;

/// `None` where it is no whole JPEG.
pub(super) fn jpeg(content: &[u8]) -> Option<Vec<u8>> {
    let mut rest = content.strip_prefix(&[0xff, marker::START])?;
    let mut kept = vec![0xff, marker::START];
    let mut has_scan = false;
    loop {
        let (kind, after) = next_marker(rest)?;
        if kind == marker::END {
            kept.extend_from_slice(&[0xff, marker::END]);
            return has_scan.then_some(kept);
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        if length < LENGTH_BYTES {
            return None;
        }
        let (segment, after) = after.split_at_checked(length)?;
        let application = marker::APPLICATION.contains(&kind) && kind != marker::ADOBE;
        if !application && kind != marker::COMMENT {
            kept.extend_from_slice(&[0xff, kind]);
            kept.extend_from_slice(segment);
        }
        rest = after;
        if kind == marker::SCAN {
            let (scan, after) = rest.split_at_checked(scan_length(rest)?)?;
            kept.extend_from_slice(scan);
            rest = after;
            has_scan = true;
        }
    }
}

/// A marker may be preceded by any number of 0xff (section B.1.1.2).
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut after = bytes.strip_prefix(&[0xff])?;
    loop {
        let (kind, rest) = after.split_first()?;
        if *kind != 0xff {
            return Some((*kind, rest));
        }
        after = rest;
    }
}

/// Up to the next marker that is none of the scan's own: 0xff of the picture is followed by zero.
fn scan_length(bytes: &[u8]) -> Option<usize> {
    let ends = |pair: &[u8]| pair[0] == 0xff && pair[1] != 0 && !marker::RESTART.contains(&pair[1]);
    bytes.windows(2).position(ends)
}

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Chunks that hold the picture, its colours and its transparency (W3C PNG, section 11).
const PICTURE_CHUNKS: [&[u8]; 5] = [b"IHDR", b"PLTE", b"tRNS", b"IDAT", LAST_CHUNK];

const LAST_CHUNK: &[u8] = b"IEND";

/// The length and the type before what a chunk holds, and the sum behind it.
const CHUNK_FRAME_BYTES: usize = 12;

/// `None` where it is no whole PNG.
pub(super) fn png(content: &[u8]) -> Option<Vec<u8>> {
    let mut rest = content.strip_prefix(PNG_SIGNATURE)?;
    let mut kept = PNG_SIGNATURE.to_vec();
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let (chunk, after) = rest.split_at_checked(length.checked_add(CHUNK_FRAME_BYTES)?)?;
        let kind = &chunk[4..8];
        if PICTURE_CHUNKS.contains(&kind) {
            kept.extend_from_slice(chunk);
        }
        if kind == LAST_CHUNK {
            return Some(kept);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: (u8, &[u8]) = (0xdb, &[1; 65]);
    const ADOBE: (u8, &[u8]) = (0xee, b"Adobe\0\x64\0\0\0\0\x01");
    /// Of which a stuffed byte and a restart marker are part.
    const SCAN: &[u8] = b"\x12\xff\x00\x34\xff\xd0\x56";

    fn segments(segments: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (kind, content) in segments {
            let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
            bytes.extend_from_slice(&[&[0xff, *kind], &length[..], content].concat());
        }
        bytes
    }

    /// A progressive JPEG, which has tables and a comment between its scans.
    fn photo(before: &[(u8, &[u8])], between: &[(u8, &[u8])]) -> Vec<u8> {
        let scan = [segments(&[(0xda, &[1, 1, 0, 0, 0x3f, 0])]), SCAN.to_vec()].concat();
        let (before, between) = (segments(before), segments(between));
        [&b"\xff\xd8"[..], &before, &scan, &between, &scan, b"\xff\xd9"].concat()
    }

    fn chunks(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut bytes = PNG_SIGNATURE.to_vec();
        for (kind, content) in chunks {
            let length = u32::try_from(content.len()).unwrap().to_be_bytes();
            bytes.extend_from_slice(&[&length[..], &kind[..], content, b"sum."].concat());
        }
        bytes
    }

    #[test]
    fn a_photo_loses_where_it_was_taken_and_keeps_its_picture() {
        let taken = photo(
            &[
                (0xe0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0"),
                (0xe1, b"Exif\0\0GPSLatitude"),
                (0xe2, b"MPF\0"),
                ADOBE,
                (0xfe, b"by a camera"),
                TABLES,
            ],
            &[(0xfe, b"and a program"), TABLES],
        );
        let kept = photo(&[ADOBE, TABLES], &[TABLES]);
        assert_eq!(jpeg(&taken), Some(kept.clone()));
        assert_eq!(jpeg(&kept), Some(kept.clone()));
        let with_second = [&taken[..], &taken].concat();
        assert_eq!(jpeg(&with_second), Some(kept), "a second picture behind the first");
    }

    #[test]
    fn a_png_loses_its_texts() {
        let picture: [(&[u8; 4], &[u8]); 3] =
            [(b"IHDR", &[0; 13]), (b"IDAT", b"xyz"), (b"IEND", b"")];
        let [head, data, end] = picture;
        let taken = chunks(&[
            head,
            (b"eXIf", b"GPSLatitude"),
            (b"tEXt", b"Author\0Kim"),
            data,
            (b"tIME", &[0; 7]),
            end,
            (b"tEXt", b"behind its end"),
        ]);
        assert_eq!(png(&taken), Some(chunks(&picture)));
    }

    #[test]
    fn what_is_cut_off_anywhere_is_refused() {
        let whole = photo(&[ADOBE, TABLES], &[TABLES]);
        assert!((0..whole.len()).all(|length| jpeg(&whole[..length]).is_none()));
        assert_eq!(jpeg(b"\xff\xd8\xff\xd9"), None, "without a scan");
        assert_eq!(jpeg(b"\xff\xd8\xff\xe1\0\x01\xff\xd9"), None, "shorter than its length");
        let whole = chunks(&[(b"IHDR", &[0; 13]), (b"IDAT", b"xyz"), (b"IEND", b"")]);
        assert!((0..whole.len()).all(|length| png(&whole[..length]).is_none()));
        let endless = [PNG_SIGNATURE, b"\xff\xff\xff\xffIDAT"].concat();
        assert_eq!(png(&endless), None);
    }
}
