//! Which language a page is written in.

use axum::http::{HeaderMap, header};

use crate::head::{self, Head};
use crate::texts::{EN, KO, Texts};

/// Keeps a choice made by a link; without it the browser's own preference counts.
pub(crate) const COOKIE: &str = "lang";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Korean,
    English,
}

impl Language {
    /// By the cookie, else by `Accept-Language`, else Korean.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let chosen = session::cookie(headers, COOKIE).and_then(Self::from_tag);
        let preferred = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        chosen.or_else(|| preferred.and_then(Self::preferred)).unwrap_or(Self::Korean)
    }

    /// By a language tag (RFC 5646) such as `en-GB`.
    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        match tag.split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "ko" => Some(Self::Korean),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The one with the highest weight (RFC 9110 section 12.5.4); of equals the first.
    fn preferred(accept_language: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for part in accept_language.split(',') {
            let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
            let Some(language) = Self::from_tag(tag.trim()) else { continue };
            let weight =
                weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(0.0);
            if weight > 0.0 && best.is_none_or(|(highest, _)| weight > highest) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// What every page in this language begins with.
    pub(crate) fn head(self) -> &'static Head {
        match self {
            Self::Korean => &head::KO,
            Self::English => &head::EN,
        }
    }

    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }

    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::Korean => &KO,
            Self::English => &EN,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::Language::{self, English, Korean};

    fn of(accept: &str, cookie: &str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(accept).unwrap());
        headers.insert(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        Language::of(&headers)
    }

    #[test]
    fn korean_unless_english_is_preferred_or_chosen() {
        assert_eq!(of("en-US,en;q=0.9,ko;q=0.8", ""), English);
        assert_eq!(of("ko-KR,ko;q=0.9,en;q=0.8", ""), Korean);
        assert_eq!(of("en;q=0.5, ko;q=0.9", ""), Korean);
        assert_eq!(of("fr-FR, de", ""), Korean);
        assert_eq!(of("fr, en;q=0.1", ""), English);
        assert_eq!(of("en;q=0", ""), Korean);
        assert_eq!(of("en;q=x", ""), Korean);
        assert_eq!(of("ko", "lang=en"), English);
        assert_eq!(of("en", "lang=xx"), English);
        assert_eq!(Language::of(&HeaderMap::new()), Korean);
    }
}
