-- What an import says: its source is shown with every hospital that it holds.
CREATE TABLE hospital_imports (
  id TEXT NOT NULL PRIMARY KEY,   -- UUID
  source TEXT NOT NULL,           -- at most 100 characters
  date TEXT NOT NULL,             -- YYYY-MM-DD, the day that the data describes
  created_at BIGINT NOT NULL,
  result TEXT NULL                -- JSON, once committed
);

CREATE INDEX hospital_imports_created_at ON hospital_imports (created_at);

-- Rows wait here until their import is committed, so that an interrupted one changes nothing.
-- A rejected row keeps its place: its hospital is not missing, and so is not closed.
CREATE TABLE hospital_import_rows (
  import_id TEXT NOT NULL,
  line BIGINT NOT NULL,           -- of the file
  id TEXT NULL,                   -- NULL where the row does not say which hospital it is
  name TEXT NULL,
  kind TEXT NULL,
  region TEXT NULL,
  search TEXT NULL,
  facts TEXT NULL,                -- NULL where the row was rejected
  PRIMARY KEY (import_id, line)
);

CREATE INDEX hospital_import_rows_id ON hospital_import_rows (import_id, id);

-- `facts` is all that the open data says, as JSON. The columns beside it repeat what lists
-- are filtered and ordered by.
CREATE TABLE hospitals (
  id TEXT NOT NULL PRIMARY KEY,   -- at most 100 characters, opaque
  name TEXT NOT NULL,             -- at most 150 characters
  kind TEXT NOT NULL,             -- at most 50 characters
  region TEXT NOT NULL,           -- at most 50 characters
  search TEXT NOT NULL,           -- name and address in lower case, at most 600 characters
  facts TEXT NOT NULL,
  import_id TEXT NOT NULL,        -- the last import that held it
  closed_at BIGINT NULL
);

-- `search` is in the index, so that a search reads one narrow index in order and stops at the
-- end of its page.
CREATE INDEX hospitals_name ON hospitals (name, id, search);

CREATE INDEX hospitals_region ON hospitals (region, name, id, search);

CREATE INDEX hospitals_kind ON hospitals (kind, name, id, search);

CREATE INDEX hospitals_region_kind ON hospitals (region, kind, name, id, search);

-- What the filters offer. It changes with an import only, so nobody counts hospitals to show it.
CREATE TABLE hospital_facets (
  facet TEXT NOT NULL,            -- 'region' or 'kind'
  value TEXT NOT NULL,
  PRIMARY KEY (facet, value)
);
