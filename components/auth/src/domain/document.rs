//! Documents that show where someone works: which kinds are taken, what is kept of them, and how
//! long they wait.

use calendar::DAY_MILLIS;

use super::picture;

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

    /// What is kept of a file: of an image the picture alone. `None` where it is no file of this
    /// type, which keeps scripts and the like from being shown to moderators as an image.
    pub(crate) fn bare(self, content: &[u8]) -> Option<Vec<u8>> {
        match self {
            // What is written into it beside its pages stays: it says no more than they do.
            Self::Pdf => content.starts_with(b"%PDF-").then(|| content.to_vec()),
            Self::Jpeg => picture::jpeg(content),
            Self::Png => picture::png(content),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MediaType;

    #[test]
    fn a_file_is_of_its_type_or_refused() {
        let pdf = b"%PDF-1.7\n";
        assert_eq!(MediaType::Pdf.bare(pdf).as_deref(), Some(&pdf[..]));
        let others: [(MediaType, &[u8]); 4] = [
            (MediaType::Pdf, b""),
            (MediaType::Pdf, b"<script>"),
            (MediaType::Jpeg, pdf),
            (MediaType::Png, b"<svg onload=alert(1)>"),
        ];
        for (media_type, content) in others {
            assert_eq!(media_type.bare(content), None, "{media_type:?}");
        }
        assert_eq!(MediaType::named("image/PNG"), Some(MediaType::Png));
        assert_eq!(MediaType::named("image/svg+xml"), None);
    }
}
