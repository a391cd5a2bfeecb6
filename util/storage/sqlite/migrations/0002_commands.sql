-- +goose Up
ALTER TABLE users ADD COLUMN readonly        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN device_readonly INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN limit_commands  INTEGER NOT NULL DEFAULT 0;

CREATE TABLE commands (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id     INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    user_id       INTEGER NOT NULL,        -- 0 for none; stays when the user goes
    type          TEXT    NOT NULL,
    attributes    TEXT    NOT NULL,        -- JSON object
    after_report  INTEGER NOT NULL,
    interlock_kmh REAL    NOT NULL,
    state         TEXT    NOT NULL,
    owner         TEXT    NOT NULL,
    text          TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    sent_at       INTEGER NOT NULL,
    changed_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX commands_device ON commands (device_id, id);
CREATE INDEX commands_open ON commands (device_id, id) WHERE state IN ('queued', 'sent', 'acknowledged');

CREATE TABLE command_steps (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    command_id INTEGER NOT NULL REFERENCES commands (id) ON DELETE CASCADE,
    state      TEXT    NOT NULL,
    time       INTEGER NOT NULL,
    text       TEXT    NOT NULL,
    owner      TEXT    NOT NULL
) STRICT;
CREATE INDEX command_steps_command ON command_steps (command_id, id);

CREATE TABLE saved_commands (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    type         TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    text_channel INTEGER NOT NULL,
    attributes   TEXT    NOT NULL          -- JSON object
) STRICT;

CREATE TABLE user_commands (
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    command_id INTEGER NOT NULL REFERENCES saved_commands (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, command_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_commands_command ON user_commands (command_id);

CREATE TABLE device_commands (
    device_id  INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    command_id INTEGER NOT NULL REFERENCES saved_commands (id) ON DELETE CASCADE,
    PRIMARY KEY (device_id, command_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_commands_command ON device_commands (command_id);

-- No foreign keys: what was done stays written when who and what are gone.
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    time        INTEGER NOT NULL,
    user_id     INTEGER NOT NULL,          -- 0 for none
    address     TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    object_type TEXT    NOT NULL,
    object_id   INTEGER NOT NULL,
    attributes  TEXT    NOT NULL           -- JSON object
) STRICT;
CREATE INDEX audit_time ON audit (time);
CREATE INDEX audit_object ON audit (object_type, object_id, id);
