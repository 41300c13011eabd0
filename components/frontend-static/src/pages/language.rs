use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::answer::redirect;
use crate::form::Query;
use crate::language::{COOKIE, Language};
use crate::local_path;

/// One year: a choice of language does not wear off.
const SECONDS: u32 = 365 * 24 * 60 * 60;

/// Keeps a choice of language and leads back. A language we do not have changes nothing.
pub(crate) async fn choose(Query(fields): Query) -> Response {
    let mut response = redirect(local_path::or_home(fields.text("next")));
    if let Some(language) = Language::from_tag(fields.text("to")) {
        let cookie = format!(
            "{COOKIE}={}; Max-Age={SECONDS}; Path=/; HttpOnly; SameSite=Lax",
            language.tag()
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
    }
    response
}
