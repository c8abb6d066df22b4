-- +goose Up
CREATE TABLE passkeys (
  id         TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  credential TEXT NOT NULL UNIQUE,
  public_key TEXT NOT NULL,
  name       TEXT NOT NULL,
  aaguid     TEXT NOT NULL,
  transports TEXT NOT NULL,
  synced     INTEGER NOT NULL,
  sign_count BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at    BIGINT NOT NULL,
  blocked_at BIGINT NOT NULL
);
CREATE INDEX passkeys_user ON passkeys(user_id);
CREATE TABLE ceremonies (
  challenge  TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  bound      TEXT NOT NULL,
  address    TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX ceremonies_bound ON ceremonies(bound);
CREATE INDEX ceremonies_address ON ceremonies(address);
CREATE INDEX ceremonies_expires ON ceremonies(expires_at);
CREATE TABLE approvals (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  object     TEXT NOT NULL,
  detail     TEXT NOT NULL,
  state      TEXT NOT NULL,
  asked_by   TEXT NOT NULL,
  asked_at   BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_at BIGINT NOT NULL,
  told_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX approvals_open ON approvals(kind, object) WHERE state = 'open';
CREATE INDEX approvals_object ON approvals(object);
ALTER TABLE logins ADD COLUMN resistant_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN acr TEXT NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN factor_max_age BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE rooms DROP COLUMN factor_max_age;
ALTER TABLE rooms DROP COLUMN acr;
ALTER TABLE logins DROP COLUMN resistant_at;
DROP TABLE approvals;
DROP TABLE ceremonies;
DROP TABLE passkeys;
