-- No account, no session, no exact time. The rows lie in the order of their random ids.
CREATE TABLE IF NOT EXISTS reviews (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY, -- random UUID
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  author VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, -- the pseudonym that auth gives for reviews only
  month VARCHAR(7) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, -- YYYY-MM
  title VARCHAR(100) NOT NULL,
  body MEDIUMTEXT NOT NULL,
  treatment BIGINT NOT NULL,
  explanation BIGINT NOT NULL,
  kindness BIGINT NOT NULL,
  facilities BIGINT NOT NULL,
  cost BIGINT NOT NULL,
  honesty BIGINT NOT NULL,
  total BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  -- One review for each insider and hospital.
  UNIQUE KEY reviews_author (hospital_id, author),
  KEY reviews_month (hospital_id, month, id),
  KEY reviews_total (hospital_id, total, id),
  KEY reviews_latest (month, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What the reviews of a hospital add up to, changed in the transaction that changes a review.
CREATE TABLE IF NOT EXISTS hospital_ratings (
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

CREATE TABLE IF NOT EXISTS review_idempotency (
  id VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  fingerprint VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status BIGINT NOT NULL,
  location VARCHAR(400) CHARACTER SET ascii COLLATE ascii_bin NULL,
  body MEDIUMTEXT NOT NULL,
  created_at BIGINT NOT NULL,
  KEY review_idempotency_created_at (created_at),
  -- A deleted review takes the answers that repeat it along.
  KEY review_idempotency_location (location)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
