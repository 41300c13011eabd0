-- What the installation keeps for itself: its pseudonym secret, and on a laptop its signing key.
CREATE TABLE settings (
  name TEXT NOT NULL PRIMARY KEY, -- at most 64 characters
  value TEXT NOT NULL -- at most 255 characters
);

-- `subject` is derived from `id` by the pseudonym secret. It stands here because a token
-- names its account by nothing else; it goes with the account.
CREATE TABLE accounts (
  id TEXT NOT NULL PRIMARY KEY, -- 36 characters
  login TEXT NOT NULL UNIQUE, -- at most 30 characters
  subject TEXT NOT NULL UNIQUE, -- 22 characters
  password_hash TEXT NOT NULL, -- a PHC string, at most 128 characters
  hospital_id TEXT, -- at most 100 characters
  hospital_changed_at BIGINT,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);

-- One row is one signed-in browser: the family of all refresh tokens that followed one
-- another there. Only the newest token and the one before it are kept, as SHA-256 hashes:
-- any older one is told by not being either of them.
CREATE TABLE sessions (
  family TEXT NOT NULL PRIMARY KEY, -- 22 characters
  account_id TEXT NOT NULL, -- 36 characters
  token_hash TEXT NOT NULL, -- 43 characters
  previous_hash TEXT, -- 43 characters
  rotated_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_account ON sessions (account_id, rotated_at);

CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Counters against guessing, each a leaky bucket that is empty again at `drained_at`. The
-- name is a keyed hash, so that no address and nothing that was typed as a login is stored.
CREATE TABLE throttles (
  bucket TEXT NOT NULL PRIMARY KEY, -- 22 characters
  drained_at BIGINT NOT NULL
);

CREATE INDEX throttles_by_time ON throttles (drained_at);

-- The answers of sign-ups sent with an Idempotency-Key; the crate `idempotency` says how.
CREATE TABLE auth_idempotency (
  id TEXT NOT NULL PRIMARY KEY, -- 43 characters
  fingerprint TEXT NOT NULL, -- 43 characters
  status BIGINT NOT NULL,
  location TEXT, -- at most 255 characters
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE INDEX auth_idempotency_by_time ON auth_idempotency (created_at);
