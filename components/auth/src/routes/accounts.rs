//! Accounts: signing up, and what an insider does with their own.

use api::{Body, Fields, Problem, Tagged, client_address, now_millis, rfc3339};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use database::{Database, Error};
use idempotency::{Key, Reply};
use serde::{Deserialize, Serialize};
use session::{Insider, MODERATOR};
use uuid::Uuid;

use super::{accept, cookies, own_account, sessions::signed_out};
use crate::config::{Auth, random};
use crate::domain::login::Login;
use crate::domain::password::Password;
use crate::domain::throttle::{self, TAKEN_LOGINS_AT_NETWORK};
use crate::guess::{Guess, note_familiar, too_many};
use crate::instance::{between_queries, permit};
use crate::store::accounts::{self, Account};
use crate::store::throttles::{self, Bucket};
use crate::store::{COMPONENT, moderators, sessions};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignUp {
    login: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    current_password: String,
    new_password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    password: String,
}

/// The answer to a sign-up.
#[derive(Serialize)]
struct Created {
    id: String,
    login: String,
    created_at: String,
}

/// An account as its owner sees it.
#[derive(Serialize)]
pub(crate) struct Own {
    id: String,
    login: String,
    /// As the tokens of the account have them.
    roles: Vec<&'static str>,
    created_at: String,
}

pub(crate) async fn create(
    State(auth): State<Auth>,
    headers: HeaderMap,
    key: Key,
    Body(body): Body<SignUp>,
) -> api::Result<Reply> {
    let mut fields = Fields::default();
    let login = accept(&mut fields, "login", Login::new(&body.login));
    let password = accept(&mut fields, "password", Password::chosen(&body.password, &login));
    fields.check()?;

    let _permit = permit().await?;
    let database = auth.database().await?;
    let address = client_address(&headers);
    let bucket = taken_logins(&auth, &address);
    throttles::charge(&database, &[&bucket]).await?.map_err(too_many)?;
    // Others need the connection while the password is hashed.
    drop(database);
    between_queries().await;
    let account = new_account(&auth, &login, &password)?;
    let database = auth.database().await?;
    // Who signs up is nobody yet, so the key stands alone; it is as hard to guess as it was made.
    let request = (login.as_str(), auth.signer().fingerprint(password.as_bytes()));
    let write = async |database: &Database| {
        let reply = insert(database, &account).await?;
        note_familiar(&auth, database, &login, &address).await?;
        Ok(reply)
    };
    let reply =
        idempotency::once(&database, COMPONENT, "", "sign up", key, &request, write).await?;
    // The account is there; a charge that stays drains by itself.
    let _ = throttles::refund(&database, &bucket).await;
    Ok(reply)
}

fn new_account(auth: &Auth, login: &Login, password: &Password) -> api::Result<Account> {
    let id = Uuid::now_v7().to_string();
    Ok(Account {
        login: login.as_str().to_owned(),
        subject: auth.pseudonyms().subject(&id),
        password_hash: password.hash(&random()?).map_err(Problem::internal)?,
        revision: 1,
        created_at: now_millis(),
        id,
    })
}

async fn insert(database: &Database, account: &Account) -> api::Result<Reply> {
    match accounts::insert(database, account).await {
        Ok(()) => {}
        Err(Error::Unique(_)) => {
            return Err(Problem::conflict("login_taken", "This login is taken. Choose another."));
        }
        Err(error) => return Err(error.into()),
    }
    let created = Created {
        id: account.id.clone(),
        login: account.login.clone(),
        created_at: rfc3339(account.created_at),
    };
    Reply::created("/api/auth/accounts/me".into(), &created)
}

fn taken_logins(auth: &Auth, address: &str) -> Bucket {
    let network = throttle::network(address);
    let name = auth.pseudonyms().bucket(&["taken logins", &network]);
    Bucket { name, limit: &TAKEN_LOGINS_AT_NETWORK }
}

pub(crate) async fn show(State(auth): State<Auth>, insider: Insider) -> api::Result<Tagged<Own>> {
    let database = auth.database().await?;
    let account = own_account(&database, &insider).await?;
    let is_moderator = moderators::is_one(&database, &account.id).await?;
    let own = Own {
        id: account.id,
        login: account.login,
        roles: is_moderator.then_some(MODERATOR).into_iter().collect(),
        created_at: rfc3339(account.created_at),
    };
    Ok(Tagged { revision: account.revision, body: own })
}

pub(crate) async fn change_password(
    State(auth): State<Auth>,
    insider: Insider,
    headers: HeaderMap,
    Body(body): Body<PasswordChange>,
) -> api::Result<StatusCode> {
    let login = own_login(&*auth.database().await?, &insider).await?;
    let mut fields = Fields::default();
    let current = accept(&mut fields, "current_password", Password::typed(&body.current_password));
    let new = accept(&mut fields, "new_password", Password::chosen(&body.new_password, &login));
    fields.check()?;

    let _permit = permit().await?;
    let database = auth.database().await?;
    let guess = Guess::count(&auth, &database, &login, &client_address(&headers)).await?;
    let account = guess.compare(database, &login, &current).await?;
    let account = account.ok_or_else(|| wrong_password("current_password"))?;
    between_queries().await;
    let new_hash = new.hash(&random()?).map_err(Problem::internal)?;
    let database = auth.database().await?;
    let kept = cookies::refresh_token(&headers).map(|token| token.family());
    database
        .transaction(async |database: &Database| {
            if !accounts::still_has_password(database, &account).await? {
                return Err(wrong_password("current_password"));
            }
            accounts::set_password(database, &account.id, &new_hash).await?;
            sessions::remove_all(database, &account.id, kept.as_deref()).await?;
            Ok(guess.forgive(database, now_millis()).await?)
        })
        .await?;
    guess.refund(&database).await;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn remove(
    State(auth): State<Auth>,
    insider: Insider,
    headers: HeaderMap,
    Body(body): Body<Removal>,
) -> api::Result<Response> {
    let mut fields = Fields::default();
    let password = accept(&mut fields, "password", Password::typed(&body.password));
    fields.check()?;

    let _permit = permit().await?;
    let database = auth.database().await?;
    let login = own_login(&database, &insider).await?;
    let guess = Guess::count(&auth, &database, &login, &client_address(&headers)).await?;
    let account = guess.compare(database, &login, &password).await?;
    let account = account.ok_or_else(|| wrong_password("password"))?;
    let now = now_millis();
    let database = auth.database().await?;
    database
        .transaction(async |database: &Database| {
            if !accounts::still_has_password(database, &account).await? {
                return Err(wrong_password("password"));
            }
            guess.forget(database).await?;
            Ok(accounts::remove(database, &account.id, now).await?)
        })
        .await?;
    Ok(signed_out())
}

async fn own_login(database: &Database, insider: &Insider) -> Result<Login, Problem> {
    let account = own_account(database, insider).await?;
    // It was checked when it was stored.
    Login::new(&account.login).map_err(|refusal| Problem::internal(refusal.code))
}

/// 422 rather than 401: the session is valid, the field is not.
fn wrong_password(field: &str) -> Problem {
    Problem::invalid_field(field, "wrong_password", "is not the password of this account")
}
