-- +goose Up
CREATE TABLE guest_links (
  id          TEXT PRIMARY KEY,
  room_id     TEXT NOT NULL REFERENCES rooms(id) ON DELETE CASCADE,
  owner       TEXT NOT NULL,
  label       TEXT NOT NULL,
  hash        TEXT NOT NULL UNIQUE,
  mode        TEXT NOT NULL,
  mail_sealed TEXT NOT NULL,
  max_uses    BIGINT NOT NULL,
  uses        BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  revoked_at  BIGINT NOT NULL,
  closed_at   BIGINT NOT NULL,
  code_sealed TEXT NOT NULL,
  code_at     BIGINT NOT NULL,
  code_tries  BIGINT NOT NULL,
  codes       BIGINT NOT NULL,
  wrong       BIGINT NOT NULL
);
CREATE INDEX guest_links_room ON guest_links(room_id);
CREATE INDEX guest_links_expires ON guest_links(expires_at);
CREATE TABLE guest_visits (
  id          TEXT PRIMARY KEY,
  link_id     TEXT NOT NULL REFERENCES guest_links(id) ON DELETE CASCADE,
  hash        TEXT NOT NULL UNIQUE,
  participant TEXT NOT NULL,
  created_at  BIGINT NOT NULL
);
CREATE INDEX guest_visits_link ON guest_visits(link_id);
CREATE INDEX guest_visits_participant ON guest_visits(participant);
CREATE TABLE reset_links (
  hash       TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX reset_links_user ON reset_links(user_id);

-- +goose Down
DROP TABLE reset_links;
DROP TABLE guest_visits;
DROP TABLE guest_links;
