//! Every function that changes a vote changes its target's count as well; callers put them
//! into one transaction that has the thread locked, so the count is always the number of rows.

use database::{Database, Error, Value};

use super::key;
use crate::domain::{Comment, Id, Post};

/// What a vote is for.
pub(crate) enum Target<'a> {
    Post(&'a Post),
    Comment(&'a Comment),
}

impl Target<'_> {
    fn post_id(&self) -> &Id {
        match self {
            Self::Post(post) => &post.id,
            Self::Comment(comment) => &comment.post_id,
        }
    }

    fn id(&self) -> &Id {
        match self {
            Self::Post(post) => &post.id,
            Self::Comment(comment) => &comment.id,
        }
    }

    fn vote(&self, voter: &str) -> [Value; 3] {
        [key(self.post_id()), key(self.id()), voter.into()]
    }

    async fn count(&self, db: &Database, change: i64) -> Result<(), Error> {
        let sql = match self {
            Self::Post(_) => "UPDATE posts SET vote_count = vote_count + ?2 WHERE id = ?1",
            Self::Comment(_) => "UPDATE comments SET vote_count = vote_count + ?2 WHERE id = ?1",
        };
        db.query(sql, [key(self.id()), Value::Integer(change)]).await?;
        Ok(())
    }
}

/// The first vote of `voter` for the target; a second one would break the table's key.
pub(crate) async fn add(db: &Database, target: &Target<'_>, voter: &str) -> Result<(), Error> {
    db.query(
        "INSERT INTO votes (post_id, target_id, voter) VALUES (?1, ?2, ?3)",
        target.vote(voter),
    )
    .await?;
    target.count(db, 1).await
}

/// Takes back the vote of `voter`, which is there.
pub(crate) async fn withdraw(db: &Database, target: &Target<'_>, voter: &str) -> Result<(), Error> {
    db.query(
        "DELETE FROM votes WHERE post_id = ?1 AND target_id = ?2 AND voter = ?3",
        target.vote(voter),
    )
    .await?;
    target.count(db, -1).await
}

/// All votes for a comment that goes, and its count with it.
pub(crate) async fn delete(db: &Database, comment: &Comment) -> Result<(), Error> {
    db.query(
        "DELETE FROM votes WHERE post_id = ?1 AND target_id = ?2",
        [key(&comment.post_id), key(&comment.id)],
    )
    .await?;
    Ok(())
}
