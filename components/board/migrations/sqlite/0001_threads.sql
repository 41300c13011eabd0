-- Times are milliseconds since the Unix epoch. An author and a voter are the session's
-- pseudonym (22 characters) and nothing else. Ids are UUIDv7 (36 characters), so the order
-- of ids is the order of time and no list needs a column for it.

CREATE TABLE posts (
  id TEXT NOT NULL PRIMARY KEY,
  author TEXT NOT NULL,
  -- At most 8 characters.
  category TEXT NOT NULL,
  -- At most 100 characters.
  title TEXT NOT NULL,
  -- At most 10,000 characters of Markdown, and the HTML that the renderer of this number made of it.
  body TEXT NOT NULL,
  body_html TEXT NOT NULL,
  renderer BIGINT NOT NULL,
  -- Both counts change in the transaction that changes what they count.
  vote_count BIGINT NOT NULL,
  comment_count BIGINT NOT NULL,
  accepted_comment_id TEXT NULL,
  -- Counts edits; the ETag carries it.
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  edited_at BIGINT NULL
);

CREATE INDEX posts_by_category ON posts (category, id);

CREATE INDEX posts_by_votes ON posts (vote_count, id);

CREATE INDEX posts_by_category_and_votes ON posts (category, vote_count, id);

CREATE TABLE comments (
  id TEXT NOT NULL PRIMARY KEY,
  post_id TEXT NOT NULL,
  -- The comment that a reply answers; a top-level comment's own id.
  root_id TEXT NOT NULL,
  -- 0 or 1: keeps a comment before its replies, whichever server's clock made their ids.
  is_reply BIGINT NOT NULL,
  author TEXT NOT NULL,
  -- The number in thread_labels, repeated here because it never changes. 0 is the poster.
  label_number BIGINT NOT NULL,
  -- At most 3,000 characters of Markdown.
  body TEXT NOT NULL,
  body_html TEXT NOT NULL,
  renderer BIGINT NOT NULL,
  vote_count BIGINT NOT NULL,
  -- 1 where only its replies keep the row: author and texts are empty then.
  deleted BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  edited_at BIGINT NULL
);

CREATE INDEX comments_by_thread ON comments (post_id, root_id, is_reply, id);

-- A vote for a post has the post's id in both places.
CREATE TABLE votes (
  post_id TEXT NOT NULL,
  target_id TEXT NOT NULL,
  voter TEXT NOT NULL,
  PRIMARY KEY (post_id, voter, target_id)
);

-- Who is 익명 1, 익명 2, … in a thread. The rows outlive a deleted comment, so that nobody
-- comes back to the thread as somebody else.
CREATE TABLE thread_labels (
  post_id TEXT NOT NULL,
  author TEXT NOT NULL,
  number BIGINT NOT NULL,
  PRIMARY KEY (post_id, author)
);

CREATE UNIQUE INDEX thread_labels_by_number ON thread_labels (post_id, number);

-- See the crate idempotency.
CREATE TABLE board_idempotency (
  id TEXT NOT NULL PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  status BIGINT NOT NULL,
  location TEXT NULL,
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE INDEX board_idempotency_by_age ON board_idempotency (created_at);

CREATE INDEX board_idempotency_by_location ON board_idempotency (location);
