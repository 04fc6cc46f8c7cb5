-- The Envoys that may serve: a change after a restart must not miss one.

CREATE TABLE envoys (
    region     TEXT    NOT NULL,
    instance   TEXT    NOT NULL, -- one start of an agent
    node       TEXT    NOT NULL,
    lease_s    INTEGER,          -- NULL: serves without end
    version    TEXT,
    generation INTEGER,          -- what it has in force of this history; NULL: not known
    heard_at   INTEGER NOT NULL,
    PRIMARY KEY (region, instance)
) STRICT, WITHOUT ROWID;
