-- Reviews by a key instead of a session. `reviews`, `hospital_ratings` and their rows are left to the
-- version before; a later migration drops them.

-- No account, no session, no address, no exact time. See docs/passes.md
-- for what a batch does about the order of rows.
CREATE TABLE signed_reviews (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,   -- random UUID
  public_key TEXT COLLATE "C" NOT NULL,       -- Ed25519, base64url
  hospital_id TEXT COLLATE "C" NOT NULL,
  year BIGINT NOT NULL,           -- of the pass
  status TEXT COLLATE "C" NOT NULL,           -- waiting, published, hidden, removed, withdrawn
  month TEXT COLLATE "C" NOT NULL,            -- of its publication, YYYY-MM; empty while nobody sees it
  title TEXT NOT NULL,            -- at most 100 characters, as the five that follow empty once it is gone
  body TEXT NOT NULL,             -- at most 5000 characters
  stars TEXT COLLATE "C" NOT NULL,            -- six digits
  revision BIGINT NOT NULL,       -- of this text
  signature TEXT COLLATE "C" NOT NULL,        -- Ed25519, base64url
  total BIGINT NOT NULL,          -- the sum of its stars while it is published, else 0
  statement BIGINT NOT NULL,      -- the revision of the key's last statement
  hidden_until TEXT COLLATE "C" NULL,         -- the last day, YYYY-MM-DD
  hidden_revision BIGINT NOT NULL, -- of the text that was hidden last
  touched TEXT COLLATE "C" NOT NULL,          -- the day of a statement that no batch has seen, else empty
  queued BIGINT NOT NULL          -- 1 where the next batch has to look at it
);

-- One review for each key, and so for each pass.
CREATE UNIQUE INDEX signed_reviews_key ON signed_reviews (public_key);

CREATE INDEX signed_reviews_month ON signed_reviews (hospital_id, month, id);

CREATE INDEX signed_reviews_total ON signed_reviews (hospital_id, total, id);

CREATE INDEX signed_reviews_latest ON signed_reviews (status, month, id);

CREATE INDEX signed_reviews_queued ON signed_reviews (queued, id);

-- The text of an edit, until a batch puts it into its review.
CREATE TABLE review_edits (
  review_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  stars TEXT COLLATE "C" NOT NULL,
  revision BIGINT NOT NULL,
  signature TEXT COLLATE "C" NOT NULL
);

-- What the published reviews of a hospital add up to, changed in the transaction that changes one.
-- Room in each page, so that a row that is changed often stays in its page.
CREATE TABLE signed_ratings (
  hospital_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
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
) WITH (fillfactor = 70);

-- How far the batch of a day has come: the last id that it looked at. One row, which it locks.
CREATE TABLE review_publication (
  id BIGINT NOT NULL PRIMARY KEY,
  day TEXT COLLATE "C" NOT NULL,              -- YYYY-MM-DD
  place TEXT COLLATE "C" NOT NULL
);

INSERT INTO review_publication (id, day, place) VALUES (1, '', '');

CREATE TABLE banned_review_keys (
  public_key TEXT COLLATE "C" NOT NULL PRIMARY KEY
);

-- What an insider says is wrong with a review. `reporter` is made for this one review.
CREATE TABLE review_reports (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,   -- random UUID
  review_id TEXT COLLATE "C" NOT NULL,
  hospital_id TEXT COLLATE "C" NOT NULL,
  reporter TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  detail TEXT NOT NULL,           -- at most 1000 characters, empty once decided
  day TEXT COLLATE "C" NOT NULL,              -- YYYY-MM-DD
  status TEXT COLLATE "C" NOT NULL            -- open, closed
);

CREATE UNIQUE INDEX review_reports_reporter ON review_reports (review_id, reporter);

CREATE INDEX review_reports_status ON review_reports (status, day, id);

-- 임시조치: anyone may ask for a review to be hidden.
CREATE TABLE review_takedowns (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,   -- random UUID
  review_id TEXT COLLATE "C" NOT NULL,
  hospital_id TEXT COLLATE "C" NOT NULL,
  claimant TEXT NOT NULL,         -- at most 100 characters, as the three that follow empty once decided
  contact TEXT NOT NULL,          -- at most 200 characters
  detail TEXT NOT NULL,           -- at most 1000 characters
  appeal TEXT NULL,               -- the author's, at most 2000 characters
  reason TEXT COLLATE "C" NOT NULL,
  day TEXT COLLATE "C" NOT NULL,              -- YYYY-MM-DD
  status TEXT COLLATE "C" NOT NULL            -- waiting, hidden, closed
);

CREATE INDEX review_takedowns_review ON review_takedowns (review_id, status);

CREATE INDEX review_takedowns_status ON review_takedowns (status, day, id);

-- Proposals to remove a review, each waiting for a second moderator. `moderator` is made for this
-- one proposal.
CREATE TABLE review_removals (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,   -- random UUID
  review_id TEXT COLLATE "C" NOT NULL,
  hospital_id TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  ban_key BIGINT NOT NULL,
  moderator TEXT COLLATE "C" NOT NULL,
  day TEXT COLLATE "C" NOT NULL               -- YYYY-MM-DD
);

CREATE UNIQUE INDEX review_removals_review ON review_removals (review_id);

CREATE INDEX review_removals_day ON review_removals (day, id);

CREATE TABLE review_replies (
  review_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,             -- at most 2000 characters
  month TEXT COLLATE "C" NOT NULL             -- YYYY-MM
);

-- By which a hospital replies; kept as a hash.
CREATE TABLE review_reply_tokens (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,   -- random UUID
  hospital_id TEXT COLLATE "C" NOT NULL,
  hash TEXT COLLATE "C" NOT NULL,
  day TEXT COLLATE "C" NOT NULL               -- YYYY-MM-DD
);

CREATE UNIQUE INDEX review_reply_tokens_hash ON review_reply_tokens (hash);

CREATE INDEX review_reply_tokens_day ON review_reply_tokens (day, id);

-- Public, and chained: see docs/passes.md.
CREATE TABLE moderation_log (
  entry BIGINT NOT NULL PRIMARY KEY,
  day TEXT COLLATE "C" NOT NULL,              -- YYYY-MM-DD
  act TEXT COLLATE "C" NOT NULL,
  hospital_id TEXT COLLATE "C" NOT NULL,
  review_id TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  previous TEXT COLLATE "C" NOT NULL,
  hash TEXT COLLATE "C" NOT NULL
);

-- The last entry. One row, which whoever adds one locks.
CREATE TABLE moderation_head (
  id BIGINT NOT NULL PRIMARY KEY,
  entry BIGINT NOT NULL,
  hash TEXT COLLATE "C" NOT NULL
);

INSERT INTO moderation_head (id, entry, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
