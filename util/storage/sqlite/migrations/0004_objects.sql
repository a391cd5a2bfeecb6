-- +goose Up
ALTER TABLE users ADD COLUMN login        TEXT    NOT NULL DEFAULT '';   -- lower case
ALTER TABLE users ADD COLUMN device_limit INTEGER NOT NULL DEFAULT -1;   -- -1 is no limit
ALTER TABLE users ADD COLUMN user_limit   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN profile      TEXT    NOT NULL DEFAULT '{}'; -- JSON object
CREATE UNIQUE INDEX users_login ON users (login) WHERE login <> '';

ALTER TABLE devices ADD COLUMN calendar_id INTEGER NOT NULL DEFAULT 0;
-- There were no groups: a number in there would name whatever group gets it.
UPDATE devices SET group_id = 0 WHERE group_id <> 0;
CREATE INDEX devices_group ON devices (group_id) WHERE group_id <> 0;

-- What people make, a row each: body is the object as JSON, the references are
-- columns, so that they can be set to 0 when their target goes.
CREATE TABLE objects (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    search      TEXT    NOT NULL,          -- name in lower case
    group_id    INTEGER NOT NULL,
    calendar_id INTEGER NOT NULL,
    command_id  INTEGER NOT NULL,
    body        TEXT    NOT NULL
) STRICT;
CREATE INDEX objects_kind ON objects (kind, name, id);
CREATE INDEX objects_group ON objects (group_id) WHERE group_id <> 0;

-- No foreign keys: a column names things of several tables. Whoever deletes one
-- deletes its links.
CREATE TABLE links (
    owner       TEXT    NOT NULL,
    owner_id    INTEGER NOT NULL,
    property    TEXT    NOT NULL,
    property_id INTEGER NOT NULL,
    PRIMARY KEY (owner, owner_id, property, property_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_property ON links (property, property_id);
INSERT INTO links SELECT 'user', user_id, 'device', device_id FROM user_devices;
DROP TABLE user_devices;

INSERT INTO objects (id, kind, name, search, group_id, calendar_id, command_id, body)
    SELECT id, 'command', description, lower(description), 0, 0, 0,
        json_object('id', id, 'deviceId', 0, 'type', type, 'description', nullif(description, ''),
            'textChannel', json(iif(text_channel, 'true', 'false')), 'attributes', json(attributes))
    FROM saved_commands;
INSERT INTO links SELECT 'user', user_id, 'command', command_id FROM user_commands;
INSERT INTO links SELECT 'device', device_id, 'command', command_id FROM device_commands;
DROP TABLE user_commands;
DROP TABLE device_commands;
DROP TABLE saved_commands;

CREATE TABLE media (
    device_id INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    name      TEXT    NOT NULL,
    type      TEXT    NOT NULL,
    content   BLOB    NOT NULL,
    PRIMARY KEY (device_id, name)
) STRICT;

CREATE TABLE server (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    body TEXT NOT NULL                     -- JSON object
) STRICT;
