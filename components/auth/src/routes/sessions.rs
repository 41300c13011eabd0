//! Signing in, staying signed in, signing out.

use api::{Body, Fields, Problem, client_address, now_millis};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use database::Database;
use serde::{Deserialize, Serialize};
use session::Insider;

use super::{accept, cookies, own_account};
use crate::config::{Auth, random};
use crate::domain::login::Login;
use crate::domain::password::Password;
use crate::domain::refresh::{RefreshToken, Verdict};
use crate::domain::signing::ACCESS_SECONDS;
use crate::guess::Guess;
use crate::instance::{permit, should_prune};
use crate::store::{accounts, moderators, sessions, throttles};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    login: String,
    password: String,
}

/// The answer of RFC 6749 section 5.1.
#[derive(Serialize)]
struct Session {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

pub(crate) async fn create(
    State(auth): State<Auth>,
    headers: HeaderMap,
    Body(body): Body<SignIn>,
) -> api::Result<Response> {
    let mut fields = Fields::default();
    let login = accept(&mut fields, "login", Login::new(&body.login));
    let password = accept(&mut fields, "password", Password::typed(&body.password));
    fields.check()?;

    let _permit = permit().await?;
    let database = auth.database().await?;
    let guess = Guess::count(&auth, &database, &login, &client_address(&headers)).await?;
    let account = guess.compare(database, &login, &password).await?;
    let account = account.ok_or_else(invalid_credentials)?;
    let database = auth.database().await?;

    let token = RefreshToken::first(random()?, random()?);
    let now = now_millis();
    database
        .transaction(async |database: &Database| {
            // The password may have been changed while it was compared.
            if !accounts::still_has_password(database, &account).await? {
                return Err(invalid_credentials());
            }
            sessions::insert(database, &account.id, &token, now).await?;
            Ok(guess.forgive(database, now).await?)
        })
        .await?;
    guess.refund(&database).await;
    let is_moderator = moderators::is_one(&database, &account.id).await?;
    if should_prune(now) {
        // What stays is as good as gone, and dropped the next time.
        let _ = throttles::prune(&database, now).await;
        let _ = sessions::prune(&database, now).await;
    }
    let who = Who { subject: account.subject, is_moderator };
    signed_in(&auth, &who, Some(&token), now)
}

pub(crate) async fn refresh(State(auth): State<Auth>, headers: HeaderMap) -> api::Result<Response> {
    let token = cookies::refresh_token(&headers).ok_or_else(invalid_refresh_token)?;
    let next = token.next(random()?);
    let now = now_millis();
    let database = auth.database().await?;
    let (verdict, who) = database
        .transaction(async |database: &Database| rotate(database, &token, &next, now).await)
        .await?;
    match verdict {
        Verdict::Rotate => signed_in(&auth, &who, Some(&next), now),
        Verdict::AccessOnly => signed_in(&auth, &who, None, now),
        Verdict::Expired => Err(invalid_refresh_token()),
        Verdict::Reused => Err(invalid_refresh_token()
            .because("a refresh token was used twice; its family is revoked")),
    }
}

/// Whom an access token is for.
struct Who {
    subject: String,
    is_moderator: bool,
}

/// Does what the token deserves, and says whom the next access token is for.
async fn rotate(
    database: &Database,
    token: &RefreshToken,
    next: &RefreshToken,
    now: i64,
) -> Result<(Verdict, Who), Problem> {
    let (account_id, family) =
        sessions::lock(database, &token.family()).await?.ok_or_else(invalid_refresh_token)?;
    let account =
        accounts::by_id(database, &account_id).await?.ok_or_else(invalid_refresh_token)?;
    let verdict = family.judge(token, now);
    match verdict {
        Verdict::Rotate => sessions::rotate(database, token, next, now).await?,
        Verdict::AccessOnly => {}
        Verdict::Expired | Verdict::Reused => sessions::remove(database, &token.family()).await?,
    }
    let is_moderator = moderators::is_one(database, &account.id).await?;
    Ok((verdict, Who { subject: account.subject, is_moderator }))
}

/// Also without a valid session: whoever signs out is signed out afterwards. The token's secret
/// is not asked for, because its family is as random and nobody else was told it either.
pub(crate) async fn remove_current(
    State(auth): State<Auth>,
    headers: HeaderMap,
) -> api::Result<Response> {
    if let Some(token) = cookies::refresh_token(&headers) {
        let database = auth.database().await?;
        sessions::remove(&database, &token.family()).await?;
    }
    Ok(signed_out())
}

pub(crate) async fn remove_all(
    State(auth): State<Auth>,
    insider: Insider,
) -> api::Result<Response> {
    let database = auth.database().await?;
    let account = own_account(&database, &insider).await?;
    sessions::remove_all(&database, &account.id, None).await?;
    Ok(signed_out())
}

fn signed_in(
    auth: &Auth,
    who: &Who,
    refresh: Option<&RefreshToken>,
    now: i64,
) -> api::Result<Response> {
    let access_token = auth.signer().access_token(&who.subject, who.is_moderator, now);
    let access_token = access_token.map_err(Problem::internal)?;
    let mut set_cookies = vec![cookies::set_access(&access_token)];
    set_cookies.extend(refresh.map(cookies::set_refresh));
    let session = Session { access_token, token_type: "Bearer", expires_in: ACCESS_SECONDS };
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, no_store, AppendHeaders(set_cookies), Json(session)).into_response())
}

pub(crate) fn signed_out() -> Response {
    (StatusCode::NO_CONTENT, AppendHeaders(cookies::clear())).into_response()
}

/// The same for a login that does not exist and a password that is wrong.
fn invalid_credentials() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_credentials",
        "Check the login and the password.",
    )
}

fn invalid_refresh_token() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_refresh_token", "Sign in again.")
}
