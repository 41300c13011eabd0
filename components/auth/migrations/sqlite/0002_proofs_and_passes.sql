-- Accounts that the operator named moderators.
CREATE TABLE moderators (
  account_id TEXT NOT NULL PRIMARY KEY -- 36 characters
) WITHOUT ROWID;

-- What moderators decided, and who did: the only place that says so.
CREATE TABLE moderator_decisions (
  id TEXT NOT NULL PRIMARY KEY, -- 36 characters
  account_id TEXT NOT NULL,
  act TEXT NOT NULL, -- at most 32 characters
  hospital_id TEXT NOT NULL, -- at most 100 characters
  subject TEXT NOT NULL, -- the document's id, or the domain; at most 254 characters
  decided_at BIGINT NOT NULL
) WITHOUT ROWID;

-- Domains whose addresses prove that one works at a hospital; those that were only asked for are
-- not approved yet.
CREATE TABLE mail_domains (
  hospital_id TEXT NOT NULL, -- at most 100 characters
  domain TEXT NOT NULL, -- at most 254 characters
  approved BIGINT NOT NULL,
  PRIMARY KEY (hospital_id, domain)
) WITHOUT ROWID;

CREATE INDEX mail_domains_by_state ON mail_domains (approved, hospital_id, domain);

-- The one proof of an account.
CREATE TABLE proofs (
  account_id TEXT NOT NULL PRIMARY KEY, -- 36 characters
  hospital_id TEXT NOT NULL, -- at most 100 characters
  method TEXT NOT NULL, -- mail, document or vouch
  since BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
) WITHOUT ROWID;

-- Mail addresses that proved something, as keyed hashes. A row outlives its account until the end
-- of the year if the account had a pass: `account_id` is then a name that passes alone share.
CREATE TABLE proven_addresses (
  address_hash TEXT NOT NULL PRIMARY KEY, -- 43 characters
  account_id TEXT NOT NULL, -- 36 characters
  expires_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX proven_addresses_by_account ON proven_addresses (account_id);

CREATE INDEX proven_addresses_by_expiry ON proven_addresses (expires_at);

-- The code that an account waits for, and the mail that carries it: `message` is sealed, and empty
-- once it was sent. `delivery` is waiting, claimed by whoever sends it, or done.
CREATE TABLE mail_codes (
  account_id TEXT NOT NULL PRIMARY KEY, -- 36 characters
  id TEXT NOT NULL, -- 36 characters
  hospital_id TEXT NOT NULL, -- at most 100 characters
  domain TEXT NOT NULL, -- at most 254 characters
  address_hash TEXT NOT NULL, -- 43 characters
  code_hash TEXT NOT NULL, -- 43 characters
  tries BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  message TEXT NOT NULL, -- at most 1,000 characters
  delivery TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  next_attempt_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX mail_codes_by_expiry ON mail_codes (expires_at);

-- A document that waits for two moderators, sealed. The decision deletes it.
CREATE TABLE documents (
  id TEXT NOT NULL PRIMARY KEY, -- 36 characters
  account_id TEXT NOT NULL UNIQUE, -- 36 characters
  hospital_id TEXT NOT NULL, -- at most 100 characters
  media_type TEXT NOT NULL, -- at most 32 characters
  bytes BIGINT NOT NULL,
  content TEXT NOT NULL, -- at most 1.5 MiB
  approved_by TEXT, -- the account of the first moderator who approved
  uploaded_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX documents_by_time ON documents (uploaded_at, id);

-- The code that a newcomer hands to two colleagues, and those of them who entered it.
CREATE TABLE vouch_codes (
  account_id TEXT NOT NULL PRIMARY KEY, -- 36 characters
  hospital_id TEXT NOT NULL, -- at most 100 characters
  code TEXT NOT NULL UNIQUE, -- 10 characters
  expires_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX vouch_codes_by_expiry ON vouch_codes (expires_at);

CREATE TABLE vouches (
  newcomer_id TEXT NOT NULL, -- 36 characters
  colleague_id TEXT NOT NULL, -- 36 characters
  PRIMARY KEY (newcomer_id, colleague_id)
) WITHOUT ROWID;

CREATE INDEX vouches_by_colleague ON vouches (colleague_id);

-- One evaluation for each account, hospital and year. Ids are random and rows lie by them, so that
-- their order tells nothing; no time is kept beside the year. Texts are base64url.
CREATE TABLE passes (
  id TEXT NOT NULL PRIMARY KEY, -- 36 characters
  account_id TEXT NOT NULL, -- 36 characters
  hospital_id TEXT NOT NULL, -- at most 100 characters
  year BIGINT NOT NULL,
  blinded_element TEXT NOT NULL, -- 43 characters
  evaluated_element TEXT NOT NULL, -- 43 characters
  proof TEXT NOT NULL, -- 86 characters
  UNIQUE (account_id, hospital_id, year)
) WITHOUT ROWID;

CREATE INDEX passes_by_hospital ON passes (hospital_id, year);

-- The log of public keys, which only grows. docs/passes.md says how its entries are chained.
CREATE TABLE pass_keys (
  position BIGINT NOT NULL PRIMARY KEY,
  hospital_id TEXT NOT NULL, -- at most 100 characters
  year BIGINT NOT NULL,
  public_key TEXT NOT NULL, -- 43 characters
  previous TEXT NOT NULL, -- 64 characters
  hash TEXT NOT NULL, -- 64 characters
  UNIQUE (hospital_id, year)
);

-- Locked by whoever appends to the log.
INSERT INTO settings (name, value) VALUES ('pass_key_log', '');
