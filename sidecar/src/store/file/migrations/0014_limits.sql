-- Limits of keys and accounts, and the ledger: what was used of them.

-- Whose limits a key has: the first of the keys that replaced each other.
ALTER TABLE keys ADD COLUMN subject TEXT NOT NULL DEFAULT '';
UPDATE keys SET subject = id;
UPDATE keys SET subject = predecessor WHERE predecessor IN (SELECT id FROM keys);
CREATE INDEX keys_by_subject ON keys (subject);

-- The newest counter: each that is begun gets the next number.
ALTER TABLE meta ADD COLUMN counters INTEGER NOT NULL DEFAULT 0;

CREATE TABLE limits (
    subject  TEXT PRIMARY KEY, -- key:ID or account:ID
    limits   TEXT NOT NULL,    -- a JSON list, each with the number of its counter
    key_hash BLOB UNIQUE       -- where an account's record is in the key table; NULL: a key's
) STRICT, WITHOUT ROWID;

-- A row for each window in which something was charged.
CREATE TABLE ledger (
    subject    TEXT    NOT NULL,
    unit       INTEGER NOT NULL,
    window_kind     INTEGER NOT NULL,
    resets     INTEGER NOT NULL, -- the number of the counter
    start_ms   INTEGER NOT NULL, -- of the window, since 1970; 0: it has none
    used       INTEGER NOT NULL CHECK (used >= 0),
    charged_at INTEGER NOT NULL, -- when something was last charged
    PRIMARY KEY (subject, unit, window_kind, resets, start_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_by_time ON ledger (charged_at) WHERE start_ms > 0;

-- The last batch of charges of each agent.
CREATE TABLE ledger_sources (
    source     BLOB    PRIMARY KEY CHECK (length(source) = 16),
    sequence   BLOB    NOT NULL CHECK (length(sequence) = 8),
    applied_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_sources_by_time ON ledger_sources (applied_at);

-- What was charged of what an agent held when it was given up: it is charged above that alone.
CREATE TABLE ledger_advances (
    source   BLOB    NOT NULL,
    subject  TEXT    NOT NULL,
    unit     INTEGER NOT NULL,
    window_kind   INTEGER NOT NULL,
    resets   INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    amount   INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (source, subject, unit, window_kind, resets, start_ms)
) STRICT, WITHOUT ROWID;

-- However the last key of a line went: deleted by a call, or by what a restore carries over.
CREATE TRIGGER limits_go_with_the_last_key AFTER DELETE ON keys
WHEN NOT EXISTS (SELECT 1 FROM keys WHERE subject = old.subject)
BEGIN
    DELETE FROM limits WHERE subject = 'key:' || old.subject;
    DELETE FROM ledger WHERE subject = 'key:' || old.subject;
END;
