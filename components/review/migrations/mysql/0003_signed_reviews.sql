-- Reviews by a key instead of a session. `reviews`, `hospital_ratings` and their rows are left to the
-- version before; a later migration drops them.

-- No account, no session, no address, no exact time. The rows lie in the order
-- of their random ids; see docs/passes.md for what a batch does about the rest.
CREATE TABLE IF NOT EXISTS signed_reviews (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,   -- random UUID
  public_key VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,       -- Ed25519, base64url
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  year BIGINT NOT NULL,           -- of the pass
  status VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,           -- waiting, published, hidden, removed, withdrawn
  month VARCHAR(7) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,            -- of its publication, YYYY-MM; empty while nobody sees it
  title VARCHAR(100) NOT NULL,            -- at most 100 characters, as the five that follow empty once it is gone
  body MEDIUMTEXT NOT NULL,             -- at most 5000 characters
  stars VARCHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,            -- six digits
  revision BIGINT NOT NULL,       -- of this text
  signature VARCHAR(86) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,        -- Ed25519, base64url
  total BIGINT NOT NULL,          -- the sum of its stars while it is published, else 0
  statement BIGINT NOT NULL,      -- the revision of the key's last statement
  hidden_until VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NULL,         -- the last day, YYYY-MM-DD
  hidden_revision BIGINT NOT NULL, -- of the text that was hidden last
  touched VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,          -- the day of a statement that no batch has seen, else empty
  queued BIGINT NOT NULL,          -- 1 where the next batch has to look at it
  UNIQUE KEY signed_reviews_key (public_key),
  KEY signed_reviews_month (hospital_id, month, id),
  KEY signed_reviews_total (hospital_id, total, id),
  -- Without the status, on which MariaDB would rather count through a list than find a place in it.
  KEY signed_reviews_latest (month, id),
  KEY signed_reviews_hidden (hidden_until),
  KEY signed_reviews_queued (queued, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The text of an edit, until a batch puts it into its review.
CREATE TABLE IF NOT EXISTS review_edits (
  review_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  title VARCHAR(100) NOT NULL,
  body MEDIUMTEXT NOT NULL,
  stars VARCHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revision BIGINT NOT NULL,
  signature VARCHAR(86) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What the published reviews of a hospital add up to, changed in the transaction that changes one.
CREATE TABLE IF NOT EXISTS signed_ratings (
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  treatment BIGINT NOT NULL,      -- the stars of all reviews, as the five that follow
  explanation BIGINT NOT NULL,
  kindness BIGINT NOT NULL,
  facilities BIGINT NOT NULL,
  cost BIGINT NOT NULL,
  honesty BIGINT NOT NULL,
  one BIGINT NOT NULL,            -- how many reviews give so many stars, by their rounded mean
  two BIGINT NOT NULL,
  three BIGINT NOT NULL,
  four BIGINT NOT NULL,
  five BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- How far the batch of a day has come: the last id that it looked at. One row, which it locks.
CREATE TABLE IF NOT EXISTS review_publication (
  id BIGINT NOT NULL PRIMARY KEY,
  day VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,              -- YYYY-MM-DD
  place VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO review_publication (id, day, place) VALUES (1, '', '');

CREATE TABLE IF NOT EXISTS banned_review_keys (
  public_key VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What an insider says is wrong with a review. `reporter` is made for this one review.
CREATE TABLE IF NOT EXISTS review_reports (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,   -- random UUID
  review_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reporter VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  detail MEDIUMTEXT NOT NULL,           -- at most 1000 characters, empty once decided
  day VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,              -- YYYY-MM-DD
  status VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,            -- open, closed
  UNIQUE KEY review_reports_reporter (review_id, reporter),
  KEY review_reports_status (status, day, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- 임시조치: anyone may ask for a review to be hidden.
CREATE TABLE IF NOT EXISTS review_takedowns (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,   -- random UUID
  review_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  claimant VARCHAR(100) NOT NULL,         -- at most 100 characters, as the three that follow empty once decided
  contact VARCHAR(200) NOT NULL,          -- at most 200 characters
  detail MEDIUMTEXT NOT NULL,           -- at most 1000 characters
  appeal MEDIUMTEXT NULL,               -- the author's, at most 2000 characters
  reason VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  day VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,              -- YYYY-MM-DD
  status VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,            -- waiting, hidden, closed
  KEY review_takedowns_review (review_id, status),
  KEY review_takedowns_status (status, day, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Proposals to remove a review, each waiting for a second moderator. `moderator` is made for this
-- one proposal.
CREATE TABLE IF NOT EXISTS review_removals (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,   -- random UUID
  review_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ban_key BIGINT NOT NULL,
  moderator VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  day VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,               -- YYYY-MM-DD
  UNIQUE KEY review_removals_review (review_id),
  KEY review_removals_day (day, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS review_replies (
  review_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  body MEDIUMTEXT NOT NULL,             -- at most 2000 characters
  month VARCHAR(7) CHARACTER SET ascii COLLATE ascii_bin NOT NULL             -- YYYY-MM
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- By which a hospital replies; kept as a hash.
CREATE TABLE IF NOT EXISTS review_reply_tokens (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,   -- random UUID
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  day VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,               -- YYYY-MM-DD
  UNIQUE KEY review_reply_tokens_hash (hash),
  KEY review_reply_tokens_day (day, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Public, and chained: see docs/passes.md.
CREATE TABLE IF NOT EXISTS moderation_log (
  entry BIGINT NOT NULL PRIMARY KEY,
  day VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,              -- YYYY-MM-DD
  act VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  review_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  previous VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The last entry. One row, which whoever adds one locks.
CREATE TABLE IF NOT EXISTS moderation_head (
  id BIGINT NOT NULL PRIMARY KEY,
  entry BIGINT NOT NULL,
  hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO moderation_head (id, entry, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
