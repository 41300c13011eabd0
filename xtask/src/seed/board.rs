//! Threads: a post with its comments, the votes for all of them and the labels of who wrote them.

use anyhow::Result;
use fastrand::Rng;
use indicatif::ProgressBar;
use uuid::Builder;

use super::loader::{Cell, Loader, Table};
use super::{Part, scaled, words};

const POSTS: u64 = 1_000_000;
const INSIDERS: u64 = 100_000;
/// More than the writers of any thread, so that nobody is in one twice.
const FEWEST_INSIDERS: u64 = 4_000;

/// Comments of ten posts that follow one another: four for each.
const COMMENTS: [u64; 10] = [0, 0, 1, 1, 2, 3, 4, 5, 7, 17];
/// One thread of a thousand has a thousand comments more, which makes five for each post.
const ONE_LONG_IN: u64 = 1_000;
const LONG: u64 = 1_000;

/// The posts are spread evenly over the two years before November 2026 in Korea.
const END_MILLIS: u64 = 1_793_458_800_000;
const SPAN_MILLIS: u64 = 2 * 365 * 24 * 60 * 60 * 1000;
const MILLIS_BETWEEN_COMMENTS: u64 = 7 * 60 * 1000;

/// The renderer of the component that makes the HTML written here, see its domain/markdown.rs.
const RENDERER: i64 = 1;

const CATEGORIES: [&str; 8] =
    ["free", "free", "free", "question", "question", "question", "work", "news"];

const INSIDER: u64 = 1;
const POST: u64 = 2;

const POSTS_TABLE: Table = Table {
    name: "posts",
    columns: "id, author, category, title, body, body_html, renderer, vote_count, comment_count, \
              accepted_comment_id, revision, created_at, edited_at, tokens",
};

const COMMENTS_TABLE: Table = Table {
    name: "comments",
    columns: "id, post_id, root_id, is_reply, author, label_number, body, body_html, renderer, vote_count, \
              deleted, revision, created_at, edited_at",
};

const VOTES_TABLE: Table = Table { name: "votes", columns: "post_id, target_id, voter" };

const LABELS_TABLE: Table = Table { name: "thread_labels", columns: "post_id, author, number" };

pub(super) fn part(scale: f64) -> Part {
    let first = Place { number: 0, of: scaled(POSTS, scale) }.id(&mut words::random(POST, 0));
    Part {
        component: "board",
        tables: &[&POSTS_TABLE, &COMMENTS_TABLE, &VOTES_TABLE, &LABELS_TABLE],
        marker: format!("SELECT 1 FROM posts WHERE id = '{first}'"),
        length: scaled(POSTS, scale),
        fill,
        finish: "",
    }
}

fn fill(loader: &mut Loader, scale: f64, bar: &ProgressBar) -> Result<()> {
    let insiders = scaled(INSIDERS, scale).max(FEWEST_INSIDERS);
    let of = scaled(POSTS, scale);
    for number in 0..of {
        Thread::new(Place { number, of }, insiders).write(loader)?;
        bar.inc(1);
    }
    Ok(())
}

/// Which of all posts it is.
#[derive(Clone, Copy)]
struct Place {
    number: u64,
    of: u64,
}

impl Place {
    fn millis(self) -> u64 {
        END_MILLIS - SPAN_MILLIS + SPAN_MILLIS / self.of * self.number
    }

    fn id(self, random: &mut Rng) -> String {
        id(random, self.millis())
    }
}

/// Version 7, like the component's.
fn id(random: &mut Rng, millis: u64) -> String {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().hyphenated().to_string()
}

struct Thread {
    random: Rng,
    place: Place,
    id: String,
    insiders: u64,
    poster: u64,
    /// Who has a label: 익명 1 is the first.
    labelled: u64,
    /// The last comment that is no reply.
    root: Option<String>,
    accepted: Option<String>,
}

impl Thread {
    fn new(place: Place, insiders: u64) -> Self {
        let mut random = words::random(POST, place.number);
        let id = place.id(&mut random);
        let poster = random.u64(..insiders);
        Self { random, place, id, insiders, poster, labelled: 0, root: None, accepted: None }
    }

