-- A key whose successor is gone is an ordinary key again: it counts, and it can be rotated.

CREATE INDEX keys_by_successor ON keys (successor) WHERE successor IS NOT NULL;

-- However the successor went: deleted by a call, or by what a restore carries over.
CREATE TRIGGER keys_lose_their_successor AFTER DELETE ON keys
BEGIN
    UPDATE keys SET successor = NULL, revision = revision + 1 WHERE successor = old.id;
END;

UPDATE keys SET successor = NULL, revision = revision + 1
WHERE successor IS NOT NULL AND successor NOT IN (SELECT id FROM keys);
