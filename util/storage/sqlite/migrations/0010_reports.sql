-- +goose Up
CREATE TABLE report_runs (
    report_id INTEGER NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    until     INTEGER NOT NULL,            -- what was before is dealt with
    sent_at   INTEGER NOT NULL,            -- -62135596800000 is never
    attempts  INTEGER NOT NULL,
    error     TEXT    NOT NULL,
    next_at   INTEGER NOT NULL,            -- -62135596800000 is not waited for
    PRIMARY KEY (report_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX report_runs_user ON report_runs (user_id);

-- How much was done, by days since 1970 UTC.
CREATE TABLE statistics (
    day   INTEGER NOT NULL,
    name  TEXT    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, name)
) STRICT, WITHOUT ROWID;

-- Who was active on a day: of the last days only, then it is a number above.
CREATE TABLE statistics_active (
    day  INTEGER NOT NULL,
    name TEXT    NOT NULL,
    id   INTEGER NOT NULL,
    PRIMARY KEY (day, name, id)
) STRICT, WITHOUT ROWID;
