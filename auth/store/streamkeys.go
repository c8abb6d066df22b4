package store

import (
	"context"
	"time"
)

// StreamKey lets an encoder or a player into one room. Owner is the subject who answers for it; Hash is of the secret,
// which is nowhere else.
type StreamKey struct {
	ID, Room, Owner, Label, Mode, Hash      string
	CreatedAt, ExpiresAt, RevokedAt, UsedAt time.Time
}

// StreamKeys is the table of stream keys. Those that are over stay for the record until they are pruned.
type StreamKeys struct{ q querier }

const streamKeyCols = `id, room_id, owner, label, mode, hash, created_at, expires_at, revoked_at, used_at`

func scanStreamKey(s scanner) (k StreamKey, err error) {
	err = s.Scan(&k.ID, &k.Room, &k.Owner, &k.Label, &k.Mode, &k.Hash, at{&k.CreatedAt}, at{&k.ExpiresAt}, at{&k.RevokedAt}, at{&k.UsedAt})
	return k, err
}

func (r StreamKeys) Create(ctx context.Context, k StreamKey) error {
	return exec(ctx, r.q, `INSERT INTO stream_keys (`+streamKeyCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`,
		k.ID, k.Room, k.Owner, k.Label, k.Mode, k.Hash, ms(k.CreatedAt), ms(k.ExpiresAt), ms(k.RevokedAt), ms(k.UsedAt))
}

func (r StreamKeys) Get(ctx context.Context, id string) (StreamKey, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+streamKeyCols+` FROM stream_keys WHERE id=$1`, id), scanStreamKey)
}

// Of lists a room's keys that are neither revoked nor over at now, newest first.
func (r StreamKeys) Of(ctx context.Context, room string, now time.Time) ([]StreamKey, error) {
	return many(ctx, r.q, scanStreamKey, `SELECT `+streamKeyCols+` FROM stream_keys WHERE room_id=$1 AND revoked_at=0 AND expires_at>$2
		ORDER BY created_at DESC, id`, room, ms(now))
}

// Revoke ends a key once.
func (r StreamKeys) Revoke(ctx context.Context, id string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE stream_keys SET revoked_at=$2 WHERE id=$1 AND revoked_at=0`, id, ms(now))
}

// Used notes when a key was last presented.
func (r StreamKeys) Used(ctx context.Context, id string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE stream_keys SET used_at=$2 WHERE id=$1`, id, ms(now))
}

// Prune forgets keys that ended before a time.
func (r StreamKeys) Prune(ctx context.Context, before time.Time) error {
	return exec(ctx, r.q, `DELETE FROM stream_keys WHERE expires_at<$1`, ms(before))
}
