-- +goose Up
CREATE TABLE deliveries (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    key             TEXT    NOT NULL UNIQUE,
    user_id         INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id       INTEGER REFERENCES devices (id) ON DELETE CASCADE,
    event_id        INTEGER NOT NULL,      -- 0 is none
    notification_id INTEGER NOT NULL,      -- 0 is none
    event_type      TEXT    NOT NULL,
    event_time      INTEGER NOT NULL,      -- -62135596800000 is none
    channel         TEXT    NOT NULL,
    target          TEXT    NOT NULL,
    severity        TEXT    NOT NULL,
    subject         TEXT    NOT NULL,
    text            TEXT    NOT NULL,
    details         TEXT    NOT NULL,      -- JSON object
    escalation      INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    attempts        INTEGER NOT NULL,
    error           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL,
    acknowledged_at INTEGER NOT NULL,      -- -62135596800000 is not yet
    acknowledged_by INTEGER NOT NULL       -- 0 is nobody
) STRICT;
CREATE INDEX deliveries_due ON deliveries (channel, due_at) WHERE state IN ('queued', 'sending');
CREATE INDEX deliveries_waiting ON deliveries (user_id, channel) WHERE state IN ('queued', 'sending');
CREATE INDEX deliveries_user ON deliveries (user_id, id);
CREATE INDEX deliveries_device ON deliveries (device_id);
CREATE INDEX deliveries_event ON deliveries (event_id, notification_id);
CREATE INDEX deliveries_rule ON deliveries (notification_id, device_id, event_time);
CREATE INDEX deliveries_created ON deliveries (created_at);
