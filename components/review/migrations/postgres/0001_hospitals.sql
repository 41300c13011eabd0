-- What an import says: its source is shown with every hospital that it holds.
CREATE TABLE hospital_imports (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  source TEXT NOT NULL,
  date TEXT NOT NULL,             -- YYYY-MM-DD, the day that the data describes
  created_at BIGINT NOT NULL,
  result TEXT NULL                -- JSON, once committed
);

CREATE INDEX hospital_imports_created_at ON hospital_imports (created_at);

-- Rows wait here until their import is committed, so that an interrupted one changes nothing.
-- A rejected row keeps its place: its hospital is not missing, and so is not closed.
CREATE TABLE hospital_import_rows (
  import_id TEXT COLLATE "C" NOT NULL,
  line BIGINT NOT NULL,           -- of the file
  id TEXT COLLATE "C" NULL,       -- NULL where the row does not say which hospital it is
  name TEXT NULL,
  kind TEXT NULL,
  region TEXT NULL,
  search TEXT COLLATE "C" NULL,
  facts TEXT COLLATE "C" NULL,    -- NULL where the row was rejected
  PRIMARY KEY (import_id, line)
);

CREATE INDEX hospital_import_rows_id ON hospital_import_rows (import_id, id);

-- `facts` is all that the open data says, as JSON. The columns beside it repeat what lists
-- are filtered and ordered by.
CREATE TABLE hospitals (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  region TEXT COLLATE "C" NOT NULL,
  search TEXT COLLATE "C" NOT NULL,
  facts TEXT COLLATE "C" NOT NULL,
  import_id TEXT COLLATE "C" NOT NULL,
  closed_at BIGINT NULL
);

CREATE INDEX hospitals_name ON hospitals (name, id);

CREATE INDEX hospitals_region ON hospitals (region, name, id);

CREATE INDEX hospitals_kind ON hospitals (kind, name, id);

CREATE INDEX hospitals_region_kind ON hospitals (region, kind, name, id);

-- What the index of a search reads. A table of its own: its rows may stand here before their
-- hospital has this text, and after it has another one, because a search compares the text of
-- the hospital itself in any case. So an import fills the index batch by batch, not at once.
CREATE TABLE hospital_texts (
  hospital_id TEXT COLLATE "C" NOT NULL,
  search TEXT COLLATE "C" NOT NULL,
  tokens TEXT NOT NULL
);

CREATE INDEX hospital_texts_hospital ON hospital_texts (hospital_id);

CREATE INDEX hospital_texts_tokens ON hospital_texts USING gin (string_to_array(tokens, ' '));

-- What the filters offer. It changes with an import only, so nobody counts hospitals to show it.
CREATE TABLE hospital_facets (
  facet TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (facet, value)
);
