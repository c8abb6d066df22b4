-- +goose Up
CREATE TABLE stream_keys (
  id         TEXT PRIMARY KEY,
  room_id    TEXT NOT NULL REFERENCES rooms(id) ON DELETE CASCADE,
  owner      TEXT NOT NULL,
  label      TEXT NOT NULL,
  mode       TEXT NOT NULL,
  hash       TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT NOT NULL,
  used_at    BIGINT NOT NULL
);
CREATE INDEX stream_keys_room ON stream_keys(room_id);

-- +goose Down
DROP TABLE stream_keys;
