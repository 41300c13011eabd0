use askama::Template;

use super::rows::{self, PostRow};
use super::{Frame, Result, Section, show};
use crate::texts::Texts;
use crate::upstream::board::{self, PostSummary, Selection};
use crate::upstream::{Failure, List};
use crate::visitor::Visitor;

/// What fits beside the search without scrolling far.
const ROWS: &str = "5";

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    t: &'static Texts,
    frame: Frame,
    /// `None` while board is away: the search works all the same.
    questions: Option<Vec<PostRow>>,
    posts: Option<Vec<PostRow>>,
}

pub(crate) async fn show_home(visitor: Visitor) -> Result {
    let t = visitor.language.texts();
    let questions = Selection { category: "question", limit: ROWS, ..Selection::default() };
    let newest = Selection { limit: ROWS, ..Selection::default() };
    let (questions, posts) =
        futures::join!(board::posts(&visitor, &questions), board::posts(&visitor, &newest));
    show(&Home {
        t,
        frame: Frame::new(&visitor, Section::Home, ""),
        questions: rows_unless_away(questions, t),
        posts: rows_unless_away(posts, t),
    })
}

fn rows_unless_away(
    list: std::result::Result<List<PostSummary>, Failure>,
    t: &Texts,
) -> Option<Vec<PostRow>> {
    match list {
        Ok(list) => Some(rows::posts(list.items, t)),
        Err(failure) => {
            failure.log();
            None
        }
    }
}
