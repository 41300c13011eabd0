//! A review that is being written or edited.

use api::{Path, Problem};
use askama::Template;
use axum::http::StatusCode;

use super::{Frame, Result, Section, show_as};
use crate::answer::redirect;
use crate::form::{Fields, Form, FormView};
use crate::texts::Texts;
use crate::upstream::review::{self, ASPECTS, Draft, Hospital};
use crate::upstream::{auth, segment};
use crate::visitor::{SignedIn, Visitor};

#[derive(Template)]
#[template(path = "hospitals/review_form.html")]
struct ReviewForm {
    t: &'static Texts,
    frame: Frame,
    form: FormView,
    aspects: Vec<AspectField>,
    is_new: bool,
    /// The name that the script keeps the draft under.
    draft: String,
    action: String,
    back: String,
}

struct AspectField {
    /// As the API names it in its errors.
    field: String,
    label: &'static str,
    given: Option<u64>,
}

/// Why this insider may not review this hospital, and what to do next.
#[derive(Template)]
#[template(path = "hospitals/not_yours.html")]
struct NotYours {
    t: &'static Texts,
    frame: Frame,
    why: &'static str,
    step: Option<(&'static str, &'static str)>,
    mine: Option<String>,
    back: String,
}

pub(crate) async fn new_form(SignedIn(visitor): SignedIn, Path([id]): Path<[String; 1]>) -> Result {
    let (hospital, account) =
        futures::join!(review::hospital(&visitor, &id), auth::account(&visitor));
    let (hospital, account) = (hospital?, account?);
    if account.hospital_id.as_ref() != Some(&hospital.id) || !hospital.open {
        return not_yours(&visitor, &hospital, account.hospital_id.as_deref());
    }
    render(&visitor, &hospital, None, StatusCode::OK, FormView::blank())
}

/// A form that is sent after the session has ended comes back with its text, hence no
/// `SignedIn` here and below: the API says 401, the form says what to do.
pub(crate) async fn create(
    visitor: Visitor,
    Path([id]): Path<[String; 1]>,
    Form(fields): Form,
) -> Result {
    let Err(failure) = review::create_review(&visitor, &id, &draft(&fields), fields.key()).await
    else {
        return Ok(redirect(&format!("/hospitals/{}?done=reviewed#reviews", segment(&id))));
    };
    let hospital = review::hospital(&visitor, &id).await?;
    if failure.is(StatusCode::FORBIDDEN) {
        let account = auth::account(&visitor).await?;
        return not_yours(&visitor, &hospital, account.hospital_id.as_deref());
    }
    let (status, form) = FormView::refused(fields, failure, &visitor)?;
    render(&visitor, &hospital, None, status, form)
}

pub(crate) async fn edit_form(
    SignedIn(visitor): SignedIn,
    Path([id, review]): Path<[String; 2]>,
) -> Result {
    let (hospital, found) =
        futures::join!(review::hospital(&visitor, &id), review::review(&visitor, &id, &review));
    let (hospital, (found, tag)) = (hospital?, found?);
    if !found.mine {
        return Err(Problem::forbidden("not_author", "Only its author may edit it."));
    }
    let stars = found.stars.into_array().map(|stars| stars.to_string());
    let names = ASPECTS.map(field_name);
    let mut fields = vec![("title", found.title.as_str()), ("body", &found.body), ("tag", &tag)];
    fields.extend(names.iter().map(String::as_str).zip(stars.iter().map(String::as_str)));
    render(&visitor, &hospital, Some(&review), StatusCode::OK, FormView::of(&fields))
}

pub(crate) async fn edit(
    visitor: Visitor,
    Path([id, review]): Path<[String; 2]>,
    Form(fields): Form,
) -> Result {
    match review::edit_review(&visitor, &id, &review, &draft(&fields), fields.tag()).await {
        Ok(()) => {
            Ok(redirect(&format!("/hospitals/{}?done=saved#r-{}", segment(&id), segment(&review))))
        }
        Err(failure) => {
            let hospital = review::hospital(&visitor, &id).await?;
            let (status, form) = FormView::refused(fields, failure, &visitor)?;
            render(&visitor, &hospital, Some(&review), status, form)
        }
    }
}

fn draft(fields: &Fields) -> Draft<'_> {
    Draft {
        title: fields.text("title"),
        body: fields.text("body"),
        stars: ASPECTS.map(|aspect| fields.text(&field_name(aspect)).parse().ok()),
    }
}

fn field_name(aspect: &str) -> String {
    format!("stars.{aspect}")
}

/// `review` is the id of the one that is edited; `None` for a new one.
fn render(
    visitor: &Visitor,
    hospital: &Hospital,
    review: Option<&str>,
    status: StatusCode,
    form: FormView,
) -> Result {
    let t = visitor.language.texts();
    let back = format!("/hospitals/{}", segment(&hospital.id));
    let title = if review.is_none() { t.review_form.new_title } else { t.review_form.edit_title };
    let aspect = |aspect| {
        let field = field_name(aspect);
        AspectField { label: (t.aspect)(aspect), given: form.value(&field).parse().ok(), field }
    };
    show_as(
        status,
        &ReviewForm {
            t,
            frame: Frame::new(visitor, Section::Hospitals, title(&hospital.name)).keeping_a_draft(),
            aspects: ASPECTS.into_iter().map(aspect).collect(),
            form,
            is_new: review.is_none(),
            draft: format!("review-{}", hospital.id),
            action: review.map_or_else(
                || format!("{back}/review"),
                |id| format!("{back}/reviews/{}/edit", segment(id)),
            ),
            back,
        },
    )
}

fn not_yours(visitor: &Visitor, hospital: &Hospital, mine: Option<&str>) -> Result {
    let t = visitor.language.texts();
    let (why, step) = match mine {
        _ if !hospital.open => (t.review_form.closed, None),
        None => (t.review_form.not_yours_none, Some(("/account/hospital", t.review_form.choose))),
        Some(_) => (t.review_form.not_yours_why, Some(("/account/hospital", t.review_form.change))),
    };
    show_as(
        StatusCode::FORBIDDEN,
        &NotYours {
            t,
            frame: Frame::new(visitor, Section::Hospitals, t.review_form.not_yours).private(),
            why,
            step,
            mine: mine
                .filter(|id| *id != hospital.id)
                .map(|id| format!("/hospitals/{}", segment(id))),
            back: format!("/hospitals/{}", segment(&hospital.id)),
        },
    )
}
