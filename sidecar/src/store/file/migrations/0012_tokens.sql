-- What requests used, as their answers stated it, and as it was worked out where they did not.
ALTER TABLE usage ADD COLUMN input               INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN cached              INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN output              INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN reasoning           INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN input_estimated     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN cached_estimated    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN output_estimated    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN reasoning_estimated INTEGER NOT NULL DEFAULT 0;
