-- For MySQL and MariaDB. What the columns hold is said in sqlite/0001_threads.sql. What is not
-- text that people write is ASCII, which keeps keys short and is compared byte by byte.

CREATE TABLE IF NOT EXISTS posts (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  author VARCHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  category VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  title VARCHAR(100) NOT NULL,
  body MEDIUMTEXT NOT NULL,
  body_html MEDIUMTEXT NOT NULL,
  renderer BIGINT NOT NULL,
  vote_count BIGINT NOT NULL,
  comment_count BIGINT NOT NULL,
  accepted_comment_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  edited_at BIGINT NULL,
  -- The index of a search, see the crate text.
  tokens MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  KEY posts_by_category (category, id),
  KEY posts_by_votes (vote_count, id),
  KEY posts_by_category_and_votes (category, vote_count, id),
  FULLTEXT KEY posts_by_tokens (tokens)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS comments (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  post_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  root_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  is_reply BIGINT NOT NULL,
  author VARCHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  label_number BIGINT NOT NULL,
  body MEDIUMTEXT NOT NULL,
  body_html MEDIUMTEXT NOT NULL,
  renderer BIGINT NOT NULL,
  vote_count BIGINT NOT NULL,
  deleted BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  edited_at BIGINT NULL,
  KEY comments_by_thread (post_id, root_id, is_reply, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS votes (
  post_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  target_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  voter VARCHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (post_id, voter, target_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS thread_labels (
  post_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  author VARCHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number BIGINT NOT NULL,
  PRIMARY KEY (post_id, author),
  UNIQUE KEY thread_labels_by_number (post_id, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS board_idempotency (
  id VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  fingerprint VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status BIGINT NOT NULL,
  location VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
  body MEDIUMTEXT NOT NULL,
  created_at BIGINT NOT NULL,
  KEY board_idempotency_by_age (created_at),
  KEY board_idempotency_by_location (location)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
