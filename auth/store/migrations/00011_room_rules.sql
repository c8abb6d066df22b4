-- +goose Up
-- What a room asks beyond its class, and the version that a change names. rules_at is when it last began to ask for more.
ALTER TABLE rooms ADD COLUMN lobby TEXT NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN watermark INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE rooms ADD COLUMN rules_at BIGINT NOT NULL DEFAULT 0;
-- A trusted client's own pages draw the watermark of rooms that want one.
ALTER TABLE api_clients ADD COLUMN trusted INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE api_clients DROP COLUMN trusted;
ALTER TABLE rooms DROP COLUMN rules_at;
ALTER TABLE rooms DROP COLUMN version;
ALTER TABLE rooms DROP COLUMN locked;
ALTER TABLE rooms DROP COLUMN watermark;
ALTER TABLE rooms DROP COLUMN lobby;
