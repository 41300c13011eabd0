use askama::Template;

use super::{Frame, Result, Section, show};
use crate::texts::Texts;
use crate::visitor::Visitor;

/// What the operator can know today. Whoever changes what is stored changes this page too.
#[derive(Template)]
#[template(path = "knowledge.html")]
struct Knowledge {
    t: &'static Texts,
    frame: Frame,
}

pub(crate) async fn read(visitor: Visitor) -> Result {
    let t = visitor.language.texts();
    let frame =
        Frame::new(&visitor, Section::Knowledge, t.knowledge.title).described(t.knowledge.lead);
    show(&Knowledge { t, frame })
}
