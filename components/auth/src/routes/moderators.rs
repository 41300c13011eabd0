//! Who is a moderator: for the operator to say.

use api::{Path, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use database::Database;
use session::Operator;

use crate::config::Auth;
use crate::domain::login::Login;
use crate::store::accounts::{self, Account};
use crate::store::moderators;

/// From the next sign-in or refresh on the account's tokens say so.
pub(crate) async fn add(
    _: Operator,
    State(auth): State<Auth>,
    Path([login]): Path<[String; 1]>,
) -> api::Result<StatusCode> {
    let database = auth.database().await?;
    let account = account(&database, &login).await?;
    moderators::add(&database, &account.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends it: here at once, elsewhere with the token, within ten minutes.
pub(crate) async fn remove(
    _: Operator,
    State(auth): State<Auth>,
    Path([login]): Path<[String; 1]>,
) -> api::Result<StatusCode> {
    let database = auth.database().await?;
    let account = account(&database, &login).await?;
    moderators::remove(&database, &account.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn account(database: &Database, login: &str) -> Result<Account, Problem> {
    let login = Login::new(login).map_err(|_| Problem::not_found())?;
    accounts::by_login(database, login.as_str()).await?.ok_or_else(Problem::not_found)
}
