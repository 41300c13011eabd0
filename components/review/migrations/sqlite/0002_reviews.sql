-- No account, no session, no exact time. The rows have no ROWID, which would tell the order in
-- which they were written.
CREATE TABLE reviews (
  id TEXT NOT NULL PRIMARY KEY,   -- random UUID
  hospital_id TEXT NOT NULL,
  author TEXT NOT NULL,           -- the pseudonym that auth gives for reviews only
  month TEXT NOT NULL,            -- YYYY-MM
  title TEXT NOT NULL,            -- at most 100 characters
  body TEXT NOT NULL,             -- at most 5000 characters
  treatment BIGINT NOT NULL,      -- stars, 1 to 5, as the five that follow
  explanation BIGINT NOT NULL,
  kindness BIGINT NOT NULL,
  facilities BIGINT NOT NULL,
  cost BIGINT NOT NULL,
  honesty BIGINT NOT NULL,
  total BIGINT NOT NULL,          -- the sum of the six
  revision BIGINT NOT NULL        -- 1, and one more with each edit
) WITHOUT ROWID;

-- One review for each insider and hospital.
CREATE UNIQUE INDEX reviews_author ON reviews (hospital_id, author);

CREATE INDEX reviews_month ON reviews (hospital_id, month, id);

-- Orders by stars, and holds all that an average is made of.
CREATE INDEX reviews_total ON reviews (hospital_id, total, id, treatment, explanation, kindness, facilities, cost, honesty);

CREATE TABLE review_idempotency (
  id TEXT NOT NULL PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  status BIGINT NOT NULL,
  location TEXT NULL,
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX review_idempotency_created_at ON review_idempotency (created_at);
