-- Whose an access key is and what it may do at most; the team that a plan key belongs to.

ALTER TABLE access_keys ADD COLUMN user TEXT REFERENCES users (id) ON DELETE CASCADE; -- NULL: a script's
ALTER TABLE access_keys ADD COLUMN capabilities TEXT NOT NULL
    DEFAULT 'keys:read keys:write keys:reveal keys:delete admin'; -- words with a blank in between
CREATE INDEX access_keys_by_user ON access_keys (user);

ALTER TABLE keys ADD COLUMN team TEXT; -- NULL: none was named
