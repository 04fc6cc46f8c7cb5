-- What would cost more with every key of an account: how many count against its limit, and all of
-- them in order.

-- Keys of origin standard that have no successor: counted as they come and go.
ALTER TABLE accounts ADD COLUMN counted_keys INTEGER NOT NULL DEFAULT 0;
UPDATE accounts SET counted_keys = (SELECT count(*) FROM keys
    WHERE account = accounts.id AND origin = 'standard' AND successor IS NULL);

CREATE TRIGGER keys_count_when_made AFTER INSERT ON keys
WHEN new.origin = 'standard' AND new.successor IS NULL
BEGIN UPDATE accounts SET counted_keys = counted_keys + 1 WHERE id = new.account; END;

CREATE TRIGGER keys_count_until_deleted AFTER DELETE ON keys
WHEN old.origin = 'standard' AND old.successor IS NULL
BEGIN UPDATE accounts SET counted_keys = counted_keys - 1 WHERE id = old.account; END;

CREATE TRIGGER keys_count_until_succeeded AFTER UPDATE OF successor ON keys
WHEN old.origin = 'standard' AND (old.successor IS NULL) <> (new.successor IS NULL)
BEGIN
    UPDATE accounts SET counted_keys = counted_keys + iif(new.successor IS NULL, 1, -1)
    WHERE id = new.account;
END;

-- All keys of an account in the order of their making, whatever their origin.
CREATE INDEX keys_in_order ON keys (account);
