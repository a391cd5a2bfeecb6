-- +goose Up
ALTER TABLE unknown_devices ADD COLUMN details text NOT NULL DEFAULT '{}'; -- JSON: frames, guesses, preview
