use askama::Template;
use axum::http::StatusCode;

use super::rows::{self, PostRow};
use super::{Choice, Frame, Paging, Result, Section, known, list_refusal, show_as};
use crate::form::Query;
use crate::texts::Texts;
use crate::upstream::board::{self, CATEGORIES, Selection};
use crate::upstream::query;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "board/list.html")]
struct Board<'a> {
    t: &'static Texts,
    frame: Frame,
    tabs: Vec<Choice>,
    orders: Vec<Choice>,
    category: &'a str,
    sort: &'a str,
    q: &'a str,
    mistake: Option<String>,
    posts: Vec<PostRow>,
    first: Option<String>,
    next: Option<String>,
}

pub(crate) async fn list(visitor: Visitor, Query(fields): Query) -> Result {
    let t = visitor.language.texts();
    let (q, cursor) = (fields.text("q").trim(), fields.text("cursor"));
    let (category, sort) =
        (known(&fields, "category", &CATEGORIES), known(&fields, "sort", &["votes"]));
    let selection = Selection { category, sort, q, cursor, limit: "" };
    let (status, posts, next_cursor, mistake) = match board::posts(&visitor, &selection).await {
        Ok(list) => (StatusCode::OK, rows::posts(list.items, t), list.next_cursor, None),
        Err(failure) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Vec::new(), None, Some(list_refusal(failure, t)?))
        }
    };
    let kept = [("category", category), ("sort", sort), ("q", q)];
    let Paging { first, next } = Paging::of("/board", &kept, cursor, next_cursor.as_deref());
    let title = if category.is_empty() {
        t.board.title.to_owned()
    } else {
        format!("{} · {}", (t.category)(category), t.board.title)
    };
    let frame = Frame::new(&visitor, Section::Board, title).described(t.board.description);
    show_as(
        status,
        &Board {
            t,
            frame,
            tabs: tabs(t, category, sort),
            orders: orders(t, category, sort, q),
            category,
            sort,
            q,
            mistake,
            posts,
            first,
            next,
        },
    )
}

fn tabs(t: &'static Texts, category: &str, sort: &str) -> Vec<Choice> {
    let tab = |name: &'static str| Choice {
        label: if name.is_empty() { t.board.all } else { (t.category)(name) },
        path: format!("/board{}", query(&[("category", name), ("sort", sort)])),
        current: name == category,
    };
    [""].into_iter().chain(CATEGORIES).map(tab).collect()
}

fn orders(t: &'static Texts, category: &str, sort: &str, q: &str) -> Vec<Choice> {
    let order = |(name, label)| Choice {
        label,
        path: format!("/board{}", query(&[("category", category), ("sort", name), ("q", q)])),
        current: name == sort,
    };
    [("", t.board.newest), ("votes", t.board.most_voted)].into_iter().map(order).collect()
}
