-- No text that a client or an admin chose holds a credential. The functions are the program's:
-- redact(text) is the text, or (redacted); redact_list(json) the list with each such entry replaced;
-- holds_credential(text) is 0 or 1. The audit stays as it was written, since its rows are chained.

-- Envoys have the scopes as they were: of a new history they take the whole table.
UPDATE envoys SET generation = NULL
WHERE EXISTS (SELECT 1 FROM keys WHERE holds_credential(models) OR holds_credential(services));
UPDATE meta SET epoch = randomblob(16)
WHERE EXISTS (SELECT 1 FROM keys WHERE holds_credential(models) OR holds_credential(services));

UPDATE keys SET name = redact(name), description = redact(description), team = redact(team)
WHERE holds_credential(name) OR holds_credential(description) OR holds_credential(team);
UPDATE keys SET models = redact_list(models), services = redact_list(services)
WHERE holds_credential(models) OR holds_credential(services);
UPDATE dead_keys SET name = redact(name) WHERE holds_credential(name);
UPDATE accounts SET name = redact(name) WHERE holds_credential(name);
UPDATE tokens SET name = redact(name) WHERE holds_credential(name);
UPDATE access_keys SET name = redact(name) WHERE holds_credential(name);
UPDATE limit_requests SET reason = redact(reason), note = redact(note)
WHERE holds_credential(reason) OR holds_credential(note);
UPDATE envoys SET node = redact(node) WHERE holds_credential(node);
DELETE FROM once WHERE holds_credential(key);

DELETE FROM catalog WHERE holds_credential(name);
UPDATE catalog SET display_name = redact(display_name), aliases = redact_list(aliases)
WHERE holds_credential(display_name) OR holds_credential(aliases);

INSERT INTO usage (key, period_s, start_s, resource, outcome, account, count)
    SELECT key, period_s, start_s, redact(resource), outcome, account, sum(count)
    FROM usage WHERE holds_credential(resource)
    GROUP BY key, period_s, start_s, redact(resource), outcome, account
    ON CONFLICT (key, period_s, start_s, resource, outcome)
    DO UPDATE SET count = count + excluded.count;
DELETE FROM usage WHERE holds_credential(resource);

-- A resource that an Envoy told of with a NUL or another control character in it.
INSERT INTO usage (key, period_s, start_s, resource, outcome, account, count)
    SELECT key, period_s, start_s, shown(resource), outcome, account, sum(count)
    FROM usage WHERE shown(resource) <> resource
    GROUP BY key, period_s, start_s, shown(resource), outcome, account
    ON CONFLICT (key, period_s, start_s, resource, outcome)
    DO UPDATE SET count = count + excluded.count;
DELETE FROM usage WHERE shown(resource) <> resource;
