//! Every page and asset that a browser sees, rendered from the APIs of auth, board and review.

mod answer;
mod assets;
mod compression;
mod display;
mod form;
mod head;
mod language;
mod local_path;
mod pages;
mod texts;
mod upload;
mod upstream;
mod visitor;

use std::sync::LazyLock;

use answer::Asked;
use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use pages::{
    account, board, comment, home, hospital, hospitals, knowledge, moderation, own_reviews,
    post_form, proofs, review_form, review_reply, review_report, review_takedown, robots, secret,
    sign_in, sign_up, thread,
};
use spin_sdk::{http::Request, http_service};
use visitor::Visitor;

/// What everyone reads.
fn read_by_all() -> Router {
    Router::new()
        .route("/", get(home::show_home))
        .route("/board", get(board::list))
        .route("/board/{id}", get(thread::read))
        .route("/hospitals", get(hospitals::list))
        .route("/hospitals/{id}", get(hospital::read))
        .route("/knowledge", get(knowledge::read))
        .route("/moderation/about", get(moderation::about::read))
        .route("/moderation/log", get(moderation::log::read))
        .layer(map_response(answer::share))
}

static ROUTES: LazyLock<Router> = LazyLock::new(|| {
    read_by_all()
        .route("/board/new", get(post_form::new_form).post(post_form::create))
        .route("/board/{id}/edit", get(post_form::edit_form).post(post_form::edit))
        .route("/board/{id}/delete", post(thread::delete))
        .route("/board/{id}/vote", post(thread::vote))
        .route("/board/{id}/accept", post(thread::accept))
        .route("/board/{id}/comments", post(thread::comment))
        .route("/board/{id}/comments/{comment}/edit", get(comment::edit_form).post(comment::edit))
        .route("/board/{id}/comments/{comment}/delete", post(comment::delete))
        .route("/board/{id}/comments/{comment}/vote", post(comment::vote))
        .route("/hospitals/{id}/review", get(review_form::read))
        .route("/reviews/mine", get(own_reviews::read))
        .route(
            "/hospitals/{id}/reviews/{review}/report",
            get(review_report::form).post(review_report::send),
        )
        .route(
            "/hospitals/{id}/reviews/{review}/takedown",
            get(review_takedown::form).post(review_takedown::send),
        )
        .route(
            "/hospitals/{id}/reviews/{review}/reply",
            get(review_reply::form).post(review_reply::send),
        )
        .route("/moderation", get(moderation::overview::read))
        .route("/moderation/documents", get(moderation::documents::list))
        .route("/moderation/documents/{id}", post(moderation::documents::decide))
        .route("/moderation/documents/{id}/file", get(moderation::documents::file))
        .route(
            "/moderation/mail-domains",
            get(moderation::mail_domains::list).post(moderation::mail_domains::decide),
        )
        .route("/moderation/reports", get(moderation::reports::list))
        .route("/moderation/reports/{id}/dismiss", post(moderation::reports::dismiss))
        .route("/moderation/takedowns", get(moderation::takedowns::list))
        .route("/moderation/takedowns/{id}", post(moderation::takedowns::decide))
        .route(
            "/moderation/removals",
            get(moderation::removals::list).post(moderation::removals::propose),
        )
        .route("/moderation/removals/{id}/confirm", post(moderation::removals::confirm))
        .route("/moderation/removals/{id}/drop", post(moderation::removals::drop_proposal))
        .route(
            "/moderation/reply-tokens",
            get(moderation::reply_tokens::list).post(moderation::reply_tokens::issue),
        )
        .route("/moderation/reply-tokens/{id}/revoke", post(moderation::reply_tokens::revoke))
        .route("/signup", get(sign_up::form).post(sign_up::create))
        .route("/signin", get(sign_in::form).post(sign_in::create))
        .route("/signout", post(sign_in::sign_out))
        .route("/account", get(account::read))
        .route("/account/proofs", get(proofs::read))
        .route("/account/proofs/hospital", get(proofs::find_hospital))
        .route("/account/proofs/new", get(proofs::new_form))
        .route("/account/proofs/mail", post(proofs::by_mail))
        .route("/account/proofs/mail/confirmation", post(proofs::confirm_mail))
        .route("/account/proofs/document", post(proofs::by_document))
        .route("/account/proofs/vouching", post(proofs::by_vouching))
        .route("/account/proofs/take-back", post(proofs::take_back))
        .route("/account/vouch", get(proofs::vouch_form).post(proofs::vouch))
        .route("/account/secret", get(secret::read))
        .route("/account/password", post(account::change_password))
        .route("/account/signout-everywhere", post(account::sign_out_everywhere))
        .route("/account/delete", post(account::delete))
        .route("/lang", get(pages::language::choose))
        .route("/robots.txt", get(robots::read))
        .route("/assets/{name}", get(assets::get))
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::method_not_allowed)
});

#[http_service]
async fn handle(mut request: Request) -> Response {
    let asked = Asked {
        method: request.method().clone(),
        uri: request.uri().clone(),
        headers: request.headers().clone(),
    };
    let (visitor, cookies) = Visitor::of(&asked.uri, &asked.headers).await;
    request.extensions_mut().insert(visitor.clone());
    let response = api::serve(ROUTES.clone(), request).await;
    answer::finish(&asked, &visitor, response, cookies).await
}
