-- No account, no session, no exact time.
CREATE TABLE reviews (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,   -- random UUID
  hospital_id TEXT COLLATE "C" NOT NULL,
  author TEXT COLLATE "C" NOT NULL,           -- the pseudonym that auth gives for reviews only
  month TEXT COLLATE "C" NOT NULL,            -- YYYY-MM
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  treatment BIGINT NOT NULL,
  explanation BIGINT NOT NULL,
  kindness BIGINT NOT NULL,
  facilities BIGINT NOT NULL,
  cost BIGINT NOT NULL,
  honesty BIGINT NOT NULL,
  total BIGINT NOT NULL,
  revision BIGINT NOT NULL
);

-- One review for each insider and hospital.
CREATE UNIQUE INDEX reviews_author ON reviews (hospital_id, author);

CREATE INDEX reviews_month ON reviews (hospital_id, month, id);

CREATE INDEX reviews_total ON reviews (hospital_id, total, id);

CREATE INDEX reviews_latest ON reviews (month, id);

-- What the reviews of a hospital add up to, changed in the transaction that changes a review.
-- Room in each page, so that a row that is changed often stays in its page.
CREATE TABLE hospital_ratings (
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

CREATE TABLE review_idempotency (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  status BIGINT NOT NULL,
  location TEXT COLLATE "C" NULL,
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE INDEX review_idempotency_created_at ON review_idempotency (created_at);

-- A deleted review takes the answers that repeat it along.
CREATE INDEX review_idempotency_location ON review_idempotency (location);
