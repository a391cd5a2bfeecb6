-- +goose Up
CREATE TABLE shares (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       text   COLLATE "C" NOT NULL,
    token      text   COLLATE "C" NOT NULL,
    token_hash bytea  NOT NULL UNIQUE,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,            -- -62135596800000 is never
    arrived_at bigint NOT NULL,            -- -62135596800000 is not yet
    opened     bigint NOT NULL DEFAULT 0,
    opened_at  bigint NOT NULL,
    view       text   NOT NULL             -- JSON object
);
CREATE INDEX shares_user ON shares (user_id);
