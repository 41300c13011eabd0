use serde::{Deserialize, Serialize};
use text::Refusal;

use super::{Id, Rendered};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub(crate) enum Category {
    Free,
    Question,
    Work,
    News,
}

impl Category {
    const ALL: [Self; 4] = [Self::Free, Self::Question, Self::Work, Self::News];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Question => "question",
            Self::Work => "work",
            Self::News => "news",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }
}

impl TryFrom<String> for Category {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::from_name(&name).ok_or("must be one of free, question, work and news")
    }
}

/// A post as one reader sees it. `author` is a pseudonym that no answer shows.
#[derive(Clone)]
pub(crate) struct Post {
    pub id: Id,
    pub author: String,
    pub category: Category,
    pub title: String,
    pub body: Rendered,
    pub vote_count: i64,
    pub comment_count: i64,
    pub accepted_comment_id: Option<Id>,
    pub revision: i64,
    pub created_at: i64,
    pub edited_at: Option<i64>,
    /// Whether the reader has voted for it.
    pub voted: bool,
}

/// What the comments of a post need to know of it, without its text.
pub(crate) struct Thread {
    pub post_id: Id,
    pub author: String,
    pub accepted_comment_id: Option<Id>,
}

/// What an author changes; what is `None` stays.
#[derive(Clone)]
pub(crate) struct Change {
    pub category: Option<Category>,
    pub title: Option<String>,
    pub body: Option<Rendered>,
}

/// What a list shows of a post.
pub(crate) struct Summary {
    pub id: Id,
    pub category: Category,
    pub title: String,
    pub comment_count: i64,
    pub vote_count: i64,
    pub answered: bool,
    pub created_at: i64,
    pub edited_at: Option<i64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    #[default]
    Newest,
    Votes,
}

impl Summary {
    pub(crate) fn place(&self) -> Place {
        Place { vote_count: self.vote_count, id: self.id.clone() }
    }
}

/// Which posts a list has, and in which order.
#[derive(Debug)]
pub(crate) struct Selection {
    pub category: Option<Category>,
    pub search: Option<String>,
    pub sort: Sort,
}

/// The place of a post in either order.
#[derive(Serialize, Deserialize)]
pub(crate) struct Place {
    pub vote_count: i64,
    pub id: Id,
}

pub(crate) fn title(value: &str) -> Result<String, Refusal> {
    text::line(value, 2..=100)
}

pub(crate) fn body(value: &str) -> Result<String, Refusal> {
    text::prose(value, 2..=10_000)
}

/// A term to search titles and bodies for. One character would find nearly everything.
pub(crate) fn search(value: &str) -> Result<String, Refusal> {
    text::line(value, 2..=50)
}

impl Post {
    /// A post that nobody has seen yet. `title` and `body` have passed the functions above.
    pub(crate) fn new(
        id: Id,
        author: String,
        category: Category,
        title: String,
        body: Rendered,
        now: i64,
    ) -> Self {
        Self {
            id,
            author,
            category,
            title,
            body,
            vote_count: 0,
            comment_count: 0,
            accepted_comment_id: None,
            revision: 1,
            created_at: now,
            edited_at: None,
            voted: false,
        }
    }

    pub(crate) fn edit(&mut self, change: Change, now: i64) {
        if let Some(category) = change.category {
            self.category = category;
        }
        if let Some(title) = change.title {
            self.title = title;
        }
        if let Some(body) = change.body {
            self.body = body;
        }
        if self.category != Category::Question {
            // Only a question has an answer.
            self.accepted_comment_id = None;
        }
        self.revision += 1;
        self.edited_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Category, Change, Post};
    use crate::domain::{Id, Rendered};

    fn question() -> Post {
        let id = Id::from(Uuid::from_u128(1));
        let mut post = Post::new(
            id.clone(),
            "a".into(),
            Category::Question,
            "제목".into(),
            Rendered::new("본문".into()),
            1,
        );
        post.accepted_comment_id = Some(id);
        post
    }

    #[test]
    fn an_edit_keeps_what_it_does_not_name() {
        let mut post = question();
        post.edit(Change { category: None, title: Some("새 제목".into()), body: None }, 2);
        assert_eq!((post.title.as_str(), post.body.source.as_str()), ("새 제목", "본문"));
        assert_eq!((post.revision, post.edited_at), (2, Some(2)));
        assert!(post.accepted_comment_id.is_some());
    }

    #[test]
    fn what_is_no_question_any_more_has_no_answer() {
        let mut post = question();
        post.edit(Change { category: Some(Category::Free), title: None, body: None }, 2);
        assert!(post.accepted_comment_id.is_none());
    }

    #[test]
    fn an_edited_body_is_rendered_again() {
        let mut post = question();
        post.edit(
            Change {
                category: None, title: None, body: Some(Rendered::new("**새** 본문".into()))
            },
            2,
        );
        assert_eq!(post.body.html, "<p><strong>새</strong> 본문</p>\n");
    }

    #[test]
    fn category_names_lead_back() {
        for category in Category::ALL {
            assert_eq!(Category::from_name(category.name()), Some(category));
        }
        assert_eq!(Category::from_name("Free"), None);
    }
}
