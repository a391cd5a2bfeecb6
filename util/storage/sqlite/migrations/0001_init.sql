-- Times are milliseconds since 1970 UTC; the zero time is -62135596800000, so no column is null for "never".

-- +goose Up
CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL,
    email         TEXT    NOT NULL UNIQUE, -- lower case
    password_hash TEXT    NOT NULL,
    administrator INTEGER NOT NULL,
    disabled      INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    attributes    TEXT    NOT NULL         -- JSON object
) STRICT;

CREATE TABLE devices (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL,
    unique_id   TEXT    NOT NULL UNIQUE,
    search      TEXT    NOT NULL,          -- name and unique id in lower case
    group_id    INTEGER NOT NULL,
    phone       TEXT    NOT NULL,
    model       TEXT    NOT NULL,
    contact     TEXT    NOT NULL,
    category    TEXT    NOT NULL,
    disabled    INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    attributes  TEXT    NOT NULL,          -- JSON object
    last_update INTEGER NOT NULL DEFAULT -62135596800000,
    -- The newest position, and what decides whether another one is newer.
    position_id          INTEGER NOT NULL DEFAULT 0,
    position_fix_time    INTEGER NOT NULL DEFAULT -62135596800000,
    position_device_time INTEGER NOT NULL DEFAULT -62135596800000
) STRICT;

-- No foreign key to devices: inserts look the devices up anyway, in the same
-- transaction, and deletes go in portions.
CREATE TABLE positions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id   INTEGER NOT NULL,
    protocol    TEXT    NOT NULL,
    server_time INTEGER NOT NULL,
    device_time INTEGER NOT NULL,
    fix_time    INTEGER NOT NULL,
    valid       INTEGER NOT NULL,
    outdated    INTEGER NOT NULL,
    latitude    REAL    NOT NULL,
    longitude   REAL    NOT NULL,
    altitude    REAL    NOT NULL,          -- metres
    speed       REAL    NOT NULL,          -- knots
    course      REAL    NOT NULL,
    accuracy    REAL    NOT NULL,          -- metres
    network     TEXT    NOT NULL,          -- JSON object, empty for none
    attributes  TEXT    NOT NULL,          -- JSON object
    fingerprint INTEGER NOT NULL           -- the 64 bits, read as signed
) STRICT;
CREATE UNIQUE INDEX positions_report ON positions (device_id, device_time, fingerprint);
CREATE INDEX positions_history ON positions (device_id, fix_time);

CREATE TABLE unknown_devices (
    protocol   TEXT    NOT NULL,
    unique_id  TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    last_frame BLOB,
    PRIMARY KEY (protocol, unique_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash BLOB    NOT NULL PRIMARY KEY,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE user_devices (
    user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, device_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_devices_device ON user_devices (device_id);

CREATE TABLE telegram_accounts (
    telegram_id INTEGER NOT NULL PRIMARY KEY,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    linked_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX telegram_accounts_user ON telegram_accounts (user_id);

-- One code per user: a new one takes the place of the old.
CREATE TABLE telegram_codes (
    user_id    INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    code_hash  BLOB    NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE telegram_offsets (
    bot_id      INTEGER NOT NULL PRIMARY KEY,
    next_update INTEGER NOT NULL
) STRICT;
