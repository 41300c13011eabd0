//! The batch in which reviews and edits become visible, so that nobody can tell from when they do
//! when they were written. Several instances may run it; a row that they lock makes it one.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use api::now_millis;
use database::Database;
use serde::Serialize;

use crate::auth;
use crate::config::Config;
use crate::domain::moderation::Act;
use crate::domain::publication::{Change, Verdict, is_due, judge};
use crate::domain::review::{Review, Status};
use crate::store;
use crate::store::moderation_log::About;
use crate::store::publication::Place;

/// Reviews of one transaction: few enough for a short one.
const PAGE: i64 = 200;

/// The first request of a day spends so long on the batch; the next ones go on with it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A batch that failed, because a database or auth is away, is tried again after so long.
const PAUSE_MILLIS: i64 = 10_000;

/// What a batch did, in reviews.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Summary {
    pub(crate) published: i64,
    pub(crate) edited: i64,
    /// What waits on, for a crowd or for a decision.
    pub(crate) waiting: i64,
}

/// What came of one page.
enum Step {
    /// The last id of the page; `None` after the last page.
    Done(Summary, Option<String>),
    /// Another instance was there first.
    Overtaken,
}

/// Runs the batch of today unless it was run. What keeps it from running keeps no request from
/// being answered.
pub(crate) async fn daily(config: &Config) {
    // Caches of what the database knows: the day that is done, and when to try again.
    static DONE: AtomicI64 = AtomicI64::new(0);
    static NEXT: AtomicI64 = AtomicI64::new(0);
    static RUNNING: AtomicBool = AtomicBool::new(false);
    let now = now_millis();
    let number = calendar::day_number(now);
    if DONE.load(Ordering::Relaxed) == number || NEXT.load(Ordering::Relaxed) > now {
        return;
    }
    let Some(_running) = Running::start(&RUNNING) else { return };
    match run_daily(config, &calendar::day(now)).await {
        Ok(true) => DONE.store(number, Ordering::Relaxed),
        Ok(false) => {}
        Err(problem) => {
            NEXT.store(now + PAUSE_MILLIS, Ordering::Relaxed);
            problem.log("the batch of the day");
        }
    }
}

/// Kept while one request of the instance runs the batch, which may be cancelled.
struct Running<'a>(&'a AtomicBool);

