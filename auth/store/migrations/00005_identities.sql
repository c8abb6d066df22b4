-- +goose Up
ALTER TABLE users ADD COLUMN source TEXT NOT NULL DEFAULT 'local';
ALTER TABLE users ADD COLUMN group_names TEXT NOT NULL DEFAULT '[]';
ALTER TABLE logins ADD COLUMN provider TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN provider_subject TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN provider_sid TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN id_token TEXT NOT NULL DEFAULT '';
CREATE INDEX logins_provider ON logins(provider, provider_subject);
CREATE TABLE identities (
  id         TEXT PRIMARY KEY,
  user_id    TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  provider   TEXT NOT NULL,
  issuer     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at    BIGINT NOT NULL,
  UNIQUE (issuer, subject)
);
CREATE INDEX identities_user ON identities(user_id);
CREATE TABLE sign_in_states (
  state      TEXT PRIMARY KEY,
  provider   TEXT NOT NULL,
  bound      TEXT NOT NULL,
  nonce      TEXT NOT NULL,
  verifier   TEXT NOT NULL,
  trip       INTEGER NOT NULL,
  login_id   TEXT NOT NULL,
  confirms   INTEGER NOT NULL,
  user_id    TEXT NOT NULL,
  back       TEXT NOT NULL,
  address    TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sign_in_states_address ON sign_in_states(address);
CREATE INDEX sign_in_states_expires ON sign_in_states(expires_at);
CREATE TABLE logout_tokens (
  id         TEXT PRIMARY KEY,
  expires_at BIGINT NOT NULL
);
CREATE INDEX logout_tokens_expires ON logout_tokens(expires_at);

-- +goose Down
DROP TABLE logout_tokens;
DROP TABLE sign_in_states;
DROP TABLE identities;
DROP INDEX logins_provider;
ALTER TABLE logins DROP COLUMN id_token;
ALTER TABLE logins DROP COLUMN provider_sid;
ALTER TABLE logins DROP COLUMN provider_subject;
ALTER TABLE logins DROP COLUMN provider;
ALTER TABLE users DROP COLUMN group_names;
ALTER TABLE users DROP COLUMN source;
