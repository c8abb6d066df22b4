-- +goose Up
-- When somebody who is in no meeting asked for the one in a room to end: the instances look for it.
ALTER TABLE rooms ADD COLUMN ended_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX rooms_ended ON rooms(ended_at);
CREATE INDEX rooms_deleted ON rooms(deleted_at);

-- +goose Down
DROP INDEX rooms_deleted;
DROP INDEX rooms_ended;
ALTER TABLE rooms DROP COLUMN ended_at;
