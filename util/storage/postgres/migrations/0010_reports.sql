-- +goose Up
CREATE TABLE report_runs (
    report_id bigint NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    user_id   bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    until     bigint NOT NULL,             -- what was before is dealt with
    sent_at   bigint NOT NULL,             -- -62135596800000 is never
    attempts  bigint NOT NULL,
    error     text   NOT NULL,
    next_at   bigint NOT NULL,             -- -62135596800000 is not waited for
    PRIMARY KEY (report_id, user_id)
);
CREATE INDEX report_runs_user ON report_runs (user_id);

-- How much was done, by days since 1970 UTC.
CREATE TABLE statistics (
    day   bigint NOT NULL,
    name  text   COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (day, name)
);

-- Who was active on a day: of the last days only, then it is a number above.
CREATE TABLE statistics_active (
    day  bigint NOT NULL,
    name text   COLLATE "C" NOT NULL,
    id   bigint NOT NULL,
    PRIMARY KEY (day, name, id)
);
