//! A review and what becomes of it. Each function takes the review as it is and returns it as it
//! is to be; the store writes the difference, and with it the hospital's sums.

use serde::Serialize;
use text::Refusal;

use super::aspect::PerAspect;
use super::rating::Tally;

/// A takedown request hides a review for so long at most (임시조치, 정보통신망법 제44조의2).
const HIDDEN_DAYS: i64 = 30;

pub(crate) type Stars = PerAspect<i64>;

/// What a person writes, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Draft {
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) stars: Stars,
}

/// A text with what proves that its key wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Signed {
    pub(crate) draft: Draft,
    pub(crate) revision: i64,
    /// Ed25519, base64url.
    pub(crate) signature: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Waiting,
    Published,
    Hidden,
    Removed,
    Withdrawn,
}

/// A review as it is kept: no account, no session, no address, no exact time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Review {
    pub(crate) id: String,
    /// Ed25519, base64url.
    pub(crate) public_key: String,
    pub(crate) hospital_id: String,
    pub(crate) year: i64,
    pub(crate) status: Status,
    /// In which it was published, `YYYY-MM`; empty while nobody sees it.
    pub(crate) month: String,
    pub(crate) text: Signed,
    /// The revision of the key's last statement, whatever it said.
    pub(crate) statement: i64,
    /// The last day on which it is hidden.
    pub(crate) hidden_until: Option<String>,
    /// The revision of the text that was hidden last; 0 where none was.
    pub(crate) hidden_revision: i64,
    /// The day of a statement that no batch has seen, else empty.
    pub(crate) touched: String,
    /// Whether the next batch has to look at it.
    pub(crate) queued: bool,
}

impl Status {
    pub(crate) const ALL: [Self; 5] =
        [Self::Waiting, Self::Published, Self::Hidden, Self::Removed, Self::Withdrawn];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Published => "published",
            Self::Hidden => "hidden",
            Self::Removed => "removed",
            Self::Withdrawn => "withdrawn",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl Draft {
    /// Of what is gone.
    fn gone() -> Self {
        Self { title: String::new(), body: String::new(), stars: [0; 6].into() }
    }
}

impl Review {
    /// What it adds to the sums of its hospital.
    pub(crate) fn tally(&self) -> Tally {
        let counts = self.status == Status::Published;
        if counts { Tally::of(self.text.draft.stars) } else { Tally::default() }
    }

    /// The sum of its stars while they count, else 0.
    pub(crate) fn total(&self) -> i64 {
        if self.status == Status::Published { self.text.draft.stars.total() } else { 0 }
    }

    /// Its key has said something on `day`.
    pub(crate) fn stated(self, revision: i64, day: &str) -> Self {
        Self { statement: revision, touched: day.to_owned(), queued: true, ..self }
    }

    pub(crate) fn withdrawn(self) -> Self {
        Self { status: Status::Withdrawn, month: String::new(), ..self.emptied() }
    }

    pub(crate) fn removed(self) -> Self {
        Self { status: Status::Removed, ..self.emptied() }
    }

    fn emptied(self) -> Self {
        let text =
            Signed { draft: Draft::gone(), signature: String::new(), revision: self.text.revision };
        Self { text, hidden_until: None, ..self }
    }

    /// From `today` on.
    pub(crate) fn hidden(self, today: &str) -> Self {
        Self {
            status: Status::Hidden,
            hidden_until: Some(calendar::days_after(today, HIDDEN_DAYS)),
            hidden_revision: self.text.revision,
            ..self
        }
    }

    pub(crate) fn restored(self) -> Self {
        Self { status: Status::Published, hidden_until: None, ..self }
    }

    /// Whether this text was hidden before: a text is hidden once.
    pub(crate) fn was_hidden(&self) -> bool {
        self.hidden_revision == self.text.revision
    }
}

pub(crate) fn title(value: &str) -> Result<String, Refusal> {
    text::line(value, 2..=100)
}

pub(crate) fn body(value: &str) -> Result<String, Refusal> {
    text::prose(value, 10..=5000)
}

pub(crate) fn is_star(value: i64) -> bool {
    (1..=5).contains(&value)
}

impl Stars {
    /// 6 to 30.
    pub(crate) fn total(self) -> i64 {
        self.into_array().iter().sum()
    }

    /// Six digits, in the order of the aspects.
    pub(crate) fn digits(self) -> String {
        self.into_array().iter().map(i64::to_string).collect()
    }

    pub(crate) fn from_digits(digits: &str) -> Option<Self> {
        let stars: Option<Vec<i64>> =
            digits.chars().map(|digit| digit.to_digit(10).map(i64::from)).collect();
        let six: [i64; 6] = stars?.try_into().ok()?;
        Some(six.into())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn review(status: Status) -> Review {
        Review {
            id: "5f0c6e0a-3f4b-4a83-9e57-1f0f3a1f6f10".into(),
            public_key: "key".into(),
            hospital_id: "SYN-0001".into(),
            year: 2026,
            status,
            month: if status == Status::Waiting { String::new() } else { "2026-10".into() },
            text: Signed {
                draft: Draft {
                    title: "제목".into(),
                    body: "열 글자가 넘는 본문".into(),
                    stars: [5, 4, 3, 2, 1, 5].into(),
                },
                revision: 1,
                signature: "signature".into(),
            },
            statement: 1,
            hidden_until: None,
            hidden_revision: 0,
            touched: "2026-11-24".into(),
            queued: true,
        }
    }

    #[test]
    fn only_a_published_review_counts() {
        for status in Status::ALL {
            let counts = status == Status::Published;
            assert_eq!(review(status).tally() != Tally::default(), counts, "{status:?}");
            assert_eq!(review(status).total() > 0, counts);
            assert_eq!(Status::named(status.name()), Some(status));
        }
    }

    #[test]
    fn what_is_withdrawn_or_removed_has_no_text_left() {
        let withdrawn = review(Status::Published).stated(2, "2026-11-25").withdrawn();
        assert_eq!((withdrawn.month.as_str(), withdrawn.statement), ("", 2));
        for gone in [withdrawn, review(Status::Hidden).removed()] {
            assert_eq!(gone.text.draft, Draft::gone());
            assert_eq!(gone.text.signature, "");
        }
    }

    #[test]
    fn a_text_is_hidden_once_and_for_thirty_days() {
        let hidden = review(Status::Published).hidden("2026-11-24");
        assert_eq!(hidden.hidden_until.as_deref(), Some("2026-12-24"));
        let mut restored = hidden.restored();
        assert!(restored.was_hidden() && restored.status == Status::Published);
        restored.text.revision = 2;
        assert!(!restored.was_hidden());
    }

    #[test]
    fn stars_are_six_digits() {
        let stars = Stars::from_digits("543215").expect("six digits");
        assert_eq!((stars.digits().as_str(), stars.total()), ("543215", 20));
        assert!(Stars::from_digits("54321").is_none() && Stars::from_digits("54321x").is_none());
    }
}
