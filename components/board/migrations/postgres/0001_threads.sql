-- What the columns hold is said in sqlite/0001_threads.sql. COLLATE "C" is the order of code
-- units, which cursors rely on; titles and bodies are only searched, in the database's own.

CREATE TABLE posts (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  author TEXT COLLATE "C" NOT NULL,
  category TEXT COLLATE "C" NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  body_html TEXT NOT NULL,
  renderer BIGINT NOT NULL,
  vote_count BIGINT NOT NULL,
  comment_count BIGINT NOT NULL,
  accepted_comment_id TEXT COLLATE "C" NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  edited_at BIGINT NULL,
  -- The index of a search, see the crate text.
  tokens TEXT COLLATE "C" NOT NULL
);

CREATE INDEX posts_by_category ON posts (category, id);

CREATE INDEX posts_by_votes ON posts (vote_count, id);

CREATE INDEX posts_by_category_and_votes ON posts (category, vote_count, id);

CREATE INDEX posts_by_tokens ON posts USING gin (string_to_array(tokens, ' '));

CREATE TABLE comments (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  post_id TEXT COLLATE "C" NOT NULL,
  root_id TEXT COLLATE "C" NOT NULL,
  is_reply BIGINT NOT NULL,
  author TEXT COLLATE "C" NOT NULL,
  label_number BIGINT NOT NULL,
  body TEXT NOT NULL,
  body_html TEXT NOT NULL,
  renderer BIGINT NOT NULL,
  vote_count BIGINT NOT NULL,
  deleted BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  edited_at BIGINT NULL
);

CREATE INDEX comments_by_thread ON comments (post_id, root_id, is_reply, id);

CREATE TABLE votes (
  post_id TEXT COLLATE "C" NOT NULL,
  target_id TEXT COLLATE "C" NOT NULL,
  voter TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (post_id, voter, target_id)
);

CREATE TABLE thread_labels (
  post_id TEXT COLLATE "C" NOT NULL,
  author TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  PRIMARY KEY (post_id, author)
);

CREATE UNIQUE INDEX thread_labels_by_number ON thread_labels (post_id, number);

CREATE TABLE board_idempotency (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  fingerprint TEXT COLLATE "C" NOT NULL,
  status BIGINT NOT NULL,
  location TEXT COLLATE "C" NULL,
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE INDEX board_idempotency_by_age ON board_idempotency (created_at);

CREATE INDEX board_idempotency_by_location ON board_idempotency (location);
