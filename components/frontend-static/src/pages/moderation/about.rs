use askama::Template;

use super::super::{Frame, Result, Section, show};
use crate::texts::Texts;
use crate::visitor::Visitor;

/// How reviews are objected to. Whoever changes the procedure changes this page too.
#[derive(Template)]
#[template(path = "moderation/about.html")]
struct About {
    t: &'static Texts,
    frame: Frame,
}

pub(crate) async fn read(visitor: Visitor) -> Result {
    let t = visitor.language.texts();
    let about = &t.moderation.about;
    let frame = Frame::new(&visitor, Section::Moderation, about.title).described(about.lead);
    show(&About { t, frame })
}