impl<'a> Running<'a> {
    fn start(flag: &'a AtomicBool) -> Option<Self> {
        (!flag.swap(true, Ordering::Relaxed)).then_some(Self(flag))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Whether the batch of `today` is through.
async fn run_daily(config: &Config, today: &str) -> api::Result<bool> {
    let started = Instant::now();
    let db = store::open(config).await?.patient();
    loop {
        let mut place = store::publication::place(&db).await?;
        if place == Place::end(today) {
            return Ok(true);
        }
        if place.day != today {
            restore_due(&db, today).await?;
        }
        if started.elapsed() > PATIENCE {
            return Ok(false);
        }
        let before = place.clone();
        if place.day != today {
            place = Place::start(today);
        }
        page(config, &db, &place.id, today, Some(&before)).await?;
    }
}

/// Runs a batch that also takes what was written today.
pub(crate) async fn at_once(config: &Config) -> api::Result<Summary> {
    let today = calendar::day(now_millis());
    let db = store::open(config).await?.patient();
    restore_due(&db, &today).await?;
    let mut sum = Summary::default();
    let mut after = String::new();
    loop {
        let Step::Done(summary, next) = page(config, &db, &after, &today, None).await? else {
            continue;
        };
        sum = sum + summary;
        let Some(next) = next else { return Ok(sum) };
        after = next;
    }
}

/// One page of the batch. `expected` is the place at which the daily batch was; without one
/// everything that waits is taken.
async fn page(
    config: &Config,
    db: &Database,
    after: &str,
    today: &str,
    expected: Option<&Place>,
) -> api::Result<Step> {
    let queued = store::reviews::queued(db, after, PAGE).await?;
    let waiting = queued.iter().filter(|review| review.status == Status::Waiting);
    let pairs = waiting.map(|review| (review.hospital_id.clone(), review.year)).collect();
    // Before the transaction, which waits for nobody but the database.
    let crowds = auth::crowds(config, pairs).await?;
    let last = queued.last().map(|review| review.id.clone());
    let next = last.filter(|_| i64::try_from(queued.len()) == Ok(PAGE));
    let ids: Vec<&str> = queued.iter().map(|review| review.id.as_str()).collect();
    db.transaction(async |db: &Database| -> api::Result<Step> {
        let place = store::publication::lock(db).await?;
        if expected.is_some_and(|expected| *expected != place) {
            return Ok(Step::Overtaken);
        }
        let summary = publish(db, &ids, &crowds, today, expected.is_some()).await?;
        if expected.is_some() {
            let place = match &next {
                Some(id) => Place { day: today.to_owned(), id: id.clone() },
                None => Place::end(today),
            };
            store::publication::advance(db, &place).await?;
        }
        Ok(Step::Done(summary, next.clone()))
    })
    .await
}

async fn publish(
    db: &Database,
    ids: &[&str],
    crowds: &HashSet<(String, i64)>,
    today: &str,
    of_earlier_days: bool,
) -> api::Result<Summary> {
    let mut sum = Summary::default();
    if ids.is_empty() {
        return Ok(sum);
    }
    let mut edits = store::edits::of(db, ids).await?;
    let (mut changes, mut taken) = (Vec::new(), Vec::new());
    for old in store::reviews::of_ids_for_update(db, ids).await? {
        if !old.queued || (of_earlier_days && !is_due(&old, today)) {
            continue;
        }
        let crowd = crowds.contains(&(old.hospital_id.clone(), old.year));
        let edit = edits.remove(&old.id);
        let Verdict { review, change } = judge(old.clone(), edit, crowd, today);
        if change == Change::Edited {
            taken.push(old.id.clone());
        }
        sum.count(change);
        changes.push((old, review));
    }
    store::reviews::rewrite(db, &changes).await?;
    store::edits::delete(db, &taken.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    Ok(sum)
}

/// Shows again what was hidden for as long as it may be.
async fn restore_due(db: &Database, today: &str) -> api::Result<()> {
    loop {
        let due = store::reviews::hidden_before(db, today, PAGE).await?;
        if due.is_empty() {
            return Ok(());
        }
        for id in due {
            db.transaction(async |db: &Database| -> api::Result<()> {
                match store::reviews::find_for_update(db, &id).await? {
                    Some(review) if is_over(&review, today) => restore(db, review, today).await,
                    _ => Ok(()),
                }
            })
            .await?;
        }
    }
}

fn is_over(review: &Review, today: &str) -> bool {
    review.status == Status::Hidden
        && review.hidden_until.as_deref().is_some_and(|last| last < today)
}

/// Shows a hidden review again, which is locked.
pub(crate) async fn restore(db: &Database, review: Review, today: &str) -> api::Result<()> {
    let restored = review.clone().restored();
    store::reviews::replace(db, &review, &restored).await?;
    store::takedowns::close_hidden(db, &review.id).await?;
    let about =
        About { hospital_id: &review.hospital_id, review_id: Some(&review.id), reason: None };
    store::moderation_log::append(db, today, Act::Restored, about).await?;
    Ok(())
}

impl Summary {
    fn count(&mut self, change: Change) {
        match change {
            Change::Published => self.published += 1,
            Change::Edited => self.edited += 1,
            Change::Waiting => self.waiting += 1,
            Change::None => {}
        }
    }
}

impl std::ops::Add for Summary {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            published: self.published + other.published,
            edited: self.edited + other.edited,
            waiting: self.waiting + other.waiting,
        }
    }
}
