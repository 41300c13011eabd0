//! What all pages of a language begin with: their style sheet, mostly. It is four fifths of a page,
//! so `build.rs` compresses it, and only what follows is compressed while serving.

/// `assets/head.html` in one language.
pub(crate) struct Head {
    pub html: &'static str,
    /// The beginning of a Brotli stream, to be followed by more meta-blocks.
    pub brotli: &'static [u8],
    /// The beginning of a DEFLATE stream, to be followed by more blocks.
    pub deflate: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/heads.rs"));

impl Head {
    /// The head that `page` begins with.
    pub(crate) fn of(page: &[u8]) -> Option<&'static Self> {
        [&KO, &EN].into_iter().find(|head| page.starts_with(head.html.as_bytes()))
    }
}
