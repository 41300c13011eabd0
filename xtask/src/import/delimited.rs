//! CSV, in UTF-8 or in cp949 as older files are.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use anyhow::Result;
use encoding_rs::{EUC_KR, Encoding, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;
use indicatif::ProgressBar;

use super::Line;

/// Enough to tell the encoding by: the header alone has Hangul.
const HEAD_BYTES: u64 = 64 * 1024;

pub(super) fn for_each_line(
    path: &Path,
    bar: &ProgressBar,
    visit: &mut dyn FnMut(Line) -> Result<()>,
) -> Result<()> {
    let mut file = File::open(path)?;
    bar.set_length(file.metadata()?.len());
    let encoding = encoding_of(&mut file)?;
    // What is no character becomes U+FFFD, which the site rejects together with its line.
    let decoded = DecodeReaderBytesBuilder::new()
        .encoding(Some(encoding))
        .bom_override(true)
        .build(bar.wrap_read(file));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        // A line with too many or too few cells is that line's fault, not the file's.
        .flexible(true)
        // A line feed ends every record, the last one too, so that counting them tells the
        // line: the reader's own count is one short after CRLF and blank lines. The carriage
        // return is white space at the end of the last cell.
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(decoded.chain(b"\n".as_slice()));
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        let within = record.as_slice().matches('\n').count();
        let number = reader.position().line().saturating_sub(1 + u64::try_from(within)?);
        visit(Line { number: u32::try_from(number)?, cells })?;
    }
    Ok(())
}

/// UTF-8 where the beginning is UTF-8, else cp949, which WHATWG calls EUC-KR. A byte order
/// mark outweighs both.
fn encoding_of(file: &mut File) -> Result<&'static Encoding> {
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    file.rewind()?;
    let utf8 = match std::str::from_utf8(&head) {
        Ok(_) => true,
        // The head may end within a character.
        Err(error) => error.error_len().is_none(),
    };
    Ok(if utf8 { UTF_8 } else { EUC_KR })
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressBar;

    use super::for_each_line;

    fn read(bytes: &[u8]) -> Vec<(u32, Vec<String>)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut lines = Vec::new();
        for_each_line(file.path(), &ProgressBar::hidden(), &mut |line| {
            lines.push((line.number, line.cells));
            Ok(())
        })
        .unwrap();
        lines
    }

    #[test]
    fn each_encoding_gives_the_same_text() {
        let text = "요양기관명,주소\r\n똠방각하의원,\"서울, 1\"\r\n";
        let (cp949, _, _) = encoding_rs::EUC_KR.encode(text);
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let expected = [
            (1, vec!["요양기관명".to_owned(), "주소".to_owned()]),
            (2, vec!["똠방각하의원".to_owned(), "서울, 1".to_owned()]),
        ];
        assert_eq!(read(text.as_bytes()), expected);
        assert_eq!(read(&[b"\xEF\xBB\xBF", text.as_bytes()].concat()), expected);
        assert_eq!(read(&cp949), expected);
        assert_eq!(read(&[b"\xFF\xFE", utf16.as_slice()].concat()), expected);
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let lines = read(b"a,b\n\n\"one\ntwo\",x\r\nlast,y,z");
        assert_eq!(lines.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 3, 5]);
    }

    #[test]
    fn a_broken_character_stays_in_its_line() {
        let lines = read(b"\xEF\xBB\xBFa\n\xFF\xFE\nb\n");
        assert_eq!(lines[1].1, ["\u{FFFD}\u{FFFD}"]);
        assert_eq!(lines[2].1, ["b"]);
    }
}
