package store

import (
	"context"
	"time"
)

// RoomEnd says that the meeting in a room is over since At: it was to end, or its room is gone.
type RoomEnd struct {
	Room string
	At   time.Time
}

// End asks for the meeting in a room to end. The instances see it by Over.
func (r Rooms) End(ctx context.Context, id string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE rooms SET ended_at=$2 WHERE id=$1 AND deleted_at=0`, id, ms(now))
}

func scanRoomEnd(s scanner) (e RoomEnd, err error) {
	err = s.Scan(&e.Room, at{&e.At})
	return e, err
}

// Over lists rooms whose meeting was to end, or that were deleted, since a time; the earliest first.
func (r Rooms) Over(ctx context.Context, since time.Time, limit int) ([]RoomEnd, error) {
	return many(ctx, r.q, scanRoomEnd, `SELECT id, CASE WHEN deleted_at>ended_at THEN deleted_at ELSE ended_at END AS since FROM rooms
		WHERE deleted_at>=$1 OR ended_at>=$1 ORDER BY since, id LIMIT $2`, ms(since), limit)
}

// All lists everybody's rooms after an id, by id.
func (r Rooms) All(ctx context.Context, after string, limit int) ([]Room, error) {
	return many(ctx, r.q, scanRoom, `SELECT `+roomCols+` FROM rooms WHERE deleted_at=0 AND id>$1 ORDER BY id LIMIT $2`, after, limit)
}
