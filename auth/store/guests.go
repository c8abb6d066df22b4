package store

import (
	"context"
	"time"
)

// GuestLink lets people without an account to the door of one room. Hash is the keyed hash of its secret; Mail and Code
// are sealed.
type GuestLink struct {
	ID, Room, Owner, Label, Hash, Mode, Mail  string
	MaxUses, Uses                             int64
	CreatedAt, ExpiresAt, RevokedAt, ClosedAt time.Time
	Code                                      string // the living one-time code; empty: none
	CodeAt                                    time.Time
	CodeTries, Codes, Wrong                   int64
}

// GuestVisit is somebody who came by a link; Hash is of the secret with which they come again.
type GuestVisit struct {
	ID, Link, Hash, Participant string
	CreatedAt                   time.Time
}

// GuestLimits are the numbers beyond which a link takes no code any more.
type GuestLimits struct {
	Tries, Wrong, Codes int64
	Life, Pause         time.Duration // of a code, and between two
}

// Guests is the tables of guests' links and visits. Links that are over stay for the record until they are pruned.
type Guests struct{ q querier }

const guestLinkCols = `id, room_id, owner, label, hash, mode, mail_sealed, max_uses, uses, created_at, expires_at, revoked_at, closed_at, code_sealed, code_at, code_tries, codes, wrong`

func scanGuestLink(s scanner) (l GuestLink, err error) {
	err = s.Scan(&l.ID, &l.Room, &l.Owner, &l.Label, &l.Hash, &l.Mode, &l.Mail, &l.MaxUses, &l.Uses, at{&l.CreatedAt}, at{&l.ExpiresAt},
		at{&l.RevokedAt}, at{&l.ClosedAt}, &l.Code, at{&l.CodeAt}, &l.CodeTries, &l.Codes, &l.Wrong)
	return l, err
}

// Create makes a link.
func (r Guests) Create(ctx context.Context, l GuestLink) error {
	return exec(ctx, r.q, `INSERT INTO guest_links (`+guestLinkCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,0,$9,$10,0,0,'',0,0,0,0)`,
		l.ID, l.Room, l.Owner, l.Label, l.Hash, l.Mode, l.Mail, l.MaxUses, ms(l.CreatedAt), ms(l.ExpiresAt))
}

// Find gives the link of a secret if it lets somebody in now: one who comes again with a visit's secret, or somebody new.
// Whatever is wrong with it, the question is one and the answer ErrNotFound.
func (r Guests) Find(ctx context.Context, hash, visit string, wrong int64, now time.Time) (GuestLink, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+guestLinkCols+` FROM guest_links WHERE hash=$1 AND revoked_at=0 AND expires_at>$2 AND
		((closed_at=0 AND uses<max_uses AND wrong<$3) OR EXISTS (SELECT 1 FROM guest_visits WHERE guest_visits.link_id=guest_links.id AND guest_visits.hash=$4))`,
		hash, ms(now), wrong, visit), scanGuestLink)
}

// Get gives a link, whatever its state.
func (r Guests) Get(ctx context.Context, id string) (GuestLink, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+guestLinkCols+` FROM guest_links WHERE id=$1`, id), scanGuestLink)
}

// Of lists a room's links that are neither revoked nor over at now, newest first.
func (r Guests) Of(ctx context.Context, room string, now time.Time) ([]GuestLink, error) {
	return many(ctx, r.q, scanGuestLink, `SELECT `+guestLinkCols+` FROM guest_links WHERE room_id=$1 AND revoked_at=0 AND expires_at>$2
		ORDER BY created_at DESC, id`, room, ms(now))
}

// Revoke ends a link once, and its code with it.
func (r Guests) Revoke(ctx context.Context, id string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE guest_links SET revoked_at=$2, code_sealed='' WHERE id=$1 AND revoked_at=0`, id, ms(now))
}

// Prune forgets links that were over before a time, and the visits by them.
func (r Guests) Prune(ctx context.Context, before time.Time) error {
	return exec(ctx, r.q, `DELETE FROM guest_links WHERE expires_at<$1`, ms(before))
}

// SetCode puts a new code in the place of the old one, if there may be one now.
func (r Guests) SetCode(ctx context.Context, id, sealed string, m GuestLimits, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE guest_links SET code_sealed=$2, code_at=$3, code_tries=0, codes=codes+1
		WHERE id=$1 AND revoked_at=0 AND expires_at>$3 AND codes<$4 AND code_at<=$5`, id, sealed, ms(now), m.Codes, ms(now.Add(-m.Pause)))
}

// Try counts an attempt at the living code before it is looked at; ErrNotFound when there is none to try.
func (r Guests) Try(ctx context.Context, id string, m GuestLimits, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE guest_links SET code_tries=code_tries+1, wrong=wrong+1
		WHERE id=$1 AND code_sealed<>'' AND code_at>$2 AND code_tries<$3 AND wrong<$4`, id, ms(now.Add(-m.Life)), m.Tries, m.Wrong)
}

// TakeCode uses a code up, once.
func (r Guests) TakeCode(ctx context.Context, id, sealed string) error {
	return execOne(ctx, r.q, `UPDATE guest_links SET code_sealed='', wrong=0 WHERE id=$1 AND code_sealed=$2`, id, sealed)
}

// Use counts somebody new; ErrNotFound when the link takes nobody new.
func (r Guests) Use(ctx context.Context, id string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE guest_links SET uses=uses+1 WHERE id=$1 AND revoked_at=0 AND expires_at>$2 AND closed_at=0 AND uses<max_uses`, id, ms(now))
}

const guestVisitCols = `id, link_id, hash, participant, created_at`

func scanGuestVisit(s scanner) (v GuestVisit, err error) {
	err = s.Scan(&v.ID, &v.Link, &v.Hash, &v.Participant, at{&v.CreatedAt})
	return v, err
}

// AddVisit notes somebody new.
func (r Guests) AddVisit(ctx context.Context, v GuestVisit) error {
	return exec(ctx, r.q, `INSERT INTO guest_visits (`+guestVisitCols+`) VALUES ($1,$2,$3,$4,$5)`, v.ID, v.Link, v.Hash, v.Participant, ms(v.CreatedAt))
}

// Visit finds a visit of a link by the hash of its secret.
func (r Guests) Visit(ctx context.Context, link, hash string) (GuestVisit, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+guestVisitCols+` FROM guest_visits WHERE link_id=$1 AND hash=$2`, link, hash), scanGuestVisit)
}

// Visits lists who came by a link.
func (r Guests) Visits(ctx context.Context, link string) ([]GuestVisit, error) {
	return many(ctx, r.q, scanGuestVisit, `SELECT `+guestVisitCols+` FROM guest_visits WHERE link_id=$1 ORDER BY created_at, id`, link)
}

// LinkOf gives the link that a visit came by.
func (r Guests) LinkOf(ctx context.Context, visit string) (GuestLink, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+guestLinkCols+` FROM guest_links WHERE id=(SELECT link_id FROM guest_visits WHERE id=$1)`, visit), scanGuestLink)
}

// Close takes nobody new by the link that a participant of a room came by; there may be none.
func (r Guests) Close(ctx context.Context, room, participant string, now time.Time) error {
	return exec(ctx, r.q, `UPDATE guest_links SET closed_at=$3 WHERE room_id=$1 AND closed_at=0 AND
		id IN (SELECT link_id FROM guest_visits WHERE participant=$2)`, room, participant, ms(now))
}
