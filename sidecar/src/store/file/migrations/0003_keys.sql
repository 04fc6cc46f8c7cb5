-- Values that can be revealed, rotation, the catalog, usage.

CREATE TABLE master_keys (
    id         BLOB    PRIMARY KEY CHECK (length(id) = 8), -- a key that may have sealed something
    first_used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE keys ADD COLUMN sealed       BLOB;                       -- NULL: cannot be revealed
ALTER TABLE keys ADD COLUMN value_set_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN predecessor  TEXT;                       -- the key that it replaces
ALTER TABLE keys ADD COLUMN successor    TEXT;                       -- the key that replaces it
UPDATE keys SET value_set_at = created_at;

CREATE INDEX keys_by_name ON keys (account, origin, name COLLATE NOCASE);
CREATE INDEX keys_by_last_used ON keys (account, origin, ifnull(last_used_at, 0));
CREATE INDEX keys_by_master_key ON keys (substr(sealed, 2, 8)) WHERE sealed IS NOT NULL;

-- What is still to be said of deleted keys: their usage outlives them.
CREATE TABLE dead_keys (
    id      TEXT    PRIMARY KEY,
    account TEXT    NOT NULL REFERENCES accounts (id),
    region  TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    died_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE catalog (
    region       TEXT    NOT NULL REFERENCES regions (id),
    name         TEXT    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('model', 'service')),
    display_name TEXT    NOT NULL,
    aliases      TEXT    NOT NULL, -- a JSON list
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    revision     INTEGER NOT NULL CHECK (revision >= 1),
    PRIMARY KEY (region, name)
) STRICT, WITHOUT ROWID;

-- How many rows of each batch were counted: one that comes again is not counted again.
CREATE TABLE usage_batches (
    source       BLOB    NOT NULL CHECK (length(source) = 16),
    sequence     BLOB    NOT NULL CHECK (length(sequence) = 8),
    rows_counted INTEGER NOT NULL,
    stored_at    INTEGER NOT NULL,
    PRIMARY KEY (source, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_batches_by_time ON usage_batches (stored_at);

CREATE TABLE usage (
    key      TEXT    NOT NULL,
    period_s INTEGER NOT NULL CHECK (period_s IN (60, 3600, 86400)),
    start_s  INTEGER NOT NULL, -- since 1970
    resource TEXT    NOT NULL, -- empty: not known
    outcome  INTEGER NOT NULL CHECK (outcome BETWEEN 1 AND 8),
    account  TEXT    NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (key, period_s, start_s, resource, outcome)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_account ON usage (account, period_s, start_s);
CREATE INDEX usage_by_time ON usage (period_s, start_s);

-- Where the requests of a key came from: the newest few addresses.
CREATE TABLE usage_addresses (
    key     TEXT    NOT NULL,
    address TEXT    NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (key, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_addresses_by_time ON usage_addresses (key, last_at);
