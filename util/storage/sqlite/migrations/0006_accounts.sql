-- +goose Up
CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    hash       BLOB    NOT NULL UNIQUE,    -- SHA-256
    prefix     TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX tokens_user ON tokens (user_id);

ALTER TABLE sessions ADD COLUMN token_id INTEGER REFERENCES tokens (id) ON DELETE CASCADE;
CREATE INDEX sessions_token ON sessions (token_id) WHERE token_id IS NOT NULL;

CREATE TABLE totp (
    user_id    INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    key        TEXT    NOT NULL,           -- base32
    last_step  INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES totp (user_id) ON DELETE CASCADE,
    hash    BLOB    NOT NULL,              -- SHA-256
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE passkeys (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id       INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name          TEXT    NOT NULL,
    credential_id BLOB    NOT NULL UNIQUE,
    record        BLOB    NOT NULL,        -- JSON object
    created_at    INTEGER NOT NULL,
    used_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX passkeys_user ON passkeys (user_id);

CREATE TABLE tickets (
    hash       BLOB    PRIMARY KEY,        -- SHA-256
    purpose    TEXT    NOT NULL,
    user_id    INTEGER REFERENCES users (id) ON DELETE CASCADE,
    body       BLOB    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_purpose ON tickets (purpose, expires_at);
CREATE INDEX tickets_user ON tickets (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE identities (
    issuer  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_user ON identities (user_id);
