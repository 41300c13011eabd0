-- What the tables and columns hold is said in sqlite/0002_proofs_and_passes.sql.
-- COLLATE "C" compares code units, as the other databases do.

CREATE TABLE moderators (
  account_id TEXT COLLATE "C" NOT NULL PRIMARY KEY
);

CREATE TABLE moderator_decisions (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  account_id TEXT COLLATE "C" NOT NULL,
  act TEXT COLLATE "C" NOT NULL,
  hospital_id TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  decided_at BIGINT NOT NULL
);

CREATE TABLE mail_domains (
  hospital_id TEXT COLLATE "C" NOT NULL,
  domain TEXT COLLATE "C" NOT NULL,
  approved BIGINT NOT NULL,
  PRIMARY KEY (hospital_id, domain)
);

CREATE INDEX mail_domains_by_state ON mail_domains (approved, hospital_id, domain);

CREATE TABLE proofs (
  account_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  hospital_id TEXT COLLATE "C" NOT NULL,
  method TEXT COLLATE "C" NOT NULL,
  since BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE TABLE proven_addresses (
  address_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  account_id TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE INDEX proven_addresses_by_account ON proven_addresses (account_id);

CREATE INDEX proven_addresses_by_expiry ON proven_addresses (expires_at);

CREATE TABLE mail_codes (
  account_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL,
  hospital_id TEXT COLLATE "C" NOT NULL,
  domain TEXT COLLATE "C" NOT NULL,
  address_hash TEXT COLLATE "C" NOT NULL,
  code_hash TEXT COLLATE "C" NOT NULL,
  tries BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  message TEXT NOT NULL,
  delivery TEXT COLLATE "C" NOT NULL,
  attempts BIGINT NOT NULL,
  next_attempt_at BIGINT NOT NULL
);

CREATE INDEX mail_codes_by_expiry ON mail_codes (expires_at);

CREATE TABLE documents (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  account_id TEXT COLLATE "C" NOT NULL UNIQUE,
  hospital_id TEXT COLLATE "C" NOT NULL,
  media_type TEXT COLLATE "C" NOT NULL,
  bytes BIGINT NOT NULL,
  content TEXT NOT NULL,
  approved_by TEXT COLLATE "C",
  uploaded_at BIGINT NOT NULL
);

CREATE INDEX documents_by_time ON documents (uploaded_at, id);

CREATE TABLE vouch_codes (
  account_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  hospital_id TEXT COLLATE "C" NOT NULL,
  code TEXT COLLATE "C" NOT NULL UNIQUE,
  expires_at BIGINT NOT NULL
);

CREATE INDEX vouch_codes_by_expiry ON vouch_codes (expires_at);

CREATE TABLE vouches (
  newcomer_id TEXT COLLATE "C" NOT NULL,
  colleague_id TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (newcomer_id, colleague_id)
);

CREATE INDEX vouches_by_colleague ON vouches (colleague_id);

CREATE TABLE passes (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  account_id TEXT COLLATE "C" NOT NULL,
  hospital_id TEXT COLLATE "C" NOT NULL,
  year BIGINT NOT NULL,
  blinded_element TEXT COLLATE "C" NOT NULL,
  evaluated_element TEXT COLLATE "C" NOT NULL,
  proof TEXT COLLATE "C" NOT NULL,
  UNIQUE (account_id, hospital_id, year)
);

CREATE INDEX passes_by_hospital ON passes (hospital_id, year);

CREATE TABLE pass_keys (
  position BIGINT NOT NULL PRIMARY KEY,
  hospital_id TEXT COLLATE "C" NOT NULL,
  year BIGINT NOT NULL,
  public_key TEXT COLLATE "C" NOT NULL,
  previous TEXT COLLATE "C" NOT NULL,
  hash TEXT COLLATE "C" NOT NULL,
  UNIQUE (hospital_id, year)
);

INSERT INTO settings (name, value) VALUES ('pass_key_log', '');
