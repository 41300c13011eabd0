-- For MySQL and MariaDB. What the tables and columns hold is said in
-- sqlite/0001_accounts_and_sessions.sql. All but a hospital's id is ASCII, compared byte by byte.

CREATE TABLE IF NOT EXISTS settings (
  name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  value VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS accounts (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  login VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject VARCHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  password_hash VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hospital_id VARCHAR(100) NULL,
  hospital_changed_at BIGINT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE KEY accounts_by_login (login),
  UNIQUE KEY accounts_by_subject (subject)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS sessions (
  family VARCHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  account_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  token_hash VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  previous_hash VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NULL,
  rotated_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  KEY sessions_by_account (account_id, rotated_at),
  KEY sessions_by_expiry (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS throttles (
  bucket VARCHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  drained_at BIGINT NOT NULL,
  KEY throttles_by_time (drained_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS auth_idempotency (
  id VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  fingerprint VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  status BIGINT NOT NULL,
  location VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
  body MEDIUMTEXT NOT NULL,
  created_at BIGINT NOT NULL,
  KEY auth_idempotency_by_time (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
