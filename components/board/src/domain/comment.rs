use serde::{Deserialize, Serialize};
use text::Refusal;

use super::{Id, Rendered, label};

/// A comment as one reader sees it. `author` is a pseudonym that no answer shows.
pub(crate) struct Comment {
    pub id: Id,
    pub post_id: Id,
    /// The comment that this one replies to. Two levels only: that one is no reply itself.
    pub parent_id: Option<Id>,
    pub author: String,
    pub label_number: i64,
    pub body: Rendered,
    pub vote_count: i64,
    /// Only its replies keep it: author and texts are empty.
    pub deleted: bool,
    pub revision: i64,
    pub created_at: i64,
    pub edited_at: Option<i64>,
    /// Whether the reader has voted for it.
    pub voted: bool,
}

/// The place of a comment in its thread: each top-level comment by its time, its replies
/// after it by theirs. Ids are in the order of time.
#[derive(Serialize, Deserialize)]
pub(crate) struct Place {
    pub root_id: Id,
    pub is_reply: bool,
    pub id: Id,
}

pub(crate) fn body(value: &str) -> Result<String, Refusal> {
    text::prose(value, 1..=3_000)
}

impl Comment {
    /// A comment that nobody has seen yet. `body` has passed the function above.
    pub(crate) fn new(
        id: Id,
        post_id: Id,
        parent_id: Option<Id>,
        author: String,
        label_number: i64,
        body: Rendered,
        now: i64,
    ) -> Self {
        Self {
            id,
            post_id,
            parent_id,
            author,
            label_number,
            body,
            vote_count: 0,
            deleted: false,
            revision: 1,
            created_at: now,
            edited_at: None,
            voted: false,
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            root_id: self.parent_id.as_ref().unwrap_or(&self.id).clone(),
            is_reply: self.parent_id.is_some(),
            id: self.id.clone(),
        }
    }

    pub(crate) fn edit(&mut self, body: Rendered, now: i64) {
        self.body = body;
        self.revision += 1;
        self.edited_at = Some(now);
    }

    /// `None` where it is deleted: who it was goes with what was said.
    pub(crate) fn label_number(&self) -> Option<i64> {
        (!self.deleted).then_some(self.label_number)
    }

    pub(crate) fn label(&self) -> String {
        self.label_number().map_or_else(|| "삭제된 댓글".to_owned(), label::label)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::Comment;
    use crate::domain::{Id, Rendered};

    fn comment(parent_id: Option<Id>) -> Comment {
        let id = |n| Id::from(Uuid::from_u128(n));
        Comment::new(id(3), id(1), parent_id, "a".into(), 2, Rendered::new("*글*".into()), 1)
    }

    #[test]
    fn a_reply_stands_with_the_comment_it_answers() {
        let parent = Id::from(Uuid::from_u128(2));
        assert_eq!(comment(Some(parent.clone())).place().root_id, parent);
        let top = comment(None);
        assert_eq!(top.place().root_id, top.id);
    }

    #[test]
    fn who_wrote_a_deleted_comment_is_not_told() {
        let mut comment = comment(None);
        assert_eq!((comment.label().as_str(), comment.label_number()), ("익명 2", Some(2)));
        comment.deleted = true;
        assert_eq!((comment.label().as_str(), comment.label_number()), ("삭제된 댓글", None));
    }

    #[test]
    fn an_edit_is_rendered_and_counted() {
        let mut comment = comment(None);
        comment.edit(Rendered::new("**글**".into()), 5);
        assert_eq!(comment.body.html, "<p><strong>글</strong></p>\n");
        assert_eq!((comment.revision, comment.edited_at), (2, Some(5)));
    }
}
