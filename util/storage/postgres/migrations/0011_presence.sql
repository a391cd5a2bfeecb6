-- +goose Up
-- When a device's last connection was closed, and how many seconds it may be
-- silent; 0 is the usual time.
ALTER TABLE devices ADD COLUMN disconnected_at bigint NOT NULL DEFAULT -62135596800000, -- which is never
    ADD COLUMN silent_after bigint NOT NULL DEFAULT 0;
