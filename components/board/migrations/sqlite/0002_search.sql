-- The index of a search, see the crate text. Empty where a post was written by a version that
-- knew nothing of it: the store fills those in.
ALTER TABLE posts ADD COLUMN tokens TEXT NOT NULL DEFAULT '';

CREATE INDEX posts_without_tokens ON posts (id) WHERE tokens = '';

-- It goes by the row's number, which VACUUM may change: after one, repeat the last statement.
CREATE VIRTUAL TABLE posts_tokens USING fts5(tokens, content='posts', content_rowid='rowid', detail=none, tokenize='ascii');

CREATE TRIGGER posts_tokens_insert AFTER INSERT ON posts BEGIN INSERT INTO posts_tokens (rowid, tokens) VALUES (new.rowid, new.tokens); END;

CREATE TRIGGER posts_tokens_delete AFTER DELETE ON posts BEGIN INSERT INTO posts_tokens (posts_tokens, rowid, tokens) VALUES ('delete', old.rowid, old.tokens); END;

CREATE TRIGGER posts_tokens_update AFTER UPDATE OF tokens ON posts BEGIN INSERT INTO posts_tokens (posts_tokens, rowid, tokens) VALUES ('delete', old.rowid, old.tokens); INSERT INTO posts_tokens (rowid, tokens) VALUES (new.rowid, new.tokens); END;

INSERT INTO posts_tokens (posts_tokens) VALUES ('rebuild');
