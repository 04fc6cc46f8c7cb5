-- Limits of keys and accounts, and the ledger: what was used of them.

-- Whose limits a key has: the first of the keys that replaced each other.
ALTER TABLE keys ADD COLUMN subject TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE keys SET subject = id;
UPDATE keys SET subject = predecessor WHERE predecessor IN (SELECT id FROM keys);
CREATE INDEX keys_by_subject ON keys (subject);

-- The newest counter: each that is begun gets the next number.
ALTER TABLE meta ADD COLUMN counters BIGINT NOT NULL DEFAULT 0;

CREATE TABLE limits (
    subject  TEXT COLLATE "C" PRIMARY KEY, -- key:ID or account:ID
    limits   TEXT COLLATE "C" NOT NULL,    -- a JSON list, each with the number of its counter
    key_hash BYTEA UNIQUE       -- where an account's record is in the key table; NULL: a key's
);

-- A row for each window in which something was charged.
CREATE TABLE ledger (
    subject    TEXT COLLATE "C"    NOT NULL,
    unit       BIGINT NOT NULL,
    window_kind     BIGINT NOT NULL,
    resets     BIGINT NOT NULL, -- the number of the counter
    start_ms   BIGINT NOT NULL, -- of the window, since 1970; 0: it has none
    used       BIGINT NOT NULL CHECK (used >= 0),
    charged_at BIGINT NOT NULL, -- when something was last charged
    PRIMARY KEY (subject, unit, window_kind, resets, start_ms)
);
CREATE INDEX ledger_by_time ON ledger (charged_at) WHERE start_ms > 0;

-- The last batch of charges of each agent.
CREATE TABLE ledger_sources (
    source     BYTEA    PRIMARY KEY CHECK (length(source) = 16),
    sequence   BYTEA    NOT NULL CHECK (length(sequence) = 8),
    applied_at BIGINT NOT NULL
);
CREATE INDEX ledger_sources_by_time ON ledger_sources (applied_at);

-- What was charged of what an agent held when it was given up: it is charged above that alone.
CREATE TABLE ledger_advances (
    source   BYTEA    NOT NULL,
    subject  TEXT COLLATE "C"    NOT NULL,
    unit     BIGINT NOT NULL,
    window_kind   BIGINT NOT NULL,
    resets   BIGINT NOT NULL,
    start_ms BIGINT NOT NULL,
    amount   BIGINT NOT NULL CHECK (amount > 0),
    PRIMARY KEY (source, subject, unit, window_kind, resets, start_ms)
);

-- However the last key of a line went: deleted by a call, or by what a restore carries over.
CREATE FUNCTION forget_limits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM keys WHERE subject = old.subject) THEN
        DELETE FROM limits WHERE subject = 'key:' || old.subject;
        DELETE FROM ledger WHERE subject = 'key:' || old.subject;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER limits_go_with_the_last_key AFTER DELETE ON keys
    FOR EACH ROW EXECUTE FUNCTION forget_limits();
