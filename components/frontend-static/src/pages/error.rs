use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Section};
use crate::texts::Texts;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    t: &'static Texts,
    frame: Frame,
    status: u16,
    advice: &'static str,
    /// Shown where it is our mistake, so that it can be found in the log.
    trace_id: Option<&'a str>,
}

pub(crate) fn page(visitor: &Visitor, status: StatusCode, trace_id: &str) -> String {
    let t = visitor.language.texts();
    let (title, advice) = (t.errors.page)(status.as_u16());
    let page = ErrorPage {
        t,
        frame: Frame::new(visitor, Section::None, title).private(),
        status: status.as_u16(),
        advice,
        trace_id: status.is_server_error().then_some(trace_id),
    };
    // It has nothing that could fail to be written; a line of text is better than none.
    page.render().unwrap_or_else(|_| title.to_owned())
}
