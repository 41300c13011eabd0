//! What the log says of a time, and of texts in which a guest has had its say.

use std::fmt::{self, Write as _};

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// RFC 3339, UTC.
pub(crate) fn now() -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

/// What the log repeats of an address, or a reason: a name has 253 bytes at most (RFC 1035), a guest's
/// text or a server's any number.
const SHOWN_BYTES: u64 = 256;

/// The beginning of an address that a guest gave, or of what a guest or a server said.
pub(crate) fn shown(address: &dyn fmt::Display) -> String {
    beginning(address, SHOWN_BYTES)
}

/// The first bytes of a text in which a guest may have had its say, on one line. What comes after
/// is not even written out.
pub(crate) fn beginning(text: &dyn fmt::Display, bytes: u64) -> String {
    let room = usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut beginning = Beginning { text: String::new(), room };
    let _ = write!(beginning, "{text}");
    beginning.text.replace(char::is_control, " ")
}

struct Beginning {
    text: String,
    room: usize,
}

impl fmt::Write for Beginning {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let end = piece.floor_char_boundary(self.room - self.text.len());
        self.text.push_str(&piece[..end]);
        if end < piece.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn of_a_text_without_end_the_log_has_the_beginning() {
        assert_eq!(beginning(&"one\ntwo", 100), "one two");
        assert_eq!(beginning(&"가나다", 7), "가나");
        assert_eq!(beginning(&format_args!("{:?}", "\u{1}".repeat(1_000)), 10), "\"\\u{1}\\u{1");
    }
}
