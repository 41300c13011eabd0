-- Reviews by a key instead of a session. `reviews`, `hospital_ratings` and their rows are left to the
-- version before; a later migration drops them.

-- No account, no session, no address, no exact time. The rows have no ROWID, which would tell the
-- order in which they were written; see docs/passes.md for what a batch does about the rest.
CREATE TABLE signed_reviews (
  id TEXT NOT NULL PRIMARY KEY,   -- random UUID
  public_key TEXT NOT NULL,       -- Ed25519, base64url
  hospital_id TEXT NOT NULL,
  year BIGINT NOT NULL,           -- of the pass
  status TEXT NOT NULL,           -- waiting, published, hidden, removed, withdrawn
  month TEXT NOT NULL,            -- of its publication, YYYY-MM; empty while nobody sees it
  title TEXT NOT NULL,            -- at most 100 characters, as the five that follow empty once it is gone
  body TEXT NOT NULL,             -- at most 5000 characters
  stars TEXT NOT NULL,            -- six digits
  revision BIGINT NOT NULL,       -- of this text
  signature TEXT NOT NULL,        -- Ed25519, base64url
  total BIGINT NOT NULL,          -- the sum of its stars while it is published, else 0
  statement BIGINT NOT NULL,      -- the revision of the key's last statement
  hidden_until TEXT NULL,         -- the last day, YYYY-MM-DD
  hidden_revision BIGINT NOT NULL, -- of the text that was hidden last
  touched TEXT NOT NULL,          -- the day of a statement that no batch has seen, else empty
  queued BIGINT NOT NULL          -- 1 where the next batch has to look at it
) WITHOUT ROWID;

-- One review for each key, and so for each pass.
CREATE UNIQUE INDEX signed_reviews_key ON signed_reviews (public_key);

CREATE INDEX signed_reviews_month ON signed_reviews (hospital_id, month, id);

CREATE INDEX signed_reviews_total ON signed_reviews (hospital_id, total, id);

CREATE INDEX signed_reviews_latest ON signed_reviews (status, month, id);

CREATE INDEX signed_reviews_queued ON signed_reviews (queued, id);

-- The text of an edit, until a batch puts it into its review.
CREATE TABLE review_edits (
  review_id TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  stars TEXT NOT NULL,
  revision BIGINT NOT NULL,
  signature TEXT NOT NULL
) WITHOUT ROWID;

-- What the published reviews of a hospital add up to, changed in the transaction that changes one.
CREATE TABLE signed_ratings (
  hospital_id TEXT NOT NULL PRIMARY KEY,
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
) WITHOUT ROWID;

-- How far the batch of a day has come: the last id that it looked at. One row, which it locks.
CREATE TABLE review_publication (
  id BIGINT NOT NULL PRIMARY KEY,
  day TEXT NOT NULL,              -- YYYY-MM-DD
  place TEXT NOT NULL
) WITHOUT ROWID;

INSERT INTO review_publication (id, day, place) VALUES (1, '', '');

CREATE TABLE banned_review_keys (
  public_key TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;

-- What an insider says is wrong with a review. `reporter` is made for this one review.
CREATE TABLE review_reports (
  id TEXT NOT NULL PRIMARY KEY,   -- random UUID
  review_id TEXT NOT NULL,
  hospital_id TEXT NOT NULL,
  reporter TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,           -- at most 1000 characters, empty once decided
  day TEXT NOT NULL,              -- YYYY-MM-DD
  status TEXT NOT NULL            -- open, closed
) WITHOUT ROWID;

CREATE UNIQUE INDEX review_reports_reporter ON review_reports (review_id, reporter);

CREATE INDEX review_reports_status ON review_reports (status, day, id);

-- 임시조치: anyone may ask for a review to be hidden.
CREATE TABLE review_takedowns (
  id TEXT NOT NULL PRIMARY KEY,   -- random UUID
  review_id TEXT NOT NULL,
  hospital_id TEXT NOT NULL,
  claimant TEXT NOT NULL,         -- at most 100 characters, as the three that follow empty once decided
  contact TEXT NOT NULL,          -- at most 200 characters
  detail TEXT NOT NULL,           -- at most 1000 characters
  appeal TEXT NULL,               -- the author's, at most 2000 characters
  reason TEXT NOT NULL,
  day TEXT NOT NULL,              -- YYYY-MM-DD
  status TEXT NOT NULL            -- waiting, hidden, closed
) WITHOUT ROWID;

CREATE INDEX review_takedowns_review ON review_takedowns (review_id, status);

CREATE INDEX review_takedowns_status ON review_takedowns (status, day, id);

-- Proposals to remove a review, each waiting for a second moderator. `moderator` is made for this
-- one proposal.
CREATE TABLE review_removals (
  id TEXT NOT NULL PRIMARY KEY,   -- random UUID
  review_id TEXT NOT NULL,
  hospital_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  ban_key BIGINT NOT NULL,
  moderator TEXT NOT NULL,
  day TEXT NOT NULL               -- YYYY-MM-DD
) WITHOUT ROWID;

CREATE UNIQUE INDEX review_removals_review ON review_removals (review_id);

CREATE INDEX review_removals_day ON review_removals (day, id);

CREATE TABLE review_replies (
  review_id TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,             -- at most 2000 characters
  month TEXT NOT NULL             -- YYYY-MM
) WITHOUT ROWID;

-- By which a hospital replies; kept as a hash.
CREATE TABLE review_reply_tokens (
  id TEXT NOT NULL PRIMARY KEY,   -- random UUID
  hospital_id TEXT NOT NULL,
  hash TEXT NOT NULL,
  day TEXT NOT NULL               -- YYYY-MM-DD
) WITHOUT ROWID;

CREATE UNIQUE INDEX review_reply_tokens_hash ON review_reply_tokens (hash);

CREATE INDEX review_reply_tokens_day ON review_reply_tokens (day, id);

-- Public, and chained: see docs/passes.md.
CREATE TABLE moderation_log (
  entry BIGINT NOT NULL PRIMARY KEY,
  day TEXT NOT NULL,              -- YYYY-MM-DD
  act TEXT NOT NULL,
  hospital_id TEXT NOT NULL,
  review_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) WITHOUT ROWID;

-- The last entry. One row, which whoever adds one locks.
CREATE TABLE moderation_head (
  id BIGINT NOT NULL PRIMARY KEY,
  entry BIGINT NOT NULL,
  hash TEXT NOT NULL
) WITHOUT ROWID;

INSERT INTO moderation_head (id, entry, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
