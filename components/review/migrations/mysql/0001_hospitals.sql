-- What an import says: its source is shown with every hospital that it holds.
CREATE TABLE IF NOT EXISTS hospital_imports (
  id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  source VARCHAR(100) NOT NULL,
  date VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, -- YYYY-MM-DD, the day that the data describes
  created_at BIGINT NOT NULL,
  result TEXT NULL,               -- JSON, once committed
  KEY hospital_imports_created_at (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Rows wait here until their import is committed, so that an interrupted one changes nothing.
-- A rejected row keeps its place: its hospital is not missing, and so is not closed.
CREATE TABLE IF NOT EXISTS hospital_import_rows (
  import_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  line BIGINT NOT NULL,           -- of the file
  id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NULL, -- NULL where the row does not say which hospital it is
  name VARCHAR(150) NULL,
  kind VARCHAR(50) NULL,
  region VARCHAR(50) NULL,
  search TEXT NULL,
  facts MEDIUMTEXT NULL,          -- NULL where the row was rejected
  PRIMARY KEY (import_id, line),
  KEY hospital_import_rows_id (import_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- `facts` is all that the open data says, as JSON. The columns beside it repeat what lists
-- are filtered and ordered by.
CREATE TABLE IF NOT EXISTS hospitals (
  id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  name VARCHAR(150) NOT NULL,
  kind VARCHAR(50) NOT NULL,
  region VARCHAR(50) NOT NULL,
  search TEXT NOT NULL,
  facts MEDIUMTEXT NOT NULL,
  import_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  closed_at BIGINT NULL,
  KEY hospitals_name (name, id),
  KEY hospitals_region (region, name, id),
  KEY hospitals_kind (kind, name, id),
  KEY hospitals_region_kind (region, kind, name, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What the index of a search reads. A table of its own: its rows may stand here before their
-- hospital has this text, and after it has another one, because a search compares the text of
-- the hospital itself in any case. So an import fills the index batch by batch, not at once:
-- MySQL makes a full-text index at COMMIT, which for the national file takes a minute.
CREATE TABLE IF NOT EXISTS hospital_texts (
  hospital_id VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  search TEXT NOT NULL,
  tokens MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  KEY hospital_texts_hospital (hospital_id),
  FULLTEXT KEY hospital_texts_tokens (tokens)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What the filters offer. It changes with an import only, so nobody counts hospitals to show it.
CREATE TABLE IF NOT EXISTS hospital_facets (
  facet VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  value VARCHAR(50) NOT NULL,
  PRIMARY KEY (facet, value)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
