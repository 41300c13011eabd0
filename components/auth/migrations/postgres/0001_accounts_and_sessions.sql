-- What the tables and columns hold is said in sqlite/0001_accounts_and_sessions.sql.
-- COLLATE "C" compares code units, as the other databases do.

CREATE TABLE settings (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE accounts (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  login TEXT COLLATE "C" NOT NULL UNIQUE,
  subject TEXT COLLATE "C" NOT NULL UNIQUE,
  password_hash TEXT COLLATE "C" NOT NULL,
  hospital_id TEXT COLLATE "C",
  hospital_changed_at BIGINT,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
  family TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  account_id TEXT COLLATE "C" NOT NULL,
  token_hash TEXT COLLATE "C" NOT NULL,
  previous_hash TEXT COLLATE "C",
  rotated_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_account ON sessions (account_id, rotated_at);

CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE throttles (
  bucket TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  drained_at BIGINT NOT NULL
);

CREATE INDEX throttles_by_time ON throttles (drained_at);

CREATE TABLE auth_idempotency (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  fingerprint TEXT COLLATE "C" NOT NULL,
  status BIGINT NOT NULL,
  location TEXT COLLATE "C",
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE INDEX auth_idempotency_by_time ON auth_idempotency (created_at);
