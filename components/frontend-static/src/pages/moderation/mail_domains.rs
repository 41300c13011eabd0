//! Which mail domains prove employment at which hospital.

use askama::Template;
use axum::http::StatusCode;

use super::super::{Frame, Result, Section, show_as};
use super::{Desk, Search, frame, hospital_names, hospital_path, refused};
use crate::answer::redirect;
use crate::form::{Form, FormView, Query};
use crate::texts::Texts;
use crate::upstream::moderation::{self, MailDomain};
use crate::visitor::{SignedIn, Visitor};

pub(crate) const PATH: &str = "/moderation/mail-domains";

#[derive(Template)]
#[template(path = "moderation/mail_domains.html")]
struct MailDomains {
    t: &'static Texts,
    frame: Frame,
    /// Those that are approved.
    desk: Desk<DomainView>,
    asked: Vec<DomainView>,
    search: Search,
}

struct DomainView {
    domain: String,
    hospital: String,
    hospital_path: String,
    hospital_id: String,
}

pub(crate) async fn list(SignedIn(visitor): SignedIn, Query(fields): Query) -> Result {
    let search = Search::of(fields.text("q"), &visitor).await?;
    render(&visitor, fields.text("cursor"), search, StatusCode::OK, FormView::blank()).await
}

pub(crate) async fn decide(SignedIn(visitor): SignedIn, Form(fields): Form) -> Result {
    let (hospital, domain) = (fields.text("hospital_id"), fields.text("domain").trim());
    let done = fields.text("done");
    if domain.is_empty() {
        let form = FormView::mistaken(fields, "domain", "required", &visitor);
        return render(&visitor, "", Search::default(), StatusCode::UNPROCESSABLE_ENTITY, form)
            .await;
    }
    match moderation::decide_mail_domain(&visitor, hospital, domain, done == "approved").await {
        Ok(()) => Ok(redirect(&format!("{PATH}{}", crate::upstream::query(&[("done", done)])))),
        Err(failure) => {
            let (status, form) = refused(failure, &visitor)?;
            render(&visitor, "", Search::default(), status, form).await
        }
    }
}

async fn render(
    visitor: &Visitor,
    cursor: &str,
    search: Search,
    status: StatusCode,
    form: FormView,
) -> Result {
    let t = visitor.language.texts();
    let (asked, approved) = futures::join!(
        moderation::mail_domains(visitor, false, ""),
        moderation::mail_domains(visitor, true, cursor)
    );
    let (asked, approved) = (asked?, approved?);
    let all = asked.items.iter().chain(&approved.items);
    let names =
        hospital_names(visitor, &all.map(|item| item.hospital_id.as_str()).collect::<Vec<_>>())
            .await;
    let view = |item: MailDomain| DomainView {
        domain: item.domain,
        hospital: names
            .get(&item.hospital_id)
            .map_or(t.moderation.desk.unknown_hospital, String::as_str)
            .to_owned(),
        hospital_path: hospital_path(&item.hospital_id),
        hospital_id: item.hospital_id,
    };
    let asked = asked.items.into_iter().map(view).collect();
    let here = (PATH, t.moderation.desk.domains_lead);
    let desk = Desk::of(here, cursor, approved, form, t, view);
    let frame = frame(visitor, t.moderation.desk.mail_domains);
    show_as(status, &MailDomains { t, frame, desk, asked, search })
}
