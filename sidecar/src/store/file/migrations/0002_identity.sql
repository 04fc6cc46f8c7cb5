-- Who may act: accounts, users, sessions, tokens, access keys; and what was done: the audit.

ALTER TABLE accounts ADD COLUMN name       TEXT    NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN revision   INTEGER NOT NULL DEFAULT 1;
UPDATE accounts SET name = id, updated_at = created_at;

CREATE TABLE users (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT    NOT NULL UNIQUE,
    name             TEXT    NOT NULL UNIQUE,
    account          TEXT    REFERENCES accounts (id),
    role             TEXT    NOT NULL CHECK (role IN ('operator', 'owner', 'viewer')),
    status           TEXT    NOT NULL CHECK (status IN ('enabled', 'disabled')),
    password         TEXT,    -- a PHC string; NULL: not set yet
    setup_hash       BLOB    UNIQUE CHECK (length(setup_hash) = 32), -- sets the password once
    setup_expires_at INTEGER,
    totp_seed        BLOB,    -- sealed; NULL: no second factor
    totp_confirmed   INTEGER NOT NULL DEFAULT 0 CHECK (totp_confirmed IN (0, 1)),
    totp_step        INTEGER NOT NULL DEFAULT 0, -- the newest step whose code was used
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    last_login_at    INTEGER,
    revision         INTEGER NOT NULL CHECK (revision >= 1),
    CHECK ((role = 'operator') = (account IS NULL))
) STRICT;
CREATE INDEX users_by_account ON users (account);

CREATE TABLE sessions (
    hash           BLOB    PRIMARY KEY CHECK (length(hash) = 32),
    user           TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    verified_until INTEGER NOT NULL DEFAULT 0 -- one act that needs proof is allowed until then
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Where a user has logged in from: attempts from elsewhere cannot slow these down.
CREATE TABLE known_addresses (
    user    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    address TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (user, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    hash         BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    account      TEXT    REFERENCES accounts (id), -- NULL: the operator's
    name         TEXT    NOT NULL,
    capabilities TEXT    NOT NULL, -- words with a blank in between
    creator      TEXT    NOT NULL,
    user         TEXT    REFERENCES users (id) ON DELETE CASCADE, -- dies with whoever made it
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER
) STRICT;
CREATE INDEX tokens_by_account ON tokens (account);
CREATE INDEX tokens_by_user ON tokens (user);
INSERT INTO tokens (id, hash, name, capabilities, creator, created_at)
    SELECT 'lt-operator', operator_hash, 'first start',
        'keys:read keys:write keys:reveal keys:delete admin', 'system', 0
    FROM meta WHERE operator_hash IS NOT NULL;
ALTER TABLE meta DROP COLUMN operator_hash;

CREATE TABLE access_keys (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE, -- the secret id
    account    TEXT    NOT NULL REFERENCES accounts (id),
    name       TEXT    NOT NULL,
    status     TEXT    NOT NULL CHECK (status IN ('enabled', 'disabled')),
    secret     BLOB    NOT NULL, -- sealed
    creator    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision   INTEGER NOT NULL CHECK (revision >= 1)
) STRICT;
CREATE INDEX access_keys_by_account ON access_keys (account);

CREATE TABLE limit_requests (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    account      TEXT    NOT NULL REFERENCES accounts (id),
    key_limit    INTEGER NOT NULL CHECK (key_limit >= 0),
    reason       TEXT    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('open', 'granted', 'denied')),
    note         TEXT    NOT NULL DEFAULT '',
    requested_by TEXT    NOT NULL,
    decided_by   TEXT,
    created_at   INTEGER NOT NULL,
    decided_at   INTEGER,
    revision     INTEGER NOT NULL CHECK (revision >= 1)
) STRICT;
CREATE INDEX limit_requests_by_account ON limit_requests (account);

-- What a caller asked for once: the same Idempotency-Key gets the same outcome.
CREATE TABLE once (
    caller      TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    target      TEXT    NOT NULL, -- the id of what was made
    secret      BLOB,             -- sealed; NULL: it cannot be shown again
    at          INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX once_by_time ON once (at);

CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    address  TEXT,
    account  TEXT,
    action   TEXT    NOT NULL,
    target   TEXT    NOT NULL,
    detail   TEXT    NOT NULL, -- a JSON object
    hash     BLOB    NOT NULL CHECK (length(hash) = 32) -- over the row before and this one
) STRICT;
CREATE INDEX audit_by_account ON audit (account, seq);
CREATE INDEX audit_by_target ON audit (target, seq);
CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE INDEX audit_by_action ON audit (action, seq);
CREATE TRIGGER audit_is_not_edited BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- How far the audit goes, so that rows missing at its end are missed.
CREATE TABLE audit_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, zeroblob(32));
