-- +goose Up
CREATE TABLE shares (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    token      TEXT    NOT NULL,
    token_hash BLOB    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,           -- -62135596800000 is never
    arrived_at INTEGER NOT NULL,           -- -62135596800000 is not yet
    opened     INTEGER NOT NULL DEFAULT 0,
    opened_at  INTEGER NOT NULL,
    view       TEXT    NOT NULL            -- JSON object
) STRICT;
CREATE INDEX shares_user ON shares (user_id);
