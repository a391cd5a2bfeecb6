-- What positions mean together, and what happened to devices. Rows and states
-- are bytes, which no statement looks into. Times are milliseconds since 1970
-- UTC; shift_mm and shift_ms are added to the totals in a row: late reports
-- shift many. All of it goes with its device.

-- +goose Up
ALTER TABLE device_heads ADD COLUMN epoch bigint NOT NULL DEFAULT 0;

CREATE TABLE trips (
    device_id  bigint NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    start_time bigint NOT NULL,
    end_time   bigint NOT NULL,
    row_data   bytea  NOT NULL,
    shift_mm   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, start_time)
);
CREATE TABLE stops (
    device_id  bigint NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    start_time bigint NOT NULL,
    end_time   bigint NOT NULL,
    row_data   bytea  NOT NULL,
    shift_mm   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, start_time)
);
CREATE TABLE days (
    device_id bigint NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    number    bigint NOT NULL, -- days since 1970-01-01
    row_data  bytea  NOT NULL,
    shift_mm  bigint NOT NULL DEFAULT 0,
    shift_ms  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, number)
);
CREATE TABLE checkpoints (
    device_id bigint NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    time      bigint NOT NULL,
    state     bytea  NOT NULL,
    shift_mm  bigint NOT NULL DEFAULT 0,
    shift_ms  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (device_id, time)
);
CREATE TABLE events (
    id             bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id      bigint  NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    time           bigint  NOT NULL,
    type           text    COLLATE "C" NOT NULL,
    geofence_id    bigint  NOT NULL,
    maintenance_id bigint  NOT NULL,
    detail         text    COLLATE "C" NOT NULL,
    end_time       bigint  NOT NULL, -- -62135596800000 is none
    server_time    bigint  NOT NULL,
    position_id    bigint  NOT NULL,
    attributes     text    NOT NULL, -- JSON object
    found          bigint, -- the time of the report that showed it, which may take it back
    told           boolean NOT NULL DEFAULT false,
    UNIQUE (device_id, time, type, geofence_id, maintenance_id, detail)
);
CREATE INDEX events_untold ON events (id) WHERE NOT told;
CREATE INDEX events_found ON events (device_id, found) WHERE found IS NOT NULL;
