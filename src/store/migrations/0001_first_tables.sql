-- Everything Weir keeps. Money is text, times are microseconds since 1970 (UTC), words are the
-- words of the domain. Tables grow at their end: keys follow the order of the log.

-- How far the log was read, and which log it is. One row; every commit compares and moves it.
CREATE TABLE position (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    stream         TEXT,
    created        TEXT,
    first_sequence INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    epoch          INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;

INSERT INTO position VALUES (1, NULL, NULL, 1, 0, 0, 0);

-- How many messages met which fate, per stretch of 65,536 sequences.
CREATE TABLE coverage (
    stretch        INTEGER PRIMARY KEY,
    first_sequence INTEGER NOT NULL,
    last_sequence  INTEGER NOT NULL,
    evaluated      INTEGER NOT NULL,
    parked         INTEGER NOT NULL,
    duplicate      INTEGER NOT NULL,
    quarantined    INTEGER NOT NULL,
    control        INTEGER NOT NULL
) STRICT;

-- A row per message that was not simply evaluated.
CREATE TABLE fate (
    sequence INTEGER PRIMARY KEY,
    fate     TEXT NOT NULL,
    reason   TEXT
) STRICT;

-- `key` is event time and id: it follows the clock, and is the same on every machine.
CREATE TABLE alert (
    key              TEXT NOT NULL PRIMARY KEY,
    id               TEXT NOT NULL UNIQUE,
    sequence         INTEGER NOT NULL,
    rule             TEXT NOT NULL,
    title            TEXT NOT NULL,
    rule_digest      TEXT NOT NULL,
    rulebook_digest  TEXT NOT NULL,
    class            TEXT NOT NULL,
    severity         TEXT NOT NULL,
    score            TEXT NOT NULL,
    message          TEXT NOT NULL,
    entity_role      TEXT NOT NULL,
    entity_id        TEXT NOT NULL,
    customer         TEXT,
    at               INTEGER NOT NULL,
    event_sequence   INTEGER NOT NULL,
    event_source     TEXT NOT NULL,
    event_id         TEXT NOT NULL,
    event_at         INTEGER NOT NULL,
    is_late          INTEGER NOT NULL,
    is_re_evaluated  INTEGER NOT NULL,
    is_shadow        INTEGER NOT NULL,
    cooldown         INTEGER,
    status           TEXT NOT NULL DEFAULT 'open',
    digest           TEXT NOT NULL,
    evidence         TEXT NOT NULL
) STRICT;

-- Answers "how many are open" without reading evidence.
CREATE INDEX alert_by_status ON alert (status, severity, is_shadow);
CREATE INDEX alert_by_customer ON alert (customer, at);
-- A replay compares what it regenerates with what was raised at the same sequences.
CREATE INDEX alert_by_sequence ON alert (sequence);

-- Further matches within an alert's cool-down.
CREATE TABLE alert_occurrence (
    id             INTEGER PRIMARY KEY,
    alert          TEXT NOT NULL REFERENCES alert (id),
    sequence       INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    event_sequence INTEGER NOT NULL,
    event_source   TEXT NOT NULL,
    event_id       TEXT NOT NULL,
    event_at       INTEGER NOT NULL,
    score          TEXT NOT NULL,
    message        TEXT NOT NULL,
    UNIQUE (alert, sequence, event_sequence)
) STRICT;

-- Every verdict of a person; the alert's status is the last one. The alert may be unknown here:
-- a verdict is kept even if it names an alert that this database does not hold.
CREATE TABLE alert_decision (
    sequence INTEGER PRIMARY KEY,
    alert    TEXT NOT NULL,
    verdict  TEXT NOT NULL,
    decider  TEXT NOT NULL,
    note     TEXT,
    at       INTEGER NOT NULL
) STRICT;

CREATE INDEX alert_decision_by_alert ON alert_decision (alert);

CREATE TABLE rekyc (
    id           TEXT NOT NULL PRIMARY KEY,
    sequence     INTEGER NOT NULL,
    customer     TEXT NOT NULL,
    scope        TEXT NOT NULL,
    level        TEXT NOT NULL,
    status       TEXT NOT NULL DEFAULT 'open',
    at           INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    completed_at INTEGER,
    is_shadow    INTEGER NOT NULL,
    digest       TEXT NOT NULL
) STRICT;

CREATE INDEX rekyc_by_due ON rekyc (status, due_at);

-- The opening cause and every further one.
CREATE TABLE rekyc_cause (
    id       INTEGER PRIMARY KEY,
    request  TEXT NOT NULL REFERENCES rekyc (id),
    sequence INTEGER NOT NULL,
    cause    TEXT NOT NULL,
    rule     TEXT NOT NULL,
    reason   TEXT,
    alert    TEXT,
    at       INTEGER NOT NULL
) STRICT;

CREATE INDEX rekyc_cause_by_request ON rekyc_cause (request);

-- The newest state per customer: bands and states, no names or documents.
CREATE TABLE identity (
    customer     TEXT NOT NULL PRIMARY KEY,
    state        TEXT,
    risk         TEXT,
    segment      TEXT,
    effective_at INTEGER NOT NULL,
    version      INTEGER,
    sequence     INTEGER NOT NULL
) STRICT;

CREATE TABLE identity_refused (
    sequence   INTEGER PRIMARY KEY,
    customer   TEXT NOT NULL,
    from_state TEXT,
    kind       TEXT NOT NULL
) STRICT;

-- Judged without an identity. `waiting`, then `released` or `given_up` by a later sequence. One
-- message may wait for both of its sides.
CREATE TABLE parked (
    sequence   INTEGER NOT NULL,
    customer   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    status     TEXT NOT NULL DEFAULT 'waiting',
    settled_by INTEGER,
    PRIMARY KEY (sequence, customer)
) STRICT;

CREATE INDEX parked_by_status ON parked (status);

CREATE TABLE quarantine (
    sequence  INTEGER PRIMARY KEY,
    stored_at INTEGER NOT NULL,
    reason    TEXT NOT NULL,
    path      TEXT NOT NULL,
    detail    TEXT NOT NULL,
    headers   TEXT NOT NULL,
    status    TEXT NOT NULL DEFAULT 'open',
    payload   BLOB NOT NULL
) STRICT;

-- Committed, to be published in this order.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    subject    TEXT NOT NULL,
    sent       INTEGER NOT NULL DEFAULT 0,
    payload    BLOB NOT NULL
) STRICT;

CREATE INDEX outbox_unsent ON outbox (id) WHERE sent = 0;

-- Rule files by the digest of the whole set, so that old stretches replay with their own rules.
CREATE TABLE rulebook (
    digest    TEXT NOT NULL PRIMARY KEY,
    sources   TEXT NOT NULL,
    stored_at INTEGER NOT NULL
) STRICT;

-- Which rulebook is live from which sequence on; 0 is the one Weir was first started with.
CREATE TABLE activation (
    sequence   INTEGER PRIMARY KEY,
    digest     TEXT NOT NULL,
    is_missing INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The last word on things that status shows, by name.
CREATE TABLE note (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    at    INTEGER NOT NULL
) STRICT;
