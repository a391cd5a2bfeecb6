-- The database as schema 2 made it, with a few rows. It stands for the databases
-- of that release and is never changed: a later program must bring it up to date.

CREATE TABLE waymark_schema (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    version_id INTEGER NOT NULL,
    is_applied INTEGER NOT NULL,
    tstamp     TIMESTAMP DEFAULT (datetime('now'))
);
INSERT INTO waymark_schema (version_id, is_applied) VALUES (0, 1), (1, 1), (2, 1);

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

INSERT INTO users (id, name, email, password_hash, administrator, disabled, expires_at, attributes) VALUES
    (1, 'Ada', 'ada@example.org', '$argon2id$v=19$m=1,t=1,p=1$AAAA$BBBB', 1, 0, -62135596800000, '{}'),
    (2, 'Łukasz', 'lukasz@example.org', '', 0, 1, 1774749598123, '{"theme":"dark"}');
INSERT INTO devices (id, name, unique_id, search, group_id, phone, model, contact, category, disabled, expires_at, attributes,
    last_update, position_id, position_fix_time, position_device_time) VALUES
    (1, 'Truck Ä', '860000000000001', 'truck ä' || char(10) || '860000000000001', 3, '+49', 'GT06N', 'c', 'truck', 1, 1774749598123, '{"speedLimit":50.5}',
        1774749599123, 2, 1774749598123, 1774749598123),
    (2, 'silent', '2', 'silent' || char(10) || '2', 0, '', '', '', '', 0, -62135596800000, '{}',
        -62135596800000, 0, -62135596800000, -62135596800000);
INSERT INTO positions (id, device_id, protocol, server_time, device_time, fix_time, valid, outdated,
    latitude, longitude, altitude, speed, course, accuracy, network, attributes, fingerprint) VALUES
    (1, 1, 'gt06', 1774749590123, 1774749589123, 1774749589123, 1, 0, 52.5, 13.4, 34.0, 20.5, 90.0, 5.0,
        '{"radioType":"lte","considerIp":false,"cellTowers":[{"radioType":"lte","cellId":7,"locationAreaCode":3,"mobileCountryCode":262,"mobileNetworkCode":1}]}',
        '{"ignition":true,"sat":9}', -1),
    (2, 1, 'gt06', 1774749599123, 1774749598123, 1774749598123, 0, 1, -52.5, -13.4, 0.0, 0.0, 0.0, 0.0, '', '{}', 1);
INSERT INTO unknown_devices (protocol, unique_id, address, first_seen, last_seen, count, last_frame) VALUES
    ('h02', '4209951296', '192.0.2.7:40001', 1774749590123, 1774749598123, 12, x'2a48512c');
INSERT INTO sessions (token_hash, user_id, created_at, expires_at) VALUES (x'0101010101010101010101010101010101010101010101010101010101010101', 1, 1774749590123, 1774749598123);
INSERT INTO user_devices (user_id, device_id) VALUES (2, 1);
INSERT INTO telegram_accounts (telegram_id, user_id, name, linked_at) VALUES (1099511627776, 1, 'Ada', 1774749598123);
INSERT INTO telegram_codes (user_id, code_hash, expires_at) VALUES (2, x'0202020202020202020202020202020202020202020202020202020202020202', 1774749598123);
INSERT INTO telegram_offsets (bot_id, next_update) VALUES (12, 34);
INSERT INTO commands (id, device_id, user_id, type, attributes, after_report, interlock_kmh, state, owner, text,
    created_at, sent_at, changed_at, expires_at) VALUES
    (1, 1, 1, 'engineStop', '{"force":false}', 1, 20.5, 'sent', 'tracker-1', '', 1774749590123, 1774749598123, 1774749598123, 1774749898123);
INSERT INTO command_steps (id, command_id, state, time, text, owner) VALUES
    (1, 1, 'queued', 1774749590123, '', ''), (2, 1, 'sent', 1774749598123, '', 'tracker-1');
INSERT INTO saved_commands (id, type, description, text_channel, attributes) VALUES (1, 'custom', 'Where?', 0, '{"data":"WHERE#"}');
INSERT INTO user_commands (user_id, command_id) VALUES (2, 1);
INSERT INTO device_commands (device_id, command_id) VALUES (2, 1);
INSERT INTO audit (id, time, user_id, address, action, object_type, object_id, attributes) VALUES
    (1, 1774749590123, 1, '192.0.2.1', 'send', 'command', 1, '{"type":"engineStop"}');
