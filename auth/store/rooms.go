package store

import (
	"context"
	"errors"
	"time"
)

// Room is a place to meet. Owner is a subject ("u:<user>" or "c:<client>").
type Room struct {
	ID, Title, Owner, Class string
	E2EE, Guests            bool
	Listeners               bool          // participants publish nothing until a host promotes them
	Screens                 int           // shared at once; 0: as many as the deployment lets
	ACR                     string        // how sure people must have made us, beyond the class; empty: no more
	FactorMaxAge            time.Duration // and how recently; 0: no more than the class
	Lobby                   string        // who waits at the door, beyond the class; empty: no more
	Watermark               bool          // beyond the class
	Locked                  bool          // its meetings begin locked
	Version                 int64         // rises with every change; 1 at first
	RulesAt                 time.Time     // when the room last began to ask for more; zero: never
	CreatedAt, DeletedAt    time.Time
}

// Rooms is the table of rooms. A deleted room keeps its row, so its id never comes back as another room.
type Rooms struct{ q querier }

const roomCols = `id, title, owner, class, e2ee, guests, screens, created_at, deleted_at, acr, factor_max_age, listeners, lobby, watermark, locked, version, rules_at`

func scanRoom(s scanner) (r Room, err error) {
	err = s.Scan(&r.ID, &r.Title, &r.Owner, &r.Class, yes{&r.E2EE}, yes{&r.Guests}, &r.Screens, at{&r.CreatedAt}, at{&r.DeletedAt}, &r.ACR, span{&r.FactorMaxAge}, yes{&r.Listeners},
		&r.Lobby, yes{&r.Watermark}, yes{&r.Locked}, &r.Version, at{&r.RulesAt})
	return r, err
}

func (r Rooms) Create(ctx context.Context, m Room) error {
	return exec(ctx, r.q, `INSERT INTO rooms (`+roomCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,1,$16)`,
		m.ID, m.Title, m.Owner, m.Class, flag(m.E2EE), flag(m.Guests), m.Screens, ms(m.CreatedAt), ms(m.DeletedAt), m.ACR, m.FactorMaxAge.Milliseconds(), flag(m.Listeners),
		m.Lobby, flag(m.Watermark), flag(m.Locked), ms(m.RulesAt))
}

// Get gives a room that is not deleted.
func (r Rooms) Get(ctx context.Context, id string) (Room, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+roomCols+` FROM rooms WHERE id=$1 AND deleted_at=0`, id), scanRoom)
}

// Of lists the rooms a subject owns or is a member of, newest first.
func (r Rooms) Of(ctx context.Context, subject string, limit int) ([]Room, error) {
	return many(ctx, r.q, scanRoom, `SELECT `+roomCols+` FROM rooms WHERE deleted_at=0 AND
		(owner=$1 OR id IN (SELECT room_id FROM room_members WHERE subject=$1)) ORDER BY created_at DESC, id LIMIT $2`, subject, limit)
}

// Update changes a room whose version is still m.Version, and raises it; ErrConflict when it is not.
func (r Rooms) Update(ctx context.Context, m Room) error {
	err := execOne(ctx, r.q, `UPDATE rooms SET title=$3, class=$4, e2ee=$5, guests=$6, screens=$7, acr=$8, factor_max_age=$9, listeners=$10,
		lobby=$11, watermark=$12, locked=$13, rules_at=$14, version=version+1 WHERE id=$1 AND version=$2 AND deleted_at=0`,
		m.ID, m.Version, m.Title, m.Class, flag(m.E2EE), flag(m.Guests), m.Screens, m.ACR, m.FactorMaxAge.Milliseconds(), flag(m.Listeners),
		m.Lobby, flag(m.Watermark), flag(m.Locked), ms(m.RulesAt))
	if errors.Is(err, ErrNotFound) {
		if _, there := r.Get(ctx, m.ID); there == nil {
			return ErrConflict
		}
	}
	return err
}

func (r Rooms) Delete(ctx context.Context, id string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE rooms SET deleted_at=$2 WHERE id=$1 AND deleted_at=0`, id, ms(now))
}

