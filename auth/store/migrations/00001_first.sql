-- +goose Up
CREATE TABLE users (
  id          TEXT PRIMARY KEY,
  login       TEXT NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  role        TEXT NOT NULL,
  state       TEXT NOT NULL,
  password    TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  password_at BIGINT NOT NULL
);
CREATE TABLE invites (
  hash       TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  expires_at BIGINT NOT NULL
);
CREATE TABLE factors (
  id           TEXT PRIMARY KEY,
  user_id      TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  kind         TEXT NOT NULL,
  sealed       TEXT NOT NULL,
  confirmed_at BIGINT NOT NULL,
  last_step    BIGINT NOT NULL,
  created_at   BIGINT NOT NULL
);
CREATE INDEX factors_user ON factors(user_id);
CREATE TABLE recovery_codes (
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  hash    TEXT NOT NULL,
  used_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, hash)
);
CREATE TABLE logins (
  id         TEXT PRIMARY KEY,
  hash       TEXT NOT NULL UNIQUE,
  user_id    TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  state      TEXT NOT NULL,
  amr        TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  mfa_at     BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  address    TEXT NOT NULL,
  agent      TEXT NOT NULL
);
CREATE INDEX logins_user ON logins(user_id);
CREATE TABLE api_clients (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  jwk         TEXT NOT NULL,
  origins     TEXT NOT NULL,
  scopes      TEXT NOT NULL,
  created_at  BIGINT NOT NULL,
  disabled_at BIGINT NOT NULL
);
CREATE TABLE rooms (
  id         TEXT PRIMARY KEY,
  title      TEXT NOT NULL,
  owner      TEXT NOT NULL,
  class      TEXT NOT NULL,
  e2ee       INTEGER NOT NULL,
  guests     INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  deleted_at BIGINT NOT NULL
);
CREATE INDEX rooms_owner ON rooms(owner);
CREATE TABLE room_members (
  room_id TEXT NOT NULL REFERENCES rooms(id) ON DELETE CASCADE,
  subject TEXT NOT NULL,
  role    TEXT NOT NULL,
  PRIMARY KEY (room_id, subject)
);
CREATE INDEX room_members_subject ON room_members(subject);
CREATE TABLE meetings (
  id         TEXT PRIMARY KEY,
  room_id    TEXT NOT NULL REFERENCES rooms(id) ON DELETE CASCADE,
  title      TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at   BIGINT NOT NULL,
  peak       INTEGER NOT NULL
);
CREATE INDEX meetings_room ON meetings(room_id);
CREATE TABLE bans (
  room_id    TEXT NOT NULL REFERENCES rooms(id) ON DELETE CASCADE,
  subject    TEXT NOT NULL,
  actor      TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (room_id, subject)
);
CREATE TABLE audit (
  seq       BIGINT PRIMARY KEY,
  at        BIGINT NOT NULL,
  actor     TEXT NOT NULL,
  verb      TEXT NOT NULL,
  object    TEXT NOT NULL,
  result    TEXT NOT NULL,
  address   TEXT NOT NULL,
  meta      TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash      TEXT NOT NULL,
  signer    TEXT NOT NULL,
  signature TEXT NOT NULL
);
CREATE INDEX audit_at ON audit(at);
CREATE TABLE audit_signers (
  fingerprint TEXT PRIMARY KEY,
  certificate TEXT NOT NULL
);
CREATE TABLE settings (
  name    TEXT PRIMARY KEY,
  value   TEXT NOT NULL,
  version BIGINT NOT NULL
);

-- +goose Down
DROP TABLE settings;
DROP TABLE audit_signers;
DROP TABLE audit;
DROP TABLE bans;
DROP TABLE meetings;
DROP TABLE room_members;
DROP TABLE rooms;
DROP TABLE api_clients;
DROP TABLE logins;
DROP TABLE recovery_codes;
DROP TABLE factors;
DROP TABLE invites;
DROP TABLE users;
