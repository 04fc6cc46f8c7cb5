-- Accounts and regions can be disabled, and accounts deleted: the id of one that is gone is never given again.

ALTER TABLE accounts ADD COLUMN status TEXT NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled'));
ALTER TABLE accounts ADD COLUMN deleted_at INTEGER; -- NULL: it is there
ALTER TABLE regions ADD COLUMN status TEXT NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled'));
ALTER TABLE regions ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE regions ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
-- For what kind of act a proof of identity serves; NULL: for the first that asks.
ALTER TABLE sessions ADD COLUMN verified_for TEXT;
ALTER TABLE sessions ADD COLUMN address TEXT; -- from where its user logged in; NULL: not known
UPDATE regions SET updated_at = created_at;
