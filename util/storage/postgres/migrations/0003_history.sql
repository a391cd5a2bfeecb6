-- The history of positions (package history): new rows in hot, by generation;
-- the rest compressed in position_blocks, by month. Positions are bytes, which
-- no statement looks into. Times are milliseconds since 1970 UTC.

-- +goose Up
-- What is known of a device without reading its history; every report changes
-- it. Half of each page is free, and no index but the key holds a column, so
-- that such updates stay on their page. newest_number 0: no position.
CREATE TABLE device_heads (
    device_id          bigint  NOT NULL PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    last_update        bigint  NOT NULL DEFAULT -62135596800000,
    last_number        bigint  NOT NULL DEFAULT 0,
    max_time           bigint  NOT NULL DEFAULT 0, -- of no meaning while last_number is 0
    thinned            bigint  NOT NULL DEFAULT 0,
    newest_time        bigint  NOT NULL DEFAULT 0,
    newest_number      bigint  NOT NULL DEFAULT 0,
    newest_fingerprint integer NOT NULL DEFAULT 0,
    newest_position    bytea   NOT NULL DEFAULT ''
) WITH (fillfactor = 50);
ALTER TABLE device_heads ALTER newest_position SET STORAGE MAIN;
INSERT INTO device_heads (device_id, last_update) SELECT id, last_update FROM devices;
ALTER TABLE devices DROP COLUMN last_update, DROP COLUMN position_id,
    DROP COLUMN position_fix_time, DROP COLUMN position_device_time;
ALTER TABLE devices RESET (fillfactor);

-- One of them is not sealed: the one that rows are added to.
CREATE TABLE hot_generations (
    id     bigint  NOT NULL PRIMARY KEY,
    since  bigint  NOT NULL,
    sealed boolean NOT NULL
);
CREATE UNIQUE INDEX hot_generations_current ON hot_generations (sealed) WHERE NOT sealed;

-- A table for each generation, which is dropped as a whole; never vacuumed for
-- what is added to it.
CREATE TABLE hot (
    device_id   bigint  NOT NULL,
    time        bigint  NOT NULL,
    number      bigint  NOT NULL,
    generation  bigint  NOT NULL,
    fingerprint integer NOT NULL,
    position    bytea   NOT NULL
) PARTITION BY LIST (generation);
ALTER TABLE hot ALTER position SET STORAGE MAIN;
CREATE INDEX hot_history ON hot (device_id, time, number);
CREATE TABLE hot_1 PARTITION OF hot FOR VALUES IN (1) WITH (autovacuum_vacuum_insert_threshold = -1);
INSERT INTO hot_generations (id, since, sealed) VALUES (1, extract(epoch FROM now()) * 1000, false);

-- A table for each month of first_time, made when a block needs it. data is
-- compressed already.
CREATE TABLE position_blocks (
    device_id  bigint  NOT NULL,
    first_time bigint  NOT NULL,
    last_time  bigint  NOT NULL,
    min_number bigint  NOT NULL,
    max_number bigint  NOT NULL,
    points     integer NOT NULL,
    data       bytea   NOT NULL,
    PRIMARY KEY (device_id, first_time)
) PARTITION BY RANGE (first_time);
ALTER TABLE position_blocks ALTER data SET STORAGE EXTERNAL;
CREATE INDEX position_blocks_numbers ON position_blocks (device_id, max_number, min_number);

-- Blocks that could not be read, as they are; empty data could not be fetched.
CREATE TABLE blocks_aside (
    device_id  bigint  NOT NULL,
    first_time bigint  NOT NULL,
    last_time  bigint  NOT NULL,
    min_number bigint  NOT NULL,
    max_number bigint  NOT NULL,
    points     integer NOT NULL,
    data       bytea   NOT NULL
);

-- One row: how often the lock of who changes history was taken. It tells the
-- holder from one who lost it.
CREATE TABLE history_lock (
    token bigint NOT NULL
);
INSERT INTO history_lock (token) VALUES (0);

-- What was here is moved when the database is opened (convert.go); then the
-- table goes.
ALTER TABLE positions RENAME TO old_positions;
ALTER TABLE old_positions DROP CONSTRAINT positions_report;
DROP INDEX positions_history;