    fn write(mut self, loader: &mut Loader) -> Result<()> {
        let number = self.place.number;
        let category = words::choose(&mut self.random, &CATEGORIES);
        let (title, body) = (words::title(&mut self.random, number), words::body(&mut self.random));
        let post_id = self.id.clone();
        let votes = self.vote(loader, &post_id, 4)?;
        let comments = comments_of(number);
        for index in 0..comments {
            self.comment(loader, index, category == "question")?;
        }
        loader.row(
            &POSTS_TABLE,
            [
                (&self.id).into(),
                (&self.insider(0)).into(),
                category.into(),
                (&title).into(),
                (&body).into(),
                (&html(&body)).into(),
                RENDERER.into(),
                votes.into(),
                comments.cast_signed().into(),
                self.accepted.as_ref().map_or(Cell::Null, Cell::from),
                0.into(),
                self.place.millis().cast_signed().into(),
                Cell::Null,
                // As the component does it in store/search.rs.
                (&text::tokens(&format!("{title}\n{body}"))).into(),
            ],
        )
    }

    fn comment(&mut self, loader: &mut Loader, index: u64, is_question: bool) -> Result<()> {
        let millis = self.place.millis() + (index + 1) * MILLIS_BETWEEN_COMMENTS;
        let comment_id = id(&mut self.random, millis);
        let root = self.root.clone().filter(|_| self.random.u8(..3) == 0);
        let label = self.label(loader)?;
        let body = words::body(&mut self.random);
        let votes = self.vote(loader, &comment_id, 20)?;
        loader.row(
            &COMMENTS_TABLE,
            [
                (&comment_id).into(),
                (&self.id).into(),
                root.as_ref().unwrap_or(&comment_id).into(),
                i64::from(root.is_some()).into(),
                (&self.insider(label)).into(),
                label.cast_signed().into(),
                (&body).into(),
                (&html(&body)).into(),
                RENDERER.into(),
                votes.into(),
                0.into(),
                0.into(),
                millis.cast_signed().into(),
                Cell::Null,
            ],
        )?;
        if root.is_none() {
            if is_question && label > 0 && self.accepted.is_none() && self.random.bool() {
                self.accepted = Some(comment_id.clone());
            }
            self.root = Some(comment_id);
        }
        Ok(())
    }

    /// Under which number the next comment speaks: the poster's, an earlier one's or a new one.
    fn label(&mut self, loader: &mut Loader) -> Result<u64> {
        if self.random.u8(..3) > 0 {
            return Ok(self.random.u64(..=self.labelled));
        }
        self.labelled += 1;
        let author = self.insider(self.labelled);
        let cells = [(&self.id).into(), (&author).into(), self.labelled.cast_signed().into()];
        loader.row(&LABELS_TABLE, cells)?;
        Ok(self.labelled)
    }

    /// The poster is number 0; so many others follow as there are insiders.
    fn insider(&self, number: u64) -> String {
        words::pseudonym(INSIDER, (self.poster + number) % self.insiders)
    }

    /// Gives one target of `one_in` some votes, and says how many.
    fn vote(&mut self, loader: &mut Loader, target: &str, one_in: u64) -> Result<i64> {
        if self.random.u64(..one_in) > 0 {
            return Ok(0);
        }
        let most = if self.random.u8(..) == 0 { 60 } else { 4 };
        let votes = self.random.u64(1..=most);
        for voter in 1..=votes {
            let voter = self.insider(voter);
            loader.row(&VOTES_TABLE, [(&self.id).into(), target.into(), (&voter).into()])?;
        }
        Ok(votes.cast_signed())
    }
}

fn comments_of(number: u64) -> u64 {
    let usual = COMMENTS[(number % 10) as usize];
    // In the middle, so that a few posts have a long thread among them as well.
    if number % ONE_LONG_IN == ONE_LONG_IN / 2 { usual + LONG } else { usual }
}

fn html(body: &str) -> String {
    format!("<p>{body}</p>\n")
}

#[cfg(test)]
mod tests {
    use super::comments_of;

    #[test]
    fn there_are_five_comments_for_each_post() {
        assert_eq!((0..2_000).map(comments_of).sum::<u64>(), 10_000);
    }
}
