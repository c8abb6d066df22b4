-- +goose Up
ALTER TABLE users ADD COLUMN mail_sealed TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN mail_index TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX users_mail ON users(mail_index) WHERE mail_index<>'';
ALTER TABLE api_clients ADD COLUMN next_jwk TEXT NOT NULL DEFAULT '';
ALTER TABLE api_clients ADD COLUMN per_minute INTEGER NOT NULL DEFAULT 0;
CREATE INDEX audit_actor ON audit(actor, seq);
CREATE INDEX audit_verb ON audit(verb, seq);
CREATE INDEX audit_object ON audit(object, seq);
CREATE INDEX audit_result ON audit(result, seq);
CREATE TABLE token_keys (
  kid        TEXT PRIMARY KEY,
  public     TEXT NOT NULL,
  signer     TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  active_at  BIGINT NOT NULL,
  ends_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT NOT NULL
);
CREATE INDEX token_keys_expires ON token_keys(expires_at);

-- +goose Down
DROP TABLE token_keys;
DROP INDEX audit_result;
DROP INDEX audit_object;
DROP INDEX audit_verb;
DROP INDEX audit_actor;
ALTER TABLE api_clients DROP COLUMN per_minute;
ALTER TABLE api_clients DROP COLUMN next_jwk;
DROP INDEX users_mail;
ALTER TABLE users DROP COLUMN mail_index;
ALTER TABLE users DROP COLUMN mail_sealed;