// Member is a subject with a standing role in a room.
type Member struct{ Room, Subject, Role string }

// Members is the table of standing roles.
type Members struct{ q querier }

func scanMember(s scanner) (m Member, err error) {
	err = s.Scan(&m.Room, &m.Subject, &m.Role)
	return m, err
}

func (r Members) Set(ctx context.Context, m Member) error {
	return exec(ctx, r.q, `INSERT INTO room_members (room_id, subject, role) VALUES ($1,$2,$3)
		ON CONFLICT (room_id, subject) DO UPDATE SET role=excluded.role`, m.Room, m.Subject, m.Role)
}

func (r Members) Get(ctx context.Context, room, subject string) (Member, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT room_id, subject, role FROM room_members WHERE room_id=$1 AND subject=$2`, room, subject), scanMember)
}

func (r Members) List(ctx context.Context, room string) ([]Member, error) {
	return many(ctx, r.q, scanMember, `SELECT room_id, subject, role FROM room_members WHERE room_id=$1 ORDER BY subject`, room)
}

func (r Members) Delete(ctx context.Context, room, subject string) error {
	return execOne(ctx, r.q, `DELETE FROM room_members WHERE room_id=$1 AND subject=$2`, room, subject)
}

// Meeting is one occurrence of a room.
type Meeting struct {
	ID, Room, Title    string
	StartedAt, EndedAt time.Time
	Peak               int // most people at once
}

// Meetings is the table of past and running meetings.
type Meetings struct{ q querier }

const meetingCols = `id, room_id, title, started_at, ended_at, peak`

func scanMeeting(s scanner) (m Meeting, err error) {
	err = s.Scan(&m.ID, &m.Room, &m.Title, at{&m.StartedAt}, at{&m.EndedAt}, &m.Peak)
	return m, err
}

// Start records a meeting once; starting it again changes nothing.
func (r Meetings) Start(ctx context.Context, m Meeting) error {
	return exec(ctx, r.q, `INSERT INTO meetings (`+meetingCols+`) VALUES ($1,$2,$3,$4,0,$5) ON CONFLICT (id) DO NOTHING`,
		m.ID, m.Room, m.Title, ms(m.StartedAt), m.Peak)
}

func (r Meetings) End(ctx context.Context, id string, peak int, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE meetings SET ended_at=$2, peak=$3 WHERE id=$1 AND ended_at=0`, id, ms(now), peak)
}

func (r Meetings) Of(ctx context.Context, room string, limit int) ([]Meeting, error) {
	return many(ctx, r.q, scanMeeting, `SELECT `+meetingCols+` FROM meetings WHERE room_id=$1 ORDER BY started_at DESC, id LIMIT $2`, room, limit)
}

// Ban keeps a subject out of a room.
type Ban struct {
	Room, Subject, Actor string
	CreatedAt            time.Time
}

// Bans is the table of bans.
type Bans struct{ q querier }

func scanBan(s scanner) (b Ban, err error) {
	err = s.Scan(&b.Room, &b.Subject, &b.Actor, at{&b.CreatedAt})
	return b, err
}

// Add bans; banning twice keeps the first.
func (r Bans) Add(ctx context.Context, b Ban) error {
	return exec(ctx, r.q, `INSERT INTO bans (room_id, subject, actor, created_at) VALUES ($1,$2,$3,$4) ON CONFLICT (room_id, subject) DO NOTHING`,
		b.Room, b.Subject, b.Actor, ms(b.CreatedAt))
}

func (r Bans) Has(ctx context.Context, room, subject string) (bool, error) {
	var n int
	err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM bans WHERE room_id=$1 AND subject=$2`, room, subject).Scan(&n)
	return n > 0, translate(err)
}

func (r Bans) List(ctx context.Context, room string) ([]Ban, error) {
	return many(ctx, r.q, scanBan, `SELECT room_id, subject, actor, created_at FROM bans WHERE room_id=$1 ORDER BY created_at, subject`, room)
}

func (r Bans) Lift(ctx context.Context, room, subject string) error {
	return execOne(ctx, r.q, `DELETE FROM bans WHERE room_id=$1 AND subject=$2`, room, subject)
}
