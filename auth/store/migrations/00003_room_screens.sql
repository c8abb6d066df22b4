-- +goose Up
ALTER TABLE rooms ADD COLUMN screens INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE rooms DROP COLUMN screens;
