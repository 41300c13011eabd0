use askama::Template;

use super::rows::{self, PostRow, ReviewRow};
use super::{Frame, Result, Section, show};
use crate::texts::Texts;
use crate::upstream::board::{self, Selection};
use crate::upstream::{Failure, List, review};
use crate::visitor::Visitor;

/// What fits beside the search without scrolling far.
const ROWS: &str = "5";

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    t: &'static Texts,
    frame: Frame,
    /// `None` while board or review is away: the search works all the same.
    questions: Option<Vec<PostRow>>,
    reviews: Option<Vec<ReviewRow>>,
}

pub(crate) async fn show_home(visitor: Visitor) -> Result {
    let t = visitor.language.texts();
    let questions = Selection { category: "question", limit: ROWS, ..Selection::default() };
    let (questions, reviews) =
        futures::join!(board::posts(&visitor, &questions), review::latest_reviews(&visitor, ROWS));
    show(&Home {
        t,
        frame: Frame::new(&visitor, Section::Home, ""),
        questions: unless_away(&visitor, questions).map(|questions| rows::posts(questions, t)),
        reviews: unless_away(&visitor, reviews).map(|reviews| rows::reviews(reviews, t)),
    })
}

fn unless_away<T>(
    visitor: &Visitor,
    list: std::result::Result<List<T>, Failure>,
) -> Option<Vec<T>> {
    match list {
        Ok(list) => Some(list.items),
        Err(failure) => {
            failure.log(visitor);
            None
        }
    }
}
