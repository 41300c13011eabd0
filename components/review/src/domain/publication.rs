//! What a batch makes of a review that waits, or whose edit does.

use super::review::{Review, Signed, Status};

/// What becomes of a review in a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) review: Review,
    pub(crate) change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Published,
    Edited,
    /// It waits on.
    Waiting,
    /// Only its row is written anew.
    None,
}

/// `crowd`: enough passes were issued for its hospital and year. The row is to be written anew
/// whatever becomes of the review, so that its place tells nothing.
pub(crate) fn judge(review: Review, edit: Option<Signed>, crowd: bool, today: &str) -> Verdict {
    let review = Review { touched: String::new(), queued: false, ..review };
    let (review, change) = match (review.status, edit) {
        (Status::Waiting, _) if crowd => {
            let month = calendar::month(today);
            (Review { status: Status::Published, month, ..review }, Change::Published)
        }
        (Status::Waiting, _) => (Review { queued: true, ..review }, Change::Waiting),
        (Status::Published, Some(text)) => (Review { text, ..review }, Change::Edited),
        // What is being decided about does not change meanwhile.
        (Status::Hidden, Some(_)) => (Review { queued: true, ..review }, Change::Waiting),
        _ => (review, Change::None),
    };
    Verdict { review, change }
}

/// Whether a batch of `today` may look at the review: its last statement is of an earlier day.
pub(crate) fn is_due(review: &Review, today: &str) -> bool {
    review.touched.as_str() < today
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::review::tests::review;

    const TODAY: &str = "2026-12-01";

    fn edit() -> Option<Signed> {
        Some(Signed { revision: 2, ..review(Status::Published).text })
    }

    #[test]
    fn a_review_waits_for_a_later_day_and_for_a_crowd() {
        let waiting = review(Status::Waiting);
        assert!(!is_due(&waiting, "2026-11-24") && is_due(&waiting, "2026-11-25"));
        let Verdict { review: kept, change } = judge(waiting.clone(), None, false, TODAY);
        assert_eq!((kept.status, kept.queued, change), (Status::Waiting, true, Change::Waiting));
        assert_eq!(kept.touched, "", "the day of the statement is forgotten");
        let Verdict { review: shown, change } = judge(waiting, None, true, TODAY);
        assert_eq!((shown.status, change), (Status::Published, Change::Published));
        assert_eq!(shown.month, "2026-12", "the month of the publication");
    }

    #[test]
    fn an_edit_needs_no_crowd_and_keeps_the_month() {
        let Verdict { review, change } = judge(review(Status::Published), edit(), false, TODAY);
        assert_eq!((review.text.revision, change), (2, Change::Edited));
        assert_eq!((review.month.as_str(), review.queued), ("2026-10", false));
    }

    #[test]
    fn a_hidden_review_keeps_its_text() {
        let Verdict { review, change } = judge(review(Status::Hidden), edit(), true, TODAY);
        assert_eq!((review.text.revision, change), (1, Change::Waiting));
        assert!(review.queued);
    }

    #[test]
    fn of_what_is_gone_only_the_row_is_written_anew() {
        for status in [Status::Withdrawn, Status::Removed] {
            let Verdict { review, change } = judge(review(status), None, true, TODAY);
            assert_eq!((review.status, review.queued, change), (status, false, Change::None));
        }
    }
}
