-- For MySQL and MariaDB. What the tables and columns hold is said in
-- sqlite/0002_proofs_and_passes.sql. All of it is ASCII, compared byte by byte.

CREATE TABLE IF NOT EXISTS moderators (
  account_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS moderator_decisions (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  account_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  act VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  decided_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS mail_domains (
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  domain VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  approved BIGINT NOT NULL,
  PRIMARY KEY (hospital_id, domain),
  KEY mail_domains_by_state (approved, hospital_id, domain)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS proofs (
  account_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  method VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  since BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS proven_addresses (
  address_hash VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  account_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  expires_at BIGINT NOT NULL,
  KEY proven_addresses_by_account (account_id),
  KEY proven_addresses_by_expiry (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS mail_codes (
  account_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  domain VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  address_hash VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code_hash VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  tries BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  message VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  delivery VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  attempts BIGINT NOT NULL,
  next_attempt_at BIGINT NOT NULL,
  KEY mail_codes_by_expiry (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS documents (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  account_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  media_type VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  bytes BIGINT NOT NULL,
  content MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  approved_by VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  uploaded_at BIGINT NOT NULL,
  UNIQUE KEY documents_by_account (account_id),
  KEY documents_by_time (uploaded_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS vouch_codes (
  account_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE KEY vouch_codes_by_code (code),
  KEY vouch_codes_by_expiry (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS vouches (
  newcomer_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  colleague_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (newcomer_id, colleague_id),
  KEY vouches_by_colleague (colleague_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS passes (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  account_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  year BIGINT NOT NULL,
  blinded_element VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  evaluated_element VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  proof VARCHAR(86) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  UNIQUE KEY passes_once (account_id, hospital_id, year),
  KEY passes_by_hospital (hospital_id, year)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS pass_keys (
  position BIGINT NOT NULL PRIMARY KEY,
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  year BIGINT NOT NULL,
  public_key VARCHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  previous VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  UNIQUE KEY pass_keys_once (hospital_id, year)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO settings (name, value) VALUES ('pass_key_log', '');
