//! One user: begins somewhere in the order of what such people do, and takes a step every second.

use std::time::{Duration, Instant};

use fastrand::Rng;
use goose::goose::GooseResponse;
use goose::prelude::*;
use tokio::time::{sleep, sleep_until};
use uuid::Uuid;

use crate::action::{self, Action, Ask};
use crate::material;
use crate::record::Run;

/// Between two steps of a user.
const PACE: Duration = Duration::from_secs(1);
/// How often a user who has nothing to do any more looks whether goose has ended.
const LOOK: Duration = Duration::from_millis(100);

/// How often an insider tries to sign up, and then in, before the first step. Each pause is a
/// second longer than the one before.
const ATTEMPTS: u32 = 8;

/// Chromium's.
const ENCODINGS: &str = "gzip, deflate, br, zstd";
const LANGUAGES: &str = "ko-KR,ko;q=0.9,en;q=0.8";

#[derive(Clone)]
struct Visitor {
    plan: &'static [Action],
    next: usize,
    due: Instant,
    random: Rng,
    account: Option<Account>,
}

/// A fictional person's.
#[derive(Clone)]
pub(crate) struct Account {
    login: String,
    password: String,
}

impl Account {
    fn new() -> Self {
        let random = Uuid::new_v4().simple().to_string();
        Self { login: format!("load-{}", &random[..16]), password: random }
    }

    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("login", self.login.clone()), ("password", self.password.clone())]
    }
}

pub(crate) async fn begin_as_reader(user: &mut GooseUser) -> TransactionResult {
    begin(user, action::READER, None)
}

pub(crate) async fn begin_as_searcher(user: &mut GooseUser) -> TransactionResult {
    begin(user, action::SEARCHER, None)
}

pub(crate) async fn begin_as_insider(user: &mut GooseUser) -> TransactionResult {
    let account = Account::new();
    // Without an account there is nobody to sign in: no password is hashed again and again for
    // somebody unknown. The steps that take a session fail then, and signing in is left behind.
    if !enter(user, Action::SignUp, &account).await? {
        return begin(user, action::INSIDER, None);
    }
    enter(user, Action::SignIn, &account).await?;
    begin(user, action::INSIDER, Some(account))
}

/// Whether it worked at last. Password hashes of many who begin stand in a queue, of which a site
/// may refuse some.
async fn enter(
    user: &mut GooseUser,
    action: Action,
    account: &Account,
) -> Result<bool, Box<TransactionError>> {
    let Some(ask) = action.ask(material::current(), &mut Rng::new(), Some(account)) else {
        return Ok(false);
    };
    for attempt in 1..=ATTEMPTS {
        match judge(&ask, send(user, action, &ask).await?).await {
            Ok(()) => return Ok(true),
            Err(reason) if attempt == ATTEMPTS => eprintln!("{}: {reason}", action.name()),
            Err(_) => sleep(PACE * attempt).await,
        }
    }
    Ok(false)
}

/// Anywhere in the plan and in the second, so that not all do the same at the same time.
fn begin(
    user: &mut GooseUser,
    plan: &'static [Action],
    account: Option<Account>,
) -> TransactionResult {
    let mut random = Rng::new();
    let due = Instant::now() + PACE.mul_f64(random.f64());
    let next = random.usize(..plan.len());
    user.set_session_data(Visitor { plan, next, due, random, account });
    if let Some(run) = Run::current() {
        run.user_begins();
    }
    Ok(())
}

/// The next step, when it is due. A user who is late takes it at once.
pub(crate) async fn step(user: &mut GooseUser) -> TransactionResult {
    let (Some(run), Some(visitor)) = (Run::current(), user.get_session_data_mut::<Visitor>())
    else {
        return Ok(());
    };
    let due = visitor.due;
    if run.window().is_some_and(|(_, until)| due >= until || Instant::now() >= until) {
        sleep(LOOK).await;
        return Ok(());
    }
    let here = visitor.next;
    let action = visitor.plan[here];
    let ask = action.ask(material::current(), &mut visitor.random, visitor.account.as_ref());
    visitor.next = (visitor.next + 1) % visitor.plan.len();
    visitor.due += PACE;
    let Some(ask) = ask else { return Ok(()) };
    sleep_until(due.into()).await;
    run.step_begins();
    let (requests, outcome) = match send(user, action, &ask).await {
        Ok(answer) => {
            let requests = 1 + u64::from(was_led_on(&answer));
            (requests, judge(&ask, answer).await)
        }
        Err(error) => (1, Err(error.to_string())),
    };
    // Who could not sign in tries again, as people do, and does not walk on as somebody else.
    if matches!(action, Action::SignIn)
        && outcome.is_err()
        && let Some(visitor) = user.get_session_data_mut::<Visitor>()
    {
        visitor.next = here;
    }
    run.note(action.name(), due, requests, outcome);
    Ok(())
}

async fn send(
    user: &mut GooseUser,
    action: Action,
    ask: &Ask,
) -> Result<GooseResponse, Box<TransactionError>> {
    let mut builder = user
        .get_request_builder(&ask.method(), &ask.path)?
        .header("accept-encoding", ENCODINGS)
        .header("accept-language", LANGUAGES);
    if let Some(fields) = &ask.form {
        let origin = user.base_url.origin().ascii_serialization();
        builder = builder.header("origin", origin).form(fields);
    }
    let request = GooseRequest::builder()
        .method(ask.method())
        .path(ask.path.as_str())
        .name(action.name())
        .set_request_builder(builder);
    user.request(request.build()).await
}

fn was_led_on(answer: &GooseResponse) -> bool {
    answer.response.as_ref().is_ok_and(|response| response.url().as_str() != answer.request.raw.url)
}

/// Whether the whole page came, with success, and is not the one that asks to sign in.
async fn judge(ask: &Ask, answer: GooseResponse) -> Result<(), String> {
    let response = answer.response.map_err(|error| format!("{error:?}"))?;
    let (status, landed) = (response.status(), response.url().path().to_owned());
    let body = response.bytes().await.map_err(|error| format!("{error:?}"))?;
    if !status.is_success() {
        return Err(format!("{} answers {status}", ask.path));
    }
    if body.is_empty() {
        return Err(format!("{} answers nothing", ask.path));
    }
    let to_sign_in = landed == "/signin" && ask.path != "/signup";
    if to_sign_in { Err(format!("{} leads to {landed}", ask.path)) } else { Ok(()) }
}
