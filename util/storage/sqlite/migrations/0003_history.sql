-- Positions, and what is known of devices by them, moved to files of their own:
-- recent.db and history/. What was here is moved there when the database is
-- opened (convert.go), from these tables, which then go.

-- +goose Up
DROP INDEX positions_report;
DROP INDEX positions_history;
ALTER TABLE positions RENAME TO old_positions;
CREATE TABLE old_devices (
    id          INTEGER PRIMARY KEY,
    last_update INTEGER NOT NULL
) STRICT;
INSERT INTO old_devices SELECT id, last_update FROM devices WHERE last_update <> -62135596800000;
ALTER TABLE devices DROP COLUMN last_update;
ALTER TABLE devices DROP COLUMN position_id;
ALTER TABLE devices DROP COLUMN position_fix_time;
ALTER TABLE devices DROP COLUMN position_device_time;
