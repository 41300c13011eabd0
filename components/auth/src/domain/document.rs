//! Documents that show where someone works: which kinds are taken, and how long they wait.

use super::calendar::DAY_MILLIS;

/// One that no two moderators have seen by then is deleted: it was not needed, and it is a risk.
pub(crate) const WAITING_MILLIS: i64 = 30 * DAY_MILLIS;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    Pdf,
    Jpeg,
    Png,
}

impl MediaType {
    const ALL: [Self; 3] = [Self::Pdf, Self::Jpeg, Self::Png];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name().eq_ignore_ascii_case(name))
    }

    /// Whether a file begins as one of this type does. It keeps scripts and the like from being
    /// shown to moderators under the name of an image.
    pub(crate) fn fits(self, content: &[u8]) -> bool {
        content.starts_with(match self {
            Self::Pdf => b"%PDF-",
            Self::Jpeg => b"\xff\xd8\xff",
            Self::Png => b"\x89PNG\r\n\x1a\n",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::MediaType;

    #[test]
    fn a_file_begins_as_its_type_does() {
        assert!(MediaType::Pdf.fits(b"%PDF-1.7\n"));
        assert!(MediaType::Png.fits(b"\x89PNG\r\n\x1a\n\0"));
        assert!(MediaType::Jpeg.fits(b"\xff\xd8\xff\xe0"));
        assert!(!MediaType::Jpeg.fits(b"%PDF-1.7\n"));
        assert!(!MediaType::Png.fits(b"<svg onload=alert(1)>"));
        assert!(!MediaType::Pdf.fits(b""));
        assert_eq!(MediaType::named("image/PNG"), Some(MediaType::Png));
        assert_eq!(MediaType::named("image/svg+xml"), None);
    }
}
