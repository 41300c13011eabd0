//! The mails that carry codes: sent by Postmark's API, or shown in the log of a laptop.

use std::time::Duration;

use api::{Problem, now_millis};
use axum::body::Bytes;
use axum::http::{Request, StatusCode, header};
use serde_json::json;
use spin_sdk::http::{FullBody, send};
use spin_sdk::time::sleep;
use spin_sdk::wasip3::http::types::{ErrorCode, RequestOptions};
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;

use crate::config::Auth;
use crate::store::mail_codes;

/// Postmark answers within a second; after this nobody knows what became of the mail.
const ANSWER_LIMIT_NANOS: u64 = 8_000_000_000;

/// The pauses before a mail that was not taken is tried again while its owner's request waits.
/// Later it is tried when its owner asks how the proof stands.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_200)];

/// How long after that a mail that was not taken waits at least, in milliseconds.
const LATER_MILLIS: i64 = 3_000;

pub(crate) enum Mailer {
    Log,
    Postmark { url: String, token: String, sender: String },
}

/// What became of a mail.
enum Delivery {
    Taken,
    /// For sure nobody has it, and it may be tried again.
    NotTaken(String),
    /// Refused for good, or its fate is not known: it is not tried again, or it might come twice.
    Over(String),
}

impl Mailer {
    async fn send(&self, address: &str, code: &str) -> Result<Delivery, Problem> {
        let Self::Postmark { url, token, sender } = self else {
            println!("{}", json!({ "level": "info", "mail_to": address, "code": code }));
            return Ok(Delivery::Taken);
        };
        let request = Request::post(format!("{url}/email"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .header("x-postmark-server-token", token)
            .extension(RequestOptionsExtension(limits()?))
            .body(FullBody::new(Bytes::from(message(sender, address, code))))
            .map_err(Problem::internal)?;
        Ok(match send(request).await {
            Ok(response) => Delivery::of_status(response.status()),
            Err(error) => Delivery::of_error(&error),
        })
    }
}

impl Delivery {
    /// Of a mail that Postmark answers with 429 or 5xx it has taken nothing.
    fn of_status(status: StatusCode) -> Self {
        let why = format!("the mail API answers {status}");
        match status {
            status if status.is_success() => Self::Taken,
            StatusCode::TOO_MANY_REQUESTS => Self::NotTaken(why),
            status if status.is_server_error() => Self::NotTaken(why),
            _ => Self::Over(why),
        }
    }

    /// Without a connection nothing was sent. Anything else may have happened after it was.
    fn of_error(error: &ErrorCode) -> Self {
        let why = format!("the mail API: {error}");
        match error {
            ErrorCode::ConnectionRefused
            | ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionLimitReached
            | ErrorCode::DnsError(_)
            | ErrorCode::DnsTimeout
            | ErrorCode::DestinationNotFound
            | ErrorCode::DestinationUnavailable
            | ErrorCode::DestinationIpProhibited
            | ErrorCode::DestinationIpUnroutable
            | ErrorCode::HttpRequestDenied
            | ErrorCode::TlsCertificateError
            | ErrorCode::TlsProtocolError => Self::NotTaken(why),
            _ => Self::Over(why),
        }
    }
}

/// What Postmark's `POST /email` takes. It names neither the site nor a hospital: whoever else
/// reads the mailbox learns as little as can be. Nothing in it is tracked.
fn message(sender: &str, address: &str, code: &str) -> String {
    json!({
        "From": sender,
        "To": address,
        "Subject": "확인 코드 · Your code",
        "TextBody": format!(
            "확인 코드: {code}\n\n10분 안에 입력해 주세요. 요청하신 적이 없다면 이 메일은 무시하셔도 됩니다.\n\n\
             Enter this code within ten minutes. If you did not ask for it, you can ignore this mail.\n"
        ),
        "MessageStream": "outbound",
        "TrackOpens": false,
        "TrackLinks": "None",
    })
    .to_string()
}

fn limits() -> Result<RequestOptions, Problem> {
    let options = RequestOptions::new();
    let limit = Some(ANSWER_LIMIT_NANOS);
    options
        .set_first_byte_timeout(limit)
        .and_then(|()| options.set_between_bytes_timeout(limit))
        .map_err(|error| Problem::internal(format!("{error:?}")))?;
    Ok(options)
}

/// Sends the mail that the account waits for, if it is due, and tries again while it is not taken.
pub(crate) async fn deliver_patiently(auth: &Auth, account_id: &str) -> Result<(), Problem> {
    for pause in PAUSES {
        if deliver(auth, account_id, 0).await? {
            return Ok(());
        }
        sleep(pause).await;
    }
    deliver(auth, account_id, LATER_MILLIS).await.map(drop)
}

/// Tries it once, if it is due.
pub(crate) async fn deliver_once(auth: &Auth, account_id: &str) -> Result<(), Problem> {
    deliver(auth, account_id, LATER_MILLIS).await.map(drop)
}

/// Whether there is nothing left to try. One that is not taken may be tried again after
/// `pause_millis`. No connection to the database is held while a mail is sent.
async fn deliver(auth: &Auth, account_id: &str, pause_millis: i64) -> Result<bool, Problem> {
    let database = auth.database().await?;
    let Some(mail) = mail_codes::claim(&database, account_id, now_millis()).await? else {
        return Ok(true);
    };
    drop(database);
    let (address, code) = open(auth, account_id, &mail.message)?;
    let delivery = auth.mailer().send(&address, &code).await?;
    let database = auth.database().await?;
    let settled = match delivery {
        Delivery::Taken => true,
        Delivery::NotTaken(why) => {
            log(&why);
            let next = now_millis() + pause_millis;
            mail_codes::put_back(&database, &mail.id, account_id, next).await?;
            false
        }
        Delivery::Over(why) => {
            log(&why);
            true
        }
    };
    if settled {
        mail_codes::settle(&database, &mail.id, account_id).await?;
    }
    Ok(settled)
}

/// The message as it is kept until it was sent.
pub(crate) fn seal(
    auth: &Auth,
    account_id: &str,
    address: &str,
    code: &str,
) -> Result<String, Problem> {
    let content = format!("{address}\n{code}");
    let nonce = crate::config::random()?;
    auth.secrets().seal(&place(account_id), nonce, content.as_bytes()).map_err(Problem::internal)
}

fn open(auth: &Auth, account_id: &str, sealed: &str) -> Result<(String, String), Problem> {
    let content = auth.secrets().open(&place(account_id), sealed).map_err(Problem::internal)?;
    let content = String::from_utf8(content).map_err(Problem::internal)?;
    let (address, code) = content.split_once('\n').ok_or_else(|| Problem::internal("no mail"))?;
    Ok((address.to_owned(), code.to_owned()))
}

fn place(account_id: &str) -> String {
    format!("mail {account_id}")
}

/// Whom it was for is nobody's business.
fn log(why: &str) {
    eprintln!("{}", json!({ "level": "warn", "cause": why }));
}
