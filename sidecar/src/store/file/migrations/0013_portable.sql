-- Words that every engine understands alike: elsewhere `user` is who is connected, and an index serves
-- only a condition that is written as it is.

ALTER TABLE sessions        RENAME COLUMN user TO user_id;
ALTER TABLE known_addresses RENAME COLUMN user TO user_id;
ALTER TABLE tokens          RENAME COLUMN user TO user_id;
ALTER TABLE access_keys     RENAME COLUMN user TO user_id;

DROP INDEX keys_by_name;
DROP INDEX keys_by_last_used;
CREATE INDEX keys_by_name ON keys (account, origin, lower(name));
CREATE INDEX keys_by_last_used ON keys (account, origin, coalesce(last_used_at, 0));
