-- +goose Up
CREATE TABLE deliveries (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key             text    COLLATE "C" NOT NULL UNIQUE,
    user_id         bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id       bigint REFERENCES devices (id) ON DELETE CASCADE,
    event_id        bigint NOT NULL,      -- 0 is none
    notification_id bigint NOT NULL,      -- 0 is none
    event_type      text    COLLATE "C" NOT NULL,
    event_time      bigint NOT NULL,      -- -62135596800000 is none
    channel         text    COLLATE "C" NOT NULL,
    target          text    COLLATE "C" NOT NULL,
    severity        text    COLLATE "C" NOT NULL,
    subject         text    NOT NULL,
    text            text    NOT NULL,
    details         text    NOT NULL,      -- JSON object
    escalation      boolean NOT NULL,
    state           text    COLLATE "C" NOT NULL,
    attempts        integer NOT NULL,
    error           text    NOT NULL,
    created_at      bigint NOT NULL,
    due_at          bigint NOT NULL,
    expires_at      bigint NOT NULL,
    changed_at      bigint NOT NULL,
    acknowledged_at bigint NOT NULL,      -- -62135596800000 is not yet
    acknowledged_by bigint NOT NULL       -- 0 is nobody
);
CREATE INDEX deliveries_due ON deliveries (channel, due_at) WHERE state IN ('queued', 'sending');
CREATE INDEX deliveries_waiting ON deliveries (user_id, channel) WHERE state IN ('queued', 'sending');
CREATE INDEX deliveries_user ON deliveries (user_id, id);
CREATE INDEX deliveries_device ON deliveries (device_id);
CREATE INDEX deliveries_event ON deliveries (event_id, notification_id);
CREATE INDEX deliveries_rule ON deliveries (notification_id, device_id, event_time);
CREATE INDEX deliveries_created ON deliveries (created_at);
