-- Whoever made an access key has seen its secret: it ends with them, too, whosever it is.

ALTER TABLE access_keys ADD COLUMN maker TEXT REFERENCES users (id) ON DELETE CASCADE; -- NULL: a script's
CREATE INDEX access_keys_by_maker ON access_keys (maker);

UPDATE access_keys SET maker = coalesce(
    (SELECT id FROM users WHERE 'user:' || name = creator AND created_at <= access_keys.created_at),
    (SELECT user FROM tokens WHERE 'token:' || id = creator));
