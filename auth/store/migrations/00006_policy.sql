-- +goose Up
CREATE TABLE policies (
  version    BIGINT PRIMARY KEY,
  author     TEXT NOT NULL,
  comment    TEXT NOT NULL,
  text       TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE policy_decisions (
  id      TEXT PRIMARY KEY,
  at      BIGINT NOT NULL,
  version BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  rule    TEXT NOT NULL,
  facts   TEXT NOT NULL
);
CREATE INDEX policy_decisions_at ON policy_decisions(at);
CREATE TABLE seen (
  subject  TEXT NOT NULL,
  kind     TEXT NOT NULL,
  what     TEXT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at  BIGINT NOT NULL,
  PRIMARY KEY (subject, kind, what)
);
CREATE INDEX seen_last ON seen(last_at);
CREATE TABLE managed_devices (
  thumbprint  TEXT PRIMARY KEY,
  label       TEXT NOT NULL,
  enrolled_by TEXT NOT NULL,
  enrolled_at BIGINT NOT NULL
);
CREATE TABLE failures (
  subject TEXT NOT NULL,
  slot    BIGINT NOT NULL,
  n       BIGINT NOT NULL,
  PRIMARY KEY (subject, slot)
);
CREATE INDEX failures_slot ON failures(slot);

-- +goose Down
DROP TABLE failures;
DROP TABLE managed_devices;
DROP TABLE seen;
DROP TABLE policy_decisions;
DROP TABLE policies;
