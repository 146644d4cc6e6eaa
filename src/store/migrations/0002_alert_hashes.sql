-- What decided an alert, beside the rule's text and the rulebook: what the rule meant, and the fields
-- it was checked against. Alerts of before have none.
ALTER TABLE alert ADD COLUMN meaning_digest TEXT NOT NULL DEFAULT '';
ALTER TABLE alert ADD COLUMN schema_digest TEXT NOT NULL DEFAULT '';
