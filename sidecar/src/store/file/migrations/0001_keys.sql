-- Keys, who owns them, where they are known, and the log of their changes.
-- Times are milliseconds since 1970. Migrations are append-only: never edit one that was released.

CREATE TABLE meta (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    epoch         BLOB    NOT NULL CHECK (length(epoch) = 16),
    generation    INTEGER NOT NULL CHECK (generation >= 0),
    operator_hash BLOB    CHECK (length(operator_hash) = 32)
) STRICT;

CREATE TABLE accounts (
    id         TEXT    PRIMARY KEY,
    key_limit  INTEGER CHECK (key_limit >= 0), -- NULL: the installation's default
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE regions (
    id         TEXT    PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    account      TEXT    NOT NULL REFERENCES accounts (id),
    region       TEXT    NOT NULL REFERENCES regions (id),
    origin       TEXT    NOT NULL CHECK (origin IN ('standard', 'coding_plan', 'token_plan')),
    name         TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('enabled', 'disabled')),
    models       TEXT,             -- a JSON list of scope entries; NULL: all
    services     TEXT,             -- likewise
    networks     TEXT    NOT NULL, -- a JSON list of networks; empty: from anywhere
    expires_at   INTEGER,          -- NULL: never
    key_hash     BLOB    NOT NULL UNIQUE CHECK (length(key_hash) = 32),
    masked       TEXT    NOT NULL,
    key_version  INTEGER NOT NULL CHECK (key_version >= 1),
    creator      TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revision     INTEGER NOT NULL CHECK (revision >= 1)
) STRICT;

CREATE INDEX keys_by_account ON keys (account, origin);
CREATE INDEX keys_by_region ON keys (region);

-- One row for each generation that is not yet forgotten.
CREATE TABLE changes (
    generation INTEGER PRIMARY KEY,
    region     TEXT NOT NULL,
    key_hash   BLOB NOT NULL CHECK (length(key_hash) = 32),
    kind       TEXT NOT NULL CHECK (kind IN ('put', 'remove'))
) STRICT;

CREATE INDEX changes_by_region ON changes (region, generation);

-- The hashes of deleted keys: such a value never works again.
CREATE TABLE dead_hashes (
    key_hash BLOB    PRIMARY KEY CHECK (length(key_hash) = 32),
    died_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
