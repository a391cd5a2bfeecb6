-- +goose Up
ALTER TABLE unknown_devices ADD COLUMN details TEXT NOT NULL DEFAULT '{}'; -- JSON: frames, guesses, preview
