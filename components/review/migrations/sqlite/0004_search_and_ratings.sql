-- What the index of a search reads. A table of its own: its rows may stand here before their
-- hospital has this text, and after it has another one, because a search compares the text of
-- the hospital itself in any case. So an import fills the index batch by batch, not at once.
CREATE TABLE hospital_texts (
  number INTEGER PRIMARY KEY,
  hospital_id TEXT NOT NULL,
  search TEXT NOT NULL,           -- as in hospitals
  tokens TEXT NOT NULL            -- of search, see the crate text
);

CREATE INDEX hospital_texts_hospital ON hospital_texts (hospital_id);

CREATE VIRTUAL TABLE hospital_texts_tokens USING fts5(tokens, content='hospital_texts', content_rowid='number', detail=none, columnsize=0);

CREATE TRIGGER hospital_texts_inserted AFTER INSERT ON hospital_texts BEGIN INSERT INTO hospital_texts_tokens (rowid, tokens) VALUES (new.number, new.tokens); END;

CREATE TRIGGER hospital_texts_deleted AFTER DELETE ON hospital_texts BEGIN INSERT INTO hospital_texts_tokens (hospital_texts_tokens, rowid, tokens) VALUES ('delete', old.number, old.tokens); END;

-- Hospitals whose text is still as an older version wrote it: without initial consonants, and
-- not in the index. They are gone through while the site runs, a few at a time.
CREATE TABLE hospitals_without_text (
  hospital_id TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;

INSERT INTO hospitals_without_text (hospital_id) SELECT id FROM hospitals;

-- The lists no longer read through `search`, so it leaves their indexes.
DROP INDEX hospitals_name;

DROP INDEX hospitals_region;

DROP INDEX hospitals_kind;

DROP INDEX hospitals_region_kind;

CREATE INDEX hospitals_name ON hospitals (name, id);

CREATE INDEX hospitals_region ON hospitals (region, name, id);

CREATE INDEX hospitals_kind ON hospitals (kind, name, id);

CREATE INDEX hospitals_region_kind ON hospitals (region, kind, name, id);

-- What the reviews of a hospital add up to, changed in the transaction that changes a review.
CREATE TABLE hospital_ratings (
  hospital_id TEXT NOT NULL PRIMARY KEY,
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
) WITHOUT ROWID;

INSERT INTO hospital_ratings (hospital_id, treatment, explanation, kindness, facilities, cost, honesty, one, two, three, four, five) SELECT hospital_id, sum(treatment), sum(explanation), sum(kindness), sum(facilities), sum(cost), sum(honesty), sum(total < 9), sum(total BETWEEN 9 AND 14), sum(total BETWEEN 15 AND 20), sum(total BETWEEN 21 AND 26), sum(total > 26) FROM reviews GROUP BY hospital_id;

DROP INDEX reviews_total;

CREATE INDEX reviews_total ON reviews (hospital_id, total, id);

-- A deleted review takes the answers that repeat it along.
CREATE INDEX review_idempotency_location ON review_idempotency (location);
